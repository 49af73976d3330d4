/* Cell processes: see cells.h. */
#include "run/cells.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/units.h"
#include "run/words.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HELLO_NS_TICKS = 600, /* × 100 ms: a minute to start is enough, even for mpirun */
    END_MS = 2000,      /* patience with a cell that was asked to end, before each harder signal */
    BY_ITSELF_MS = 500, /* patience with one that is about to end by itself */
    RANKS_END_MS = 500, /* patience with ranks that mpirun has left */
    LAST_BYTES = 8192,  /* looked through for what mpirun says of a rank's end */
    WORDS_BYTES = 400,  /* of last words that are told, */
    OWN_BYTES = 120,    /* and beside the sentence about a rank */
    MOST_ANSWER = 1 << 28, /* bytes of one answer; a trace of a million chunks has 60 MB */
};

static void add_argument(char ***argv, size_t *n, const char *text)
{
    *argv = alloc_grown(*argv, *n + 2, sizeof **argv);
    (*argv)[(*n)++] = alloc_text(text);
    (*argv)[*n] = NULL;
}

static void add_number(char ***argv, size_t *n, const char *name, uint32_t value)
{
    char number[16];
    snprintf(number, sizeof number, "%u", value);
    add_argument(argv, n, name);
    add_argument(argv, n, number);
}

char **cell_command(const struct cell_spec *spec)
{
    char **argv = NULL;
    size_t n = 0;
    const struct backend_kind *kind = spec->kind;
    if (kind->uses_ranks) {
        add_argument(&argv, &n, "mpirun");
        add_number(&argv, &n, "-np", spec->ranks);
        /* mpirun would bind each rank to one core; poolmark binds, by hwloc, where it was asked to.
         */
        add_argument(&argv, &n, "--bind-to");
        add_argument(&argv, &n, "none");
        if (spec->oversubscribe)
            add_argument(&argv, &n, "--oversubscribe");
    }
    if (kind->command) {
        size_t n_words;
        char **words = text_words(kind->command, " \t", &n_words);
        for (size_t i = 0; i < n_words; i++)
            if (*words[i])
                add_argument(&argv, &n, words[i]);
        text_words_free(words);
    } else {
        char path[4200];
        backend_program_path(kind->program, path, sizeof path);
        add_argument(&argv, &n, path);
    }
    add_argument(&argv, &n, "--backend");
    add_argument(&argv, &n, backend_cell_name(kind));
    add_number(&argv, &n, "--workers", spec->workers);
    if (kind->uses_ranks) {
        add_number(&argv, &n, "--ranks", spec->ranks);
        add_number(&argv, &n, "--threads", spec->threads);
    }
    add_argument(&argv, &n, "--bind");
    add_argument(&argv, &n, spec->bind);
    return argv;
}

void cell_command_free(char **argv)
{
    for (char **a = argv; a && *a; a++)
        free(*a);
    free(argv);
}

/* Variables that a launch adds. Threads of several ranks on too few CPUs must not spin while they
 * wait, and libgomp, which sees the threads of its own process alone, would let them. What the user
 * has set stays; what is added shows in the runtime's line of placements.csv. */
static char *const *launch_environment(const struct cell_spec *spec)
{
    static char *const passive[] = {"OMP_WAIT_POLICY=passive", NULL};
    bool is_set = getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT");
    return spec->kind->uses_ranks && spec->kind->uses_threads && spec->crowded && !is_set ? passive
                                                                                          : NULL;
}

int cell_start(struct cell *cell, const struct cell_spec *spec, struct err *err)
{
    *cell = (struct cell){.spec = spec, .child = CHILD_INIT};
    char **argv = cell_command(spec);
    /* Killing mpirun at once would leave its ranks; by SIGTERM it takes them along. */
    int status = child_start(&cell->child, argv, launch_environment(spec),
                             spec->kind->uses_ranks ? SIGTERM : SIGKILL, err);
    cell_command_free(argv);
    cell->started = status == 0;
    return status;
}

