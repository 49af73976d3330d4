/* ranks: 2 3 5 */
/* Dispatch by the working master, judged by who did how much, never by absolute time. A machine may
 * hold up anyone at any time, so that the best of some tries counts. */
#include "conformance.h"

/* One task is as long as 100 others; whoever has it does nothing else meanwhile, the root too, and
 * the others' last ends before it: 5 ms against 75 ms. A root that answered nobody from within a
 * task would let the others have one chunk each. */
static void in_long_task(bool is_root)
{
    enum { TRIES = 30 };
    const uint64_t n = 2 + 3 * (uint64_t)launch.workers;
    struct job job = job_of("sleep time=10ms shape=one-long ratio=100", SCHED_DYNAMIC, n, 1);
    struct outcome outcome;
    struct err err = {""};
    int n_seen = 0;
    uint64_t tasks = 0;
    int64_t before_us = 0;
    bool is_good = false;
    job.trace = true;
    for (int tries = 0; tries < TRIES && n_seen < 8 && !is_good; tries++) {
        if (!check(ask(&job, &outcome, &err) > 0, "%s", err.text))
            return;
        const struct chunk_event *lone = NULL;
        uint64_t last_ns = 0;
        for (size_t i = 0; i < outcome.n_events; i++)
            if (outcome.events[i].first == 0)
                lone = &outcome.events[i];
            else if (outcome.events[i].end_ns > last_ns)
                last_ns = outcome.events[i].end_ns;
        if (!lone || (lone->worker == 0) != is_root)
            continue; /* another worker was the first to ask */
        n_seen++;
        tasks = outcome.reports[lone->worker].tally.tasks;
        before_us = (int64_t)(lone->end_ns - last_ns) / 1000;
        is_good = tasks == 1 && before_us > 0;
    }
    check(n_seen == 0 || is_good,
          "while %s was in a long task it ran %" PRIu64
          " tasks in all, and the others' last ended %" PRId64 " us before it",
          is_root ? "the root" : "another", tasks, before_us);
    check(n_seen > 0 || !is_root, "the root never got the first task");
}

/* Equal sleeps are shared out equally, whoever holds the claim: nobody has the chunks of
 * twice the rounds, and all are in chunks nearly all the time. Where a root in a task answered
 * nobody, the others would be for half of it. */
static void equal_shares(void)
{
    enum { ROUNDS = 4, TRIES = 10 };
    const double LEAST = 0.65;
    struct job job = job_of("sleep time=10ms", SCHED_DYNAMIC, ROUNDS * (uint64_t)launch.workers, 1);
    struct outcome outcome;
    struct err err = {""};
    uint64_t most = UINT64_MAX;
    double share = 0;
    job.trace = true;
    for (int tries = 0; tries < TRIES && (most >= 2 * ROUNDS || share < LEAST); tries++) {
        if (!check(ask(&job, &outcome, &err) > 0, "%s", err.text))
            return;
        most = most_chunks(&outcome);
        share = share_in_chunks(&outcome);
    }
    check(most < 2 * ROUNDS && share >= LEAST,
          "of %d rounds a worker had %" PRIu64 ", and all were in chunks for %.2f of the time",
          ROUNDS, most, share);
    printf("equal sleeps: %.2f of the time in chunks\n", share);
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
    in_long_task(true);
    in_long_task(false);
    equal_shares();
    many_lists();
}

int main(void)
{
    return team_main(&backend_mpi, 1, judge);
}
