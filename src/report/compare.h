/* Two runs, or two parts of one, point by point: ratios with intervals that hold together.
 *
 * In one run samples of the same launch, group and pass were taken side by side: their ratios are
 * paired. Else the two sets of times are compared as they are (stats_ratio). With m points each
 * interval has confidence 1 - 0.05/m (Bonferroni), so all of them hold together with 95 %, and so
 * do the verdicts. Whether launches differ is asked of all points together: where they do, each
 * launch is one observation. One launch tells nothing of others: what it shows is told as of this
 * launch alone, and never counts as a regression.
 */
#ifndef POOLMARK_REPORT_COMPARE_H
#define POOLMARK_REPORT_COMPARE_H

#include "report/compare_fields.h"
#include "report/differences.h"
#include "report/parts.h"

/* A share of disturbed samples that is worth a sentence in a comparison of two runs. */
#define COMPARE_MUCH_DISTURBED 0.2

struct compare_row {
    COMPARE_FIELDS(RECORD_MEMBER)
};

extern const struct field compare_fields[]; /* ends with a NULL name */

enum verdict {
    VERDICT_SAME, /* no difference shown */
    VERDICT_FASTER,
    VERDICT_SLOWER,
    VERDICT_FASTER_HERE, /* in one launch, on one side at least */
    VERDICT_SLOWER_HERE,
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
    size_t n_alone;      /* that have an interval, with one launch on a side */
    size_t few_launches; /* the fewest of the others that have one; 0: there are no others */
    size_t n_verdicts[VERDICT_COUNT];
};

/* Matches and compares. `is_one_run` says that both parts are of one run, so that passes pair. The
 * parts must outlive the comparison; to be released. */
int comparison_make(struct comparison *c, const struct part *a, const struct part *b,
                    bool is_one_run, struct err *err);
void comparison_release(struct comparison *c);

/* Points whose whole interval lies above 1 + percent/100, of more than one launch; the worst of
 * them in *worst. */
size_t comparison_exceeding(const struct comparison *c, double percent,
                            const struct compared **worst);

/* Writes what tells the point among those of its part, as "procpool, dynamic, 2 workers". */
char *comparison_name(const struct comparison *c, const struct point *point,
                      char name[FIELD_TEXT_BYTES]);

/* Whether B passes: it is nowhere slower by more than so many percent, and there is no point of A
 * at which that could not be judged since it failed, was not measured or is missing in B. Writes
 * what speaks against it, and what is left open: points with too few samples or launches pass. */
bool comparison_passes(const struct comparison *c, double percent, FILE *to);

/* The text for people, at most `columns` wide where names allow it; differences may be NULL. */
void comparison_write_text(const struct comparison *c, const struct differences *d, FILE *to,
                           int columns, bool color);
void comparison_write_csv(const struct comparison *c, FILE *to);
/* {"schema": 1, "a": {…}, "b": {…}, "differences": […], "points": […]} */
void comparison_write_json(const struct comparison *c, const struct differences *d, FILE *to);

#endif
