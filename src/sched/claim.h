/* Claim engine: how a worker gets its next chunk out of memory that threads, processes or ranks
 * share.
 *
 *   1. One party fills the `struct claim` (claim_init) in memory that all workers see, claim_bytes
 *      of it, before any of them starts; it is plain data without pointers, so every process may
 *      map it where it likes.
 *   2. Each thread that claims has a `struct claim_view` of its own, kept from list to list
 *      (claim_view_open, before the start), and a `struct claim_hand` (claim_hand_of, at the start
 *      of a list).
 *   3. It calls claim_next until that is false, and under ADAPTIVE rules claim_report (or
 *      claim_report_parts) after each chunk.
 *
 * By class of the rule (sched.h):
 *   FIXED     nothing is shared; the hand counts its turns
 *   CONSTANT  `next` is the first task not handed out; one fetch_add a chunk
 *   SEQUENCE  `next` is the number of the next chunk; one fetch_add, and a look into the table of
 *             the view, which is the same in all of them
 *   ADAPTIVE  `next` is the first task not handed out and the number of chunks, in one word that is
 *             moved by compare-exchange, since the size depends on what the seats say of
 *             everybody's past
 *   RANGES    the seats hold ranges (range.h), at first equal blocks; whoever is out steals
 *
 * Invariants:
 *   - Each task belongs to the one worker whose atomic operation took it.
 *   - Nothing blocks but stealing, which waits for whoever is at the same range. What a dead worker
 *     has not taken others steal; if it died in the very steal, a range stays locked, and thieves
 *     wait until they are ended: the list is lost anyway.
 *   - A past is written by its own worker alone, into the copy that is not shown, and then shown;
 *     who reads it while it is written twice reads again. So one worker's numbers always belong
 *     together, those of several workers are as old as their last claim or report.
 */
#ifndef POOLMARK_SCHED_CLAIM_H
#define POOLMARK_SCHED_CLAIM_H

#include "sched/range.h"
#include "sched/sched.h"

#include <stdalign.h>
#include <stdatomic.h>

enum { CLAIM_LINE = 128 }; /* two cache lines: neighbours are fetched in pairs */

/* What a worker tells of its past: two copies, of which `shown` (even: the first) is valid. */
struct claim_past {
    _Atomic uint64_t shown;
    _Atomic uint64_t words[2][sizeof(struct sched_past) / sizeof(uint64_t)];
};

/* A worker's place: its range, or its past. Written by its own worker (a range by thieves too),
 * read by all. */
struct claim_seat {
    alignas(CLAIM_LINE) union {
        struct range range;
        struct claim_past past;
    } is;
};

struct claim {
    struct sched sched; /* read-only once the workers start */
    uint64_t origin_ns; /* of the clock that sched_adaptive_size sees; likewise */
    alignas(CLAIM_LINE) _Atomic uint64_t next; /* see above */
    alignas(CLAIM_LINE) struct claim_seat seats[];
};

/* Bytes of a claim for so many workers; its memory must lie on a multiple of CLAIM_LINE. */
size_t claim_bytes(uint32_t workers);

void claim_init(struct claim *claim, const struct sched *sched);

/* What one thread keeps for itself between lists. Zeroed at first. */
struct claim_view {
    struct sched_table table; /* SEQUENCE */
    struct sched_past *pasts; /* ADAPTIVE: room for a copy of everybody's */
    size_t capacity;
};

/* Makes the view fit the list that comes. Not in the timed part. */
int claim_view_open(struct claim_view *view, const struct sched *sched, struct err *err);
void claim_view_release(struct claim_view *view);

/* One worker's side of one list. Several hands may use one view, one after the other. */
struct claim_hand {
    struct claim *claim;
    const struct claim_view *view;
    uint32_t worker;
    uint64_t turn;          /* chunks that it was given */
    struct sched_own own;   /* ADAPTIVE: what the rule keeps, */
    struct sched_past past; /* and what the seat shows */
};

