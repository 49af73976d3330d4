/* Pages of figures that are drawn from data of single samples: which points share a page, and the
 * two files a page is drawn from.
 *
 * An experiment of many points is one page a backend; what has no room on a page is left out, and
 * the caption says how much. A page NAME is drawn from FOLDER/plots/NAME.csv, which has text, and
 * FOLDER/plots/NAME-bars.csv, which has numbers alone, many of them, in blocks parted by blank
 * lines: gnuplot's own reader takes them.
 */
#ifndef POOLMARK_REPORT_PAGES_H
#define POOLMARK_REPORT_PAGES_H

#include "report/factors.h"

#include <stdio.h>

enum { PAGE_NAME_BYTES = 640 };

struct page {
    char name[PAGE_NAME_BYTES];          /* of its files, without their ends */
    const char *experiment;              /* the summary's */
    char note[512];                      /* what the caption must say: "; …; …", or "" */
    unsigned title;                      /* factors that tell its points apart */
    const struct summary_point **points; /* in the order of the plan */
    size_t n;
    const struct summary_point **left_out;
    size_t n_left_out, left_out_capacity;
};

struct pages {
    struct page *pages;
    size_t n, capacity;
};

/* Adds the pages of an experiment, with at most `most` points each, of those points that `wants`
 * takes. Of too many, those with most workers stay. `kind` ends the names: "EXPERIMENT-kind", or
 * "EXPERIMENT-kind-BACKEND" where an experiment has several. */
void pages_add(struct pages *pages, const struct summary *summary, const char *experiment,
               const char *kind, size_t most, bool (*wants)(const struct summary_point *p));
void pages_release(struct pages *pages);

void page_release(struct page *page);

/* Notes that a point of the experiment has no room on the page. */
void page_leave_out(struct page *page, const struct summary_point *point);

/* Adds a clause to the note; says how many points were left out, if any were, and which: by their
 * numbers of workers where these vary, else by their names. */
void page_note(struct page *page, const char *clause);
void page_note_left_out(struct page *page);

/* The two files of a page, open for writing. */
struct page_files {
    FILE *table, *bars;
    char table_path[4800], bars_path[4800];
};

int page_files_open(struct page_files *files, const char *folder, const struct page *page,
                    struct err *err);
int page_files_close(struct page_files *files, struct err *err);

/* Writes a text as a CSV cell. */
void page_write_cell(FILE *to, const char *text);

#endif
