/* Schedules: see sched.h. */
#include "sched/sched.h"

#include "base/text.h"

#include <string.h>

const struct sched_rule sched_table[] = {
    {SCHED_STATIC, "static", "equal blocks, or blocks of the chunk in turn, fixed before the start",
     true, false},
    {SCHED_DYNAMIC, "dynamic", "the next chunk goes to whoever is free", true, true},
    {SCHED_POOL, "pool", "as dynamic with ceil(N/4P), the default of Python's Pool.map", false,
     true},
    {SCHED_GUIDED, "guided", "ceil(left/P), never below the chunk", true, true},
    {0, NULL, NULL, false, false},
};

enum { N_RULES = sizeof sched_table / sizeof *sched_table - 1 };

const struct sched_rule *sched_find(const char *name, struct err *err)
{
    const char *names[N_RULES];
    for (int i = 0; i < N_RULES; i++) {
        if (strcmp(sched_table[i].name, name) == 0)
            return &sched_table[i];
        names[i] = sched_table[i].name;
    }
    text_refuse(err, "unknown schedule", name, names, N_RULES);
    return NULL;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

struct sched sched_resolve(enum sched_kind kind, uint64_t n, uint32_t workers, uint64_t chunk)
{
    struct sched s = {.kind = kind, .n = n, .workers = workers, .chunk = chunk};
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
