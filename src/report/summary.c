/* From samples to a row a point: see summary.h. */
#include "report/summary.h"

#include "base/alloc.h"
#include "record/journal.h"
#include "record/place.h"
#include "report/pairing.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUMMARY_ROW(type, name, unit, meaning)                                                     \
    {#name, FIELD_##type, offsetof(struct summary_row, name), unit, meaning},

/* Chance that a look at a whole run, for one of the things below, gives a false alarm. */
static const double ALARM = 0.01;

const struct field summary_fields[] = {SUMMARY_FIELDS(SUMMARY_ROW){NULL, 0, 0, NULL, NULL}};

static int take_point(void *user, size_t number, const struct point *point, struct err *err)
{
    (void)number, (void)err;
    struct summary *s = user;
    s->points = alloc_room(s->points, s->n, &s->capacity, sizeof *s->points);
    s->points[s->n++] = (struct summary_point){.point = *point, .sorted = true};
    return 0;
}

static bool is_seq(const struct point *point)
{
    return strcmp(point->backend, "seq") == 0;
}

static int compare_own(const struct observation *a, const struct observation *b, bool is_base)
{
    return place_compare_own(PLACE_OF(a), PLACE_OF(b), is_base);
}

/* By place, and of equal ones by which was taken first. */
static int compare_taken(const struct observation *a, const struct observation *b, bool is_base)
{
    int places = compare_own(a, b, is_base);
    if (places != 0)
        return places;
    if (a->retake != b->retake)
        return a->retake < b->retake ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_taken_of_base(const void *a, const void *b)
{
    return compare_taken(a, b, true);
}

static int compare_taken_of_others(const void *a, const void *b)
{
    return compare_taken(a, b, false);
}

/* The number of a disturbance; when there are too many, that of the last. */
static unsigned disturbance(struct summary *s, const char *word, size_t length)
{
    for (size_t i = 0; i < s->n_disturbances; i++)
        if (strlen(s->disturbances[i]) == length && memcmp(s->disturbances[i], word, length) == 0)
            return (unsigned)i;
    if (s->n_disturbances == MOST_DISTURBANCES)
        return MOST_DISTURBANCES - 1;
    memcpy(s->disturbances[s->n_disturbances], word, length);
    return (unsigned)s->n_disturbances++;
}

static uint16_t take_disturbances(struct summary *s, const struct sample *sample)
{
    unsigned bits = 0;
    s->n_watched += sample->noise_ns > 0 || *sample->flags;
    for (const char *word = sample->flags; *word;) {
        size_t length = strcspn(word, " ");
        if (length)
            bits |= 1u << disturbance(s, word,
                                      length < DISTURBANCE_BYTES ? length : DISTURBANCE_BYTES - 1);
        word += length + (word[length] == ' ');
    }
    return (uint16_t)bits;
}

/* What the workers' time went on. Runs of versions that did not look have 0 throughout. */
static void take_costs(struct observation *o, const struct point *point,
                       const struct sample *sample)
{
    bool is_known = sample->span_ns > 0, is_seen = strcmp(point->dispatch, "native") != 0;
    o->span_ns = is_known ? (double)sample->span_ns : NAN;
    o->busy_ns = is_known ? (double)sample->busy_ns : NAN;
    o->idle_ns = is_known ? (double)sample->idle_ns : NAN;
    o->claim_ns = is_known && (is_seen || sample->claim_ns) ? (double)sample->claim_ns : NAN;
    o->imbalance = is_known ? sample->imbalance : NAN;
}

static int take_sample(void *user, size_t number, const struct sample *sample, struct err *err)
{
    (void)err;
    struct summary *s = user;
    struct summary_point *p = &s->points[number];
    p->n_misplaced += sample->misplaced;
    if (*sample->remark)
        text_copy(p->remark, sizeof p->remark, sample->remark);
    if (sample->nodes > p->nodes)
        p->nodes = sample->nodes;
    if (sample->chain_ps) {
        p->chain_ps_sum += sample->chain_ps;
        p->n_chain++;
        p->n_chain_end += sample->chain_end_ps > 0;
    }
    if (strcmp(sample->status, "ok") != 0) {
        p->failures =
            alloc_room(p->failures, p->n_failed, &p->failures_capacity, sizeof *p->failures);
        p->failures[p->n_failed++] = (struct observation){.launch = (uint32_t)sample->launch,
                                                          .group = (uint32_t)sample->group,
                                                          .pass = (uint32_t)sample->pass,
                                                          .order = sample->order};
        text_copy(p->last_error, sizeof p->last_error, sample->error);
        return 0;
    }
    struct observation o = {.launch = (uint32_t)sample->launch,
                            .group = (uint32_t)sample->group,
                            .pass = (uint32_t)sample->pass,
                            .chunks = (double)sample->chunks,
                            .most = (uint32_t)sample->tasks_most,
                            .busy = (uint32_t)sample->busy_workers,
                            .retake = (uint32_t)sample->retake,
                            .disturbances = take_disturbances(s, sample),
                            .pus = (uint32_t)sample->pus,
                            .ns = (double)sample->wall_ns,
                            .open_ns = (double)sample->open_ns,
                            .order = sample->order,
                            .sum = sample->sum};
    take_costs(&o, &p->point, sample);
    if (p->point.fresh)
        o.ns += (double)(sample->open_ns + sample->close_ns);
    p->observations = alloc_room(p->observations, p->n, &p->capacity, sizeof *p->observations);
    if (p->n && compare_taken(&p->observations[p->n - 1], &o, is_seq(&p->point)) > 0)
        p->sorted = false;
    p->observations[p->n++] = o;
    return 0;
}

/* Of the right answers of one place the last taken stays in the list; the others go behind it, in
 * their order. */
static void set_aside(struct summary_point *p)
{
    struct observation *aside = NULL;
    size_t kept = 0, n = 0, capacity = 0;
    bool is_base = is_seq(&p->point);
    for (size_t i = 0; i < p->n; i++) {
        const struct observation *o = &p->observations[i];
        if (i + 1 == p->n || compare_own(o, o + 1, is_base) != 0) {
            p->observations[kept++] = *o;
            continue;
        }
        aside = alloc_room(aside, n, &capacity, sizeof *aside);
        aside[n++] = *o;
    }
    if (n)
        memcpy(p->observations + kept, aside, n * sizeof *aside);
    free(aside);
    p->n = kept;
    p->n_set_aside = n;
}

/* The right answer of the failure's place; NULL: none. */
static const struct observation *find_own(const struct summary_point *p,
                                          const struct observation *failure)
{
    size_t low = 0, high = p->n;
    bool is_base = is_seq(&p->point);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int side = compare_own(&p->observations[middle], failure, is_base);
        if (side == 0)
            return &p->observations[middle];
        if (side < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* What failed and was asked for again stands in the file twice, under one place. */
static size_t count_retaken(const struct summary_point *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_failed; i++) {
        const struct observation *o = find_own(p, &p->failures[i]);
        n += o && o->order >= p->failures[i].order;
    }
    return n;
}

/* It is mostly in order: unless a group's number has changed within a launch. */
static void sort_by_place(struct observation *list, size_t n)
{
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = place_compare(PLACE_OF(&list[i - 1]), PLACE_OF(&list[i])) <= 0;
    if (!sorted)
        qsort(list, n, sizeof *list, compare_taken_of_base);
}

/* Tells what counts from what was taken again, and puts both into the order of places. */
static void settle(struct summary_point *p)
{
    if (!p->sorted)
        qsort(p->observations, p->n, sizeof *p->observations,
              is_seq(&p->point) ? compare_taken_of_base : compare_taken_of_others);
    set_aside(p);
    p->n_retaken = count_retaken(p);
    sort_by_place(p->observations, p->n);
    sort_by_place(p->observations + p->n, p->n_set_aside);
}

int summary_read(struct summary *s, const char *path, struct err *err)
{
    *s = (struct summary){0};
    struct journal_reader reader = {take_point, take_sample, s};
    if (journal_read(path, &reader, &s->cut_off, err) != 0) {
        summary_release(s);
        return -1;
    }
    for (size_t i = 0; i < s->n; i++)
        settle(&s->points[i]);
    return 0;
}

void summary_release(struct summary *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->points[i].observations);
        free(s->points[i].failures);
    }
    free(s->points);
    *s = (struct summary){0};
}

/* --- bases --------------------------------------------------------------------------------------
 */

static int compare_reals(double a, double b)
{
    return a < b ? -1 : a > b;
}

/* 0: points of the same list of tasks, which share a base. */
static int compare_lists(const struct point *a, const struct point *b)
{
    int c = strcmp(a->experiment, b->experiment);
    c = c ? c : strcmp(a->workload, b->workload);
    c = c ? c : place_compare_numbers(a->tasks, b->tasks);
    c = c ? c : compare_reals(a->scale, b->scale);
    return c ? c : strcmp(a->bind, b->bind);
}

static int compare_pointers(const void *a, const void *b)
{
    return a < b ? -1 : a > b;
}

static int compare_bases(const void *first, const void *second)
{
    const struct summary_point *a = *(const struct summary_point *const *)first,
                               *b = *(const struct summary_point *const *)second;
    int c = compare_lists(&a->point, &b->point);
    return c ? c : compare_pointers(a, b); /* of several the first counts */
}

static const struct summary_point *find_base(const struct summary_point *const *bases, size_t n,
                                             const struct summary_point *p)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_lists(&bases[middle]->point, &p->point) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && compare_lists(&bases[low]->point, &p->point) == 0 ? bases[low] : NULL;
}

