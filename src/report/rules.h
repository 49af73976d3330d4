/* The twelve rules of Hoefler and Belli (Scientific Benchmarking of Parallel Computing Systems,
 * SC15), checked on a run: each looks at what the run's folder holds and says in one sentence what
 * it saw. No rule is met by not looking: where the evidence is absent, it is not met, and where a
 * run has nothing that the rule speaks of, that is said and counts neither way.
 *
 *   1. fill in struct rules_evidence
 *   2. rules_judge()
 *   3. rules_line() for tables and captions, or the results one by one (`poolmark validate`)
 */
#ifndef POOLMARK_REPORT_RULES_H
#define POOLMARK_REPORT_RULES_H

#include "report/summary.h"

enum { RULES = 12, FILE_CHECKS = 4, RULE_BYTES = 400 };

/* What the plan knows of one point. */
struct rules_point {
    const struct point *point;
    uint64_t wanted; /* samples; 0: as many as it takes, since precision decides */
    uint64_t most;   /* samples, where precision does not stop sooner */
    double bound;    /* largest speedup that theory allows */
};

struct rules_evidence {
    const char *folder;
    const struct summary *summary; /* of samples.csv, estimated */
    const json_t *manifest;        /* NULL: it cannot be read */
    const struct rules_point *points;
    size_t n_points;
    uint64_t n_samples;           /* of the plan; 0: not known, since a backend is missing */
    const char *const *plan_keys; /* that plan.ini must have, ends with NULL */
    bool has_articles;
    bool is_drawing; /* the figures are about to be drawn: they are not looked at yet */
};

enum rule_state {
    RULE_BROKEN,
    RULE_MET,
    RULE_IDLE, /* there is nothing to check */
    RULE_STATES
};

const char *rule_state_name(enum rule_state state); /* "not met", "met", "nothing to check" */

struct rule_result {
    enum rule_state state;
    char why[RULE_BYTES]; /* what was seen, or what is amiss; no full stop */
};

struct rules_verdict {
    struct rule_result rules[RULES];       /* in the order of rule_table */
    struct rule_result files[FILE_CHECKS]; /* in the order of file_table: do the files agree? */
};

struct evidence; /* what was read from the folder (evidence.h) */

struct rule {
    const char *name; /* "intervals" */
    const char *says; /* the rule, in short */
    enum rule_state (*check)(const struct evidence *e, struct text *why);
};

extern const struct rule rule_table[RULES];       /* rule 1 first */
extern const struct rule file_table[FILE_CHECKS]; /* "samples.csv", ... */

void rules_judge(const struct rules_evidence *given, struct rules_verdict *verdict);

/* Looks anew at what is drawn, rule 12, and leaves the rest of the verdict as it is. */
void rules_judge_figures(const struct rules_evidence *given, struct rules_verdict *verdict);

/* How many are in that state. */
int rules_count(const struct rule_result *results, size_t n, enum rule_state state);

/* "rules: 12/12", or "rules: 9/11, nothing to check for 7 (5: 3 of 40 points ...; 12: ...)": met,
 * of those that had something to check. Reasons that do not fit are left out, their numbers are
 * not. Returns line. */
char *rules_line(const struct rules_verdict *verdict, char *line, size_t size);

/* The same without reasons, from that line: "rules: 10/12 (5, 12)". Returns brief. */
char *rules_brief(const char *line, char *brief, size_t size);

#endif
