/* A comparison for people and for programs: see compare.h.
 *
 * The text says first what differs beside the times, then what a ratio is, then a table, a block
 * for each list of tasks. A column is there when its rows differ; on a narrow terminal the seconds
 * of B, then those of A give way to the verdict. */
#include "report/compare.h"
#include "report/factors.h"
#include "report/format.h"
#include "stats/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = FIELD_TEXT_BYTES + 8, MOST_LISTED = 5 };

/* Flags that a row shows, and what the line under the table says of each. */
static const struct {
    const char *flag;
    char mark;
    const char *meaning;
} marks[] = {
    {"clock", '@',
     "the register chain beside the samples differs as much, the same way: that may be the clock, "
     "not the program"},
    {"disturbed", '^', "some samples that count were disturbed"},
    {"failed", '!', "samples failed or were wrong"},
};

enum { N_MARKS = sizeof marks / sizeof *marks };

typedef void fill(const struct compared *item, char *cell);

static bool is_base(const struct compared *item)
{
    return strcmp(item->match.a->point.backend, "seq") == 0;
}

static void fill_backend(const struct compared *item, char *cell)
{
    const struct point *p = &item->match.a->point;
    if (strcmp(p->backend, "hybrid") == 0)
        snprintf(cell, CELL_BYTES, "hybrid %" PRIu64 "x%" PRIu64, p->ranks, p->threads);
    else
        snprintf(cell, CELL_BYTES, "%s", p->backend);
}

static void fill_schedule(const struct compared *item, char *cell)
{
    snprintf(cell, CELL_BYTES, "%s", is_base(item) ? "" : item->match.a->point.schedule);
}

static void fill_dispatch(const struct compared *item, char *cell)
{
    snprintf(cell, CELL_BYTES, "%s", is_base(item) ? "" : item->match.a->point.dispatch);
}

static void fill_chunk(const struct compared *item, char *cell)
{
    uint64_t a = item->match.a->point.chunk, b = item->match.b->point.chunk;
    if (is_base(item))
        return;
    if (a == b)
        snprintf(cell, CELL_BYTES, "%" PRIu64, a);
    else
        snprintf(cell, CELL_BYTES, "%" PRIu64 "/%" PRIu64, a, b);
}

static void fill_workers(const struct compared *item, char *cell)
{
    snprintf(cell, CELL_BYTES, "%" PRIu64, item->match.a->point.workers);
}

static void fill_n(const struct compared *item, char *cell)
{
    if (item->row.pairs || item->row.n_a == item->row.n_b)
        snprintf(cell, CELL_BYTES, "%" PRIu64, item->row.pairs ? item->row.pairs : item->row.n_a);
    else
        snprintf(cell, CELL_BYTES, "%" PRIu64 "/%" PRIu64, item->row.n_a, item->row.n_b);
}

static void fill_a(const struct compared *item, char *cell)
{
    format_seconds(item->row.a_s, cell, CELL_BYTES);
}

static void fill_b(const struct compared *item, char *cell)
{
    format_seconds(item->row.b_s, cell, CELL_BYTES);
}

/* Three digits behind the point near 1, where a percent matters. */
static void print_ratio(double x, char *cell, size_t size)
{
    if (x >= 0.5 && x < 1.9995)
        snprintf(cell, size, "%.3f", x);
    else
        format_ratio(x, cell, size);
}

static void fill_ratio(const struct compared *item, char *cell)
{
    print_ratio(item->row.ratio, cell, CELL_BYTES);
}

static void fill_interval(const struct compared *item, char *cell)
{
    char low[32], high[32];
    if (!isfinite(item->row.ratio_low) || !isfinite(item->row.ratio_high))
        return;
    print_ratio(item->row.ratio_low, low, sizeof low);
    print_ratio(item->row.ratio_high, high, sizeof high);
    snprintf(cell, CELL_BYTES, "[%s, %s]", low, high);
}

static void fill_verdict(const struct compared *item, char *cell)
{
    const struct compare_row *row = &item->row;
    if (item->verdict == VERDICT_FEW)
        snprintf(cell, CELL_BYTES, "too few: %" PRIu64 " of %" PRIu64 " %.40s", row->have,
                 row->needed, row->unit);
    else
        snprintf(cell, CELL_BYTES, "%s", verdict_name(item->verdict));
}