static void find_bases(struct summary *s)
{
    const struct summary_point **bases = alloc_zeroed(s->n ? s->n : 1, sizeof *bases);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (is_seq(&s->points[i].point))
            bases[n++] = &s->points[i];
    qsort((void *)bases, n, sizeof *bases, compare_bases);
    for (size_t i = 0; i < s->n; i++)
        s->points[i].base = find_base(bases, n, &s->points[i]);
    free((void *)bases);
}

const struct summary_point *summary_base(const struct summary *s, const struct summary_point *p)
{
    (void)s;
    return p->base;
}

/* --- estimates -------------------------------------------------------------------------------- */

static void add_flag(struct summary_row *row, const char *flag)
{
    size_t used = strlen(row->flags);
    if (used + strlen(flag) + 2 <= sizeof row->flags)
        sprintf(row->flags + used, "%s%s", used ? " " : "", flag);
}

/* The ratios base / point of samples taken side by side; returns their number. */
static size_t take_ratios(const struct summary_point *p, double *ratios, int *launches)
{
    struct pairing pairing = {p->base, p, 0, 0};
    struct pair pair;
    size_t n = 0;
    while (pairing_next(&pairing, &pair)) {
        if (pair.b->ns <= 0)
            continue;
        ratios[n] = pair.a->ns / pair.b->ns;
        launches[n++] = (int)pair.b->launch;
    }
    return n;
}

