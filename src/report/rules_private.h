/* What the files of the twelve rules share: rules.c has the tables, rules_numbers.c looks at what
 * is computed (1 to 8), rules_record.c at what is written down and drawn (9 to 12) and at the
 * files. */
#ifndef POOLMARK_REPORT_RULES_PRIVATE_H
#define POOLMARK_REPORT_RULES_PRIVATE_H

#include "report/evidence.h"

/* Each says in `why` what was seen, or what is amiss, or why there is nothing to see. */
enum rule_state rules_base(const struct evidence *e, struct text *why);
enum rule_state rules_subsets(const struct evidence *e, struct text *why);
enum rule_state rules_means(const struct evidence *e, struct text *why);
enum rule_state rules_ratios(const struct evidence *e, struct text *why);
enum rule_state rules_intervals(const struct evidence *e, struct text *why);
enum rule_state rules_normality(const struct evidence *e, struct text *why);
enum rule_state rules_comparisons(const struct evidence *e, struct text *why);
enum rule_state rules_median(const struct evidence *e, struct text *why);
enum rule_state rules_factors(const struct evidence *e, struct text *why);
enum rule_state rules_timing(const struct evidence *e, struct text *why);
enum rule_state rules_bounds(const struct evidence *e, struct text *why);
enum rule_state rules_figures(const struct evidence *e, struct text *why);

enum rule_state rules_file_samples(const struct evidence *e, struct text *why);
enum rule_state rules_file_orders(const struct evidence *e, struct text *why);
enum rule_state rules_file_summary(const struct evidence *e, struct text *why);
enum rule_state rules_file_workers(const struct evidence *e, struct text *why);

/* Points that break a rule, of those that it speaks of. */
struct tally {
    size_t n, of;
    char first[160];
};

void tally_count(struct tally *t, bool is_bad, const struct point *p);

/* "3 of 40 points WHAT (the first: scaling, openmp, W=4)", unless something is told already;
 * returns whether there is none. */
bool tally_tell(const struct tally *t, const char *what, struct text *why);

/* Whether two numbers are one, as far as the 12 digits of a CSV file tell; NaN is NaN. */
bool rules_is_near(double a, double b);

/* Whether the row's point was measured; others say nothing that a rule could be about. */
bool rules_is_measured(const struct evidence_row *r);

/* The plan's point, which mostly has the number of its row; NULL: it is not planned. */
const struct rules_point *rules_planned(const struct evidence *e, const struct point *p,
                                        size_t row);

/* Whether there is such a row; else says what is amiss. */
bool rules_has_rows(const struct evidence *e, struct text *why);

#endif
