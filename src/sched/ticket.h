/* Ticket: hands out the blocks 0, 1, 2 … n-1 in order to whoever asks, through memory that
 * processes share, so that after the death of any of them, at any instant, it is known which block
 * it had been given last.
 *
 * Handing out is one fetch_add. That alone would lose a block: who dies between its fetch_add and
 * noting what it got leaves a block that nobody knows of. So each worker has a ledger, on lines of
 * its own, in which it notes what it is given:
 *
 *     begun = count + 1;  k = fetch_add(next);  blocks[count] = k;  count = begun
 *
 * and a worker is in the window while begun != count. What a worker that died in the window was
 * given is what is missing from all ledgers (ticket_missing): found once every other worker has
 * been seen out of the window, since then all that it was given before is in its ledger.
 *
 * Ledgers stay short by settling: who reads `next`, and then sees every other worker out of the
 * window once, knows that all blocks below are in some ledger. They are `accounted`, and nobody
 * will look for them: entries below may be dropped. A worker settles when its ledger is full, and
 * before it leaves (its ledger is dropped then).
 *
 * Invariants (checked by tests/models/ticket.pml):
 *   - Block k belongs to the one whose fetch_add returned k.
 *   - Each block in [accounted, next) is in the ledger of a worker, or one is in the window.
 *   - Claiming waits for nobody. Settling waits for those in the window: some instructions, unless
 *     they were preempted, stopped, or killed and not yet buried.
 *
 * Plain data without pointers. Anywhere.
 */
#ifndef POOLMARK_SCHED_TICKET_H
#define POOLMARK_SCHED_TICKET_H

#include "sched/point.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TICKET_LINE = 128,   /* two cache lines: neighbours are fetched in pairs */
    TICKET_ENTRIES = 64, /* of a ledger: a power of two */
    /* A stopped ticket counts those that still ask in its low bits; each asks once at most. */
    TICKET_LATE_BITS = 16,
    TICKET_MOST_WORKERS = 4096,
};

#define TICKET_STOPPED ((uint64_t)1 << 63)
#define TICKET_MOST_BLOCKS ((uint64_t)1 << 46)

struct ticket {
    /* Blocks handed out, and above n how many have asked in vain; or TICKET_STOPPED, with the
     * blocks handed out above the low TICKET_LATE_BITS. */
    alignas(TICKET_LINE) _Atomic uint64_t next;
    alignas(TICKET_LINE) _Atomic uint64_t accounted;
    uint64_t n;
};

/* A worker's. Written by it alone, and by who buries it. */
struct ledger {
    alignas(TICKET_LINE) _Atomic uint64_t begun;
    _Atomic uint64_t count; /* blocks given in all; entry i stands in blocks[i % TICKET_ENTRIES] */
    uint64_t oldest;        /* entries before it were dropped */
    _Atomic uint64_t blocks[TICKET_ENTRIES];
};

/* Sets the ticket up, before anybody asks. */
static inline void ticket_init(struct ticket *ticket, uint64_t n)
{
    ticket->n = n;
    atomic_store_explicit(&ticket->accounted, 0, memory_order_relaxed);
    atomic_store_explicit(&ticket->next, 0, memory_order_release);
}

/* Empties a ledger, before its worker asks a ticket. */
static inline void ledger_reset(struct ledger *ledger)
{
    atomic_store_explicit(&ledger->begun, 0, memory_order_relaxed);
    atomic_store_explicit(&ledger->count, 0, memory_order_relaxed);
    ledger->oldest = 0;
}

/* Blocks handed out, as a value of `next` says. */
static inline uint64_t ticket_decode(const struct ticket *ticket, uint64_t next)
{
    uint64_t given = next & TICKET_STOPPED ? (next & ~TICKET_STOPPED) >> TICKET_LATE_BITS : next;
    return given < ticket->n ? given : ticket->n;
}

static inline uint64_t ticket_given(const struct ticket *ticket)
{
    return ticket_decode(ticket, atomic_load_explicit(&ticket->next, memory_order_seq_cst));
}

/* Whether there is nothing more to hand out: all is given, or the ticket was stopped.
 * TICKET_STOPPED is above every n. */
static inline bool ticket_is_out(const struct ticket *ticket)
{
    return atomic_load_explicit(&ticket->next, memory_order_seq_cst) >= ticket->n;
}

/* Whether the ledger's worker may have been given a block that it has not noted. In this order:
 * when both are equal, all that it was given before the call is noted. */
