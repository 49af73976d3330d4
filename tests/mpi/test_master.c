/* ranks: 2 3 5 */
/* Dispatch by the working master, judged by who did how much, never by absolute time. */
#include "conformance.h"

/* While the root's own worker is in a long task, the others do all the rest: 30 ms against 1 ms
 * each. The machine may be slow; the ratio makes up for a factor of ten in each of them. */
static void root_in_long_task(void)
{
    const uint64_t n = 2 + 3 * (uint64_t)launch.workers;
    struct job job = job_of("sleep time=10ms shape=one-long ratio=100", SCHED_DYNAMIC, n, 1);
    struct outcome outcome;
    struct err err = {""};
    for (int tries = 0; tries < 20; tries++) {
        job.trace = true;
        if (!check(ask(&job, &outcome, &err) > 0, "%s", err.text))
            return;
        const struct chunk_event *lone = NULL;
        uint64_t last_ns = 0;
        for (size_t i = 0; i < outcome.n_events; i++)
            if (outcome.events[i].first == 0)
                lone = &outcome.events[i];
            else if (outcome.events[i].end_ns > last_ns)
                last_ns = outcome.events[i].end_ns;
        if (!lone || lone->worker != 0)
            continue; /* another worker was the first to ask */
        check(outcome.reports[0].tally.tasks == 1 && last_ns < lone->end_ns,
              "while the root was in a long task it ran %" PRIu64
              " tasks in all, and the others' last "
              "ended %" PRId64 " us before it",
              outcome.reports[0].tally.tasks, (int64_t)(lone->end_ns - last_ns) / 1000);
        return;
    }
    check(false, "the root never got the first task");
}

/* Whoever has the long task, does nothing else. */
static void any_in_long_task(void)
{
    const uint64_t n = 2 + 3 * (uint64_t)launch.workers;
    struct job job = job_of("sleep time=10ms shape=one-long ratio=100", SCHED_DYNAMIC, n, 1);
    struct outcome outcome;
    struct err err = {""};
    job.trace = true;
    if (!check(ask(&job, &outcome, &err) > 0, "%s", err.text))
        return;
    for (size_t i = 0; i < outcome.n_events; i++) {
        const struct chunk_event *e = &outcome.events[i];
        if (e->first == 0)
            check(outcome.reports[e->worker].tally.tasks == 1,
                  "worker %d had the long task and %" PRIu64 " in all", e->worker,
                  outcome.reports[e->worker].tally.tasks);
    }
}

/* Equal sleeps are shared out equally, whoever holds the claim: 4 P of them take about 4. */
static void equal_shares(void)
{
    struct job job = job_of("sleep time=10ms", SCHED_DYNAMIC, 4 * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    uint64_t best = best_in_quiet(&job, 44000000, &outcome);
    check(best == 0 || (best >= 40000000 && best < 50000000),
          "4 rounds of 10 ms took %" PRIu64 " us", best / 1000);
}

/* Many lists in a row, of all kinds, so that a message left over from one would show in the next.
 * Fewer on a machine so busy that they would take long. */
static void many_lists(void)
{
    enum { LISTS = 500, LEAST = 100 };
    const uint64_t until = clock_now_ns() + 15000000000u;
    struct outcome outcome;
    struct err err = {""};
    const struct sched_rule *rule = sched_table;
    int wrong = 0;
    for (uint64_t i = 0; i < LISTS && (i < LEAST || clock_now_ns() < until); i++) {
        do
            rule = rule[1].name ? rule + 1 : sched_table;
        while (!dispatch_choose(backend->name, "auto", rule, &err));
        struct job job = job_of("square results=yes", rule->kind, i % 37, i % 3);
        wrong += ask(&job, &outcome, &err) == 0;
    }
    check(wrong == 0, "%d lists went wrong: %s", wrong, err.text);
}

static void judge(void)
{
    root_in_long_task();
    any_in_long_task();
    equal_shares();
    many_lists();
}

int main(void)
{
    return team_main(&backend_mpi, 1, judge);
}
