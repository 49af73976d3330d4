/* Timelines: see timeline.h.
 *
 * A point keeps a bounded number of bars. When they are full, the gap below which neighbours are
 * drawn as one doubles until half of the room is free again: short chunks melt together, long ones
 * stay. Merging needs a worker's chunks in the order in which it ran them, as traces have them;
 * chunks in another order are kept apart as long as there is room.
 */
#include "report/timeline.h"

#include "base/alloc.h"
#include "report/rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BARS_OF_PAGE = 36000, MOST_BARS = 3000, NO_BAR = UINT32_MAX };

struct bar {
    uint32_t worker, chunks;
    uint64_t start, end; /* ns, on the clock of the trace */
};

/* What the trace has of one worker. */
struct lane {
    uint64_t chunks, end; /* of the last of them */
};

struct panel {
    const struct summary_point *point;
    uint64_t order;   /* of the sample that is shown */
    double run;       /* chunks that it ran; a trace may hold fewer */
    uint64_t span_ns; /* 0: unknown */
    struct bar *bars;
    size_t n, room;
    uint32_t *last;     /* [workers] a worker's last bar, NO_BAR: none */
    struct lane *lanes; /* [workers] */
    uint64_t merged_ns; /* 0: nothing was merged */
    uint64_t chunks, first_start, first_end, last_end;
    uint32_t first_worker;
};

struct panels {
    struct panel *panels;
    size_t n;
};

/* --- which sample ----------------------------------------------------------------------------- */

static int compare_times(const void *a, const void *b)
{
    const struct observation *x = *(struct observation *const *)a,
                             *y = *(struct observation *const *)b;
    return x->ns < y->ns ? -1 : x->ns > y->ns;
}

/* The sample whose time is the median; of two in the middle the shorter. */
static const struct observation *median_sample(const struct summary_point *p)
{
    const struct observation **sorted = alloc_zeroed(p->n, sizeof *sorted);
    for (size_t i = 0; i < p->n; i++)
        sorted[i] = &p->observations[i];
    qsort(sorted, p->n, sizeof *sorted, compare_times);
    const struct observation *median = sorted[(p->n - 1) / 2];
    free(sorted);
    return median;
}

/* --- bars ------------------------------------------------------------------------------------- */

/* Makes `next` part of the bar before it, if both and the gap between them are short. */
static bool melts(struct bar *before, const struct bar *next, uint64_t short_ns)
{
    bool joined = before->chunks > 1 || before->end - before->start < short_ns;
    if (!joined || next->end - next->start >= short_ns || next->start < before->end ||
        next->start - before->end >= short_ns)
        return false;
    before->end = next->end;
    before->chunks += next->chunks;
    return true;
}

static void forget_last(struct panel *p)
{
    for (uint64_t w = 0; w < p->point->point.workers; w++)
        p->last[w] = NO_BAR;
}

/* Doubles the gap until half of the room is free, or until nothing more can melt. */
static void make_room(struct panel *p)
{
    uint64_t whole = p->last_end - p->first_start;
    if (p->merged_ns == 0)
        p->merged_ns = whole / 2048 + 1;
    while (p->n > p->room / 2 && p->merged_ns <= whole) {
        size_t kept = 0;
        p->merged_ns *= 2;
        forget_last(p);
        for (size_t i = 0; i < p->n; i++) {
            uint32_t *last = &p->last[p->bars[i].worker];
            if (*last != NO_BAR && melts(&p->bars[*last], &p->bars[i], p->merged_ns))
                continue;
            *last = (uint32_t)kept;
            p->bars[kept++] = p->bars[i];
        }
        p->n = kept;
    }
}

static void add_chunk(struct panel *p, uint32_t worker, uint64_t start, uint64_t end)
{
    struct bar bar = {worker, 1, start, end < start ? start : end};
    if (worker >= p->point->point.workers)
        return;
    if (p->chunks++ == 0 || bar.end < p->first_end) {
        p->first_end = bar.end;
        p->first_worker = worker;
    }
    p->first_start = p->chunks == 1 || start < p->first_start ? start : p->first_start;
    p->last_end = bar.end > p->last_end ? bar.end : p->last_end;
    struct lane *lane = &p->lanes[worker];
    lane->chunks++;
    lane->end = bar.end > lane->end ? bar.end : lane->end;
    uint32_t *last = &p->last[worker];
    if (p->merged_ns && *last != NO_BAR && melts(&p->bars[*last], &bar, p->merged_ns))
        return;
    if (p->n == p->room)
        make_room(p);
    if (p->n == p->room)
        return; /* as many workers as bars, and all long: cannot be drawn at this size */
    *last = (uint32_t)p->n;
    p->bars[p->n++] = bar;
}