/* Room for the values of any point. */
struct room {
    double *values;
    int *launches;
    const struct observation **taken;
};

double summary_ratio(const struct summary_point *base, const struct observation *sample)
{
    const struct observation *partner = pairing_find(base, sample);
    return partner && sample->ns > 0 ? partner->ns / sample->ns : NAN;
}

/* A percentile is told when at least one sample lies beyond it. */
static void estimate_percentiles(struct summary_row *row, const double *values, size_t n)
{
    static const double ps[] = {0.05, 0.25, 0.75, 0.95, 0.99};
    double *const to[] = {&row->p5_s, &row->p25_s, &row->p75_s, &row->p95_s, &row->p99_s};
    enum { N = sizeof ps / sizeof *ps };
    double quantiles[N];
    stats_quantiles(values, n, ps, N, quantiles);
    for (size_t i = 0; i < N; i++)
        *to[i] = (double)n * fmin(ps[i], 1 - ps[i]) >= 1 - 1e-9 ? quantiles[i] : NAN;
}

static int compare_orders(const void *a, const void *b)
{
    const struct observation *const *x = a, *const *y = b;
    return (*x)->order < (*y)->order ? -1 : (*x)->order > (*y)->order;
}

/* Looks at the times in the order in which they were taken, which a run that was resumed, or cells
 * that were started anew, may have mixed up among passes. */
