/* The fields of a row of a comparison, after those of the point (record/fields.h), which are A's;
 * of a point that only B has, B's. One row a point. An unknown value is an empty cell. */
#ifndef POOLMARK_REPORT_COMPARE_FIELDS_H
#define POOLMARK_REPORT_COMPARE_FIELDS_H

#define COMPARE_FIELDS(F)                                                                          \
    F(text, other, "", "fields in which the point of B differs, with B's values")                  \
    F(text, verdict, "",                                                                           \
      "of B: faster, slower, no difference shown, faster in one launch, slower in one launch, "    \
      "too few samples, no ratio, not measured, only in A, only in B")                             \
    F(real, ratio, "", "time of B / time of A: the median of paired ratios, or of the medians")    \
    F(real, ratio_low, "", "lower end of its interval, corrected for the number of points")        \
    F(real, ratio_high, "", "upper end of that interval")                                          \
    F(real, confidence, "", "of this interval; all of them hold together with 0.95")               \
    F(real, a_s, "s", "median time of A")                                                          \
    F(real, b_s, "s", "median time of B")                                                          \
    F(count, n_a, "", "samples of A that count")                                                   \
    F(count, n_b, "", "samples of B that count")                                                   \
    F(count, pairs, "", "samples taken side by side; 0: the point is not paired")                  \
    F(count, launches, "",                                                                         \
      "launches of the side that has fewer; 1: the interval tells nothing of others")              \
    F(text, method, "", "of the interval: ranks, launches or bootstrap; empty: none")              \
    F(count, have, "", "observations that the interval rests on, of the side that has fewer")      \
    F(count, needed, "", "so many of them are needed for this confidence")                         \
    F(text, unit, "", "what is counted there: pairs, samples or launches")                         \
    F(real, chain_ratio, "",                                                                       \
      "register chain of B / of A beside the samples: the clock; empty "                           \
      "where they were timed differently")                                                         \
    F(text, flags, "", "clock, disturbed, failed; separated by spaces")

#endif
