/* When a run stops asking: which passes ask which points, on made-up times, without cells. A run is
 * walked through here as run.c does it. */
#include "base/rng.h"
#include "run/retakes.h"
#include "run/stopping.h"
#include "stats/stats.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BASE, QUIET, NOISY, N_POINTS, N_GROUPS = 2, MOST_ASKED = 4096 };

/* A base and two points in two groups: base, quiet; base, noisy. */
struct stage {
    struct experiment experiment;
    struct plan plan;
    struct plan_point points[N_POINTS];
    struct cell_spec cells[N_POINTS];
    struct plan_group groups[N_GROUPS];
    size_t members[N_GROUPS][2];
};

static void set_stage(struct stage *st, uint64_t launches, uint64_t reps, double precision)
{
    memset(st, 0, sizeof *st);
    st->experiment.launches = launches;
    st->experiment.reps = reps;
    st->experiment.precision = precision;
    for (size_t i = 0; i < N_POINTS; i++) {
        st->points[i].experiment = &st->experiment;
        st->points[i].cell = i;
        st->points[i].base = BASE;
        snprintf(st->points[i].point.workload, FIELD_TEXT_BYTES, "sleep time=1s");
    }
    for (size_t g = 0; g < N_GROUPS; g++) {
        st->members[g][0] = BASE;
        st->members[g][1] = g == 0 ? QUIET : NOISY;
        st->groups[g] = (struct plan_group){.points = st->members[g], .n_points = 2};
    }
    st->plan = (struct plan){.points = st->points,
                             .n = N_POINTS,
                             .cells = st->cells,
                             .n_cells = N_POINTS,
                             .groups = st->groups,
                             .n_groups = N_GROUPS};
}

/* What was asked, in order, and how a sample's time comes about. */
struct show {
    double (*time_of)(size_t point, const struct turn *turn);
    struct {
        size_t point;
        struct turn turn;
    } asked[MOST_ASKED];
    size_t n, most; /* it is broken off after `most` */
    size_t per_point[N_POINTS];
    uint64_t most_launches;
};

static struct sample sample_of(const struct show *show, size_t point, const struct turn *turn)
{
    struct sample sample = {.launch = turn->launch,
                            .group = turn->group,
                            .pass = turn->pass,
                            .wall_ns = (uint64_t)(show->time_of(point, turn) * 1e9)};
    strcpy(sample.status, "ok");
    return sample;
}

static bool play_pass(struct stopping *s, struct show *show, const struct turn *turn)
{
    const struct plan_group *group = &s->plan->groups[turn->group];
    for (size_t k = 0; k < group->n_points; k++) {
        size_t i = group->points[k];
        if (stopping_has(s, i, turn) || !stopping_asks(s, i, turn))
            continue;
        if (show->n == show->most)
            return false;
        ck_assert_uint_lt(show->n, MOST_ASKED);
        struct sample sample = sample_of(show, i, turn);
        stopping_note(s, i, &sample);
        show->asked[show->n].point = i;
        show->asked[show->n++].turn = *turn;
        show->per_point[i]++;
        if (turn->launch + 1 > show->most_launches)
            show->most_launches = turn->launch + 1;
    }
    return true;
}

static void play(struct stopping *s, struct show *show)
{
    for (uint64_t launch = 0;; launch++) {
        bool any = false;
        for (size_t g = 0; g < s->plan->n_groups; g++)
            any = any || stopping_asks_any(s, &(struct turn){launch, g, 0});
        if (!any)
            return;
        for (size_t g = 0; g < s->plan->n_groups; g++)
            for (struct turn turn = {launch, g, 0}; stopping_asks_any(s, &turn); turn.pass++)
                if (!play_pass(s, show, &turn))
                    return;
    }
}

static struct show played(const struct stage *st, bool is_open,
                          double (*time_of)(size_t, const struct turn *))
{
    static struct show show;
    struct stopping s;
    show = (struct show){.time_of = time_of, .most = SIZE_MAX};
    stopping_init(&s, &st->plan, is_open);
    play(&s, &show);
    stopping_release(&s);
    return show;
}

/* Uniform in [0, 1), by who and when. */
static double draw(size_t point, const struct turn *t)
{
    return rng_mix_unit(point + 1, t->launch * 1000003 + t->group * 1009 + t->pass);
}