static void diagnose(struct summary_point *p, const struct room *room)
{
    bool sorted = true;
    for (size_t i = 0; i < p->n; i++) {
        room->taken[i] = &p->observations[i];
        sorted = sorted && (i == 0 || room->taken[i - 1]->order <= room->taken[i]->order);
    }
    if (!sorted)
        qsort(room->taken, p->n, sizeof *room->taken, compare_orders);
    for (size_t i = 0; i < p->n; i++) {
        room->values[i] = room->taken[i]->ns / 1e9;
        room->launches[i] = (int)room->taken[i]->launch;
    }
    struct diagnosis d = stats_diagnose(room->values, room->launches, p->n);
    p->row.p_launches = d.p_launches;
    p->row.p_drift = d.p_drift;
    p->row.p_modes = d.p_modes;
}

/* Two launches that differ: whatever the number of samples, the interval knows two values. That a
 * point is taken for such a one is left uncorrected for the number of points, as its interval is.
 */
static void flag_launches(struct summary_row *row, const struct estimate *e)
{
    if (e->method == STATS_BOOTSTRAP && e->n_launches == 2 && !strstr(row->flags, "two-launches"))
        add_flag(row, "two-launches");
}

static void estimate_time(struct summary_point *p, const struct room *room)
{
    struct summary_row *row = &p->row;
    for (size_t i = 0; i < p->n; i++) {
        room->values[i] = p->observations[i].ns / 1e9;
        room->launches[i] = (int)p->observations[i].launch;
        row->disturbed += p->observations[i].disturbances != 0;
    }
    struct estimate e = stats_estimate(room->values, room->launches, p->n);
    row->n = e.n;
    row->set_aside = p->n_set_aside;
    row->launches = e.n_launches;
    row->median_s = e.median;
    row->ci_low_s = e.median_ci.low;
    row->ci_high_s = e.median_ci.high;
    row->mean_s = e.mean;
    row->mad_s = e.mad;
    row->min_s = e.min;
    row->max_s = e.max;
    text_copy(row->method, sizeof row->method, stats_method_name(e.method));
    estimate_percentiles(row, room->values, p->n);
    diagnose(p, room);
    if (!e.median_ci.known)
        add_flag(row, "few");
    flag_launches(row, &e);
}

/* The median of a field (a double) of the observations that know it; NaN when none does. */
static double median_of(const struct summary_point *p, size_t offset, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        double value;
        memcpy(&value, (const char *)&p->observations[i] + offset, sizeof value);
        if (isnan(value))
            continue;
        values[n++] = value;
    }
    return stats_median(values, n);
}

static void estimate_costs(struct summary_point *p, double *values)
{
    struct summary_row *row = &p->row;
#define MEDIAN(field) median_of(p, offsetof(struct observation, field), values)
    row->chunks = MEDIAN(chunks);
    row->busy_s = MEDIAN(busy_ns) / 1e9;
    row->claim_s = MEDIAN(claim_ns) / 1e9;
    row->idle_s = MEDIAN(idle_ns) / 1e9;
    row->imbalance = MEDIAN(imbalance);
    row->open_s = MEDIAN(open_ns) / 1e9;
#undef MEDIAN
}

