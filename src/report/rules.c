/* The twelve rules: see rules.h. Each check compares what a run's files tell with what follows from
 * its samples, computed here once more and by other code than the summary's where it is a rule
 * about the computation. */
#include "report/rules.h"

#include "base/alloc.h"
#include "report/busy.h"
#include "report/evidence.h"
#include "report/factors.h"
#include "stats/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- helpers ---------------------------------------------------------------------------------- */

/* Points that break a rule, of those that it speaks of. */
struct tally {
    size_t n, of;
    char first[160];
};

static void count(struct tally *t, bool is_bad, const struct point *p)
{
    t->of++;
    if (is_bad && t->n++ == 0)
        evidence_name(p, t->first, sizeof t->first);
}

/* "3 of 40 points WHAT (the first: scaling, openmp, W=4)"; returns whether there is none. */
static bool tell(const struct tally *t, const char *what, struct text *why)
{
    if (t->n && why->length == 0)
        text_addf(why, "%zu of %zu points %s (the first: %s)", t->n, t->of, what, t->first);
    return t->n == 0;
}

/* Numbers of a CSV file have 12 digits. */
static bool is_near(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)) + 1e-15;
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += length)
        if ((p == list || p[-1] == ' ') && (p[length] == ' ' || p[length] == '\0'))
            return true;
    return false;
}

static bool is_base(const struct point *p)
{
    return strcmp(p->backend, "seq") == 0;
}

/* Rows of points that were measured; the others say nothing that a rule could be about. */
static bool is_measured(const struct evidence_row *r)
{
    return r->again && r->again->n > 0;
}

static bool has_rows(const struct evidence *e, struct text *why)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_rows; i++)
        n += is_measured(&e->rows[i]);
    if (*e->summary_problem && e->n_rows == 0)
        text_addf(why, "%s", e->summary_problem);
    else if (n == 0 && e->n_ok)
        text_addf(why, "summary.csv tells nothing of what was measured");
    else if (n == 0)
        text_addf(why, "nothing was measured");
    return why->length == 0;
}

/* The order of samples within a run's launches: those of equal places were taken side by side. */
static int compare_places(const struct observation *a, const struct observation *b)
{
    if (a->launch != b->launch)
        return a->launch < b->launch ? -1 : 1;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return a->pass < b->pass ? -1 : a->pass > b->pass;
}

/* The ratios of samples that were taken side by side, to be freed; *n of them. */
static double *pair(const struct summary_point *base, const struct summary_point *p, size_t *n)
{
    double *ratios = alloc_zeroed(p->n + 1, sizeof *ratios);
    *n = 0;
    for (size_t i = 0, b = 0; base && i < p->n; i++) {
        while (b < base->n && compare_places(&base->observations[b], &p->observations[i]) < 0)
            b++;
        if (b < base->n && p->observations[i].ns > 0 &&
            compare_places(&base->observations[b], &p->observations[i]) == 0)
            ratios[(*n)++] = base->observations[b].ns / p->observations[i].ns;
    }
    return ratios;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Between the two values, in order, that share falls between. */
static double quantile(const double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

/* --- 1 to 4: what numbers are made of ----------------------------------------------------------
 */

static bool check_base(const struct evidence *e, struct text *why)
{
    struct tally lacks = {.n = 0}, unnamed = {.n = 0};
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!is_measured(r) || is_base(&r->point))
            continue;
        const struct summary_point *base = summary_base(e->given.summary, r->again);
        bool has_base = base && base->n > 0;
        count(&lacks, !has_base, &r->point);
        if (isfinite(r->row.speedup) || has_base)
            count(&unnamed,
                  !has_base || strcmp(r->row.base, base->point.backend) != 0 ||
                      !is_near(r->row.base_s, base->row.median_s),
                  &r->point);
    }
    if (!tell(&lacks, "have no speedup: their base has no samples", why) ||
        !tell(&unnamed, "do not name their base and its seconds", why))
        return false;
    text_addf(
        why,
        "the base is seq, one process without a pool; its seconds stand beside each speedup (%zu)",
        unnamed.of);
    return true;
}

