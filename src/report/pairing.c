/* Pairs of samples: see pairing.h. */
#include "report/pairing.h"

#include "record/place.h"

#include <stdlib.h>

bool pairing_next(struct pairing *p, struct pair *pair)
{
    while (p->next_a < p->a->n && p->next_b < p->b->n) {
        *pair = (struct pair){&p->a->observations[p->next_a], &p->b->observations[p->next_b]};
        int side = place_compare(PLACE_OF(pair->a), PLACE_OF(pair->b));
        p->next_a += side <= 0;
        p->next_b += side >= 0;
        if (side == 0)
            return true;
    }
    return false;
}

static int compare_places(const void *a, const void *b)
{
    const struct observation *x = a, *y = b;
    return place_compare(PLACE_OF(x), PLACE_OF(y));
}

const struct observation *pairing_find(const struct summary_point *p,
                                       const struct observation *sample)
{
    return p->n ? bsearch(sample, p->observations, p->n, sizeof *sample, compare_places) : NULL;
}
