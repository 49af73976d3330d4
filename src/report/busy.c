/* Busy time a worker: see busy.h. */
#include "report/busy.h"

#include "base/alloc.h"
#include "report/rows.h"
#include "stats/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 96, MOST_ROWS_OF_PAGE = 32 };

/* One worker in one sample. Times in s. */
struct share {
    uint64_t order, worker;
    double busy, claim, end;
};

struct shares {
    const struct summary_point *point;
    struct share *shares;
    size_t n, capacity;
};

/* A sample, and whose it is. */
struct owner {
    uint64_t order;
    struct shares *shares;
};

static bool has_several_workers(const struct summary_point *p)
{
    return p->point.workers > 1;
}

/* --- the file --------------------------------------------------------------------------------- */

static int compare_owners(const void *a, const void *b)
{
    uint64_t x = ((const struct owner *)a)->order, y = ((const struct owner *)b)->order;
    return x < y ? -1 : x > y;
}

static int read_workers(const char *path, const struct owner *owners, size_t n, struct err *err)
{
    static const char *const names[] = {"order", "worker", "busy_ns", "claim_ns", "end_ns"};
    uint64_t row[5] = {0};
    struct rows rows;
    int status = rows_open(&rows, path, names, 5, err);
    if (status != 0)
        return status;
    while ((status = rows_next(&rows, row, err)) > 0) {
        struct owner key = {.order = row[0]};
        const struct owner *owner = bsearch(&key, owners, n, sizeof key, compare_owners);
        if (!owner)
            continue;
        struct shares *s = owner->shares;
        s->shares = alloc_room(s->shares, s->n, &s->capacity, sizeof *s->shares);
        s->shares[s->n++] = (struct share){row[0], row[1], (double)row[2] / 1e9,
                                           (double)row[3] / 1e9, (double)row[4] / 1e9};
    }
    rows_close(&rows);
    return status;
}

/* The samples of all points of the pages, in their order. */
static struct owner *list_owners(const struct pages *pages, struct shares *shares, size_t *n)
{
    size_t most = 0, i = 0;
    for (size_t g = 0; g < pages->n; g++)
        for (size_t k = 0; k < pages->pages[g].n; k++)
            most += pages->pages[g].points[k]->n;
    struct owner *owners = alloc_zeroed(most ? most : 1, sizeof *owners);
    *n = 0;
    for (size_t g = 0; g < pages->n; g++)
        for (size_t k = 0; k < pages->pages[g].n; k++, i++) {
            shares[i].point = pages->pages[g].points[k];
            for (size_t o = 0; o < shares[i].point->n; o++)
                owners[(*n)++] = (struct owner){shares[i].point->observations[o].order, &shares[i]};
        }
    qsort(owners, *n, sizeof *owners, compare_owners);
    return owners;
}

/* --- a row ------------------------------------------------------------------------------------ */

static int compare_by_number(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->worker < y->worker ? -1 : x->worker > y->worker;
}

static int compare_by_busy(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->busy > y->busy ? -1 : x->busy < y->busy;
}

static bool deals_by_number(const char *schedule)
{
    size_t name = strcspn(schedule, " ");
    return strncmp(schedule, "static", name) == 0 || strncmp(schedule, "wf", name) == 0;
}

/* Sorts the shares sample by sample, and keeps the samples of which every worker is there. Returns
 * their number. */
static size_t sort_shares(struct shares *s)
{
    size_t workers = s->point->point.workers, kept = 0;
    qsort(s->shares, s->n, sizeof *s->shares,
          deals_by_number(s->point->point.schedule) ? compare_by_number : compare_by_busy);
    for (size_t first = 0, next; first < s->n; first = next) {
        for (next = first + 1; next < s->n && s->shares[next].order == s->shares[first].order;)
            next++;
        if (next - first != workers)
            continue;
        memmove(s->shares + kept * workers, s->shares + first, workers * sizeof *s->shares);
        kept++;
    }
    return kept;
}

/* The times of one position: medians over the samples. */
struct bar {
    double busy, claim;
};

static struct bar make_bar(const struct shares *s, size_t position, size_t samples, double *values)
{
    struct bar bar;
    size_t workers = s->point->point.workers;
    for (size_t i = 0; i < samples; i++)
        values[i] = s->shares[i * workers + position].busy;
    bar.busy = stats_estimate(values, NULL, samples).median;
    for (size_t i = 0; i < samples; i++)
        values[i] = s->shares[i * workers + position].claim;
    bar.claim = stats_estimate(values, NULL, samples).median;
    return bar;
}

static double median_span(const struct shares *s, size_t samples, double *values)
{
    size_t workers = s->point->point.workers;
    for (size_t i = 0; i < samples; i++) {
        values[i] = 0;
        for (size_t w = 0; w < workers; w++)
            if (s->shares[i * workers + w].end > values[i])
                values[i] = s->shares[i * workers + w].end;
    }
    return stats_estimate(values, NULL, samples).median;
}

