/* Factors: see factors.h. */
#include "report/factors.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned when(bool differs, enum factor factor)
{
    return differs ? factor : 0;
}

unsigned factors_between(const struct point *a, const struct point *b)
{
    bool same_backend = strcmp(a->backend, b->backend) == 0;
    bool same_schedule = strcmp(a->schedule, b->schedule) == 0;
    bool same_chunk = a->chunk_auto == b->chunk_auto && (a->chunk_auto || a->chunk == b->chunk);
    return when(strcmp(a->workload, b->workload) != 0, FACTOR_WORKLOAD) |
           when(a->tasks != b->tasks, FACTOR_TASKS) | when(a->scale != b->scale, FACTOR_SCALE) |
           when(!same_backend, FACTOR_BACKEND) | when(!same_schedule, FACTOR_SCHEDULE) |
           when(same_backend && same_schedule && strcmp(a->dispatch, b->dispatch) != 0,
                FACTOR_DISPATCH) |
           when(!same_chunk, FACTOR_CHUNK) | when(a->workers != b->workers, FACTOR_WORKERS) |
           when(same_backend && a->workers == b->workers && a->ranks != b->ranks, FACTOR_RANKS) |
           when(strcmp(a->bind, b->bind) != 0, FACTOR_BIND) |
           when(a->fresh != b->fresh, FACTOR_FRESH);
}

bool factors_is_shown(const struct summary_point *p, const char *experiment)
{
    return p->n && strcmp(p->point.experiment, experiment) == 0 &&
           strcmp(p->point.backend, "seq") != 0;
}

bool factors_begin_experiment(const struct summary *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(s->points[k].point.experiment, s->points[i].point.experiment) == 0)
            return false;
    return true;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Brings points of one backend and schedule together, by dispatch. */
static int compare_dispatches(const void *first, const void *second)
{
    const struct point *a = *(const struct point *const *)first,
                       *b = *(const struct point *const *)second;
    int c = strcmp(a->backend, b->backend);
    c = c ? c : strcmp(a->schedule, b->schedule);
    return c ? c : strcmp(a->dispatch, b->dispatch);
}

/* Brings points of one backend and number of workers together, by ranks. */
static int compare_ranks(const void *first, const void *second)
{
    const struct point *a = *(const struct point *const *)first,
                       *b = *(const struct point *const *)second;
    int c = strcmp(a->backend, b->backend);
    c = c ? c : compare_numbers(a->workers, b->workers);
    return c ? c : compare_numbers(a->ranks, b->ranks);
}

/* Most factors vary when some point has not the first one's; those that count among some points
 * alone vary when neighbours differ among these. */
unsigned factors_among(const struct point **points, size_t n)
{
    static int (*const orders[])(const void *, const void *) = {compare_dispatches, compare_ranks};
    unsigned varying = 0;
    for (size_t i = 1; i < n; i++)
        varying |= factors_between(points[0], points[i]);
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        qsort((void *)points, n, sizeof *points, orders[o]);
        for (size_t i = 1; i < n; i++)
            varying |= factors_between(points[i - 1], points[i]);
    }
    return varying;
}

unsigned factors_varying(const struct summary *s, const char *experiment)
{
    const struct point **shown = alloc_zeroed(s->n ? s->n : 1, sizeof *shown);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (factors_is_shown(&s->points[i], experiment))
            shown[n++] = &s->points[i].point;
    unsigned varying = factors_among(shown, n);
    free((void *)shown);
    return varying;
}

char *factors_name(const struct point *p, unsigned factors, char name[FACTORS_NAME_BYTES])
{
    struct text t = TEXT_INIT;
#define ADD(factor, ...)                                                                           \
    if (factors & (factor)) {                                                                      \
        text_addf(&t, "%s", t.length ? ", " : "");                                                 \
        text_addf(&t, __VA_ARGS__);                                                                \
    }
    ADD(FACTOR_WORKLOAD, "%s", p->workload)
    ADD(FACTOR_TASKS, "%" PRIu64 " tasks", p->tasks)
    ADD(FACTOR_SCALE, "scale %g", p->scale)
    ADD(FACTOR_BACKEND, "%s", p->backend)
    if (p->ranks > 1 || p->threads > 1)
        ADD(FACTOR_RANKS, "%" PRIu64 "×%" PRIu64, p->ranks, p->threads)
    ADD(FACTOR_SCHEDULE, "%s", p->schedule)
    if (!p->chunk_auto)
        ADD(FACTOR_CHUNK, "chunk %" PRIu64, p->chunk)
    ADD(FACTOR_DISPATCH, "%s", p->dispatch)
    ADD(FACTOR_WORKERS, "%" PRIu64 " worker%s", p->workers, p->workers == 1 ? "" : "s")
    ADD(FACTOR_BIND, "bind %s", p->bind)
    if (p->fresh)
        ADD(FACTOR_FRESH, "fresh")
#undef ADD
    text_copy(name, FACTORS_NAME_BYTES, t.length ? t.text : "");
    text_release(&t);
    return name;
}
