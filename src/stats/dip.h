/* The dip: how far a sample is from having one mode. */
#ifndef POOLMARK_STATS_DIP_H
#define POOLMARK_STATS_DIP_H

#include <stddef.h>

/* The largest distance between the empirical distribution of sorted[n] and the distribution with
 * one mode that is closest to it (Hartigan & Hartigan, Ann. Statist. 13 (1985) 70-84). The values
 * differ from each other and are finite; n >= 1. From 1/(2n), which a single mode has, to 1/4. */
double dip_of(const double *sorted, size_t n);

/* The probability that n values of a uniform distribution, whose dip is the largest among all with
 * one mode, have at least this dip. n >= DIP_LEAST. */
enum { DIP_LEAST = 10 };
double dip_p_value(double dip, size_t n);

#endif
