/* Schedules: the rules that set chunk sizes, as pure functions.
 *
 * Symbols as in the literature: N tasks, P workers, R tasks not yet handed out, c the minimum
 * chunk. A schedule hands out each of 0..N-1 exactly once for all N >= 0, P >= 1, c >= 1.
 *
 *   static   one block of ceil(N/P) or floor(N/P) a worker (as libgomp splits: the first N mod P
 *            workers get one more); with chunk c: blocks of c, round robin            (OpenMP 5.0)
 *   dynamic  c, to whoever is free; c = 1 is self-scheduling                   (Tang & Yew 1986)
 *   pool     ceil(N/4P), handed out in order: the default of Python's Pool.map  (CPython pool.py)
 *   guided   ceil(R/P), at least c                        (Polychronopoulos & Kuck 1987; libgomp)
 */
#ifndef POOLMARK_SCHED_SCHED_H
#define POOLMARK_SCHED_SCHED_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum sched_kind { SCHED_STATIC, SCHED_DYNAMIC, SCHED_POOL, SCHED_GUIDED };

struct sched_rule {
    enum sched_kind kind;
    const char *name;
    const char *summary;
    bool takes_chunk; /* false: the chunk follows from N and P alone */
    bool shared;      /* chunks are claimed while running; false: known before the start */
};

/* All rules; ends with a NULL name. */
extern const struct sched_rule sched_table[];

/* The rule of that name, or NULL with the nearest name in the sentence. */
const struct sched_rule *sched_find(const char *name, struct err *err);

/* A schedule for one list of tasks. chunk 0 means "auto": the rule's own. */
struct sched {
    enum sched_kind kind;
    uint64_t n;       /* N */
    uint32_t workers; /* P, at least 1 */
    uint64_t chunk;   /* c as resolved by sched_resolve, at least 1 */
    bool blocks;      /* static without a chunk: one block a worker */
};

/* Makes a schedule; resolves chunk 0 to what the rule uses (1 for dynamic and guided, ceil(N/4P)
 * for pool, ceil(N/P) for static, never below 1). The chunk asked for pool is ignored: see
 * takes_chunk. */
struct sched sched_resolve(enum sched_kind kind, uint64_t n, uint32_t workers, uint64_t chunk);

/* Size of the next chunk of a shared rule when `left` (>= 1) tasks are not handed out yet. */
uint64_t sched_size(const struct sched *s, uint64_t left);

/* The `turn`-th chunk (from 0) of `worker` under static. Returns false when there is none. */
bool sched_static_chunk(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t *first,
                        uint64_t *count);

#endif
