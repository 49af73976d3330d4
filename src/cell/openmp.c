/* Backend "openmp": threads of one process, by the loop schedules and tasks of the OpenMP runtime
 * itself (dispatch native), or by our claim engine (all others).
 *
 * A loop of the runtime hands out single indices, not chunks. Where its chunks begin follows from
 * the schedule: the next index is not the successor of the last one, or the size that the rule
 * gives to a chunk which begins there has been reached. Under `auto` the runtime keeps its rule to
 * itself: there a chunk is what a thread runs without a gap. Of taskloop and tasks a chunk is a
 * task.
 *
 * One source for two runtimes: libgomp (poolmark-cell) and LLVM's libomp (poolmark-cell-llvm),
 * which takes calls of libgomp's too, so that a program must never load both. They differ in what
 * `guided` is and in the blocks of `static`.
 *
 * Variables that the user has set (OMP_*) stay as they are: the thread count is asked for region by
 * region, and a runtime that grants fewer is an error, never a smaller measurement.
 */
#include "base/alloc.h"
#include "base/text.h"
#include "cell/task_meter.h"
#include "cell/threads.h"
#include "cell/worker.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct team {
    uint32_t workers;
    int *pus; /* the plan: [workers] */
    struct worker_desk *desks;
    struct placement *placements;
    struct sched rule;         /* by which this runtime cuts the loop at hand */
    struct task_meter *meters; /* [workers] */
    uint64_t pieces;           /* tasks of the taskloop at hand */
    struct claim *claim;
    struct claim_view *views; /* [workers] */
    struct results_room results;
    struct outcome_room room;
    struct text runtime;
};

/* Whether the runtime that this process has loaded is LLVM's. */
static bool is_libomp(void)
{
    return dlsym(RTLD_DEFAULT, "__kmpc_fork_call") != NULL;
}

