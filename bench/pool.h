/* bench/pool: what its files share.
 *
 * The driver (pool.c) starts a process for each subject, anew at each launch, and asks it for one
 * sample after the other, in lines of text:
 *
 *     subject   hello VERSION                 once, when it is ready; or: absent SENTENCE
 *     driver    SAMPLER
 *     subject   sample N VALUE ...            N: calls or items that the values are a mean of
 *               skip SENTENCE                 this cannot be measured here
 *               wrong SENTENCE                a result was not what it should be
 *
 * and ends it by closing the pipe. A subject is a forked child (procpool, libgomp: each makes its
 * threads or workers in a process of its own) or a script (pool_peers.py). It checks a sampler's
 * answers when it is first asked for it, outside the clock, and is quiet when it has answered.
 */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include "base/err.h"
#include "stats/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- subjects --------------------------------------------------------------------------------- */

/* What every subject of a run is told. */
struct load {
    int workers;
    bool quick;
};

enum { MOST_VALUES = 3, MOST_TARGETS = 3 };

struct sample {
    uint64_t n;
    int n_values;
    double values[MOST_VALUES]; /* seconds, bytes, or percent */
};

/* What a sampler comes back with. */
enum taken { TAKEN, SKIPPED, WRONG };

/* One kind of sample. The fields below `take` are what samplers that share a function differ in. */
struct sampler {
    const char *name;
    enum taken (*take)(void *subject, const struct sampler *sampler, struct sample *sample,
                       struct err *err);
    int engine;
    int64_t chunk;
    int64_t pause_ns;
    bool through_pointer;
};

/* Answers requests until the pipe is closed. Returns the exit status. */
int serve(FILE *in, FILE *out, const char *version, const struct sampler *samplers,
          size_t n_samplers, void *subject);

/* Maps measure what workers cost each other when each has a CPU of its own. Left to the scheduler,
 * those that have slept share one for a while, which is cheaper for null tasks and for no others.
 * pin_remember notes the CPUs that may be used; in processes and threads made after it, pin moves
 * the caller to the k-th of them, if they are as many as there are workers, and unpin undoes it. */
void pin_remember(void);
void pin(int k, int workers);
void unpin(void);

/* The subjects that are forked: each serves until the pipe is closed, and returns its exit status.
 */
int procpool_subject(FILE *in, FILE *out, const struct load *load);
int libgomp_subject(FILE *in, FILE *out, const struct load *load);

/* --- figures ---------------------------------------------------------------------------------- */

enum subject { PROCPOOL, LIBGOMP, PYTHON, JOBLIB, MPI4PY, N_SUBJECTS };
enum unit { SECONDS, BYTES, PERCENT, TIMES };
enum when { EACH_ROUND, EACH_LAUNCH };

/* What a figure is compared with, and how it should come out. */
struct target {
    const char *to; /* "subject sampler"; NULL: nothing, the limit is absolute */
    double limit;   /* at most, as a ratio or in the unit of the figure; 0: none */
    const char *text;
};

/* One line of the table. */
struct figure {
    const char *group; /* the heading that begins here, or NULL */
    const char *who;
    enum subject subject;
    const char *sampler;
    int value; /* which of the sample's values */
    enum unit unit;
    enum when when;
    struct target targets[MOST_TARGETS];
};

extern const struct figure figures[]; /* ends with who NULL */

/* What was measured of one sampler of one subject: values[place][value], where place is
 * launch * rounds + round, and values are NaN where nothing was measured. */
struct series {
    enum subject subject;
    const char *sampler;
    enum when when;
    uint64_t n;
    double (*values)[MOST_VALUES];
    char skipped[256]; /* why, where it was */
};

/* A run, and what came of it. */
struct bench {
    struct load load;
    int launches, rounds;
    uint64_t seed;
    const char *python, *peers;
    FILE *samples; /* one line a sample; NULL: none */
    struct series *series;
    size_t n_series;
    char versions[N_SUBJECTS][128];
    char absent[N_SUBJECTS][256]; /* why, where it is */
};

extern const char *const subject_names[N_SUBJECTS];

/* Takes all samples. Returns -1 when an answer was wrong or missing, which it has told. */
int bench_run(struct bench *bench);

/* What was measured of a subject's sampler; NULL where the table has none of that name. */
struct series *bench_series(const struct bench *bench, enum subject subject, const char *sampler);

/* The text table, or the one of docs/procpool.md with the machine that it comes from. */
void report_text(const struct bench *bench, FILE *out);
void report_markdown(const struct bench *bench, FILE *out);

#endif