/* Whether the pid that worker i has told, on this machine, still belongs to our program. */
static bool is_alive(const struct cell *cell, size_t i)
{
    char path[64], name[32] = "", host[64] = "";
    gethostname(host, sizeof host - 1);
    if (*cell->hosts[i] && strcmp(cell->hosts[i], host) != 0)
        return false;
    snprintf(path, sizeof path, "/proc/%llu/comm", (unsigned long long)cell->placements[i].pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool ours = fgets(name, sizeof name, file) &&
                strncmp(name, cell->spec->kind->program, strcspn(name, "\n")) == 0;
    fclose(file);
    return ours && cell->placements[i].pid > 1;
}

/* Ranks are no members of mpirun's process group: those that outlived it are ended one by one. They
 * end by themselves once they notice, and remove their shared memory: that is waited for. */
static void end_ranks(const struct cell *cell)
{
    uint64_t give_up = clock_now_ns() + (uint64_t)RANKS_END_MS * 1000000u;
    for (size_t i = 0; i < cell->n_placements; i++) {
        while (is_alive(cell, i) && clock_now_ns() < give_up)
            clock_sleep_ns(5000000);
        if (is_alive(cell, i))
            kill((pid_t)cell->placements[i].pid, SIGKILL);
    }
}

void cell_stop(struct cell *cell)
{
    if (cell->started) {
        child_end(&cell->child, END_MS);
        if (cell->spec->kind->uses_ranks && cell->child.status != 0)
            end_ranks(cell);
        child_release(&cell->child);
    }
    text_release(&cell->input);
    free(cell->placements);
    free(cell->hosts);
    *cell = (struct cell){.child = CHILD_INIT};
}

/* --- lines ------------------------------------------------------------------------------------ */

enum line_result { LINE_READ, LINE_END, LINE_TIMEOUT, LINE_INTERRUPTED, LINE_TOO_LONG };

/* Waits for one line; *line points into cell->input and holds until the next call, which drops it.
 */
static enum line_result read_line(struct cell *cell, uint64_t timeout_ns,
                                  const struct cell_wait *wait, char **line)
{
    uint64_t deadline = clock_now_ns() + timeout_ns;
    size_t searched = 0;
    for (;;) {
        char *eol = cell->input.length
                        ? memchr(cell->input.text + searched, '\n', cell->input.length - searched)
                        : NULL;
        if (eol) {
            *eol = '\0';
            *line = cell->input.text;
            return LINE_READ;
        }
        searched = cell->input.length;
        if (searched > MOST_ANSWER)
            return LINE_TOO_LONG;
        uint64_t now = clock_now_ns();
        if (now >= deadline)
            return LINE_TIMEOUT;
        uint64_t left_ms = (deadline - now) / 1000000 + 1;
        struct pollfd p = {.fd = cell->child.from, .events = POLLIN};
        int ready = poll(&p, 1, left_ms < 100 ? (int)left_ms : 100);
        if (wait && wait->tick && wait->tick(wait->user))
            return LINE_INTERRUPTED;
        if (ready <= 0)
            continue;
        char bytes[65536];
        ssize_t n = read(cell->child.from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return LINE_END;
        text_add(&cell->input, bytes, (size_t)n);
    }
}

/* Forgets the line that read_line returned; what came behind it stays. */
static void drop_line(struct cell *cell, const char *line)
{
    size_t used = strlen(line) + 1, rest = cell->input.length - used;
    memmove(cell->input.text, cell->input.text + used, rest);
    cell->input.length = rest;
}

/* The machine of a rank, as the hello told, or "". */
static const char *host_of(const struct cell *cell, int rank)
{
    for (size_t i = 0; i < cell->n_placements; i++)
        if (cell->placements[i].rank == (uint64_t)rank)
            return cell->hosts[i];
    return "";
}

/* Tells how the cell ended, if it does within the time: "signal 9 (SIGKILL); last words: …". Of
 * ranks, mpirun knows which. */
static void describe_end(struct cell *cell, int patience_ms, char *buffer, size_t size)
{
    char how[192] = "", status[64], words[LAST_BYTES];
    struct rank_end rank_end;
    bool by_itself = child_wait(&cell->child, patience_ms), of_ranks = cell->spec->kind->uses_ranks;
    child_last_words(&cell->child, words, sizeof words);
    if (of_ranks && words_rank_end(words, &rank_end)) {
        const char *host = host_of(cell, rank_end.rank); /* mpirun may tell its address */
        if (*host)
            text_copy(rank_end.host, sizeof rank_end.host, host);
        words_describe_rank_end(&rank_end, how, sizeof how);
        words_keep_own(words, OWN_BYTES);
    } else {
        if (by_itself)
            child_describe_status(cell->child.status, how, sizeof how);
        if (by_itself && of_ranks && WIFSIGNALED(cell->child.status))
            snprintf(how, sizeof how, "mpirun was killed by %s",
                     child_describe_status(cell->child.status, status, sizeof status));
        words_tidy(words, WORDS_BYTES);
    }
    snprintf(buffer, size, "%s%s%.*s", how, *words ? "; last words: " : "", WORDS_BYTES, words);
}

/* Asks the ranks where they are: mpirun passes SIGUSR1 on, and each writes a line. Not those of
 * other programs, which SIGUSR1 would end. */
static void ask_where(struct cell *cell, struct text *places)
{
    enum { STEP_NS = 20000000, STEPS = 25, MOST_BYTES = 1 << 18 };
    const struct backend_kind *kind = cell->spec->kind;
    if (!kind->uses_ranks || kind->command || !cell->ready || child_poll(&cell->child))
        return;
    char *words = alloc_grown(NULL, MOST_BYTES, 1);
    kill(cell->child.pid, SIGUSR1);
    for (size_t step = 0, n = 0; step < STEPS && n < cell->spec->ranks; step++) {
        clock_sleep_ns(STEP_NS);
        n = words_places(child_last_words(&cell->child, words, MOST_BYTES), places);
    }
    free(words);
}

/* --- hello ------------------------------------------------------------------------------------ */

static void read_placements(struct cell *cell, const json_t *hello)
{
    const json_t *list = json_object_get(hello, "placements");
    cell->n_placements = json_array_size(list);
    cell->placements = alloc_zeroed(cell->n_placements, sizeof *cell->placements);
    cell->hosts = alloc_zeroed(cell->n_placements, sizeof *cell->hosts);
    for (size_t i = 0; i < cell->n_placements; i++) {
        const json_t *item = json_array_get(list, i);
        struct placement_row *row = &cell->placements[i];
        text_copy(row->backend, sizeof row->backend, cell->spec->kind->name);
        text_copy(row->bind, sizeof row->bind, cell->spec->bind);
        row->workers = cell->spec->workers;
        row->ranks = cell->spec->ranks;
        row->threads = cell->spec->kind->uses_threads ? cell->spec->threads : 1;
        row->cell_pid = (uint64_t)cell->child.pid;
        text_copy(row->runtime, sizeof row->runtime, cell->runtime);
        row->worker = (uint64_t)json_integer_value(json_object_get(item, "worker"));
        row->rank = (uint64_t)json_integer_value(json_object_get(item, "rank"));
        row->thread = (uint64_t)json_integer_value(json_object_get(item, "thread"));
        row->pid = (uint64_t)json_integer_value(json_object_get(item, "pid"));
        json_int_t pu = json_integer_value(json_object_get(item, "requested_pu"));
        if (pu >= 0)
            snprintf(row->requested_pu, sizeof row->requested_pu, "%lld", (long long)pu);
        pu = json_integer_value(json_object_get(item, "observed_pu"));
        if (pu >= 0)
            snprintf(row->observed_pu, sizeof row->observed_pu, "%lld", (long long)pu);
        const char *host = json_string_value(json_object_get(item, "host"));
        text_copy(cell->hosts[i], sizeof cell->hosts[i], host ? host : "");
        const char *set = json_string_value(json_object_get(item, "observed_set"));
        text_copy(row->observed_set, sizeof row->observed_set, set ? set : "");
    }
}

static int read_hello(struct cell *cell, const char *line, bool *missing, struct err *err)
{
    json_error_t why;
    json_t *hello = json_loads(line, 0, &why);
    if (!hello)
        return err_set(err, "its first line is no JSON object: %.80s", line);
    const char *error = json_string_value(json_object_get(hello, "error"));
    const char *runtime = json_string_value(json_object_get(hello, "runtime"));
    const char *library = cell->spec->kind->library;
    int status = 0;
    if (error) {
        status = err_set(err, "%s", error);
        child_wait(&cell->child, END_MS);
        *missing = cell->child.reaped && WIFEXITED(cell->child.status) &&
                   WEXITSTATUS(cell->child.status) == 3;
    } else if (json_integer_value(json_object_get(hello, "protocol")) != 1) {
        status = err_set(err, "it does not speak protocol 1: %.80s", line);
    } else if (library && runtime && *runtime && strncmp(runtime, library, strlen(library)) != 0) {
        *missing = true;
        status = err_set(err, "it runs on %.*s instead of %s; see CC, LD_PRELOAD, LD_LIBRARY_PATH",
                         (int)strcspn(runtime, ", "), runtime, library);
    } else {
        cell->open_ns = (uint64_t)json_integer_value(json_object_get(hello, "open_ns"));
        text_copy(cell->runtime, sizeof cell->runtime, runtime ? runtime : "");
        read_placements(cell, hello);
        cell->ready = true;
    }
    json_decref(hello);
    return status;
}

int cell_greet(struct cell *cell, const struct cell_wait *wait, bool *missing, struct err *err)
{
    char end[600], *line;
    bool lacks = false;
    int status = -1;
    switch (read_line(cell, (uint64_t)HELLO_NS_TICKS * 100000000u, wait, &line)) {
    case LINE_READ:
        status = read_hello(cell, line, &lacks, err);
        drop_line(cell, line);
        break;
    case LINE_END:
        describe_end(cell, BY_ITSELF_MS, end, sizeof end);
        err_set(err, "the cell ended before it was ready: %s", end);
        break;
    case LINE_INTERRUPTED:
        err_set(err, "interrupted");
        break;
    default:
        describe_end(cell, BY_ITSELF_MS, end, sizeof end);
        err_set(err, "the cell was not ready within a minute%s", end);
    }
    if (missing)
        *missing = lacks;
    if (status != 0) {
        err_prefix(err, "%s with %u workers", cell->spec->kind->name, cell->spec->workers);
        cell_stop(cell);
    }
    return status;
}

/* --- samples ---------------------------------------------------------------------------------- */

static int send_request(struct cell *cell, const struct plan_point *p, bool trace, bool last)
{
    bool base = cell->spec->kind->is_base;
    json_t *request =
        json_pack("{s:I,s:s,s:f,s:I,s:s,s:I,s:s,s:b,s:b}", "id", (json_int_t)++cell->next_id,
                  "workload", p->point.workload, "scale", p->point.scale, "tasks",
                  (json_int_t)p->point.tasks, "schedule", base ? "static" : p->point.schedule,
                  "chunk", (json_int_t)(p->point.chunk_auto ? 0 : p->point.chunk), "dispatch",
                  base ? "auto" : p->point.dispatch, "trace", trace, "last", last);
    if (!p->experiment->calibrate)
        json_object_set_new(request, "calibrate", json_false());
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    struct text line = TEXT_INIT;
    text_addf(&line, "%s\n", text);
    free(text);
    size_t sent = 0;
    while (sent < line.length) {
        ssize_t n = write(cell->child.to, line.text + sent, line.length - sent);
        if (n < 0 && errno != EINTR)
            break;
        sent += n > 0 ? (size_t)n : 0;
    }
    bool ok = sent == line.length;
    text_release(&line);
    return ok ? 0 : -1;
}

static void set_failure(struct sample *sample, const char *status, const char *sentence)
{
    text_copy(sample->status, sizeof sample->status, status);
    text_copy(sample->error, sizeof sample->error, sentence);
    sample->verified = 0;
}

/* Reads the fields of a sample that are the cell's to tell; the others are the driver's own. */
static int read_fields(struct sample *sample, const json_t *answer, struct err *err)
{
    struct sample told = *sample;
    told.nodes = 1; /* unless told otherwise */
    if (record_read_json(sample_fields, &told, answer, err) != 0)
        return -1;
    told.order = sample->order;
    told.launch = sample->launch;
    told.pass = sample->pass;
    told.group = sample->group;
    told.retake = sample->retake;
    told.open_ns = sample->open_ns;
    told.cell_pid = sample->cell_pid;
    told.taken_at_ns = sample->taken_at_ns;
    *sample = told;
    return 0;
}

/* Whether the answer's `workers`, if it has any, are one array of whole numbers a worker. */
static int check_workers(const struct cell *cell, const json_t *answer, struct err *err)
{
    const json_t *workers = json_object_get(answer, "workers"), *worker, *number;
    size_t w, i;
    if (!workers)
        return 0;
    bool good = json_array_size(workers) == cell->spec->workers;
    json_array_foreach(workers, w, worker)
    {
        good = good && json_array_size(worker) == WORKER_NUMBERS;
        json_array_foreach(worker, i, number) good =
            good && json_is_integer(number) && json_integer_value(number) >= 0;
    }
    return good ? 0
                : err_set(err, "its workers are not %u arrays of %d whole numbers",
                          cell->spec->workers, (int)WORKER_NUMBERS);
}

/* Reads an answer; returns whether it is one. */
static bool read_answer(struct cell *cell, const char *line, struct sample *sample, json_t **whole)
{
    static const char *const known[] = {"ok", "wrong", "died", "error"};
    json_error_t why;
    struct err err = {"it is no JSON object"};
    char sentence[FIELD_TEXT_BYTES];
    json_t *answer = json_loads(line, 0, &why);
    bool good = json_is_object(answer) && read_fields(sample, answer, &err) == 0 &&
                check_workers(cell, answer, &err) == 0;
    if (good && json_integer_value(json_object_get(answer, "id")) != (json_int_t)cell->next_id)
        good = err_set(&err, "its id is not the request's") == 0;
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        is_known = is_known || strcmp(sample->status, known[i]) == 0;
    if (good && !is_known)
        good = err_set(&err, "its status is '%.20s'", sample->status) == 0;
    if (good && strcmp(sample->status, "ok") == 0 &&
        !json_is_integer(json_object_get(answer, "wall_ns")))
        good = err_set(&err, "it has no wall_ns") == 0;
    if (!good) {
        snprintf(sentence, sizeof sentence, "the cell's answer is nonsense (%.60s): %.80s",
                 err.text, line);
        set_failure(sample, "nonsense", sentence);
    } else if (strcmp(sample->status, "ok") == 0 && !sample->verified) {
        set_failure(sample, "wrong", "the cell does not say that the answer was verified");
    } else {
        *whole = json_incref(answer);
    }
    json_decref(answer);
    return good;
}

/* "worker 3 (rank 1, thread 1 on node1) was asked to run on PU 2 and was seen on PU 0". */
static void describe_misplaced(const struct cell *cell, size_t worker, const char *asked,
                               const char *seen, size_t n, char *to, size_t size)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "worker %zu", worker);
    if (worker < cell->n_placements && cell->spec->kind->uses_ranks) {
        const struct placement_row *row = &cell->placements[worker];
        text_addf(&t, " (rank %llu", (unsigned long long)row->rank);
        if (cell->spec->kind->uses_threads)
            text_addf(&t, ", thread %llu", (unsigned long long)row->thread);
        text_addf(&t, "%s%s)", *cell->hosts[worker] ? " on " : "", cell->hosts[worker]);
    }
    text_addf(&t, " was asked to run on PU %s and was seen on PU %s", asked, seen);
    if (n > 1)
        text_addf(&t, "; %zu of %u workers were elsewhere", n, cell->spec->workers);
    text_copy(to, size, t.text);
    text_release(&t);
}

