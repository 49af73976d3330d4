/* Backend "openmp": threads of one process, by the loop schedules of the OpenMP runtime itself.
 *
 * The runtime hands out single indices of a loop, not chunks. Where its chunks begin follows from
 * the schedule: the next index is not the successor of the last one, or the size that the rule
 * gives to a chunk which begins there has been reached.
 *
 * Variables that the user has set (OMP_*) stay as they are: the thread count is asked for region by
 * region, and a runtime that grants fewer is an error, never a smaller measurement.
 */
#include "base/alloc.h"
#include "base/text.h"
#include "cell/worker.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct team {
    uint32_t workers;
    int *pus; /* the plan: [workers] */
    struct worker_desk *desks;
    struct placement *placements;
    struct results_room results;
    struct outcome_room room;
    struct text runtime;
};

/* The runtime may grant fewer threads than a region asks for; it must not. */
static int check_threads(const struct team *team, int threads, struct err *err)
{
    if (threads == (int)team->workers)
        return 0;
    return err_set(err, "OpenMP gave %d of %" PRIu32 " threads (OMP_THREAD_LIMIT is %d)", threads,
                   team->workers, omp_get_thread_limit());
}

/* --- the loop --------------------------------------------------------------------------------- */

/* What a thread keeps of the chunk that it runs. */
struct span {
    int64_t first, next;       /* [first, next) have been run */
    int64_t until;             /* where the rule ends this chunk */
    uint64_t start_ns, end_ns; /* end 0: not known yet */
};

/* Logs the span that has been run, if there was one. Its end is known when the rule ended it; where
 * the runtime did, it is now. */
static inline void log_span(struct event_log *log, uint32_t worker, const struct span *span,
                            uint64_t now)
{
    if (span->next > span->first)
        worker_log_chunk(log, worker, (uint64_t)span->first, (uint64_t)(span->next - span->first),
                         span->start_ns, span->end_ns ? span->end_ns : now);
}

/* Ends the last chunk, if there was one, and begins one of `size` tasks at i. */
static inline void begin_span(struct span *span, int64_t i, uint64_t size, uint32_t worker,
                              struct event_log *log)
{
    if (log) {
        uint64_t now = clock_now_ns();
        log_span(log, worker, span, now);
        span->start_ns = now;
        span->end_ns = 0;
        span->first = i;
    }
    span->until = i + (int64_t)size;
}

/* This thread's part of the loop; results and log may be NULL. Inlined once for each of these
 * cases, so that a loop without them keeps its sums in registers and does not pay for what it
 * lacks. */
static inline __attribute__((always_inline)) struct tally
run_loop(const struct job *job, uint32_t worker, void *results, struct event_log *log)
{
    uint64_t (*run)(const void *, uint64_t, void *) = job->work->def->run;
    const void *context = job->work->context;
    const size_t result_bytes = job->work->result_bytes;
    const struct sched *sched = &job->sched;
    const int64_t n = (int64_t)sched->n;
    /* What all chunks of the rule have; 0: it changes from chunk to chunk. */
    const uint64_t size = sched->class == SCHED_SEQUENCE ? 0
                          : sched->blocks                ? sched->n
                                                         : sched->chunk;
    struct tally tally = {0};
    struct span span = {.next = -1};
#pragma omp for schedule(runtime) nowait
    for (int64_t i = 0; i < n; i++) {
        uint64_t index = (uint64_t)i;
        if (i != span.next || i == span.until) {
            tally.chunks++;
            begin_span(&span, i, size ? size : sched_size(sched, sched->n - index), worker, log);
        }
        void *result = results ? (char *)results + index * result_bytes : NULL;
        tally.tasks++;
        tally.sum += run(context, index, result);
        tally.index_sum += index;
        tally.square_sum += index * index;
        span.next = i + 1;
        if (log && (span.next == span.until || span.next == n))
            span.end_ns = clock_now_ns();
    }
    if (log)
        log_span(log, worker, &span, clock_now_ns());
    return tally;
}

static int openmp_map(struct team *team, const struct job *job, struct err *err)
{
    int threads = 0;
#pragma omp parallel num_threads(team->workers)
    {
        uint32_t worker = (uint32_t)omp_get_thread_num();
        struct worker_desk *desk = &team->desks[worker];
        void *results = job->work->result_bytes ? team->results.results : NULL;
        worker_begin(&desk->report);
        desk->report.tally = job->trace ? run_loop(job, worker, results, &desk->log)
                             : results  ? run_loop(job, worker, results, NULL)
                                        : run_loop(job, worker, NULL, NULL);
        worker_end(&desk->report);
        if (worker == 0)
            threads = omp_get_num_threads();
    }
    return check_threads(team, threads, err);
}

/* --- outside of the timed part ---------------------------------------------------------------- */

