/* Claim engine: see claim.h. */
#include "sched/claim.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

size_t claim_bytes(uint32_t workers)
{
    return sizeof(struct claim) + workers * sizeof(struct claim_seat);
}

void claim_init(struct claim *claim, const struct sched *sched)
{
    memset(claim, 0, claim_bytes(sched->workers));
    claim->sched = *sched;
    atomic_store_explicit(&claim->i, 0, memory_order_relaxed);
    atomic_store_explicit(&claim->next, 0, memory_order_release);
}

int claim_view_open(struct claim_view *view, const struct sched *sched, struct err *err)
{
    return sched->class == SCHED_SEQUENCE ? sched_table_fill(&view->table, sched, err) : 0;
}

void claim_view_release(struct claim_view *view)
{
    sched_table_release(&view->table);
    free(view->pasts);
    *view = (struct claim_view){0};
}

bool claim_next_adaptive(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    (void)hand, (void)first, (void)count;
    return false;
}

bool claim_next_range(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    (void)hand, (void)first, (void)count;
    return false;
}

void claim_report(struct claim_hand *hand, uint64_t tasks, uint64_t run_ns, uint64_t claim_ns)
{
    (void)hand, (void)tasks, (void)run_ns, (void)claim_ns;
}
