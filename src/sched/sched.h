/* Schedules: the rules that set chunk sizes, as pure functions.
 *
 * Symbols as in the literature: N tasks, P workers, R tasks not yet handed out, i the number of a
 * chunk from 0, j of a batch of P chunks, c the least chunk, h the time that handing out one chunk
 * takes a worker, μ and σ mean and standard deviation of a task's time. A schedule hands out each
 * of 0..N-1 exactly once for all N >= 0, P >= 1, c >= 1. No chunk is below c, but for the last one
 * (under steal of each range); none goes beyond the tasks that are left.
 *
 * The rules stand in sched_table, each with its formula and source above its function in sched.c.
 * They fall into classes by what a claim engine (claim.h) must know to hand their chunks out.
 *
 * sched.c has the table and the rules whose chunks are known beforehand, sched_adaptive.c those
 * that look at the past, sched_spec.c the specifications.
 */
#ifndef POOLMARK_SCHED_SCHED_H
#define POOLMARK_SCHED_SCHED_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sched_kind {
    SCHED_STATIC,
    SCHED_DYNAMIC,
    SCHED_POOL,
    SCHED_GUIDED,
    SCHED_GUIDED_LLVM,
    SCHED_FSC,
    SCHED_MFSC,
    SCHED_TSS,
    SCHED_FAC,
    SCHED_FAC2,
    SCHED_TAP,
    SCHED_FISS,
    SCHED_VISS,
    SCHED_TFSS,
    SCHED_PLS,
    SCHED_RND,
    SCHED_WF,
    SCHED_AWF_B,
    SCHED_AWF_C,
    SCHED_AWF_D,
    SCHED_AWF_E,
    SCHED_AF,
    SCHED_BOLD,
    SCHED_STEAL,
    SCHED_AUTO,
    SCHED_TASKLOOP,
    SCHED_TASKS,
};

/* What is known of a rule's chunks before the start. Bits, so that a dispatch can name those that
 * it carries. */
enum sched_class {
    SCHED_FIXED = 1,     /* which worker gets which chunk: static */
    SCHED_CONSTANT = 2,  /* the size that all have: one addition hands a chunk out */
    SCHED_SEQUENCE = 4,  /* the size of the i-th: one addition to i, and a table */
    SCHED_ADAPTIVE = 8,  /* nothing: the size depends on who asks, and on what was measured */
    SCHED_RANGES = 16,   /* each worker's own range, from which others may steal */
    SCHED_RUNTIMES = 32, /* nothing: the OpenMP runtime decides by itself */
};

enum sched_need { SCHED_NEEDS_H = 1, SCHED_NEEDS_MEAN = 2, SCHED_NEEDS_SD = 4 };

struct sched_rule {
    enum sched_kind kind;
    const char *name;
    const char *summary;
    enum sched_class class;
    unsigned needs;     /* bits of sched_need */
    bool takes_chunk;   /* false: the chunk follows from the rest alone */
    bool in_openmp;     /* OpenMP's own loops and tasks have it (backend openmp, dispatch native) */
    const char *params; /* names of those that it takes, separated by blanks; may be "" */
};

/* All rules; ends with a NULL name. */
extern const struct sched_rule sched_table[];

const struct sched_rule *sched_rule_of(enum sched_kind kind);

/* --- specifications --------------------------------------------------------------------------- */

enum { SCHED_MOST_WEIGHTS = 16, SCHED_SPEC_BYTES = 256 };

/* What the rules with numbers of their own take; each is named as in a specification. */
struct sched_params {
    double h, mean, sd;                 /* ns; NaN: not given (to be measured by the cell) */
    double alpha;                       /* tap: v = alpha sd/mean; 1.3 */
    double share;                       /* pls: part that is dealt out beforehand; 0.5 */
    uint64_t stages;                    /* fiss: B; 3 */
    uint64_t x;                         /* viss: X; 4 */
    uint64_t seed;                      /* rnd; 1 */
    double weights[SCHED_MOST_WEIGHTS]; /* wf: of workers 0, 1, …, then again from the first */
    uint32_t n_weights;                 /* 0: all alike */
};

/* A rule with its parameters: "fsc h=200ns sd=1us", "wf weights=1:2". */
struct sched_spec {
    const struct sched_rule *rule;
    struct sched_params params;
};

/* Reads a specification; an unknown rule or parameter is refused with the nearest name, a value
 * with what is allowed. */
int sched_spec_read(const char *text, struct sched_spec *spec, struct err *err);

/* A rule with nothing given: all parameters at their defaults. */
struct sched_spec sched_spec_default(enum sched_kind kind);

/* Writes it so that equal ones have equal text: parameters in table order, those that were not
 * given or are at their defaults left out. Reads back as the same; what sched_spec_read has
 * accepted fits in SCHED_SPEC_BYTES. */
void sched_spec_write(const struct sched_spec *spec, char *buffer, size_t size);

