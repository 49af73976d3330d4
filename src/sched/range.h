/* Range stealing: each worker has a range of items of its own in memory that processes share. It
 * takes chunks from the front, thieves take half of what is left from the back, and a worker that
 * dies at any instant leaves every item in exactly one place.
 *
 *     taken  written by the owner: all before it was taken to be run
 *     back   written by whoever holds `lock`: the range is [taken, back)
 *     lock   1 + who may move `back`, 0 when free
 *     loot_from, loot_mid, loot_end   of a thief: the steal that it is at (1 + victim, or 0)
 *
 * Owner and thief agree as in Cilk-5 (Frigo, Leiserson, Randall 1998, "THE"): each writes its own
 * end, then reads the other's, in one total order, so that when both want the same chunk at least
 * one sees it and settles under the lock. The owner pays one fence a chunk and no lock.
 *
 *   - owner (range_take): taken = want; where back >= want it has the chunk; else, under its own
 *     lock, it has what is there
 *   - thief (range_cut), under the victim's lock: notes its loot; back = mid; where taken > mid
 *     it puts back as it was, and has nothing
 *   - thief (range_keep): makes the loot its own range; forgets the loot, which is the moment when
 *     it changes hands; unlocks
 *
 * A thief holds its own lock while it steals (its range is empty, so that nobody misses it), and
 * only tries for a victim's, so that nobody waits in a circle.
 *
 * A dead thief (range_undo, by whoever has reaped it): where loot_from is still set the steal has
 * not taken place: back of the victim becomes what it was. An owner that had found its range empty
 * meanwhile has not left: to be sure of that it must have its own lock, which the dead still held.
 *
 * Invariants (checked by tests/models/range.pml): at any time at which no lock is held each item
 * is in one range or was taken once; `back` moves only under `lock`; a range grows only while it is
 * empty or when a steal is undone.
 *
 * Plain data without pointers. Anywhere.
 */
#ifndef POOLMARK_SCHED_RANGE_H
#define POOLMARK_SCHED_RANGE_H

#include "sched/point.h"

#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { RANGE_LINE = 128 };

struct range {
    /* the owner's */
    alignas(RANGE_LINE) _Atomic uint64_t taken;
    _Atomic uint64_t loot_mid, loot_end;
    _Atomic uint32_t loot_from;

    /* the lock holder's */
    alignas(RANGE_LINE) _Atomic uint64_t back;
    _Atomic uint32_t lock;
};

