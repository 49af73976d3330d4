/* What was taken side by side: the samples of two points at the same places of a run. */
#ifndef POOLMARK_REPORT_PAIRING_H
#define POOLMARK_REPORT_PAIRING_H

#include "report/summary.h"

/* Begin with {a, b}. */
struct pairing {
    const struct summary_point *a, *b;
    size_t next_a, next_b;
};

struct pair {
    const struct observation *a, *b;
};

/* The next pair, in the order of places; false: there is none any more. */
bool pairing_next(struct pairing *pairing, struct pair *pair);

/* The sample of the point that was taken side by side with this one; NULL: none. */
const struct observation *pairing_find(const struct summary_point *p,
                                       const struct observation *sample);

#endif
