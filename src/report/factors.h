/* Factors: which of them vary among the points of an experiment, and the names that points have by
 * them. */
#ifndef POOLMARK_REPORT_FACTORS_H
#define POOLMARK_REPORT_FACTORS_H

#include "report/summary.h"

/* Bits. The chunk size of a rule that chooses its own is one level, whatever it comes to. */
enum factor {
    FACTOR_WORKLOAD = 1,
    FACTOR_TASKS = 2,
    FACTOR_SCALE = 4,
    FACTOR_BACKEND = 8,
    FACTOR_SCHEDULE = 16,
    FACTOR_DISPATCH = 32, /* of one schedule of one backend; else it differs by nature */
    FACTOR_CHUNK = 64,
    FACTOR_WORKERS = 128,
    FACTOR_RANKS = 256, /* among points of one backend with equal workers */
    FACTOR_BIND = 512,
    FACTOR_FRESH = 1024,
};

enum { FACTORS_NAME_BYTES = 256 };

/* Those in which two points differ. */
unsigned factors_between(const struct point *a, const struct point *b);

/* Those that vary among any two of several points, which are put into another order. */
unsigned factors_among(const struct point **points, size_t n);

/* Whether it is a measured point of the experiment that is no base. */
bool factors_is_shown(const struct summary_point *p, const char *experiment);

/* Whether no point before points[i] is of its experiment. */
bool factors_begin_experiment(const struct summary *summary, size_t i);

/* Those that vary among the shown points of an experiment. */
unsigned factors_varying(const struct summary *summary, const char *experiment);

/* Writes the levels of the named factors, as "procpool, guided, chunk 8"; "" for none. Returns
 * name. */
char *factors_name(const struct point *p, unsigned factors, char name[FACTORS_NAME_BYTES]);

#endif