static void fill_marks(const struct compared *item, char *cell)
{
    for (size_t i = 0; i < N_MARKS; i++)
        if (strstr(item->row.flags, marks[i].flag))
            *cell++ = marks[i].mark;
    *cell = '\0';
}

enum { LEFT = 1, WHERE_IT_VARIES = 2 };

static const struct column {
    const char *header;
    unsigned how;
    fill *fill;
} columns_table[] = {
    {"backend", LEFT | WHERE_IT_VARIES, fill_backend},
    {"schedule", LEFT | WHERE_IT_VARIES, fill_schedule},
    {"dispatch", LEFT | WHERE_IT_VARIES, fill_dispatch},
    {"chunk", WHERE_IT_VARIES, fill_chunk},
    {"W", WHERE_IT_VARIES, fill_workers},
    {"n", 0, fill_n},
    {"time A", 0, fill_a},
    {"time B", 0, fill_b},
    {"B / A", 0, fill_ratio},
    {"interval", LEFT, fill_interval},
    {"", LEFT, fill_marks},
    {"verdict", LEFT, fill_verdict},
};

enum { N_COLUMNS = sizeof columns_table / sizeof *columns_table, SCHEDULE = 1, DISPATCH = 2 };

/* Columns that give way, in this order, where there is no room. */
static const int spare[] = {5, 7, 6}; /* n, time B, time A */

struct layout {
    int width[N_COLUMNS];   /* 0: not shown */
    bool hidden[N_COLUMNS]; /* for lack of room */
};

static int total_width(const struct layout *l)
{
    int total = 1;
    for (int i = 0; i < N_COLUMNS; i++)
        total += l->width[i] ? 1 + l->width[i] : 0;
    return total;
}

/* Bases have no schedule, which is no difference among the others. */
static bool varies(const struct comparison *c, int column)
{
    char first[CELL_BYTES] = "", cell[CELL_BYTES];
    bool is_known = false;
    for (size_t i = 0; i < c->matching.n; i++) {
        if (column != 0 && is_base(&c->items[i]))
            continue;
        *cell = '\0';
        columns_table[column].fill(&c->items[i], cell);
        if (is_known && strcmp(cell, first) != 0)
            return true;
        strcpy(first, cell);
        is_known = true;
    }
    return false;
}

/* Of one schedule of one backend: else the dispatch differs by nature. */
static bool has_dispatches(const struct comparison *c)
{
    for (size_t i = 1; i < c->matching.n; i++)
        if (factors_between(&c->items[i - 1].match.a->point, &c->items[i].match.a->point) &
            FACTOR_DISPATCH)
            return true;
    return false;
}

static struct layout lay_out(const struct comparison *c, int columns)
{
    struct layout l = {.width = {0}};
    for (int i = 0; i < N_COLUMNS; i++) {
        const struct column *column = &columns_table[i];
        if (i == DISPATCH ? !has_dispatches(c) : column->how & WHERE_IT_VARIES && !varies(c, i))
            continue;
        int widest = 0;
        for (size_t k = 0; k < c->matching.n; k++) {
            char cell[CELL_BYTES] = "";
            column->fill(&c->items[k], cell);
            if (format_width(cell) > widest)
                widest = format_width(cell);
        }
        int header = format_width(column->header);
        if (widest > 0)
            l.width[i] = widest > header ? widest : header;
    }
    for (size_t i = 0; i < sizeof spare / sizeof *spare && total_width(&l) > columns; i++) {
        l.hidden[spare[i]] = l.width[spare[i]] > 0;
        l.width[spare[i]] = 0;
    }
    int over = total_width(&l) - columns;
    if (over > 0 && l.width[SCHEDULE] > 8)
        l.width[SCHEDULE] = l.width[SCHEDULE] - over > 8 ? l.width[SCHEDULE] - over : 8;
    return l;
}

static const char *style_of(enum verdict verdict)
{
    return verdict == VERDICT_FASTER   ? STYLE_GOOD
           : verdict == VERDICT_SLOWER ? STYLE_BAD
           : verdict == VERDICT_SAME   ? ""
                                       : STYLE_NOTE;
}