static void write_row(struct page_files *files, const struct page *page, const struct shares *s,
                      size_t samples, size_t row, size_t panel)
{
    double *values = alloc_zeroed(samples, sizeof *values);
    double span = median_span(s, samples, values), sum = 0, most = 0;
    size_t workers = s->point->point.workers;
    char name[FACTORS_NAME_BYTES];
    fputs(row > 1 ? "\n\n" : "", files->bars);
    for (size_t w = 0; w < workers; w++) {
        struct bar bar = make_bar(s, w, samples, values);
        fprintf(files->bars, "%zu,%zu,%.9f,%.9f,%.9f\n", row, w, bar.busy, bar.claim, span);
        sum += bar.busy;
        most = bar.busy > most ? bar.busy : most;
    }
    fprintf(files->table, "%zu,%zu,", row, panel);
    page_write_cell(files->table,
                    factors_name(&s->point->point, page->title & ~(unsigned)FACTOR_BACKEND, name));
    fprintf(files->table, ",%s,%zu,%zu,%.9f,%.9f,%.9f\n", s->point->point.backend, workers, samples,
            sum / (double)workers, most, span);
    free(values);
}

/* --- pages ------------------------------------------------------------------------------------ */

static struct shares *shares_of(struct shares *all, const struct summary_point *point)
{
    while (all->point != point)
        all++;
    return all;
}

/* Takes away points with fewer workers than others have. */
static void keep_most_workers(struct page *page)
{
    uint64_t most = 0;
    size_t kept = 0;
    for (size_t i = 0; i < page->n; i++)
        if (page->points[i]->point.workers > most)
            most = page->points[i]->point.workers;
    for (size_t i = 0; i < page->n; i++)
        if (page->points[i]->point.workers == most)
            page->points[kept++] = page->points[i];
        else
            page_leave_out(page, page->points[i]);
    page->n = kept;
    page->title &= ~(unsigned)FACTOR_WORKERS;
}

/* Writes the page's files; a panel is a backend, of as many rows as have room. A page for which
 * there are no rows has no points left. */
static int write_page(struct page *page, struct shares *all, const char *folder, struct err *err)
{
    struct page_files files;
    bool is_open = false;
    size_t row = 0, panel = 0;
    for (size_t i = 0; i < page->n; i++) {
        const char *backend = page->points[i]->point.backend;
        bool is_first = true;
        for (size_t k = 0; k < i; k++)
            is_first = is_first && strcmp(page->points[k]->point.backend, backend) != 0;
        size_t before = row, shown = 0;
        for (size_t k = i; k < page->n && is_first; k++) {
            struct shares *s = shares_of(all, page->points[k]);
            if (strcmp(s->point->point.backend, backend) != 0)
                continue;
            size_t samples = s->n ? sort_shares(s) : 0;
            if (samples == 0 || shown == MOST_ROWS_OF_PAGE) {
                page_leave_out(page, page->points[k]);
                continue;
            }
            if (!is_open && page_files_open(&files, folder, page, err) != 0)
                return -1;
            if (!is_open) {
                fputs("row,panel,title,backend,workers,samples,mean_s,most_s,span_s\n",
                      files.table);
                fputs("row,position,busy_s,claim_s,span_s\n", files.bars);
            }
            is_open = true;
            panel += row == before;
            write_row(&files, page, s, samples, ++row, panel);
            shown++;
        }
    }
    if (!is_open) {
        page->n = 0;
        return 0;
    }
    page_note(page, "workers by busy time, under static and wf by number");
    page_note_left_out(page);
    return page_files_close(&files, err);
}

bool busy_compares(const struct summary *s, const char *experiment)
{
    return factors_varying(s, experiment) & (FACTOR_SCHEDULE | FACTOR_DISPATCH);
}

int busy_make(struct pages *pages, const struct summary *s, const char *folder, struct err *err)
{
    char path[4300];
    *pages = (struct pages){0};
    snprintf(path, sizeof path, "%.4000s/workers.csv", folder);
    for (size_t i = 0; i < s->n; i++) {
        const char *experiment = s->points[i].point.experiment;
        if (factors_begin_experiment(s, i) && busy_compares(s, experiment))
            pages_add(pages, s, experiment, "busy", MOST_ROWS, has_several_workers);
    }
    size_t n = 0, n_owners;
    for (size_t i = 0; i < pages->n; i++) {
        keep_most_workers(&pages->pages[i]);
        n += pages->pages[i].n;
    }
    struct shares *all = alloc_zeroed(n ? n : 1, sizeof *all);
    struct owner *owners = list_owners(pages, all, &n_owners);
    int status = read_workers(path, owners, n_owners, err);
    size_t kept = 0;
    for (size_t i = 0; i < pages->n; i++) {
        if (status == 0)
            status = write_page(&pages->pages[i], all, folder, err);
        if (status == 0 && pages->pages[i].n)
            pages->pages[kept++] = pages->pages[i];
        else
            page_release(&pages->pages[i]);
    }
    pages->n = kept;
    free(owners);
    for (size_t i = 0; i < n; i++)
        free(all[i].shares);
    free(all);
    return status < 0 ? -1 : 0;
}
