/* Comparing two runs: see compare.h; how it is written is in compare_text.c. */
#include "report/compare.h"

#include "base/alloc.h"
#include "report/factors.h"
#include "report/pairing.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE_ROW(type, name, unit, meaning)                                                     \
    {#name, FIELD_##type, offsetof(struct compare_row, name), unit, meaning},

const struct field compare_fields[] = {COMPARE_FIELDS(COMPARE_ROW){NULL, 0, 0, NULL, NULL}};

static const double RISK = 0.05; /* that any of the intervals misses */

/* A point alone overlooks launches that differ easily, and with the confidence that a table needs
 * its interval is wrong by far then. So all points are asked together: below this p launches count
 * as different for all of them; else for those alone whose own p is below it even as the least of
 * so many. */
static const double P_ALIKE = 0.1, NEVER_ALIKE = 4;

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_SAME] = "no difference shown",
        [VERDICT_FASTER] = "faster",
        [VERDICT_SLOWER] = "slower",
        [VERDICT_FASTER_HERE] = "faster in one launch",
        [VERDICT_SLOWER_HERE] = "slower in one launch",
        [VERDICT_FEW] = "too few samples",
        [VERDICT_NO_RATIO] = "no ratio",
        [VERDICT_NOT_MEASURED] = "not measured",
    };
    return names[verdict];
}

/* --- one point ----------------------------------------------------------------------------------
 */

/* Room for the values of any point. */
struct room {
    double *a, *b;
    int *launches_a, *launches_b;
};

/* The ratios b / a of what was taken side by side, into room->a; their number. */
static size_t take_ratios(const struct match *m, const struct room *room, bool *has_zero)
{
    struct pairing pairing = {m->a, m->b, 0, 0};
    struct pair pair;
    size_t n = 0;
    while (pairing_next(&pairing, &pair)) {
        if (!(pair.a->ns > 0) || !(pair.b->ns > 0)) {
            *has_zero = true;
            continue;
        }
        room->a[n] = pair.b->ns / pair.a->ns;
        room->launches_a[n++] = (int)pair.a->launch;
    }
    return n;
}

/* Times in seconds; whether one of them is 0. */
static bool take_times(const struct summary_point *p, double *values, int *launches)
{
    bool has_zero = false;
    for (size_t i = 0; i < p->n; i++) {
        values[i] = p->observations[i].ns / 1e9;
        launches[i] = (int)p->observations[i].launch;
        has_zero = has_zero || !(values[i] > 0);
    }
    return has_zero;
}

/* What the interval rests on, of the side that has fewer: launches where they come first. Where
 * there is no interval, samples are what is lacking. */
