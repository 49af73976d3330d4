/* The backend openmp under the runtime that this program is linked with: every rule by every
 * dispatch, each index exactly once by the worker that says so, and the chunks of the runtime's own
 * loops are those of the rule that it follows (libomp's guided is our guided-llvm).
 *
 * Prints "N passed, N failed", lists counted.
 */
#include "cell/backend.h"
#include "cell/worker.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_N = 5003 };

static const uint32_t worker_counts[] = {1, 2, 3};
static const uint64_t sizes[] = {0, 1, 2, 7, 100, MOST_N};
static const uint64_t chunks[] = {0, 4, 10000};

static const struct backend *const backend = &backend_openmp;

/* Whether what is wrong was said; the first mistake of a list counts. */
static bool tell(const struct job *job, const char *what, uint64_t is, uint64_t should_be)
{
    printf("%s by %s, n %" PRIu64 ", chunk %" PRIu64 ", %" PRIu32 " workers: %s: %" PRIu64
           " instead of %" PRIu64 "\n",
           sched_rule_of(job->sched.kind)->name, job->dispatch, job->sched.n, job->sched.chunk,
           job->sched.workers, what, is, should_be);
    return false;
}

/* The rule by which the runtime cuts the loop; false where it keeps that to itself. */
static bool is_known(const struct job *job, struct sched *rule)
{
    *rule = job->sched;
    bool is_libomp = dlsym(RTLD_DEFAULT, "__kmpc_fork_call") != NULL;
    if (rule->kind == SCHED_GUIDED && is_libomp && strcmp(job->dispatch, "native") == 0)
        rule->kind = SCHED_GUIDED_LLVM;
    return rule->kind == SCHED_TASKS || rule->class & (SCHED_CONSTANT | SCHED_SEQUENCE);
}

/* Marks of the tasks: 1 + the size of the chunk that begins there. */
static bool is_right(const struct job *job, const struct outcome *outcome)
{
    static uint64_t sizes_at[MOST_N + 1];
    uint64_t n = job->sched.n, seen = 0;
    memset(sizes_at, 0, sizeof sizes_at);
    if (outcome->n_events != outcome->total.chunks)
        return tell(job, "events", outcome->n_events, outcome->total.chunks);
    for (size_t i = 0; i < outcome->n_events; i++) {
        const struct chunk_event *e = &outcome->events[i];
        const struct worker_report *r = &outcome->reports[e->worker];
        if (e->first + e->count > n || e->count == 0 || sizes_at[e->first])
            return tell(job, "an event's first task", e->first, n);
        if (e->start_ns < r->start_ns || e->end_ns < e->start_ns || e->end_ns > r->end_ns)
            return tell(job, "an event's end", e->end_ns, r->end_ns);
        sizes_at[e->first] = e->count;
        seen += e->count;
    }
    if (seen != n)
        return tell(job, "tasks in events", seen, n);
    struct sched rule;
    struct sched_walk walk = {0};
    uint64_t first, count;
    while (is_known(job, &rule) && sched_walk(&rule, &walk, &first, &count))
        if (sizes_at[first] != count)
            return tell(job, "size of a chunk", sizes_at[first], count);
    return true;
}

static bool run_list(struct team *team, struct job *job)
{
    struct work work;
    struct outcome outcome;
    struct err err = {""};
    bool is_good = false;
    if (work_open(&work, job->spec, job->sched.n, 1, &err) == 0) {
        job->work = &work;
        is_good = backend->prepare(team, job, &err) == 0 && backend->map(team, job, &err) == 0 &&
                  backend->collect(team, job, &outcome, &err) == 0 &&
                  work_verify(&work, &outcome.total, outcome.results, &err) == 0;
        if (!is_good)
            printf("%s by %s: %s\n", sched_rule_of(job->sched.kind)->name, job->dispatch, err.text);
        else if (job->trace)
            is_good = is_right(job, &outcome);
        else if (outcome.n_events)
            is_good = tell(job, "events without a trace", outcome.n_events, 0);
        work_close(&work);
    }
    return is_good;
}

static void run_rule(struct team *team, const struct sched_rule *rule, uint32_t workers,
                     unsigned passed[2])
{
    for (const char *const *way = dispatch_names("openmp"); *way; way++)
        for (int i = 0; i < 6 * 3 * 2 && dispatch_carries(*way, rule); i++) {
            struct job job = {.scale = 1, .spec = "square results=yes", .trace = i % 2};
            snprintf(job.dispatch, sizeof job.dispatch, "%s", *way);
            job.sched = sched_resolve(rule->kind, sizes[i / 2 % 6], workers, chunks[i / 12]);
            passed[run_list(team, &job)]++;
        }
}

int main(void)
{
    unsigned passed[2] = {0, 0};
    struct err err = {""};
    struct topo_bind bind = {.policy = TOPO_NONE};
    struct topo *topo = topo_new(&err);
    for (int k = 0; topo && k < 3; k++) {
        struct launch launch = {worker_counts[k], 1, worker_counts[k], topo, &bind};
        struct team *team;
        if (backend->open(&team, &launch, &err) != 0)
            break;
        for (const struct sched_rule *rule = sched_table; rule->name; rule++)
            run_rule(team, rule, launch.workers, passed);
        backend->close(team);
    }
    if (err.text[0])
        printf("%s\n", err.text);
    topo_free(topo);
    printf("%u passed, %u failed\n", passed[1], passed[0] + (err.text[0] != '\0'));
    return passed[0] || err.text[0] ? EXIT_FAILURE : EXIT_SUCCESS;
}
