/* Pages of figures: see pages.h. */
#include "report/pages.h"

#include "base/alloc.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A file's name has no room for all that a backend's may hold. */
static void name_page(struct page *page, const char *kind, const char *backend)
{
    int used = snprintf(page->name, sizeof page->name, "%s-%s%s", page->experiment, kind,
                        *backend ? "-" : "");
    for (const char *c = backend; *c && used + 1 < (int)sizeof page->name; c++)
        page->name[used++] = isalnum((unsigned char)*c) || strchr("._-", *c) ? *c : '-';
    page->name[used] = '\0';
}

/* Takes away points until no more than `most` are left: of those with fewest workers the last. */
static void leave_out(struct page *page, size_t most)
{
    while (page->n > most) {
        size_t out = 0;
        for (size_t i = 1; i < page->n; i++)
            if (page->points[i]->point.workers <= page->points[out]->point.workers)
                out = i;
        page_leave_out(page, page->points[out]);
        memmove(page->points + out, page->points + out + 1,
                (--page->n - out) * sizeof *page->points);
    }
}

void page_leave_out(struct page *page, const struct summary_point *point)
{
    page->left_out = alloc_room(page->left_out, page->n_left_out, &page->left_out_capacity,
                                sizeof *page->left_out);
    page->left_out[page->n_left_out++] = point;
}

void page_release(struct page *page)
{
    free(page->points);
    free(page->left_out);
}

static void add_page(struct pages *all, const struct summary *s, const char *experiment,
                     const char *kind, const char *backend, size_t most,
                     bool (*wants)(const struct summary_point *p))
{
    struct page page = {.experiment = experiment,
                        .points = alloc_zeroed(s->n, sizeof *page.points)};
    for (size_t i = 0; i < s->n; i++)
        if (factors_is_shown(&s->points[i], experiment) && wants(&s->points[i]) &&
            (!*backend || strcmp(s->points[i].point.backend, backend) == 0))
            page.points[page.n++] = &s->points[i];
    name_page(&page, kind, backend);
    leave_out(&page, most);
    for (size_t i = 0; i < page.n; i++)
        for (size_t k = 0; k < i; k++)
            page.title |= factors_between(&page.points[i]->point, &page.points[k]->point);
    if (!*backend)
        page.title |= FACTOR_BACKEND;
    if (page.n == 0) {
        page_release(&page);
        return;
    }
    all->pages = alloc_room(all->pages, all->n, &all->capacity, sizeof *all->pages);
    all->pages[all->n++] = page;
}

void pages_add(struct pages *all, const struct summary *s, const char *experiment, const char *kind,
               size_t most, bool (*wants)(const struct summary_point *p))
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += factors_is_shown(&s->points[i], experiment) && wants(&s->points[i]);
    if (n <= most) {
        add_page(all, s, experiment, kind, "", most, wants);
        return;
    }
    for (size_t i = 0; i < s->n; i++) {
        bool is_first = factors_is_shown(&s->points[i], experiment);
        for (size_t k = 0; k < i && is_first; k++)
            is_first = !factors_is_shown(&s->points[k], experiment) ||
                       strcmp(s->points[k].point.backend, s->points[i].point.backend) != 0;
        if (is_first)
            add_page(all, s, experiment, kind, s->points[i].point.backend, most, wants);
    }
}

void pages_release(struct pages *all)
{
    for (size_t i = 0; i < all->n; i++)
        page_release(&all->pages[i]);
    free(all->pages);
    *all = (struct pages){0};
}

void page_note(struct page *page, const char *clause)
{
    size_t used = strlen(page->note);
    snprintf(page->note + used, sizeof page->note - used, "; %s", clause);
}

static int compare_workers(const void *a, const void *b)
{
    uint64_t x = (*(const struct summary_point *const *)a)->point.workers,
             y = (*(const struct summary_point *const *)b)->point.workers;
    return x < y ? -1 : x > y;
}

/* "12 with 1 worker, 16 with 2": sorts them. */
static void say_workers(struct text *t, const struct page *page)
{
    qsort(page->left_out, page->n_left_out, sizeof *page->left_out, compare_workers);
    for (size_t i = 0, next; i < page->n_left_out; i = next) {
        uint64_t workers = page->left_out[i]->point.workers;
        for (next = i; next < page->n_left_out && page->left_out[next]->point.workers == workers;)
            next++;
        text_addf(t, "%s%zu with %" PRIu64, i ? ", " : "", next - i, workers);
        if (i == 0)
            text_addf(t, " worker%s", workers == 1 ? "" : "s");
    }
}

/* "guided, chunk 8; wf and 5 others", by what tells the page's points apart. */
static void say_names(struct text *t, const struct page *page)
{
    enum { MOST_NAMES = 4 };
    char name[FACTORS_NAME_BYTES];
    size_t n = page->n_left_out, shown = n <= MOST_NAMES ? n : MOST_NAMES - 1;
    for (size_t i = 0; i < shown; i++)
        text_addf(t, "%s%s", i ? " / " : "",
                  factors_name(&page->left_out[i]->point, page->title, name));
    if (n > shown)
        text_addf(t, " and %zu others", n - shown);
}

void page_note_left_out(struct page *page)
{
    if (page->n_left_out == 0)
        return;
    for (size_t i = 0; i < page->n_left_out; i++) {
        for (size_t k = 0; k < page->n; k++)
            page->title |= factors_between(&page->left_out[i]->point, &page->points[k]->point);
    }
    struct text t = TEXT_INIT;
    text_addf(&t, "%zu more point%s left out: ", page->n_left_out,
              page->n_left_out == 1 ? " is" : "s are");
    if (page->title & FACTOR_WORKERS)
        say_workers(&t, page);
    else
        say_names(&t, page);
    page_note(page, t.text);
    text_release(&t);
}

/* --- files ------------------------------------------------------------------------------------ */

int page_files_open(struct page_files *files, const char *folder, const struct page *page,
                    struct err *err)
{
    *files = (struct page_files){0};
    snprintf(files->table_path, sizeof files->table_path, "%.4000s/plots/%s.csv", folder,
             page->name);
    snprintf(files->bars_path, sizeof files->bars_path, "%.4000s/plots/%s-bars.csv", folder,
             page->name);
    files->table = fopen(files->table_path, "w");
    if (!files->table)
        return err_set(err, "%s cannot be written: %s", files->table_path, strerror(errno));
    files->bars = fopen(files->bars_path, "w");
    if (files->bars)
        return 0;
    err_set(err, "%s cannot be written: %s", files->bars_path, strerror(errno));
    fclose(files->table);
    return -1;
}

int page_files_close(struct page_files *files, struct err *err)
{
    bool failed = ferror(files->table) || ferror(files->bars);
    failed = fclose(files->table) != 0 || failed;
    failed = fclose(files->bars) != 0 || failed;
    return failed ? err_set(err, "%s or %s could not be written to its end", files->table_path,
                            files->bars_path)
                  : 0;
}

void page_write_cell(FILE *to, const char *text)
{
    bool quoted = strpbrk(text, ",\"") != NULL;
    if (quoted)
        fputc('"', to);
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            fputc('"', to);
        fputc(*c, to);
    }
    if (quoted)
        fputc('"', to);
}
