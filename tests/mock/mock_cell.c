/* A cell that runs no task (docs/protocol.md): it answers with scripted times, and misbehaves where
 * it is told to. So the driver is tested without a clock, and on faults that a real cell does not
 * have.
 *
 *     --cell 'mock=build/mock/mock_cell --times 100us,200us --die-at 3 11 --when chunk=4'
 *
 * What it answers:
 *   --times LIST       wall times; the k-th answer for the same kind of request has the k-th, over
 * again
 *   --divide           by the number of workers
 *   --flags LIST       flags, likewise; - for none, + between several: -,-,preempted+slow-clock
 *   --open T           time of making the workers, told in the hello (1 ms)
 *   --close T          time of ending them, told in the last answer (1 ms)
 *   --sum N            sum of the terms (0)
 *   --chain PS         ps of an iteration of the register chain (1000)
 *   --with JSON        members added to every answer, or put in the place of its own; without
 * blanks
 *   --without MEMBER   leaves a member out
 *   --pace T           really waits so long before each answer
 *
 * What goes wrong, at the k-th request (from 1) that `--when` picks:
 *   --when MEMBER=VALUE    only requests with this member
 *   --die-at K SIGNAL  --exit-at K STATUS  --hang-at K  --nonsense-at K
 *   --status-at K STATUS   answers with this status and an error
 *   --words TEXT       last words, told to standard error then; _ stands for a blank
 *   --stubborn         ignores SIGTERM
 *
 * How it starts:
 *   --no-hello         never greets     --late T        greets after T
 *   --hello TEXT       greets so        --hello-error TEXT --hello-status STATUS   declines so
 *   --log FILE         appends every request to a file
 *   --places LIST      where the workers in turn were asked to run and were seen: 0:0,1:0
 *
 * The launch options --backend, --workers, --ranks, --threads and --bind are taken. Exit status 64:
 * a wrong option.
 */
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"

#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TIMES = 64, MOST_KINDS = 256, BAD_OPTION = 64 };

enum fault { NONE, DIE, EXIT, HANG, NONSENSE, STATUS };

struct script {
    /* launch */
    const char *backend, *bind;
    uint64_t workers, ranks, threads;
    /* answers */
    uint64_t times_ns[MOST_TIMES];
    size_t n_times;
    bool divide;
    uint64_t open_ns, close_ns, sum, chain_ps, pace_ns;
    json_t *with;
    const char *without;
    char **flags;
    size_t n_flags;
    /* faults */
    enum fault fault;
    uint64_t at, number; /* request, signal or exit status */
    const char *status, *when, *words;
    bool stubborn;
    /* start */
    bool no_hello;
    const char *hello, *hello_error, *log;
    char **places;
    size_t n_places;
    uint64_t hello_status, late_ns;
};

enum {
    TIMES = 256,
    DIVIDE,
    OPEN,
    CLOSE,
    SUM,
    CHAIN,
    WITH,
    WITHOUT,
    PACE,
    FLAGS,
    WHEN,
    DIE_AT,
    EXIT_AT,
    HANG_AT,
    NONSENSE_AT,
    STATUS_AT,
    WORDS,
    STUBBORN,
    NO_HELLO,
    LATE,
    HELLO,
    HELLO_ERROR,
    HELLO_STATUS,
    LOG,
    PLACES,
    BACKEND,
    WORKERS,
    RANKS,
    THREADS,
    BIND,
};