/* Why a point has fewer samples than were planned, or NULL. */
static const char *reason_of(const struct evidence *e, const struct rules_point *p,
                             const struct summary_point *s)
{
    const json_t *missing = evidence_member(e, "missing");
    if (missing && json_string_value(json_object_get(missing, p->point->backend)))
        return "missing";
    if (s && s->n_failed && *s->last_error)
        return "failed";
    if (json_is_true(evidence_member(e, "result.interrupted")))
        return "interrupted";
    if (json_is_true(evidence_member(e, "result.out_of_time")))
        return "out of time";
    return NULL;
}

static size_t unused_cpus(const struct evidence *e)
{
    const json_t *lots = evidence_member(e, "unused_cpus");
    json_int_t n = 0;
    for (size_t i = 0; i < json_array_size(lots); i++) {
        const json_t *lot = json_array_get(lots, i);
        const char *text = json_string_value(json_object_get(lot, "why"));
        n += text && *text ? json_integer_value(json_object_get(lot, "pus")) : 0;
    }
    return n > 0 ? (size_t)n : 0;
}

static bool check_cpus(const struct evidence *e, struct text *why)
{
    json_int_t pus = json_integer_value(evidence_member(e, "machine.pus")),
               usable = json_integer_value(evidence_member(e, "machine.usable"));
    json_int_t most = 1;
    for (size_t i = 0; i < e->given.n_points; i++)
        if ((json_int_t)e->given.points[i].point->workers > most)
            most = (json_int_t)e->given.points[i].point->workers;
    json_int_t used = most < usable ? most : usable, told = (json_int_t)unused_cpus(e);
    if (pus < 1 || usable < 1)
        return text_addf(why, "manifest.json does not tell the machine's CPUs"), false;
    if (told < pus - used)
        return text_addf(why,
                         "%" PRId64 " of %" PRId64 " CPUs were not used, and manifest.json "
                         "gives a reason for %" PRId64,
                         (int64_t)(pus - used), (int64_t)pus, (int64_t)told),
               false;
    return true;
}

static bool check_subsets(const struct evidence *e, struct text *why)
{
    struct tally short_of = {.n = 0};
    size_t n_reasons = 0;
    for (size_t i = 0; i < e->given.n_points; i++) {
        const struct rules_point *p = &e->given.points[i];
        const struct summary_point *s = NULL;
        for (size_t k = 0; k < e->given.summary->n && !s; k++)
            if (point_equal(&e->given.summary->points[(i + k) % e->given.summary->n].point,
                            p->point))
                s = &e->given.summary->points[(i + k) % e->given.summary->n];
        /* A base is asked as often as others need it. */
        uint64_t wanted = is_base(p->point) || p->wanted == 0 ? 1 : p->wanted;
        bool lacks = !s || s->n < wanted;
        const char *reason = lacks ? reason_of(e, p, s) : NULL;
        n_reasons += lacks && reason;
        count(&short_of, lacks && !reason, p->point);
    }
    if (e->given.n_points == 0)
        return text_addf(why, "plan.ini does not tell what was planned"), false;
    if (!tell(&short_of, "lack samples without a reason", why))
        return text_addf(why, "%s",
                         evidence_member(e, "result")
                             ? ""
                             : ": the run has not ended, `poolmark run --resume` goes on"),
               false;
    if (!evidence_member(e, "left_out") || !evidence_member(e, "missing"))
        return text_addf(why, "manifest.json does not tell what was left out"), false;
    if (!check_cpus(e, why))
        return false;
    text_addf(why,
              "points planned: %zu; with a reason each: points that lack samples %zu, combinations "
              "left out %zu, CPUs unused %zu",
              e->given.n_points, n_reasons, json_array_size(evidence_member(e, "left_out")),
              unused_cpus(e));
    return true;
}

/* The time of a task when workers share them, from the median: the only rate that is shown. */
static double time_of_task(const struct evidence *e, const struct evidence_row *r)
{
    double at_once = (double)r->point.workers;
    if (r->again->facts.uses_cpu && e->given.summary->usable > 0 &&
        at_once > e->given.summary->usable)
        at_once = e->given.summary->usable;
    return r->point.tasks ? r->row.median_s * 1e9 * at_once / (double)r->point.tasks : NAN;
}