static void print_row(FILE *to, const struct layout *l, const struct compared *item, bool color)
{
    fputs(" ", to);
    for (int i = 0; i < N_COLUMNS; i++) {
        const struct column *column = &columns_table[i];
        char cell[CELL_BYTES] = "";
        if (!l->width[i])
            continue;
        if (item)
            column->fill(item, cell);
        else
            strcpy(cell, column->header);
        format_cut(cell, l->width[i]);
        fputc(' ', to);
        bool is_last = i == N_COLUMNS - 1, styled = item && is_last && color;
        fputs(styled ? style_of(item->verdict) : "", to);
        format_cell(to, cell, is_last ? 0 : column->how & LEFT ? -l->width[i] : l->width[i]);
        fputs(styled && *style_of(item->verdict) ? STYLE_END : "", to);
    }
    fputc('\n', to);
}

static bool same_block(const struct compared *x, const struct compared *y)
{
    const struct point *a = &x->match.a->point, *b = &y->match.a->point;
    return strcmp(a->experiment, b->experiment) == 0 &&
           !(factors_between(a, b) & (FACTOR_WORKLOAD | FACTOR_TASKS | FACTOR_SCALE | FACTOR_BIND));
}

static void print_heading(FILE *to, const struct comparison *c, const struct layout *l,
                          const struct compared *item, int columns, bool color)
{
    const struct point *p = &item->match.a->point;
    const struct matching *m = &c->matching;
    bool is_renamed = m->experiment_a && strcmp(m->experiment_a, p->experiment) == 0;
    struct text t = TEXT_INIT;
    unsigned constant = 0;
    static const unsigned factors[] = {FACTOR_BACKEND, FACTOR_SCHEDULE, 0, FACTOR_CHUNK,
                                       FACTOR_WORKERS};
    for (int i = 0; i < (int)(sizeof factors / sizeof *factors); i++)
        if (!l->width[i])
            constant |= factors[i];
    /* What the parts were chosen by stands in their names. */
    constant &= ~factors_between(p, &item->match.b->point);
    char name[FACTORS_NAME_BYTES];
    text_addf(&t, "%s%s%s: %" PRIu64 " task%s, %s", p->experiment, is_renamed ? " / " : "",
              is_renamed ? m->experiment_b : "", p->tasks, p->tasks == 1 ? "" : "s", p->workload);
    if (p->scale != 1)
        text_addf(&t, ", times x %g", p->scale);
    if (strcmp(p->bind, "none") != 0)
        text_addf(&t, ", bind %s", p->bind);
    if (!is_base(item) && *factors_name(p, constant, name))
        text_addf(&t, ", %s", name);
    fprintf(to, "\n%s", format_style(color, STYLE_BOLD));
    format_folded(to, t.text, 0, columns);
    fputs(format_style(color, STYLE_END), to);
    text_release(&t);
}

static void print_hidden(FILE *to, const struct layout *l)
{
    const char *before = "\nnot shown: ";
    for (int i = 0; i < N_COLUMNS; i++) {
        if (!l->hidden[i])
            continue;
        fprintf(to, "%s%s", before, columns_table[i].header);
        before = ", ";
    }
    fputs(*before == ',' ? " (a wider terminal has room; --format csv tells all)\n" : "", to);
}

static void print_table(FILE *to, const struct comparison *c, int columns, bool color)
{
    struct layout layout = lay_out(c, columns);
    for (size_t i = 0; i < c->matching.n; i++) {
        if (i == 0 || !same_block(&c->items[i - 1], &c->items[i])) {
            size_t named = i; /* the base has no schedule to tell */
            while (named + 1 < c->matching.n && is_base(&c->items[named]) &&
                   same_block(&c->items[named], &c->items[named + 1]))
                named++;
            print_heading(to, c, &layout, &c->items[named], columns, color);
            print_row(to, &layout, NULL, color);
        }
        print_row(to, &layout, &c->items[i], color);
    }
    const char *before = "\n";
    for (size_t k = 0; k < N_MARKS; k++) {
        bool is_used = false;
        for (size_t i = 0; i < c->matching.n && !is_used; i++)
            is_used = strstr(c->items[i].row.flags, marks[k].flag) != NULL;
        if (!is_used)
            continue;
        fprintf(to, "%s%c ", before, marks[k].mark);
        format_folded(to, marks[k].meaning, 2, columns);
        before = "";
    }
    print_hidden(to, &layout);
}

