/* What is computed, rules 1 to 8: see rules.h. */
#include "base/alloc.h"
#include "record/place.h"
#include "report/rules_private.h"
#include "stats/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- samples once more --------------------------------------------------------------------------
 *
 * The order of samples, the pairs and the quantiles are written here a second time on purpose: a
 * check that called what it checks would find nothing. */

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += length)
        if ((p == list || p[-1] == ' ') && (p[length] == ' ' || p[length] == '\0'))
            return true;
    return false;
}

#define BASE_ALONE "nothing but the base was measured"

static bool is_base(const struct point *p)
{
    return strcmp(p->backend, "seq") == 0;
}

/* The ratios of samples that were taken side by side, to be freed; *n of them. Paired here once
 * more, and medians taken by hand below, as a check of what made the summary. */
static double *pair(const struct summary_point *base, const struct summary_point *p, size_t *n)
{
    double *ratios = alloc_zeroed(p->n + 1, sizeof *ratios);
    *n = 0;
    for (size_t i = 0, b = 0; base && i < p->n; i++) {
        while (b < base->n &&
               place_compare(PLACE_OF(&base->observations[b]), PLACE_OF(&p->observations[i])) < 0)
            b++;
        if (b < base->n && p->observations[i].ns > 0 &&
            place_compare(PLACE_OF(&base->observations[b]), PLACE_OF(&p->observations[i])) == 0)
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

enum rule_state rules_base(const struct evidence *e, struct text *why)
{
    struct tally lacks = {.n = 0}, unnamed = {.n = 0}, others = {.n = 0};
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!rules_is_measured(r) || is_base(&r->point))
            continue;
        const struct summary_point *base = summary_base(e->given.summary, r->again);
        bool has_base = base && base->n > 0;
        tally_count(&lacks, !has_base, &r->point);
        if (!isfinite(r->row.speedup) && !has_base)
            continue;
        bool is_named =
            has_base && strcmp(r->row.base, base->point.backend) == 0 && isfinite(r->row.base_s);
        tally_count(&unnamed, !is_named, &r->point);
        tally_count(&others, is_named && !rules_is_near(r->row.base_s, base->row.median_s),
                    &r->point);
    }
    if (!tally_tell(&lacks, "have no speedup: their base has no samples", why) ||
        !tally_tell(&unnamed, "do not name their base and its seconds", why) ||
        !tally_tell(&others, "tell other seconds of their base than the median of its samples",
                    why))
        return RULE_BROKEN;
    if (unnamed.of == 0)
        return text_addf(why, "no speedup: " BASE_ALONE), RULE_IDLE;
    text_addf(
        why,
        "the base is seq, one process without a pool; its seconds stand beside each speedup (%zu)",
        unnamed.of);
    return RULE_MET;
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

enum rule_state rules_subsets(const struct evidence *e, struct text *why)
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
        tally_count(&short_of, lacks && !reason, p->point);
    }
    if (e->given.n_points == 0)
        return text_addf(why, "plan.ini does not tell what was planned"), RULE_BROKEN;
    if (!tally_tell(&short_of, "lack samples without a reason", why))
        return text_addf(why, "%s",
                         evidence_member(e, "result")
                             ? ""
                             : ": the run has not ended, `poolmark run --resume` goes on"),
               RULE_BROKEN;
    if (!evidence_member(e, "left_out") || !evidence_member(e, "missing"))
        return text_addf(why, "manifest.json does not tell what was left out"), RULE_BROKEN;
    if (!check_cpus(e, why))
        return RULE_BROKEN;
    text_addf(why,
              "points planned: %zu; with a reason each: points that lack samples %zu, combinations "
              "left out %zu, CPUs unused %zu",
              e->given.n_points, n_reasons, json_array_size(evidence_member(e, "left_out")),
              unused_cpus(e));
    return RULE_MET;
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