static bool check_means(const struct evidence *e, struct text *why)
{
    struct tally means = {.n = 0}, rates = {.n = 0};
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!is_measured(r))
            continue;
        double sum_ns = 0;
        for (size_t k = 0; k < r->again->n; k++)
            sum_ns += r->again->observations[k].ns;
        count(&means, !is_near(r->row.mean_s, sum_ns / 1e9 / (double)r->again->n), &r->point);
        count(&rates, !is_near(r->row.ns_per_task, time_of_task(e, r)), &r->point);
    }
    if (!tell(&means, "have a mean_s that is not the arithmetic mean of their times", why) ||
        !tell(&rates, "have a ns_per_task that does not follow from their median", why))
        return false;
    text_addf(why, "%zu means are arithmetic means of times; no rate is averaged", means.of);
    return true;
}

static bool check_ratios(const struct evidence *e, struct text *why)
{
    struct tally medians = {.n = 0}, efficiencies = {.n = 0};
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        size_t n;
        if (!is_measured(r))
            continue;
        double *ratios = pair(summary_base(e->given.summary, r->again), r->again, &n);
        qsort(ratios, n, sizeof *ratios, compare_numbers);
        double median = n ? quantile(ratios, n, 0.5) : NAN;
        free(ratios);
        count(&medians, !is_near(r->row.speedup, median), &r->point);
        count(&efficiencies, !is_near(r->row.efficiency, median / (double)r->point.workers),
              &r->point);
    }
    if (!tell(&medians, "have a speedup that is not the median of their paired ratios", why) ||
        !tell(&efficiencies, "have an efficiency that is not their speedup / workers", why))
        return false;
    text_addf(why, "%zu speedups are medians of paired ratios; no ratio is averaged", medians.of);
    return true;
}

/* --- 5 to 8: how sure they are -----------------------------------------------------------------
 */

static bool encloses(double low, double value, double high)
{
    return low <= value && value <= high; /* false with NaN */
}

static bool check_intervals(const struct evidence *e, struct text *why)
{
    struct tally few = {.n = 0}, times = {.n = 0}, ratios = {.n = 0};
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        const struct summary_row *row = &r->row;
        if (!is_measured(r))
            continue;
        count(&few, r->again->n < STATS_LEAST_FOR_INTERVAL, &r->point);
        count(&times,
              !encloses(row->ci_low_s, row->median_s, row->ci_high_s) ||
                  !is_near(row->ci_low_s, r->again->row.ci_low_s) ||
                  !is_near(row->ci_high_s, r->again->row.ci_high_s),
              &r->point);
        if (isfinite(row->speedup) && !is_base(&r->point))
            count(&ratios,
                  !encloses(row->speedup_low, row->speedup, row->speedup_high) ||
                      !is_near(row->speedup_low, r->again->row.speedup_low) ||
                      !is_near(row->speedup_high, r->again->row.speedup_high),
                  &r->point);
    }
    if (!tell(&few, "have fewer than 6 samples, too few for an interval", why) ||
        !tell(&times, "have no interval of their median that follows from their samples", why) ||
        !tell(&ratios, "have no interval of their speedup that follows from their samples", why))
        return false;
    text_addf(why, "%zu medians and %zu speedups have their 95 %% interval", times.of, ratios.of);
    return true;
}

/* Whether an interval was made without a distribution in mind. */
static bool is_free_of_distribution(const char *method)
{
    static const enum stats_method methods[] = {STATS_RANKS, STATS_LAUNCHES, STATS_BOOTSTRAP};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, stats_method_name(methods[i])) == 0)
            return true;
    return false;
}

static bool check_normality(const struct evidence *e, struct text *why)
{
    struct tally methods = {.n = 0}, lone = {.n = 0}, differ = {.n = 0}, drift = {.n = 0};
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!is_measured(r))
            continue;
        const struct summary_row *again = &r->again->row;
        count(&methods,
              !is_free_of_distribution(r->row.method) || strcmp(r->row.method, again->method) != 0,
              &r->point);
        count(&lone, again->launches < 2, &r->point);
        count(&differ, has_word(again->flags, "launches-differ"), &r->point);
        count(&drift, has_word(again->flags, "drifting"), &r->point);
    }
    if (!tell(&methods, "have no interval from ranks or bootstrap", why) ||
        !tell(&lone, "rest on one launch: whether launches are alike is not known", why) ||
        !tell(&differ, "have launches that differ, and fewer than 6 of them", why) ||
        !tell(&drift, "drift: their samples are not independent", why))
        return false;
    text_addf(why,
              "%zu intervals are from ranks or bootstrap, of any distribution; tests that are "
              "corrected for their number find no drift, and no launches that differ and are few",
              methods.of);
    return true;
}