static bool is_misplaced_from_start(const struct cell *cell, char *sentence, size_t size)
{
    size_t n = 0, first = 0;
    for (size_t i = 0; i < cell->n_placements; i++) {
        const struct placement_row *row = &cell->placements[i];
        if (!*row->requested_pu || !*row->observed_pu ||
            strcmp(row->requested_pu, row->observed_pu) == 0)
            continue;
        if (n++ == 0)
            first = i;
    }
    if (n)
        describe_misplaced(cell, first, cell->placements[first].requested_pu,
                           cell->placements[first].observed_pu, n, sentence, size);
    return n > 0;
}

bool cell_is_misplaced(const struct cell *cell, const json_t *answer, const struct sample *sample,
                       char *sentence, size_t size)
{
    if (!answer)
        return is_misplaced_from_start(cell, sentence, size);
    if (sample->misplaced == 0)
        return false;
    const json_t *first = json_array_get(json_object_get(answer, "misplacements"), 0);
    json_int_t worker, asked, seen;
    char asked_pu[24], seen_pu[24];
    if (json_unpack((json_t *)first, "[I,I,I]", &worker, &asked, &seen) == 0 && worker >= 0) {
        snprintf(asked_pu, sizeof asked_pu, "%lld", (long long)asked);
        snprintf(seen_pu, sizeof seen_pu, "%lld", (long long)seen);
        describe_misplaced(cell, (size_t)worker, asked_pu, seen_pu, (size_t)sample->misplaced,
                           sentence, size);
    } else {
        snprintf(sentence, size, "%llu of %u workers did not end where they were asked to run",
                 (unsigned long long)sample->misplaced, cell->spec->workers);
    }
    return true;
}

