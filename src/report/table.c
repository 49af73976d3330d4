/* Text tables of a summary, an experiment at a time. Columns are chosen by the width there is: each
 * says its header, its width and how to fill a cell, in one row of a table. */
#include "report/format.h"
#include "report/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { CELL_BYTES = 64 };

/* Flags that a row shows, and what the line under the tables says of each. */
static const struct {
    const char *flag;
    char mark;
    const char *meaning;
} marks[] = {
    {"oversubscribed", '*', "more workers than usable CPUs"},
    {"misplaced", '?', "workers did not run where they were asked to"},
    {"failed", '!', "samples failed or were wrong"},
    {"imprecise", '~', "the interval is wider than the precision asked for"},
};

enum { N_MARKS = sizeof marks / sizeof *marks };

typedef void fill(const struct summary_point *p, char *cell);

static bool is_base(const struct summary_point *p)
{
    return strcmp(p->point.backend, "seq") == 0;
}

static void fill_backend(const struct summary_point *p, char *cell)
{
    if (strcmp(p->point.backend, "hybrid") == 0)
        snprintf(cell, CELL_BYTES, "hybrid %" PRIu64 "x%" PRIu64, p->point.ranks, p->point.threads);
    else
        snprintf(cell, CELL_BYTES, "%.40s", p->point.backend);
}

static void fill_schedule(const struct summary_point *p, char *cell)
{
    snprintf(cell, CELL_BYTES, "%.40s", is_base(p) ? "" : p->point.schedule);
}

static void fill_chunk(const struct summary_point *p, char *cell)
{
    if (!is_base(p))
        snprintf(cell, CELL_BYTES, "%" PRIu64, p->point.chunk);
}

static void fill_workers(const struct summary_point *p, char *cell)
{
    snprintf(cell, CELL_BYTES, "%" PRIu64, p->point.workers);
}

static void fill_n(const struct summary_point *p, char *cell)
{
    snprintf(cell, CELL_BYTES, "%" PRIu64, p->row.n);
}

static void fill_time(const struct summary_point *p, char *cell)
{
    format_seconds(p->row.median_s, cell, CELL_BYTES);
}

static void fill_time_interval(const struct summary_point *p, char *cell)
{
    format_seconds_interval(p->row.ci_low_s, p->row.ci_high_s, p->row.median_s, cell, CELL_BYTES);
}

static void fill_speedup(const struct summary_point *p, char *cell)
{
    format_ratio(p->row.speedup, cell, CELL_BYTES);
}

static void fill_speedup_interval(const struct summary_point *p, char *cell)
{
    if (!is_base(p))
        format_ratio_interval(p->row.speedup_low, p->row.speedup_high, cell, CELL_BYTES);
}

static void fill_bound(const struct summary_point *p, char *cell)
{
    if (!is_base(p))
        format_ratio(p->row.bound, cell, CELL_BYTES);
}

static void fill_efficiency(const struct summary_point *p, char *cell)
{
    if (isfinite(p->row.efficiency))
        snprintf(cell, CELL_BYTES, "%.0f %%", p->row.efficiency * 100);
}

static void fill_karp_flatt(const struct summary_point *p, char *cell)
{
    if (isfinite(p->row.karp_flatt))
        snprintf(cell, CELL_BYTES, "%.3f", p->row.karp_flatt);
}

static void fill_per_task(const struct summary_point *p, char *cell)
{
    if (isfinite(p->row.ns_per_task))
        format_seconds(p->row.ns_per_task / 1e9, cell, CELL_BYTES);
}

static void fill_mark(const struct summary_point *p, char *cell)
{
    for (size_t i = 0; i < N_MARKS; i++)
        if (strstr(p->row.flags, marks[i].flag))
            *cell++ = marks[i].mark;
    *cell = '\0';
}

struct column {
    const char *header;
    int width; /* negative: left-aligned */
    int needs; /* columns of the terminal from which on it is shown */
    fill *fill;
};

static const struct column columns_table[] = {
    {"backend", -11, 0, fill_backend},
    {"schedule", -8, 0, fill_schedule},
    {"chunk", 6, 0, fill_chunk},
    {"W", 4, 0, fill_workers},
    {"", -2, 0, fill_mark},
    {"n", 4, 110, fill_n},
    {"time", 8, 0, fill_time},
    {"95 % interval", -14, 0, fill_time_interval},
    {"speedup", 7, 0, fill_speedup},
    {"95 % interval", -13, 96, fill_speedup_interval},
    {"bound", 5, 0, fill_bound},
    {"eff.", 6, 96, fill_efficiency},
    {"a task", 8, 110, fill_per_task},
    {"serial", 6, 118, fill_karp_flatt},
};