/* "A: NAME", with what it consists of. */
static void print_part(FILE *to, char letter, const struct part *part,
                       const struct part_totals *total, int columns, bool color)
{
    struct text t = TEXT_INIT;
    size_t taken = total->n + total->n_set_aside;
    text_addf(&t, "%s: %zu point%s, %zu samples that count", part->name, total->n_points,
              total->n_points == 1 ? "" : "s", total->n);
    if (total->n_set_aside)
        text_addf(&t, "; %zu of %zu were disturbed and taken again (%.1f %%)", total->n_set_aside,
                  taken, 100.0 * (double)total->n_set_aside / (double)taken);
    if (total->n_disturbed)
        text_addf(&t, "; %zu that count were disturbed all the same (%.1f %%)", total->n_disturbed,
                  100.0 * (double)total->n_disturbed / (double)total->n);
    if (total->n_failed)
        text_addf(&t, "; %zu failed", total->n_failed);
    fprintf(to, "%s%c%s  ", format_style(color, STYLE_BOLD), letter,
            format_style(color, STYLE_END));
    format_folded(to, t.text, 3, columns);
    text_release(&t);
}

static void print_clock(FILE *to, const struct comparison *c)
{
    double a = c->total_a.chain_ns, b = c->total_b.chain_ns;
    if (c->is_one_run || !isfinite(a) || !isfinite(b))
        return;
    if ((c->total_a.n_chain_end > 0) != (c->total_b.n_chain_end > 0)) {
        fputs("  clock: not compared: the two versions time the register chain differently\n", to);
        return;
    }
    double percent = 100 * (b / a - 1);
    fprintf(to, "  clock: register chain %.4g ns an iteration in A, %.4g ns in B", a, b);
    if (fabs(percent) >= 0.05)
        fprintf(to, " (%+.1f %%)\n", percent);
    else
        fputs(", the same\n", to);
}

static void print_differences(FILE *to, const struct comparison *c, const struct differences *d,
                              int columns, bool color)
{
    if (c->is_one_run || !d)
        return;
    fprintf(to, "\n%sWhat differs (A | B):%s%s\n", format_style(color, STYLE_BOLD),
            format_style(color, STYLE_END), d->n ? "" : " nothing that was recorded");
    differences_write_text(d, to, columns);
    print_clock(to, c);
}

static bool rests_on_few_launches(const struct comparison *c)
{
    for (size_t i = 0; i < c->matching.n; i++)
        if (strcmp(c->items[i].row.method, "bootstrap") == 0)
            return true;
    return false;
}

/* What intervals of so many launches are worth. */
static void add_launches(struct text *t, const struct comparison *c)
{
    struct estimate e = {.n_launches = c->few_launches, .median_ci.known = true};
    if (c->n_alone && !c->few_launches)
        text_addf(t, " There is one launch on a side: what it shows holds for this launch alone, "
                     "and another may differ. Take --launches 6, or 2 at least.");
    else if (c->n_alone)
        text_addf(t,
                  " At %zu point%s there is one launch on a side: what it shows holds for this "
                  "launch alone, and another may differ.",
                  c->n_alone, c->n_alone == 1 ? "" : "s");
    if (c->launches_differ && rests_on_few_launches(c))
        text_addf(t, " Launches differ by more than their samples do, so they are what counts: "
                     "with more of them (--launches 6 or more) intervals are narrower.");
    else if (c->few_launches && c->few_launches < STATS_LEAST_FOR_INTERVAL)
        text_addf(t,
                  " Launches look alike, but they are few: should they differ, a 95 %% interval "
                  "from %zu of them holds the truth in about %.0f of 100 cases at worst; "
                  "--launches %d or more makes that good.",
                  c->few_launches, 100 * stats_coverage(&e), STATS_LEAST_FOR_INTERVAL);
}

