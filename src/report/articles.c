/* Claims beside measurements: see articles.h.
 *
 * A time or speedup holds when the median is within 5 % of the claim: the articles give single runs
 * or means of three, without a spread. Sums, chunks and shares are exact or they are not.
 */
#include "report/articles.h"

#include "base/alloc.h"
#include "report/format.h"
#include "stats/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARTICLE_ROW(type, name, unit, meaning)                                                     \
    {#name, FIELD_##type, offsetof(struct article_row, name), unit, meaning},

const struct field article_fields[] = {ARTICLE_FIELDS(ARTICLE_ROW){NULL, 0, 0, NULL, NULL}};

static const double tolerance = 0.05;

static double median_of_most(const struct summary_point *p)
{
    double *values = alloc_zeroed(p->n, sizeof *values);
    for (size_t i = 0; i < p->n; i++)
        values[i] = p->observations[i].most;
    double median = stats_estimate(values, NULL, p->n).median;
    free(values);
    return median;
}

static bool all_sums_are(const struct summary_point *p, uint64_t sum)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->observations[i].sum != sum)
            return false;
    return p->n > 0;
}

/* A ratio to what was not measured is none. */
static bool is_unmeasured(struct article_row *row)
{
    if (isfinite(row->measured))
        return false;
    text_copy(row->verdict, sizeof row->verdict, "not measured");
    return true;
}

static void judge_time(struct article_row *row)
{
    if (is_unmeasured(row))
        return;
    double ratio = row->measured / row->claimed;
    text_copy(row->verdict, sizeof row->verdict,
              ratio < 1 - tolerance   ? "faster"
              : ratio > 1 + tolerance ? "slower"
                                      : "holds");
}

static void judge_speedup(struct article_row *row)
{
    if (is_unmeasured(row))
        return;
    double ratio = row->measured / row->claimed;
    const char *verdict = ratio > 1 + tolerance   ? "higher"
                          : ratio < 1 - tolerance ? "lower"
                                                  : "holds";
    if (ratio < 1 - tolerance && row->bound < row->claimed * (1 - tolerance))
        verdict = "too few CPUs";
    text_copy(row->verdict, sizeof row->verdict, verdict);
}

static void fill_measured(struct article_row *row, const struct claim *claim,
                          const struct summary_point *p)
{
    const struct summary_row *r = &p->row;
    switch (claim->metric) {
    case CLAIM_TIME:
        row->bound = r->bound_s;
        row->measured = r->median_s;
        row->low = r->ci_low_s;
        row->high = r->ci_high_s;
        judge_time(row);
        return;
    case CLAIM_SPEEDUP:
        row->bound = r->bound;
        row->measured = r->speedup;
        row->low = r->speedup_low;
        row->high = r->speedup_high;
        judge_speedup(row);
        return;
    case CLAIM_SUM:
        row->measured = (double)p->observations[0].sum;
        text_copy(row->verdict, sizeof row->verdict,
                  all_sums_are(p, claim->exact) ? "exact" : "wrong");
        return;
    case CLAIM_CHUNKS:
        row->measured = r->chunks;
        break;
    case CLAIM_SHARE:
        row->measured = median_of_most(p);
        break;
    }
    text_copy(row->verdict, sizeof row->verdict,
              row->measured == claim->value ? "holds" : "differs");
}

/* A row of a claim that no point was measured for. */
static void begin_row(struct article_row *row, const struct article_claims *e,
                      const struct claim *claim)
{
    *row = (struct article_row){
        .claimed = claim->value, .measured = NAN, .bound = NAN, .low = NAN, .high = NAN};
    text_copy(row->claim, sizeof row->claim, claim->id);
    text_copy(row->experiment, sizeof row->experiment, e->experiment);
    text_copy(row->title, sizeof row->title, e->title);
    text_copy(row->source, sizeof row->source, e->source);
    text_copy(row->metric, sizeof row->metric, claim_metric_name(claim->metric));
    text_copy(row->verdict, sizeof row->verdict, "not measured");
    if (claim->metric == CLAIM_TIME)
        text_copy(row->unit, sizeof row->unit, "s");
}

static void fill_row(struct article_row *row, const struct article_claims *e,
                     const struct claim *claim, const struct summary_point *p)
{
    begin_row(row, e, claim);
    text_copy(row->schedule, sizeof row->schedule, p->point.schedule);
    row->chunk = p->point.chunk;
    row->chunk_auto = p->point.chunk_auto;
    row->workers = p->point.workers;
    row->ranks = p->point.ranks;
    row->threads = p->point.threads;
    text_copy(row->backend, sizeof row->backend, p->point.backend);
    if (p->n)
        fill_measured(row, claim, p);
}

