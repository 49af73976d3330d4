/* Claim engine: how a worker gets its next chunk out of memory that threads, processes or ranks
 * share.
 *
 *   1. One party fills the `struct claim` (claim_init) in memory that all workers see, claim_bytes
 *      of it, before any of them starts; it is plain data without pointers, so every process may
 *      map it where it likes.
 *   2. Each thread that claims has a `struct claim_view` of its own, kept from list to list
 *      (claim_view_open, before the start), and a `struct claim_hand` (claim_hand_of, at the start
 *      of a list).
 *   3. It calls claim_next until that is false, and under ADAPTIVE rules claim_report after each
 *      chunk.
 *
 * By class of the rule (sched.h):
 *   FIXED     nothing is shared; the hand counts its turns
 *   CONSTANT  `next` is the first task not handed out; one fetch_add a chunk
 *   SEQUENCE  `next` is the number of the next chunk; one fetch_add, and a look into the table of
 *             the view, which is the same in all of them
 *   ADAPTIVE  `next` is the first task not handed out, moved by compare-exchange, since the size
 *             depends on what the seats say of everybody's past
 *   RANGES    the seats hold ranges (range.h); whoever is out steals
 *
 * Invariant: each task belongs to the one worker whose atomic operation took it. Nothing blocks but
 * stealing, which waits for whoever is at the same range; a worker that dies there leaves it
 * locked, and its list is lost anyway.
 */
#ifndef POOLMARK_SCHED_CLAIM_H
#define POOLMARK_SCHED_CLAIM_H

#include "sched/range.h"
#include "sched/sched.h"

#include <stdalign.h>
#include <stdatomic.h>

enum { CLAIM_LINE = 128 }; /* two cache lines: neighbours are fetched in pairs */

/* A worker's place: its range, or what it reports of its past. Written by its own worker (a range
 * by thieves too), read by all. */
struct claim_seat {
    alignas(CLAIM_LINE) union {
        struct range range;
        struct sched_past past;
    } is;
};

struct claim {
    struct sched sched;                        /* read-only once the workers start */
    alignas(CLAIM_LINE) _Atomic uint64_t next; /* see above */
    _Atomic uint64_t i;                        /* ADAPTIVE: chunks handed out */
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
    uint64_t turn;        /* chunks that it was given */
    struct sched_own own; /* ADAPTIVE */
};

static inline struct claim_hand claim_hand_of(struct claim *claim, const struct claim_view *view,
                                              uint32_t worker)
{
    return (struct claim_hand){claim, view, worker, 0, {0, 0}};
}

/* The part of claim_next that is not inline: ADAPTIVE and RANGES. */
bool claim_next_adaptive(struct claim_hand *hand, uint64_t *first, uint64_t *count);
bool claim_next_range(struct claim_hand *hand, uint64_t *first, uint64_t *count);

/* ADAPTIVE: tells what the last chunk took, and how long getting it had taken, in ns. By the same
 * hand. */
void claim_report(struct claim_hand *hand, uint64_t tasks, uint64_t run_ns, uint64_t claim_ns);

/* Takes the next chunk; false when there is none left. Relaxed order is enough: chunks carry no
 * data, and whoever reads the results synchronises at the end of the list. */
static inline bool claim_next(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    struct claim *claim = hand->claim;
    const struct sched *s = &claim->sched;
    uint64_t at;
    switch (s->class) {
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

#endif