static int compare_bars(const void *a, const void *b)
{
    const struct bar *x = a, *y = b;
    if (x->worker != y->worker)
        return x->worker < y->worker ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* --- the trace -------------------------------------------------------------------------------- */

static int compare_orders(const void *a, const void *b)
{
    uint64_t x = ((const struct panel *)a)->order, y = ((const struct panel *)b)->order;
    return x < y ? -1 : x > y;
}

/* panels are in the order of their samples. */
static int read_trace(struct panels *all, const char *path, struct err *err)
{
    static const char *const names[] = {"order", "worker", "start_ns", "end_ns"};
    uint64_t row[4] = {0};
    struct rows rows;
    int status = rows_open(&rows, path, names, 4, err);
    if (status != 0)
        return status;
    struct panel *at = NULL;
    while ((status = rows_next(&rows, row, err)) > 0) {
        if (!at || at->order != row[0]) {
            struct panel key = {.order = row[0]};
            at = bsearch(&key, all->panels, all->n, sizeof key, compare_orders);
        }
        if (at)
            add_chunk(at, row[1] < UINT32_MAX ? (uint32_t)row[1] : UINT32_MAX, row[2], row[3]);
    }
    rows_close(&rows);
    return status;
}

static struct panel *panel_of(const struct panels *all, const struct summary_point *point)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->panels[i].point == point)
            return &all->panels[i];
    return NULL;
}

static void begin_panels(struct panels *all, const struct pages *pages)
{
    size_t n = 0;
    for (size_t i = 0; i < pages->n; i++)
        n += pages->pages[i].n;
    all->panels = alloc_zeroed(n ? n : 1, sizeof *all->panels);
    for (size_t i = 0; i < pages->n; i++)
        for (size_t k = 0; k < pages->pages[i].n; k++) {
            struct panel *p = &all->panels[all->n++];
            uint64_t workers = pages->pages[i].points[k]->point.workers;
            size_t room = MOST_BARS_OF_PAGE / pages->pages[i].n;
            const struct observation *sample = median_sample(pages->pages[i].points[k]);
            *p = (struct panel){.point = pages->pages[i].points[k],
                                .order = sample->order,
                                .run = sample->chunks,
                                .span_ns = sample->span_ns > 0 ? (uint64_t)sample->span_ns : 0};
            p->room = room < MOST_BARS ? room : MOST_BARS;
            p->room = p->room < 4 * workers ? 4 * workers : p->room;
            p->bars = alloc_zeroed(p->room, sizeof *p->bars);
            p->last = alloc_zeroed(workers, sizeof *p->last);
            p->lanes = alloc_zeroed(workers, sizeof *p->lanes);
            forget_last(p);
        }
    qsort(all->panels, all->n, sizeof *all->panels, compare_orders);
}

static void end_panels(struct panels *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->panels[i].bars);
        free(all->panels[i].last);
        free(all->panels[i].lanes);
    }
    free(all->panels);
}

/* --- files ------------------------------------------------------------------------------------ */

static bool is_full(const struct panel *p)
{
    return (double)p->chunks < p->run;
}

/* When the sample began: the workers' common start is not in the trace, but a span ends with the
 * last chunk, if the trace has it. Else with the first chunk, which is a little later. */
static uint64_t begin_of(const struct panel *p)
{
    uint64_t traced = p->last_end - p->first_start;
    return is_full(p) || p->span_ns < traced ? p->first_start : p->last_end - p->span_ns;
}

static double since(const struct panel *p, uint64_t ns)
{
    return (double)(ns - begin_of(p)) / 1e9;
}

static uint64_t end_of(const struct panel *p)
{
    uint64_t end = begin_of(p) + p->span_ns;
    return end > p->last_end ? end : p->last_end;
}

/* When the trace of a worker was full, if it was: each has room for as many chunks as the others.
 * What it did then is not known. Returns 0 where the trace has all. */
static uint64_t full_since(const struct panel *p, uint64_t worker)
{
    uint64_t most = 0;
    for (uint64_t w = 0; w < p->point->point.workers; w++)
        most = p->lanes[w].chunks > most ? p->lanes[w].chunks : most;
    return is_full(p) && p->lanes[worker].chunks == most ? p->lanes[worker].end : 0;
}

