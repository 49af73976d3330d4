/* What stands below tables: see notes.h. */
#include "report/notes.h"

#include "report/format.h"
#include "stats/stats.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Flags that a row shows, and what the line under the tables says of each. */
static const struct {
    const char *flag;
    char mark;
    const char *meaning;
} marks[NOTES_MARKS] = {
    {"oversubscribed", '*', "more workers than usable CPUs"},
    {"misplaced", '?', "workers did not run where they were asked to"},
    {"failed", '!', "samples failed or were wrong"},
    {"retaken", '+', "samples failed or were wrong, and were taken again"},
    {"imprecise", '~', "the interval is wider than the precision asked for"},
    {"disturbed", '^', "some samples that count were disturbed (see below)"},
    {"stacked", '=', NULL},         /* print_stacked */
    {"launches-differ", '#', NULL}, /* print_coverage */
    {"two-launches", '@',
     "2 launches, and they differ: the interval is wide because it knows little; 3 or more tell "
     "more"},
    {"drifting", '/', "times rise or fall as the run goes on: one median does not tell them all"},
    {"several-modes", ':', "times heap up around several values: the median may be none of them"},
};

void notes_marks(const char *flags, char *marks_of_flags)
{
    for (size_t m = 0; m < NOTES_MARKS; m++)
        if (strstr(flags, marks[m].flag))
            *marks_of_flags++ = marks[m].mark;
    *marks_of_flags = '\0';
}

void notes_add(struct notes *notes, const struct summary_row *row)
{
    for (size_t m = 0; m < NOTES_MARKS; m++)
        notes->marks[m] = notes->marks[m] || strstr(row->flags, marks[m].flag);
    if (strstr(row->flags, "stacked")) {
        notes->stacked += row->stacked;
        notes->of += row->n;
    }
    if (!strstr(row->flags, "launches-differ") ||
        (notes->launches && row->launches >= notes->launches))
        return;
    struct estimate e = {.n = row->n,
                         .n_launches = row->launches,
                         .median_ci.known = isfinite(row->ci_low_s),
                         .method = STATS_BOOTSTRAP};
    notes->launches = row->launches;
    notes->coverage = stats_coverage(&e);
}

static void print_coverage(FILE *to, const struct notes *notes, int columns)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "launches differ by more than their samples do");
    if (isfinite(notes->coverage))
        text_addf(&t,
                  ": from %" PRIu64
                  " of them a 95 %% interval holds the truth in about %.0f of 100 "
                  "cases; --launches %d or more makes that good",
                  notes->launches, 100 * notes->coverage, STATS_LEAST_FOR_INTERVAL);
    format_folded(to, t.text, 2, columns);
    text_release(&t);
}

static void print_stacked(FILE *to, const struct notes *notes, int columns)
{
    struct text t = TEXT_INIT;
    text_addf(&t,
              "workers shared a CPU although there was one for each, in %" PRIu64 " of %" PRIu64
              " samples: --bind close keeps them apart",
              notes->stacked, notes->of);
    format_folded(to, t.text, 2, columns);
    text_release(&t);
}

void notes_write_legend(const struct notes *notes, FILE *to, int columns)
{
    bool any = false;
    for (size_t m = 0; m < NOTES_MARKS; m++) {
        if (!notes->marks[m])
            continue;
        fprintf(to, "%s%c ", any ? "" : "\n", marks[m].mark);
        if (marks[m].meaning)
            format_folded(to, marks[m].meaning, 2, columns);
        else if (marks[m].mark == '=')
            print_stacked(to, notes, columns);
        else
            print_coverage(to, notes, columns);
        any = true;
    }
}

/* "; preempted 9, slow-clock 3", of all samples, those set aside too. */
static void add_disturbances(struct text *t, const struct summary *s)
{
    size_t counts[MOST_DISTURBANCES] = {0};
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        for (size_t o = 0; o < p->n + p->n_set_aside; o++)
            for (size_t d = 0; d < s->n_disturbances; d++)
                counts[d] += p->observations[o].disturbances >> d & 1;
    }
    for (size_t d = 0; d < s->n_disturbances; d++)
        text_addf(t, "%s%s %zu", d ? ", " : "", s->disturbances[d], counts[d]);
}

/* How many samples were taken, failed, were disturbed and why, and what became of those. */
void notes_write_rates(const struct summary *s, FILE *to, int columns)
{
    size_t taken = 0, failed = 0, set_aside = 0, disturbed = 0, counted = 0;
    struct text t = TEXT_INIT;
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        taken += p->n + p->n_set_aside + p->n_failed;
        failed += p->n_failed;
        set_aside += p->n_set_aside;
        counted += p->row.disturbed;
        for (size_t o = 0; o < p->n + p->n_set_aside; o++)
            disturbed += p->observations[o].disturbances != 0;
    }
    text_addf(&t, "%zu taken", taken);
    if (failed)
        text_addf(&t, ", %zu failed", failed);
    if (disturbed) {
        text_addf(&t, ", %zu disturbed (%.1f %%): ", disturbed,
                  100 * (double)disturbed / (double)taken);
        add_disturbances(&t, s);
    }
    if (set_aside)
        text_addf(&t, "; %zu %s set aside and taken again", set_aside,
                  set_aside == 1 ? "was" : "were");
    if (counted)
        text_addf(&t, "%s %zu count%s all the same", set_aside ? "," : ";", counted,
                  counted == 1 ? "s" : "");
    if (s->n_watched == 0)
        text_addf(&t, "; whether they were disturbed was not looked at");
    else if (!disturbed)
        text_addf(&t, ", none disturbed");
    fputs("\nsamples: ", to);
    format_folded(to, t.text, 9, columns);
    text_release(&t);
}
