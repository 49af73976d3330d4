/* Claims beside measurements: see articles.h.
 *
 * A time or speedup holds when the median is within 5 % of the claim: the articles give single runs or
 * means of three, without a spread. Sums, chunks and shares are exact or they are not.
 */
#include "report/articles.h"

#include "base/alloc.h"
#include "report/format.h"
#include "stats/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARTICLE_ROW(type, name, unit, meaning)                                                         \
    {#name, FIELD_##type, offsetof(struct article_row, name), unit, meaning},

const struct field article_fields[] = {ARTICLE_FIELDS(ARTICLE_ROW){NULL, 0, 0, NULL, NULL}};

static const double tolerance = 0.05;

static double median_of_counts(const struct summary_point *p, size_t offset)
{
    double *values = alloc_zeroed(p->n, sizeof *values);
    for (size_t i = 0; i < p->n; i++)
        values[i] = *(const uint32_t *)((const char *)&p->observations[i] + offset);
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

static void judge_time(struct article_row *row)
{
    double ratio = row->measured / row->claimed;
    text_copy(row->verdict, sizeof row->verdict,
              ratio < 1 - tolerance ? "faster" : ratio > 1 + tolerance ? "slower" : "holds");
}

static void judge_speedup(struct article_row *row)
{
    double ratio = row->measured / row->claimed;
    const char *verdict = ratio > 1 + tolerance ? "higher" : ratio < 1 - tolerance ? "lower" : "holds";
    if (ratio < 1 - tolerance && row->bound < row->claimed * (1 - tolerance))
        verdict = "too few CPUs";
    text_copy(row->verdict, sizeof row->verdict, verdict);
}

static void fill_measured(struct article_row *row, const struct claim *claim, const struct summary_point *p)
{
    const struct summary_row *r = &p->row;
    row->bound = row->low = row->high = NAN;
    switch (claim->metric) {
    case CLAIM_TIME:
        text_copy(row->unit, sizeof row->unit, "s");
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
        text_copy(row->verdict, sizeof row->verdict, all_sums_are(p, claim->exact) ? "exact" : "wrong");
        return;
    case CLAIM_CHUNKS:
        row->measured = median_of_counts(p, offsetof(struct observation, chunks));
        break;
    case CLAIM_SHARE:
        row->measured = median_of_counts(p, offsetof(struct observation, most));
        break;
    }
    text_copy(row->verdict, sizeof row->verdict, row->measured == claim->value ? "holds" : "differs");
}

static void fill_row(struct article_row *row, const struct article_claims *e, const struct claim *claim,
                     const struct summary_point *p)
{
    *row = (struct article_row){0};
    text_copy(row->row, sizeof row->row, claim->id);
    text_copy(row->experiment, sizeof row->experiment, e->experiment);
    text_copy(row->title, sizeof row->title, e->title);
    text_copy(row->source, sizeof row->source, e->source);
    text_copy(row->metric, sizeof row->metric, claim_metric_name(claim->metric));
    text_copy(row->schedule, sizeof row->schedule, p->point.schedule);
    row->chunk = p->point.chunk;
    row->workers = p->point.workers;
    if (strcmp(p->point.backend, "hybrid") == 0)
        snprintf(row->backend, sizeof row->backend, "hybrid %" PRIu64 "x%" PRIu64, p->point.ranks,
                 p->point.threads);
    else
        text_copy(row->backend, sizeof row->backend, p->point.backend);
    row->claimed = claim->value;
    row->measured = NAN;
    if (p->n)
        fill_measured(row, claim, p);
    else
        text_copy(row->verdict, sizeof row->verdict, "not measured");
}

size_t articles_make(const struct summary *s, const struct article_claims *experiments, size_t n,
                     struct article_row **rows)
{
    size_t n_rows = 0, capacity = 0;
    *rows = NULL;
    for (size_t e = 0; e < n; e++)
        for (size_t c = 0; c < experiments[e].n; c++)
            for (size_t i = 0; i < s->n; i++) {
                const struct summary_point *p = &s->points[i];
                if (strcmp(p->point.experiment, experiments[e].experiment) != 0 ||
                    !claim_speaks_of(&experiments[e].claims[c], &p->point))
                    continue;
                *rows = alloc_room(*rows, n_rows, &capacity, sizeof **rows);
                fill_row(&(*rows)[n_rows++], &experiments[e], &experiments[e].claims[c], p);
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

static void print_article_row(FILE *to, const struct article_row *row, bool color)
{
    char claimed[32], bound[32], measured[32], interval[64] = "", shape[64];
    format_value(row, row->claimed, claimed, sizeof claimed);
    format_value(row, row->bound, bound, sizeof bound);
    format_value(row, row->measured, measured, sizeof measured);
    if (*row->unit)
        format_seconds_interval(row->low, row->high, row->measured, interval, sizeof interval);
    else
        format_ratio_interval(row->low, row->high, interval, sizeof interval);
    if (strcmp(row->backend, "seq") == 0)
        *shape = '\0';
    else
        snprintf(shape, sizeof shape, "%.16s,%" PRIu64, row->schedule, row->chunk);
    fputs("  ", to);
    format_cell(to, row->backend, -11);
    format_cell(to, shape, -12);
    format_cell(to, claimed, 12);
    format_cell(to, bound, 9);
    format_cell(to, measured, 12);
    fputc(' ', to);
    format_cell(to, interval, -15);
    fprintf(to, "%s%s%s\n", format_style(color, verdict_style(row->verdict)), row->verdict,
            format_style(color, STYLE_END));
}

void articles_write_text(const struct article_row *rows, size_t n, FILE *to, bool color)
{
    if (n == 0)
        return;
    fputs("\nThe articles' rows\n  backend    schedule         claimed    bound    measured 95 % interval  "
          "verdict\n", to);
    for (size_t i = 0; i < n; i++) {
        const struct article_row *row = &rows[i];
        bool first = i == 0 || strcmp(rows[i - 1].row, row->row) != 0 ||
                     strcmp(rows[i - 1].metric, row->metric) != 0;
        if (first)
            fprintf(to, "%s%s %s%s: %s [%s]\n", format_style(color, STYLE_BOLD), row->row, row->metric,
                    format_style(color, STYLE_END), row->title, row->source);
        print_article_row(to, row, color);
    }
}
