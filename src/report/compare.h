/* Two runs, or two parts of one, point by point: ratios with intervals that hold together.
 *
 * In one run samples of the same launch, group and pass were taken side by side: their ratios are
 * paired. Else the two sets of times are compared as they are (stats_ratio). With m points each
 * interval has confidence 1 - 0.05/m (Bonferroni), so all of them hold together with 95 %, and so
 * do the verdicts. Whether launches differ is asked of all points together: where they do, each
 * launch is one observation.
 */
#ifndef POOLMARK_REPORT_COMPARE_H
#define POOLMARK_REPORT_COMPARE_H

#include "report/compare_fields.h"
#include "report/differences.h"
#include "report/parts.h"

struct compare_row {
    COMPARE_FIELDS(RECORD_MEMBER)
};

extern const struct field compare_fields[]; /* ends with a NULL name */

enum verdict {
    VERDICT_SAME, /* no difference shown */
    VERDICT_FASTER,
    VERDICT_SLOWER,
    VERDICT_FEW,
    VERDICT_NO_RATIO, /* a time is 0 */
    VERDICT_NOT_MEASURED,
    VERDICT_COUNT
};

const char *verdict_name(enum verdict verdict);

struct compared {
    struct match match;
    enum verdict verdict;
    struct compare_row row;
};

struct comparison {
    const struct part *a, *b;
    struct part_totals total_a, total_b;
    struct matching matching; /* which experiments, and what only one of them has */
    struct compared *items;   /* [matching.n], as there */
    bool is_one_run;
    bool launches_differ; /* by more than their samples do, by a test of all points together */
    double confidence;    /* of each interval */
    size_t n_paired, n_tested;
    size_t n_verdicts[VERDICT_COUNT];
};

/* Matches and compares. `is_one_run` says that both parts are of one run, so that passes pair. The
 * parts must outlive the comparison; to be released. */
int comparison_make(struct comparison *c, const struct part *a, const struct part *b,
                    bool is_one_run, struct err *err);
void comparison_release(struct comparison *c);

/* Points whose whole interval lies above 1 + percent/100; the first of them in *worst. */
size_t comparison_exceeding(const struct comparison *c, double percent,
                            const struct compared **worst);

/* Writes what tells the point among those of its part, as "procpool, dynamic, 2 workers". */
char *comparison_name(const struct comparison *c, const struct compared *item,
                      char name[FIELD_TEXT_BYTES]);

/* The text for people, at most `columns` wide where names allow it; differences may be NULL. */
void comparison_write_text(const struct comparison *c, const struct differences *d, FILE *to,
                           int columns, bool color);
void comparison_write_csv(const struct comparison *c, FILE *to);
/* {"schema": 1, "a": {…}, "b": {…}, "differences": […], "points": […]} */
void comparison_write_json(const struct comparison *c, const struct differences *d, FILE *to);

#endif
