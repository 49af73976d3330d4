/* What stands below tables: the meaning of the marks in their rows, and how many samples were
 * taken, failed and were disturbed. */
#ifndef POOLMARK_REPORT_NOTES_H
#define POOLMARK_REPORT_NOTES_H

#include "report/summary.h"

enum { NOTES_MARKS = 11 };

/* What the rows that were shown call for. Zeroed at first. */
struct notes {
    bool marks[NOTES_MARKS];
    uint64_t launches;    /* fewest of a row whose launches differ; 0: there is none */
    double coverage;      /* of its interval */
    uint64_t stacked, of; /* samples of the rows that have this flag */
};

/* Writes a mark for each flag that has one: at most NOTES_MARKS, and the end of the text. */
void notes_marks(const char *flags, char *marks);

void notes_add(struct notes *notes, const struct summary_row *row);

/* A line a mark, after an empty line; nothing where no row had one. */
void notes_write_legend(const struct notes *notes, FILE *to, int columns);

/* "samples: 300 taken, 12 disturbed (4.0 %): preempted 9 …", after an empty line. */
void notes_write_rates(const struct summary *summary, FILE *to, int columns);

#endif
