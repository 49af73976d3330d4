/* Claim engine: see claim.h. */
#include "sched/claim.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

size_t claim_bytes(uint32_t workers)
{
    return sizeof(struct claim) + workers * sizeof(struct claim_seat);
}

static struct range *range_of(struct claim *claim, uint32_t worker)
{
    return &claim->seats[worker].is.range;
}

/* Gives each worker the block that `static` would give it. */
static void deal_ranges(struct claim *claim)
{
    const struct sched *s = &claim->sched;
    struct sched blocks = sched_resolve(SCHED_STATIC, s->n, s->workers, 0);
    uint64_t first, count;
    for (uint32_t w = 0; w < s->workers; w++)
        if (sched_static_chunk(&blocks, w, 0, &first, &count))
            range_open(range_of(claim, w), first, first + count);
}

void claim_init(struct claim *claim, const struct sched *sched)
{
    memset(claim, 0, claim_bytes(sched->workers));
    claim->sched = *sched;
    claim->origin_ns = clock_now_ns();
    if (sched->class == SCHED_RANGES)
        deal_ranges(claim);
    atomic_store_explicit(&claim->next, 0, memory_order_release);
}

int claim_view_open(struct claim_view *view, const struct sched *sched, struct err *err)
{
    if (sched->class == SCHED_SEQUENCE)
        return sched_table_fill(&view->table, sched, err);
    if (sched->class == SCHED_ADAPTIVE && view->capacity < sched->workers) {
        view->pasts = alloc_grown(view->pasts, sched->workers, sizeof *view->pasts);
        view->capacity = sched->workers;
    }
    return 0;
}

void claim_view_release(struct claim_view *view)
{
    sched_table_release(&view->table);
    free(view->pasts);
    *view = (struct claim_view){0};
}

/* --- RANGES ----------------------------------------------------------------------------------- */

/* Whether somebody else has tasks in a range, or is about to. */
static bool has_prey(struct claim *claim, uint32_t me)
{
    for (uint32_t w = 0; w < claim->sched.workers; w++) {
        const struct range *range = range_of(claim, w);
        if (w != me && (!range_looks_empty(range) ||
                        atomic_load_explicit(&range->loot_from, memory_order_relaxed)))
            return true;
    }
    return false;
}

/* Begins anywhere, so that thieves spread. */
static bool steal_once(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    struct claim *claim = hand->claim;
    const uint32_t me = hand->worker, workers = claim->sched.workers;
    const uint64_t chunk = claim->sched.chunk;
    struct range *own = range_of(claim, me);
    uint32_t start = (uint32_t)(rng_mix(((uint64_t)me << 32) ^ hand->turn++) % workers);
    bool has_stolen = false;
    range_lock(own, me);
    for (uint32_t k = 0; k < workers && !has_stolen; k++) {
        uint32_t v = (start + k) % workers;
        uint64_t mid, end;
        if (v == me || !range_cut(own, range_of(claim, v), me, v, chunk, &mid, &end))
            continue;
        *first = mid;
        *count = end - mid < chunk ? end - mid : chunk;
        range_keep(own, range_of(claim, v), mid + *count, end);
        has_stolen = true;
    }
    range_unlock(own);
    return has_stolen;
}

bool claim_steal(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    for (uint32_t round = 0; has_prey(hand->claim, hand->worker); round++) {
        if (steal_once(hand, first, count))
            return true;
        range_wait(round);
    }
    return false;
}

/* --- ADAPTIVE --------------------------------------------------------------------------------- */

/* `next`: the first task not handed out below, the number of chunks above; it stays at its largest
 * value, at which rules that count batches have long come down to their least chunk. */
enum { TASK_BITS = 41, MOST_COUNTED = (1 << (64 - TASK_BITS)) - 1 };

enum { PAST_WORDS = sizeof(struct sched_past) / sizeof(uint64_t) };

_Static_assert(sizeof(struct sched_past) % sizeof(uint64_t) == 0 && sizeof(double) == 8,
               "all members of a past are words");

/* Shows the hand's own past. The fence keeps what is written into a copy next behind the moment
 * when the other copy was shown. */
