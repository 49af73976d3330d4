/* What the meter of OpenMP's tasks says of lists whose times are scripted: a clock that the test
 * moves, so that what is true is known to the nanosecond. */
#include "unit.h"

#include "cell/task_meter.h"

#include "base/rng.h"

/* A thread, with its clock and what its tasks truly took. */
struct thread {
    struct task_meter meter;
    uint64_t now, busy_ns, end_ns, n_readings;
};

static void begin(struct thread *t)
{
    *t = (struct thread){.now = 1000000000};
    task_meter_start(&t->meter, t->now);
    t->meter.reading_ns = 0;
}

/* As a thread runs a task that comes after a gap. */
static void run(struct thread *t, uint64_t gap, uint64_t task)
{
    uint64_t start = t->now + gap;
    t->now = t->end_ns = start + task;
    t->busy_ns += task;
    if (!task_meter_may_skip(&t->meter)) {
        task_meter_add(&t->meter, start, t->now);
        t->n_readings += 2;
    } else if (task_meter_skip(&t->meter)) {
        t->meter.asked_ns = t->now;
        t->n_readings++;
    }
}

/* The report of a thread that is let go after so long at the barrier. */
static struct worker_report end(struct thread *t, uint64_t waited)
{
    struct worker_report report = {.start_ns = 1000000000, .end_ns = t->now + waited};
    task_meter_report(&t->meter, &report);
    ck_assert_uint_le(report.start_ns + report.claim_ns, report.end_ns);
    ck_assert_uint_le(report.end_ns, t->now + waited);
    return report;
}

static uint64_t busy_of(const struct worker_report *report)
{
    return report->end_ns - report->start_ns - report->claim_ns;
}

static double draw(struct rng *rng)
{
    return (double)rng_below(rng, 1000000) / 1e6;
}

/* Where nothing is skipped nothing is estimated, however unlike tasks and gaps are. */
START_TEST(long_tasks_are_timed_each)
{
    struct rng rng;
    struct thread t;
    rng_seed(&rng, 1);
    begin(&t);
    for (int i = 0; i < 1000; i++)
        run(&t, rng_below(&rng, 100000), TASK_SHORT_NS + rng_below(&rng, 100000000));
    struct worker_report report = end(&t, 123456789);
    ck_assert_uint_eq(busy_of(&report), t.busy_ns);
    ck_assert_uint_eq(report.end_ns, t.end_ns);
}
END_TEST

static const struct {
    uint64_t gap, task;
} alike[] = {{300, 1000}, {20, 4}, {50, 3000}, {4000, 100}, {0, 1000}, {1, 1}, {0, 0}};

/* Of short ones that are alike busy and end are right to within what is skipped at a time, and the
 * clock is read three times in 10 µs at most, or in 128 tasks. */
START_TEST(short_tasks_that_are_alike)
{
    const uint64_t gap = alike[_i].gap, task = alike[_i].task;
    for (int n = 1; n < 3000; n = n * 5 / 4 + 1) {
        struct thread t;
        begin(&t);
        for (int i = 0; i < n; i++)
            run(&t, gap, task);
        struct worker_report report = end(&t, 1000000000);
        uint64_t off = TASK_SHORT_NS + gap + task;
        ck_assert_uint_le(report.end_ns, t.end_ns + off);
        ck_assert_uint_ge(report.end_ns + off, t.end_ns);
        ck_assert_uint_le(busy_of(&report), t.busy_ns + off);
        ck_assert_uint_ge(busy_of(&report) + off, t.busy_ns);
        uint64_t turns = (t.now - 1000000000) / TASK_SHORT_NS + (uint64_t)n / TASK_SKIP;
        ck_assert_uint_le(t.n_readings, 3 * turns + 6);
    }
}
END_TEST

/* Now and then a task that is a thousand times as long, or a wait as long: which of both it was is
 * told apart, though most of them are not timed. */
START_TEST(rare_and_long_ones_are_met_in_proportion)
{
    struct rng rng;
    struct thread t;
    rng_seed(&rng, 7);
    begin(&t);
    for (int i = 0; i < 200000; i++) {
        bool is_long = draw(&rng) < 0.01;
        uint64_t task = 900 + rng_below(&rng, 200), gap = 200 + rng_below(&rng, 200);
        run(&t, is_long && _i ? 1000000 : gap, is_long && !_i ? 1000000 : task);
    }
    struct worker_report report = end(&t, 0);
    double ratio = (double)busy_of(&report) / (double)t.busy_ns;
    ck_assert_msg(ratio > 0.8 && ratio < 1.25, "busy for %g of what is true", ratio);
}
END_TEST

/* Who makes the tasks ends with that at the earliest, and is not busy with it. */
START_TEST(making_tasks_is_claiming)
{
    struct thread t;
    begin(&t);
    run(&t, 1000, 70000);
    t.meter.made_ns = t.now + 30000;
    struct worker_report report = end(&t, 5000000);
    ck_assert_uint_eq(report.end_ns, t.now + 30000);
    ck_assert_uint_eq(busy_of(&report), 70000);
    begin(&t);
    report = end(&t, 5000000); /* no task came its way */
    ck_assert_uint_eq(report.end_ns, report.start_ns);
    ck_assert_uint_eq(report.claim_ns, 0);
}
END_TEST

UNIT_MAIN("task_meter", long_tasks_are_timed_each,
          UNIT_LOOP(short_tasks_that_are_alike, 0, sizeof alike / sizeof *alike),
          UNIT_LOOP(rare_and_long_ones_are_met_in_proportion, 0, 2), making_tasks_is_claiming)
