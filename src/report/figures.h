/* Figures by gnuplot: which ones a summary calls for, and drawing them. */
#ifndef POOLMARK_REPORT_FIGURES_H
#define POOLMARK_REPORT_FIGURES_H

#include "report/summary.h"

struct figures {
    size_t n_drawn;
    bool no_gnuplot;   /* not installed: nothing was drawn */
    bool no_trace;     /* the run has no trace.csv, and so no timelines */
    FILE *list;        /* plots/figures.csv while they are drawn */
    char problem[512]; /* what gnuplot said when it failed; empty when all went well */
};

/* Draws into FOLDER/plots, from the files in FOLDER, as SVG and PNG:
 *
 *   speedup, efficiency, time   for every experiment with several worker counts
 *   chunks                      for those with several chunk sizes
 *   heat                        for those with both
 *   schedules                   for those with several schedules or dispatches
 *   timeline                    for all, when there is a trace.csv
 *   busy                        for the same as schedules, from workers.csv
 *   articles                    when there are claims
 *
 * plots/figures.csv lists what was drawn: figure (the name), axis (number or category), joined (1:
 * points are joined by lines), samples (shown as dots, or that its marks rest on; 0: none shown).
 */
int figures_draw(const struct summary *summary, const char *folder, bool has_articles,
                 struct figures *figures, struct err *err);

/* Prints the speedup curve of the experiment with most worker counts, drawn with characters.
 * Returns whether there is one. */
bool figures_print_curve(const struct summary *summary, const char *folder, int columns, int rows,
                         FILE *to);

#endif
