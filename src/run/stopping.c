/* When a run stops asking: see stopping.h. */
#include "run/stopping.h"

#include "base/alloc.h"
#include "record/place.h"
#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- what is known -----------------------------------------------------------------------------
 */

void stopping_init(struct stopping *s, const struct plan *plan, bool is_open)
{
    *s = (struct stopping){plan, is_open, alloc_zeroed(plan->n, sizeof *s->points)};
    for (size_t i = 0; i < plan->n; i++)
        s->points[i].first_group = SIZE_MAX;
    for (size_t g = plan->n_groups; g-- > 0;)
        for (size_t k = 0; k < plan->groups[g].n_points; k++)
            s->points[plan->groups[g].points[k]].first_group = g;
}

void stopping_release(struct stopping *s)
{
    for (size_t i = 0; s->points && i < s->plan->n; i++)
        free(s->points[i].samples);
    free(s->points);
    *s = (struct stopping){0};
}

double stopping_time_ns(const struct point *point, const struct sample *sample)
{
    uint64_t ns = sample->wall_ns;
    if (point->fresh)
        ns += sample->open_ns + sample->close_ns;
    return (double)ns;
}

static int compare(const struct observed *a, const struct turn *b, bool is_base)
{
    return place_compare_own(PLACE_OF(a), PLACE_OF(b), is_base);
}

static bool is_base(const struct stopping *s, size_t i)
{
    return s->plan->points[i].base == i;
}

