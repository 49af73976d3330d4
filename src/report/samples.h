/* The samples of an experiment as dots of its figures: FOLDER/plots/EXPERIMENT-samples.csv.
 *
 * A row a dot, with numbers alone: gnuplot's own reader takes them.
 *
 *     point     row of the point in summary.csv, from 1
 *     time_s    its time
 *     speedup   the base's time in the same pass / its time; empty: there is none
 *     counts    1, or 0: it was set aside, since it was taken again
 *     spread    its place among the samples of its point in the order in which they were taken,
 *               from -0.5 to 0.5: drawn side by side in that order they show what drifts
 *     disturbed 1, or 0: it carries no flag of noise
 */
#ifndef POOLMARK_REPORT_SAMPLES_H
#define POOLMARK_REPORT_SAMPLES_H

#include "report/summary.h"

struct dots {
    size_t n, of; /* that were written; of so many samples */
    size_t n_aside;
    char path[4800];
};

/* Writes the file. Of points with more samples than have room the ones that are written lie evenly
 * among all of them by time, the shortest and the longest among them. */
int samples_write(const struct summary *summary, const char *experiment, const char *folder,
                  struct dots *dots, struct err *err);

#endif