/* Share of a point's samples that must have a partner: one may be lost with a sample that failed.
 */
static const double LEAST_PAIRED = 0.9;

static bool check_comparisons(const struct evidence *e, struct text *why)
{
    struct tally paired = {.n = 0};
    size_t n_pairs = 0;
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        size_t n;
        if (!is_measured(r) || is_base(&r->point))
            continue;
        free(pair(summary_base(e->given.summary, r->again), r->again, &n));
        n_pairs += n;
        count(&paired, (double)n < LEAST_PAIRED * (double)r->again->n, &r->point);
    }
    if (!tell(&paired, "were mostly not taken side by side with their base", why))
        return false;
    text_addf(why, "the intervals of %zu speedups are of ratios paired by pass, %zu pairs in all",
              paired.of, n_pairs);
    return true;
}

/* Whether percentiles and the worst case stand in the row and follow from the samples. Percentiles
 * beyond which no sample lies are not told. */
static bool has_percentiles(const struct evidence_row *r)
{
    const struct summary_point *p = r->again;
    const struct {
        double told, share;
        size_t least; /* samples for which it is told */
    } told[] = {{r->row.p5_s, 0.05, 20},   {r->row.p25_s, 0.25, 4},   {r->row.p75_s, 0.75, 4},
                {r->row.p95_s, 0.95, 20},  {r->row.p99_s, 0.99, 100}, {r->row.min_s, 0, 1},
                {r->row.median_s, 0.5, 1}, {r->row.max_s, 1, 1}};
    double *values = alloc_zeroed(p->n, sizeof *values);
    bool all = true;
    for (size_t k = 0; k < p->n; k++)
        values[k] = p->observations[k].ns / 1e9;
    qsort(values, p->n, sizeof *values, compare_numbers);
    for (size_t k = 0; k < sizeof told / sizeof *told; k++)
        all = all && (p->n < told[k].least ||
                      is_near(told[k].told, quantile(values, p->n, told[k].share)));
    free(values);
    return all;
}

static bool check_median(const struct evidence *e, struct text *why)
{
    struct tally percentiles = {.n = 0}, modes = {.n = 0};
    size_t n_modes = 0;
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!is_measured(r))
            continue;
        bool has_modes = has_word(r->again->row.flags, "several-modes");
        n_modes += has_modes;
        count(&percentiles, !has_percentiles(r), &r->point);
        count(&modes, has_modes && !has_word(r->row.flags, "several-modes"), &r->point);
    }
    if (!tell(&percentiles, "lack percentiles or the worst case beside the median", why) ||
        !tell(&modes, "have several modes, and the table does not say so", why))
        return false;
    text_addf(why,
              "percentiles and the worst case stand beside %zu medians; points with several "
              "modes: %zu, flagged",
              percentiles.of, n_modes);
    return true;
}

/* --- 9 and 10: the circumstances ----------------------------------------------------------------
 */

/* What manifest.json must tell of the factors of a run; a value may be empty, but not null. */
static const char *const factors_told[] = {
    "poolmark",
    "git",
    "compiler",
    "cflags",
    "optimised",
    "libraries.libc",
    "libraries.hwloc",
    "libraries.gsl",
    "libraries.jansson",
    "command",
    "seed",
    "machine.cpu",
    "machine.microcode",
    "machine.kernel",
    "machine.packages",
    "machine.numa_nodes",
    "machine.cores",
    "machine.pus",
    "machine.affinity",
    "machine.quota_cpus",
    "machine.usable",
    "machine.memory_gib",
    "conditions",
    "environment",
    "runtimes",
    "info",
    "plan.points",
};

/* The first key or section that plan.ini lacks, or NULL. Keys of an experiment that nobody set are
 * not written. */