static double steady(size_t point, const struct turn *turn)
{
    (void)turn;
    return point == BASE ? 2 : 1;
}

static double one_noisy(size_t point, const struct turn *turn)
{
    return steady(point, turn) * (point == NOISY ? 1 + draw(point, turn) : 1);
}

START_TEST(fixed_repetitions_ask_all)
{
    struct stage st;
    set_stage(&st, 3, 10, 0);
    struct show show = played(&st, true, one_noisy);
    ck_assert_uint_eq(show.per_point[QUIET], 30);
    ck_assert_uint_eq(show.per_point[NOISY], 30);
    ck_assert_uint_eq(show.per_point[BASE], 60); /* in both groups */
    ck_assert_uint_eq(show.most_launches, 3);
}
END_TEST

START_TEST(quiet_points_end_after_seven_in_three_launches)
{
    struct stage st;
    set_stage(&st, 3, 10, 2);
    struct show show = played(&st, false, one_noisy);
    ck_assert_uint_eq(show.per_point[QUIET], 3 + 2 + 2);
    ck_assert_uint_eq(show.per_point[NOISY], 30);
    /* The base goes on beside the noisy point alone. */
    ck_assert_uint_eq(show.per_point[BASE], 37);
    set_stage(&st, 2, 10, 2);
    show = played(&st, false, one_noisy);
    ck_assert_uint_eq(show.per_point[QUIET], 3 + 3);
}
END_TEST

START_TEST(a_launch_that_nobody_wants_is_not_begun)
{
    struct stage st;
    set_stage(&st, 6, 10, 2);
    struct show show = played(&st, false, steady);
    ck_assert_uint_eq(show.most_launches, 3);
    ck_assert_uint_eq(show.n, 7 * 4);
    set_stage(&st, 1, 10, 2);
    show = played(&st, false, steady);
    ck_assert_uint_eq(show.per_point[QUIET], 6);
    set_stage(&st, 8, 1, 2); /* one repetition: launches are all there is */
    show = played(&st, false, steady);
    ck_assert_uint_eq(show.per_point[QUIET], 6);
    ck_assert_uint_eq(show.most_launches, 6);
}
END_TEST

static double launches_differ(size_t point, const struct turn *turn)
{
    return steady(point, turn) * (point == NOISY && turn->launch % 2 ? 1.1 : 1);
}

START_TEST(where_launches_differ_more_of_one_tell_little)
{
    struct stage st;
    set_stage(&st, 4, 10, 2);
    struct show show = played(&st, false, launches_differ);
    /* Few in each launch, but in the last, where there is nothing to wait for; that one does not
     * make up for the others, though, in whose place it would stand. */
    static const size_t expected[] = {3, 2, 2, 10};
    size_t of_launch[4] = {0};
    for (size_t k = 0; k < show.n; k++)
        of_launch[show.asked[k].turn.launch] += show.asked[k].point == NOISY;
    for (size_t launch = 0; launch < 4; launch++)
        ck_assert_uint_eq(of_launch[launch], expected[launch]);
    ck_assert_uint_eq(show.per_point[QUIET], 7);
}
END_TEST

/* What a point rests with agrees by luck. */
static double agrees_at_first(size_t point, const struct turn *turn)
{
    bool is_late = turn->launch > 0 || turn->pass >= 3;
    return steady(point, turn) * (point == NOISY && is_late ? 0.7 + 0.6 * draw(point, turn) : 1);
}

START_TEST(the_last_launch_makes_up_for_what_was_left)
{
    struct stage st;
    set_stage(&st, 3, 10, 2);
    struct show show = played(&st, false, agrees_at_first);
    size_t of_launch[3] = {0};
    for (size_t k = 0; k < show.n; k++)
        of_launch[show.asked[k].turn.launch] += show.asked[k].point == NOISY;
    ck_assert_uint_eq(of_launch[0], 3);
    ck_assert_uint_eq(of_launch[2], 17);
    ck_assert_uint_eq(show.per_point[NOISY], 30);
}
END_TEST

/* Far apart, but for those in the middle. */
static double close_in_the_middle(size_t point, const struct turn *turn)
{
    static const double times[] = {0.6, 1, 1.01, 0.99, 1.01, 0.99, 1.01, 1.4, 0.99};
    return steady(point, turn) * (point == NOISY ? times[turn->pass % 9] : 1);
}

