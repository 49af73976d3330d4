/* Parts of runs, and which points of two parts are one another's counterparts.
 *
 * A part is written RUN or RUN:FIELD=VALUE[,FIELD=VALUE...]: the points of the run whose fields
 * have those values. Points of two parts are matched by all factors but those that either of them
 * names, and those that follow from them (what a backend or a rule chooses by itself). Experiments
 * are matched by name; where just one of each side is left without a counterpart, those two are
 * taken for one another.
 */
#ifndef POOLMARK_REPORT_PARTS_H
#define POOLMARK_REPORT_PARTS_H

#include "report/summary.h"

enum { PART_MOST_FILTERS = 16, PART_RUN_BYTES = 4096 };

struct part {
    const char *name;         /* as it was written; must outlive the part */
    char run[PART_RUN_BYTES]; /* what stands before the filters */
    struct part_filter {
        const struct field *field;
        char value[FIELD_TEXT_BYTES];
    } filters[PART_MOST_FILTERS];
    size_t n_filters;
    const struct summary *summary;
    bool *chosen; /* [summary->n] which of its points belong to the part */
};

/* Takes an operand apart; to be released. `is_run` says that all of it names a run, whatever
 * characters it holds. */
int part_parse(struct part *part, const char *operand, bool is_run, struct err *err);

/* Chooses the part's points from the run's samples, which must outlive the part. A value that no
 * point has is an error. A word picks the workloads and schedules that begin with it where none is
 * just that. */
int part_choose(struct part *part, const struct summary *summary, struct err *err);

void part_release(struct part *part);

/* Of the samples of the part's points: how many count, are set aside, and count though they were
 * disturbed; and the mean over the register chain in ns an iteration, NaN where it was not
 * measured. */
struct part_totals {
    size_t n_points, n, n_set_aside, n_disturbed, n_failed;
    size_t n_chain_end; /* samples that had a chain behind them as well */
    double chain_ns;
};

struct part_totals part_total(const struct part *part);

/* The share of the samples that count that were disturbed. */
double part_disturbed(const struct part_totals *totals);

struct match {
    const struct summary_point *a, *b;
};

struct matching {
    struct match *items; /* in the order of their factors */
    size_t n;
    const struct summary_point **only_a, **only_b; /* without a counterpart, likewise */
    size_t n_only_a, n_only_b;
    const char *experiment_a, *experiment_b; /* taken for one another under two names; or NULL */
};

/* Matches the points; to be released. Points that several others fit equally well are an error, and
 * so are parts without a common point: the sentence says what differs nearest. */
int matching_make(struct matching *matching, const struct part *a, const struct part *b,
                  struct err *err);
void matching_release(struct matching *matching);

#endif