static inline bool range_try_lock(struct range *range, uint32_t worker)
{
    uint32_t free = 0;
    return atomic_load_explicit(&range->lock, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong_explicit(&range->lock, &free, worker + 1,
                                                   memory_order_seq_cst, memory_order_relaxed);
}

static inline void range_unlock(struct range *range)
{
    atomic_store_explicit(&range->lock, 0, memory_order_release);
}

/* One round of waiting for another worker that is at some instructions: it may have been preempted,
 * so gives the CPU away; then stopped or killed, so naps until it is ended and its work undone. */
static inline void range_wait(uint32_t round)
{
    if (round < 200) {
        sched_yield();
    } else {
        struct timespec nap = {0, 200000};
        nanosleep(&nap, NULL);
    }
}

/* Waits for the lock: held for some instructions, unless its holder was preempted (so yield),
 * stopped or killed (so sleep, until it is ended and undone). */
static inline void range_lock(struct range *range, uint32_t worker)
{
    for (uint32_t round = 0; !range_try_lock(range, worker); round++)
        range_wait(round);
}

/* Whether the range looks empty. May be wrong in both directions while others are at it. */
static inline bool range_looks_empty(const struct range *range)
{
    return atomic_load_explicit(&range->taken, memory_order_seq_cst) >=
           atomic_load_explicit(&range->back, memory_order_seq_cst);
}

/* Makes [first, end) the range. Owner or undoer, with the lock held; the range was empty, or its
 * items are accounted for. */
static inline void range_open(struct range *range, uint64_t first, uint64_t end)
{
    atomic_store_explicit(&range->taken, first, memory_order_relaxed);
    atomic_store_explicit(&range->back, end, memory_order_release);
}

/* Takes the next chunk. False when the range is empty, which then is certain. Owner. */
static inline bool range_take(struct range *range, uint32_t worker, uint64_t chunk, uint64_t *first,
                              uint64_t *end)
{
    uint64_t at = atomic_load_explicit(&range->taken, memory_order_relaxed);
    uint64_t back = atomic_load_explicit(&range->back, memory_order_acquire);
    *first = at;
    POINT("range: owner has looked");
    if (at < back) {
        uint64_t want = back - at < chunk ? back : at + chunk;
        atomic_store_explicit(&range->taken, want, memory_order_release);
        POINT("range: taken, not checked");
        *end = want;
        atomic_thread_fence(memory_order_seq_cst); /* pairs with the thief's in range_cut */
        if (atomic_load_explicit(&range->back, memory_order_acquire) >= want)
            return true;
    }
    range_lock(range, worker);
    POINT("range: owner has its lock");
    back = atomic_load_explicit(&range->back, memory_order_acquire);
    *end = at >= back ? at : back - at < chunk ? back : at + chunk;
    atomic_store_explicit(&range->taken, *end, memory_order_release);
    range_unlock(range);
    return *end > at;
}

/* Cuts half of the victim's chunks off its back: [*mid, *end). True: the loot is noted and the
 * victim still locked; range_keep or range_drop must follow. The thief holds its own lock and its
 * range is empty.
 */
static inline bool range_cut(struct range *own, struct range *victim, uint32_t thief,
                             uint32_t victim_number, uint64_t chunk, uint64_t *mid, uint64_t *end)
{
    if (range_looks_empty(victim) || !range_try_lock(victim, thief))
        return false;
    POINT("range: victim locked");
    uint64_t back = atomic_load_explicit(&victim->back, memory_order_relaxed);
    uint64_t at = atomic_load_explicit(&victim->taken, memory_order_relaxed);
    if (at < back) {
        uint64_t chunks = (back - at + chunk - 1) / chunk;
        *mid = at + chunks / 2 * chunk;
        *end = back;
        atomic_store_explicit(&own->loot_mid, *mid, memory_order_relaxed);
        atomic_store_explicit(&own->loot_end, *end, memory_order_relaxed);
        atomic_store_explicit(&own->loot_from, victim_number + 1, memory_order_release);
        POINT("range: loot noted");
        atomic_store_explicit(&victim->back, *mid, memory_order_release);
        POINT("range: back cut");
        atomic_thread_fence(memory_order_seq_cst); /* pairs with the owner's in range_take */
        if (atomic_load_explicit(&victim->taken, memory_order_acquire) <= *mid)
            return true;
        atomic_store_explicit(&victim->back, back, memory_order_release);
        POINT("range: back restored");
        atomic_store_explicit(&own->loot_from, 0, memory_order_release);
    }
    range_unlock(victim);
    return false;
}

/* Puts back what range_cut has cut, where it turns out not to be for the thief. */
static inline void range_drop(struct range *own, struct range *victim, uint64_t end)
{
    atomic_store_explicit(&victim->back, end, memory_order_release);
    atomic_store_explicit(&own->loot_from, 0, memory_order_release);
    range_unlock(victim);
}

/* Makes [first, end) of what range_cut has cut the thief's own range; what is before it the thief
 * has in hand. */
static inline void range_keep(struct range *own, struct range *victim, uint64_t first, uint64_t end)
{
    range_open(own, first, end);
    POINT("range: loot opened");
    atomic_store_explicit(&own->loot_from, 0, memory_order_release);
    POINT("range: loot kept");
    range_unlock(victim);
}

/* Takes the lock of a dead worker's own range over from it, or takes it as usual; false where
 * somebody else has it. Never free in between: thieves must not find a range that the dead was
 * about to open. */
static inline bool range_inherit_lock(struct range *range, uint32_t dead, uint32_t heir)
{
    uint32_t holder = dead + 1;
    return atomic_compare_exchange_strong_explicit(&range->lock, &holder, heir + 1,
                                                   memory_order_seq_cst, memory_order_relaxed) ||
           range_try_lock(range, heir);
}

/* After a worker's death: undoes the steal that it was at and frees the locks that it held, but for
 * that of its own range (range_inherit_lock). By the one who has reaped it; ranges[w] is `stride`
 * bytes after ranges[w-1], `dead` is the dead's number. Returns whether a steal was undone (the
 * dead's own range is then empty). */
static inline bool range_undo(struct range *ranges, size_t stride, uint32_t workers, uint32_t dead)
{
    struct range *own = (struct range *)((char *)ranges + stride * dead);
    uint32_t from = atomic_load_explicit(&own->loot_from, memory_order_acquire);
    if (from) {
        struct range *victim = (struct range *)((char *)ranges + stride * (from - 1));
        uint64_t end = atomic_load_explicit(&own->loot_end, memory_order_relaxed);
        atomic_store_explicit(&victim->back, end, memory_order_seq_cst);
        range_open(own, 0, 0);
        atomic_store_explicit(&own->loot_from, 0, memory_order_release);
    }
    for (uint32_t w = 0; w < workers; w++) {
        struct range *range = (struct range *)((char *)ranges + stride * w);
        uint32_t holder = dead + 1;
        if (w == dead)
            continue;
        atomic_compare_exchange_strong_explicit(&range->lock, &holder, 0, memory_order_seq_cst,
                                                memory_order_relaxed);
    }
    return from != 0;
}

#endif
