/* Schedules: see sched.h. */
#include "sched/sched.h"

#include "base/alloc.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct sched_rule sched_table[] = {
    {SCHED_STATIC, "static", "equal blocks, or blocks of the chunk in turn, fixed before the start",
     SCHED_FIXED, 0, true, true, ""},
    {SCHED_DYNAMIC, "dynamic", "the next chunk goes to whoever is free", SCHED_CONSTANT, 0, true,
     true, ""},
    {SCHED_POOL, "pool", "as dynamic with ceil(N/4P), the default of Python's Pool.map",
     SCHED_CONSTANT, 0, false, true, ""},
    {SCHED_GUIDED, "guided", "ceil(left/P), never below the chunk", SCHED_SEQUENCE, 0, true, true,
     ""},
    {0},
};

enum { N_RULES = sizeof sched_table / sizeof *sched_table - 1 };

const struct sched_rule *sched_rule_of(enum sched_kind kind)
{
    const struct sched_rule *rule = sched_table;
    while (rule->name && rule->kind != kind)
        rule++;
    return rule;
}

int sched_spec_read(const char *text, struct sched_spec *spec, struct err *err)
{
    const char *names[N_RULES];
    *spec = (struct sched_spec){0};
    for (int i = 0; i < N_RULES; i++) {
        if (strcmp(sched_table[i].name, text) == 0) {
            spec->rule = &sched_table[i];
            return 0;
        }
        names[i] = sched_table[i].name;
    }
    return text_refuse(err, "unknown schedule", text, names, N_RULES);
}

void sched_spec_write(const struct sched_spec *spec, char *buffer, size_t size)
{
    text_copy(buffer, size, spec->rule->name);
}

int sched_spec_check_complete(const struct sched_spec *spec, struct err *err)
{
    (void)spec, (void)err;
    return 0;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

struct sched sched_make(const struct sched_spec *spec, uint64_t n, uint32_t workers, uint64_t chunk)
{
    enum sched_kind kind = spec->rule->kind;
    struct sched s = {.kind = kind,
                      .class = spec->rule->class,
                      .n = n,
                      .workers = workers,
                      .chunk = chunk,
                      .params = spec->params};
    if (kind == SCHED_POOL)
        s.chunk = divide_up(n, 4 * (uint64_t)workers);
    else if (chunk == 0 && kind == SCHED_STATIC) {
        s.chunk = divide_up(n, workers);
        s.blocks = true;
    }
    /* A chunk beyond n is one chunk of n; clamping it keeps the shared counter far from overflow.
     */
    if (s.chunk > n)
        s.chunk = n;
    if (s.chunk == 0)
        s.chunk = 1;
    return s;
}

struct sched sched_resolve(enum sched_kind kind, uint64_t n, uint32_t workers, uint64_t chunk)
{
    struct sched_spec spec = {.rule = sched_rule_of(kind)};
    return sched_make(&spec, n, workers, chunk);
}

uint64_t sched_size(const struct sched *s, uint64_t left)
{
    uint64_t size = s->chunk;
    if (s->kind == SCHED_GUIDED) {
        uint64_t share = divide_up(left, s->workers);
        if (share > size)
            size = share;
    }
    return size < left ? size : left;
}

bool sched_walk(const struct sched *s, struct sched_walk *walk, uint64_t *first, uint64_t *count)
{
    if (walk->next >= s->n)
        return false;
    *first = walk->next;
    *count = sched_size(s, s->n - walk->next);
    walk->next += *count;
    walk->i++;
    return true;
}

int sched_table_fill(struct sched_table *table, const struct sched *s, struct err *err)
{
    struct sched_walk walk = {0};
    uint64_t first, count;
    table->n_chunks = 0;
    for (;;) {
        bool more = sched_walk(s, &walk, &first, &count);
        table->starts =
            alloc_room(table->starts, table->n_chunks, &table->capacity, sizeof *table->starts);
        table->starts[table->n_chunks] = more ? first : s->n;
        if (!more)
            return 0;
        if (++table->n_chunks > SCHED_MOST_CHUNKS)
            return err_set(err,
                           "schedule %s cuts %" PRIu64 " tasks into more than %d chunks; give a "
                           "larger chunk",
                           sched_rule_of(s->kind)->name, s->n, SCHED_MOST_CHUNKS);
    }
}

void sched_table_release(struct sched_table *table)
{
    free(table->starts);
    *table = (struct sched_table){0};
}

bool sched_static_chunk(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t *first,
                        uint64_t *count)
{
    if (s->blocks) {
        /* libgomp's split (iter.c): the first n mod P workers get floor(n/P) + 1. */
        uint64_t share = s->n / s->workers, more = s->n % s->workers;
        *first = share * worker + (worker < more ? worker : more);
        *count = share + (worker < more);
        return turn == 0 && *count > 0;
    }
    uint64_t n_chunks = divide_up(s->n, s->chunk);
    if (worker >= n_chunks || turn > (n_chunks - 1 - worker) / s->workers)
        return false;
    *first = (turn * s->workers + worker) * s->chunk;
    *count = s->n - *first < s->chunk ? s->n - *first : s->chunk;
    return true;
}

uint64_t sched_adaptive_size(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t i,
                             uint64_t left, const struct sched_past *pasts, double *weight,
                             double now_ns)
{
    (void)worker, (void)turn, (void)i, (void)pasts, (void)weight, (void)now_ns;
    return sched_size(s, left);
}
