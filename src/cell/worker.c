/* What every backend's worker does around its chunks: see worker.h. */
#include "cell/worker.h"

#include "base/alloc.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MOST_EVENTS = 1 << 18, /* of one worker in one map: 12 MB */
    SHORT_NS = 100000,     /* of a map within which a steal is not looked for */
};

static uint64_t timeval_ns(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_usec * 1000u;
}

/* What a thread knew of itself when it was last ready. */
static _Thread_local struct {
    bool is_new;
    uint64_t at_ns, cpu_ns, switches;
} ready;

static uint64_t switches_of(const struct rusage *usage)
{
    return (uint64_t)usage->ru_nvcsw + (uint64_t)usage->ru_nivcsw;
}

void worker_ready(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage); /* first: a switch from here on is seen */
    ready.switches = switches_of(&usage);
    ready.cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    ready.at_ns = clock_now_ns();
    ready.is_new = true;
}

/* The thread's clock at start_ns. Who has not been switched out since it was ready has run. */
static uint64_t cpu_at(uint64_t start_ns, const struct rusage *usage)
{
    bool has_run = ready.is_new && ready.switches == switches_of(usage);
    ready.is_new = false;
    return has_run ? ready.cpu_ns + (start_ns - ready.at_ns)
                   : clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Adds the readings of this moment, times `sign`: begin subtracts, end adds, and the difference
 * stays. Unsigned wrap-around is meant. */
static void add_usage(struct worker_report *report, const struct rusage *usage, uint64_t sign)
{
    report->user_ns += sign * timeval_ns(&usage->ru_utime);
    report->sys_ns += sign * timeval_ns(&usage->ru_stime);
    report->voluntary += sign * (uint64_t)usage->ru_nvcsw;
    report->involuntary += sign * (uint64_t)usage->ru_nivcsw;
    report->faults += sign * (uint64_t)usage->ru_minflt;
    report->major_faults += sign * (uint64_t)usage->ru_majflt;
}

void worker_begin(struct worker_report *report)
{
    memset(report, 0, sizeof *report);
    report->start_ns = clock_now_ns();
    report->first_pu = topo_current_pu();
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    add_usage(report, &usage, (uint64_t)-1);
    report->cpu_ns = 0 - cpu_at(report->start_ns, &usage);
}

void worker_end(struct worker_report *report)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    add_usage(report, &usage, 1);
    report->pu = topo_current_pu();
    report->end_ns = clock_now_ns();
    uint64_t ns = report->end_ns - report->start_ns;
    if (ns < SHORT_NS && report->voluntary + report->involuntary == 0)
        report->cpu_ns = ns;
    else
        report->cpu_ns += clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    /* Two clocks, read a moment apart, that need not agree to the last ns. */
    if (report->cpu_ns > ns)
        report->cpu_ns = ns;
    report->off_ns = ns - report->cpu_ns;
}

uint64_t meter_reading_ns(void)
{
    static _Atomic uint64_t known; /* 1 + the least; several threads may measure it at once */
    uint64_t least = atomic_load_explicit(&known, memory_order_relaxed);
    if (least)
        return least - 1;
    uint64_t before = clock_now_ns();
    least = UINT64_MAX;
    for (int i = 0; i < 200; i++) {
        uint64_t now = clock_now_ns();
        least = now - before < least ? now - before : least;
        before = now;
    }
    atomic_store_explicit(&known, least + 1, memory_order_relaxed);
    return least;
}

/* --- chunks that are timed -------------------------------------------------------------------- */

void worker_run_timed(const struct sched *sched, const struct work *work, uint32_t worker,
                      struct timed_chunk *chunk, void *results, struct tally *tally,
                      struct event_log *log)
{
    const uint64_t most = claim_wants_parts(sched) ? CLAIM_MOST_PARTS : 1;
    const uint64_t n = chunk->count < most ? chunk->count : most, chunks = tally->chunks;
    uint64_t first = chunk->first;
    chunk->parts = (struct claim_parts){0};
    chunk->start_ns = chunk->end_ns = clock_now_ns();
    for (uint64_t p = 0; p < n; p++) {
        /* count / n tasks, and one more in the first count % n parts. */
        uint64_t tasks = chunk->count / n + (p < chunk->count % n), before = chunk->end_ns;
        work_run_range(work, first, tasks, results, tally);
        chunk->end_ns = clock_now_ns();
        claim_parts_add(&chunk->parts, tasks, chunk->end_ns - before);
        first += tasks;
    }
    tally->chunks = chunks + 1;
    if (log)
        worker_log_chunk(log, worker, chunk->first, chunk->count, chunk->start_ns, chunk->end_ns);
}

/* --- draining --------------------------------------------------------------------------------- */

/* What the loops below share. */
struct drain {
    struct claim_hand *hand;
    const struct work *work;
    void *results;
    struct tally tally;
    struct meter meter;
};

/* Made anew for each class, with and without a log, so that a claim is a few instructions within
 * the loop and the sums stay in registers. */
