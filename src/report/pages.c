/* Pages of figures: see pages.h. */
#include "report/pages.h"

#include "base/alloc.h"

#include <ctype.h>
#include <errno.h>
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
        memmove(page->points + out, page->points + out + 1,
                (--page->n - out) * sizeof *page->points);
        page->n_left_out++;
    }
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
        free(page.points);
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
        free(all->pages[i].points);
    free(all->pages);
    *all = (struct pages){0};
}

void page_note(struct page *page, const char *clause)
{
    size_t used = strlen(page->note);
    snprintf(page->note + used, sizeof page->note - used, "; %s", clause);
}

void page_note_left_out(struct page *page)
{
    char clause[64];
    snprintf(clause, sizeof clause, "%zu more point%s left out", page->n_left_out,
             page->n_left_out == 1 ? " is" : "s are");
    if (page->n_left_out)
        page_note(page, clause);
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
