/* The backend openmp under the runtime that this program is linked with: every rule by every
 * dispatch, each index exactly once by the worker that says so, and the chunks of the runtime's own
 * loops are those of the rule that it follows (libomp's guided is our guided-llvm). A thread's time
 * is that of its tasks, by whatever way it gets them.
 *
 * Prints "N passed, N failed", lists counted.
 */
#include "cell/backend.h"
#include "cell/worker.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <omp.h>
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

static bool is_of_tasks(const struct job *job)
{
    return job->sched.kind == SCHED_TASKS || job->sched.kind == SCHED_TASKLOOP;
}

/* Where the runtime's own taskloop over the list begins a task: the size of that at its first
 * index. */
static void cut_as_taskloop(const struct job *job, uint64_t *sizes_at)
{
    const uint64_t n = job->sched.n, chunk = job->sched.chunk;
    uint64_t *at = NULL;
    memset(sizes_at, 0, (n + 1) * sizeof *sizes_at);
#pragma omp parallel num_threads(job->sched.workers) firstprivate(at)
#pragma omp single
    if (job->sched.blocks) {
#pragma omp taskloop firstprivate(at)
        for (uint64_t i = 0; i < n; i++)
            ++*(at ? at : (at = &sizes_at[i]));
    } else {
#pragma omp taskloop firstprivate(at) grainsize(chunk)
        for (uint64_t i = 0; i < n; i++)
            ++*(at ? at : (at = &sizes_at[i]));
    }
}

/* Whether a thread that runs tasks is busy from beginning to end of each, and ends with its last;
 * but for the first one, which may have been making tasks still. */
static bool is_busy_with_tasks(const struct job *job, const struct outcome *outcome)
{
    for (uint32_t w = 0; w < job->sched.workers; w++) {
        const struct worker_report *r = &outcome->reports[w];
        uint64_t busy = 0, last_end = r->start_ns;
        for (size_t i = 0; i < outcome->n_events; i++)
            if (outcome->events[i].worker == (int32_t)w) {
                busy += outcome->events[i].end_ns - outcome->events[i].start_ns;
                last_end = outcome->events[i].end_ns;
            }
        if (r->end_ns - r->start_ns - r->claim_ns != busy)
            return tell(job, "busy", r->end_ns - r->start_ns - r->claim_ns, busy);
        if (w > 0 && r->end_ns != last_end)
            return tell(job, "end", r->end_ns, last_end);
    }
    return true;
}

/* Marks of the tasks: the size of the chunk that begins there. */
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
    if (is_of_tasks(job) && !is_busy_with_tasks(job, outcome))
        return false;
    static uint64_t own_sizes_at[MOST_N + 1];
    if (job->sched.kind == SCHED_TASKLOOP)
        cut_as_taskloop(job, own_sizes_at);
    for (uint64_t i = 0; i < n && job->sched.kind == SCHED_TASKLOOP; i++)
        if (sizes_at[i] != own_sizes_at[i])
            return tell(job, "size of a task", sizes_at[i], own_sizes_at[i]);
    struct sched rule;
    struct sched_walk walk = {0};
    uint64_t first, count;
    while (is_known(job, &rule) && sched_walk(&rule, &walk, &first, &count))
        if (sizes_at[first] != count)
            return tell(job, "size of a chunk", sizes_at[first], count);
    return true;
}

static bool run_work(struct team *team, struct job *job,
                     bool (*judge)(const struct job *, const struct outcome *))
{
    struct outcome outcome;
    struct err err = {""};
    if (backend->prepare(team, job, &err) == 0 && backend->map(team, job, &err) == 0 &&
        backend->collect(team, job, &outcome, &err) == 0 &&
        work_verify(job->work, &outcome.total, outcome.results, &err) == 0)
        return judge(job, &outcome);
    printf("%s by %s: %s\n", sched_rule_of(job->sched.kind)->name, job->dispatch, err.text);
    return false;
}