enum { N_COLUMNS = sizeof columns_table / sizeof *columns_table };

static void print_row(FILE *to, const struct summary_point *p, int columns)
{
    fputs(" ", to);
    for (int i = 0; i < N_COLUMNS; i++) {
        const struct column *c = &columns_table[i];
        char cell[CELL_BYTES] = "";
        if (c->needs > columns)
            continue;
        if (p)
            c->fill(p, cell);
        fputc(' ', to);
        format_cell(to, p ? cell : c->header, c->width);
    }
    fputc('\n', to);
}

static bool same_block(const struct summary_point *a, const struct summary_point *b)
{
    return strcmp(a->point.experiment, b->point.experiment) == 0 &&
           strcmp(a->point.workload, b->point.workload) == 0 && a->point.tasks == b->point.tasks &&
           a->point.scale == b->point.scale && strcmp(a->point.bind, b->point.bind) == 0;
}

/* Whether the block's points open and close their workers in every sample; its base does not. */
static bool has_fresh(const struct summary *s, const struct summary_point *p)
{
    for (size_t i = 0; i < s->n; i++)
        if (same_block(p, &s->points[i]) && s->points[i].point.fresh)
            return true;
    return false;
}

static void print_heading(FILE *to, const struct summary *s, const struct summary_point *p,
                          bool color)
{
    char time[32];
    const struct summary_point *base = summary_base(s, p);
    fprintf(to, "\n%s%s%s: %" PRIu64 " task%s, %s", format_style(color, STYLE_BOLD),
            p->point.experiment, format_style(color, STYLE_END), p->point.tasks,
            p->point.tasks == 1 ? "" : "s", p->facts.label ? p->facts.label : p->point.workload);
    if (p->point.scale != 1)
        fprintf(to, ", times x %g", p->point.scale);
    if (strcmp(p->point.bind, "none") != 0)
        fprintf(to, ", bind %s", p->point.bind);
    if (has_fresh(s, p))
        fputs(", workers made and ended in every sample", to);
    if (p->facts.title && *p->facts.title)
        fprintf(to, "\n%s", p->facts.title);
    if (base && base->n) {
        fprintf(to, "\nbase: seq, %s", format_seconds(base->row.median_s, time, sizeof time));
        if (base->n_chain)
            fprintf(to, "; burn chain %.2f ns an iteration",
                    (double)base->chain_ps_sum / (double)base->n_chain / 1000);
    }
    fputc('\n', to);
}

static int rank_of(const struct summary_point *p)
{
    return is_base(p) ? 0 : 1;
}

static void print_failures(FILE *to, const struct summary_point *p, int columns)
{
    struct text t = TEXT_INIT;
    if (p->n_failed == 0)
        return;
    text_addf(&t, "%s, %s, chunk %" PRIu64 ", W=%" PRIu64 ": %" PRIu64 " failed; the last: %s",
              p->point.backend, p->point.schedule, p->point.chunk, p->point.workers, p->n_failed,
              p->last_error);
    fputs("  ! ", to);
    format_folded(to, t.text, 4, columns);
    text_release(&t);
}

static void print_legend(FILE *to, const bool *used)
{
    bool any = false;
    for (size_t m = 0; m < N_MARKS; m++) {
        if (used[m])
            fprintf(to, "%s%c %s\n", any ? "" : "\n", marks[m].mark, marks[m].meaning);
        any = any || used[m];
    }
}

/* One experiment's points with one workload: the block that begins with point `first`. Notes which
 * marks it shows. */
static void print_block(FILE *to, const struct summary *s, size_t first, int columns, bool color,
                        bool *used)
{
    const struct summary_point *p = &s->points[first];
    print_heading(to, s, p, color);
    print_row(to, NULL, columns);
    for (int rank = 0; rank < 2; rank++)
        for (size_t k = first; k < s->n; k++) {
            const struct summary_point *q = &s->points[k];
            if (!same_block(p, q) || rank_of(q) != rank)
                continue;
            print_row(to, q, columns);
            for (size_t m = 0; m < N_MARKS; m++)
                used[m] = used[m] || strstr(q->row.flags, marks[m].flag);
        }
    for (size_t k = first; k < s->n; k++)
        if (same_block(p, &s->points[k]))
            print_failures(to, &s->points[k], columns);
}

void summary_write_text(const struct summary *s, FILE *to, int columns, bool color,
                        bool (*skips)(void *user, const char *experiment), void *user)
{
    bool used[N_MARKS] = {false};
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || same_block(p, &s->points[k]);
        if (!seen && !(skips && skips(user, p->point.experiment)))
            print_block(to, s, i, columns, color, used);
    }
    print_legend(to, used);
}