/* Whether all that the rule needs was given; else the sentence names what is missing. */
int sched_spec_check_complete(const struct sched_spec *spec, struct err *err);

/* Tells each parameter that the rule takes, in table order: its name, and in words unit, range,
 * default and meaning. */
typedef void sched_param_tell(void *user, const char *name, const char *words);
void sched_param_list(const struct sched_rule *rule, sched_param_tell *tell, void *user);

/* --- one list of tasks ------------------------------------------------------------------------ */

/* A schedule for one list of tasks. Plain data that may be sent to other processes. */
struct sched {
    enum sched_kind kind;
    enum sched_class class;
    uint64_t n;       /* N */
    uint32_t workers; /* P, at least 1 */
    uint64_t chunk;   /* c as resolved, at least 1 and at most n; of constant rules: the size */
    bool blocks;      /* without a chunk: under static one block a worker, under taskloop whatever
                         grainsize the runtime chooses */
    struct sched_params params;
};

/* Makes a schedule. chunk 0 means "auto": the rule's own, ceil(N/P) for static, ceil(N/4P) for
 * pool, the formula for fsc and mfsc, 1 for the others. To fsc and mfsc a chunk is the least size.
 * The chunk given to a rule that takes none is ignored. What the rule needs should be there
 * (sched_spec_check_complete): a size that cannot be computed is that of the least chunk. */
struct sched sched_make(const struct sched_spec *spec, uint64_t n, uint32_t workers,
                        uint64_t chunk);

/* The same for a rule at its default parameters. */
struct sched sched_resolve(enum sched_kind kind, uint64_t n, uint32_t workers, uint64_t chunk);

/* Whether its chunks are known before the start: FIXED, CONSTANT and SEQUENCE, once what the rule
 * needs is there. */
bool sched_is_known(const struct sched *s);

/* --- chunks ----------------------------------------------------------------------------------- */

/* FIXED: the `turn`-th chunk (from 0) of `worker`. Returns false when there is none. */
bool sched_static_chunk(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t *first,
                        uint64_t *count);

/* CONSTANT and SEQUENCE: walks the chunks in order. Zero the walk, then call until it is false.
 * Under other rules all chunks have the least size, as one worker would take them by itself. */
struct sched_walk {
    uint64_t i;        /* number of the next chunk */
    uint64_t next;     /* first task not handed out */
    uint64_t in_batch; /* chunks left in the batch, */
    uint64_t size;     /* and their size */
};

bool sched_walk(const struct sched *s, struct sched_walk *walk, uint64_t *first, uint64_t *count);

/* CONSTANT, and those of SEQUENCE that look at what is left alone (guided, guided-llvm, tap): the
 * size of the next chunk when `left` (>= 1) tasks are not handed out. */
uint64_t sched_size(const struct sched *s, uint64_t left);

/* CONSTANT and SEQUENCE: where the chunks begin, so that the i-th is [starts[i], starts[i+1]). */
struct sched_table {
    uint64_t n_chunks;
    uint64_t *starts; /* [n_chunks + 1] */
    size_t capacity;
};

enum { SCHED_MOST_CHUNKS = 1 << 22 }; /* of a table */

/* Fills the table (zeroed before its first use; memory is kept from call to call). A rule that
 * would cut the list into more than SCHED_MOST_CHUNKS is refused. */
int sched_table_fill(struct sched_table *table, const struct sched *s, struct err *err);
void sched_table_release(struct sched_table *table);

/* ADAPTIVE: what is known of a worker's past in this list. Times in ns. */
struct sched_past {
    uint64_t chunks, tasks;       /* finished */
    double busy_ns;               /* Σ time of its chunks */
    double total_ns;              /* the same, with the time of claiming them */
    double weighted_tasks;        /* Σ k n_k, k = 1, 2, … the chunk's number for this worker */
    double weighted_ns;           /* Σ k t_k */
    double weighted_total_ns;     /* Σ k (t_k + time of claiming) */
    double task_mean_ns, task_m2; /* of parts of chunks, per task: mean and Σ n (x - mean)² */
    uint64_t parts;               /* that these two come from */
    uint64_t assigned;            /* tasks handed out to it, finished or not */
    double asked_ns;              /* when it asked last, on the clock of the list */
};

/* ADAPTIVE: what a worker keeps for itself from claim to claim. Zeroed before the list. */
struct sched_own {
    double weight;  /* awf-b, awf-d: for as long as its batch lasts; 0: none yet */
    uint64_t batch; /* the batch in which it was set */
};

/* ADAPTIVE: the size of the next chunk for `worker`, which has had `turn` chunks, when `i` chunks
 * were handed out to all and `left` (>= 1) tasks are not. pasts[P]; that of `worker` must hold all
 * its chunks, since it has run them. now_ns: on the same clock as asked_ns. */
uint64_t sched_adaptive_size(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t i,
                             uint64_t left, const struct sched_past *pasts, struct sched_own *own,
                             double now_ns);

#endif
