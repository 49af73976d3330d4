/* The twelve rules: see rules.h. The checks compare what a run's files tell with what follows from
 * its samples, computed once more and by other code than the summary's where it is a rule about the
 * computation. */
#include "report/rules.h"

#include "report/rules_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- what the checks share ---------------------------------------------------------------------
 */

void tally_count(struct tally *t, bool is_bad, const struct point *p)
{
    t->of++;
    if (is_bad && t->n++ == 0)
        evidence_name(p, t->first, sizeof t->first);
}

bool tally_tell(const struct tally *t, const char *what, struct text *why)
{
    if (t->n && why->length == 0)
        text_addf(why, "%zu of %zu points %s (the first: %s)", t->n, t->of, what, t->first);
    return t->n == 0;
}

bool rules_is_near(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)) + 1e-15;
}

bool rules_is_measured(const struct evidence_row *r)
{
    return r->again && r->again->n > 0;
}

bool rules_has_rows(const struct evidence *e, struct text *why)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_rows; i++)
        n += rules_is_measured(&e->rows[i]);
    if (*e->summary_problem && e->n_rows == 0)
        text_addf(why, "%s", e->summary_problem);
    else if (n == 0 && e->n_ok)
        text_addf(why, "summary.csv tells nothing of what was measured");
    else if (n == 0)
        text_addf(why, "nothing was measured");
    return why->length == 0;
}

const struct rules_point *rules_planned(const struct evidence *e, const struct point *p, size_t row)
{
    size_t n = e->given.n_points;
    for (size_t i = 0; i < n; i++)
        if (point_equal(e->given.points[(row + i) % n].point, p))
            return &e->given.points[(row + i) % n];
    return NULL;
}

/* --- the tables ----------------------------------------------------------------------------------
 */

const struct rule rule_table[RULES] = {
    {"base", "a speedup names its base, with its absolute time", rules_base},
    {"subsets", "points left out and resources unused have a reason", rules_subsets},
    {"means", "arithmetic means of costs alone; rates are derived", rules_means},
    {"ratios", "no ratio is averaged", rules_ratios},
    {"intervals", "what is not exact has an interval", rules_intervals},
    {"normality", "no interval assumes a distribution, and what it assumes holds", rules_normality},
    {"comparisons", "comparisons are paired, with their intervals", rules_comparisons},
    {"median", "percentiles and the worst case beside the median; modes are told", rules_median},
    {"factors", "all factors are written down", rules_factors},
    {"timing", "how parallel time was taken and synchronised is told", rules_timing},
    {"bounds", "a bound stands beside what was measured", rules_bounds},
    {"figures", "figures show the samples; lines only where they mean something", rules_figures},
};

const struct rule file_table[FILE_CHECKS] = {
    {"samples.csv", "can be read to its end", rules_file_samples},
    {"orders", "no two samples have one order", rules_file_orders},
    {"summary.csv", "follows from samples.csv", rules_file_summary},
    {"workers.csv", "has rows of samples alone", rules_file_workers},
};

static void judge(const struct evidence *e, const struct rule *rules, size_t n,
                  struct rule_result *results)
{
    for (size_t i = 0; i < n; i++) {
        struct text why = TEXT_INIT;
        results[i].state = rules[i].check(e, &why);
        text_copy(results[i].why, sizeof results[i].why, why.text ? why.text : "");
        text_release(&why);
    }
}

void rules_judge(const struct rules_evidence *given, struct rules_verdict *verdict)
{
    struct evidence e;
    evidence_read(&e, given);
    judge(&e, rule_table, RULES, verdict->rules);
    judge(&e, file_table, FILE_CHECKS, verdict->files);
    evidence_release(&e);
}

void rules_judge_figures(const struct rules_evidence *given, struct rules_verdict *verdict)
{
    struct evidence e;
    evidence_read_figures(&e, given);
    judge(&e, &rule_table[RULES - 1], 1, &verdict->rules[RULES - 1]);
    evidence_release(&e);
}

const char *rule_state_name(enum rule_state state)
{
    static const char *const names[RULE_STATES] = {
        [RULE_BROKEN] = "not met", [RULE_MET] = "met", [RULE_IDLE] = "nothing to check"};
    return names[state];
}

int rules_count(const struct rule_result *results, size_t n, enum rule_state state)
{
    int count = 0;
    for (size_t i = 0; i < n; i++)
        count += results[i].state == state;
    return count;
}

char *rules_line(const struct rules_verdict *verdict, char *line, size_t size)
{
    enum { NUMBER_BYTES = 4 }; /* "; 12" */
    int met = rules_count(verdict->rules, RULES, RULE_MET),
        left = rules_count(verdict->rules, RULES, RULE_BROKEN), broken = left;
    struct text t = TEXT_INIT;
    text_addf(&t, "rules: %d/%d", met, met + broken);
    for (int i = 0, first = 1; i < RULES; i++)
        if (verdict->rules[i].state == RULE_IDLE) {
            text_addf(&t, "%s%d", first ? ", nothing to check for " : ", ", i + 1);
            first = 0;
        }
    for (int i = 0, first = 1; i < RULES; i++) {
        const struct rule_result *r = &verdict->rules[i];
        if (r->state != RULE_BROKEN)
            continue;
        left--;
        text_addf(&t, "%s%d", first ? " (" : "; ", i + 1);
        first = 0;
        if (t.length + strlen(r->why) + 4 + (size_t)left * NUMBER_BYTES < size)
            text_addf(&t, ": %s", r->why);
    }
    text_addf(&t, "%s", broken ? ")" : "");
    text_copy(line, size, t.text);
    text_release(&t);
    return line;
}

char *rules_brief(const char *line, char *brief, size_t size)
{
    const char *at = strchr(line, '(');
    struct text t = TEXT_INIT;
    text_addf(&t, "%.*s", at ? (int)(at - line) : (int)strlen(line), line);
    for (const char *between = "("; at; between = ", ") {
        char *end;
        long number = strtol(at + 1, &end, 10);
        text_addf(&t, "%s%ld", between, number);
        /* The next one stands behind "; ", a number and ':', ';' or the end. */
        for (at = strstr(end, "; "); at; at = strstr(at + 1, "; ")) {
            at++;
            size_t digits = strspn(at + 1, "0123456789");
            if (digits && strchr(":;)", at[1 + digits]))
                break;
        }
    }
    if (strchr(line, '('))
        text_addf(&t, ")");
    text_copy(brief, size, t.text);
    text_release(&t);
    return brief;
}
