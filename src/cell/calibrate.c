/* Measuring what rules reckon with: see calibrate.h. */
#include "cell/calibrate.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TASKS = 64,
    LEAST_TASKS = 4,
    ENOUGH_TASKS_NS = 50000000,
    SHORT_TASK_NS = 1000000, /* a first one below this is run once more: it found cold caches */
    FIRST_CHUNKS = 64,       /* of a worker in the first list of null tasks */
    MORE_CHUNKS = 8,         /* times as many in the next, */
    MOST_CHUNKS = 1 << 20,
    ENOUGH_CHUNKS_NS = 5000000, /* until beginning and ending the list count little */
};

/* --- tasks ------------------------------------------------------------------------------------ */

static uint64_t time_task(const struct work *work, uint64_t index, void *result)
{
    uint64_t start = clock_now_ns();
    volatile uint64_t term = work->def->run(work->context, index, result);
    (void)term;
    return clock_now_ns() - start;
}

/* What two readings of the clock take by themselves. */
static uint64_t clock_cost(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 16; i++) {
        uint64_t start = clock_now_ns(), took = clock_now_ns() - start;
        if (took < least)
            least = took;
    }
    return least;
}

void calibrate_tasks(const struct work *work, double *mean_ns, double *sd_ns)
{
    /* Scratch: nobody reads these results. */
    void *result = work->result_bytes ? alloc_zeroed(1, work->result_bytes) : NULL;
    size_t parts[MOST_TASKS], n = work->n < MOST_TASKS ? (size_t)work->n : MOST_TASKS;
    for (size_t i = 0; i < n; i++)
        parts[i] = i;
    struct rng rng;
    rng_seed(&rng, work->n);
    rng_shuffle(&rng, parts, n);

    double mean = 0, m2 = 0; /* Welford 1962 */
    uint64_t least = clock_cost(), all = 0;
    *sd_ns = 0;
    for (size_t i = 0; i < n && (i < LEAST_TASKS || all < ENOUGH_TASKS_NS); i++) {
        uint64_t first = work->n / n * parts[i] + work->n % n * parts[i] / n;
        uint64_t end = work->n / n * (parts[i] + 1) + work->n % n * (parts[i] + 1) / n;
        uint64_t index = first + rng_below(&rng, end - first);
        uint64_t took = time_task(work, index, result);
        all += took;
        if (i == 0 && took < SHORT_TASK_NS)
            took = time_task(work, index, result);
        double x = took > least ? (double)(took - least) : 0, before = x - mean;
        mean += before / (double)(i + 1);
        m2 += before * (x - mean);
        *sd_ns = i ? sqrt(m2 / (double)i) : 0;
    }
    *mean_ns = mean > 1 ? mean : 1; /* rules divide by it; below 1 ns the clock tells nothing */
    free(result);
}

static int know_tasks(struct calibration *known, struct work_shelf *works, const struct job *job,
                      const struct task_times **times, struct err *err)
{
    size_t n = known->n_works < CALIBRATION_WORKS ? known->n_works : CALIBRATION_WORKS;
    for (size_t i = 0; i < n; i++) {
        *times = &known->works[i];
        if ((*times)->n == job->sched.n && (*times)->scale == job->scale &&
            strcmp((*times)->spec, job->spec) == 0)
            return 0;
    }
    const struct work *work = work_shelf_get(works, job, err);
    if (!work)
        return -1;
    struct task_times *t = &known->works[known->n_works++ % CALIBRATION_WORKS];
    text_copy(t->spec, sizeof t->spec, job->spec);
    t->scale = job->scale;
    t->n = job->sched.n;
    calibrate_tasks(work, &t->mean_ns, &t->sd_ns);
    *times = t;
    return 0;
}

/* --- handing out ------------------------------------------------------------------------------ */

