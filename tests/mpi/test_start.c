/* ranks: 1 2 3 */
/* The common start: nobody begins before it, what workers tell is on the root's clock, on machines
 * whose clocks are apart too, and the outcome says how far that can be trusted. */
#include "team.h"

static void check_map(const char *spec, uint64_t n, bool trace)
{
    struct job job = job_of(spec, SCHED_STATIC, n, 1);
    struct outcome o = {.results = NULL};
    struct err err = {""};
    text_copy(job.dispatch, sizeof job.dispatch, "static");
    job.trace = trace;
    uint64_t before = clock_now_ns();
    if (!check(ask(&job, &o, &err) > 0, "%s", err.text))
        return;
    uint64_t after = clock_now_ns(), e = o.clock_error_ns;
    check(o.nodes > 0 && (e > 0) == (launch.ranks > 1) && e < 100000000,
          "%u machines, error %" PRIu64 " ns", o.nodes, e);
    check(o.start_ns > before && o.start_ns < after, "started %" PRId64 " ns after the call",
          (int64_t)(o.start_ns - before));
    for (uint32_t w = 0; w < launch.workers; w++) {
        const struct worker_report *r = &o.reports[w];
        check(r->start_ns + e >= o.start_ns && r->end_ns + e >= r->start_ns &&
                  r->end_ns <= after + e,
              "%s: worker %u started %" PRId64 " ns after the others and ended %" PRId64
              " ns before the map, error %" PRIu64 " ns",
              spec, w, (int64_t)(r->start_ns - o.start_ns), (int64_t)(after - r->end_ns), e);
    }
    uint64_t outside = 0;
    for (size_t i = 0; i < o.n_events; i++)
        outside += o.events[i].start_ns + e < o.start_ns || o.events[i].end_ns > after + e;
    check(o.n_events == (trace ? n : 0) && outside == 0, "%zu events, %" PRIu64 " outside the map",
          o.n_events, outside);
}

static void judge(void)
{
    for (int i = 0; i < 20; i++)
        check_map(i % 2 ? "null" : "sleep time=1ms", 2 * launch.workers, i % 4 < 2);
    if (launch.ranks > 1)
        check(strstr(backend->runtime(team), "POOLMARK_CLOCK_SKEW=9000000000,50"), "%s",
              backend->runtime(team));
}

int main(void)
{
    setenv("POOLMARK_RANKS_PER_NODE", "1", 1);
    setenv("POOLMARK_CLOCK_SKEW", "9000000000,50", 1);
    return team_main(&backend_hybrid, 2, judge);
}
