/* The common start of a map: all workers begin at one moment of the root's clock, so that what is
 * timed does not begin before the last worker could have heard of it.
 *
 * The order to go names a moment that is a window away: long enough that all are at the line by
 * then, by what earlier maps of this team took from the order to the last worker's arrival. Who
 * comes late starts at once, which shows in the spread of the starts; the next window is longer. */
#include "cell/ranks_own.h"

#include "base/clock.h"

#include <sched.h>

enum {
    FIRST_NS = 1000000,         /* the window of the first map */
    LEAST_NS = 50000,           /* of every window, */
    CROWDED_LEAST_NS = 500000,  /* where workers are more than CPUs, */
    MOST_NS = 5000000,          /* and the longest */
    CROWDED_MOST_NS = 20000000, /* where workers take turns on a CPU */
    FORGET_SHARE = 16,          /* by this part the longest way is forgotten with each map */
    SPIN_NS = 3000,             /* before the start nobody gives the CPU away */
    WAKE_NS = 60000,            /* a nap ends this long before it */
};

/* On the root's clock, just before the order is sent. */
void ranks_set_start(struct team *team)
{
    uint64_t least = team->crowded ? CROWDED_LEAST_NS : LEAST_NS;
    uint64_t most = team->crowded ? CROWDED_MOST_NS : MOST_NS;
    uint64_t window = team->way_ns == 0 ? FIRST_NS : 2 * team->way_ns;
    window = window < least ? least : window > most ? most : window;
    team->ordered_ns = clock_now_ns();
    team->start_ns = team->ordered_ns + (team->workers > 1 ? window : 0);
}

void ranks_wait_start(struct team *team, struct worker *me)
{
    uint64_t start = ranks_clock_from_root_ns(&team->clock, team->start_ns), now = clock_now_ns();
    me->arrived_ns = now;
    if (team->crowded && (int64_t)(start - now) > 2 * WAKE_NS) {
        struct wait wait = wait_begin(team, &wait_at_line);
        wait_nap(&wait, start - now - WAKE_NS);
        wait_end(&wait);
    }
    while ((int64_t)(start - (now = clock_now_ns())) > 0)
        if (start - now > SPIN_NS)
            sched_yield(); /* another worker on this CPU may not have come yet */
    whereabouts_note(&me->at, 0, 0);
    atomic_store_explicit(&me->at.since_ns, now, memory_order_relaxed);
}

void ranks_learn_way(struct team *team, uint64_t last_arrival_ns)
{
    uint64_t way = last_arrival_ns - team->ordered_ns;
    if ((int64_t)way < 1)
        way = 1;
    uint64_t kept = team->way_ns - team->way_ns / FORGET_SHARE;
    team->way_ns = way > kept ? way : kept;
}