static bool plan_lacks(const struct evidence *e, struct text *why)
{
    char path[4300], line[512];
    struct text all = TEXT_INIT;
    snprintf(path, sizeof path, "%.4000s/plan.ini", e->given.folder);
    FILE *file = fopen(path, "re");
    text_addf(&all, "\n");
    while (file && fgets(line, sizeof line, file))
        text_addf(&all, "%s", line);
    if (file)
        fclose(file);
    for (size_t i = 0; e->given.plan_keys[i] && why->length == 0; i++) {
        snprintf(line, sizeof line, "\n%s =", e->given.plan_keys[i]);
        if (!strstr(all.text, line))
            text_addf(why, "plan.ini lacks %s", e->given.plan_keys[i]);
    }
    for (size_t i = 0; i < e->given.n_points && why->length == 0; i++) {
        snprintf(line, sizeof line, "\n[%s]\n", e->given.points[i].point->experiment);
        if (!strstr(all.text, line))
            text_addf(why, "plan.ini lacks [%s]", e->given.points[i].point->experiment);
    }
    snprintf(line, sizeof line, "\nseed = %" JSON_INTEGER_FORMAT "\n",
             json_integer_value(evidence_member(e, "seed")));
    if (why->length == 0 && !strstr(all.text, line))
        text_addf(why, "the seed of plan.ini is not that of manifest.json");
    text_release(&all);
    return why->length > 0;
}

/* Whether topology.xml is there to its end. */
static bool has_topology(const struct evidence *e)
{
    char path[4300], tail[64] = "";
    snprintf(path, sizeof path, "%.4000s/topology.xml", e->given.folder);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (fseek(file, -(long)sizeof tail + 1, SEEK_END) == 0)
        tail[fread(tail, 1, sizeof tail - 1, file)] = '\0';
    fclose(file);
    return strstr(tail, "</topology>") != NULL;
}

/* A backend whose cells run on a library that the manifest does not name. */
static const char *lacks_runtime(const struct evidence *e)
{
    static const char *const on_libraries[] = {"openmp", "mpi", "hybrid"};
    for (size_t i = 0; i < e->n_rows; i++) {
        const char *backend = e->rows[i].point.backend;
        bool needs = false;
        for (size_t k = 0; k < sizeof on_libraries / sizeof *on_libraries; k++) {
            size_t n = strlen(on_libraries[k]);
            needs = needs || (strncmp(backend, on_libraries[k], n) == 0 &&
                              (backend[n] == '\0' || backend[n] == ':'));
        }
        if (needs && is_measured(&e->rows[i]) &&
            !json_object_get(evidence_member(e, "runtimes"), backend))
            return backend;
    }
    return NULL;
}

static bool check_factors(const struct evidence *e, struct text *why)
{
    size_t n = sizeof factors_told / sizeof *factors_told;
    if (!e->given.manifest)
        return text_addf(why, "manifest.json cannot be read"), false;
    for (size_t i = 0; i < n; i++)
        if (!evidence_member(e, factors_told[i]))
            return text_addf(why, "manifest.json lacks %s", factors_told[i]), false;
    if (json_object_size(evidence_member(e, "conditions")) == 0)
        return text_addf(why, "manifest.json tells no condition of the machine"), false;
    const char *backend = lacks_runtime(e);
    if (backend)
        return text_addf(why, "manifest.json does not tell the runtime of %s", backend), false;
    if (plan_lacks(e, why))
        return false;
    if (!has_topology(e))
        return text_addf(why, "topology.xml is not there, or not whole"), false;
    text_addf(why,
              "manifest.json, plan.ini and topology.xml tell the machine (%zu conditions), "
              "versions, flags, environment, configuration and seed",
              json_object_size(evidence_member(e, "conditions")));
    return true;
}

/* Of what is timed, at most: what a reading of the clock costs, its resolution, what is left
 * between the clocks of machines. The first two are the paper's. */
static const double MOST_COST = 0.05, MOST_RESOLUTION = 0.1, MOST_CLOCK_ERROR = 0.01;