START_TEST(a_narrow_interval_of_values_that_scatter_may_be_luck)
{
    struct stage st;
    set_stage(&st, 1, 40, 2);
    double values[9];
    for (uint64_t k = 0; k < 9; k++)
        values[k] = close_in_the_middle(NOISY, &(struct turn){.pass = k});
    struct estimate e = stats_estimate(values, NULL, 9);
    ck_assert_double_lt(stats_relative_halfwidth(&e), 0.02);
    ck_assert_uint_gt(played(&st, false, close_in_the_middle).per_point[NOISY], 9);
}
END_TEST

static double half_noise(size_t point, const struct turn *turn)
{
    return steady(point, turn) * (point == NOISY ? 1 + 0.2 * draw(point, turn) : 1);
}

START_TEST(launches_go_on_until_it_is_precise)
{
    struct stage st;
    set_stage(&st, 2, 5, 1.5);
    struct show bounded = played(&st, false, half_noise), open = played(&st, true, half_noise);
    ck_assert_uint_eq(bounded.per_point[NOISY], 10);
    ck_assert_uint_gt(open.per_point[NOISY], 10);
    ck_assert_uint_gt(open.most_launches, 2);
    ck_assert_uint_lt(open.per_point[NOISY], 1000);
    ck_assert_uint_eq(open.per_point[QUIET], 6);
}
END_TEST

/* All drift alike, by half over a launch. */
static double shared_drift(size_t point, const struct turn *turn)
{
    return steady(point, turn) * (1 + 0.05 * (double)turn->pass);
}

START_TEST(precision_of_speedup_looks_at_pairs)
{
    struct stage st;
    set_stage(&st, 1, 20, 2);
    struct show of_speedup = played(&st, false, shared_drift);
    ck_assert_uint_eq(of_speedup.per_point[QUIET], 6);
    ck_assert_uint_eq(of_speedup.per_point[NOISY], 6);
    ck_assert_uint_eq(of_speedup.per_point[BASE], 20 + 6); /* of it the time is looked at */
    st.experiment.precision_of_time = true;
    struct show of_time = played(&st, false, shared_drift);
    ck_assert_uint_eq(of_time.per_point[QUIET], 20);
    /* Of tasks that do nothing there is no speedup to look at. */
    st.experiment.precision_of_time = false;
    for (size_t i = 0; i < N_POINTS; i++)
        strcpy(st.points[i].point.workload, "null");
    ck_assert(!plan_looks_at_ratio(&st.plan, QUIET));
    struct show of_null = played(&st, false, shared_drift);
    ck_assert_uint_eq(of_null.per_point[QUIET], 20);
}
END_TEST

static double noisy_base(size_t point, const struct turn *turn)
{
    return steady(point, turn) * (point == BASE ? 1 + draw(point, turn) : 1);
}

START_TEST(a_base_goes_on_for_its_own_sake_in_one_group)
{
    struct stage st;
    set_stage(&st, 2, 10, 2);
    st.experiment.precision_of_time = true;
    struct show show = played(&st, false, noisy_base);
    ck_assert_uint_eq(show.per_point[QUIET], 6);
    size_t of_group[N_GROUPS] = {0};
    for (size_t k = 0; k < show.n; k++)
        of_group[show.asked[k].turn.group] += show.asked[k].point == BASE;
    ck_assert_uint_eq(of_group[0], 20);
    ck_assert_uint_eq(of_group[1], 6);
}
END_TEST

START_TEST(a_base_that_failed_keeps_nobody_waiting)
{
    struct stage st;
    set_stage(&st, 2, 10, 2);
    struct show show = {.time_of = steady, .most = SIZE_MAX};
    struct stopping s;
    stopping_init(&s, &st.plan, false);
    stopping_give_up(&s, BASE);
    play(&s, &show);
    ck_assert_uint_eq(show.per_point[BASE], 0);
    ck_assert_uint_eq(show.per_point[QUIET], 6); /* its time is looked at */
    ck_assert(!stopping_lacks(&s, QUIET));
    ck_assert(!stopping_lacks(&s, BASE)); /* failed is not skipped */
    stopping_release(&s);
}
END_TEST

