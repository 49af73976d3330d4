/* Where a sample stands in its run: one pass of a group in a launch. The order of places is that in
 * which they are measured; samples of one place were taken side by side.
 *
 * The base is in several groups, and has a sample in each. Any other point is in one, whose number
 * may be another after a resumption, when backends have come or gone: of such a point launch and
 * pass alone tell which of its samples it is. */
#ifndef POOLMARK_RECORD_PLACE_H
#define POOLMARK_RECORD_PLACE_H

#include <stdbool.h>
#include <stdint.h>

struct place {
    uint64_t launch, group, pass;
};

/* Of anything that has these members. */
#define PLACE_OF(x) ((struct place){(x)->launch, (x)->group, (x)->pass})

static inline int place_compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Below 0, 0 or above 0 as a comes before b, is the same, or comes after it. */
static inline int place_compare(struct place a, struct place b)
{
    int launch = place_compare_numbers(a.launch, b.launch);
    int group = place_compare_numbers(a.group, b.group);
    return launch ? launch : group ? group : place_compare_numbers(a.pass, b.pass);
}

/* The same for two samples of one point. */
static inline int place_compare_own(struct place a, struct place b, bool is_base)
{
    if (!is_base)
        a.group = b.group = 0;
    return place_compare(a, b);
}

#endif