enum rule_state rules_means(const struct evidence *e, struct text *why)
{
    struct tally means = {.n = 0}, rates = {.n = 0};
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!rules_is_measured(r))
            continue;
        double sum_ns = 0;
        for (size_t k = 0; k < r->again->n; k++)
            sum_ns += r->again->observations[k].ns;
        tally_count(&means, !rules_is_near(r->row.mean_s, sum_ns / 1e9 / (double)r->again->n),
                    &r->point);
        tally_count(&rates, !rules_is_near(r->row.ns_per_task, time_of_task(e, r)), &r->point);
    }
    if (!tally_tell(&means, "have a mean_s that is not the arithmetic mean of their times", why) ||
        !tally_tell(&rates, "have a ns_per_task that does not follow from their median", why))
        return RULE_BROKEN;
    text_addf(why, "each mean (%zu) is the arithmetic mean of times; no rate is averaged",
              means.of);
    return RULE_MET;
}

enum rule_state rules_ratios(const struct evidence *e, struct text *why)
{
    struct tally medians = {.n = 0}, efficiencies = {.n = 0};
    size_t n_speedups = 0;
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        size_t n;
        if (!rules_is_measured(r))
            continue;
        double *ratios = pair(summary_base(e->given.summary, r->again), r->again, &n);
        qsort(ratios, n, sizeof *ratios, compare_numbers);
        double median = n ? quantile(ratios, n, 0.5) : NAN;
        free(ratios);
        n_speedups += !is_base(&r->point) && n > 0;
        tally_count(&medians, !rules_is_near(r->row.speedup, median), &r->point);
        tally_count(&efficiencies,
                    !rules_is_near(r->row.efficiency, median / (double)r->point.workers),
                    &r->point);
    }
    if (!tally_tell(&medians, "have a speedup that is not the median of their paired ratios",
                    why) ||
        !tally_tell(&efficiencies, "have an efficiency that is not their speedup / workers", why))
        return RULE_BROKEN;
    if (n_speedups == 0)
        return text_addf(why, "no ratio: nothing is paired with a base"), RULE_IDLE;
    text_addf(why, "each speedup (%zu) is the median of paired ratios; no ratio is averaged",
              n_speedups);
    return RULE_MET;
}

/* --- 5 to 8: how sure they are -----------------------------------------------------------------
 */

static bool encloses(double low, double value, double high)
{
    return low <= value && value <= high; /* false with NaN */
}

/* What the simulations in docs/measurement.md, "Stopping", say of points that stop early. */
static const char stopped_cover[] = "down to 69 % where launches differ, 92 to "
                                    "95 % where they are alike";

enum rule_state rules_intervals(const struct evidence *e, struct text *why)
{
    struct tally few = {.n = 0}, times = {.n = 0}, ratios = {.n = 0};
    size_t n_stopped = 0, n_wide = 0;
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        const struct summary_row *row = &r->row;
        if (!rules_is_measured(r))
            continue;
        const struct rules_point *p = rules_planned(e, &r->point, i);
        n_stopped += p && p->wanted == 0 && r->again->n < p->most;
        n_wide += row->ci_high_s - row->ci_low_s > row->median_s;
        tally_count(&few, r->again->n < STATS_LEAST_FOR_INTERVAL, &r->point);
        tally_count(&times,
                    !encloses(row->ci_low_s, row->median_s, row->ci_high_s) ||
                        !rules_is_near(row->ci_low_s, r->again->row.ci_low_s) ||
                        !rules_is_near(row->ci_high_s, r->again->row.ci_high_s),
                    &r->point);
        if (isfinite(row->speedup) && !is_base(&r->point))
            tally_count(&ratios,
                        !encloses(row->speedup_low, row->speedup, row->speedup_high) ||
                            !rules_is_near(row->speedup_low, r->again->row.speedup_low) ||
                            !rules_is_near(row->speedup_high, r->again->row.speedup_high),
                        &r->point);
    }
    if (!tally_tell(&few, "have fewer than 6 samples, too few for an interval", why) ||
        !tally_tell(
            &times,
            "have no interval of their median that encloses it and follows from their samples",
            why) ||
        !tally_tell(
            &ratios,
            "have no interval of their speedup that encloses it and follows from their samples",
            why))
        return RULE_BROKEN;
    text_addf(why, "each median (%zu) and each speedup (%zu) has its 95 %% interval", times.of,
              ratios.of);
    if (n_wide)
        text_addf(why, "; wider than the median itself: %zu", n_wide);
    if (n_stopped)
        text_addf(
            why,
            "; points that --precision stopped early: %zu, and such intervals cover less than "
            "they say, %s (measurement.md, Stopping)",
            n_stopped, stopped_cover);
    return RULE_MET;
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

