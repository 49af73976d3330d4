/* Text tables of a summary, an experiment at a time. Columns are chosen by the width there is and
 * by what varies: each says its header, its width, from which width of the terminal on it is shown
 * and how to fill a cell, in one row of a table.
 *
 * Where speedups are known with their intervals, these are what an experiment is about: a narrow
 * table shows them and leaves out the intervals of times. Tasks that do nothing have no speedup
 * worth the name: their tables show what a task costs, and the ratio to the fastest row. */
#include "base/alloc.h"
#include "report/factors.h"
#include "report/format.h"
#include "report/notes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = FIELD_TEXT_BYTES + 8 };

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
    snprintf(cell, CELL_BYTES, "%s", is_base(p) ? "" : p->point.schedule);
}

static void fill_dispatch(const struct summary_point *p, char *cell)
{
    snprintf(cell, CELL_BYTES, "%.40s", is_base(p) ? "" : p->point.dispatch);
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

static void fill_p95(const struct summary_point *p, char *cell)
{
    if (isfinite(p->row.p95_s))
        format_seconds(p->row.p95_s, cell, CELL_BYTES);
}

static void fill_worst(const struct summary_point *p, char *cell)
{
    format_seconds(p->row.max_s, cell, CELL_BYTES);
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

/* Of the time that all workers had. */
static void fill_share(double part_s, const struct summary_point *p, char *cell)
{
    double claim_s = isnan(p->row.claim_s) ? 0 : p->row.claim_s;
    double all_s = p->row.busy_s + claim_s + p->row.idle_s;
    if (!is_base(p) && isfinite(part_s / all_s))
        snprintf(cell, CELL_BYTES, "%.1f %%", part_s / all_s * 100);
}

static void fill_claim(const struct summary_point *p, char *cell)
{
    fill_share(p->row.claim_s, p, cell);
}

static void fill_idle(const struct summary_point *p, char *cell)
{
    fill_share(p->row.idle_s, p, cell);
}

static void fill_n_chunks(const struct summary_point *p, char *cell)
{
    if (!is_base(p) && isfinite(p->row.chunks))
        snprintf(cell, CELL_BYTES, "%.0f", p->row.chunks);
}

static void fill_mark(const struct summary_point *p, char *cell)
{
    notes_marks(p->row.flags, cell);
}

struct column {
    const char *header;
    int width;      /* negative: left-aligned */
    int needs;      /* columns of the terminal from which on it is shown */
    int needs_null; /* the same, for tasks that do nothing */
    fill *fill;     /* NULL: filled from the layout */
};

enum column_id {
    BACKEND,
    SCHEDULE,
    DISPATCH,
    CHUNK,
    WORKERS,
    MARK,
    N,
    TIME,
    TIME_INTERVAL,
    P95,
    WORST,
    SPEEDUP,
    SPEEDUP_INTERVAL,
    BOUND,
    EFFICIENCY,
    PER_TASK,
    TO_BEST,
    SERIAL,
    N_CHUNKS,
    CLAIM,
    IDLE,
    N_COLUMNS
};

enum { NEVER = 1 << 20 };

static const struct column columns_table[N_COLUMNS] = {
    [BACKEND] = {"backend", -11, 0, 0, fill_backend},
    [SCHEDULE] = {"schedule", -8, 0, 0, fill_schedule},
    [DISPATCH] = {"dispatch", -8, 0, 0, fill_dispatch}, /* where it varies */
    [CHUNK] = {"chunk", 6, 0, 0, fill_chunk},
    [WORKERS] = {"W", 4, 0, 0, fill_workers},
    [MARK] = {"", -2, 0, 0, fill_mark},
    [N] = {"n", 4, 101, 101, fill_n},
    [TIME] = {"time", 8, 0, 0, fill_time},
    [TIME_INTERVAL] = {"95 % interval", -14, 96, 0, fill_time_interval},
    [P95] = {"p95", 8, 110, 110, fill_p95},
    [WORST] = {"worst", 8, 119, 119, fill_worst},
    [SPEEDUP] = {"speedup", 7, 0, NEVER, fill_speedup},
    [SPEEDUP_INTERVAL] = {"95 % interval", -13, 0, NEVER, fill_speedup_interval},
    [BOUND] = {"bound", 5, 0, NEVER, fill_bound},
    [EFFICIENCY] = {"eff.", 6, 96, NEVER, fill_efficiency},
    [PER_TASK] = {"a task", 8, 128, 0, fill_per_task},
    [TO_BEST] = {"to best", 7, NEVER, 0, NULL},
    [SERIAL] = {"serial", 6, 135, NEVER, fill_karp_flatt},
    [N_CHUNKS] = {"chunks", 7, 143, 127, fill_n_chunks},
    [CLAIM] = {"claim", 6, 150, 85, fill_claim},
    [IDLE] = {"idle", 6, 157, 92, fill_idle},
};

/* How a block is shown. */
struct layout {
    int width[N_COLUMNS];   /* as in columns_table; 0: not shown */
    bool hidden[N_COLUMNS]; /* for want of room, and told nowhere else */
    bool is_null, has_rules;
    bool has_speedups;  /* with intervals */
    double best_s;      /* shortest time of its rows but the base */
    const char **alike; /* [n_alike] schedules that look like another one when they are cut; a key
                           below the table tells them apart */
    size_t n_alike;
};

static int size_of(int width)
{
    return width < 0 ? -width : width;
}

static int total_width(const struct layout *l)
{
    int total = 1;
    for (int i = 0; i < N_COLUMNS; i++)
        total += l->width[i] ? 1 + size_of(l->width[i]) : 0;
    return total;
}

/* Makes a left-aligned column as wide as its widest cell, but no wider than `most`. */
static void widen(struct layout *l, enum column_id id, const struct summary_point *p, int most)
{
    char cell[CELL_BYTES] = "";
    columns_table[id].fill(p, cell);
    int width = format_width(cell) < most ? format_width(cell) : most;
    if (width > size_of(l->width[id]))
        l->width[id] = -width;
}

static void fill_to_best(const struct layout *l, const struct summary_point *p, char *cell)
{
    if (!is_base(p) && isfinite(p->row.median_s / l->best_s))
        format_ratio(p->row.median_s / l->best_s, cell, CELL_BYTES);
}

static void shorten_schedule(const struct layout *l, char *cell)
{
    char number[32] = "";
    for (size_t i = 0; i < l->n_alike; i++)
        if (strcmp(l->alike[i], cell) == 0)
            snprintf(number, sizeof number, " (%zu)", i + 1);
    format_cut(cell, size_of(l->width[SCHEDULE]) - format_width(number));
    strcat(cell, number);
}

static void print_row(FILE *to, const struct layout *l, const struct summary_point *p)
{
    fputs(" ", to);
    for (int i = 0; i < N_COLUMNS; i++) {
        const struct column *c = &columns_table[i];
        char cell[CELL_BYTES] = "";
        if (!l->width[i])
            continue;
        if (p && c->fill)
            c->fill(p, cell);
        else if (p)
            fill_to_best(l, p, cell);
        if (i == SCHEDULE)
            shorten_schedule(l, cell);
        else if (i <= DISPATCH)
            format_cut(cell, size_of(l->width[i]));
        fputc(' ', to);
        format_cell(to, p ? cell : c->header, l->width[i]);
    }
    fputc('\n', to);
}

static bool same_block(const struct summary_point *a, const struct summary_point *b)
{
    return strcmp(a->point.experiment, b->point.experiment) == 0 &&
           strcmp(a->point.workload, b->point.workload) == 0 && a->point.tasks == b->point.tasks &&
           a->point.scale == b->point.scale && strcmp(a->point.bind, b->point.bind) == 0;
}

/* Whether the rows of a block but its base agree on chunk size or workers. */
static bool is_constant(const struct summary *s, const struct summary_point *first,
                        enum column_id id)
{
    const struct point *seen = NULL;
    for (size_t i = 0; i < s->n; i++) {
        const struct point *q = &s->points[i].point;
        if (!same_block(first, &s->points[i]) || is_base(&s->points[i]))
            continue;
        if (seen && (id == CHUNK ? q->chunk != seen->chunk : q->workers != seen->workers))
            return false;
        seen = q;
    }
    return seen != NULL;
}

/* Whether some schedule of some backend was dispatched in several ways. */
static bool has_dispatches(const struct summary *s, const struct summary_point *first)
{
    const struct point **points = alloc_zeroed(s->n, sizeof *points);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (same_block(first, &s->points[i]))
            points[n++] = &s->points[i].point;
    unsigned varying = factors_among(points, n);
    free((void *)points);
    return varying & FACTOR_DISPATCH;
}

/* Whether all rows leave the chunk size to rules of which one makes chunks of several sizes: then
 * their number says more than the least size. */
static bool has_rules(const struct summary *s, const struct summary_point *first)
{
    bool varies = false;
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        if (!same_block(first, p) || is_base(p))
            continue;
        if (!p->point.chunk_auto || !isfinite(p->row.chunks))
            return false;
        double size = (double)p->point.chunk, tasks = (double)p->point.tasks;
        varies = varies || ceil(tasks / size) != p->row.chunks;
    }
    return varies;
}

static bool is_listed(const char *const *list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

static bool looks_alike(const char *a, const char *b, int width)
{
    char x[CELL_BYTES], y[CELL_BYTES];
    text_copy(x, sizeof x, a);
    text_copy(y, sizeof y, b);
    format_cut(x, width);
    format_cut(y, width);
    return strcmp(a, b) != 0 && strcmp(x, y) == 0;
}

static void find_alike(struct layout *l, const struct summary *s, const struct summary_point *first)
{
    const char **cut = alloc_zeroed(s->n, sizeof *cut);
    size_t n = 0;
    int width = size_of(l->width[SCHEDULE]);
    for (size_t i = 0; i < s->n; i++) {
        const char *schedule = s->points[i].point.schedule;
        if (same_block(first, &s->points[i]) && !is_base(&s->points[i]) &&
            format_width(schedule) > width && !is_listed(cut, n, schedule))
            cut[n++] = schedule;
    }
    l->alike = alloc_zeroed(n ? n : 1, sizeof *l->alike);
    for (size_t i = 0; i < n; i++) {
        bool alike = false;
        for (size_t k = 0; k < n; k++)
            alike = alike || looks_alike(cut[i], cut[k], width);
        if (alike)
            l->alike[l->n_alike++] = cut[i];
    }
    free(cut);
}

/* The width of the terminal from which on a column is shown. */
static int needs_of(const struct layout *l, enum column_id id)
{
    if (id == N_CHUNKS && l->has_rules)
        return 0;
    if (l->is_null)
        return columns_table[id].needs_null;
    if (!l->has_speedups && (id == TIME_INTERVAL || id == SPEEDUP_INTERVAL))
        id = id == TIME_INTERVAL ? SPEEDUP_INTERVAL : TIME_INTERVAL; /* times come first */
    return columns_table[id].needs;
}

static void drop(struct layout *l, enum column_id id)
{
    l->hidden[id] = l->hidden[id] || l->width[id];
    l->width[id] = 0;
}

/* How much wider than its own a column must be for its widest cell. */
static int excess(const struct summary *s, const struct summary_point *first, enum column_id id)
{
    const struct column *c = &columns_table[id];
    int widest = size_of(c->width);
    for (size_t i = 0; c->fill && i < s->n; i++) {
        char cell[CELL_BYTES] = "";
        if (!same_block(first, &s->points[i]))
            continue;
        c->fill(&s->points[i], cell);
        if (format_width(cell) > widest)
            widest = format_width(cell);
    }
    return widest - size_of(c->width);
}

/* Names take the room that they need: first that of columns that a wider terminal would show, then
 * that of columns that are the same in every row, which the heading tells, then that of intervals.
 * At last long schedules are cut. */
static struct layout lay_out(const struct summary *s, const struct summary_point *first,
                             int columns)
{
    struct layout l = {.is_null = strncmp(first->point.workload, "null", 4) == 0, .best_s = NAN};
    for (int i = 0; i <= DISPATCH; i++)
        l.width[i] = columns_table[i].width;
    if (!has_dispatches(s, first))
        l.width[DISPATCH] = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        if (!same_block(first, p))
            continue;
        for (int k = 0; k <= DISPATCH; k++)
            if (l.width[k])
                widen(&l, k, p, columns / 4);
        if (!is_base(p) && isfinite(p->row.median_s) && !(p->row.median_s >= l.best_s))
            l.best_s = p->row.median_s;
        l.has_speedups = l.has_speedups || (!is_base(p) && isfinite(p->row.speedup_low));
    }
    int more = total_width(&l) - 1 - 12 - 9; /* beyond what backend and schedule have anyhow */
    l.has_rules = has_rules(s, first);
    for (int i = DISPATCH + 1; i < N_COLUMNS; i++) {
        const struct column *c = &columns_table[i];
        int needs = needs_of(&l, i);
        int wider = excess(s, first, i);
        bool is_narrow = needs > 0 && needs + more + wider > columns;
        l.hidden[i] = is_narrow && needs < NEVER;
        if (is_narrow || (i == CHUNK && l.has_rules))
            continue;
        l.width[i] = c->width < 0 ? c->width - wider : c->width + wider;
        more += wider;
    }
    static const enum column_id constant[] = {CHUNK, WORKERS};
    for (int i = 0; i < 2; i++)
        if (total_width(&l) > columns && is_constant(s, first, constant[i]))
            l.width[constant[i]] = 0;
    static const enum column_id intervals[] = {TIME_INTERVAL, SPEEDUP_INTERVAL};
    int over = total_width(&l) - columns;
    for (int i = 0; i < 2 && over > 0 && size_of(l.width[SCHEDULE]) - over < 16; i++) {
        drop(&l, intervals[i]);
        over = total_width(&l) - columns;
    }
    if (over > 0)
        l.width[SCHEDULE] =
            -(size_of(l.width[SCHEDULE]) - over > 8 ? size_of(l.width[SCHEDULE]) - over : 8);
    find_alike(&l, s, first);
    return l;
}

/* Whether the block's points open and close their workers in every sample; its base does not. */
static bool has_fresh(const struct summary *s, const struct summary_point *p)
{
    for (size_t i = 0; i < s->n; i++)
        if (same_block(p, &s->points[i]) && s->points[i].point.fresh)
            return true;
    return false;
}

/* What the columns that were left out for being constant would say. */
static void print_constants(FILE *to, const struct summary *s, const struct summary_point *first,
                            const struct layout *l)
{
    const struct point *point = NULL;
    for (size_t i = 0; i < s->n; i++)
        if (same_block(first, &s->points[i]) && !is_base(&s->points[i]))
            point = &s->points[i].point;
    if (point && !l->width[WORKERS])
        fprintf(to, ", %" PRIu64 " worker%s", point->workers, point->workers == 1 ? "" : "s");
    if (point && !l->width[CHUNK] && !l->has_rules)
        fprintf(to, ", chunk %" PRIu64, point->chunk);
}

static void print_heading(FILE *to, const struct summary *s, const struct summary_point *p,
                          const struct layout *l, int columns, bool color)
{
    char cell[CELL_BYTES];
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
    print_constants(to, s, p, l);
    if (p->facts.title && *p->facts.title)
        fprintf(to, "\n%s", p->facts.title);
    fputc('\n', to);
    if (!base || !base->n)
        return;
    int used = fprintf(to, "base: seq, the serial run, %s",
                       format_seconds(base->row.median_s, cell, sizeof cell));
    if (!l->width[TIME_INTERVAL] && isfinite(base->row.ci_low_s))
        used += fprintf(to, " %s",
                        format_seconds_interval(base->row.ci_low_s, base->row.ci_high_s,
                                                base->row.median_s, cell, sizeof cell));
    if (base->n_chain) {
        snprintf(cell, sizeof cell, "burn chain %.2f ns an iteration",
                 (double)base->chain_ps_sum / (double)base->n_chain / 1000);
        fprintf(to, "%s%s", used + 2 + format_width(cell) > columns ? "\n      " : "; ", cell);
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
    bool retaken = p->n_retaken == p->n_failed;
    if (p->n_failed == 0)
        return;
    text_addf(&t, "%s, %s, chunk %" PRIu64 ", W=%" PRIu64 ": %zu failed%s; the last: %s",
              p->point.backend, p->point.schedule, p->point.chunk, p->point.workers, p->n_failed,
              retaken ? ", taken again" : "", p->last_error);
    fputs(retaken ? "  + " : "  ! ", to);
    format_folded(to, t.text, 4, columns);
    text_release(&t);
}

/* Each remark of the block's samples once, with the first point that has it. */
static void print_remarks(FILE *to, const struct summary *s, size_t first, int columns)
{
    for (size_t i = first; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        bool is_new = *p->remark && same_block(&s->points[first], p);
        for (size_t k = first; k < i && is_new; k++)
            is_new = !same_block(p, &s->points[k]) || strcmp(p->remark, s->points[k].remark) != 0;
        if (!is_new)
            continue;
        size_t more = 0;
        for (size_t k = i + 1; k < s->n; k++)
            more += same_block(p, &s->points[k]) && strcmp(p->remark, s->points[k].remark) == 0;
        struct text t = TEXT_INIT;
        char name[FACTORS_NAME_BYTES];
        text_addf(&t, "%s (%s, W=%" PRIu64, p->remark,
                  factors_name(&p->point, FACTOR_BACKEND | FACTOR_SCHEDULE | FACTOR_DISPATCH, name),
                  p->point.workers);
        if (more)
            text_addf(&t, " and %zu more", more);
        text_addf(&t, ")");
        fputs("  > ", to);
        format_folded(to, t.text, 4, columns);
        text_release(&t);
    }
}

static void print_alike(FILE *to, const struct layout *l, int columns)
{
    for (size_t i = 0; i < l->n_alike; i++) {
        int indent = fprintf(to, "  (%zu) ", i + 1);
        format_folded(to, l->alike[i], indent, columns);
    }
}

/* What blocks had to say, and what they had no room for: told once, below all of them. */
struct told {
    struct notes notes;
    bool hidden[N_COLUMNS];
};

/* Columns that other blocks have room for are told all the same: they are hidden somewhere. */
static void print_hidden(FILE *to, const struct told *told, int columns)
{
    struct text t = TEXT_INIT;
    for (int i = 0; i < N_COLUMNS; i++)
        if (told->hidden[i])
            text_addf(&t, "%s%s%s", t.length ? ", " : "",
                      i == SPEEDUP_INTERVAL ? "interval of the speedup" : columns_table[i].header,
                      i == TIME_INTERVAL ? " of the time" : "");
    if (t.length) {
        fputs("not shown: ", to);
        text_addf(&t, " (a wider terminal has room; --format csv tells all)");
        format_folded(to, t.text, 11, columns);
    }
    text_release(&t);
}

/* One experiment's points with one workload: the block that begins with point `first`. */
static void print_block(FILE *to, const struct summary *s, size_t first, int columns, bool color,
                        struct told *told)
{
    const struct summary_point *p = &s->points[first];
    struct layout layout = lay_out(s, p, columns);
    print_heading(to, s, p, &layout, columns, color);
    print_row(to, &layout, NULL);
    for (int rank = 0; rank < 2; rank++)
        for (size_t k = first; k < s->n; k++) {
            const struct summary_point *q = &s->points[k];
            if (!same_block(p, q) || rank_of(q) != rank)
                continue;
            print_row(to, &layout, q);
            notes_add(&told->notes, &q->row);
        }
    for (int i = 0; i < N_COLUMNS; i++)
        told->hidden[i] = told->hidden[i] || layout.hidden[i];
    print_alike(to, &layout, columns);
    free(layout.alike);
    for (size_t k = first; k < s->n; k++)
        if (same_block(p, &s->points[k]))
            print_failures(to, &s->points[k], columns);
    print_remarks(to, s, first, columns);
}

void summary_write_text(const struct summary *s, FILE *to, int columns, bool color,
                        bool (*skips)(void *user, const char *experiment), void *user)
{
    struct told told = {0};
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = same_block(p, &s->points[k]);
        if (!seen && !(skips && skips(user, p->point.experiment)))
            print_block(to, s, i, columns, color, &told);
    }
    notes_write_legend(&told.notes, to, columns);
    notes_write_rates(s, to, columns);
    print_hidden(to, &told, columns);
    if (*s->rules)
        format_folded(to, s->rules, 7, columns);
}