static void write_panel(struct page_files *files, const struct page *page, struct panel *p,
                        size_t number)
{
    char name[FACTORS_NAME_BYTES];
    fprintf(files->table, "%zu,", number);
    page_write_cell(files->table, factors_name(&p->point->point, page->title, name));
    fprintf(files->table, ",%s,%" PRIu64 ",%.0f,%" PRIu64 ",%.9f,%.9f,%" PRIu32 ",%.9f\n",
            p->point->point.backend, p->point->point.workers, p->run, p->chunks,
            since(p, end_of(p)), since(p, p->first_end), p->first_worker,
            (double)p->merged_ns / 1e9);
    qsort(p->bars, p->n, sizeof *p->bars, compare_bars);
    fputs(number > 1 ? "\n\n" : "", files->bars);
    for (size_t i = 0, turn = 0; i < p->n; i++) {
        const struct bar *b = &p->bars[i];
        turn = i && b[-1].worker == b->worker ? turn + 1 : 0;
        fprintf(files->bars, "%zu,%" PRIu32 ",%.9f,%.9f,%d\n", number, b->worker,
                since(p, b->start), since(p, b->end), b->chunks > 1 ? 2 : (int)(turn % 2));
    }
    for (uint64_t w = 0; w < p->point->point.workers; w++)
        if (full_since(p, w))
            fprintf(files->bars, "%zu,%" PRIu64 ",%.9f,%.9f,3\n", number, w,
                    since(p, full_since(p, w)), since(p, end_of(p)));
}

/* Writes the page's files, or none when the trace has none of its samples. */
static int write_page(struct page *page, const struct panels *all, const char *folder,
                      struct err *err)
{
    struct page_files files;
    size_t number = 0, merged = 0, absent = 0, full = 0;
    for (size_t i = 0; i < page->n; i++)
        absent += panel_of(all, page->points[i])->n == 0;
    if (absent == page->n) {
        page->n = 0;
        return 0;
    }
    if (page_files_open(&files, folder, page, err) != 0)
        return -1;
    fputs("panel,title,backend,workers,chunks,traced,makespan_s,first_s,first_worker,merged_s\n",
          files.table);
    fputs("panel,worker,start_s,end_s,kind\n", files.bars);
    for (size_t i = 0; i < page->n; i++) {
        struct panel *p = panel_of(all, page->points[i]);
        if (p->n == 0) {
            page_leave_out(page, page->points[i]);
            continue;
        }
        merged += p->merged_ns > 0;
        full += is_full(p);
        write_panel(&files, page, p, ++number);
    }
    if (full)
        page_note(page, "hatched: the trace was full, what the worker did is not known");
    if (merged)
        page_note(page, "pale: chunks too short to be drawn one by one");
    page_note_left_out(page);
    return page_files_close(&files, err);
}

static bool any_point(const struct summary_point *p)
{
    return p->point.workers > 0;
}

static size_t panels_of_page(const struct summary *s, const char *experiment)
{
    uint64_t workers = 1;
    for (size_t i = 0; i < s->n; i++)
        if (factors_is_shown(&s->points[i], experiment) && s->points[i].point.workers > workers)
            workers = s->points[i].point.workers;
    return workers <= 8 ? 24 : workers <= 32 ? 12 : 6;
}

int timelines_make(struct pages *pages, const struct summary *s, const char *folder,
                   struct err *err)
{
    char path[4300];
    struct panels all = {0};
    *pages = (struct pages){0};
    snprintf(path, sizeof path, "%.4000s/trace.csv", folder);
    for (size_t i = 0; i < s->n; i++) {
        const char *experiment = s->points[i].point.experiment;
        if (factors_begin_experiment(s, i))
            pages_add(pages, s, experiment, "timeline", panels_of_page(s, experiment), any_point);
    }
    begin_panels(&all, pages);
    int status = read_trace(&all, path, err);
    size_t kept = 0;
    for (size_t i = 0; i < pages->n; i++) {
        if (status == 0)
            status = write_page(&pages->pages[i], &all, folder, err);
        if (status == 0 && pages->pages[i].n)
            pages->pages[kept++] = pages->pages[i];
        else
            page_release(&pages->pages[i]);
    }
    pages->n = kept;
    end_panels(&all);
    return status < 0 ? -1 : 0;
}