enum rule_state rules_normality(const struct evidence *e, struct text *why)
{
    struct tally methods = {.n = 0}, lone = {.n = 0}, differ = {.n = 0}, drift = {.n = 0};
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!rules_is_measured(r))
            continue;
        const struct summary_row *again = &r->again->row;
        tally_count(&methods,
                    !is_free_of_distribution(r->row.method) ||
                        strcmp(r->row.method, again->method) != 0,
                    &r->point);
        tally_count(&lone, again->launches < 2, &r->point);
        tally_count(&differ, has_word(again->flags, "launches-differ"), &r->point);
        tally_count(&drift, has_word(again->flags, "drifting"), &r->point);
    }
    if (!tally_tell(&methods, "have no interval from ranks or bootstrap", why) ||
        !tally_tell(&lone, "rest on one launch: whether launches are alike is not known", why) ||
        !tally_tell(&differ, "have launches that differ, and fewer than 6 of them", why) ||
        !tally_tell(&drift, "drift: their samples are not independent", why))
        return RULE_BROKEN;
    text_addf(why,
              "%zu intervals are from ranks, or from a bootstrap where few launches differ: times "
              "may have any distribution; tests that are corrected for their number find no drift, "
              "and no launches that differ and are few",
              methods.of);
    return RULE_MET;
}

/* Share of a point's samples that must have a partner: one may be lost with a sample that failed.
 */
static const double LEAST_PAIRED = 0.9;

enum rule_state rules_comparisons(const struct evidence *e, struct text *why)
{
    struct tally paired = {.n = 0};
    size_t n_pairs = 0;
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        size_t n;
        if (!rules_is_measured(r) || is_base(&r->point))
            continue;
        free(pair(summary_base(e->given.summary, r->again), r->again, &n));
        n_pairs += n;
        tally_count(&paired, (double)n < LEAST_PAIRED * (double)r->again->n, &r->point);
    }
    if (!tally_tell(&paired, "were mostly not taken side by side with their base", why))
        return RULE_BROKEN;
    if (paired.of == 0)
        return text_addf(why, "no comparison: " BASE_ALONE), RULE_IDLE;
    text_addf(why,
              "the interval of each speedup (%zu) is of ratios paired by pass, %zu pairs in all",
              paired.of, n_pairs);
    return RULE_MET;
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
                      rules_is_near(told[k].told, quantile(values, p->n, told[k].share)));
    free(values);
    return all;
}

enum rule_state rules_median(const struct evidence *e, struct text *why)
{
    struct tally percentiles = {.n = 0}, modes = {.n = 0};
    size_t n_modes = 0;
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!rules_is_measured(r))
            continue;
        bool has_modes = has_word(r->again->row.flags, "several-modes");
        n_modes += has_modes;
        tally_count(&percentiles, !has_percentiles(r), &r->point);
        tally_count(&modes, has_modes && !has_word(r->row.flags, "several-modes"), &r->point);
    }
    if (!tally_tell(&percentiles,
                    "lack percentiles, median or worst case as they follow from the samples",
                    why) ||
        !tally_tell(&modes, "have several modes, and the table does not say so", why))
        return RULE_BROKEN;
    text_addf(why,
              "percentiles and the worst case stand beside each median (%zu); points with several "
              "modes: %zu, flagged",
              percentiles.of, n_modes);
    return RULE_MET;
}
