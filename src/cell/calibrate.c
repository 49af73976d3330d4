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
    FIRST_CHUNKS = 64, /* of a worker in the first list of null tasks */
    MORE_CHUNKS = 8,   /* times as many in the next, */
    MOST_CHUNKS = 1 << 20,
    ENOUGH_CHUNKS_NS = 5000000, /* until beginning and ending the list count little */
    LISTS = 5,                  /* as long as that in a row, of which the median cost counts; odd */
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

/* The time of a task that was not interrupted, unless twice in a row. */
static double time_twice(const struct work *work, uint64_t index, void *result)
{
    uint64_t first = time_task(work, index, result), second = time_task(work, index, result);
    return (double)(first < second ? first : second);
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

    double mean = 0, m2 = 0, all = 0; /* Welford 1962 */
    double reading = (double)clock_cost();
    *sd_ns = 0;
    for (size_t i = 0; i < n && (i < LEAST_TASKS || all < ENOUGH_TASKS_NS); i++) {
        uint64_t first = work->n / n * parts[i] + work->n % n * parts[i] / n;
        uint64_t end = work->n / n * (parts[i] + 1) + work->n % n * (parts[i] + 1) / n;
        double took = time_twice(work, first + rng_below(&rng, end - first), result);
        double x = fmax(took - reading, 0), before = x - mean;
        all += took;
        mean += before / (double)(i + 1);
        m2 += before * (x - mean);
        *sd_ns = i ? sqrt(m2 / (double)i) : 0;
    }
    *mean_ns = fmax(mean, 1); /* rules divide by it; below 1 ns the clock tells nothing */
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
                     struct job *job, struct outcome *outcome, uint64_t *wall_ns, bool *lost,
                     struct err *err)
{
    job->work = work_shelf_get(works, job, err);
    if (!job->work || backend->prepare(team, job, err) != 0)
        return -1;
    *lost = true;
    uint64_t start = clock_now_ns();
    if (backend->map(team, job, err) != 0)
        return -1;
    uint64_t end = clock_now_ns();
    if (backend->collect(team, job, outcome, err) != 0)
        return -1;
    *lost = false;
    if (outcome->start_ns)
        start = outcome->start_ns;
    *wall_ns = end > start ? end - start : 0;
    return 0;
}

/* What a chunk cost in a list: of each worker that claimed the mean time of its claims, which are
 * one more than its chunks, and of these the mean. So a rank that asks by message counts as much as
 * the root, which takes most of the chunks while the other waits. Where nobody sees claims (the
 * OpenMP runtime's own) all of the list's time was handing out: wall × P / chunks. */
static double cost_of_chunk(const struct outcome *outcome, uint32_t workers, uint64_t wall_ns)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t w = 0; w < workers; w++) {
        const struct worker_report *r = &outcome->reports[w];
        sum += (double)r->claim_ns / (double)(r->tally.chunks + 1);
        n += r->claim_ns > 0;
    }
    uint64_t chunks = outcome->total.chunks ? outcome->total.chunks : 1;
    return n ? sum / n : (double)wall_ns * workers / (double)chunks;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A worker that is held up makes a list dearer, when it is held up within a claim, or cheaper, when
 * the others have the counter to themselves meanwhile: so neither the least nor the most counts but
 * the median. A length is enough when several lists in a row say so. Hence one list that was
 * disturbed decides nothing. */
static int measure_h(const struct backend *backend, struct team *team, struct work_shelf *works,
                     uint32_t workers, const char *dispatch, double *h_ns, bool *lost,
                     struct err *err)
{
    struct job job = {.spec = "null", .scale = 1};
    struct outcome outcome;
    double costs[LISTS];
    uint64_t n = FIRST_CHUNKS * (uint64_t)workers, wall;
    text_copy(job.dispatch, sizeof job.dispatch, dispatch);
    for (int lists = 0; lists < LISTS;) {
        job.sched = sched_resolve(SCHED_DYNAMIC, n, workers, 1);
        if (run_nulls(backend, team, works, &job, &outcome, &wall, lost, err) != 0)
            return err_prefix(err, "measuring what handing out a chunk costs");
        costs[lists++] = cost_of_chunk(&outcome, workers, wall);
        if (wall < ENOUGH_CHUNKS_NS && n * MORE_CHUNKS <= MOST_CHUNKS) {
            n *= MORE_CHUNKS;
            lists = 0;
        }
    }
    qsort(costs, LISTS, sizeof *costs, compare);
    *h_ns = costs[LISTS / 2];
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
    worker_settle();
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
    *lost = false;
    /* Tasks first: the process is quiet since the last answer, and lists leave threads spinning. */
    if (lacks_mean || lacks_sd) {
        const struct task_times *times;
        if (know_tasks(known, works, job, &times, err) != 0)
            return -1;
        if (lacks_mean)
            p->mean = times->mean_ns;
        if (lacks_sd)
            p->sd = times->sd_ns;
    }
    return lacks_h ? know_h(known, backend, team, works, job, &p->h, lost, err) : 0;
}