/* --- loops ------------------------------------------------------------------------------------ */

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
static inline __attribute__((always_inline)) struct tally run_loop(const struct sched *sched,
                                                                   const struct work *work,
                                                                   uint32_t worker, void *results,
                                                                   struct event_log *log)
{
    uint64_t (*run)(const void *, uint64_t, void *) = work->def->run;
    const void *context = work->context;
    const size_t result_bytes = work->result_bytes;
    const int64_t n = (int64_t)sched->n;
    /* What all chunks of the rule have (n: whatever comes without a gap); 0: it changes from chunk
     * to chunk. */
    const bool is_open = sched->blocks || sched->class == SCHED_RUNTIMES;
    const uint64_t size = sched->class == SCHED_SEQUENCE ? 0 : is_open ? sched->n : sched->chunk;
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

static void map_loop(const struct team *team, struct worker_desk *desk, uint32_t worker,
                     const struct job *job, void *results)
{
    const struct sched *rule = &team->rule;
    desk->report.tally = job->trace ? run_loop(rule, job->work, worker, results, &desk->log)
                         : results  ? run_loop(rule, job->work, worker, results, NULL)
                                    : run_loop(rule, job->work, worker, NULL, NULL);
}

/* --- tasks ------------------------------------------------------------------------------------ */

/* The first thread makes the tasks, all run them; each is counted by the thread that runs it, which
 * is one from its beginning to its end, since tasks are tied and nothing in them waits. Threads
 * leave the barrier together, so that a thread's end is that of its last task, and what it is busy
 * for is its tasks: all else before its end, making tasks among it, is claiming. */

/* A list that is being run by tasks. */
struct task_list {
    const struct team *team;
    const struct job *job;
    void *results;
};

static void run_task(const struct task_list *list, uint64_t first, uint64_t count)
{
    const struct job *job = list->job;
    uint32_t worker = (uint32_t)omp_get_thread_num();
    struct worker_desk *desk = &list->team->desks[worker];
    struct task_meter *m = &list->team->meters[worker];
    struct tally *tally = &desk->report.tally;
    if (!job->trace && task_meter_may_skip(m)) {
        work_run_range(job->work, first, count, list->results, tally);
        if (task_meter_skip(m))
            m->asked_ns = clock_now_ns();
        return;
    }
    uint64_t start = clock_now_ns();
    work_run_range(job->work, first, count, list->results, tally);
    uint64_t end = clock_now_ns();
    task_meter_add(m, start, end);
    if (job->trace)
        worker_log_chunk(&desk->log, worker, first, count, start, end);
}

/* How many tasks this runtime makes of a taskloop over n when it is not told how many: asked, since
 * it depends on the number of threads alone once n is large. Not in the timed part. */
static uint64_t count_own_tasks(const struct team *team, uint64_t n)
{
    const uint64_t most = 1000 * (uint64_t)team->workers;
    _Atomic uint64_t begun = 0;
    bool is_inside = false;
    if (n > most)
        n = most;
#pragma omp parallel num_threads(team->workers)
#pragma omp single
#pragma omp taskloop firstprivate(is_inside) shared(begun)
    for (uint64_t i = 0; i < n; i++) {
        begun += !is_inside;
        is_inside = true;
    }
    return begun;
}

/* A taskloop over the tasks that the runtime would make of the list itself, of `size` and the first
 * ones longer by one: cut here, so that it is known where each ends. Nothing that is changed may be
 * private to them: libgomp would keep a copy for each of them on the stack at once. */
static void make_taskloop(const struct task_list *list)
{
    const uint64_t n = list->job->sched.n, pieces = list->team->pieces;
    const uint64_t size = pieces ? n / pieces : 0, longer = pieces ? n % pieces : 0;
#pragma omp taskloop grainsize(1) nogroup default(none) firstprivate(list, pieces, size, longer)
    for (uint64_t p = 0; p < pieces; p++)
        run_task(list, p * size + (p < longer ? p : longer), size + (p < longer));
}

static void make_tasks(const struct task_list *list)
{
    const uint64_t n = list->job->sched.n, chunk = list->job->sched.chunk;
    for (uint64_t first = 0; first < n; first += chunk) {
        uint64_t count = n - first < chunk ? n - first : chunk;
#pragma omp task default(none) firstprivate(list, first, count)
        run_task(list, first, count);
    }
}

static void map_tasks(struct team *team, uint32_t worker, const struct job *job, void *results)
{
    const struct task_list list = {team, job, results};
    task_meter_start(&team->meters[worker], team->desks[worker].report.start_ns);
    if (worker == 0) {
        if (job->sched.kind == SCHED_TASKLOOP)
            make_taskloop(&list);
        else
            make_tasks(&list);
        team->meters[0].made_ns = clock_now_ns();
    }
#pragma omp barrier
}

/* --- the map ---------------------------------------------------------------------------------- */

enum way { WAY_CLAIMS, WAY_LOOP, WAY_TASKS };

static enum way way_of(const struct job *job)
{
    if (strcmp(job->dispatch, "native") != 0)
        return WAY_CLAIMS;
    return job->sched.kind == SCHED_TASKLOOP || job->sched.kind == SCHED_TASKS ? WAY_TASKS
                                                                               : WAY_LOOP;
}

/* Threads share the table of a sequence; what they copy from each other under adaptive rules goes
 * where each has room of its own. */
static struct claim_view *view_of(const struct team *team, const struct job *job, uint32_t worker)
{
    return &team->views[job->sched.class == SCHED_ADAPTIVE ? worker : 0];
}

static void map_claims(struct team *team, struct worker_desk *desk, uint32_t worker,
                       const struct job *job, void *results)
{
    struct claim_hand hand = claim_hand_of(team->claim, view_of(team, job, worker), worker);
    worker_drain(&hand, job->work, results, &desk->report, job->trace ? &desk->log : NULL);
}

static int openmp_map(struct team *team, const struct job *job, struct err *err)
{
    const enum way way = way_of(job);
    uint32_t threads = 0;
#pragma omp parallel num_threads(team->workers)
    {
        uint32_t worker = (uint32_t)omp_get_thread_num();
        struct worker_desk *desk = &team->desks[worker];
        void *results = job->work->result_bytes ? team->results.results : NULL;
        worker_begin(&desk->report);
        if (way == WAY_LOOP)
            map_loop(team, desk, worker, job, results);
        else if (way == WAY_TASKS)
            map_tasks(team, worker, job, results);
        else
            map_claims(team, desk, worker, job, results);
        worker_end(&desk->report);
        if (way == WAY_TASKS)
            task_meter_report(&team->meters[worker], &desk->report);
        if (worker == 0)
            threads = (uint32_t)omp_get_num_threads();
    }
    return threads_check(threads, team->workers, err);
}

/* --- outside of the timed part ---------------------------------------------------------------- */

/* Tells the runtime what schedule(runtime) is to be. */
static int set_schedule(const struct sched *sched, struct err *err)
{
    static const omp_sched_t kinds[] = {[SCHED_STATIC] = omp_sched_static,
                                        [SCHED_DYNAMIC] = omp_sched_dynamic,
                                        [SCHED_POOL] = omp_sched_dynamic,
                                        [SCHED_GUIDED] = omp_sched_guided,
                                        [SCHED_AUTO] = omp_sched_auto};
    bool has_chunk = !sched->blocks && sched->kind != SCHED_AUTO;
    if (has_chunk && sched->chunk > INT_MAX)
        return err_set(err, "chunk %" PRIu64 " is above %d, the most that an OpenMP schedule takes",
                       sched->chunk, INT_MAX);
    omp_set_schedule(kinds[sched->kind], has_chunk ? (int)sched->chunk : 0);
    return 0;
}

static int prepare_way(struct team *team, const struct job *job, struct err *err)
{
    switch (way_of(job)) {
    case WAY_LOOP:
        team->rule = job->sched;
        if (job->sched.kind == SCHED_GUIDED && is_libomp())
            team->rule.kind = SCHED_GUIDED_LLVM;
        return set_schedule(&job->sched, err);
    case WAY_CLAIMS:
        claim_init(team->claim, &job->sched);
        return claim_view_open(&team->views[0], &job->sched, err);
    case WAY_TASKS:
        team->pieces = job->sched.blocks ? count_own_tasks(team, job->sched.n)
                                         : job->sched.n / job->sched.chunk;
        break;
    }
    return 0;
}

/* In the thread, so that its memory lies near it. The table of a sequence was made before. */
static void prepare_view(struct team *team, const struct job *job, uint32_t worker)
{
    struct worker_desk *desk = &team->desks[worker];
    if (way_of(job) == WAY_CLAIMS && job->sched.class == SCHED_ADAPTIVE)
        claim_view_open(&team->views[worker], &job->sched, &desk->error);
}

static int openmp_prepare(struct team *team, const struct job *job, struct err *err)
{
    if (prepare_way(team, job, err) != 0 || results_room_need(&team->results, job, err) != 0)
        return -1;
    worker_desks_clear_logs(team->desks, team->workers, job);
    uint32_t threads = 0;
#pragma omp parallel num_threads(team->workers)
    {
        uint32_t worker = (uint32_t)omp_get_thread_num();
        worker_forget_results(job->work, job, worker, team->results.results);
        prepare_view(team, job, worker);
        worker_ready();
        if (worker == 0)
            threads = (uint32_t)omp_get_num_threads();
    }
    return threads_check(threads, team->workers, err);
}

static int openmp_collect(struct team *team, const struct job *job, struct outcome *outcome,
                          struct err *err)
{
    (void)err;
    outcome_gather(&team->room, team->desks, team->workers, outcome);
    outcome->results = job->work->result_bytes ? team->results.results : NULL;
    return 0;
}

/* How long threads spin for work before they sleep can be asked and set under libomp alone. Its 200
 * ms would outlast the sample and take CPUs from the cells that are measured next, so that it
 * becomes about what libgomp has, unless the user has set it. */
enum { BLOCKTIME_MS = 5 };

static void limit_blocktime(void)
{
    void (*set)(int);
    *(void **)&set = dlsym(RTLD_DEFAULT, "kmp_set_blocktime");
    if (set && !getenv("KMP_BLOCKTIME") && !getenv("OMP_WAIT_POLICY"))
        set(BLOCKTIME_MS);
}

/* libomp registers in a file of shared memory, by which a second copy of it in this process would
 * be found; there is none, and a cell that is killed would leave the file behind. */
static void remove_registration(void)
{
    char name[64];
    snprintf(name, sizeof name, "/__KMP_REGISTERED_LIB_%d_%d", (int)getpid(), (int)getuid());
    if (is_libomp())
        shm_unlink(name);
}

/* -1 under libgomp. */
static int blocktime_ms(void)
{
    int (*get)(void);
    *(void **)&get = dlsym(RTLD_DEFAULT, "kmp_get_blocktime");
    return get ? get() : -1;
}

static const char *schedule_name(omp_sched_t kind)
{
    static const char *const names[] = {"?", "static", "dynamic", "guided", "auto"};
    unsigned k = (unsigned)kind & 0xffff; /* above: monotonic */
    return names[k < sizeof names / sizeof *names ? k : 0];
}

/* The library that this program found at run time, what it says of its settings, and the variables
 * that steer it, as they are. */
static void describe_runtime(struct text *t)
{
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    const char *library = symbol && dladdr(symbol, &info) ? info.dli_fname : "OpenMP runtime";
    const char *slash = strrchr(library, '/');
    static const char *const binds[] = {"false", "true", "primary", "close", "spread"};
    omp_proc_bind_t bind = omp_get_proc_bind();
    omp_sched_t kind;
    int chunk, blocktime = blocktime_ms();
    omp_get_schedule(&kind, &chunk);
    text_addf(t, "%s, OpenMP %d, proc_bind %s, places %d, dynamic %s, schedule %s %d",
              slash ? slash + 1 : library, _OPENMP,
              (size_t)bind < sizeof binds / sizeof *binds ? binds[bind] : "?", omp_get_num_places(),
              omp_get_dynamic() ? "true" : "false", schedule_name(kind), chunk);
    if (blocktime == INT_MAX)
        text_addf(t, ", wait active");
    else if (blocktime >= 0)
        text_addf(t, ", wait %d ms", blocktime);
    else
        text_addf(t, ", wait %s", getenv("OMP_WAIT_POLICY") ? "as set" : "default");
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "OMP_", 4) == 0 || strncmp(*e, "GOMP_", 5) == 0 ||
            strncmp(*e, "KMP_", 4) == 0)
            text_addf(t, ", %s", *e);
}

