/* From the journal of a run to what people see: summary, articles' rows, figures. Shared by `run`,
 * `report` and `plot`. */
#ifndef POOLMARK_CLI_OUTCOME_H
#define POOLMARK_CLI_OUTCOME_H

#include "report/articles.h"
#include "report/figures.h"
#include "report/rules.h"
#include "report/summary.h"
#include "run/folder.h"

struct outcome_of_run {
    struct summary summary;
    struct article_row *articles;
    size_t n_articles;
    struct rules_verdict verdict; /* of outcome_judge */
};

/* Reads the samples of the folder and estimates; the plan gives bounds, the experiments the claims.
 */
int outcome_read(struct outcome_of_run *outcome, const char *folder, const struct plan *plan,
                 const struct experiments *experiments, struct err *err);
void outcome_release(struct outcome_of_run *outcome);

/* Writes summary.csv and articles.csv into the folder. */
int outcome_write(const struct outcome_of_run *outcome, const char *folder, struct err *err);

/* Looks at the folder for the twelve rules: fills the verdict, and the summary's line that stands
 * below tables. Whoever has just written or drawn something judges anew. */
void outcome_judge(struct outcome_of_run *outcome, const char *folder, const struct plan *plan);

/* Draws the figures, which carry the line of rules in their captions, and says on standard error
 * what could not be drawn; judges before and after. summary.csv must be written. */
int outcome_draw(struct outcome_of_run *outcome, const char *folder, const struct plan *plan,
                 struct figures *figures, struct err *err);

/* How text is printed. */
struct outcome_style {
    bool curve;        /* with the speedup curve */
    bool all;          /* tables also of experiments whose articles' rows are shown */
    const char *color; /* auto, always, never */
};

/* Prints the outcome to standard output. */
void outcome_print(const struct outcome_of_run *outcome, const char *folder, int format,
                   const struct outcome_style *style);

/* Reads the configuration of a finished or broken-off run from its plan.ini, with the machine's
 * counts as they were then, and plans it again. All four are to be released by the caller on
 * success. */
struct past_run {
    struct configuration configuration;
    struct run_options options;
    struct experiments experiments;
    struct plan plan;
};

int past_run_read(struct past_run *past, const char *folder, struct err *err);
void past_run_release(struct past_run *past);

#endif
