/* Claims of the team of ranks that ask nobody: from memory that workers share, by a hand
 * (sched/claim.h), and the dispatch "static", whose chunks follow from the worker's number. */
#include "cell/ranks_own.h"

#include "base/clock.h"

/* --- chunks that are timed -------------------------------------------------------------------- */

uint64_t ranks_run_timed(struct team *team, struct worker *me, uint64_t first, uint64_t count,
                         struct tally *tally, uint64_t asked)
{
    struct timed_chunk chunk = {.first = first, .count = count};
    whereabouts_note(&me->at, first, count);
    worker_run_timed(&team->job.sched, team->job.work, me->number, &chunk, team->results.results,
                     tally, ranks_log_of(team, me));
    ranks_chunk_is_done(team, me, first, count);
    uint64_t claim_ns = meter_timed(&me->meter, asked, chunk.start_ns);
    me->past = (struct chunk_past){chunk.parts, chunk.end_ns - chunk.start_ns, claim_ns};
    return chunk.end_ns;
}

/* --- by a hand -------------------------------------------------------------------------------- */

int ranks_open_views(struct team *team, struct err *err)
{
    if (claim_view_open(&team->view, &team->job.sched, err) != 0)
        return -1;
    bool each = team->job.sched.class == SCHED_ADAPTIVE; /* they are written to */
    for (uint32_t t = 0; each && t < team->threads; t++)
        if (claim_view_open(&team->here[t].view, &team->job.sched, err) != 0)
            return -1;
    return 0;
}

static bool next_by_hand(struct team *team, struct worker *me, uint64_t *first, uint64_t *count)
{
    if (team->job.sched.class != SCHED_RANGES)
        return claim_next(&me->hand, first, count);
    if (claim_next_own(&me->hand, first, count))
        return true;
    meter_slow(&me->meter);
    return claim_steal(&me->hand, first, count);
}

/* ADAPTIVE: each chunk is reported. What the root does for others is no part of it. */
static uint64_t drain_reporting(struct team *team, struct worker *me, struct tally *tally)
{
    const bool looks = ranks_must_look(team);
    uint64_t first, count, asked = clock_now_ns();
    meter_start(&me->meter);
    for (;;) {
        if (looks)
            ranks_look_in_passing(team);
        if (!claim_next_adaptive(&me->hand, &first, &count))
            break;
        asked = ranks_run_timed(team, me, first, count, tally, asked);
        claim_report_parts(&me->hand, &me->past.parts, me->past.run_ns, me->past.claim_ns);
    }
    meter_timed(&me->meter, asked, clock_now_ns());
    return me->meter.claim_ns;
}

uint64_t ranks_drain_claim(struct team *team, struct worker *me, struct claim *claim,
                           struct tally *tally)
{
    const bool reports = team->job.sched.class == SCHED_ADAPTIVE;
    me->hand = claim_hand_of(claim, reports ? &me->view : &team->view, me->number);
    return reports ? drain_reporting(team, me, tally) : ranks_drain(team, me, tally, next_by_hand);
}

/* --- static ----------------------------------------------------------------------------------- */

static bool next_static(struct team *team, struct worker *me, uint64_t *first, uint64_t *count)
{
    return sched_static_chunk(&team->job.sched, me->number, me->turn++, first, count);
}

static uint64_t shift_static(struct team *team, struct worker *me, struct tally *tally)
{
    me->turn = 0;
    return ranks_drain(team, me, tally, next_static);
}

const struct dispatch ranks_static = {.name = "static", .shift = shift_static};
