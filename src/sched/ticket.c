#include "sched/ticket.h"

#include <stdlib.h>

/* tests/models/ticket.pml models this look, and what may happen meanwhile.
 *
 * What is not accounted is at most what fits in all ledgers and one more a worker, so a bit a block
 * is little. */
enum ticket_search ticket_missing(const struct ticket *ticket, const struct ledger *ledgers,
                                  size_t stride, uint32_t workers, const bool *skip, uint64_t given,
                                  uint64_t *block)
{
    uint64_t first = atomic_load_explicit(&ticket->accounted, memory_order_seq_cst);
    if (first >= given)
        return TICKET_NONE;
    bool *is_noted = calloc(given - first, sizeof *is_noted);
    if (!is_noted)
        return TICKET_UNCERTAIN;
    for (uint32_t w = 0; w < workers; w++) {
        const struct ledger *ledger = (const struct ledger *)((const char *)ledgers + w * stride);
        uint64_t count = skip[w] ? 0 : atomic_load_explicit(&ledger->count, memory_order_acquire);
        uint64_t i = count < TICKET_ENTRIES ? 0 : count - TICKET_ENTRIES;
        /* Who is in the window may have written its block over the oldest, and not counted it. */
        if (count >= TICKET_ENTRIES && ledger_is_in_window(ledger))
            i++;
        for (; i < count; i++) {
            uint64_t noted =
                atomic_load_explicit(&ledger->blocks[i % TICKET_ENTRIES], memory_order_relaxed);
            if (noted >= first && noted < given)
                is_noted[noted - first] = true;
        }
    }
    atomic_thread_fence(memory_order_acquire);
    /* What was accounted meanwhile may have been dropped before it was looked at. */
    uint64_t now = atomic_load_explicit(&ticket->accounted, memory_order_seq_cst);
    uint64_t at = now < given ? now - first : given - first;
    while (at < given - first && is_noted[at])
        at++;
    free(is_noted);
    *block = first + at;
    return at < given - first ? TICKET_FOUND : TICKET_NONE;
}
