/* What the files of a run's folder say: see evidence.h. */
#include "report/evidence.h"

#include "base/alloc.h"
#include "record/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4300 };

static char *path_of(const struct evidence *e, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%.4000s/%s", e->given.folder, name);
    return path;
}

const json_t *evidence_member(const struct evidence *e, const char *path)
{
    const json_t *at = e->given.manifest;
    size_t n;
    char **words = text_words(path, ".", &n);
    for (size_t i = 0; i < n && at; i++)
        at = json_object_get(at, words[i]);
    text_words_free(words);
    return at && !json_is_null(at) ? at : NULL;
}

bool evidence_has_file(const struct evidence *e, const char *name)
{
    char path[PATH_BYTES];
    struct stat st;
    return stat(path_of(e, name, path), &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

char *evidence_name(const struct point *p, char *name, size_t size)
{
    snprintf(name, size, "%.63s, %.63s, W=%" PRIu64, p->experiment, p->backend, p->workers);
    return name;
}

/* --- summary.csv ------------------------------------------------------------------------------ */

static const struct summary_point *find_point(const struct summary *s, const struct point *point,
                                              size_t guess)
{
    if (guess < s->n && point_equal(&s->points[guess].point, point))
        return &s->points[guess]; /* rows stand in the order of the plan */
    for (size_t i = 0; i < s->n; i++)
        if (point_equal(&s->points[i].point, point))
            return &s->points[i];
    return NULL;
}

/* Reads the cells of a row that belong to a table of fields. */
static int read_fields(struct csv *csv, const struct field *fields, void *record, struct err *err)
{
    for (const struct field *f = fields; f->name; f++) {
        size_t column = csv_column(csv, f->name);
        if (column == SIZE_MAX)
            return err_set(err, "summary.csv has no column %s", f->name);
        if (record_read_cell(f, record, csv_cell(csv, column), err) != 0)
            return err_prefix(err, "summary.csv:%zu", csv->line);
    }
    return 0;
}

static void take_rows_again(struct evidence *e)
{
    const struct summary *s = e->given.summary;
    e->rows = alloc_zeroed(s->n + 1, sizeof *e->rows);
    for (size_t i = 0; i < s->n; i++)
        e->rows[i] = (struct evidence_row){s->points[i].point, s->points[i].row, &s->points[i]};
    e->n_rows = s->n;
}

static void read_summary(struct evidence *e)
{
    char path[PATH_BYTES];
    struct csv csv;
    struct err err = {""};
    if (!evidence_has_file(e, "summary.csv")) {
        text_copy(e->summary_problem, sizeof e->summary_problem, "there is no summary.csv");
        take_rows_again(e);
        return;
    }
    size_t capacity = 0;
    int status = csv_open(&csv, path_of(e, "summary.csv", path), &err);
    while (status == 0 && csv_next(&csv)) {
        struct evidence_row row = {.again = NULL};
        status = read_fields(&csv, point_fields, &row.point, &err);
        if (status == 0)
            status = read_fields(&csv, summary_fields, &row.row, &err);
        if (status != 0)
            break;
        row.again = find_point(e->given.summary, &row.point, e->n_rows);
        e->rows = alloc_room(e->rows, e->n_rows, &capacity, sizeof *e->rows);
        e->rows[e->n_rows++] = row;
    }
    csv_close(&csv);
    e->has_summary = status == 0;
    if (status != 0) {
        /* Rows in part would accuse the numbers of what only their file lacks. */
        free(e->rows);
        take_rows_again(e);
    }
    text_copy(e->summary_problem, sizeof e->summary_problem, err.text);
}

/* --- samples.csv and workers.csv --------------------------------------------------------------
 *
 * The summary has read samples.csv by its fields and found it right. Here, where a million rows are
 * to cost little more, only the cells that are needed are cut. */

/* Of each sample, in the order of their numbers. */
struct expected {
    uint64_t order;
    uint32_t rows; /* of workers.csv that it should have */
    uint32_t seen; /* that it has */
    bool is_ok;
};

struct scan {
    struct evidence *e;
    struct expected *samples;
    size_t n, capacity;
    bool in_order; /* as they stand in the file, which is so unless somebody edited it */
};

static int compare_orders(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->rows < y->rows ? -1 : x->rows > y->rows;
}

/* Puts the samples in order, and counts and drops all but one of those that have one number. */
static void order_samples(struct scan *scan)
{
    size_t n = 0;
    if (!scan->in_order && scan->n)
        qsort(scan->samples, scan->n, sizeof *scan->samples, compare_orders);
    for (size_t i = 0; i < scan->n; i++) {
        bool is_twin = n > 0 && scan->samples[n - 1].order == scan->samples[i].order;
        scan->e->n_twins += is_twin;
        n += !is_twin;
        scan->samples[n - 1] = scan->samples[i];
    }
    scan->n = n;
}

/* The sample with that number, or NULL; rows of workers.csv come in order, so it mostly is at the
 * guess or directly behind it. */
static struct expected *find_sample(const struct scan *scan, uint64_t order, size_t guess)
{
    for (size_t i = guess; i < scan->n && i <= guess + 1; i++)
        if (scan->samples[i].order == order)
            return &scan->samples[i];
    size_t low = 0, high = scan->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (scan->samples[middle].order < order)
            low = middle + 1;
        else
            high = middle;
    }
    return low < scan->n && scan->samples[low].order == order ? &scan->samples[low] : NULL;
}

/* The columns of samples.csv that are looked at; the last may be absent in files of old. */
struct sample_columns {
    size_t workers, order, status, wall, clock_error;
};

static struct sample_columns find_columns(const struct csv *csv)
{
    return (struct sample_columns){csv_column(csv, "workers"), csv_column(csv, "order"),
                                   csv_column(csv, "status"), csv_column(csv, "wall_ns"),
                                   csv_column(csv, "clock_error_ns")};
}

static uint64_t number_of(struct csv *csv, size_t column)
{
    return strtoull(csv_cell(csv, column), NULL, 10);
}

static void take_sample(struct scan *scan, struct csv *csv, const struct sample_columns *at)
{
    struct evidence *e = scan->e;
    struct expected x = {.order = number_of(csv, at->order),
                         .rows = (uint32_t)number_of(csv, at->workers),
                         .is_ok = strcmp(csv_cell(csv, at->status), "ok") == 0};
    if (scan->n && x.order < scan->samples[scan->n - 1].order)
        scan->in_order = false;
    scan->samples = alloc_room(scan->samples, scan->n, &scan->capacity, sizeof *scan->samples);
    scan->samples[scan->n++] = x;
    e->n_samples++;
    if (!x.is_ok)
        return;
    e->n_ok++;
    double ns = (double)number_of(csv, at->wall), error = (double)number_of(csv, at->clock_error);
    if (ns < e->shortest_ns)
        e->shortest_ns = ns;
    if (error > 0 && error / ns > e->clock_error)
        e->clock_error = error / ns;
}

static void count_workers(struct scan *scan)
{
    struct evidence *e = scan->e;
    char path[PATH_BYTES];
    struct csv csv;
    if (csv_open(&csv, path_of(e, "workers.csv", path), NULL) != 0) {
        text_copy(e->workers_problem, sizeof e->workers_problem, "there is no workers.csv");
        return;
    }
    size_t order = csv_column(&csv, "order"), guess = 0;
    while (csv_next(&csv)) {
        char *end;
        const char *cell = csv_cell(&csv, order);
        uint64_t number = strtoull(cell, &end, 10);
        struct expected *x = *cell && !*end ? find_sample(scan, number, guess) : NULL;
        if (x) {
            x->seen++;
            guess = (size_t)(x - scan->samples);
        } else {
            e->n_strangers++;
        }
    }
    csv_close(&csv);
}

/* Names the sample of that order, of which workers.csv has so many rows. */
static void name_short(struct evidence *e, uint64_t order, unsigned seen)
{
    char path[PATH_BYTES];
    struct csv csv;
    if (csv_open(&csv, path_of(e, "samples.csv", path), NULL) != 0)
        return;
    size_t at = csv_column(&csv, "order"), experiment = csv_column(&csv, "experiment"),
           backend = csv_column(&csv, "backend"), workers = csv_column(&csv, "workers");
    while (csv_next(&csv))
        if (number_of(&csv, at) == order) {
            snprintf(e->first_short, sizeof e->first_short,
                     "sample %" PRIu64 " of %.63s, %.63s, W=%.20s has %u", order,
                     csv_cell(&csv, experiment), csv_cell(&csv, backend), csv_cell(&csv, workers),
                     seen);
            break;
        }
    csv_close(&csv);
}

static void read_samples(struct evidence *e)
{
    char path[PATH_BYTES];
    struct csv csv;
    struct err err = {""};
    struct scan scan = {.e = e, .in_order = true};
    e->shortest_ns = INFINITY;
    if (csv_open(&csv, path_of(e, "samples.csv", path), &err) == 0) {
        struct sample_columns at = find_columns(&csv);
        while (csv_next(&csv))
            take_sample(&scan, &csv, &at);
        csv_close(&csv);
        order_samples(&scan);
    } else {
        text_copy(e->samples_problem, sizeof e->samples_problem, err.text);
    }
    count_workers(&scan);
    for (size_t i = 0; i < scan.n; i++) {
        const struct expected *x = &scan.samples[i];
        if (x->is_ok && x->seen != x->rows && e->n_short++ == 0)
            name_short(e, x->order, x->seen);
    }
    free(scan.samples);
}

/* --- figures ---------------------------------------------------------------------------------- */

/* Copies of a folder and checkouts shuffle the times of its files by less. */
enum { STALE_S = 60 };

/* Whether both files of a figure are there and no older than the summary that they show. */
static bool is_whole(const struct evidence *e, const char *name)
{
    static const char *const endings[] = {"svg", "png"};
    char path[PATH_BYTES], file[160];
    struct stat summary, figure;
    if (stat(path_of(e, "summary.csv", path), &summary) != 0)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(file, sizeof file, "plots/%.120s.%s", name, endings[i]);
        if (stat(path_of(e, file, path), &figure) != 0 || figure.st_size == 0 ||
            figure.st_mtim.tv_sec + STALE_S < summary.st_mtim.tv_sec)
            return false;
    }
    return true;
}

