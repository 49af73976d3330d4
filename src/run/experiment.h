/* An experiment: a section of the configuration with every value read and checked. Nothing is
 * started and nothing written before all experiments of a run are right. */
#ifndef POOLMARK_RUN_EXPERIMENT_H
#define POOLMARK_RUN_EXPERIMENT_H

#include "record/claim.h"
#include "run/backends.h"
#include "run/options.h"
#include "sched/sched.h"
#include "topo/topo.h"

#include <stdint.h>

enum { MOST_WORKERS = 4096, MOST_REPS = 1000000, MOST_RETAKES = 100 };
#define MOST_TASKS (UINT64_C(1) << 40)

enum ranks_choice { RANKS_AUTO, RANKS_ALL, RANKS_LIST };

struct counts {
    uint64_t *items;
    size_t n;
};

struct experiment {
    const struct section *section; /* NULL: the command line alone */
    const char
        *places[OPTION_COUNT]; /* where each option was set: "x.ini:3: workers", "--workers" */
    char *name, *title, *source;
    struct claim *claims;
    size_t n_claims;
    char **workloads; /* canonical */
    size_t n_workloads;
    struct counts tasks;
    struct backend_kind **backends; /* without the base */
    size_t n_backends;
    struct sched_spec *schedules;
    size_t n_schedules;
    char **dispatches;
    size_t n_dispatches;
    struct counts chunks; /* 0: auto */
    struct counts workers;
    enum ranks_choice ranks_choice;
    struct counts ranks;
    char **binds;
    size_t n_binds;
    uint64_t launches, reps;
    double precision;       /* percent; 0: none */
    bool precision_of_time; /* it looks at the interval of the time, not at that of the speedup */
    uint64_t retakes;       /* how often a disturbed sample is taken again */
    double scale;
    bool fresh, oversubscribe, calibrate, bind_strict;
    uint64_t timeout_ns; /* 0: by rule */
};

struct experiments {
    struct experiment *items;
    size_t n;
};

/* What holds for the whole run. */
struct run_options {
    uint64_t seed, max_seconds_ns, max_cells;
    bool trace, dry_run, quiet;
    enum { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON } format;
    bool record_host;
    const char *out, *resume, *only, *color, *info; /* owned by the configuration */
};

/* Reads all sections that --only picks (or the command line alone when there is no file). */
int experiments_read(struct experiments *all, const struct configuration *c,
                     const struct topo_counts *machine, struct err *err);
void experiments_release(struct experiments *all);

int run_options_read(struct run_options *options, const struct configuration *c, struct err *err);

#endif