static void show_past(struct claim_hand *hand)
{
    struct claim_past *past = &hand->claim->seats[hand->worker].is.past;
    uint64_t words[PAST_WORDS];
    uint64_t next = atomic_load_explicit(&past->shown, memory_order_relaxed) + 1;
    memcpy(words, &hand->past, sizeof words);
    for (int i = 0; i < PAST_WORDS; i++)
        atomic_store_explicit(&past->words[next % 2][i], words[i], memory_order_relaxed);
    atomic_store_explicit(&past->shown, next, memory_order_release);
    atomic_thread_fence(memory_order_release);
}

/* Copies a past that is shown. Reads again only after its worker has got on. */
static void copy_past(struct sched_past *to, const struct claim_past *past)
{
    uint64_t shown, after = atomic_load_explicit(&past->shown, memory_order_acquire);
    do {
        shown = after;
        for (int i = 0; i < PAST_WORDS; i++) {
            uint64_t word = atomic_load_explicit(&past->words[shown % 2][i], memory_order_relaxed);
            memcpy((char *)to + sizeof word * (size_t)i, &word, sizeof word);
        }
        atomic_thread_fence(memory_order_acquire);
        after = atomic_load_explicit(&past->shown, memory_order_acquire);
    } while (after != shown);
}

bool claim_next_adaptive(struct claim_hand *hand, uint64_t *first, uint64_t *count)
{
    struct claim *claim = hand->claim;
    const struct sched *s = &claim->sched;
    struct sched_past *pasts = hand->view->pasts;
    const uint64_t tasks = ((uint64_t)1 << TASK_BITS) - 1;
    double now_ns = (double)(clock_now_ns() - claim->origin_ns);
    struct sched_own own;
    uint64_t size, then, now = atomic_load_explicit(&claim->next, memory_order_relaxed);
    if ((now & tasks) >= s->n)
        return false;
    for (uint32_t w = 0; w < s->workers; w++)
        copy_past(&pasts[w], &claim->seats[w].is.past);
    do {
        uint64_t at = now & tasks, i = now >> TASK_BITS;
        if (at >= s->n)
            return false;
        own = hand->own;
        size = sched_adaptive_size(s, hand->worker, hand->turn, i, s->n - at, pasts, &own, now_ns);
        then = (i < MOST_COUNTED ? i + 1 : i) << TASK_BITS | (at + size);
    } while (!atomic_compare_exchange_weak_explicit(&claim->next, &now, then, memory_order_relaxed,
                                                    memory_order_relaxed));
    *first = now & tasks;
    *count = size;
    hand->own = own;
    hand->turn++;
    hand->past.assigned += size;
    hand->past.asked_ns = now_ns;
    show_past(hand);
    return true;
}

/* The running mean and sum of squares of West (1979), weighted by tasks. */
void claim_parts_add(struct claim_parts *parts, uint64_t tasks, uint64_t run_ns)
{
    double task_ns = (double)run_ns / (double)tasks, off = task_ns - parts->mean_ns;
    parts->n++;
    parts->tasks += tasks;
    parts->mean_ns += off * (double)tasks / (double)parts->tasks;
    parts->m2 += (double)tasks * off * (task_ns - parts->mean_ns);
}

/* The means and sums of squares of two sets together are those of Chan, Golub, LeVeque (1979). */
void claim_report_parts(struct claim_hand *hand, const struct claim_parts *parts, uint64_t run_ns,
                        uint64_t claim_ns)
{
    struct sched_past *past = &hand->past;
    double before = (double)past->tasks, tasks = (double)parts->tasks;
    double off = parts->mean_ns - past->task_mean_ns;
    past->task_mean_ns += off * tasks / (before + tasks);
    past->task_m2 += parts->m2 + off * off * before * tasks / (before + tasks);
    past->parts += parts->n;

    double k = (double)++past->chunks;
    past->tasks += parts->tasks;
    past->busy_ns += (double)run_ns;
    past->total_ns += (double)(run_ns + claim_ns);
    past->weighted_tasks += k * tasks;
    past->weighted_ns += k * (double)run_ns;
    past->weighted_total_ns += k * (double)(run_ns + claim_ns);
    show_past(hand);
}

void claim_report(struct claim_hand *hand, uint64_t tasks, uint64_t run_ns, uint64_t claim_ns)
{
    struct claim_parts parts = {0};
    claim_parts_add(&parts, tasks, run_ns);
    claim_report_parts(hand, &parts, run_ns, claim_ns);
}