static int set_schedule(const struct sched *sched, struct err *err)
{
    static const omp_sched_t kinds[] = {[SCHED_STATIC] = omp_sched_static,
                                        [SCHED_DYNAMIC] = omp_sched_dynamic,
                                        [SCHED_POOL] = omp_sched_dynamic,
                                        [SCHED_GUIDED] = omp_sched_guided};
    if (!sched->blocks && sched->chunk > INT_MAX)
        return err_set(err, "chunk %" PRIu64 " is above %d, the most that an OpenMP schedule takes",
                       sched->chunk, INT_MAX);
    omp_set_schedule(kinds[sched->kind], sched->blocks ? 0 : (int)sched->chunk);
    return 0;
}

static int openmp_prepare(struct team *team, const struct job *job, struct err *err)
{
    if (set_schedule(&job->sched, err) != 0 || results_room_need(&team->results, job, err) != 0)
        return -1;
    worker_desks_clear_logs(team->desks, team->workers, job);
    int threads = 0;
#pragma omp parallel num_threads(team->workers)
    {
        int worker = omp_get_thread_num();
        worker_forget_results(job->work, job, (uint32_t)worker, team->results.results);
        if (worker == 0)
            threads = omp_get_num_threads();
    }
    return check_threads(team, threads, err);
}

static int openmp_collect(struct team *team, const struct job *job, struct outcome *outcome,
                          struct err *err)
{
    (void)err;
    outcome_gather(&team->room, team->desks, team->workers, outcome);
    outcome->results = job->work->result_bytes ? team->results.results : NULL;
    return 0;
}

/* The library that this program found at run time, what it says of itself, and the variables that
 * steer it, as they are. */
static void describe_runtime(struct text *t)
{
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    const char *library = symbol && dladdr(symbol, &info) ? info.dli_fname : "OpenMP runtime";
    const char *slash = strrchr(library, '/');
    static const char *const binds[] = {"false", "true", "primary", "close", "spread"};
    omp_proc_bind_t bind = omp_get_proc_bind();
    text_addf(t, "%s, OpenMP %d, proc_bind %s", slash ? slash + 1 : library, _OPENMP,
              (size_t)bind < sizeof binds / sizeof *binds ? binds[bind] : "?");
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "OMP_", 4) == 0 || strncmp(*e, "GOMP_", 5) == 0 ||
            strncmp(*e, "KMP_", 4) == 0)
            text_addf(t, ", %s", *e);
}

/* Binds the threads and sees where they are. */
static int place_threads(struct team *team, const struct topo *topo, struct err *err)
{
    int threads = 0;
#pragma omp parallel num_threads(team->workers)
    {
        uint32_t worker = (uint32_t)omp_get_thread_num();
        struct worker_desk *desk = &team->desks[worker];
        topo_bind_self(topo, team->pus[worker], &desk->error);
        worker_place(&desk->placement, team->pus[worker]);
        desk->placement.worker = desk->placement.thread = worker;
        if (worker == 0)
            threads = omp_get_num_threads();
    }
    if (check_threads(team, threads, err) != 0)
        return -1;
    for (uint32_t w = 0; w < team->workers; w++) {
        if (team->desks[w].error.text[0])
            return err_set(err, "thread %" PRIu32 ": %s", w, team->desks[w].error.text);
        team->placements[w] = team->desks[w].placement;
    }
    return 0;
}

static void openmp_close(struct team *team)
{
    omp_pause_resource_all(omp_pause_hard); /* ends the runtime's threads */
    worker_desks_free(team->desks, team->workers);
    outcome_room_release(&team->room);
    text_release(&team->runtime);
    free(team->results.results);
    free(team->placements);
    free(team->pus);
    free(team);
}

static int openmp_open(struct team **team, const struct launch *launch, struct err *err)
{
    struct team *t = alloc_zeroed(1, sizeof *t);
    t->workers = launch->workers;
    t->pus = alloc_zeroed(t->workers, sizeof *t->pus);
    t->desks = worker_desks_new(t->workers);
    t->placements = alloc_zeroed(t->workers, sizeof *t->placements);
    omp_set_dynamic(0);
    if (topo_plan(launch->topo, launch->bind, t->workers, t->pus, err) != 0 ||
        place_threads(t, launch->topo, err) != 0) {
        openmp_close(t);
        return -1;
    }
    describe_runtime(&t->runtime);
    *team = t;
    return 0;
}

static const struct placement *openmp_placements(struct team *team)
{
    return team->placements;
}

static const char *openmp_runtime(const struct team *team)
{
    return team->runtime.text;
}

const struct backend backend_openmp = {
    .name = "openmp",
    .summary = "threads of one process, shared out by OpenMP's own loop schedules",
    .limits = BACKEND_ONE_RANK,
    .open = openmp_open,
    .placements = openmp_placements,
    .runtime = openmp_runtime,
    .prepare = openmp_prepare,
    .map = openmp_map,
    .collect = openmp_collect,
    .close = openmp_close,
};