static void estimate_speedup(struct summary_point *p, const struct room *room)
{
    struct summary_row *row = &p->row;
    const struct summary_point *base = p->base;
    row->speedup = row->speedup_low = row->speedup_high = row->base_s = NAN;
    if (!base)
        return;
    text_copy(row->base, sizeof row->base, base->point.backend);
    row->base_s = base->row.median_s;
    size_t n = take_ratios(p, room->values, room->launches);
    struct estimate e = stats_estimate(room->values, room->launches, n);
    row->speedup = e.median;
    row->speedup_low = e.median_ci.low;
    row->speedup_high = e.median_ci.high;
    flag_launches(row, &e);
}

/* Whether half the interval of what was asked for is as narrow as was asked for. */
static bool is_precise(const struct summary_point *p)
{
    const struct summary_row *r = &p->row;
    double half_s = (r->ci_high_s - r->ci_low_s) / 2, half = (r->speedup_high - r->speedup_low) / 2;
    bool of_speedup = p->facts.precision_of_speedup && p->base != p && isfinite(r->speedup);
    double share = of_speedup ? half / r->speedup : half_s / r->median_s;
    return share * 100 <= p->facts.precision;
}

/* Whether the CPUs, not the workers, say how many tasks can run at once. */
static bool is_limited(const struct summary *s, const struct summary_point *p)
{
    return s->usable > 0 && p->facts.uses_cpu && p->point.workers > (uint64_t)s->usable;
}

/* Samples in which floating workers used fewer PUs than there were for them. */
static uint64_t count_stacked(const struct summary *s, const struct summary_point *p)
{
    uint64_t usable = (uint64_t)s->usable, n = 0;
    uint64_t due = p->point.workers < usable ? p->point.workers : usable;
    if (!p->facts.uses_cpu || strcmp(p->point.bind, "none") != 0)
        return 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->observations[i].pus > 0 && p->observations[i].pus < due;
    return n;
}

static void estimate_point(struct summary *s, struct summary_point *p, const struct room *room)
{
    struct summary_row *row = &p->row;
    const struct point_facts *facts = &p->facts;
    double workers = (double)p->point.workers;
    estimate_speedup(p, room);
    row->efficiency = row->speedup / workers;
    row->karp_flatt = stats_karp_flatt(row->speedup, workers);
    row->bound = facts->known ? facts->bound : NAN;
    row->bound_s = isfinite(facts->ideal_s) ? facts->ideal_s : row->base_s / row->bound;
    double at_once = is_limited(s, p) ? s->usable : workers;
    row->ns_per_task =
        p->point.tasks ? row->median_s * 1e9 * at_once / (double)p->point.tasks : NAN;
    row->serial_fraction = NAN;
    row->nodes = p->nodes ? p->nodes : 1;
    row->usable = (uint64_t)s->usable;
    row->failed = p->n_failed;
    row->verified = p->n_failed == 0 && p->n > 0;
    if (s->usable > 0 && workers > s->usable)
        add_flag(row, "oversubscribed");
    if (p->n_misplaced)
        add_flag(row, "misplaced");
    if (p->n_failed)
        add_flag(row, p->n_retaken < p->n_failed ? "failed" : "retaken");
    if (facts->precision > 0 && !is_precise(p))
        add_flag(row, "imprecise");
    if (row->disturbed)
        add_flag(row, "disturbed");
    row->stacked = count_stacked(s, p);
    if (row->stacked > 0 && 10 * row->stacked >= row->n)
        add_flag(row, "stacked");
}

/* --- what samples look like ---------------------------------------------------------------------
 */

/* A test that is made of every point of a run: where its statement fails, the point has the flag.
 */
struct look {
    const char *flag;
    size_t p;                                     /* offset of the p-value in the row */
    bool (*is_asked)(const struct summary_row *); /* NULL: of all */
};

