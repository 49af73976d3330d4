/* What every backend's worker does around its chunks: begin, run chunks, end. Written once, so that
 * all backends pay the same for being watched. */
#ifndef POOLMARK_CELL_WORKER_H
#define POOLMARK_CELL_WORKER_H

#include "base/clock.h"
#include "cell/backend.h"

/* --- in the timed part ------------------------------------------------------------------------ */

/* Room for the chunk events of one worker, in memory that the root can read. */
struct event_log {
    uint64_t n, dropped, capacity;
    struct chunk_event *events; /* valid in the worker */
};

/* Reads the clock of this thread, which is a call to the system, so that worker_begin need not as
 * long as the thread keeps its CPU until then. In the worker, at the end of prepare or directly
 * before it waits for its start. Where it is not called worker_begin reads that clock. */
void worker_ready(void);

/* Zeroes the report and takes the first readings. In the worker, inside the timed part. */
void worker_begin(struct worker_report *report);

/* Takes the last readings. In the worker, inside the timed part. The clock of the thread is read
 * after the worker's last moment, and not at all where there is nothing to be learnt from it: the
 * thread was never switched out, and the time is too short for the host to have taken much. */
void worker_end(struct worker_report *report);

static inline void worker_log_chunk(struct event_log *log, uint32_t worker, uint64_t first,
                                    uint64_t count, uint64_t start_ns, uint64_t end_ns)
{
    if (log->n == log->capacity) {
        log->dropped++;
        return;
    }
    log->events[log->n++] =
        (struct chunk_event){first, count, start_ns, end_ns, (int32_t)worker, topo_current_pu()};
}

/* Runs one chunk, with its event when log is not NULL. */
static inline __attribute__((always_inline)) void
worker_run_chunk(const struct work *work, uint32_t worker, uint64_t first, uint64_t count,
                 void *results, struct tally *tally, struct event_log *log)
{
    if (__builtin_expect(!log, 1)) {
        work_run_range(work, first, count, results, tally);
        return;
    }
    uint64_t start = clock_now_ns();
    work_run_range(work, first, count, results, tally);
    worker_log_chunk(log, worker, first, count, start, clock_now_ns());
}

/* Time spent on getting chunks, at next to no cost: while chunks are short only some claims are
 * timed, and each stands for those since the last timed one as well.
 *
 *     meter_ask(&meter); got = … the claim …; meter_got(&meter);  … the chunk …
 *
 * and meter_end after the claim that got nothing. The distance between timed claims doubles while
 * chunks stay short. What a clock reading itself takes is taken off, since the claims that are not
 * timed do not have it; and claims cannot have taken longer than the time since the last timed one,
 * so that one during which the worker was preempted is not multiplied.
 *
 * All this holds for claims that are alike. What is rare and long beside the others, a steal, a
 * wait or a call of MPI, begins with meter_slow: from there to meter_got the claim is timed each
 * time, counts as what it took, and is no part of what timed claims stand for. */
struct meter {
    uint64_t claim_ns; /* the sum so far */
    uint64_t asked, got, last_ns;
    uint64_t slow;       /* since when the claim in hand is_slow */
    uint64_t reading_ns; /* what two readings of the clock in a row differ by */
    uint32_t skipped, to_skip;
    bool is_on, is_slow;
};

enum {
    METER_SHORT_NS = 5000, /* chunks below this are timed by samples: two readings are 1 % of it */
    METER_SKIP = 127,      /* most claims between two that are timed */
};

/* What two readings of the clock in a row differ by, at least: measured once in a process, which is
 * during the first list, that warms it. */
uint64_t meter_reading_ns(void);

/* `got` is long ago, so that the second claim is timed too: only then a chunk has been seen. */
static inline void meter_start(struct meter *meter)
{
    *meter = (struct meter){.reading_ns = meter_reading_ns()};
}

/* The time of a claim between two readings. */
static inline uint64_t meter_claim_ns(const struct meter *meter, uint64_t asked, uint64_t got)
{
    return got - asked > meter->reading_ns ? got - asked - meter->reading_ns : 0;
}

/* Adds a claim that was timed, for callers that time each; returns its time. */
static inline uint64_t meter_timed(struct meter *meter, uint64_t asked, uint64_t got)
{
    uint64_t ns = meter_claim_ns(meter, asked, got);
    meter->claim_ns += ns;
    return ns;
}

/* Adds what took `ns` just now, as a part of getting chunks that no timed claim stands for. */
static inline void meter_apart(struct meter *meter, uint64_t ns)
{
    meter->claim_ns += ns;
    meter->asked += ns;
    meter->got += ns;
}

static inline void meter_slow(struct meter *meter)
{
    if (meter->is_slow)
        return;
    meter->is_slow = true;
    meter->slow = clock_now_ns();
}

static inline void meter_ask(struct meter *meter)
{
    meter->is_on = meter->skipped == meter->to_skip;
    if (__builtin_expect(meter->is_on, 0))
        meter->asked = clock_now_ns();
    else
        meter->skipped++;
}

/* Adds n claims like the last, which took place since the last timed one ended. */
static inline void meter_add(struct meter *meter, uint64_t n, uint64_t since_ns)
{
    meter->claim_ns += n * meter->last_ns < since_ns ? n * meter->last_ns : since_ns;
}