static bool has_no_events(const struct job *job, const struct outcome *outcome)
{
    return outcome->n_events == 0 || tell(job, "events without a trace", outcome->n_events, 0);
}

/* --- a list with one long task ---------------------------------------------------------------- */

enum { LIST = 20, SHORT_NS = 3000000, LONG_NS = 60000000 };

/* Who ran each task, and what it took. */
static struct note {
    int worker;
    uint64_t ns;
} notes[LIST];

static uint64_t sleep_and_note(const void *context, uint64_t index, void *result)
{
    (void)context;
    (void)result;
    uint64_t start = clock_now_ns();
    clock_sleep_ns(index ? SHORT_NS : LONG_NS);
    notes[index] = (struct note){omp_get_thread_num(), clock_now_ns() - start};
    return 0;
}

static int believe(const void *context, uint64_t n, uint64_t sum, const void *results, char *error,
                   size_t error_size)
{
    (void)context, (void)n, (void)sum, (void)results, (void)error, (void)error_size;
    return 0;
}

/* Whether each thread was busy for what it noted, and for no more than a fifth of all tasks' time
 * longer, which a busy machine may take between two tasks. */
static bool is_busy_as_noted(const struct job *job, const struct outcome *outcome)
{
    uint64_t noted[2] = {0, 0};
    for (int i = 0; i < LIST; i++)
        noted[notes[i].worker] += notes[i].ns;
    for (int w = 0; w < 2; w++) {
        const struct worker_report *r = &outcome->reports[w];
        uint64_t busy = r->end_ns - r->start_ns - r->claim_ns;
        if (busy < noted[w] || busy > noted[w] + (noted[0] + noted[1]) / 5)
            return tell(job, "busy", busy, noted[w]);
    }
    return true;
}

/* What is seen of a long task must not depend on how the runtime hands it out. */
static void run_one_long(struct team *team, unsigned passed[2])
{
    static const enum sched_kind kinds[] = {SCHED_STATIC,   SCHED_DYNAMIC, SCHED_GUIDED,
                                            SCHED_TASKLOOP, SCHED_TASKS,   SCHED_AUTO};
    static const struct workload def = {.run = sleep_and_note, .verify = believe};
    static const struct work work = {.def = &def, .n = LIST};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct job job = {.scale = 1, .dispatch = "native", .work = &work};
        job.sched = sched_resolve(kinds[k], LIST, 2, 0);
        passed[run_work(team, &job, is_busy_as_noted)]++;
    }
}

/* --- every list ------------------------------------------------------------------------------- */

static bool run_list(struct team *team, struct job *job)
{
    struct work work;
    struct err err = {""};
    if (work_open(&work, job->spec, job->sched.n, 1, &err) != 0) {
        printf("%s: %s\n", job->spec, err.text);
        return false;
    }
    job->work = &work;
    bool is_good = run_work(team, job, job->trace ? is_right : has_no_events);
    work_close(&work);
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

/* More tasks than a stack holds: libgomp keeps those of a taskloop there when they are copied. */
static void run_many_tasks(struct team *team, unsigned passed[2])
{
    static const enum sched_kind kinds[] = {SCHED_TASKLOOP, SCHED_TASKS};
    for (size_t k = 0; k < 2; k++) {
        struct job job = {.scale = 1, .spec = "null", .dispatch = "native"};
        job.sched = sched_resolve(kinds[k], 60000, 2, 1);
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
        if (launch.workers == 2) {
            run_one_long(team, passed);
            run_many_tasks(team, passed);
        }
        backend->close(team);
    }
    if (err.text[0])
        printf("%s\n", err.text);
    topo_free(topo);
    printf("%u passed, %u failed\n", passed[1], passed[0] + (err.text[0] != '\0'));
    return passed[0] || err.text[0] ? EXIT_FAILURE : EXIT_SUCCESS;
}