START_TEST(what_is_lacking)
{
    struct stage st;
    struct show show = {.time_of = one_noisy, .most = 30};
    struct stopping s;
    set_stage(&st, 3, 10, 2);
    stopping_init(&s, &st.plan, false);
    play(&s, &show);
    ck_assert_uint_eq(show.n, 30); /* broken off in the second launch */
    ck_assert(!stopping_lacks(&s, QUIET) || show.per_point[QUIET] < 6);
    ck_assert(stopping_lacks(&s, NOISY));
    show.most = SIZE_MAX;
    play(&s, &show);
    ck_assert(!stopping_lacks(&s, QUIET));
    ck_assert(!stopping_lacks(&s, NOISY)); /* it has what there was to have */
    stopping_release(&s);
}
END_TEST

/* Broken off after any sample and gone on with by what the journal has, a run asks for the same, in
 * the same order. */
START_TEST(resumed_runs_decide_alike)
{
    struct stage st;
    set_stage(&st, 3, 8, 2);
    static struct show whole, part;
    whole = played(&st, false, half_noise);
    for (size_t most = 0; most <= whole.n; most++) {
        struct stopping s;
        part = (struct show){.time_of = half_noise, .most = most};
        stopping_init(&s, &st.plan, false);
        play(&s, &part);
        stopping_release(&s);
        stopping_init(&s, &st.plan, false);
        for (size_t k = 0; k < part.n; k++) {
            struct sample sample = sample_of(&part, part.asked[k].point, &part.asked[k].turn);
            stopping_note(&s, part.asked[k].point, &sample);
        }
        part.most = SIZE_MAX;
        play(&s, &part);
        stopping_release(&s);
        ck_assert_uint_eq(part.n, whole.n);
        ck_assert_int_eq(memcmp(part.asked, whole.asked, whole.n * sizeof *whole.asked), 0);
    }
}
END_TEST

START_TEST(the_last_taken_counts_and_a_failure_is_asked_again)
{
    struct stage st;
    struct stopping s;
    set_stage(&st, 1, 10, 0);
    stopping_init(&s, &st.plan, false);
    struct turn turn = {0, 0, 4};
    struct sample sample = {.pass = 4, .wall_ns = 7, .status = "ok"};
    stopping_note(&s, QUIET, &sample);
    sample.retake = 1;
    sample.wall_ns = 5;
    stopping_note(&s, QUIET, &sample);
    ck_assert_uint_eq(s.points[QUIET].n, 1);
    ck_assert_double_eq(s.points[QUIET].samples[0].ns, 5);
    ck_assert(stopping_has(&s, QUIET, &turn));
    ck_assert_uint_eq(stopping_takes(&s, QUIET, &turn).n, 0);
    sample.retake = 2;
    strcpy(sample.status, "died");
    stopping_note(&s, QUIET, &sample);
    ck_assert(!stopping_has(&s, QUIET, &turn));
    ck_assert_uint_eq(stopping_takes(&s, QUIET, &turn).n, 3);
    ck_assert_uint_eq(stopping_takes(&s, QUIET, &turn).failed, 1);
    ck_assert_uint_eq(stopping_takes(&s, QUIET, &(struct turn){0, 0, 5}).n, 0);
    /* Of four that were taken two failed: two retakes were begun. */
    sample.retake = 3;
    stopping_note(&s, QUIET, &sample);
    ck_assert_uint_eq(stopping_takes(&s, QUIET, &turn).n, 4);
    ck_assert_uint_eq(stopping_takes(&s, QUIET, &turn).failed, 2);
    ck_assert_uint_eq(stopping_takes(&s, QUIET, &(struct turn){0, 1, 4}).n, 4);
    /* A point's group may have had another number; a base is asked in each of its groups. */
    strcpy(sample.status, "ok");
    sample.group = 1;
    stopping_note(&s, QUIET, &sample);
    stopping_note(&s, BASE, &sample);
    ck_assert(stopping_has(&s, QUIET, &turn));
    ck_assert(!stopping_has(&s, BASE, &turn));
    stopping_release(&s);
}
END_TEST