/* What tells the rows of a claim apart, backends aside. A chunk that follows from the schedule
 * tells nothing that the schedule does not. */
struct shape {
    const char *schedule;
    uint64_t chunk, workers; /* chunk 0: the schedule's own */
};

static struct shape shape_of(const struct article_row *row)
{
    return (struct shape){row->schedule, row->chunk_auto ? 0 : row->chunk, row->workers};
}

static bool is_base_row(const struct article_row *row)
{
    return strcmp(row->backend, "seq") == 0;
}

/* Names the rows of one claim by what differs between them: "S29 c4", "S45 static W10". The
 * sequential row needs no more than the claim's name. */
static void name_rows(struct article_row *rows, size_t n)
{
    bool schedules = false, chunks = false, workers = false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            struct shape a = shape_of(&rows[i]), b = shape_of(&rows[k]);
            if (is_base_row(&rows[i]) || is_base_row(&rows[k]))
                continue;
            schedules = schedules || strcmp(a.schedule, b.schedule) != 0;
            chunks = chunks || a.chunk != b.chunk;
            workers = workers || a.workers != b.workers;
        }
    for (size_t i = 0; i < n; i++) {
        struct shape shape = shape_of(&rows[i]);
        struct text t = TEXT_INIT;
        text_addf(&t, "%s", rows[i].claim);
        if (schedules && !is_base_row(&rows[i]))
            text_addf(&t, " %s", shape.schedule);
        if (chunks && shape.chunk && !is_base_row(&rows[i]))
            text_addf(&t, " c%" PRIu64, shape.chunk);
        if (workers && !is_base_row(&rows[i]))
            text_addf(&t, " W%" PRIu64, shape.workers);
        text_copy(rows[i].row, sizeof rows[i].row, t.text);
        text_release(&t);
    }
}

/* Rows of one claim: shape by shape, backends side by side. The order is a stable one. */
static int compare_shapes(const void *a, const void *b)
{
    const struct article_row *const *x = a, *const *y = b;
    int schedule = strcmp((*x)->schedule, (*y)->schedule);
    if ((*x)->workers != (*y)->workers)
        return (*x)->workers < (*y)->workers ? -1 : 1;
    if (schedule)
        return schedule;
    if ((*x)->chunk != (*y)->chunk)
        return (*x)->chunk < (*y)->chunk ? -1 : 1;
    return *x < *y ? -1 : 1;
}

static void sort_rows(struct article_row *rows, size_t n)
{
    const struct article_row **order = alloc_zeroed(n, sizeof *order);
    struct article_row *sorted = alloc_zeroed(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        order[i] = &rows[i];
    qsort(order, n, sizeof *order, compare_shapes);
    for (size_t i = 0; i < n; i++)
        sorted[i] = *order[i];
    memcpy(rows, sorted, n * sizeof *rows);
    free(order);
    free(sorted);
}

static bool same_claim(const struct article_row *a, const struct article_row *b)
{
    return strcmp(a->claim, b->claim) == 0 && strcmp(a->metric, b->metric) == 0 &&
           strcmp(a->experiment, b->experiment) == 0;
}

static bool has_points(const struct summary *s, const char *experiment)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->points[i].point.experiment, experiment) == 0)
            return true;
    return false;
}

size_t articles_make(const struct summary *s, const struct article_claims *experiments, size_t n,
                     struct article_row **rows)
{
    size_t n_rows = 0, capacity = 0;
    *rows = NULL;
    for (size_t e = 0; e < n; e++)
        for (size_t c = 0; c < experiments[e].n && has_points(s, experiments[e].experiment); c++) {
            const struct claim *claim = &experiments[e].claims[c];
            size_t before = n_rows;
            for (size_t i = 0; i < s->n; i++) {
                const struct summary_point *p = &s->points[i];
                if (strcmp(p->point.experiment, experiments[e].experiment) != 0 ||
                    !claim_speaks_of(claim, &p->point))
                    continue;
                *rows = alloc_room(*rows, n_rows, &capacity, sizeof **rows);
                fill_row(&(*rows)[n_rows++], &experiments[e], claim, p);
            }
            if (n_rows > before)
                continue;
            *rows = alloc_room(*rows, n_rows, &capacity, sizeof **rows);
            begin_row(&(*rows)[n_rows++], &experiments[e], claim);
        }
    for (size_t i = 0, end; i < n_rows; i = end) {
        for (end = i + 1; end < n_rows && same_claim(&(*rows)[i], &(*rows)[end]); end++)
            ;
        sort_rows(*rows + i, end - i);
        name_rows(*rows + i, end - i);
    }
    return n_rows;
}