/* Binds the threads and sees where they are. */
static int place_threads(struct team *team, const struct topo *topo, struct err *err)
{
    uint32_t threads = 0;
#pragma omp parallel num_threads(team->workers)
    {
        uint32_t worker = (uint32_t)omp_get_thread_num();
        struct worker_desk *desk = &team->desks[worker];
        topo_bind_self(topo, team->pus[worker], &desk->error);
        worker_place(&desk->placement, team->pus[worker]);
        desk->placement.worker = desk->placement.thread = worker;
        if (worker == 0)
            threads = (uint32_t)omp_get_num_threads();
    }
    if (threads_check(threads, team->workers, err) != 0)
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
    for (uint32_t w = 0; w < team->workers; w++)
        claim_view_release(&team->views[w]);
    free(team->views);
    free(team->meters);
    free(team->claim);
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
    t->views = alloc_zeroed(t->workers, sizeof *t->views);
    t->claim = aligned_alloc(CLAIM_LINE, claim_bytes(t->workers));
    t->meters = aligned_alloc(CLAIM_LINE, t->workers * sizeof *t->meters);
    if (!t->claim || !t->meters)
        abort();
    limit_blocktime();
    describe_runtime(&t->runtime);
    remove_registration();
    omp_set_dynamic(0);
    if (topo_plan(launch->topo, launch->bind, t->workers, t->pus, err) != 0 ||
        place_threads(t, launch->topo, err) != 0) {
        openmp_close(t);
        return -1;
    }
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
    .summary = "threads of one process, shared out by the OpenMP runtime or by our own engine",
    .limits = BACKEND_ONE_RANK,
    .open = openmp_open,
    .placements = openmp_placements,
    .runtime = openmp_runtime,
    .prepare = openmp_prepare,
    .map = openmp_map,
    .collect = openmp_collect,
    .close = openmp_close,
};