static int run_nulls(const struct backend *backend, struct team *team, struct work_shelf *works,
                     struct job *job, uint64_t *wall_ns, uint64_t *chunks, bool *lost,
                     struct err *err)
{
    struct outcome outcome;
    job->work = work_shelf_get(works, job, err);
    if (!job->work || backend->prepare(team, job, err) != 0)
        return -1;
    *lost = true;
    uint64_t start = clock_now_ns();
    if (backend->map(team, job, err) != 0)
        return -1;
    uint64_t end = clock_now_ns();
    if (backend->collect(team, job, &outcome, err) != 0)
        return -1;
    *lost = false;
    if (outcome.start_ns)
        start = outcome.start_ns;
    *wall_ns = end > start ? end - start : 0;
    *chunks = outcome.total.chunks ? outcome.total.chunks : 1;
    return 0;
}

/* h = wall × P / chunks: in that time each of P workers did nothing but get its share of them. What
 * waiting for others at the same counter costs is in it, as it is in the list to come. */
static int measure_h(const struct backend *backend, struct team *team, struct work_shelf *works,
                     uint32_t workers, const char *dispatch, double *h_ns, bool *lost,
                     struct err *err)
{
    struct job job = {.spec = "null", .scale = 1};
    text_copy(job.dispatch, sizeof job.dispatch, dispatch);
    uint64_t wall = 0, chunks = 1;
    for (uint64_t n = FIRST_CHUNKS * (uint64_t)workers;; n *= MORE_CHUNKS) {
        job.sched = sched_resolve(SCHED_DYNAMIC, n, workers, 1);
        if (run_nulls(backend, team, works, &job, &wall, &chunks, lost, err) != 0)
            return err_prefix(err, "measuring what handing out a chunk costs");
        if (wall >= ENOUGH_CHUNKS_NS || n * MORE_CHUNKS > MOST_CHUNKS)
            break;
    }
    *h_ns = (double)wall * workers / (double)chunks;
    return 0;
}

static int know_h(struct calibration *known, const struct backend *backend, struct team *team,
                  struct work_shelf *works, const struct job *job, double *h_ns, bool *lost,
                  struct err *err)
{
    const struct sched_rule *ones = sched_rule_of(SCHED_DYNAMIC);
    const char *way = dispatch_carries(job->dispatch, ones)
                          ? job->dispatch
                          : dispatch_choose(backend->name, "auto", ones, err);
    if (!way)
        return -1;
    for (size_t i = 0; i < known->n_ways; i++)
        if (strcmp(known->ways[i].dispatch, way) == 0) {
            *h_ns = known->ways[i].h_ns;
            return 0;
        }
    if (measure_h(backend, team, works, job->sched.workers, way, h_ns, lost, err) != 0)
        return -1;
    if (known->n_ways < CALIBRATION_WAYS) {
        text_copy(known->ways[known->n_ways].dispatch, sizeof known->ways->dispatch, way);
        known->ways[known->n_ways++].h_ns = *h_ns;
    }
    return 0;
}

int calibrate(struct calibration *known, const struct backend *backend, struct team *team,
              struct work_shelf *works, const struct job *job, struct sched_spec *spec, bool *lost,
              struct err *err)
{
    struct sched_params *p = &spec->params;
    unsigned needs = spec->rule->needs;
    bool lacks_h = needs & SCHED_NEEDS_H && isnan(p->h);
    bool lacks_mean = needs & SCHED_NEEDS_MEAN && isnan(p->mean);
    bool lacks_sd = needs & SCHED_NEEDS_SD && isnan(p->sd);
    const struct task_times *times;
    *lost = false;
    if (lacks_h && know_h(known, backend, team, works, job, &p->h, lost, err) != 0)
        return -1;
    if (!lacks_mean && !lacks_sd)
        return 0;
    if (know_tasks(known, works, job, &times, err) != 0)
        return -1;
    if (lacks_mean)
        p->mean = times->mean_ns;
    if (lacks_sd)
        p->sd = times->sd_ns;
    return 0;
}
