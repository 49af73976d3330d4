/* Claim engine: how a worker gets its next chunk out of memory that threads, processes or ranks
 * share.
 *
 *   1. One party fills the `struct claim` (claim_init) in memory that all workers see, before any
 * of them starts; it is plain data without pointers, so every process may map it where it likes.
 *   2. Each worker, with a zeroed `struct claim_hand` of its own, calls claim_next until it returns
 *      false. No call ever blocks, and a worker that dies leaves nothing locked.
 *
 * Invariant: `next` only grows; the chunk [first, first+count) belongs to the one worker whose
 * atomic operation moved `next` past it. Under static nothing is shared: `hand->turn` counts.
 */
#ifndef POOLMARK_SCHED_CLAIM_H
#define POOLMARK_SCHED_CLAIM_H

#include "sched/sched.h"

#include <stdalign.h>
#include <stdatomic.h>

enum { CLAIM_LINE = 128 }; /* two cache lines: neighbours are fetched in pairs */

struct claim {
    struct sched sched;                        /* read-only once the workers start */
    alignas(CLAIM_LINE) _Atomic uint64_t next; /* first index not yet handed out */
    char keep_line[CLAIM_LINE - sizeof(uint64_t)];
};

struct claim_hand {
    uint64_t turn;
};

static inline void claim_init(struct claim *claim, const struct sched *sched)
{
    claim->sched = *sched;
    atomic_store_explicit(&claim->next, 0, memory_order_release);
}

/* Takes the next chunk for `worker`; false when there is none left. Wait-free for dynamic and pool,
 * lock-free for guided. Relaxed order is enough: chunks carry no data, and whoever reads the
 * results synchronises at the end of the map. */
static inline bool claim_next(struct claim *claim, struct claim_hand *hand, uint32_t worker,
                              uint64_t *first, uint64_t *count)
{
    const struct sched *s = &claim->sched;
    switch (s->kind) {
    case SCHED_STATIC:
        return sched_static_chunk(s, worker, hand->turn++, first, count);
    case SCHED_DYNAMIC:
    case SCHED_POOL: {
        /* Each worker overshoots n once, by one chunk of at most n (sched_resolve clamps it): with
         * n <= 2^40 and P <= 4096 the counter stays below 2^53. */
        uint64_t at = atomic_fetch_add_explicit(&claim->next, s->chunk, memory_order_relaxed);
        if (at >= s->n)
            return false;
        *first = at;
        *count = s->n - at < s->chunk ? s->n - at : s->chunk;
        return true;
    }
    case SCHED_GUIDED: {
        uint64_t at = atomic_load_explicit(&claim->next, memory_order_relaxed);
        uint64_t size;
        do {
            if (at >= s->n)
                return false;
            size = sched_size(s, s->n - at);
        } while (!atomic_compare_exchange_weak_explicit(
            &claim->next, &at, at + size, memory_order_relaxed, memory_order_relaxed));
        *first = at;
        *count = size;
        return true;
    }
    }
    return false;
}

#endif