static void count_units(struct compare_row *row, size_t n, size_t n_launches, const char *unit,
                        enum stats_method method)
{
    bool by_launch = method == STATS_LAUNCHES || method == STATS_BOOTSTRAP;
    row->have = by_launch ? n_launches : n;
    text_copy(row->unit, sizeof row->unit, by_launch ? "launches" : unit);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t count_launches(const int *launches, size_t n)
{
    size_t count = n > 0;
    for (size_t i = 1; i < n; i++)
        count += launches[i] != launches[i - 1];
    return count;
}

static void take_interval(struct compare_row *row, double ratio, struct interval ci,
                          enum stats_method method)
{
    row->ratio = ratio;
    row->ratio_low = ci.known ? ci.low : NAN;
    row->ratio_high = ci.known ? ci.high : NAN;
    text_copy(row->method, sizeof row->method, ci.known ? stats_method_name(method) : "");
}

static double p_alike(const struct comparison *c)
{
    return c->launches_differ ? NEVER_ALIKE : P_ALIKE / (double)(c->n_tested ? c->n_tested : 1);
}

static void estimate_unpaired(const struct comparison *c, struct compared *item,
                              const struct room *room)
{
    const struct match *m = &item->match;
    struct compare_row *row = &item->row;
    struct ratio r = stats_ratio_if(room->a, room->launches_a, m->a->n, room->b, room->launches_b,
                                    m->b->n, c->confidence, p_alike(c) / 2); /* two tests */
    take_interval(row, r.ratio, r.ci, r.method);
    row->launches =
        least(count_launches(room->launches_a, m->a->n), count_launches(room->launches_b, m->b->n));
    count_units(row, least(m->a->n, m->b->n), row->launches, "samples",
                r.ci.known ? r.method : STATS_NO_INTERVAL);
}

static void estimate_paired(const struct comparison *c, struct compared *item,
                            const struct room *room)
{
    struct compare_row *row = &item->row;
    size_t n = (size_t)row->pairs;
    struct estimate e = stats_estimate_if(room->a, room->launches_a, n, c->confidence, p_alike(c));
    take_interval(row, e.median, e.median_ci, e.method);
    row->launches = e.n_launches;
    count_units(row, n, e.n_launches, "pairs", e.method);
}

enum taken { NOTHING, A_ZERO, TIMES, RATIOS };

/* Fills the room with what there is of a match: its ratios (as a) where it is paired, else the
 * times of both sides. */
static enum taken take_values(const struct comparison *c, const struct match *m,
                              const struct room *room, size_t *n_pairs)
{
    bool has_zero = false;
    *n_pairs = c->is_one_run ? take_ratios(m, room, &has_zero) : 0;
    if (*n_pairs > 0)
        return RATIOS;
    if (m->a->n == 0 || m->b->n == 0)
        return NOTHING;
    bool zero_a = take_times(m->a, room->a, room->launches_a);
    bool zero_b = take_times(m->b, room->b, room->launches_b);
    return has_zero || zero_a || zero_b ? A_ZERO : TIMES;
}

/* Fisher's sum of -ln p over independent tests, and the p-value of all of them together: the tail
 * of a gamma distribution, which for whole numbers is a sum. */
struct together {
    double sum;
    size_t n;
};

static void add_test(struct together *t, double p)
{
    if (isnan(p))
        return;
    t->sum -= log(fmax(p, 1e-300));
    t->n++;
}

static double p_together(const struct together *t)
{
    double p = 0;
    for (size_t i = 0; i < t->n; i++)
        p += exp(-t->sum +
                 (i && t->sum > 0 ? (double)i * log(t->sum)
                  : i             ? -INFINITY
                                  : 0) -
                 lgamma((double)i + 1));
    return t->n ? fmin(1, p) : NAN;
}

/* Whether launches differ, as far as all points together tell. */
static bool do_launches_differ(const struct comparison *c, const struct room *room)
{
    struct together t = {0};
    for (size_t i = 0; i < c->matching.n; i++) {
        const struct match *m = &c->matching.items[i];
        size_t n;
        enum taken taken = take_values(c, m, room, &n);
        if (taken == RATIOS)
            add_test(&t, stats_p_launches(room->a, room->launches_a, n));
        if (taken != TIMES)
            continue;
        add_test(&t, stats_p_launches(room->a, room->launches_a, m->a->n));
        add_test(&t, stats_p_launches(room->b, room->launches_b, m->b->n));
    }
    return p_together(&t) < P_ALIKE;
}

static double chain_of(const struct summary_point *p)
{
    return p->n_chain ? (double)p->chain_ps_sum / (double)p->n_chain : NAN;
}

/* Chains with one behind the sample as well are the least of several parts, older ones were a mean:
 * of the same clock the two differ by some tenths of a percent. */
static double chain_ratio(const struct match *m)
{
    return (m->a->n_chain_end > 0) == (m->b->n_chain_end > 0) ? chain_of(m->b) / chain_of(m->a)
                                                              : NAN;
}

static void add_flag(struct compare_row *row, const char *flag)
{
    size_t used = strlen(row->flags);
    snprintf(row->flags + used, sizeof row->flags - used, "%s%s", used ? " " : "", flag);
}

static bool is_disturbed(const struct summary_point *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->observations[i].disturbances)
            return true;
    return false;
}

static void flag(struct compared *item)
{
    struct compare_row *row = &item->row;
    bool differs = row->ratio_low > 1 || row->ratio_high < 1;
    /* In one pass both had the same clock. */
    double effect = log(row->ratio), clock = log(row->chain_ratio);
    if (differs && row->pairs == 0 && clock * effect > 0 && fabs(clock) >= fabs(effect))
        add_flag(row, "clock");
    if (is_disturbed(item->match.a) || is_disturbed(item->match.b))
        add_flag(row, "disturbed");
    if (item->match.a->n_failed > item->match.a->n_retaken ||
        item->match.b->n_failed > item->match.b->n_retaken)
        add_flag(row, "failed");
}

static enum verdict judge(const struct compare_row *row, bool has_zero)
{
    if (row->n_a == 0 || row->n_b == 0)
        return VERDICT_NOT_MEASURED;
    if (has_zero)
        return VERDICT_NO_RATIO;
    if (isnan(row->ratio_low) || isnan(row->ratio_high))
        return VERDICT_FEW;
    bool is_alone = row->launches == 1;
    if (row->ratio_low > 1)
        return is_alone ? VERDICT_SLOWER_HERE : VERDICT_SLOWER;
    if (row->ratio_high < 1)
        return is_alone ? VERDICT_FASTER_HERE : VERDICT_FASTER;
    return VERDICT_SAME;
}

/* Fields in which b's point is another than a's. */
static void tell_other(struct compared *item)
{
    struct text t = TEXT_INIT;
    const struct point *a = &item->match.a->point, *b = &item->match.b->point;
    for (const struct field *f = point_fields; f->name; f++) {
        const struct field one[2] = {*f};
        struct text x = TEXT_INIT, y = TEXT_INIT;
        record_csv(&x, one, a);
        record_csv(&y, one, b);
        if (x.length != y.length || (x.length && memcmp(x.text, y.text, x.length) != 0))
            text_addf(&t, "%s%s=%s", t.length ? ", " : "", f->name, y.length ? y.text : "");
        text_release(&x);
        text_release(&y);
    }
    text_copy(item->row.other, sizeof item->row.other, t.length ? t.text : "");
    text_release(&t);
}

