/* The fields of a row of summary.csv, after those of the point (record/fields.h). One row a point.
 * Times here are in seconds, for people and plots; an unknown value is an empty cell. */
#ifndef POOLMARK_REPORT_SUMMARY_FIELDS_H
#define POOLMARK_REPORT_SUMMARY_FIELDS_H

#define SUMMARY_FIELDS(F)                                                                          \
    F(count, nodes, "", "machines that took part")                                                 \
    F(count, n, "", "samples that count: right answers")                                           \
    F(count, failed, "", "samples that failed or were wrong")                                      \
    F(count, launches, "", "fresh starts that they come from")                                     \
    F(real, median_s, "s", "median time; with fresh, of open + map + close")                       \
    F(real, ci_low_s, "s", "lower end of the 95 % interval of the median")                         \
    F(real, ci_high_s, "s", "upper end of the 95 % interval of the median")                        \
    F(real, mean_s, "s", "arithmetic mean")                                                        \
    F(real, mad_s, "s", "median absolute deviation from the median")                               \
    F(real, min_s, "s", "shortest")                                                                \
    F(real, max_s, "s", "longest")                                                                 \
    F(real, p5_s, "s", "5th percentile; empty below 20 samples")                                   \
    F(real, p25_s, "s", "25th percentile; empty below 4")                                          \
    F(real, p75_s, "s", "75th percentile; empty below 4")                                          \
    F(real, p95_s, "s", "95th percentile; empty below 20")                                         \
    F(real, p99_s, "s", "99th percentile; empty below 100")                                        \
    F(text, method, "",                                                                            \
      "of the interval of the median: ranks, launches or bootstrap; empty: none")                  \
    F(real, p_launches, "", "p of a test that launches are alike; small: they differ")             \
    F(real, p_drift, "", "p of a test that times have no trend; small: they drift")                \
    F(real, p_modes, "", "p of a test that times have one mode; small: there are several")         \
    F(real, speedup, "", "median of base time / time, paired by pass")                             \
    F(real, speedup_low, "", "lower end of the 95 % interval of that ratio")                       \
    F(real, speedup_high, "", "upper end of the 95 % interval of that ratio")                      \
    F(real, efficiency, "", "speedup / workers")                                                   \
    F(real, karp_flatt, "", "serial fraction by Karp and Flatt, (1/S - 1/P) / (1 - 1/P)")          \
    F(real, serial_fraction, "",                                                                   \
      "Amdahl's serial fraction fitted over the worker counts of a series")                        \
    F(text, base, "", "what the speedup is relative to")                                           \
    F(real, base_s, "s", "median time of the base")                                                \
    F(real, bound, "", "largest speedup that the chunks, the workers and the usable CPUs allow")   \
    F(real, bound_s, "s", "shortest time allowed: by theory for sleepers, else base time / bound") \
    F(real, ns_per_task, "ns", "median time x workers that can run at once / tasks")               \
    F(real, chunks, "", "median number of chunks that were run")                                   \
    F(real, busy_s, "s", "median time running tasks, of all workers")                              \
    F(real, claim_s, "s",                                                                          \
      "median time getting chunks, of all workers; empty where the OpenMP runtime does it unseen") \
    F(real, idle_s, "s", "median time doing neither within the span, of all workers")              \
    F(real, imbalance, "", "median of busy time of the busiest worker / mean busy time - 1")       \
    F(real, open_s, "s", "median time of making the workers")                                      \
    F(count, verified, "", "1 when every sample was right")                                        \
    F(count, usable, "", "CPUs usable on this machine")                                            \
    F(count, set_aside, "", "samples that were disturbed and taken again, and do not count")       \
    F(count, disturbed, "", "samples that count and were disturbed all the same")                  \
    F(count, stacked, "",                                                                          \
      "samples that count in which floating workers shared a PU although there was one for each")  \
    F(text, flags, "",                                                                             \
      "oversubscribed, misplaced, failed, retaken, few, imprecise, disturbed, stacked, "           \
      "launches-differ, two-launches, drifting, several-modes; separated by spaces")

#endif