/* Runs apart had the machine to themselves at no time, and others need not have taken as much of it
 * from both: no interval holds that. */
static void add_disturbances(struct text *t, const struct comparison *c)
{
    double a = part_disturbed(&c->total_a), b = part_disturbed(&c->total_b);
    if (!c->is_one_run && fmax(a, b) >= COMPARE_MUCH_DISTURBED)
        text_addf(t,
                  " Of the samples that count %.0f %% in A and %.0f %% in B were disturbed: what "
                  "others took from the machine is in these ratios, and no interval tells how "
                  "much.",
                  100 * a, 100 * b);
}

static void print_meaning(FILE *to, const struct comparison *c, int columns)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "ratio: time of B / time of A; below 1: B is faster. ");
    if (c->n_tested > 1)
        text_addf(&t,
                  "Intervals and verdicts of all %zu points hold together with 95 %% (each has "
                  "%.*g %%, after Bonferroni). ",
                  c->n_tested, c->confidence > 0.9999 ? 7 : 4, floor(c->confidence * 1e7) / 1e5);
    else
        text_addf(&t, "The interval is at 95 %%. ");
    if (c->n_paired == c->n_tested && c->n_paired)
        text_addf(&t, "Ratios are paired: both parts were taken side by side, in the same passes.");
    else if (c->n_paired)
        text_addf(&t,
                  "%zu of the points are paired, taken side by side in the same passes; the others "
                  "were not, so a drift of the machine counts as a difference there.",
                  c->n_paired);
    else if (c->is_one_run)
        text_addf(&t, "The two parts were not taken side by side: a drift of the machine within "
                      "the run counts as a difference.");
    else
        text_addf(&t, "The runs were not taken side by side: a drift of the machine between them "
                      "counts as a difference.");
    add_launches(&t, c);
    add_disturbances(&t, c);
    fputc('\n', to);
    format_folded(to, t.text, 0, columns);
    text_release(&t);
}

static void print_lone(FILE *to, char letter, const struct summary_point *const *points, size_t n,
                       int columns)
{
    struct text t = TEXT_INIT;
    if (n == 0)
        return;
    text_addf(&t, "only in %c: %zu point%s: ", letter, n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n && i < MOST_LISTED; i++) {
        char name[FACTORS_NAME_BYTES];
        const struct point *p = &points[i]->point;
        text_addf(&t, "%s%s, %s", i ? "; " : "", p->experiment,
                  factors_name(p,
                               FACTOR_TASKS | FACTOR_BACKEND | FACTOR_RANKS | FACTOR_SCHEDULE |
                                   FACTOR_CHUNK | FACTOR_DISPATCH | FACTOR_WORKERS,
                               name));
    }
    if (n > MOST_LISTED)
        text_addf(&t, "; and %zu more", n - MOST_LISTED);
    fputc('\n', to);
    format_folded(to, t.text, 2, columns);
    text_release(&t);
}

static void print_end(FILE *to, const struct comparison *c, int columns)
{
    static const enum verdict order[] = {
        VERDICT_SLOWER, VERDICT_FASTER, VERDICT_SLOWER_HERE, VERDICT_FASTER_HERE,
        VERDICT_SAME,   VERDICT_FEW,    VERDICT_NO_RATIO,    VERDICT_NOT_MEASURED};
    struct text t = TEXT_INIT;
    text_addf(&t, "%zu point%s compared:", c->matching.n, c->matching.n == 1 ? "" : "s");
    bool is_first = true;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        size_t n = c->n_verdicts[order[i]];
        if (n)
            text_addf(&t, "%s %s at %zu", is_first ? "" : ",", verdict_name(order[i]), n);
        is_first = is_first && n == 0;
    }
    fputc('\n', to);
    format_folded(to, t.text, 0, columns);
    text_release(&t);
}

void comparison_write_text(const struct comparison *c, const struct differences *d, FILE *to,
                           int columns, bool color)
{
    print_part(to, 'A', c->a, &c->total_a, columns, color);
    print_part(to, 'B', c->b, &c->total_b, columns, color);
    print_differences(to, c, d, columns, color);
    print_meaning(to, c, columns);
    print_table(to, c, columns, color);
    print_lone(to, 'A', c->matching.only_a, c->matching.n_only_a, columns);
    print_lone(to, 'B', c->matching.only_b, c->matching.n_only_b, columns);
    print_end(to, c, columns);
}

