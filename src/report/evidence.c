/* What the files of a run's folder say: see evidence.h. */
#include "report/evidence.h"

#include "base/alloc.h"
#include "record/csv.h"
#include "record/journal.h"

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
        row.again = find_point(e->given.summary, &row.point, e->n_rows);
        e->rows = alloc_room(e->rows, e->n_rows, &capacity, sizeof *e->rows);
        e->rows[e->n_rows++] = row;
    }
    csv_close(&csv);
    e->has_summary = status == 0;
    text_copy(e->summary_problem, sizeof e->summary_problem, err.text);
}

/* --- samples.csv and workers.csv -------------------------------------------------------------- */

enum { MOST_ORDER = 1 << 28 };

/* Of each sample by its order. */
struct expected {
    uint32_t rows;       /* of workers.csv that it should have, plus 1; 0: no such sample */
    uint32_t seen;       /* that it has */
    uint32_t point : 31; /* as numbered by the reader */
    uint32_t is_ok : 1;
};

struct scan {
    struct evidence *e;
    struct point *points;
    size_t n_points, points_capacity;
    struct expected *samples;
    size_t n; /* largest order + 1 */
};

static int take_point(void *user, size_t number, const struct point *point, struct err *err)
{
    (void)number, (void)err;
    struct scan *scan = user;
    scan->points =
        alloc_room(scan->points, scan->n_points, &scan->points_capacity, sizeof *scan->points);
    scan->points[scan->n_points++] = *point;
    return 0;
}

static struct expected *expected_at(struct scan *scan, uint64_t order)
{
    size_t n = scan->n ? scan->n : 1024;
    while (n <= order)
        n *= 2;
    if (n > scan->n) {
        scan->samples = alloc_grown(scan->samples, n, sizeof *scan->samples);
        memset(scan->samples + scan->n, 0, (n - scan->n) * sizeof *scan->samples);
        scan->n = n;
    }
    return &scan->samples[order];
}

static int take_sample(void *user, size_t number, const struct sample *sample, struct err *err)
{
    struct scan *scan = user;
    struct evidence *e = scan->e;
    bool is_ok = strcmp(sample->status, "ok") == 0;
    if (sample->order >= MOST_ORDER)
        return err_set(err, "samples.csv: the order %" PRIu64 " is no position in a run",
                       sample->order);
    struct expected *x = expected_at(scan, sample->order);
    e->n_samples++;
    e->n_ok += is_ok;
    e->n_twins += x->rows > 0;
    x->rows = (uint32_t)scan->points[number].workers + 1;
    x->point = (uint32_t)number;
    x->is_ok = is_ok;
    if (!is_ok)
        return 0;
    double ns = (double)sample->wall_ns;
    if (ns < e->shortest_ns)
        e->shortest_ns = ns;
    if (sample->clock_error_ns && (double)sample->clock_error_ns / ns > e->clock_error)
        e->clock_error = (double)sample->clock_error_ns / ns;
    return 0;
}

static void count_workers(struct scan *scan)
{
    struct evidence *e = scan->e;
    char path[PATH_BYTES];
    struct csv csv;
    struct err err = {""};
    if (csv_open(&csv, path_of(e, "workers.csv", path), &err) != 0) {
        text_copy(e->workers_problem, sizeof e->workers_problem, "there is no workers.csv");
        return;
    }
    size_t order = csv_column(&csv, "order");
    while (csv_next(&csv)) {
        char *end;
        const char *cell = csv_cell(&csv, order);
        uint64_t number = strtoull(cell, &end, 10);
        if (*cell && !*end && number < scan->n && scan->samples[number].rows)
            scan->samples[number].seen++;
        else
            e->n_strangers++;
    }
    csv_close(&csv);
}

static void read_samples(struct evidence *e)
{
    char path[PATH_BYTES], name[160];
    struct err err = {""};
    bool cut_off;
    struct scan scan = {.e = e};
    struct journal_reader reader = {take_point, take_sample, &scan};
    e->shortest_ns = INFINITY;
    if (journal_read(path_of(e, "samples.csv", path), &reader, &cut_off, &err) != 0)
        text_copy(e->samples_problem, sizeof e->samples_problem, err.text);
    count_workers(&scan);
    for (size_t i = 0; i < scan.n; i++) {
        const struct expected *x = &scan.samples[i];
        if (!x->rows || !x->is_ok || x->seen + 1 == x->rows)
            continue;
        if (e->n_short++ == 0)
            snprintf(e->first_short, sizeof e->first_short, "sample %zu of %s has %u", i,
                     evidence_name(&scan.points[x->point], name, sizeof name), x->seen);
    }
    free(scan.points);
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
