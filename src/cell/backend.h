/* A backend: who runs the tasks. One struct of hooks with a name, at the end of its own file.
 *
 * The cell (main.c, sampler.c) calls, in the root process:
 *
 *   1. unavailable()         before anything else; NULL or a sentence with the remedy
 *   2. open(&team, launch)   makes the workers (fork, threads, MPI_Init) and places them; timed
 *                            as open_ns. On failure nothing is left behind
 *   3. for every request, of which the first is a list of null tasks that warms the machinery:
 *      prepare(team, job)    not timed. All workers set up the workload, overwrite the memory of
 *                            the results (so that an answer left over from before cannot pass)
 *                            and stand at the start line: called directly before map, so that
 *                            whoever spins before it sleeps still does
 *      map(team, job)        THE ONLY TIMED PART: from here until the caller knows that all tasks
 *                            are done and, where there are results, has them
 *      collect(team, job, outcome)  not timed. Brings the workers' reports and traces home
 *   4. close(team)           timed as close_ns; leaves no process, thread or shared memory
 *
 * After map the workers go back to sleep by themselves: a parked team takes below 1 % of a CPU.
 * A hook that fails returns -1 with a sentence. After prepare the team is still sound (the request
 * could not be carried out); after map or collect it is lost: the sentence names the worker and its
 * signal or status, and the cell reports that it died and ends. is_broken, where there is one,
 * decides instead. Ranks other than the root live in `serve` (main.c calls it instead of the loop
 * when is_root is false), which returns when the root closes.
 */
#ifndef POOLMARK_CELL_BACKEND_H
#define POOLMARK_CELL_BACKEND_H

#include "base/err.h"
#include "sched/claim.h"
#include "sched/dispatch.h"
#include "topo/topo.h"
#include "work/work.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct team; /* each backend's own */

/* What a launch fixes. */
struct launch {
    uint32_t workers; /* in all; ranks × threads under hybrid */
    uint32_t ranks;   /* 1 where there are no ranks */
    uint32_t threads; /* threads of a rank; workers = ranks × threads under mpi and hybrid */
    const struct topo *topo;
    const struct topo_bind *bind;
};

enum { SPEC_BYTES = 512 };

/* What a request asks: one list of tasks and how to share it out. Plain data that may be sent to
 * other processes, but for `work`. */
struct job {
    char spec[SPEC_BYTES]; /* the workload, canonical text */
    double scale;          /* times of the workload are multiplied by this */
    struct sched sched;    /* n, workers, rule, chunk */
    char dispatch[16];     /* one of dispatch_names(backend) that carries the rule, never "auto" */
    bool trace;
    const struct work *work; /* set up in the root process; threads use it, other processes set up
                                their own by spec, scale and sched.n (worker.h: work_shelf) */
};

/* One chunk as it was run; written by its worker into memory that the root can read afterwards. */
struct chunk_event {
    uint64_t first, count;
    uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC of the root */
    int32_t worker, pu;
};

/* What one worker did during one map. Written by the worker alone. */
struct worker_report {
    struct tally tally;
    uint64_t start_ns, end_ns;       /* CLOCK_MONOTONIC of the root: first and last moment */
    uint64_t claim_ns;               /* getting chunks; 0 where the runtime does that unseen */
    uint64_t user_ns, sys_ns;        /* getrusage(RUSAGE_THREAD), difference over the map */
    uint64_t voluntary, involuntary; /* context switches, likewise */
    uint64_t faults, major_faults;   /* page faults without and with a disk, likewise */
    uint64_t cpu_ns;                 /* by the thread's own clock, likewise */
    uint64_t off_ns;                 /* without a CPU, from its first to its last moment, */
    uint64_t rest_ns;                /* of which it may have meant to sleep so long, tasks apart */
    int32_t first_pu, pu;            /* where it began and ended */
};

/* Where one worker is. */
struct placement {
    uint32_t worker, rank, thread;
    pid_t pid, tid;        /* its process and thread */
    int requested_pu;      /* -1: floats */
    int observed_pu;       /* where it ran when it looked */
    char observed_set[64]; /* the set it is bound to, "0-1" */
    char host[64];         /* the machine's own name */
};

/* What map and collect bring home. The arrays are the team's, valid until the next call. */
struct outcome {
    struct tally total;
    uint64_t start_ns;                   /* common start of the workers; 0: when map was called */
    uint64_t clock_error_ns;             /* residual error of their clocks against the root's */
    uint32_t nodes;                      /* machines that they run on; 0: one */
    const void *results;                 /* all n results, or NULL */
    const struct worker_report *reports; /* [workers] */
    const struct chunk_event *events;    /* [n_events], any order */
    size_t n_events;
    uint64_t events_dropped; /* beyond the room for them */
    const char *remark;      /* what a reader of the sample should know; NULL or "": nothing */
};

/* What a backend's launch cannot have; a launch beyond it is a wrong command line. */
enum { BACKEND_ONE_WORKER = 1, BACKEND_ONE_RANK = 2 };

struct backend {
    const char *name;
    const char *summary;
    unsigned limits; /* 0: none of the above */

    const char *(*unavailable)(void);
    int (*open)(struct team **team, const struct launch *launch, struct err *err);
    bool (*is_root)(const struct team *team);                 /* NULL: always */
    int (*serve)(struct team *team, struct err *err);         /* NULL where is_root is */
    const struct placement *(*placements)(struct team *team); /* [workers] */
    const char *(*runtime)(const struct team *team); /* one line of the hello; NULL: empty */
    int (*prepare)(struct team *team, const struct job *job, struct err *err);
    int (*map)(struct team *team, const struct job *job, struct err *err);
    int (*collect)(struct team *team, const struct job *job, struct outcome *outcome,
                   struct err *err);
    int (*sender)(struct team *team, uint64_t index); /* after collect: the rank that sent the
                                                         result of a task; NULL: no ranks */
    bool (*is_broken)(const struct team *team);       /* after a failed hook; NULL: as said above */
    void (*close)(struct team *team);
};

/* The backends of this cell program; ends with NULL. poolmark-cell has seq, procpool and (when
 * built with OpenMP) openmp; poolmark-cell-mpi has mpi and (with OpenMP) hybrid. */
extern const struct backend *const backend_table[];

extern const struct backend backend_seq, backend_procpool, backend_openmp;
extern const struct backend backend_mpi, backend_hybrid;

#endif