static bool check_timing(const struct evidence *e, struct text *why)
{
    static const char *const told[] = {"timing.clock",   "timing.resolution_ns",
                                       "timing.cost_ns", "timing.start",
                                       "timing.end",     "timing.synchronisation"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!evidence_member(e, told[i]))
            return text_addf(why, "manifest.json lacks %s", told[i]), false;
    double cost = json_number_value(evidence_member(e, "timing.cost_ns")),
           resolution = json_number_value(evidence_member(e, "timing.resolution_ns"));
    if (e->n_ok == 0)
        return text_addf(why, "nothing was measured"), false;
    if (cost > MOST_COST * e->shortest_ns || resolution > MOST_RESOLUTION * e->shortest_ns)
        return text_addf(
                   why,
                   "the shortest sample, %.0f ns, is too short for a clock that costs %.0f ns "
                   "and has steps of %.0f ns",
                   e->shortest_ns, cost, resolution),
               false;
    if (e->clock_error > MOST_CLOCK_ERROR)
        return text_addf(why, "the clocks of the machines differ by up to %.1f %% of a sample",
                         100 * e->clock_error),
               false;
    if (*e->workers_problem)
        return text_addf(why, "%s", e->workers_problem), false;
    if (e->n_short)
        return text_addf(why, "%zu of %zu samples lack the times of their workers (%s)", e->n_short,
                         e->n_ok, e->first_short),
               false;
    text_addf(why,
              "%s, %.0f ns a reading, is told with start, end and synchronisation; workers' times "
              "of %zu samples; clock error at most %.2g %%",
              json_string_value(evidence_member(e, "timing.clock")), cost, e->n_ok,
              100 * e->clock_error);
    return true;
}

/* --- 11 and 12: bounds and figures ---------------------------------------------------------------
 */

/* The plan's point, which mostly has the number of its row. */
static const struct rules_point *planned(const struct evidence *e, const struct point *p,
                                         size_t row)
{
    size_t n = e->given.n_points;
    for (size_t i = 0; i < n; i++)
        if (point_equal(e->given.points[(row + i) % n].point, p))
            return &e->given.points[(row + i) % n];
    return NULL;
}

static bool check_bounds(const struct evidence *e, struct text *why)
{
    struct tally bounds = {.n = 0};
    if (!has_rows(e, why))
        return false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!is_measured(r) || !isfinite(r->row.speedup))
            continue;
        const struct rules_point *p = planned(e, &r->point, i);
        count(&bounds, !p || !(r->row.bound > 0) || !is_near(r->row.bound, p->bound), &r->point);
    }
    if (!tell(&bounds, "have no bound beside their speedup that follows from the plan", why))
        return false;
    text_addf(why, "the bound of theory stands beside %zu speedups", bounds.of);
    return true;
}

/* Whether several worker counts were measured in the experiment. */
static bool has_worker_counts(const struct summary *s, const char *experiment)
{
    const struct point *first = NULL;
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = &s->points[i].point;
        if (!factors_is_shown(&s->points[i], experiment))
            continue;
        if (first && first->workers != p->workers)
            return true;
        first = first ? first : p;
    }
    return false;
}

/* Whether two points of the experiment differ in their chunk size alone, as far as figures go. */
static bool has_chunk_sizes(const struct summary *s, const char *experiment)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = &s->points[i].point;
        if (!factors_is_shown(&s->points[i], experiment))
            continue;
        for (size_t k = 0; k < i; k++) {
            const struct point *q = &s->points[k].point;
            if (q->chunk != p->chunk && q->workers == p->workers && q->tasks == p->tasks &&
                factors_is_shown(&s->points[k], experiment) &&
                strcmp(q->backend, p->backend) == 0 && strcmp(q->schedule, p->schedule) == 0 &&
                strcmp(q->workload, p->workload) == 0)
                return true;
        }
    }
    return false;
}

static bool has_both(const struct summary *s, const char *experiment)
{
    return has_worker_counts(s, experiment) && has_chunk_sizes(s, experiment);
}

/* The kinds of figures that an experiment calls for. */
static const struct called {
    const char *script;
    bool (*is_called)(const struct summary *s, const char *experiment);
    bool has_dots; /* must show the samples */
} figures_called[] = {
    {"speedup", has_worker_counts, true},
    {"efficiency", has_worker_counts, true},
    {"time", has_worker_counts, true},
    {"chunks", has_chunk_sizes, true},
    {"heat", has_both, false},
    {"schedules", busy_compares, true},
};

static const struct evidence_figure *find_figure(const struct evidence *e, const char *name)
{
    for (size_t i = 0; i < e->n_figures; i++)
        if (strcmp(e->figures[i].name, name) == 0)
            return &e->figures[i];
    return NULL;
}