static void read_figures(struct evidence *e)
{
    static const char *const columns[] = {"figure", "axis", "joined", "samples"};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    char path[PATH_BYTES];
    struct csv csv;
    size_t capacity = 0, at[COLUMNS];
    if (csv_open(&csv, path_of(e, "plots/figures.csv", path), NULL) != 0) {
        text_copy(e->figures_problem, sizeof e->figures_problem, "there is no plots/figures.csv");
        return;
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        at[i] = csv_column(&csv, columns[i]);
        if (at[i] == SIZE_MAX)
            snprintf(e->figures_problem, sizeof e->figures_problem,
                     "plots/figures.csv has no column %s", columns[i]);
    }
    while (!*e->figures_problem && csv_next(&csv)) {
        struct evidence_figure figure = {.joined = strcmp(csv_cell(&csv, at[2]), "0") != 0};
        text_copy(figure.name, sizeof figure.name, csv_cell(&csv, at[0]));
        text_copy(figure.axis, sizeof figure.axis, csv_cell(&csv, at[1]));
        figure.samples = strtoull(csv_cell(&csv, at[3]), NULL, 10);
        figure.is_whole = is_whole(e, figure.name);
        e->figures = alloc_room(e->figures, e->n_figures, &capacity, sizeof *e->figures);
        e->figures[e->n_figures++] = figure;
    }
    csv_close(&csv);
}

void evidence_read(struct evidence *e, const struct rules_evidence *given)
{
    *e = (struct evidence){.given = *given};
    read_summary(e);
    read_samples(e);
    if (!given->is_drawing)
        read_figures(e);
}

void evidence_read_figures(struct evidence *e, const struct rules_evidence *given)
{
    *e = (struct evidence){.given = *given};
    read_figures(e);
}

void evidence_release(struct evidence *e)
{
    free(e->rows);
    free(e->figures);
    *e = (struct evidence){.rows = NULL};
}
