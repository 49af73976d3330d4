/* Busy time a worker, from workers.csv, for the figure of that name: how evenly the work fell, a
 * row a point. */
#ifndef POOLMARK_REPORT_BUSY_H
#define POOLMARK_REPORT_BUSY_H

#include "report/pages.h"

/* Whether the experiment has several schedules or dispatches to be compared. */
bool busy_compares(const struct summary *summary, const char *experiment);

/* Makes the pages and writes their files, for experiments that compare, and of their points
 * those with most workers:
 *
 *   NAME.csv       row panel title backend workers samples mean_s most_s span_s
 *   NAME-bars.csv  row position busy_s claim_s span_s
 *
 * In each sample workers stand in the order of their busy time, the busiest first: who it is
 * differs from sample to sample and does not matter. Where the rule deals tasks out by number
 * (static, wf) it does, and they stand in that order. A position's times are medians over the
 * samples; span_s runs from the common start to the last worker's end; what of it is neither busy
 * nor claim is idle. Panels are backends; rows of a panel follow each other. workers.csv is read
 * once, as a stream. Without one there are no pages. To be released with pages_release, on failure
 * too. */
int busy_make(struct pages *pages, const struct summary *summary, const char *folder,
              struct err *err);

#endif
