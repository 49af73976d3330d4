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

/* How well the workers of a traced map were used: what the chunks took, over what they would have
 * with all workers in one from the first's start to the last's end. */
static inline double share_in_chunks(const struct outcome *outcome)
{
    uint64_t first = UINT64_MAX, last = 0, sum = 0;
    for (size_t i = 0; i < outcome->n_events; i++) {
        const struct chunk_event *e = &outcome->events[i];
        first = e->start_ns < first ? e->start_ns : first;
        last = e->end_ns > last ? e->end_ns : last;
        sum += e->end_ns - e->start_ns;
    }
    return (double)sum / ((double)(last - first) * launch.workers);
}

/* The most workers that were in a chunk at one moment. */
static inline uint32_t most_at_once(const struct outcome *outcome)
{
    uint32_t most = 0;
    for (size_t i = 0; i < outcome->n_events; i++) {
        uint32_t n = 0;
        for (size_t k = 0; k < outcome->n_events; k++)
            n += outcome->events[k].start_ns <= outcome->events[i].start_ns &&
                 outcome->events[k].end_ns > outcome->events[i].start_ns;
        most = n > most ? n : most;
    }
    return most;
}

/* The most chunks that a worker had. */
static inline uint64_t most_chunks(const struct outcome *outcome)
{
    uint64_t most = 0;
    for (uint32_t w = 0; w < launch.workers; w++)
        most = outcome->reports[w].tally.chunks > most ? outcome->reports[w].tally.chunks : most;
    return most;
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
