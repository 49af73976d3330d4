/* What the programs of this folder share. Each is started by mpirun in every number of ranks that
 * its comment "ranks: 1 2 3" names; all ranks come through main, and the root alone judges and
 * prints.
 *
 *     static void judge(void) { … check(ask(…) == 0, "…"); … }
 *     int main(void) { return team_main(&backend_mpi, 1, judge); }
 */
#ifndef POOLMARK_TESTS_MPI_TEAM_H
#define POOLMARK_TESTS_MPI_TEAM_H

#include "base/text.h"
#include "cell/backend.h"
#include "cell/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Main files may have state: this header is part of one. */
static const struct backend *backend;
static struct team *team;
static struct launch launch;
static struct work_shelf works;
static int n_passed, n_failed;

#define check(holds, ...) check_at(__LINE__, holds, __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static inline bool check_at(int line, bool holds,
                                                                  const char *format, ...)
{
    va_list args;
    if (holds) {
        n_passed++;
        return true;
    }
    n_failed++;
    printf("failed at line %d: ", line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    return false;
}

/* A job by the first dispatch that carries the rule, which has the numbers that it reckons with. */
static inline struct job job_of(const char *spec, enum sched_kind kind, uint64_t n, uint64_t chunk)
{
    struct job job = {.scale = 1};
    struct err err = {"the rule has no dispatch"};
    const char *dispatch = dispatch_choose(backend->name, "auto", sched_rule_of(kind), &err);
    if (!dispatch || work_canonical(spec, job.spec, sizeof job.spec, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    text_copy(job.dispatch, sizeof job.dispatch, dispatch);
    job.sched = sched_resolve(kind, n, launch.workers, chunk);
    struct sched_spec known = {.rule = sched_rule_of(kind), .params = job.sched.params};
    known.params.h = known.params.mean = known.params.sd = 1000;
    if (known.rule->needs)
        job.sched = sched_make(&known, n, launch.workers, chunk);
    return job;
}

static inline struct job job_by(const char *dispatch, const char *spec, enum sched_kind kind,
                                uint64_t n, uint64_t chunk)
{
    struct job job = job_of(spec, kind, n, chunk);
    text_copy(job.dispatch, sizeof job.dispatch, dispatch);
    return job;
}

/* As the sampler does; returns the time of the map, or 0 with the sentence. */
static inline uint64_t ask(struct job *job, struct outcome *outcome, struct err *err)
{
    job->work = work_shelf_get(&works, job, err);
    if (!job->work || backend->prepare(team, job, err) != 0)
        return 0;
    uint64_t start = clock_now_ns();
    if (backend->map(team, job, err) != 0)
        return 0;
    uint64_t end = clock_now_ns();
    if (backend->collect(team, job, outcome, err) != 0 ||
        work_verify(job->work, &outcome->total, outcome->results, err) != 0)
        return 0;
    return end - start;
}

/* Whether the CPUs were idle during the last 100 ms, as the team is: a machine that is busy says
 * nothing about how long a map may take. */
static inline bool is_quiet(void)
{
    uint64_t idle[2] = {0, 0}, all[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen("/proc/stat", "r");
        uint64_t ticks;
        bool begun = f && fscanf(f, "cpu") == 0;
        for (int column = 0; begun && column < 8 && fscanf(f, "%" SCNu64, &ticks) == 1; column++) {
            all[i] += ticks;
            idle[i] += column == 3 ? ticks : 0;
        }
        if (f)
            fclose(f);
        if (i == 0)
            clock_sleep_ns(100000000);
    }
    return all[1] > all[0] && (idle[1] - idle[0]) * 100 >= (all[1] - all[0]) * 85;
}

/* The best time in up to 5 maps begun and ended in quiet, or 0 when there was none; stops at one
 * that is `enough`. */
static inline uint64_t best_in_quiet(struct job *job, uint64_t enough, struct outcome *outcome)
{
    struct err err = {""};
    uint64_t best = 0;
    for (int tries = 0, quiet = 0; tries < 12 && quiet < 5 && (!best || best > enough); tries++) {
        bool before = is_quiet();
        uint64_t ns = ask(job, outcome, &err);
        if (!check(ns > 0, "%s", err.text))
            return 0;
        if (!before || !is_quiet())
            continue;
        quiet++;
        best = !best || ns < best ? ns : best;
    }
    return best;
}

static inline int team_main(const struct backend *of, uint32_t threads, void (*judge)(void))
{
    struct err err;
    struct topo *topo = topo_new(&err);
    struct topo_bind bind = {.policy = TOPO_NONE};
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE"); /* of Open MPI's mpirun; else one */
    launch.ranks = ranks ? (uint32_t)atoi(ranks) : 1;
    launch.threads = threads;
    launch.workers = launch.ranks * threads;
    launch.topo = topo;
    launch.bind = &bind;
    backend = of;
    if (!topo || backend->open(&team, &launch, &err) != 0) {
        printf("%s\n0 passed, 1 failed\n", err.text);
        return EXIT_FAILURE;
    }
    bool is_root = backend->is_root(team);
    if (is_root)
        judge();
    else if (backend->serve(team, &err) != 0)
        n_failed++;
    backend->close(team);
    work_shelf_release(&works);
    topo_free(topo);
    if (is_root)
        printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