static inline bool ledger_is_in_window(const struct ledger *ledger)
{
    uint64_t count = atomic_load_explicit(&ledger->count, memory_order_seq_cst);
    return atomic_load_explicit(&ledger->begun, memory_order_seq_cst) != count;
}

/* Blocks that were noted, since the reset. */
static inline uint64_t ledger_count(const struct ledger *ledger)
{
    return atomic_load_explicit(&ledger->count, memory_order_acquire);
}

/* The block that was noted last; there is one. */
static inline uint64_t ledger_last(const struct ledger *ledger)
{
    return atomic_load_explicit(&ledger->blocks[(ledger_count(ledger) - 1) % TICKET_ENTRIES],
                                memory_order_relaxed);
}

/* Whether the worker has to settle before it may ask. Drops entries that are accounted. */
static inline bool ledger_is_full(struct ledger *ledger, const struct ticket *ticket)
{
    uint64_t count = atomic_load_explicit(&ledger->count, memory_order_relaxed);
    if (count - ledger->oldest < TICKET_ENTRIES)
        return false;
    uint64_t accounted = atomic_load_explicit(&ticket->accounted, memory_order_acquire);
    while (ledger->oldest < count &&
           atomic_load_explicit(&ledger->blocks[ledger->oldest % TICKET_ENTRIES],
                                memory_order_relaxed) < accounted)
        ledger->oldest++;
    /* Who reads the slots that are now free reads `accounted` after them. */
    atomic_thread_fence(memory_order_release);
    return count - ledger->oldest == TICKET_ENTRIES;
}

/* Notes a block that the worker was given: by itself, or by who buries it. */
static inline void ledger_note(struct ledger *ledger, uint64_t block)
{
    uint64_t count = atomic_load_explicit(&ledger->count, memory_order_relaxed);
    atomic_store_explicit(&ledger->blocks[count % TICKET_ENTRIES], block, memory_order_relaxed);
    POINT("ticket: written, not counted");
    atomic_store_explicit(&ledger->count, count + 1, memory_order_release);
}

/* Gives the next block to the ledger's worker, whose ledger is not full; false when there is none.
 */
static inline bool ticket_next(struct ticket *ticket, struct ledger *ledger, uint64_t *block)
{
    uint64_t count = atomic_load_explicit(&ledger->count, memory_order_relaxed);
    POINT("ticket: about to claim");
    atomic_store_explicit(&ledger->begun, count + 1, memory_order_relaxed);
    /* Releases begun: who sees the new `next` sees this worker in the window, or its note. */
    *block = atomic_fetch_add_explicit(&ticket->next, 1, memory_order_acq_rel);
    POINT("ticket: claimed, not noted");
    if (*block >= ticket->n) {
        atomic_store_explicit(&ledger->begun, count, memory_order_release);
        return false;
    }
    ledger_note(ledger, *block);
    POINT("ticket: claimed and noted");
    return true;
}

/* Hands out nothing more from now on; blocks ticket_given() to n-1 are then given to nobody. */
static inline void ticket_stop(struct ticket *ticket)
{
    uint64_t next = atomic_load_explicit(&ticket->next, memory_order_acquire);
    do {
        if (next >= ticket->n)
            return;
    } while (!atomic_compare_exchange_weak_explicit(&ticket->next, &next,
                                                    TICKET_STOPPED | next << TICKET_LATE_BITS,
                                                    memory_order_acq_rel, memory_order_acquire));
}

/* Blocks below `given`, as ticket_given said before every other worker was seen out of the window,
 * are accounted. */
static inline void ticket_account(struct ticket *ticket, uint64_t given)
{
    uint64_t now = atomic_load_explicit(&ticket->accounted, memory_order_relaxed);
    while (now < given &&
           !atomic_compare_exchange_weak_explicit(&ticket->accounted, &now, given,
                                                  memory_order_acq_rel, memory_order_relaxed))
        ;
}

enum ticket_search { TICKET_FOUND, TICKET_NONE, TICKET_UNCERTAIN };

/* Finds the least block in [accounted, given) that is in none of the ledgers; uncertain without the
 * memory to find out. `given` was read after the deaths of all that are dead, and all that live
 * were seen out of the window after that. ledgers[w] is `stride` bytes after ledgers[w-1]; those
 * with skip[w] are left out; the others must be of this ticket still when this returns. Whose the
 * block was is not known: who notes it may have noted lower ones, or higher. */
enum ticket_search ticket_missing(const struct ticket *ticket, const struct ledger *ledgers,
                                  size_t stride, uint32_t workers, const bool *skip, uint64_t given,
                                  uint64_t *block);

#endif