START_TEST(the_time_that_counts)
{
    struct point point = {0};
    struct sample sample = {.wall_ns = 5, .open_ns = 20, .close_ns = 300};
    ck_assert_double_eq(stopping_time_ns(&point, &sample), 5);
    point.fresh = 1;
    ck_assert_double_eq(stopping_time_ns(&point, &sample), 325);
}
END_TEST

/* --- retakes ------------------------------------------------------------------------------------
 */

START_TEST(a_few_and_a_quarter_may_be_taken_again)
{
    struct retakes r = {0};
    struct sample first = {.retake = 0}, again = {.retake = 1};
    for (int i = 0; i < RETAKES_AT_LEAST; i++) {
        ck_assert(retakes_allow(&r));
        retakes_count(&r, &again, true);
    }
    ck_assert(!retakes_allow(&r));
    for (int k = 0; k < 3 * SAMPLES_PER_RETAKE; k++)
        retakes_count(&r, &again, false); /* what had failed is asked again */
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < SAMPLES_PER_RETAKE; k++) {
            ck_assert(!retakes_allow(&r));
            retakes_count(&r, &first, false);
        }
        ck_assert(retakes_allow(&r));
        retakes_count(&r, &again, true);
    }
}
END_TEST

START_TEST(flags_are_counted_and_the_commonest_told_first)
{
    struct retakes r = {0};
    char told[64], flag[16];
    retakes_tell(&r, told, sizeof told);
    ck_assert_str_eq(told, "");
    retakes_count_flags(&r, "cold");
    for (int i = 0; i < 2; i++)
        retakes_count_flags(&r, "slow-clock  preempted ");
    retakes_count_flags(&r, "preempted");
    retakes_tell(&r, told, sizeof told);
    ck_assert_str_eq(told, "preempted 3, slow-clock 2, cold 1");
    /* More flags than there are, and longer ones, from a cell of one's own: no harm. */
    for (int i = 0; i < 2 * MOST_FLAGS; i++) {
        snprintf(flag, sizeof flag, "f%d", i);
        retakes_count_flags(&r, flag);
    }
    retakes_count_flags(&r, "a-flag-that-is-longer-than-any-that-there-is-here");
    retakes_tell(&r, told, sizeof told);
    ck_assert_int_eq(strncmp(told, "preempted 3, slow-clock 2, cold 1, f", 36), 0);
}
END_TEST

/* --- what stopping early does to the intervals --------------------------------------------------
 */

/* POOLMARK_TABLE=1 prints the table of docs/measurement.md, from many more trials (with
 * CK_FORK=no, since that takes longer than a test may). */
enum { FEW_TRIALS = 150, MANY_TRIALS = 10000 };

static struct {
    uint64_t number;
    double sd, launch_sd; /* of single samples and of launches */
} trial;

/* Standard normal (Box & Muller). */
static double normal(uint64_t seed, uint64_t index)
{
    double a = rng_mix_unit(seed, index), b = rng_mix_unit(~seed, index);
    return sqrt(-2 * log(1 - a)) * cos(2 * M_PI * b);
}

static double simulated(size_t point, const struct turn *turn)
{
    uint64_t seed = rng_mix(trial.number * N_POINTS + point);
    if (point == BASE)
        return 1;
    return 1 + trial.sd * normal(seed, turn->launch * 1000 + turn->pass) +
           trial.launch_sd * normal(rng_mix(seed), turn->launch);
}

/* Sums over trials; a trial has two points. */
struct outcome {
    double n, held, samples;
    double reached, reached_held; /* of n, those whose interval is as narrow as asked, */
    double early, early_held;     /* those of them that took fewer than all samples */
    double close; /* of those that reached it, those whose median is that close to the truth */
};