static inline struct claim_hand claim_hand_of(struct claim *claim, const struct claim_view *view,
                                              uint32_t worker)
{
    return (struct claim_hand){.claim = claim, .view = view, .worker = worker};
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* RANGES: takes half of what some other worker has left, and the first chunk of that in hand at
 * once: were it left in the range, thieves could take the last chunk from each other for ever.
 * Waits while others hold what there is; false when all ranges look empty. They are looked at one
 * after the other: a thief that was seen empty may have taken the last tasks of one that is seen
 * afterwards. The caller then leaves early, which costs its help with those, never a task. */
bool claim_steal(struct claim_hand *hand, uint64_t *first, uint64_t *count);

/* RANGES: takes the next chunk of the worker's own range. */
static inline bool claim_next_own(const struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    struct range *own = &hand->claim->seats[hand->worker].is.range;
    uint64_t end;
    if (!range_take(own, hand->worker, hand->claim->sched.chunk, first, &end))
        return false;
    *count = end - *first;
    return true;
}

static inline bool claim_next_range(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    return claim_next_own(hand, first, count) || claim_steal(hand, first, count);
}

bool claim_next_adaptive(struct claim_hand *hand, uint64_t *first, uint64_t *count);

/* claim_next under a rule of which the class is known. Relaxed order is enough: chunks carry no
 * data, and whoever reads the results synchronises at the end of the list. */
static inline __attribute__((always_inline)) bool
claim_next_of(struct claim_hand *hand, enum sched_class class, uint64_t *first, uint64_t *count)
{
    struct claim *claim = hand->claim;
    const struct sched *s = &claim->sched;
    uint64_t at;
    switch (class) {
    case SCHED_FIXED:
        return sched_static_chunk(s, hand->worker, hand->turn++, first, count);
    case SCHED_CONSTANT:
        /* Each worker overshoots n once, by one chunk of at most n (sched_make clamps it): with
         * n <= 2^40 and P <= 4096 the counter stays below 2^53. */
        at = atomic_fetch_add_explicit(&claim->next, s->chunk, memory_order_relaxed);
        if (at >= s->n)
            return false;
        *first = at;
        *count = s->n - at < s->chunk ? s->n - at : s->chunk;
        return true;
    case SCHED_SEQUENCE:
        at = atomic_fetch_add_explicit(&claim->next, 1, memory_order_relaxed);
        if (at >= hand->view->table.n_chunks)
            return false;
        *first = hand->view->table.starts[at];
        *count = hand->view->table.starts[at + 1] - *first;
        return true;
    case SCHED_ADAPTIVE:
        return claim_next_adaptive(hand, first, count);
    case SCHED_RANGES:
        return claim_next_range(hand, first, count);
    case SCHED_RUNTIMES:
        break;
    }
    return false;
}

/* Takes the next chunk; false when there is none left. */
static inline bool claim_next(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    return claim_next_of(hand, hand->claim->sched.class, first, count);
}

/* --- ADAPTIVE: what chunks took --------------------------------------------------------------- */

/* A chunk that was run in parts, each of which was timed: how the times of its tasks differ. Plain
 * data that may be sent to other processes. Zeroed at first. */
struct claim_parts {
    uint64_t n, tasks;
    double mean_ns, m2; /* per task: mean, and Σ tasks (mean of the part - mean)² */
};

enum { CLAIM_MOST_PARTS = 16 }; /* of a chunk: two clock readings' worth of noise each */

/* Whether the rule looks at how tasks differ, so that chunks should be run in parts. */
static inline bool claim_wants_parts(const struct sched *s)
{
    return s->kind == SCHED_AF;
}

void claim_parts_add(struct claim_parts *parts, uint64_t tasks, uint64_t run_ns);

/* Tells what the last chunk took, and how long getting it had taken, in ns. By the hand that was
 * given it. claim_report takes the chunk as one part. */
void claim_report_parts(struct claim_hand *hand, const struct claim_parts *parts, uint64_t run_ns,
                        uint64_t claim_ns);
void claim_report(struct claim_hand *hand, uint64_t tasks, uint64_t run_ns, uint64_t claim_ns);

#endif
