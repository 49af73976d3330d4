/* What every backend's worker does around its chunks: see worker.h. */
#include "cell/worker.h"

#include "base/alloc.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_EVENTS = 1 << 18 }; /* of one worker in one map: 12 MB */

static uint64_t timeval_ns(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_usec * 1000u;
}

/* Adds the readings of this moment, times `sign`: begin subtracts, end adds, and the difference
 * stays. Unsigned wrap-around is meant. */
static void add_usage(struct worker_report *report, uint64_t sign)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    report->user_ns += sign * timeval_ns(&usage.ru_utime);
    report->sys_ns += sign * timeval_ns(&usage.ru_stime);
    report->voluntary += sign * (uint64_t)usage.ru_nvcsw;
    report->involuntary += sign * (uint64_t)usage.ru_nivcsw;
}

void worker_begin(struct worker_report *report)
{
    memset(report, 0, sizeof *report);
    report->start_ns = clock_now_ns();
    add_usage(report, (uint64_t)-1);
}

void worker_end(struct worker_report *report)
{
    add_usage(report, 1);
    report->pu = topo_current_pu();
    report->end_ns = clock_now_ns();
}

void worker_drain(struct claim_hand *hand, const struct work *work, void *results,
                  struct worker_report *report, struct event_log *log)
{
    struct tally tally = {0};
    struct meter meter;
    uint64_t first, count;
    meter_start(&meter);
    for (;;) {
        meter_ask(&meter);
        bool got = claim_next(hand, &first, &count);
        meter_got(&meter);
        if (!got)
            break;
        worker_run_chunk(work, hand->worker, first, count, results, &tally, log);
    }
    report->claim_ns = meter_end(&meter);
    report->tally = tally;
}

void worker_place(struct placement *placement, int requested_pu)
{
    placement->pid = getpid();
    placement->requested_pu = requested_pu;
    placement->observed_pu = topo_current_pu();
    topo_current_set(placement->observed_set, sizeof placement->observed_set);
}

/* --- works ------------------------------------------------------------------------------------ */

const struct work *work_shelf_get(struct work_shelf *shelf, const struct job *job, struct err *err)
{
    struct shelved *oldest = &shelf->places[0];
    for (struct shelved *s = shelf->places; s < shelf->places + SHELF_WORKS; s++) {
        if (s->used && s->work.n == job->sched.n && s->scale == job->scale &&
            strcmp(s->spec, job->spec) == 0) {
            s->used = ++shelf->clock;
            return &s->work;
        }
        if (s->used < oldest->used)
            oldest = s;
    }
    if (oldest->used)
        work_close(&oldest->work);
    oldest->used = 0;
    if (work_open(&oldest->work, job->spec, job->sched.n, job->scale, err) != 0)
        return NULL;
    text_copy(oldest->spec, sizeof oldest->spec, job->spec);
    oldest->scale = job->scale;
    oldest->used = ++shelf->clock;
    return &oldest->work;
}

void work_shelf_release(struct work_shelf *shelf)
{
    for (struct shelved *s = shelf->places; s < shelf->places + SHELF_WORKS; s++)
        if (s->used)
            work_close(&s->work);
    memset(shelf, 0, sizeof *shelf);
}

/* --- desks ------------------------------------------------------------------------------------ */

struct worker_desk *worker_desks_new(uint32_t workers)
{
    size_t bytes = workers * sizeof(struct worker_desk);
    struct worker_desk *desks = aligned_alloc(alignof(struct worker_desk), bytes);
    if (!desks)
        abort();
    memset(desks, 0, bytes);
    return desks;
}

void worker_desks_free(struct worker_desk *desks, uint32_t workers)
{
    for (uint32_t w = 0; w < workers; w++)
        free(desks[w].log.events);
    free(desks);
}

uint64_t worker_event_room(const struct job *job)
{
    /* No rule hands out more than one chunk below the resolved size, blocks aside, and of those a
     * worker gets but one. */
    uint64_t most = job->sched.n / job->sched.chunk + 1;
    return !job->trace ? 0 : most < MOST_EVENTS ? most : MOST_EVENTS;
}

uint64_t worker_event_most(void)
{
    return MOST_EVENTS;
}

void worker_desks_clear_logs(struct worker_desk *desks, uint32_t workers, const struct job *job)
{
    uint64_t room = worker_event_room(job);
    for (uint32_t w = 0; w < workers; w++) {
        struct event_log *log = &desks[w].log;
        log->n = log->dropped = 0;
        if (log->capacity < room) {
            log->events = alloc_grown(log->events, room, sizeof *log->events);
            log->capacity = room;
        }
    }
}

/* --- results ---------------------------------------------------------------------------------- */

uint64_t worker_results_most(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

int results_room_need(struct results_room *room, const struct job *job, struct err *err)
{
    uint64_t each = job->work->result_bytes, n = job->sched.n;
    if (!each || n <= room->bytes / each)
        return 0;
    void *more = n <= worker_results_most() / each ? realloc(room->results, n * each) : NULL;
    if (!more)
        return err_set(err,
                       "%" PRIu64 " results of %" PRIu64 " bytes do not fit in memory (%" PRIu64
                       " bytes)",
                       n, each, worker_results_most());
    room->results = more;
    room->bytes = n * each;
    return 0;
}

void worker_forget_results(const struct work *work, const struct job *job, uint32_t worker,
                           void *results)
{
    struct sched shares = sched_resolve(SCHED_STATIC, job->sched.n, job->sched.workers, 0);
    uint64_t first, count;
    if (work->result_bytes && sched_static_chunk(&shares, worker, 0, &first, &count))
        memset((char *)results + first * work->result_bytes, 0xa5, count * work->result_bytes);
}

/* --- outcomes --------------------------------------------------------------------------------- */

void outcome_gather(struct outcome_room *room, const struct worker_desk *desks, uint32_t workers,
                    struct outcome *outcome)
{
    *outcome = (struct outcome){.results = NULL};
    room->reports = alloc_grown(room->reports, workers, sizeof *room->reports);
    for (uint32_t w = 0; w < workers; w++) {
        room->reports[w] = desks[w].report;
        tally_add(&outcome->total, &desks[w].report.tally);
        outcome->n_events += desks[w].log.n;
        outcome->events_dropped += desks[w].log.dropped;
    }
    if (outcome->n_events > room->events_capacity) {
        room->events_capacity = outcome->n_events;
        room->events = alloc_grown(room->events, room->events_capacity, sizeof *room->events);
    }
    struct chunk_event *to = room->events;
    for (uint32_t w = 0; w < workers; w++)
        for (uint64_t e = 0; e < desks[w].log.n; e++)
            *to++ = desks[w].log.events[e];
    outcome->reports = room->reports;
    outcome->events = room->events;
}

void outcome_room_release(struct outcome_room *room)
{
    free(room->reports);
    free(room->events);
    *room = (struct outcome_room){NULL, NULL, 0};
}
