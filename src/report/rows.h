/* Rows of whole numbers out of a CSV file that may be large: read as a stream, a row at a time. */
#ifndef POOLMARK_REPORT_ROWS_H
#define POOLMARK_REPORT_ROWS_H

#include "base/err.h"

#include <stdint.h>
#include <stdio.h>

enum { ROWS_MOST_COLUMNS = 16 };

struct rows {
    FILE *file;
    const char *path;
    char *line;
    size_t capacity, number; /* of the line, from 1 */
    int n_wanted, width;     /* columns asked for; up to the last of them in the file */
    int wanted[64];          /* by place in the file: which column asked for, -1: none */
    const char *names[ROWS_MOST_COLUMNS];
};

/* Opens the file and finds the columns names[n] in its header. Returns 0; 1 when there is no such
 * file; -1 when it cannot be read or lacks a column. `path` must outlive the rows. */
int rows_open(struct rows *rows, const char *path, const char *const *names, int n,
              struct err *err);

/* Reads the next row's cells into values[n], in the order of the names. Returns 1, 0 at the end, or
 * -1 for a cell that is no whole number. A last line without its end, as a kill leaves it, is the
 * end. */
int rows_next(struct rows *rows, uint64_t *values, struct err *err);

void rows_close(struct rows *rows);

#endif