static inline __attribute__((always_inline)) void drain_of(struct drain *d, enum sched_class class,
                                                           struct event_log *log)
{
    struct tally tally = {0};
    struct meter meter = d->meter;
    uint64_t first, count;
    for (;;) {
        meter_ask(&meter);
        bool got = class == SCHED_RANGES ? claim_next_own(d->hand, &first, &count)
                                         : claim_next_of(d->hand, class, &first, &count);
        if (class == SCHED_RANGES && !got) {
            meter_slow(&meter);
            got = claim_steal(d->hand, &first, &count);
        }
        meter_got(&meter);
        if (!got)
            break;
        worker_run_chunk(d->work, d->hand->worker, first, count, d->results, &tally, log);
    }
    d->tally = tally;
    d->meter = meter;
}

static void drain_adaptive(struct drain *d, struct event_log *log)
{
    const uint32_t worker = d->hand->worker;
    struct timed_chunk chunk;
    uint64_t asked = clock_now_ns();
    while (claim_next_adaptive(d->hand, &chunk.first, &chunk.count)) {
        worker_run_timed(&d->hand->claim->sched, d->work, worker, &chunk, d->results, &d->tally,
                         log);
        uint64_t claim_ns = meter_timed(&d->meter, asked, chunk.start_ns);
        asked = chunk.end_ns; /* telling what a chunk took is part of getting the next */
        claim_report_parts(d->hand, &chunk.parts, chunk.end_ns - chunk.start_ns, claim_ns);
    }
    meter_timed(&d->meter, asked, clock_now_ns());
}

static inline __attribute__((always_inline)) void drain_by_class(struct drain *d,
                                                                 struct event_log *log)
{
    switch (d->hand->claim->sched.class) {
    case SCHED_FIXED:
        drain_of(d, SCHED_FIXED, log);
        break;
    case SCHED_CONSTANT:
        drain_of(d, SCHED_CONSTANT, log);
        break;
    case SCHED_SEQUENCE:
        drain_of(d, SCHED_SEQUENCE, log);
        break;
    case SCHED_RANGES:
        drain_of(d, SCHED_RANGES, log);
        break;
    case SCHED_ADAPTIVE:
        drain_adaptive(d, log);
        break;
    case SCHED_RUNTIMES:
        break;
    }
}

void worker_drain(struct claim_hand *hand, const struct work *work, void *results,
                  struct worker_report *report, struct event_log *log)
{
    struct drain d = {.hand = hand, .work = work, .results = results};
    meter_start(&d.meter);
    if (log)
        drain_by_class(&d, log);
    else
        drain_by_class(&d, NULL);
    report->claim_ns = meter_end(&d.meter);
    report->tally = d.tally;
}

void worker_settle(void)
{
    enum { STEP_NS = 1000000, MOST_NS = 100000000, SHARE = 20 }; /* settled: below 1/20 of a CPU */
    uint64_t cpu = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID), now = clock_now_ns();
    const uint64_t give_up = now + MOST_NS;
    for (bool busy = true; busy && now < give_up;) {
        uint64_t cpu_before = cpu, before = now;
        clock_sleep_ns(STEP_NS);
        cpu = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
        now = clock_now_ns();
        busy = (cpu - cpu_before) * SHARE >= now - before;
    }
}

/* --- places ----------------------------------------------------------------------------------- */

void worker_place(struct placement *placement, int requested_pu)
{
    placement->pid = getpid();
    placement->tid = (pid_t)syscall(SYS_gettid);
    placement->requested_pu = requested_pu;
    placement->observed_pu = topo_current_pu();
    topo_current_set(placement->observed_set, sizeof placement->observed_set);
    gethostname(placement->host, sizeof placement->host - 1); /* else it stays "" */
}

/* --- works ------------------------------------------------------------------------------------ */

static struct shelved *place_for(struct work_shelf *shelf, const struct work *work)
{
    struct shelved *last = &shelf->places[SHELF_WORKS], *oldest = shelf->places;
    if (!work->def->setup && !work->library)
        return last;
    for (struct shelved *s = shelf->places; s < last; s++)
        if (s->used < oldest->used)
            oldest = s;
    return oldest;
}

const struct work *work_shelf_get(struct work_shelf *shelf, const struct job *job, struct err *err)
{
    for (struct shelved *s = shelf->places; s <= &shelf->places[SHELF_WORKS]; s++)
        if (s->used && s->work.n == job->sched.n && s->scale == job->scale &&
            strcmp(s->spec, job->spec) == 0) {
            s->used = ++shelf->clock;
            return &s->work;
        }
    struct work work;
    if (work_open(&work, job->spec, job->sched.n, job->scale, err) != 0)
        return NULL;
    struct shelved *place = place_for(shelf, &work);
    if (place->used)
        work_close(&place->work);
    place->work = work;
    text_copy(place->spec, sizeof place->spec, job->spec);
    place->scale = job->scale;
    place->used = ++shelf->clock;
    return &place->work;
}

void work_shelf_release(struct work_shelf *shelf)
{
    for (struct shelved *s = shelf->places; s <= &shelf->places[SHELF_WORKS]; s++)
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
    /* Where all chunks have one size; blocks dealt out beforehand may each end in a smaller one.
     * Else they may all be of one task. */
    const unsigned one_size = SCHED_FIXED | SCHED_CONSTANT | SCHED_RANGES;
    const struct sched *s = &job->sched;
    uint64_t most = s->class & one_size ? s->n / s->chunk + s->workers : s->n;
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
