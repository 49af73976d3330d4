/* Factors: see factors.h. */
#include "report/factors.h"

#include <inttypes.h>
#include <stdio.h>
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

unsigned factors_varying(const struct summary *s, const char *experiment)
{
    unsigned varying = 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < i && factors_is_shown(&s->points[i], experiment); k++)
            if (factors_is_shown(&s->points[k], experiment))
                varying |= factors_between(&s->points[i].point, &s->points[k].point);
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