/* Whether the figure is there, with what it must show. */
static bool has_figure(const struct evidence *e, const char *name, bool has_dots, struct text *why)
{
    const struct evidence_figure *f = find_figure(e, name);
    if (!f)
        text_addf(why, "there is no figure %s%s; `poolmark plot` draws it", name,
                  evidence_member(e, "gnuplot") ? "" : ", since gnuplot is not installed");
    else if (!f->is_whole)
        text_addf(why, "the figure %s lacks a file or is older than summary.csv", name);
    else if (has_dots && f->samples == 0)
        text_addf(why, "the figure %s does not show the samples", name);
    return why->length == 0;
}

static bool check_figures(const struct evidence *e, struct text *why)
{
    const struct summary *s = e->given.summary;
    size_t n_called = 0;
    if (e->given.is_drawing)
        return text_addf(why, "figures are drawn from these samples"), true;
    for (size_t i = 0; i < s->n; i++) {
        const char *experiment = s->points[i].point.experiment;
        for (size_t k = 0; k < sizeof figures_called / sizeof *figures_called; k++) {
            const struct called *f = &figures_called[k];
            char name[160];
            if (!factors_begin_experiment(s, i) || !f->is_called(s, experiment))
                continue;
            snprintf(name, sizeof name, "%.63s-%s", experiment, f->script);
            n_called++;
            if (!has_figure(e, name, f->has_dots, why))
                return false;
        }
    }
    if (e->given.has_articles && ++n_called && !has_figure(e, "articles", false, why))
        return false;
    if (*e->figures_problem && (n_called || evidence_has_file(e, "plots/figures.csv")))
        return text_addf(why, "%s", e->figures_problem), false;
    for (size_t i = 0; i < e->n_figures; i++) {
        const struct evidence_figure *f = &e->figures[i];
        if (!has_figure(e, f->name, false, why))
            return false;
        if (f->joined && strcmp(f->axis, "number") != 0)
            return text_addf(why, "the figure %s joins categories by lines", f->name), false;
    }
    if (e->n_figures)
        text_addf(why, "%zu figures, no older than summary.csv; lines over numbers alone",
                  e->n_figures);
    else
        text_addf(why, "no experiment calls for a figure; tables and samples.csv tell all");
    return true;
}

/* --- do the files agree? ------------------------------------------------------------------------
 */

static bool check_samples(const struct evidence *e, struct text *why)
{
    if (*e->samples_problem)
        return text_addf(why, "%s", e->samples_problem), false;
    if (e->given.summary->cut_off)
        return text_addf(why, "the last line is cut off; `poolmark run --resume` goes on"), false;
    text_addf(why, "%zu samples, %zu of them right", e->n_samples, e->n_ok);
    return true;
}

static bool check_orders(const struct evidence *e, struct text *why)
{
    if (e->n_twins)
        return text_addf(why, "%zu of %zu order numbers come twice", e->n_twins, e->n_samples),
               false;
    text_addf(why, "%zu order numbers, none twice", e->n_samples);
    return true;
}

static bool equal_fields(const void *a, const void *b)
{
    for (const struct field *f = summary_fields; f->name; f++) {
        const void *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
        bool same = f->type == FIELD_text   ? strcmp(x, y) == 0
                    : f->type == FIELD_real ? is_near(*(const double *)x, *(const double *)y)
                                            : *(const uint64_t *)x == *(const uint64_t *)y;
        if (!same)
            return false;
    }
    return true;
}

static bool check_summary(const struct evidence *e, struct text *why)
{
    struct tally differ = {.n = 0};
    if (*e->summary_problem)
        return text_addf(why, "%s; `poolmark plot` writes it anew", e->summary_problem), false;
    for (size_t i = 0; i < e->n_rows; i++)
        count(&differ, !e->rows[i].again || !equal_fields(&e->rows[i].row, &e->rows[i].again->row),
              &e->rows[i].point);
    if (!tell(&differ, "differ from what follows from samples.csv", why))
        return text_addf(why, "; `poolmark plot` writes it anew"), false;
    if (e->n_rows != e->given.summary->n)
        return text_addf(why, "%zu rows for %zu points; `poolmark plot` writes it anew", e->n_rows,
                         e->given.summary->n),
               false;
    text_addf(why, "%zu rows, as they follow from samples.csv", e->n_rows);
    return true;
}

static bool check_workers(const struct evidence *e, struct text *why)
{
    if (*e->workers_problem)
        return text_addf(why, "%s", e->workers_problem), false;
    if (e->n_strangers)
        return text_addf(why, "%zu rows belong to no sample", e->n_strangers), false;
    text_addf(why, "every row belongs to a sample");
    return true;
}