void articles_write_csv(const struct article_row *rows, size_t n, FILE *to)
{
    struct text line = TEXT_INIT;
    record_csv_header(&line, article_fields);
    fprintf(to, "%s\n", line.text);
    for (size_t i = 0; i < n; i++) {
        text_clear(&line);
        record_csv(&line, article_fields, &rows[i]);
        fprintf(to, "%s\n", line.text);
    }
    text_release(&line);
}

static void format_value(const struct article_row *row, double value, char *buffer, size_t size)
{
    if (*row->unit)
        format_seconds(value, buffer, size);
    else if (strcmp(row->metric, "speedup") == 0)
        format_ratio(value, buffer, size);
    else if (isfinite(value))
        snprintf(buffer, size, "%.0f", value);
    else
        snprintf(buffer, size, "-");
}

/* Good: as claimed or better. Bad: an answer that is wrong or missing. */
static const char *verdict_style(const char *verdict)
{
    static const char *const good[] = {"holds", "faster", "higher", "exact"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strcmp(verdict, good[i]) == 0)
            return STYLE_GOOD;
    bool bad = strcmp(verdict, "wrong") == 0 || strcmp(verdict, "not measured") == 0;
    return bad ? STYLE_BAD : STYLE_NOTE;
}

/* Rows of one claim that say the same: equal values without an interval, as all exact sums are. */
static bool say_the_same(const struct article_row *a, const struct article_row *b)
{
    return same_claim(a, b) && !isfinite(a->low) && !isfinite(b->low) &&
           a->measured == b->measured && a->claimed == b->claimed &&
           strcmp(a->verdict, b->verdict) == 0;
}

/* Prints rows[0..n-1], which say the same, as one line. */
static void print_article_rows(FILE *to, const struct article_row *rows, size_t n, bool color)
{
    const struct article_row *row = rows;
    char claimed[32], bound[32], measured[32], interval[64], who[64], shape[64] = "";
    format_value(row, row->claimed, claimed, sizeof claimed);
    format_value(row, row->bound, bound, sizeof bound);
    format_value(row, row->measured, measured, sizeof measured);
    if (*row->unit)
        format_seconds_interval(row->low, row->high, row->measured, interval, sizeof interval);
    else
        format_ratio_interval(row->low, row->high, interval, sizeof interval);
    bool one_shape = true;
    for (size_t i = 1; i < n; i++)
        one_shape = one_shape && strcmp(rows[i].row, row->row) == 0;
    if (!*row->backend)
        snprintf(who, sizeof who, "no point");
    else if (n > 1)
        snprintf(who, sizeof who, "%zu points", n);
    else if (strcmp(row->backend, "hybrid") == 0)
        snprintf(who, sizeof who, "hybrid %" PRIu64 "x%" PRIu64, row->ranks, row->threads);
    else
        snprintf(who, sizeof who, "%.32s", row->backend);
    if (*row->backend && strcmp(row->backend, "seq") != 0 && one_shape)
        snprintf(shape, sizeof shape, "%.16s,%" PRIu64, row->schedule, row->chunk);
    fputs("    ", to);
    format_cell(to, who, -10);
    fputc(' ', to);
    format_cell(to, shape, -11);
    format_cell(to, claimed, 8);
    format_cell(to, bound, 9);
    fputc(' ', to);
    format_cell(to, measured, 8);
    fputc(' ', to);
    format_cell(to, interval, -15);
    fprintf(to, "%s%s%s\n", format_style(color, verdict_style(row->verdict)), row->verdict,
            format_style(color, STYLE_END));
}

void articles_write_text(const struct article_row *rows, size_t n, FILE *to, bool color)
{
    if (n == 0)
        return;
    fputs(
        "\nThe articles' rows\n    backend    schedule    claimed    bound measured 95 % interval  "
        "verdict\n",
        to);
    for (size_t i = 0, end; i < n; i = end) {
        const struct article_row *row = &rows[i];
        if (i == 0 || strcmp(rows[i - 1].experiment, row->experiment) != 0)
            fprintf(to, "%s%s%s: %s%s%s%s\n", format_style(color, STYLE_BOLD), row->experiment,
                    format_style(color, STYLE_END), row->title, *row->source ? " [" : "",
                    row->source, *row->source ? "]" : "");
        if (i == 0 || !same_claim(&rows[i - 1], row))
            fprintf(to, "  %s %s\n", row->claim, row->metric);
        for (end = i + 1; end < n && say_the_same(row, &rows[end]); end++)
            ;
        print_article_rows(to, row, end - i, color);
    }
}