static const struct option long_options[] = {
    {"times", required_argument, NULL, TIMES},
    {"divide", no_argument, NULL, DIVIDE},
    {"open", required_argument, NULL, OPEN},
    {"close", required_argument, NULL, CLOSE},
    {"sum", required_argument, NULL, SUM},
    {"chain", required_argument, NULL, CHAIN},
    {"with", required_argument, NULL, WITH},
    {"without", required_argument, NULL, WITHOUT},
    {"pace", required_argument, NULL, PACE},
    {"flags", required_argument, NULL, FLAGS},
    {"when", required_argument, NULL, WHEN},
    {"die-at", required_argument, NULL, DIE_AT},
    {"exit-at", required_argument, NULL, EXIT_AT},
    {"hang-at", required_argument, NULL, HANG_AT},
    {"nonsense-at", required_argument, NULL, NONSENSE_AT},
    {"status-at", required_argument, NULL, STATUS_AT},
    {"words", required_argument, NULL, WORDS},
    {"stubborn", no_argument, NULL, STUBBORN},
    {"no-hello", no_argument, NULL, NO_HELLO},
    {"late", required_argument, NULL, LATE},
    {"hello", required_argument, NULL, HELLO},
    {"hello-error", required_argument, NULL, HELLO_ERROR},
    {"hello-status", required_argument, NULL, HELLO_STATUS},
    {"log", required_argument, NULL, LOG},
    {"places", required_argument, NULL, PLACES},
    {"backend", required_argument, NULL, BACKEND},
    {"workers", required_argument, NULL, WORKERS},
    {"ranks", required_argument, NULL, RANKS},
    {"threads", required_argument, NULL, THREADS},
    {"bind", required_argument, NULL, BIND},
    {NULL, 0, NULL, 0},
};

/* --- command line --------------------------------------------------------------------------- */

_Noreturn static void refuse(const char *sentence)
{
    fprintf(stderr, "mock_cell: %s\n", sentence);
    exit(BAD_OPTION);
}

static uint64_t read_count(const char *text)
{
    uint64_t value;
    struct err err;
    if (units_count(text, &value, &err) != 0)
        refuse(err.text);
    return value;
}

static uint64_t read_ns(const char *text)
{
    uint64_t value;
    struct err err;
    if (units_duration(text, &value, &err) != 0)
        refuse(err.text);
    return value;
}

static void read_times(struct script *s, const char *text)
{
    size_t n;
    char **words = text_words(text, ",", &n);
    if (n > MOST_TIMES)
        refuse("too many times");
    for (size_t i = 0; i < n; i++)
        s->times_ns[i] = read_ns(words[i]);
    s->n_times = n;
    text_words_free(words);
}

static void read_fault(struct script *s, enum fault fault, int argc, char **argv)
{
    s->fault = fault;
    s->at = read_count(optarg);
    if (fault != DIE && fault != EXIT && fault != STATUS)
        return;
    if (optind >= argc)
        refuse("a fault lacks its second value");
    if (fault == STATUS)
        s->status = argv[optind++];
    else
        s->number = read_count(argv[optind++]);
}

static void read_answer_option(struct script *s, int option)
{
    switch (option) {
    case TIMES:
        read_times(s, optarg);
        return;
    case DIVIDE:
        s->divide = true;
        return;
    case OPEN:
        s->open_ns = read_ns(optarg);
        return;
    case CLOSE:
        s->close_ns = read_ns(optarg);
        return;
    case SUM:
        s->sum = read_count(optarg);
        return;
    case CHAIN:
        s->chain_ps = read_count(optarg);
        return;
    case PACE:
        s->pace_ns = read_ns(optarg);
        return;
    case FLAGS:
        s->flags = text_words(optarg, ",", &s->n_flags);
        for (size_t i = 0; i < s->n_flags; i++)
            for (char *p = s->flags[i]; *p; p++)
                *p = *p == '+' ? ' ' : *p;
        return;
    case WITHOUT:
        s->without = optarg;
        return;
    case WITH:
        s->with = json_loads(optarg, 0, NULL);
        if (!json_is_object(s->with))
            refuse("--with takes a JSON object");
        return;
    default:
        refuse("unknown option");
    }
}