/* --- the tables ----------------------------------------------------------------------------------
 */

const struct rule rule_table[RULES] = {
    {"base", "a speedup names its base, with its absolute time", check_base},
    {"subsets", "points left out and resources unused have a reason", check_subsets},
    {"means", "arithmetic means of costs alone; rates are derived", check_means},
    {"ratios", "no ratio is averaged", check_ratios},
    {"intervals", "what is not exact has an interval", check_intervals},
    {"normality", "no interval assumes a distribution, and what it assumes holds", check_normality},
    {"comparisons", "comparisons are paired, with their intervals", check_comparisons},
    {"median", "percentiles and the worst case beside the median; modes are told", check_median},
    {"factors", "all factors are written down", check_factors},
    {"timing", "how parallel time was taken and synchronised is told", check_timing},
    {"bounds", "a bound stands beside what was measured", check_bounds},
    {"figures", "figures show the samples; lines only where they mean something", check_figures},
};

const struct rule file_table[FILE_CHECKS] = {
    {"samples.csv", "can be read to its end", check_samples},
    {"orders", "no two samples have one order", check_orders},
    {"summary.csv", "follows from samples.csv", check_summary},
    {"workers.csv", "has rows of samples alone", check_workers},
};

static void judge(const struct evidence *e, const struct rule *rules, size_t n,
                  struct rule_result *results)
{
    for (size_t i = 0; i < n; i++) {
        struct text why = TEXT_INIT;
        results[i].met = rules[i].check(e, &why);
        text_copy(results[i].why, sizeof results[i].why, why.text ? why.text : "");
        text_release(&why);
    }
}

void rules_judge(const struct rules_evidence *given, struct rules_verdict *verdict)
{
    struct evidence e;
    evidence_read(&e, given);
    judge(&e, rule_table, RULES, verdict->rules);
    judge(&e, file_table, FILE_CHECKS, verdict->files);
    evidence_release(&e);
}

void rules_judge_figures(const struct rules_evidence *given, struct rules_verdict *verdict)
{
    struct evidence e;
    evidence_read_figures(&e, given);
    judge(&e, &rule_table[RULES - 1], 1, &verdict->rules[RULES - 1]);
    evidence_release(&e);
}

int rules_met(const struct rule_result *results, size_t n)
{
    int met = 0;
    for (size_t i = 0; i < n; i++)
        met += results[i].met;
    return met;
}

char *rules_line(const struct rules_verdict *verdict, char *line, size_t size)
{
    enum { NUMBER_BYTES = 4 }; /* "; 12" */
    int met = rules_met(verdict->rules, RULES), left = RULES - met;
    struct text t = TEXT_INIT;
    text_addf(&t, "rules: %d/%d", met, (int)RULES);
    for (int i = 0, first = 1; i < RULES; i++) {
        const struct rule_result *r = &verdict->rules[i];
        if (r->met)
            continue;
        left--;
        text_addf(&t, "%s%d", first ? " (" : "; ", i + 1);
        first = 0;
        if (t.length + strlen(r->why) + 4 + (size_t)left * NUMBER_BYTES < size)
            text_addf(&t, ": %s", r->why);
    }
    text_addf(&t, "%s", met < RULES ? ")" : "");
    text_copy(line, size, t.text);
    text_release(&t);
    return line;
}

char *rules_brief(const char *line, char *brief, size_t size)
{
    const char *at = strchr(line, '(');
    struct text t = TEXT_INIT;
    text_addf(&t, "%.*s", at ? (int)(at - line) : (int)strlen(line), line);
    for (const char *between = "("; at; between = ", ") {
        char *end;
        long number = strtol(at + 1, &end, 10);
        text_addf(&t, "%s%ld", between, number);
        /* The next one stands behind "; ", a number and ':', ';' or the end. */
        for (at = strstr(end, "; "); at; at = strstr(at + 1, "; ")) {
            at++;
            size_t digits = strspn(at + 1, "0123456789");
            if (digits && strchr(":;)", at[1 + digits]))
                break;
        }
    }
    if (strchr(line, '('))
        text_addf(&t, ")");
    text_copy(brief, size, t.text);
    text_release(&t);
    return brief;
}