static void estimate(struct comparison *c, struct compared *item, const struct room *room)
{
    const struct match *m = &item->match;
    struct compare_row *row = &item->row;
    size_t n_pairs;
    *row = (struct compare_row){.n_a = m->a->n,
                                .n_b = m->b->n,
                                .ratio = NAN,
                                .ratio_low = NAN,
                                .ratio_high = NAN,
                                .confidence = c->confidence,
                                .needed = stats_least_for(c->confidence),
                                .chain_ratio = chain_ratio(m)};
    take_times(m->a, room->a, room->launches_a);
    row->a_s = stats_median(room->a, m->a->n);
    take_times(m->b, room->b, room->launches_b);
    row->b_s = stats_median(room->b, m->b->n);
    enum taken taken = take_values(c, m, room, &n_pairs);
    row->pairs = n_pairs;
    if (taken == RATIOS)
        estimate_paired(c, item, room);
    else if (taken == TIMES)
        estimate_unpaired(c, item, room);
    item->verdict = judge(row, taken == A_ZERO);
    text_copy(row->verdict, sizeof row->verdict, verdict_name(item->verdict));
    tell_other(item);
    flag(item);
    c->n_paired += row->pairs > 0;
    c->n_verdicts[item->verdict]++;
    if (!isfinite(row->ratio_low))
        return;
    c->n_alone += row->launches == 1;
    if (row->launches > 1 && (!c->few_launches || row->launches < c->few_launches))
        c->few_launches = row->launches;
}

/* --- all of them --------------------------------------------------------------------------------
 */

static size_t most_samples(const struct matching *m)
{
    size_t most = 1;
    for (size_t i = 0; i < m->n; i++) {
        most = m->items[i].a->n > most ? m->items[i].a->n : most;
        most = m->items[i].b->n > most ? m->items[i].b->n : most;
    }
    return most;
}

int comparison_make(struct comparison *c, const struct part *a, const struct part *b,
                    bool is_one_run, struct err *err)
{
    *c = (struct comparison){.a = a, .b = b, .is_one_run = is_one_run};
    if (matching_make(&c->matching, a, b, err) != 0)
        return -1;
    c->total_a = part_total(a);
    c->total_b = part_total(b);
    const struct matching *m = &c->matching;
    for (size_t i = 0; i < m->n; i++)
        c->n_tested += m->items[i].a->n > 0 && m->items[i].b->n > 0;
    c->confidence = 1 - RISK / (double)(c->n_tested ? c->n_tested : 1);
    size_t most = most_samples(m);
    struct room room = {alloc_zeroed(most, sizeof *room.a), alloc_zeroed(most, sizeof *room.b),
                        alloc_zeroed(most, sizeof *room.launches_a),
                        alloc_zeroed(most, sizeof *room.launches_b)};
    c->items = alloc_zeroed(m->n, sizeof *c->items);
    c->launches_differ = do_launches_differ(c, &room);
    for (size_t i = 0; i < m->n; i++) {
        c->items[i].match = m->items[i];
        estimate(c, &c->items[i], &room);
    }
    free(room.a);
    free(room.b);
    free(room.launches_a);
    free(room.launches_b);
    return 0;
}

void comparison_release(struct comparison *c)
{
    matching_release(&c->matching);
    free(c->items);
    *c = (struct comparison){0};
}

size_t comparison_exceeding(const struct comparison *c, double percent,
                            const struct compared **worst)
{
    size_t n = 0;
    *worst = NULL;
    for (size_t i = 0; i < c->matching.n; i++) {
        const struct compare_row *row = &c->items[i].row;
        if (!(row->ratio_low > 1 + percent / 100) || row->launches <= 1)
            continue;
        n++;
        if (!*worst || row->ratio_low > (*worst)->row.ratio_low)
            *worst = &c->items[i];
    }
    return n;
}

char *comparison_name(const struct comparison *c, const struct point *point,
                      char name[FIELD_TEXT_BYTES])
{
    unsigned varying = FACTOR_BACKEND;
    char factors[FACTORS_NAME_BYTES];
    for (size_t i = 1; i < c->matching.n; i++)
        varying |= factors_between(&c->items[0].match.a->point, &c->items[i].match.a->point);
    for (size_t i = 0; i < c->matching.n_only_a; i++)
        varying |= factors_between(&c->items[0].match.a->point, &c->matching.only_a[i]->point);
    factors_name(point, varying, factors);
    snprintf(name, FIELD_TEXT_BYTES, "%.80s: %.170s", point->experiment, factors);
    return name;
}
