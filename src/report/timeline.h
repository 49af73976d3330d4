/* Timelines: what each worker did when, from trace.csv, for the figure of that name. One sample a
 * point stands for all: the one whose time is the median. */
#ifndef POOLMARK_REPORT_TIMELINE_H
#define POOLMARK_REPORT_TIMELINE_H

#include "report/pages.h"

/* Makes the pages and writes their files:
 *
 *   NAME.csv       panel title backend workers chunks traced makespan_s first_s first_worker
 *                  merged_s
 *   NAME-bars.csv  panel worker start_s end_s kind
 *
 * makespan_s is the sample's span, and times run from its start; where that is not known, and where
 * the trace holds fewer chunks (traced) than were run, from the start of the first chunk. kind: 0
 * and 1 in turn, so that neighbours can be told apart, 2 for a bar that stands for several chunks,
 * drawn as one where they and the gaps between them are shorter than merged_s, 3 for the time of
 * which a full trace tells nothing. trace.csv is read once, as a stream; memory does not
 * grow with it. The folder FOLDER/plots must be there. Without a trace.csv there are no pages. To
 * be released with pages_release, on failure too. */
int timelines_make(struct pages *pages, const struct summary *summary, const char *folder,
                   struct err *err);

#endif
