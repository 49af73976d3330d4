/* procpool: a pool of worker processes over shared memory.
 *
 * The sound core: workers are forked once, sleep on a futex while there is nothing to do, run one
 * body each time they are called, and a worker that dies is told with pid and signal instead of
 * being waited for. A map is a body that claims chunks from a `struct claim` in the pool's arena.
 *
 *     struct procpool_options options = {.workers = 4, .arena_bytes = 1 << 20};
 *     struct procpool *pool = procpool_new(&options, &err);
 *     struct my_job *job = procpool_arena(pool);      // same address in every worker
 *     procpool_run(pool, my_body, job, &err);          // each worker calls my_body(job, w, …) once
 *     procpool_free(pool);
 *
 * Snapshot: workers see the parent's memory as it was at procpool_new; only the arena is shared.
 * Body and argument must therefore have been there before: a function of the program, a pointer
 * into the arena. Create pools before the first OpenMP region and before MPI_Init (a forked libgomp
 * hangs). Only the process, and the thread, that made the pool may call it.
 */
#ifndef PROCPOOL_H
#define PROCPOOL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procpool;

struct procpool_options {
    uint32_t workers;   /* 1 to 4096 */
    size_t arena_bytes; /* shared between parent and workers; pages are taken when touched */
    uint64_t spin_ns;   /* how long an idle worker looks for work before it sleeps; 0: 50 µs when
                           the workers fit on the usable CPUs, else none */
    /* Called once in each new worker before anything else (binding, signal masks); may be NULL. A
     * non-zero return ends procpool_new with an error. */
    int (*initializer)(void *argument, uint32_t worker);
    void *initializer_argument;
};

/* Forks the workers and returns when each has passed its initializer. NULL on failure, with nothing
 * left behind. Parent. */
struct procpool *procpool_new(const struct procpool_options *options, struct err *err);

/* The shared memory, aligned to a page, zeroed, at the same address in all workers. */
void *procpool_arena(const struct procpool *pool);
size_t procpool_arena_bytes(const struct procpool *pool);

uint32_t procpool_workers(const struct procpool *pool);
pid_t procpool_worker_pid(const struct procpool *pool, uint32_t worker);

/* What each worker runs once per call. A non-zero return is reported as that worker's failure. */
typedef int procpool_body(void *argument, uint32_t worker);

/* Wakes all workers, each runs body once, and returns when all have ended. All that they wrote to
 * the arena is then visible to the parent. On the death of a worker returns -1 with its number, pid
 * and signal or status; the pool is then broken: only procpool_free may follow. Parent. */
int procpool_run(struct procpool *pool, procpool_body *body, void *argument, struct err *err);

/* Ends the workers (asks, then SIGKILL after a second) and frees all. NULL is allowed. Parent. */
void procpool_free(struct procpool *pool);

#endif