/* With enough launches the interval is made of their medians, and holds how they differ. */
static bool has_few_launches(const struct summary_row *row)
{
    return row->launches < STATS_LEAST_FOR_INTERVAL;
}

static const struct look looks[] = {
    {"launches-differ", offsetof(struct summary_row, p_launches), has_few_launches},
    {"drifting", offsetof(struct summary_row, p_drift), NULL},
    {"several-modes", offsetof(struct summary_row, p_modes), NULL},
};

struct suspect {
    double p;
    struct summary_row *row;
};

static int compare_suspects(const void *a, const void *b)
{
    double x = ((const struct suspect *)a)->p, y = ((const struct suspect *)b)->p;
    return x < y ? -1 : x > y;
}

/* Flags points after Holm (Scand. J. Statist. 6, 1979): the k-th smallest of m p-values must be
 * within ALARM / (m - k + 1), and so must those below it. So a test of a whole run without any such
 * point gives a false alarm, be it one or many, with a probability of at most ALARM, however many
 * points there are. */
static void look_at(struct summary *s, const struct look *look)
{
    struct suspect *suspects = alloc_zeroed(s->n ? s->n : 1, sizeof *suspects);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct summary_row *row = &s->points[i].row;
        double p;
        memcpy(&p, (const char *)row + look->p, sizeof p);
        if (!isnan(p) && (!look->is_asked || look->is_asked(row)))
            suspects[n++] = (struct suspect){p, row};
    }
    qsort(suspects, n, sizeof *suspects, compare_suspects);
    for (size_t k = 0; k < n && suspects[k].p <= ALARM / (double)(n - k); k++)
        add_flag(suspects[k].row, look->flag);
    free(suspects);
}

/* --- series -------------------------------------------------------------------------------------
 */

/* 0: two points differ in their worker count alone (hybrid: in its factors). The chunk sizes that a
 * rule chose are one level. */
static int compare_series(const struct point *a, const struct point *b)
{
    int c = compare_lists(a, b);
    c = c ? c : strcmp(a->backend, b->backend);
    c = c ? c : strcmp(a->schedule, b->schedule);
    c = c ? c : strcmp(a->dispatch, b->dispatch);
    c = c ? c : place_compare_numbers(a->fresh, b->fresh);
    c = c ? c : place_compare_numbers(a->chunk_auto, b->chunk_auto);
    return c || a->chunk_auto ? c : place_compare_numbers(a->chunk, b->chunk);
}

static int compare_members(const void *first, const void *second)
{
    const struct summary_point *a = *(struct summary_point *const *)first,
                               *b = *(struct summary_point *const *)second;
    int c = compare_series(&a->point, &b->point);
    return c ? c : compare_pointers(a, b);
}

/* Amdahl's serial fraction over the worker counts of a series; the usable CPUs cut the series off
 * for all but sleepers, and theory knows nothing of them: points that are bound by CPUs are left
 * out. */
static void fit(const struct summary *s, struct summary_point **series, size_t n, double *workers,
                double *speedups)
{
    size_t used = 0, distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(series[i]->row.speedup > 0) || is_limited(s, series[i]))
            continue;
        workers[used] = (double)series[i]->point.workers;
        distinct += used == 0 || workers[used] != workers[0];
        speedups[used++] = series[i]->row.speedup;
    }
    double fraction = distinct >= 2 ? stats_amdahl_fit(workers, speedups, used) : NAN;
    for (size_t i = 0; i < n; i++)
        series[i]->row.serial_fraction = fraction;
}

static void fit_series(struct summary *s)
{
    size_t room = s->n ? s->n : 1, n = 0;
    double *workers = alloc_zeroed(room, sizeof *workers),
           *speedups = alloc_zeroed(room, sizeof *speedups);
    struct summary_point **members = alloc_zeroed(room, sizeof *members);
    for (size_t i = 0; i < s->n; i++)
        if (!is_seq(&s->points[i].point))
            members[n++] = &s->points[i];
    qsort((void *)members, n, sizeof *members, compare_members);
    for (size_t i = 0, end; i < n; i = end) {
        end = i + 1;
        while (end < n && compare_series(&members[i]->point, &members[end]->point) == 0)
            end++;
        fit(s, members + i, end - i, workers, speedups);
    }
    free(workers);
    free(speedups);
    free((void *)members);
}

