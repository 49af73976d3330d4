/* bench/pool: starting subjects, and asking them for samples in random order. */
#include "pool.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longest times for an answer, and to end. */
enum { ANSWER_S = 100, END_S = 20 };

const char *const subject_names[N_SUBJECTS] = {"procpool", "libgomp", "python", "joblib", "mpi4py"};

/* --- subjects --------------------------------------------------------------------------------- */

/* A subject that runs, or that does not: to NULL. */
struct running {
    pid_t pid;
    FILE *to, *from;
};

static const struct sampler *find_sampler(const struct sampler *samplers, size_t n,
                                          const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(samplers[i].name, name) == 0)
            return &samplers[i];
    return NULL;
}

int serve(FILE *in, FILE *out, const char *version, const struct sampler *samplers,
          size_t n_samplers, void *subject)
{
    fprintf(out, "hello %s\n", version);
    fflush(out);
    char line[256];
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        const struct sampler *sampler = find_sampler(samplers, n_samplers, line);
        struct sample sample = {0};
        struct err err = {"there is no such sampler"};
        enum taken taken = sampler ? sampler->take(subject, sampler, &sample, &err) : WRONG;
        if (taken == TAKEN) {
            fprintf(out, "sample %llu", (unsigned long long)sample.n);
            for (int v = 0; v < sample.n_values; v++)
                fprintf(out, " %.17g", sample.values[v]);
            fputc('\n', out);
        } else {
            fprintf(out, "%s %s\n", taken == SKIPPED ? "skip" : "wrong", err.text);
        }
        fflush(out);
    }
    return 0;
}

static cpu_set_t usable;

void pin_remember(void)
{
    CPU_ZERO(&usable);
    sched_getaffinity(0, sizeof usable, &usable);
}

void pin(int k, int workers)
{
    cpu_set_t own;
    CPU_ZERO(&own);
    if (CPU_COUNT(&usable) < workers)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &usable) && k-- == 0)
            CPU_SET(cpu, &own);
    sched_setaffinity(0, sizeof own, &own);
}

void unpin(void)
{
    sched_setaffinity(0, sizeof usable, &usable);
}

static _Noreturn void be_subject(const struct bench *bench, enum subject subject, int in, int out)
{
    char workers[16];
    snprintf(workers, sizeof workers, "%d", bench->load.workers);
    if (subject == PROCPOOL || subject == LIBGOMP) {
        signal(SIGINT, SIG_IGN);
        FILE *requests = fdopen(in, "r"), *answers = fdopen(out, "w");
        int (*run)(FILE *, FILE *, const struct load *) =
            subject == PROCPOOL ? procpool_subject : libgomp_subject;
        int status = run(requests, answers, &bench->load);
        fflush(answers);
        _exit(status);
    }
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execlp(bench->python, bench->python, bench->peers, subject_names[subject], workers,
           bench->load.quick ? "quick" : "full", (char *)NULL);
    dprintf(STDOUT_FILENO, "absent %s: %s\n", bench->python, strerror(errno));
    _exit(0);
}