static enum cell_state fail_cell(struct cell *cell, struct sample *sample, const char *status,
                                 const char *what)
{
    char end[600];
    struct text sentence = TEXT_INIT;
    bool is_slow = strcmp(status, "timeout") == 0;
    describe_end(cell, is_slow ? 0 : BY_ITSELF_MS, end, sizeof end);
    text_addf(&sentence, "%s%s%s", what, *end && *end != ';' ? ": " : "", end);
    set_failure(sample, status, sentence.text);
    text_release(&sentence);
    if (is_slow && !child_poll(&cell->child))
        kill(-cell->child.pid, SIGTERM); /* it would not see the end of its input */
    cell_stop(cell);
    return CELL_ENDED;
}

/* The same for one that does not answer in time, with the places of its ranks; mpirun, which takes
 * a second to end after a rank has died, may be about to tell of one. */
static enum cell_state fail_slow_cell(struct cell *cell, struct sample *sample, const char *what)
{
    char words[LAST_BYTES];
    struct rank_end rank_end;
    struct text sentence = TEXT_INIT, places = TEXT_INIT;
    ask_where(cell, &places);
    bool died = cell->spec->kind->uses_ranks &&
                words_rank_end(child_last_words(&cell->child, words, sizeof words), &rank_end);
    text_addf(&sentence, "%s%s%s", what, places.length ? "; " : "",
              places.length ? places.text : "");
    enum cell_state state = died ? fail_cell(cell, sample, "died", "the cell died")
                                 : fail_cell(cell, sample, "timeout", sentence.text);
    text_release(&sentence);
    text_release(&places);
    return state;
}

