/* From samples to a row a point: estimates with intervals, speedups paired by pass, bounds.
 *
 * Pairing: a sample and its base's sample of the same launch, group and pass were taken side by
 * side, in random order; their ratio is free of slow drift. The speedup is the median of those
 * ratios.
 *
 * A sample that was disturbed is taken again: of the right answers of one launch, group and pass
 * the last taken counts, and the others are set aside. Its time has no say in that.
 */
#ifndef POOLMARK_REPORT_SUMMARY_H
#define POOLMARK_REPORT_SUMMARY_H

#include "record/record.h"
#include "report/summary_fields.h"

#include <stdio.h>

struct summary_row {
    SUMMARY_FIELDS(RECORD_MEMBER)
};

extern const struct field summary_fields[]; /* ends with a NULL name */

/* One sample, as much of it as the estimates need. */
struct observation {
    uint32_t launch, group, pass;
    uint32_t most, busy;   /* tasks of the busiest worker, workers with tasks */
    uint32_t retake;       /* as in samples.csv */
    uint16_t disturbances; /* bits: which of the summary's */
    uint32_t pus;          /* as in samples.csv */
    double ns;             /* the time that counts: wall, or open + wall + close with fresh */
    double chunks;         /* that were run */
    double open_ns;
    double span_ns, busy_ns, claim_ns, idle_ns, imbalance; /* as in samples.csv; NaN: unknown */
    uint64_t order;                                        /* of the sample in the run */
    uint64_t sum;
};

/* What is known of a point from its plan; the bound is from theory, not from samples. */
struct point_facts {
    bool known;
    size_t position;  /* in the plan: rows are shown in its order, unknown points last */
    double bound;     /* largest speedup; NaN when unknown */
    bool uses_cpu;    /* the workload competes for CPUs */
    double ideal_s;   /* shortest time by theory alone (sleepers); NaN where only the base's time
                         tells */
    double precision; /* percent asked for, 0: none */
    bool
        precision_of_speedup; /* it was asked of the speedup where there is one, else of the time */
    const char *title, *label; /* of the experiment, of the workload, for people; NULL: unknown.
                                  They must outlive the summary */
};

struct summary_point {
    struct point point;
    struct observation *observations; /* right answers only: [n] that count, in order of launch,
                                         group and pass, and behind them [n_set_aside] likewise */
    size_t n, n_set_aside, capacity;
    struct observation *failures; /* [n_failed], of which launch, group, pass and order count */
    size_t n_failed, failures_capacity;
    size_t n_retaken; /* of them those that were taken again later, and right */
    uint64_t n_misplaced;
    uint64_t nodes; /* most that any sample ran on; 0: none told */
    char last_error[FIELD_TEXT_BYTES], remark[FIELD_TEXT_BYTES]; /* the last that there was */
    uint64_t chain_ps_sum;       /* of the register chain beside the samples */
    size_t n_chain, n_chain_end; /* samples with a chain before, and with one after as well */
    bool sorted;                 /* the observations are in the order in which they were taken */
    struct point_facts facts;
    struct summary_row row;
    const struct summary_point *base; /* of the speedup; NULL: there is none, or no estimate yet */
};

/* What disturbs samples, by the words of their flags, whatever the cell calls it. */
enum { MOST_DISTURBANCES = 16, DISTURBANCE_BYTES = 24 };

struct summary {
    struct summary_point *points; /* in order of first appearance */
    size_t n, capacity;
    char disturbances[MOST_DISTURBANCES][DISTURBANCE_BYTES]; /* in order of first appearance */
    size_t n_disturbances;
    size_t n_watched; /* samples whose cell looked for disturbances */
    bool cut_off;     /* the last line of samples.csv was */
    int usable;       /* CPUs of the machine that measured; 0: unknown */
    char rules[512];  /* "rules: 12/12", or which are not met and why, for tables and captions; ""
                         until it is known (report/rules.h) */
};

/* Reads a samples.csv. Fill in facts and call summary_estimate then. */
int summary_read(struct summary *summary, const char *path, struct err *err);
void summary_release(struct summary *summary);

/* Puts the points into the order of the plan and computes all rows. facts_of tells what the plan
 * knows (may be NULL). */
void summary_estimate(struct summary *summary, int usable,
                      struct point_facts (*facts_of)(void *user, const struct point *point),
                      void *user);

/* The row's base, as summary_estimate found it, or NULL. */
const struct summary_point *summary_base(const struct summary *summary,
                                         const struct summary_point *p);

/* The time of the base's sample of the same launch, group and pass / the time of this one; NaN when
 * there is none. */
double summary_ratio(const struct summary_point *base, const struct observation *sample);

/* summary.csv, and the same as JSON: {"schema": 1, "points": […]}. */
void summary_write_csv(const struct summary *summary, FILE *to);
void summary_write_json(const struct summary *summary, FILE *to);

/* Text tables, an experiment at a time, at most `columns` wide (80 or more). Experiments for which
 * `skips` returns true are left out; it may be NULL. */
void summary_write_text(const struct summary *summary, FILE *to, int columns, bool color,
                        bool (*skips)(void *user, const char *experiment), void *user);

#endif