static inline void meter_got(struct meter *meter)
{
    if (__builtin_expect(!meter->is_on & !meter->is_slow, 1))
        return;
    uint64_t now = clock_now_ns();
    if (meter->is_slow)
        meter_apart(meter, meter_claim_ns(meter, meter->slow, now));
    meter->is_slow = false;
    if (!meter->is_on)
        return;
    uint64_t stands_for = meter->skipped + 1, since_ns = now - meter->got;
    meter->last_ns = meter_claim_ns(meter, meter->asked, now);
    meter_add(meter, stands_for, since_ns);
    meter->got = now;
    meter->skipped = 0;
    if (since_ns / stands_for >= METER_SHORT_NS)
        meter->to_skip = 0;
    else if (meter->to_skip < METER_SKIP)
        meter->to_skip = 2 * meter->to_skip + 1;
}

/* Returns the sum. */
static inline uint64_t meter_end(struct meter *meter)
{
    if (meter->skipped)
        meter_add(meter, meter->skipped, clock_now_ns() - meter->got);
    return meter->claim_ns;
}

/* Claims and runs chunks until none is left; fills the tally and claim_ns of the report at the end,
 * so that no two workers write to one cache line while they run. In the timed part, between
 * worker_begin and worker_end.
 *
 * Claims are timed by samples (struct meter), but for steals, and under ADAPTIVE rules: there each
 * claim and each chunk is timed and reported, which is part of what such a rule costs. */
void worker_drain(struct claim_hand *hand, const struct work *work, void *results,
                  struct worker_report *report, struct event_log *log);

/* A chunk, when it ran, and what it says of its tasks. */
struct timed_chunk {
    uint64_t first, count;
    uint64_t start_ns, end_ns;
    struct claim_parts parts;
};

/* Runs the chunk first, count and fills in the rest. Where the rule asks how tasks differ
 * (claim_wants_parts) the chunk is run in up to CLAIM_MOST_PARTS parts. With its event when log is
 * not NULL. In the timed part. */
void worker_run_timed(const struct sched *sched, const struct work *work, uint32_t worker,
                      struct timed_chunk *chunk, void *results, struct tally *tally,
                      struct event_log *log);

/* Waits until this process uses next to no CPU: the threads of a runtime that spins after a region
 * would disturb whatever is measured next. At most 100 ms; not in the timed part. */
void worker_settle(void);

/* --- outside of it ---------------------------------------------------------------------------- */

/* Fills a placement but for worker, rank and thread. In the worker. */
void worker_place(struct placement *placement, int requested_pu);

/* The works that a process has set up, so that requests which take turns do not set theirs up anew.
 * Zeroed at first; the one unused for longest leaves when there are too many. Works without a
 * setup, as those of the lists of null tasks that calibrate.h runs, share one place and displace no
 * other. */
enum { SHELF_WORKS = 8 };

struct work_shelf {
    struct shelved {
        struct work work;
        char spec[SPEC_BYTES];
        double scale;
        uint64_t used;         /* clock of the last use; 0: an empty place */
    } places[SHELF_WORKS + 1]; /* the last: of a work without a setup */
    uint64_t clock;
};

/* The work of the job, set up now if need be; valid until the next call. NULL on failure. */
const struct work *work_shelf_get(struct work_shelf *shelf, const struct job *job, struct err *err);
void work_shelf_release(struct work_shelf *shelf);

/* Room for the events of one worker: what the job can need at most, if all chunks came to one
 * worker, within reason, which is worker_event_most. */
uint64_t worker_event_room(const struct job *job);
uint64_t worker_event_most(void);

/* A worker's place at the root's table, on lines of its own. Written by the worker alone from
 * prepare to the end of map; read by the root in collect. */
struct worker_desk {
    alignas(CLAIM_LINE) struct worker_report report;
    struct event_log log; /* capacity and events are set before map */
    struct placement placement;
    struct err error; /* why the worker could not do what it was asked; "" when it could */
};

/* Desks on the heap, zeroed, for workers that are threads. */
struct worker_desk *worker_desks_new(uint32_t workers);
void worker_desks_free(struct worker_desk *desks, uint32_t workers);

/* Empties the logs of such desks and makes room for the events of the job. */
void worker_desks_clear_logs(struct worker_desk *desks, uint32_t workers, const struct job *job);

/* Most bytes of results that a map may have: the memory of this machine. */
uint64_t worker_results_most(void);

/* Memory for the n results of a job on the heap, kept from job to job. Zeroed at first. */
struct results_room {
    void *results;
    size_t bytes;
};

int results_room_need(struct results_room *room, const struct job *job, struct err *err);

/* Overwrites this worker's share of the memory of the results, so that an answer left over from the
 * last map cannot pass, and so that no map pays for pages that are touched for the first time. */
void worker_forget_results(const struct work *work, const struct job *job, uint32_t worker,
                           void *results);

/* What the root keeps of the desks for an outcome, until the next call. Zeroed at first. */
struct outcome_room {
    struct worker_report *reports;
    struct chunk_event *events;
    size_t events_capacity;
};

/* Fills an outcome but for its results out of the desks of all workers. In the root. */
void outcome_gather(struct outcome_room *room, const struct worker_desk *desks, uint32_t workers,
                    struct outcome *outcome);
void outcome_room_release(struct outcome_room *room);

#endif