static void read_option(struct script *s, int option, int argc, char **argv)
{
    switch (option) {
    case WHEN:
        s->when = optarg;
        return;
    case DIE_AT:
        read_fault(s, DIE, argc, argv);
        return;
    case EXIT_AT:
        read_fault(s, EXIT, argc, argv);
        return;
    case HANG_AT:
        read_fault(s, HANG, argc, argv);
        return;
    case NONSENSE_AT:
        read_fault(s, NONSENSE, argc, argv);
        return;
    case STATUS_AT:
        read_fault(s, STATUS, argc, argv);
        return;
    case WORDS:
        s->words = optarg;
        return;
    case STUBBORN:
        s->stubborn = true;
        return;
    case NO_HELLO:
        s->no_hello = true;
        return;
    case LATE:
        s->late_ns = read_ns(optarg);
        return;
    case HELLO:
        s->hello = optarg;
        return;
    case HELLO_ERROR:
        s->hello_error = optarg;
        return;
    case HELLO_STATUS:
        s->hello_status = read_count(optarg);
        return;
    case LOG:
        s->log = optarg;
        return;
    case PLACES:
        s->places = text_words(optarg, ",", &s->n_places);
        return;
    case BACKEND:
        s->backend = optarg;
        return;
    case WORKERS:
        s->workers = read_count(optarg);
        return;
    case RANKS:
        s->ranks = read_count(optarg);
        return;
    case THREADS:
        s->threads = read_count(optarg);
        return;
    case BIND:
        s->bind = optarg;
        return;
    default:
        read_answer_option(s, option);
    }
}

/* Prints a text in which _ stands for a blank: the driver splits a command at blanks. */
static void print_words(FILE *to, const char *text)
{
    for (; *text; text++)
        fputc(*text == '_' ? ' ' : *text, to);
}

/* --- answers -------------------------------------------------------------------------------- */

static void send(json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT);
    printf("%s\n", text);
    fflush(stdout);
    free(text);
    json_decref(message);
}

static void greet(const struct script *s)
{
    json_t *placements = json_array();
    for (uint64_t w = 0; w < s->workers; w++) {
        const char *place = s->places ? s->places[w % s->n_places] : "-1:0";
        const char *seen = strchr(place, ':');
        json_array_append_new(placements,
                              json_pack("{s:I,s:i,s:I,s:i,s:i,s:i,s:s}", "worker", (json_int_t)w,
                                        "rank", 0, "thread", (json_int_t)w, "pid", (int)getpid(),
                                        "requested_pu", atoi(place), "observed_pu",
                                        seen ? atoi(seen + 1) : 0, "observed_set", "0"));
    }
    send(json_pack("{s:i,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:[s],s:s,s:o}", "protocol", 1, "cell",
                   "mock_cell", "version", "1", "backend", s->backend, "workers",
                   (json_int_t)s->workers, "ranks", (json_int_t)s->ranks, "threads",
                   (json_int_t)s->threads, "open_ns", (json_int_t)s->open_ns, "dispatches", "auto",
                   "runtime", "", "placements", placements));
}

/* Whether `--when MEMBER=VALUE` picks the request. */
static bool is_picked(const struct script *s, const json_t *request)
{
    if (!s->when)
        return true;
    char name[64], number[32];
    size_t length = strcspn(s->when, "=");
    snprintf(name, sizeof name, "%.*s", (int)length, s->when);
    const char *wanted = s->when + length + (s->when[length] == '=');
    const json_t *value = json_object_get(request, name);
    if (json_is_string(value))
        return strcmp(json_string_value(value), wanted) == 0;
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    return value && strcmp(number, wanted) == 0;
}

