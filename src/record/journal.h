/* CSV files of records: written row by row so that a run killed at any moment loses at most the row
 * in flight, and read as a stream.
 *
 * Every row is one write(2) of a whole line to a file opened for appending. After a kill the last
 * line may be cut off; journal_mend removes it before more is appended, and the reader passes over
 * it.
 */
#ifndef POOLMARK_RECORD_JOURNAL_H
#define POOLMARK_RECORD_JOURNAL_H

#include "record/record.h"

#include <stdbool.h>

struct journal {
    int fd;
    char *path;
    struct text line; /* kept, so that a row needs no allocation */
};

#define JOURNAL_INIT                                                                               \
    {                                                                                              \
        -1, NULL, TEXT_INIT                                                                        \
    }

/* Creates `path` with a header of the fields of one or two tables (`more` may be NULL). If the file
 * is there already it must have that header, and rows are appended. */
int journal_open(struct journal *journal, const char *path, const struct field *fields,
                 const struct field *more, struct err *err);

/* Appends one row; `more_record` goes with `more` of journal_open's tables, both may be NULL. */
int journal_append(struct journal *journal, const struct field *fields, const void *record,
                   const struct field *more, const void *more_record, struct err *err);

/* The same for many rows at once: journal_put keeps a row of one table, journal_flush writes what
 * is kept, in one write(2) unless it is much. */
int journal_put(struct journal *journal, const struct field *fields, const void *record,
                struct err *err);
int journal_flush(struct journal *journal, struct err *err);

void journal_close(struct journal *journal);

/* Cuts off a last line without an end. *cut tells how many bytes went. A missing file is fine. */
int journal_mend(const char *path, size_t *cut, struct err *err);

/* Cuts off the rows at the end of the file whose first cell, a number, is `least` or above: looks
 * from the end on and stops at the first row below, which is right for rows in the order in which
 * they were written. In a file that was sorted or put together by others such rows may be left
 * before that one. A missing file is fine. */
int journal_cut(const char *path, uint64_t least, struct err *err);

/* Reads a samples.csv. Points are numbered in order of first appearance; on_point is called once
 * for each, then on_sample for every row with its point's number and line in the file. Either
 * returns 0 to go on, else the reading ends with -1 and the sentence that it set. A header that
 * lacks a column of the point or has a foreign one, a cell that is not of its type, a status that
 * is none, a number that no sample has, a row with too many or too few cells is an error with file
 * and line. Columns of the sample behind wall_ns may be absent, since older versions have fewer:
 * they read as 0, empty or NaN. A last line that is cut off is passed over and *cut_off set. */
struct journal_reader {
    int (*on_point)(void *user, size_t number, const struct point *point, struct err *err);
    int (*on_sample)(void *user, size_t point, const struct sample *sample, struct err *err);
    void *user;
};

int journal_read(const char *path, const struct journal_reader *reader, bool *cut_off,
                 struct err *err);

#endif