enum cell_state cell_ask(struct cell *cell, const struct plan_point *p, bool trace, bool last,
                         const struct cell_wait *wait, struct sample *sample, json_t **answer)
{
    char *line, what[160], limit[32];
    *answer = NULL;
    sample->open_ns = cell->open_ns;
    sample->cell_pid = (uint64_t)cell->child.pid;
    if (send_request(cell, p, trace, last) != 0)
        return fail_cell(cell, sample, "died", "the cell takes no request");
    enum line_result result = read_line(cell, p->timeout_ns, wait, &line);
    sample->taken_at_ns = clock_read_ns(CLOCK_REALTIME);
    switch (result) {
    case LINE_READ: {
        bool good = read_answer(cell, line, sample, answer);
        drop_line(cell, line);
        if (good && strcmp(sample->status, "died") != 0)
            return CELL_GOES_ON;
        cell_stop(cell);
        return CELL_ENDED;
    }
    case LINE_INTERRUPTED:
        cell_stop(cell);
        return CELL_INTERRUPTED;
    case LINE_END:
        return fail_cell(cell, sample, "died", "the cell died");
    case LINE_TIMEOUT:
        snprintf(what, sizeof what, "no answer within %s; the cell was ended",
                 units_format_ns((double)p->timeout_ns, limit, sizeof limit));
        return fail_slow_cell(cell, sample, what);
    default:
        return fail_cell(cell, sample, "nonsense", "the answer does not end");
    }
}