/* How often a request of this kind came before: all but its id counts. */
static size_t count_before(const json_t *request)
{
    static struct {
        char *text;
        size_t n;
    } kinds[MOST_KINDS];
    json_t *kind = json_copy((json_t *)request);
    json_object_del(kind, "id");
    char *text = json_dumps(kind, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(kind);
    size_t i = 0;
    while (i < MOST_KINDS - 1 && kinds[i].text && strcmp(kinds[i].text, text) != 0)
        i++;
    if (kinds[i].text)
        free(text);
    else
        kinds[i].text = text;
    return kinds[i].n++;
}

static void answer(const struct script *s, const json_t *request, const char *status)
{
    uint64_t tasks = (uint64_t)json_integer_value(json_object_get(request, "tasks"));
    size_t before = count_before(request);
    uint64_t ns = s->times_ns[before % s->n_times] / (s->divide ? s->workers : 1);
    json_t *a = json_pack(
        "{s:O,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "id", json_object_get(request, "id"),
        "status", status, "wall_ns", (json_int_t)ns, "sum", (json_int_t)s->sum, "chain_ps",
        (json_int_t)s->chain_ps, "chunks", (json_int_t)tasks, "tasks_least",
        (json_int_t)(tasks / s->workers), "tasks_most",
        (json_int_t)((tasks + s->workers - 1) / s->workers), "busy_workers", (json_int_t)s->workers,
        "misplaced", (json_int_t)0, "verified", strcmp(status, "ok") == 0);
    const char *flags = s->flags ? s->flags[before % s->n_flags] : "-";
    if (strcmp(flags, "-") != 0)
        json_object_set_new(a, "flags", json_string(flags));
    if (json_is_true(json_object_get(request, "last")))
        json_object_set_new(a, "close_ns", json_integer((json_int_t)s->close_ns));
    if (strcmp(status, "ok") != 0)
        json_object_set_new(a, "error", json_string("scripted"));
    if (json_is_true(json_object_get(request, "trace")))
        json_object_set_new(a, "events",
                            json_pack("[[i,i,i,I,I,I]]", 0, 0, 0, (json_int_t)tasks,
                                      (json_int_t)1000, (json_int_t)(1000 + ns)));
    if (s->with)
        json_object_update(a, s->with);
    if (s->without)
        json_object_del(a, s->without);
    send(a);
}

static void misbehave(const struct script *s, const json_t *request)
{
    if (s->words) {
        print_words(stderr, s->words);
        fputc('\n', stderr);
    }
    switch (s->fault) {
    case DIE:
        /* Back to the default, so that no sanitizer's handler turns it into an exit status. */
        signal((int)s->number, SIG_DFL);
        raise((int)s->number);
        return;
    case EXIT:
        _exit((int)s->number);
    case HANG:
        for (;;)
            pause();
    case NONSENSE:
        printf("%%&/ this is no \"JSON\", <b>at all</b>\n");
        fflush(stdout);
        return;
    case STATUS:
        answer(s, request, s->status);
        return;
    case NONE:
        return;
    }
}

static void write_log(const char *path, const char *line)
{
    FILE *file = fopen(path, "ae");
    if (!file)
        refuse("the log cannot be written");
    fputs(line, file);
    fclose(file);
}

static void serve(const struct script *s)
{
    char *line = NULL;
    size_t capacity = 0;
    uint64_t n_picked = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        json_t *request = json_loads(line, 0, NULL);
        if (!request || json_is_true(json_object_get(request, "quit"))) {
            json_decref(request);
            break;
        }
        if (s->log)
            write_log(s->log, line);
        if (s->pace_ns)
            clock_sleep_ns(s->pace_ns);
        bool last = json_is_true(json_object_get(request, "last"));
        if (s->fault != NONE && is_picked(s, request) && ++n_picked == s->at)
            misbehave(s, request);
        else
            answer(s, request, "ok");
        json_decref(request);
        if (last)
            break;
    }
    free(line);
}

int main(int argc, char **argv)
{
    struct script s = {.backend = "mock",
                       .bind = "none",
                       .workers = 1,
                       .ranks = 1,
                       .threads = 1,
                       .times_ns = {1000000},
                       .n_times = 1,
                       .open_ns = 1000000,
                       .close_ns = 1000000,
                       .chain_ps = 1000,
                       .hello_status = 3};
    int option;
    while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
        read_option(&s, option, argc, argv);
    if (optind < argc || s.workers == 0)
        refuse("unexpected argument");
    if (s.stubborn)
        signal(SIGTERM, SIG_IGN);
    if (s.late_ns)
        clock_sleep_ns(s.late_ns);
    if (s.hello_error) {
        struct text sentence = TEXT_INIT;
        text_addf(&sentence, "%s", s.hello_error);
        for (char *p = sentence.text; *p; p++)
            *p = *p == '_' ? ' ' : *p;
        send(json_pack("{s:i,s:s}", "protocol", 1, "error", sentence.text));
        text_release(&sentence);
        return (int)s.hello_status;
    }
    if (s.hello) {
        print_words(stdout, s.hello);
        printf("\n");
        fflush(stdout);
    } else if (!s.no_hello) {
        greet(&s);
    }
    serve(&s);
    json_decref(s.with);
    text_words_free(s.flags);
    text_words_free(s.places);
    return 0;
}
