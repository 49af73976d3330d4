/* What every backend of ranks must do with every schedule and list of tasks: each index exactly
 * once, the right sum and results, a report of each worker, and the chunks that the rule says. */
#ifndef POOLMARK_TESTS_MPI_CONFORMANCE_H
#define POOLMARK_TESTS_MPI_CONFORMANCE_H

#include "team.h"

/* The events are those of the chunks that were run: each index once, by the workers that say so. */
static inline void check_events(const struct job *job, const struct outcome *outcome)
{
    uint64_t n = job->sched.n, seen = 0, wrong = 0;
    unsigned char *marks = calloc(n + 1, 1);
    uint64_t *tasks = calloc(launch.workers, sizeof *tasks);
    for (size_t i = 0; i < outcome->n_events; i++) {
        const struct chunk_event *e = &outcome->events[i];
        if (e->worker < 0 || e->worker >= (int32_t)launch.workers || e->first + e->count > n ||
            e->end_ns < e->start_ns) {
            wrong++;
            continue;
        }
        for (uint64_t k = e->first; k < e->first + e->count; k++)
            wrong += marks[k]++ > 0;
        seen += e->count;
        tasks[e->worker] += e->count;
    }
    for (uint32_t w = 0; w < launch.workers; w++)
        wrong += tasks[w] != outcome->reports[w].tally.tasks;
    check(wrong == 0 && seen == n && outcome->n_events == outcome->total.chunks,
          "%s n %" PRIu64 " chunk %" PRIu64 ": events show %" PRIu64 " tasks, %" PRIu64 " mistakes",
          sched_table[job->sched.kind].name, n, job->sched.chunk, seen, wrong);
    free(marks);
    free(tasks);
}

/* Whether ranks are made to play several nodes (POOLMARK_RANKS_PER_NODE). */
static inline bool has_nodes(void)
{
    return strstr(backend->runtime(team), "nodes simulated");
}

/* Whether the dispatch can be had in this launch. */
static inline bool carries(const char *dispatch, const struct sched_rule *rule)
{
    if (strcmp(dispatch, "master-only") == 0 && launch.ranks == 1)
        return false;
    if (strcmp(dispatch, "twolevel") == 0 && has_nodes() &&
        (rule->class == SCHED_ADAPTIVE || rule->class == SCHED_RANGES))
        return false;
    return dispatch_carries(dispatch, rule);
}

static inline void check_list(const char *dispatch, const struct sched_rule *rule, const char *spec,
                              uint64_t n, uint64_t chunk, bool trace)
{
    struct job job = job_by(dispatch, spec, rule->kind, n, chunk);
    struct outcome outcome = {.results = NULL};
    struct err err = {""};
    struct tally sum = {0};
    job.trace = trace;
    if (!check(ask(&job, &outcome, &err) > 0, "%s by %s, %s n %" PRIu64 " chunk %" PRIu64 ": %s",
               rule->name, dispatch, spec, n, chunk, err.text))
        return;
    for (uint32_t w = 0; w < launch.workers; w++)
        tally_add(&sum, &outcome.reports[w].tally);
    check(memcmp(&sum, &outcome.total, sizeof sum) == 0,
          "%s by %s, %s n %" PRIu64 " chunk %" PRIu64 ": the reports do not add up", rule->name,
          dispatch, spec, n, chunk);
    check(outcome.nodes == 1, "%u machines instead of one", outcome.nodes);
    for (uint32_t w = 0; rule->class == SCHED_FIXED && w < launch.workers; w++) {
        uint64_t first, count, tasks = 0;
        for (uint64_t turn = 0; sched_static_chunk(&job.sched, w, turn, &first, &count); turn++)
            tasks += count;
        check(tasks == outcome.reports[w].tally.tasks,
              "static n %" PRIu64 " chunk %" PRIu64 ": worker %u ran %" PRIu64 " of its %" PRIu64
              " tasks",
              n, chunk, w, outcome.reports[w].tally.tasks, tasks);
    }
    for (uint32_t t = 0; strcmp(dispatch, "master-only") == 0 && t < launch.threads; t++)
        check(outcome.reports[t].tally.tasks == 0, "the master ran %" PRIu64 " tasks",
              outcome.reports[t].tally.tasks);
    if (trace)
        check_events(&job, &outcome);
}

static inline void check_placements(void)
{
    const struct placement *p = backend->placements(team);
    for (uint32_t w = 0; w < launch.workers; w++)
        check(p[w].worker == w && p[w].rank == w / launch.threads && p[w].pid > 0 &&
                  p[w].thread == w % launch.threads && p[w].observed_pu >= 0,
              "worker %u is placed as worker %u, rank %u, thread %u, pid %d", w, p[w].worker,
              p[w].rank, p[w].thread, (int)p[w].pid);
}

/* Half of the lists that are awkward for a rule; the turn says which. */
static inline void check_awkward(const char *dispatch, const struct sched_rule *rule, int turn)
{
    static const char *const specs[] = {"null", "square results=yes"};
    static const uint64_t chunks[] = {0, 1, 3, 64, 100000};
    const uint64_t sizes[] = {0,  1,   launch.workers > 1 ? launch.workers - 1 : 2, launch.workers,
                              97, 1009};
    for (int i = 0; i < 6; i++)
        for (int c = 0; c < 5; c++)
            if ((rule->takes_chunk || c == 0) && (i + c + turn) % 2)
                check_list(dispatch, rule, specs[(i / 2 + c / 2) % 2], sizes[i], chunks[c],
                           (i / 2 + c) % 2);
    /* Results of more than a message carries at once without the other side. */
    check_list(dispatch, rule, "square results=yes", 50003, 7, false);
}

/* Of a class's rules the first two go through all, since what the ranks do follows from the class;
 * the others show that their sizes come through. */
static inline void conform(void)
{
    const char *k = getenv("POOLMARK_RANKS_PER_NODE");
    int turn = 0, of_class[SCHED_RUNTIMES + 1] = {0};
    check_placements();
    check(has_nodes() == (k && launch.ranks > (uint32_t)atoi(k)), "runtime '%s'",
          backend->runtime(team));
    for (const struct sched_rule *rule = sched_table; rule->name; rule++) {
        bool fully = of_class[rule->class]++ < 2;
        for (const char *const *by = dispatch_names(backend->name); *by; by++) {
            if (!carries(*by, rule))
                continue;
            if (fully)
                check_awkward(*by, rule, turn++);
            else
                check_list(*by, rule, "square results=yes", 1009, turn++ % 2, true);
        }
    }
}

#endif
