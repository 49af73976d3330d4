/* The common start of a map: all workers begin at one moment of the root's clock, so that what is
 * timed does not begin before the last worker could have heard of it.
 *
 * The order to go names a moment that is a window away: twice the time that earlier maps of this
 * team took from the order to the last worker's arrival at the line. Who comes late starts at once,
 * which shows in the spread of the starts; one such map lets the window grow by no more than
 * double, since a worker that lost its CPU for a while says little about the next map.
 *
 * The wait is a nap and then a spin. During the nap another worker that has found itself on the
 * same CPU comes to the line too, and who wakes up gets a CPU that is idle, if there is one. Where
 * workers are more than CPUs they yield to each other; elsewhere nobody does, since on a machine
 * where others compute too that costs a time slice. */
#include "cell/ranks_own.h"

#include "base/clock.h"

#include <sched.h>

enum {
    FIRST_NS = 500000,       /* the window of the first map */
    LEAST_NS = 100000,       /* of every window: there is a nap in it; */
    LEAST_OF_ONE_NS = 30000, /* but not in that of one rank, whose threads are at the line */
    MOST_NS = 2000000,       /* and the longest */
    FORGET_SHARE = 8,        /* the window shrinks by this part of what was too much */
    WAKE_NS = 40000,         /* a nap ends this long before the start, */
    SPIN_NS = 3000,          /* and yielding this long */
};

/* On the root's clock, just before the order is sent. */
void ranks_set_start(struct team *team)
{
    uint64_t least = team->n_ranks > 1 ? LEAST_NS : LEAST_OF_ONE_NS;
    uint64_t window = team->way_ns == 0 ? FIRST_NS : 2 * team->way_ns;
    window = window < least ? least : window > MOST_NS ? MOST_NS : window;
    team->ordered_ns = clock_now_ns();
    team->start_ns = team->ordered_ns + (team->workers > 1 ? window : 0);
}

void ranks_wait_start(struct team *team, struct worker *me)
{
    uint64_t start = ranks_clock_from_root_ns(&team->clock, team->start_ns), now = clock_now_ns();
    me->arrived_ns = now;
    if ((int64_t)(start - now) > WAKE_NS + WAKE_NS / 2) {
        struct wait wait = wait_begin(team, &wait_at_line);
        wait_nap(&wait, start - now - WAKE_NS);
        wait_end(&wait);
    }
    while ((int64_t)(start - (now = clock_now_ns())) > 0)
        if (team->crowded && start - now > SPIN_NS)
            sched_yield();
    whereabouts_note(&me->at, 0, 0);
    atomic_store_explicit(&me->at.since_ns, now, memory_order_relaxed);
}

void ranks_learn_way(struct team *team, uint64_t last_arrival_ns)
{
    uint64_t way = last_arrival_ns - team->ordered_ns;
    if ((int64_t)way < 1)
        way = 1;
    if (team->way_ns == 0)
        team->way_ns = way;
    else if (way > team->way_ns)
        team->way_ns = way < 2 * team->way_ns ? way : 2 * team->way_ns;
    else
        team->way_ns -= (team->way_ns - way) / FORGET_SHARE;
}
