/* The hierarchical bootstrap of a median. */
#ifndef POOLMARK_STATS_BOOTSTRAP_H
#define POOLMARK_STATS_BOOTSTRAP_H

#include "stats/samples.h"

/* The standard error of the median of all samples (`median`): as many launches as there are, drawn
 * with replacement, then as many repetitions of each as it has, again with replacement (Kalibera &
 * Jones, ISMM 2013). Relative (of the logarithm) where all samples are above 0. The same samples
 * always give the same error. */
double bootstrap_error(const struct samples *s, double median);

#endif
