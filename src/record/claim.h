/* A claim of an article, written beside the experiment that tests it:
 *
 *     claim = S15 time 2.180s | S16 speedup 3.70 chunk=1
 *
 * that is: an identifier, a metric, the claimed value, and filters on the fields of a point that
 * pick the points it speaks of. A claim without a filter on the backend speaks of every parallel
 * backend; `backend=seq` of the sequential run. Claims of time are multiplied by the experiment's
 * scale.
 */
#ifndef POOLMARK_RECORD_CLAIM_H
#define POOLMARK_RECORD_CLAIM_H

#include "record/record.h"

enum claim_metric {
    CLAIM_TIME,    /* seconds of the whole list */
    CLAIM_SPEEDUP, /* against the sequential run */
    CLAIM_SUM,     /* the exact sum of the answers */
    CLAIM_CHUNKS,  /* chunks handed out */
    CLAIM_SHARE,   /* tasks of the worker that ran most */
};

enum { CLAIM_MOST_FILTERS = 4 };

struct claim {
    char id[32];
    enum claim_metric metric;
    double value;   /* seconds for CLAIM_TIME */
    uint64_t exact; /* CLAIM_SUM, CLAIM_CHUNKS, CLAIM_SHARE */
    struct {
        const struct field *field;
        char value[64];
    } filters[CLAIM_MOST_FILTERS];
    size_t n_filters;
};

const char *claim_metric_name(enum claim_metric metric);

/* Reads the claims of one experiment; *claims is to be freed with free(). Empty text: none. */
int claim_read(const char *text, struct claim **claims, size_t *n, struct err *err);

/* Whether the claim speaks of the point (which belongs to the claim's experiment). */
bool claim_speaks_of(const struct claim *claim, const struct point *point);

#endif