/* Reads a line without its end; false when there is none in time. */
static bool read_answer(struct running *running, char *line, size_t size)
{
    struct pollfd ready = {.fd = fileno(running->from), .events = POLLIN};
    if (poll(&ready, 1, ANSWER_S * 1000) <= 0 || !fgets(line, (int)size, running->from))
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

/* Closes the pipes, at which a subject ends by itself; one that hangs is killed. Returns its exit
 * status as of waitpid. */
static int stop_subject(struct running *running, bool hangs)
{
    int status = 0;
    if (!running->to)
        return 0;
    fclose(running->to);
    fclose(running->from);
    running->to = NULL;
    for (int i = 0; !hangs && i < END_S * 200; i++) {
        if (waitpid(running->pid, &status, WNOHANG) == running->pid)
            return status;
        clock_sleep_ns(5000000);
    }
    kill(running->pid, SIGKILL);
    waitpid(running->pid, &status, 0);
    return status;
}

/* What follows a word at the beginning of a line; NULL where it begins otherwise. */
static const char *after(const char *line, const char *word)
{
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static int start_subject(struct bench *bench, struct running *all, enum subject subject)
{
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) {
        fprintf(stderr, "bench/pool: no pipe: %s\n", strerror(errno));
        return -1;
    }
    fflush(NULL);
    struct running *running = &all[subject];
    running->pid = fork();
    if (running->pid < 0) {
        fprintf(stderr, "bench/pool: no process: %s\n", strerror(errno));
        return -1;
    }
    if (running->pid == 0) {
        /* A pipe is only closed once nobody else holds its end. */
        for (int s = 0; s < N_SUBJECTS; s++)
            if (all[s].to) {
                close(fileno(all[s].to));
                close(fileno(all[s].from));
            }
        close(down[1]);
        close(up[0]);
        be_subject(bench, subject, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    running->to = fdopen(down[1], "w");
    running->from = fdopen(up[0], "r");
    char line[512] = "";
    bool answers = read_answer(running, line, sizeof line);
    if (answers && after(line, "hello")) {
        text_copy(bench->versions[subject], sizeof bench->versions[subject], after(line, "hello"));
        return 0;
    }
    stop_subject(running, true);
    const char *why = after(line, "absent") ? after(line, "absent") : "it did not start";
    if (subject == PROCPOOL || bench->versions[subject][0]) {
        fprintf(stderr, "bench/pool: %s: %s\n", subject_names[subject], why);
        return -1;
    }
    text_copy(bench->absent[subject], sizeof bench->absent[subject], why);
    return 0;
}

/* --- samples ---------------------------------------------------------------------------------- */

static int keep_sample(struct bench *bench, struct series *series, int launch, int round,
                       const char *numbers)
{
    double *values = series->values[launch * bench->rounds + round];
    char *end;
    series->n = strtoull(numbers, &end, 10);
    for (int v = 0; v < MOST_VALUES && *end == ' '; v++) {
        values[v] = strtod(end + 1, &end);
        if (!isfinite(values[v]))
            return -1;
    }
    if (bench->samples)
        fprintf(bench->samples, "%d %d %s %s %s\n", launch, round, subject_names[series->subject],
                series->sampler, numbers);
    return *end == '\0' ? 0 : -1;
}

static int take_sample(struct bench *bench, struct running *running, struct series *series,
                       int launch, int round)
{
    char line[512] = "no answer";
    fprintf(running->to, "%s\n", series->sampler);
    fflush(running->to);
    bool answers = read_answer(running, line, sizeof line);
    if (answers && after(line, "sample") &&
        keep_sample(bench, series, launch, round, after(line, "sample")) == 0)
        return 0;
    if (answers && after(line, "skip")) {
        text_copy(series->skipped, sizeof series->skipped, after(line, "skip"));
        return 0;
    }
    fprintf(stderr, "bench/pool: %s %s: %s\n", subject_names[series->subject], series->sampler,
            after(line, "wrong") ? after(line, "wrong") : line);
    if (!answers)
        stop_subject(running, true);
    return -1;
}

static int take_round(struct bench *bench, struct running *running, struct rng *rng, int launch,
                      int round)
{
    size_t *order = alloc_zeroed(bench->n_series, sizeof *order);
    int status = 0;
    for (size_t i = 0; i < bench->n_series; i++)
        order[i] = i;
    rng_shuffle(rng, order, bench->n_series);
    for (size_t i = 0; i < bench->n_series; i++) {
        struct series *series = &bench->series[order[i]];
        if (running[series->subject].to && (series->when == EACH_ROUND || round == 0) &&
            take_sample(bench, &running[series->subject], series, launch, round) != 0)
            status = -1;
    }
    free(order);
    return status;
}

static int take_launch(struct bench *bench, struct rng *rng, int launch)
{
    struct running running[N_SUBJECTS] = {{0}};
    int status = 0;
    for (enum subject s = 0; s < N_SUBJECTS && status == 0; s++)
        if (!bench->absent[s][0])
            status = start_subject(bench, running, s);
    for (int round = 0; round < bench->rounds && status == 0; round++)
        status = take_round(bench, running, rng, launch, round);
    for (enum subject s = 0; s < N_SUBJECTS; s++)
        if (stop_subject(&running[s], false) != 0 && status == 0) {
            fprintf(stderr, "bench/pool: %s did not end well\n", subject_names[s]);
            status = -1;
        }
    return status;
}

struct series *bench_series(const struct bench *bench, enum subject subject, const char *sampler)
{
    for (size_t i = 0; i < bench->n_series; i++)
        if (bench->series[i].subject == subject && strcmp(bench->series[i].sampler, sampler) == 0)
            return &bench->series[i];
    return NULL;
}

/* One series for each sampler of the table. */
static void make_series(struct bench *bench)
{
    size_t capacity = 0, places = (size_t)bench->launches * (size_t)bench->rounds;
    for (const struct figure *figure = figures; figure->who; figure++) {
        if (bench_series(bench, figure->subject, figure->sampler))
            continue;
        bench->series =
            alloc_room(bench->series, bench->n_series, &capacity, sizeof *bench->series);
        struct series *series = &bench->series[bench->n_series++];
        *series = (struct series){
            .subject = figure->subject, .sampler = figure->sampler, .when = figure->when};
        series->values = alloc_zeroed(places, sizeof *series->values);
        for (size_t place = 0; place < places; place++)
            for (int v = 0; v < MOST_VALUES; v++)
                series->values[place][v] = NAN;
    }
}

int bench_run(struct bench *bench)
{
    struct rng rng;
    rng_seed(&rng, bench->seed);
    make_series(bench);
    for (int launch = 0; launch < bench->launches; launch++)
        if (take_launch(bench, &rng, launch) != 0)
            return -1;
    return 0;
}