/* --- machine formats ---------------------------------------------------------------------------
 */

/* The row of a point that has no counterpart. */
static struct compare_row lone_row(const struct summary_point *p, bool is_a)
{
    struct compare_row row = {.ratio = NAN,
                              .ratio_low = NAN,
                              .ratio_high = NAN,
                              .confidence = NAN,
                              .a_s = NAN,
                              .b_s = NAN,
                              .n_a = is_a ? p->n : 0,
                              .n_b = is_a ? 0 : p->n,
                              .chain_ratio = NAN};
    text_copy(row.verdict, sizeof row.verdict, is_a ? "only in A" : "only in B");
    return row;
}

static void each_row(const struct comparison *c,
                     void (*take)(void *user, const struct point *, const struct compare_row *),
                     void *user)
{
    for (size_t i = 0; i < c->matching.n; i++)
        take(user, &c->items[i].match.a->point, &c->items[i].row);
    for (int side = 0; side < 2; side++) {
        bool is_a = side == 0;
        const struct summary_point *const *points = is_a ? c->matching.only_a : c->matching.only_b;
        size_t n = is_a ? c->matching.n_only_a : c->matching.n_only_b;
        for (size_t i = 0; i < n; i++) {
            struct compare_row row = lone_row(points[i], is_a);
            take(user, &points[i]->point, &row);
        }
    }
}

static void write_csv_row(void *user, const struct point *point, const struct compare_row *row)
{
    struct text line = TEXT_INIT;
    record_csv(&line, point_fields, point);
    text_add(&line, ",", 1);
    record_csv(&line, compare_fields, row);
    fprintf(user, "%s\n", line.text);
    text_release(&line);
}

void comparison_write_csv(const struct comparison *c, FILE *to)
{
    struct text line = TEXT_INIT;
    record_csv_header(&line, point_fields);
    text_add(&line, ",", 1);
    record_csv_header(&line, compare_fields);
    fprintf(to, "%s\n", line.text);
    text_release(&line);
    each_row(c, write_csv_row, to);
}

static void add_json_row(void *user, const struct point *point, const struct compare_row *row)
{
    json_t *object = record_json(point_fields, point), *more = record_json(compare_fields, row);
    json_object_update(object, more);
    json_decref(more);
    json_array_append_new(user, object);
}

static json_t *part_json(const struct part *part, const struct part_totals *t)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(part->name));
    json_object_set_new(object, "points", json_integer((json_int_t)t->n_points));
    json_object_set_new(object, "samples", json_integer((json_int_t)t->n));
    json_object_set_new(object, "set_aside", json_integer((json_int_t)t->n_set_aside));
    json_object_set_new(object, "disturbed", json_integer((json_int_t)t->n_disturbed));
    json_object_set_new(object, "failed", json_integer((json_int_t)t->n_failed));
    json_object_set_new(object, "chain_ns",
                        isfinite(t->chain_ns) ? json_real(t->chain_ns) : json_null());
    return object;
}

void comparison_write_json(const struct comparison *c, const struct differences *d, FILE *to)
{
    json_t *points = json_array(), *all = json_object();
    each_row(c, add_json_row, points);
    json_object_set_new(all, "schema", json_integer(1));
    json_object_set_new(all, "a", part_json(c->a, &c->total_a));
    json_object_set_new(all, "b", part_json(c->b, &c->total_b));
    json_object_set_new(all, "one_run", json_boolean(c->is_one_run));
    json_object_set_new(all, "paired", json_integer((json_int_t)c->n_paired));
    json_object_set_new(all, "confidence", json_real(0.95));
    json_object_set_new(all, "confidence_each", json_real(c->confidence));
    json_object_set_new(all, "differences",
                        d && !c->is_one_run ? differences_json(d) : json_array());
    json_object_set_new(all, "points", points);
    json_dumpf(all, to, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    fputc('\n', to);
    json_decref(all);
}