static void play_trial(double precision, struct outcome *sum)
{
    struct stage st;
    struct stopping s;
    static struct show show;
    set_stage(&st, 3, 10, precision);
    show = (struct show){.time_of = simulated, .most = SIZE_MAX};
    stopping_init(&s, &st.plan, false);
    play(&s, &show);
    for (size_t i = QUIET; i <= NOISY; i++) {
        const struct watched *p = &s.points[i];
        double values[30];
        int launches[30];
        for (size_t k = 0; k < p->n; k++) {
            values[k] = p->samples[k].ns / 1e9;
            launches[k] = (int)p->samples[k].launch;
        }
        struct estimate e = stats_estimate(values, launches, p->n);
        bool holds = e.median_ci.low <= 1 && 1 <= e.median_ci.high;
        bool has_reached = stats_relative_halfwidth(&e) * 100 <= 2;
        bool is_early = has_reached && p->n < 30;
        sum->n++;
        sum->samples += (double)p->n;
        sum->held += holds;
        sum->reached += has_reached;
        sum->reached_held += has_reached && holds;
        sum->early += is_early;
        sum->early_held += is_early && holds;
        sum->close += has_reached && fabs(e.median - 1) <= 0.02;
    }
    stopping_release(&s);
}

/* "97 %: 92.7 %": how many of n, and how many of these hold the truth. */
static void show_share(double part, double held, double n)
{
    if (part < 0.001 * n)
        printf(" | < 0.1 %%: -");
    else
        printf(" | %.*f %%: %.1f %%", part < 0.095 * n, part / n * 100, held / part * 100);
}

static void show_row(const struct outcome *early, const struct outcome *fixed)
{
    printf("| %g %% | %g %% | %.1f | %.1f %%", trial.sd * 100, trial.launch_sd * 100,
           early->samples / early->n, early->held / early->n * 100);
    show_share(early->early, early->early_held, early->n);
    show_share(early->reached, early->reached_held, early->n);
    printf(" | %.1f %% | %.1f %%", early->close / early->reached * 100,
           fixed->held / fixed->n * 100);
    show_share(fixed->reached, fixed->reached_held, fixed->n);
    printf(" |\n");
}

START_TEST(intervals_at_which_runs_stop_hold)
{
    /* In percent, beside a precision of 2 %. The least that the intervals may cover: about 93 where
     * launches are alike; launches that differ agree now and then by chance, and then a run stops
     * too soon. And how many may stop early: of points so noisy that all samples seldom reach the
     * precision hardly any. */
    static const struct {
        double sd, launch_sd, least, most_early;
    } cases[] = {{0.2, 0, 88, 100}, {1, 0, 88, 100},     {2, 0, 88, 100},     {3, 0, 88, 100},
                 {5, 0, 88, 15},    {8, 0, 88, 2},       {0.2, 0.5, 75, 100}, {1, 0.5, 80, 100},
                 {3, 0.5, 80, 100}, {0.2, 1.5, 75, 100}, {1, 1.5, 75, 100},   {3, 1.5, 75, 100}};
    bool shows = getenv("POOLMARK_TABLE") != NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome early = {0}, fixed = {0};
        trial.sd = cases[i].sd / 100;
        trial.launch_sd = cases[i].launch_sd / 100;
        for (trial.number = 0; trial.number < (shows ? MANY_TRIALS : FEW_TRIALS); trial.number++) {
            play_trial(2, &early);
            if (shows)
                play_trial(0, &fixed);
        }
        if (shows)
            show_row(&early, &fixed);
        ck_assert_double_ge(early.held / early.n * 100, cases[i].least);
        ck_assert_double_le(early.early / early.n * 100, cases[i].most_early);
        /* Those that miss the truth mostly miss it by less than was asked for. */
        ck_assert_double_ge(early.close, early.reached * 0.7);
        if (cases[i].sd <= 1 && cases[i].launch_sd <= 0)
            ck_assert_double_lt(early.samples / early.n, 8);
    }
}
END_TEST

UNIT_MAIN("stopping", fixed_repetitions_ask_all, quiet_points_end_after_seven_in_three_launches,
          a_launch_that_nobody_wants_is_not_begun, where_launches_differ_more_of_one_tell_little,
          the_last_launch_makes_up_for_what_was_left,
          a_narrow_interval_of_values_that_scatter_may_be_luck, launches_go_on_until_it_is_precise,
          precision_of_speedup_looks_at_pairs, a_base_goes_on_for_its_own_sake_in_one_group,
          a_base_that_failed_keeps_nobody_waiting, what_is_lacking, resumed_runs_decide_alike,
          the_last_taken_counts_and_a_failure_is_asked_again, the_time_that_counts,
          a_few_and_a_quarter_may_be_taken_again, flags_are_counted_and_the_commonest_told_first,
          intervals_at_which_runs_stop_hold)