/* How many samples of the point stand before the turn. */
static size_t count_before(const struct stopping *s, size_t i, const struct turn *turn)
{
    const struct watched *p = &s->points[i];
    size_t low = 0, high = p->n;
    /* Mostly it is all of them: samples come in this order. */
    if (p->n && compare(&p->samples[p->n - 1], turn, is_base(s, i)) < 0)
        return p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&p->samples[middle], turn, is_base(s, i)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The point's sample of the turn, or NULL. */
static struct observed *find(const struct stopping *s, size_t i, const struct turn *turn)
{
    size_t at = count_before(s, i, turn);
    struct watched *p = &s->points[i];
    return at < p->n && compare(&p->samples[at], turn, is_base(s, i)) == 0 ? &p->samples[at] : NULL;
}

bool stopping_has(const struct stopping *s, size_t i, const struct turn *turn)
{
    return find(s, i, turn) != NULL;
}

struct takes stopping_takes(const struct stopping *s, size_t i, const struct turn *turn)
{
    const struct watched *p = &s->points[i];
    struct observed failed = {(uint32_t)p->failed.launch, (uint32_t)p->failed.group,
                              (uint32_t)p->failed.pass, 0};
    return p->has_failed && compare(&failed, turn, is_base(s, i)) == 0 ? p->takes
                                                                       : (struct takes){0};
}

void stopping_note(struct stopping *s, size_t i, const struct sample *sample)
{
    struct watched *p = &s->points[i];
    struct turn turn = {sample->launch, sample->group, sample->pass};
    struct observed *there = find(s, i, &turn);
    size_t at = count_before(s, i, &turn);
    p->looked = p->looked && at >= p->looked_n;
    if (strcmp(sample->status, "ok") != 0) {
        p->takes = (struct takes){sample->retake + 1, stopping_takes(s, i, &turn).failed + 1};
        p->has_failed = true;
        p->failed = turn;
        if (there)
            memmove(there, there + 1,
                    (size_t)(p->samples + p->n-- - there - 1) * sizeof *p->samples);
        return;
    }
    if (!there) {
        p->samples = alloc_room(p->samples, p->n, &p->capacity, sizeof *p->samples);
        there = p->samples + at;
        memmove(there + 1, there, (p->n++ - at) * sizeof *p->samples);
    }
    *there = (struct observed){(uint32_t)turn.launch, (uint32_t)turn.group, (uint32_t)turn.pass,
                               stopping_time_ns(&s->plan->points[i].point, sample)};
}

void stopping_give_up(struct stopping *s, size_t i)
{
    s->points[i].dead = true;
}

/* --- looking at it -----------------------------------------------------------------------------
 */

/* With many samples in a launch not every one is worth a look: of n at least n/32 are new. A
 * function of n alone, so that a resumed run looks at the same numbers. */
static size_t worth_looking(size_t n)
{
    unsigned bits = 0;
    while (n >> bits)
        bits++;
    return bits > 5 ? n & ~(((size_t)1 << (bits - 5)) - 1) : n;
}

/* What precision looks at, of the first n samples: times, or the base's time over that of the same
 * turn. Returns how many there are. */
static size_t collect(const struct stopping *s, size_t i, size_t n, double *values, int *launches)
{
    const struct plan_point *point = &s->plan->points[i];
    const struct watched *p = &s->points[i];
    /* A base that failed has no more samples, and its ratios would never come. */
    bool is_ratio = plan_looks_at_ratio(s->plan, i) && !s->points[point->base].dead;
    size_t found = 0;
    for (size_t k = 0; k < n; k++) {
        const struct observed *o = &p->samples[k];
        struct turn turn = {o->launch, o->group, o->pass};
        const struct observed *base = is_ratio ? find(s, point->base, &turn) : NULL;
        if (is_ratio && (!base || !(o->ns > 0)))
            continue;
        values[found] = is_ratio ? base->ns / o->ns : o->ns;
        launches[found++] = (int)o->launch;
    }
    return found;
}

/* Half the width of what the values leave open, in percent of their median: of their interval, or
 * of all when they are too few for one. */
static double half_width(const double *values, const int *launches, size_t n)
{
    struct estimate e = stats_estimate(values, launches, n);
    if (!e.median_ci.known)
        e.median_ci = (struct interval){e.min, e.max, true};
    return stats_relative_halfwidth(&e) * 100;
}

/* Half the width, in percent, that the interval of values that scatter like these has on average.
 * Of times that scatter much an interval is now and then narrow by luck, and to stop at the first
 * such one is to choose those that miss. The mean deviation from the median, of which all values
 * tell something, is seldom small by the same luck. Single ones that are far off, which the
 * interval rightly leaves out, count for 4 MAD.
 *
 * Of normal values the standard deviation is sqrt(pi/2) times the mean deviation, and the median's
 * error sqrt(pi/2) of it / sqrt(n). */
static double forecast(const struct estimate *e, const double *values)
{
    static const double T = 2.2; /* Student's t, of 10 values */
    double sum = 0, n = (double)e->n;
    for (size_t i = 0; i < e->n; i++)
        sum += fmin(fabs(values[i] - e->median), 4 * e->mad);
    return sum > 0 ? T * M_PI / 2 * sum / (n - 1) / sqrt(n) / fabs(e->median) * 100 : 0;
}

/* How many launches a point is seen in before it is precise. One cannot tell how launches differ,
 * unless it is all there is, and two agree by chance too often. */
static uint64_t least_launches(const struct experiment *e)
{
    return e->launches < STOPPING_LEAST_LAUNCHES ? e->launches : STOPPING_LEAST_LAUNCHES;
}

/* How many of the values, at their end, are of the launch. */
static size_t count_own(const int *launches, size_t n, uint64_t launch)
{
    size_t own = 0;
    while (own < n && launches[n - 1 - own] == (int)launch)
        own++;
    return own;
}

/* Whether a launch's own values agree, and more of them would tell little: either other launches
 * are needed in any case, or it is the launches that differ. */
static bool tells_little(const double *values, const int *launches, size_t n, uint64_t launch,
                         const struct experiment *x)
{
    size_t own = count_own(launches, n, launch);
    bool is_third = own < n && least_launches(x) == STOPPING_LEAST_LAUNCHES;
    if (own < (is_third ? STOPPING_LEAST_IN_LATER : STOPPING_LEAST_IN_LAUNCH) ||
        half_width(values + n - own, NULL, own) > x->precision)
        return false;
    struct estimate e = stats_estimate(values, launches, n);
    return e.n_launches < least_launches(x) || e.method != STATS_RANKS ||
           (e.launch_high - e.launch_low) / 2 > fabs(e.median) * x->precision / 100;
}

/* Whether the values are precise: their interval is narrow, and not by luck. */
static bool is_precise(const double *values, const int *launches, size_t n,
                       const struct experiment *x)
{
    if (n < STATS_LEAST_FOR_INTERVAL)
        return false;
    struct estimate e = stats_estimate(values, launches, n);
    size_t own = count_own(launches, n, (uint64_t)launches[n - 1]);
    bool is_whole =
        e.n_launches >= least_launches(x) && (own >= STOPPING_LEAST_IN_LATER || own >= x->reps);
    return is_whole && stats_relative_halfwidth(&e) * 100 <= x->precision &&
           forecast(&e, values) <= x->precision;
}

/* Looks at what stands before the turn: whether the interval is narrow enough, and whether the
 * point rests in this launch. */
static void look(struct stopping *s, size_t i, const struct turn *turn)
{
    const struct experiment *e = s->plan->points[i].experiment;
    struct watched *p = &s->points[i];
    size_t earlier = count_before(s, i, &(struct turn){turn->launch, 0, 0});
    size_t n = earlier + worth_looking(count_before(s, i, turn) - earlier);
    if (p->looked && p->looked_n == n && p->looked_launch == turn->launch)
        return;
    double *values = alloc_zeroed(n, sizeof *values);
    int *launches = alloc_zeroed(n, sizeof *launches);
    size_t found = collect(s, i, n, values, launches);
    bool is_last = !s->is_open && turn->launch + 1 >= e->launches;
    p->looked = true;
    p->looked_n = n;
    p->looked_launch = turn->launch;
    p->settled = is_precise(values, launches, found, e);
    p->rests = !p->settled && !is_last && tells_little(values, launches, found, turn->launch, e);
    p->differs = is_last && stats_estimate(values, launches, found).method == STATS_BOOTSTRAP;
    free(launches);
    free(values);
}

/* --- who is asked ------------------------------------------------------------------------------
 */

static bool is_alive(const struct stopping *s, size_t i)
{
    return !s->points[i].dead && !s->plan->cells[s->plan->points[i].cell].unavailable;
}

/* Whether the launch has as many passes for the point. Samples that it left to later launches by
 * resting may be made up for in the last, unless it is the launches that differ: one of them in
 * place of all would hide that. To be called after a look. */
static bool has_pass(const struct stopping *s, size_t i, const struct turn *turn)
{
    const struct experiment *e = s->plan->points[i].experiment;
    bool makes_up =
        e->precision > 0 && !s->is_open && turn->launch + 1 == e->launches && !s->points[i].differs;
    return turn->pass < e->reps || (makes_up && count_before(s, i, turn) < e->launches * e->reps);
}

/* Whether the point itself wants a sample of this turn. */
static bool wants(struct stopping *s, size_t i, const struct turn *turn)
{
    const struct experiment *e = s->plan->points[i].experiment;
    bool goes_on = e->precision > 0 && s->is_open;
    if (!is_alive(s, i) || (turn->launch >= e->launches && !goes_on))
        return false;
    if (!(e->precision > 0))
        return has_pass(s, i, turn);
    look(s, i, turn);
    return !s->points[i].settled && !s->points[i].rests && has_pass(s, i, turn);
}

bool stopping_asks(struct stopping *s, size_t i, const struct turn *turn)
{
    if (!is_base(s, i))
        return wants(s, i, turn);
    if (!is_alive(s, i))
        return false;
    const struct plan_group *group = &s->plan->groups[turn->group];
    for (size_t k = 0; k < group->n_points; k++) {
        size_t other = group->points[k];
        /* Also where the other has its sample and wants no more: it is half a pair. */
        if (other != i && s->plan->points[other].base == i &&
            (wants(s, other, turn) || stopping_has(s, other, turn)))
            return true;
    }
    /* For its own sake, once a pass: in the first of its groups. */
    return s->points[i].first_group == turn->group && wants(s, i, turn);
}

bool stopping_asks_any(struct stopping *s, const struct turn *turn)
{
    const struct plan_group *group = &s->plan->groups[turn->group];
    for (size_t k = 0; k < group->n_points; k++)
        if (stopping_asks(s, group->points[k], turn))
            return true;
    return false;
}

bool stopping_lacks(struct stopping *s, size_t i)
{
    const struct experiment *e = s->plan->points[i].experiment;
    if (!is_alive(s, i))
        return false;
    if (e->precision > 0) {
        look(s, i, &(struct turn){UINT64_MAX - 1, UINT64_MAX, UINT64_MAX});
        if (s->points[i].settled)
            return false;
    }
    if (e->precision > 0 && s->is_open)
        return true;
    size_t n = s->points[i].n;
    size_t of_last = n - count_before(s, i, &(struct turn){e->launches - 1, 0, 0});
    bool is_through = s->points[i].differs && of_last >= e->reps;
    return n < e->launches * e->reps && !is_through;
}
