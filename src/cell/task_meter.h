/* How long a thread is busy with tasks that the OpenMP runtime hands it, and when its last one
 * ends: what it does between two tasks, making tasks or looking for one, is not seen, and neither
 * is which task is its last.
 *
 * Two readings of the clock around each task would be 4 % of tasks of 1 µs. So of short ones some
 * are skipped, as many as take TASK_SHORT_NS. Then the moment at which the last of those ended and
 * the next task are timed, so that it is known what the skipped ones and their gaps took together.
 * Tasks have the share of that which they have in all that was timed in their place: long tasks or
 * waits now and then are met in proportion. Where the very last ones were skipped, they are taken
 * for short, and the thread's end is an estimate; a trace, which reads the clock anyway, skips
 * none.
 *
 *     task_meter_start(&meter, now);
 *     if (task_meter_may_skip(&meter)) {
 *         … the task …
 *         if (task_meter_skip(&meter))
 *             meter.asked_ns = now;
 *     } else {
 *         start = now; … the task … task_meter_add(&meter, start, now);
 *     }
 *     task_meter_report(&meter, &report);
 */
#ifndef POOLMARK_CELL_TASK_METER_H
#define POOLMARK_CELL_TASK_METER_H

#include "cell/worker.h"

struct task_meter {
    alignas(CLAIM_LINE) uint64_t until_ns; /* the end of the last task that was timed */
    uint64_t asked_ns;                     /* the end of the one before the next that will be */
    uint64_t busy_ns;                      /* of tasks that were timed */
    uint64_t skipped_ns;                   /* of those that were not, with their gaps */
    double task_ns, gap_ns;                /* what was timed in their place, times their number */
    uint64_t reading_ns;                   /* what two readings in a row differ by */
    uint64_t made_ns; /* when this thread had made all tasks; 0: another makes them */
    uint32_t skipped, to_skip;
};

enum { TASK_SHORT_NS = 10000, TASK_SKIP = 127 };

static inline void task_meter_start(struct task_meter *m, uint64_t now)
{
    *m = (struct task_meter){.until_ns = now, .asked_ns = now, .reading_ns = meter_reading_ns()};
}

static inline bool task_meter_may_skip(const struct task_meter *m)
{
    return m->skipped < m->to_skip;
}

/* Counts a task that was not timed; true when the moment at which it ended is wanted. */
static inline bool task_meter_skip(struct task_meter *m)
{
    return ++m->skipped == m->to_skip;
}

static inline uint64_t task_meter_span(const struct task_meter *m, uint64_t start, uint64_t end)
{
    return end - start > m->reading_ns ? end - start - m->reading_ns : 0;
}

static inline void task_meter_add(struct task_meter *m, uint64_t start, uint64_t end)
{
    uint64_t stands_for = m->skipped + 1, each = (end - m->until_ns) / stands_for;
    if (m->skipped || each < TASK_SHORT_NS) {
        m->task_ns += (double)(stands_for * task_meter_span(m, start, end));
        m->gap_ns += (double)(stands_for * task_meter_span(m, m->asked_ns, start));
    }
    m->busy_ns += end - start;
    m->skipped_ns += m->asked_ns - m->until_ns;
    m->until_ns = m->asked_ns = end;
    m->skipped = 0;
    m->to_skip = each < TASK_SHORT_NS / TASK_SKIP ? TASK_SKIP : (uint32_t)(TASK_SHORT_NS / each);
}

/* Ends the report, in which end_ns is when the thread was let go, at the end of its last task or of
 * making tasks; what it was not busy for until then is claim_ns. */
static inline void task_meter_report(struct task_meter *m, struct worker_report *report)
{
    uint64_t rest = m->asked_ns - m->until_ns, left = report->end_ns - m->until_ns;
    if (m->skipped < m->to_skip)
        rest = (uint64_t)TASK_SHORT_NS * m->skipped / m->to_skip;
    m->skipped_ns += rest < left ? rest : left;
    m->until_ns += rest < left ? rest : left;
    double both = m->task_ns + m->gap_ns, share = both > 0 ? m->task_ns / both : 0;
    uint64_t busy_ns = m->busy_ns + (uint64_t)((double)m->skipped_ns * share);
    report->rest_ns = report->end_ns - report->start_ns - busy_ns;
    report->end_ns = m->until_ns > m->made_ns ? m->until_ns : m->made_ns;
    report->claim_ns = report->end_ns - report->start_ns - busy_ns;
}

#endif
