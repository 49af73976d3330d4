/* Any CSV file of a run's folder as a stream of rows, cells by the names of their columns: for what
 * looks at a file without being bound to its fields. samples.csv has a stricter reader (journal.h).
 */
#ifndef POOLMARK_RECORD_CSV_H
#define POOLMARK_RECORD_CSV_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct csv {
    FILE *file;
    size_t line;  /* of the row, from 1; the header is line 1 */
    char *header; /* its cells, one after the other */
    size_t n_columns;
    char *row;       /* cut into cells as far as was asked for */
    size_t capacity; /* of row */
    char **cells;    /* [n_columns], of which n_cut are cut off already */
    size_t n_cut;
    char *rest; /* of the row that is not cut yet; NULL: nothing */
};

/* Opens the file and reads its header. */
int csv_open(struct csv *csv, const char *path, struct err *err);
void csv_close(struct csv *csv);

/* Position of a column, SIZE_MAX when the file has none of that name. */
size_t csv_column(const struct csv *csv, const char *name);

/* Goes to the next row; false at the end, and for a last line that is cut off. */
bool csv_next(struct csv *csv);

/* The row's cell, without its quotes, until csv_next; "" beyond its end. Cells are cut as far as
 * they are asked for: the first ones of long rows cost little. */
const char *csv_cell(struct csv *csv, size_t column);

#endif