static const struct point_facts unknown_facts = {
    .position = SIZE_MAX, .bound = NAN, .ideal_s = NAN, .uses_cpu = true};

struct placed {
    struct summary_point point;
    size_t position;
};

static int compare_positions(const void *a, const void *b)
{
    size_t x = ((const struct placed *)a)->position, y = ((const struct placed *)b)->position;
    return x < y ? -1 : x > y;
}

static void sort_points(struct summary *s,
                        struct point_facts (*facts_of)(void *, const struct point *), void *user)
{
    struct placed *placed = alloc_zeroed(s->n, sizeof *placed);
    for (size_t i = 0; i < s->n; i++) {
        placed[i].point = s->points[i];
        placed[i].position = facts_of(user, &s->points[i].point).position;
        if (placed[i].position == SIZE_MAX)
            placed[i].position = SIZE_MAX - s->n + i; /* unknown ones stay as they came */
    }
    qsort(placed, s->n, sizeof *placed, compare_positions);
    for (size_t i = 0; i < s->n; i++)
        s->points[i] = placed[i].point;
    free(placed);
}

void summary_estimate(struct summary *s, int usable,
                      struct point_facts (*facts_of)(void *user, const struct point *point),
                      void *user)
{
    size_t most = 1;
    for (size_t i = 0; i < s->n; i++)
        if (s->points[i].n > most)
            most = s->points[i].n;
    struct room room = {alloc_zeroed(most, sizeof *room.values),
                        alloc_zeroed(most, sizeof *room.launches),
                        alloc_zeroed(most, sizeof *room.taken)};
    s->usable = usable;
    if (facts_of)
        sort_points(s, facts_of, user);
    find_bases(s);
    for (size_t i = 0; i < s->n; i++) {
        s->points[i].row = (struct summary_row){0};
        estimate_time(&s->points[i], &room);
        estimate_costs(&s->points[i], room.values);
    }
    for (size_t i = 0; i < s->n; i++) {
        struct summary_point *p = &s->points[i];
        p->facts = facts_of ? facts_of(user, &p->point) : unknown_facts;
        estimate_point(s, p, &room);
    }
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        look_at(s, &looks[i]);
    free(room.values);
    free(room.launches);
    free((void *)room.taken);
    fit_series(s);
}

/* --- machine formats ---------------------------------------------------------------------------
 */

void summary_write_csv(const struct summary *s, FILE *to)
{
    struct text line = TEXT_INIT;
    record_csv_header(&line, point_fields);
    text_add(&line, ",", 1);
    record_csv_header(&line, summary_fields);
    fprintf(to, "%s\n", line.text);
    for (size_t i = 0; i < s->n; i++) {
        text_clear(&line);
        record_csv(&line, point_fields, &s->points[i].point);
        text_add(&line, ",", 1);
        record_csv(&line, summary_fields, &s->points[i].row);
        fprintf(to, "%s\n", line.text);
    }
    text_release(&line);
}

void summary_write_json(const struct summary *s, FILE *to)
{
    json_t *points = json_array();
    for (size_t i = 0; i < s->n; i++) {
        json_t *point = record_json(point_fields, &s->points[i].point);
        json_t *row = record_json(summary_fields, &s->points[i].row);
        json_object_update(point, row);
        json_decref(row);
        json_array_append_new(points, point);
    }
    json_t *all = json_pack("{s:i,s:o}", "schema", 1, "points", points);
    json_dumpf(all, to, JSON_INDENT(1));
    fputc('\n', to);
    json_decref(all);
}
