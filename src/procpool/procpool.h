/* procpool: a pool of worker processes over shared memory. Linux; depends on libc alone.
 *
 *     struct procpool_error error;
 *     struct procpool *pool = procpool_new(&(struct procpool_options){.processes = 4}, &error);
 *     uint64_t squares[100];
 *     procpool_map(pool,
 *                  &(struct procpool_call){.function = square,
 *                                          .n = 100,
 *                                          .results = squares,
 *                                          .result_bytes = sizeof *squares},
 *                  &error);
 *     procpool_free(pool);
 *
 * where   int square(struct procpool_task *task)
 *         {
 *             *(uint64_t *)task->result = task->index * task->index;
 *             return 0;
 *         }
 *
 * The steps of a caller:
 *
 *   1. procpool_new forks the workers. They see the program's memory as it is at that moment,
 *      the snapshot, for ever; only what procpool_alloc returns is shared. Create pools before
 *      the first OpenMP region, before MPI_Init, and before other threads hold locks that tasks
 *      will want.
 *   2. Describe a call: a function, n items, where arguments come from and results go. Run it with
 *      procpool_map (waits), procpool_map_async (a job to wait for), procpool_imap (an iterator).
 *   3. Ask the job: procpool_get, procpool_wait, procpool_status of each item.
 *   4. procpool_drain finishes what was submitted and ends the workers; procpool_terminate
 *      ends them now. procpool_free frees the pool, terminating it first where it still runs.
 *
 * What holds always:
 *
 *   - Every item of every call reaches a final state (enum procpool_state): a worker that dies,
 *     is killed, or runs over the time limit costs the one item that it was at, and nothing
 *     waits for it. Items are run exactly once, but for those that `retries` runs again.
 *   - Nothing is left behind, however parent or workers end: no process, no descriptor, no name.
 *   - All times are in nanoseconds of CLOCK_MONOTONIC, all sizes in bytes, all counts in items
 *     unless said otherwise. A timeout at or below 0 looks and does not wait; PROCPOOL_FOREVER
 *     has no end.
 *
 * Errors: a function that can fail returns 0 or -1 (or a pointer or NULL) and takes `error` last,
 * which may be NULL. On success *error is untouched; on failure it is filled in.
 *
 * Who may call: any thread of the process that made the pool; functions marked "worker" are for
 * tasks. Every other process (a forked child, a worker) is refused with PROCPOOL_FOREIGN; a worker
 * has none but the pools and jobs of before its own. Not from signal handlers.
 *
 * What the zygote means for a program: it is a child, so that `while (wait(NULL) > 0)` does not end
 * while a pool runs; it and the workers keep descriptors open that were open at procpool_new (what
 * waits in stdout and stderr is written before, in other streams too where the program has no
 * threads); and a program that replaces itself by exec leaves them running, so it frees its pools
 * first.
 *
 * Signals: workers have default handlers where the program has handlers, an empty mask, and ignore
 * SIGINT, so that the parent decides what Ctrl-C means [61].
 *
 * The numbers in brackets are the rows of the table "coming from Python" in docs/procpool.md, which
 * names the deviations from multiprocessing.Pool and their reasons.
 */
#ifndef PROCPOOL_H
#define PROCPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct procpool;          /* a pool */
struct procpool_job;      /* a call that was submitted: what Python calls an AsyncResult */
struct procpool_iterator; /* results as they come */

#define PROCPOOL_FOREVER INT64_MAX

/* --- errors and states ------------------------------------------------------------------------ */

/* What a call was refused for. */
enum procpool_code {
    PROCPOOL_OK = 0,
    PROCPOOL_INVALID,       /* an argument is not what is allowed */
    PROCPOOL_NOT_RUNNING,   /* the pool was closed or terminated [64] */
    PROCPOOL_STILL_RUNNING, /* join of a pool that was not closed [65] */
    PROCPOOL_NOT_READY,     /* procpool_successful of a job that is not ready [42] */
    PROCPOOL_TIMEOUT,       /* not ready in time; the work goes on [39] */
    PROCPOOL_END,           /* an iterator has no more items */
    PROCPOOL_FOREIGN,       /* the pool belongs to another process [12] */
    PROCPOOL_NESTED,        /* a pool inside a worker, which was not allowed [14] */
    PROCPOOL_DEADLOCK,      /* waiting inside a callback for what only its return can bring [53] */
    PROCPOOL_NO_MEMORY,     /* shared or private memory has run out */
    PROCPOOL_SYSTEM,        /* a system call failed: error_number */
    PROCPOOL_START,         /* a worker failed to start: its initializer, or its death in it [8] */
    PROCPOOL_BROKEN,        /* no worker is left and none may be made */
    PROCPOOL_SOURCE,        /* the source of the arguments failed [36] */
    PROCPOOL_ITEMS,         /* items of the job failed: index, state and n_failed say which */
};

/* The state of an item. All but PROCPOOL_PENDING are final. */
enum procpool_state {
    PROCPOOL_PENDING = 0, /* waiting, or being run */
    PROCPOOL_DONE,        /* the function returned 0 */
    PROCPOOL_FAILED,      /* the function returned something else, or called procpool_fail */
    PROCPOOL_TOO_LARGE,   /* the result was larger than announced [48] */
    PROCPOOL_UNKNOWN,     /* the function is not known to this pool's workers [18] */
    PROCPOOL_LOST,        /* its worker died: signal or exit_status says of what [57] */
    PROCPOOL_OVERDUE,     /* it ran over the time limit, and its worker was killed */
    PROCPOOL_CANCELLED,   /* procpool_cancel or fail_fast came before it was started */
    PROCPOOL_TERMINATED,  /* procpool_terminate came before it had ended [68] */
};

/* The name of a state or code in lower case, as "lost"; "?" for what is none. */
const char *procpool_state_name(enum procpool_state state);
const char *procpool_code_name(enum procpool_code code);

/* What became of an item. */
struct procpool_status {
    enum procpool_state state;
    uint64_t index;
    int code;         /* what the function returned or gave to procpool_fail */
    int error_number; /* errno then; 0 where the function did not set it */
    pid_t pid;        /* the worker that ran it; 0 where none did or the item is done */
    int signal;       /* that killed the worker, or 0 */
    int exit_status;  /* of a worker that ended itself, or 0 */
    char text[120];   /* a sentence; empty where there is nothing to add */
};

struct procpool_error {
    enum procpool_code code;
    int error_number;  /* errno of PROCPOOL_SYSTEM, or 0 */
    uint64_t n_failed; /* PROCPOOL_ITEMS: how many are not done */
    struct procpool_status
        status;     /* PROCPOOL_ITEMS: of the lowest item that failed [43]; of what
                                      was cancelled or terminated only where none did */
    char text[512]; /* one complete sentence without a final newline */
};

/* --- a pool ----------------------------------------------------------------------------------- */

/* How workers claim their items. Both run each exactly once, whoever dies whenever. */
enum procpool_engine {
    PROCPOOL_DEFAULT_ENGINE = 0, /* of a call: the pool's; of a pool: PROCPOOL_IN_ORDER */
    /* The next chunk goes to whoever is free, in the order of the items [29]. */
    PROCPOOL_IN_ORDER,
    /* Each worker has a block of its own, takes chunks from its front, and when it is empty half of
     * what another has left, from the back. The cheapest per chunk; no order across workers. */
    PROCPOOL_STEALING,
};

#define PROCPOOL_USABLE_CPUS (-1)

/* Zero means the default everywhere but in `processes`. */
struct procpool_options {
    /* Workers: 1 to 4096, or PROCPOOL_USABLE_CPUS: min(CPUs of the affinity mask, CPU quota of the
     * cgroup rounded up), or what the environment's PROCPOOL_CPUS says. 0 is refused, since it is
     * what "CPUs - 1" comes to on a small machine [1, 2]. */
    int processes;

    /* Called in each worker before its first item, in replacements too [6, 7]; non-zero is a
     * failure, which procpool_new reports. Five failures in a row of replacements break the pool
     * [8]. `worker` counts from 0; a replacement has the number of the worker that it replaces. */
    int (*initializer)(void *argument, uint32_t worker);
    void *initializer_argument; /* in memory of before procpool_new */

    /* A worker leaves after so many chunks [55], or items, and is replaced. 0: never. */
    int64_t chunks_per_worker;
    int64_t items_per_worker;

    enum procpool_engine engine; /* of calls that name none */

    /* How long an idle worker looks for work before it sleeps. 0: 50 us if the workers fit on the
     * usable CPUs, else none; negative: none. */
    int64_t spin_ns;

    /* How long one item, or an initializer, may take before its worker is killed and replaced; the
     * clock starts when a worker picks it up and is read in steps of an eighth. A worker that is
     * stopped (SIGSTOP) for so long is killed too. 0: no limit. */
    int64_t time_limit_ns;

    /* How often an item is run again whose worker died under it (not of the time limit). */
    int retries;

    /* How many workers that died may be replaced in the pool's life, in all. 0: any number;
     * negative: none. When no worker is left the pool is broken and says so to every item. */
    int64_t restarts;

    /* How many workers the pools made inside one worker may have together. 0: a pool inside a
     * worker is refused [14]. */
    int nested;

    /* How long terminate waits between SIGTERM and SIGKILL [67]. 0: 200 ms; negative: no SIGTERM.
     */
    int64_t grace_ns;

    /* Shared memory to reserve, for arguments, results and the pool's own records, at least 1 MiB.
     * Pages are taken when touched, so much costs nothing. 0: 64 GiB, or the most that can be
     * reserved. */
    size_t memory_bytes;

    /* Jobs that may wait or run at a time; submitting one more waits until one has ended. 0: 65536.
     */
    uint32_t most_jobs;

    /* Of procpool_random. 0 is a seed like others. */
    uint64_t seed;

    /* Gets each warning, a sentence: errors that nobody asked for, at procpool_free [54]. NULL: a
     * line on standard error. (A process that ends without procpool_free is told about on standard
     * error where the environment has PROCPOOL_DEBUG [70].) */
    void (*warn)(const char *sentence, void *data);
    void *warn_data;
};

/* Makes a pool; returns when every worker has passed its initializer [4, 6]. NULL on failure, with
 * nothing left behind [10]. options NULL: as many workers as usable CPUs. */
struct procpool *procpool_new(const struct procpool_options *options, struct procpool_error *error);

/* No more calls; what was submitted is finished, and what iterators have before them (of one with a
 * source: what was taken from it). Returns at once; again and again is allowed [63]. */
int procpool_close(struct procpool *pool, struct procpool_error *error);

/* Ends the pool now: items not started become PROCPOOL_TERMINATED, those being run too once their
 * workers are gone: SIGTERM, after grace_ns SIGKILL. Returns when all workers are gone and all jobs
 * ready. Again and again is allowed, after join too [66]. */
int procpool_terminate(struct procpool *pool, struct procpool_error *error);

/* Waits until a closed or terminated pool has finished its jobs and callbacks and its workers are
 * gone. Twice is allowed; on a running pool PROCPOOL_STILL_RUNNING [65]. */
int procpool_join(struct procpool *pool, struct procpool_error *error);

/* procpool_close and procpool_join. */
int procpool_drain(struct procpool *pool, struct procpool_error *error);

/* Terminates the pool where it still runs, and frees it with its jobs, iterators and shared memory.
 * NULL is allowed. In a foreign process, and in a callback of the pool, it does nothing. */
void procpool_free(struct procpool *pool);

/* Scopes: at the end of the block the pool is terminated, or drained, and freed [69].
 *
 *     PROCPOOL_TERMINATING struct procpool *pool = procpool_new(&options, &error);
 */
#define PROCPOOL_TERMINATING __attribute__((cleanup(procpool_leave_terminating)))
#define PROCPOOL_DRAINING __attribute__((cleanup(procpool_leave_draining)))
void procpool_leave_terminating(struct procpool **pool);
void procpool_leave_draining(struct procpool **pool);

struct procpool_counters {
    uint64_t done;    /* items whose function returned 0 */
    uint64_t failed;  /* items whose function failed or is unknown, or whose result was too large */
    uint64_t lost;    /* items that died with their worker, or with the last one */
    uint64_t overdue; /* items over the time limit */
    uint64_t left;    /* items submitted and not yet final; those of a source when taken from it */
    uint64_t restarts;   /* workers that died and were replaced */
    uint64_t recycled;   /* workers that reached chunks_per_worker or items_per_worker */
    uint64_t unobserved; /* jobs that had failed items when they were freed, and nobody had asked */
};

/* Exact when nothing runs; while items run, of the moment, give or take those that end meanwhile.
 */
void procpool_counters(const struct procpool *pool, struct procpool_counters *counters);

uint32_t procpool_workers(const struct procpool *pool);

/* The process that is worker `worker` now; 0 while there is none [22]. */
pid_t procpool_worker_pid(const struct procpool *pool, uint32_t worker);

/* The number of the worker in which this is called; -1 elsewhere. Anywhere. */
int procpool_self(void);

/* --- shared memory ---------------------------------------------------------------------------- */

/* Memory that parent and workers see at the same address, aligned to 128 bytes, zeroed. NULL with
 * PROCPOOL_NO_MEMORY. Parent. Arguments and results that lie in it are never copied. */
void *procpool_alloc(struct procpool *pool, size_t bytes, struct procpool_error *error);

/* Gives it back; NULL is allowed. Not while a job still uses it. */
void procpool_release(struct procpool *pool, void *memory);

/* Whether all of it lies in the pool's shared memory. */
bool procpool_shares(const struct procpool *pool, const void *memory, size_t bytes);

/* Bytes in use: by procpool_alloc, and by jobs that were not freed [37]. */
size_t procpool_memory_used(const struct procpool *pool);

/* --- tasks ------------------------------------------------------------------------------------ */

/* What a function gets to run one item. Worker. */
struct procpool_task {
    uint64_t index;               /* of the item, from 0 */
    const void *argument;         /* its record, or NULL; of several columns, the first */
    const void *const *arguments; /* its record in each column [33] */
    void *result;        /* where to write, NULL when results are not asked for: zero, but in
                            memory of procpool_alloc, and when the item is run again, as it
                            was left */
    size_t result_bytes; /* how much room there is */
    void *context;       /* of the call, as is */
    uint32_t worker;     /* who runs it: 0 to processes - 1 */
};

/* Runs one item. 0: done; anything else is its error code. What it writes to task->result stays as
 * it is when it fails. */
typedef int procpool_function(struct procpool_task *task);

/* Keeps a sentence for the status of this item and returns `code` (or -1 for 0), so that a task
 * ends with `return procpool_fail(task, 3, "no such file: %s", name)`. Worker. */
int procpool_fail(struct procpool_task *task, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copies a result of `bytes` to task->result. Where it is larger than the room, copies nothing and
 * makes the item PROCPOOL_TOO_LARGE, whatever the function returns. Returns 0 or -1. Worker. */
int procpool_put(struct procpool_task *task, const void *data, size_t bytes);

/* A random number that depends on the pool's seed and the item's index alone, the same in whichever
 * worker; a function of `k`, so that an item has as many as it wants. Beside it, each worker's
 * rand(), random() and drand48() are seeded differently [21]. Worker. */
uint64_t procpool_random(const struct procpool_task *task, uint64_t k);

/* --- calls ------------------------------------------------------------------------------------ */

enum { PROCPOOL_MOST_COLUMNS = 8 };

/* One column of arguments: n records side by side. */
struct procpool_column {
    const void *records;
    size_t bytes; /* of one record */
};

/* Where arguments come from one by one, for map (which takes all of them first [34]) and imap
 * (which takes a window of them at once and then one by one, as results are taken [35]). Called in
 * the thread that maps, makes the iterator, or asks for the next result. Writes one record of
 * call.argument_bytes to `argument`. Returns 1; 0 at the end; negative for an error, which map
 * reports and imap hands over in its place [36]. */
typedef int procpool_source(void *data, void *argument);

/* What to run. Zero means none or the default everywhere. */
struct procpool_call {
    /* Known to the workers when their snapshot has the same code at this address as the caller has
     * now; else every item is PROCPOOL_UNKNOWN [18]. */
    procpool_function *function;
    void *context; /* as is: of before procpool_new, or of procpool_alloc */

    uint64_t n; /* items, at most 2^40; not used with a source */

    /* Arguments: none (the index is all), records, several columns of them, or a source. What lies
     * in the pool's shared memory is used in place and must stay until the job is ready; the rest
     * is copied before the function returns. */
    const void *arguments;
    size_t argument_bytes; /* of one record: of `arguments`, or of the source */
    const struct procpool_column *columns;
    uint32_t n_columns; /* at most PROCPOOL_MOST_COLUMNS */
    procpool_source *source;
    void *source_data;

    /* Results: n records of result_bytes. Written in place where `results` lies in the pool's
     * shared memory; else kept there with the job (procpool_results) and, unless `results` is NULL,
     * copied to it by procpool_map and procpool_get. With result_bytes 0 there are none, and
     * `results` is NULL. Not used by iterators. */
    void *results;
    size_t result_bytes;

    /* Items handed out at a time. 0: for map ceil(n / 4 workers) [23] (with PROCPOOL_STEALING 1),
     * for iterators 1. Negative is PROCPOOL_INVALID [25, 26]. */
    int64_t chunk;

    enum procpool_engine engine; /* iterators are always in order */

    bool fail_fast; /* start nothing more once an item has failed; the rest is PROCPOOL_CANCELLED */

    /* Called once, in a thread of the pool's own, when all items are final and before the job is
     * ready: `callback` where all are done, else `error_callback` [50, 51]. They may submit calls,
     * and ask for the results of their own job; waiting for another is PROCPOOL_DEADLOCK. Calls of
     * apply and map only. They must return: no longjmp, no pthread_exit [52]. */
    void (*callback)(struct procpool_job *job, void *data);
    void (*error_callback)(struct procpool_job *job, const struct procpool_error *error,
                           void *data);
    void *callback_data;

    /* Iterators: items that may be taken from the source, or started, and not yet handed over by
     * procpool_next [35]. 0: four chunks a worker; below one chunk it is one chunk. */
    uint64_t buffersize;
};

/* Runs one item in some worker and waits. `argument` (of argument_bytes, may be NULL) is copied,
 * the result (of result_bytes) written to `result`. 0, or -1 with PROCPOOL_ITEMS when it failed. */
int procpool_apply(struct procpool *pool, procpool_function *function, const void *argument,
                   size_t argument_bytes, void *result, size_t result_bytes,
                   struct procpool_error *error);

/* Runs item 0 of the call. The job must be freed. */
struct procpool_job *procpool_apply_async(struct procpool *pool, const struct procpool_call *call,
                                          struct procpool_error *error);

/* Runs all items and waits. On failed items -1 with PROCPOOL_ITEMS, after all are final [43]; the
 * results of those that are done are there all the same [44]. */
int procpool_map(struct procpool *pool, const struct procpool_call *call,
                 struct procpool_error *error);

/* The job must be freed. The call may be forgotten once this returns. */
struct procpool_job *procpool_map_async(struct procpool *pool, const struct procpool_call *call,
                                        struct procpool_error *error);

/* The same with columns: task->arguments[k] is the item's record in the k-th [33]. They refuse a
 * call without columns and are else procpool_map and procpool_map_async. */
int procpool_starmap(struct procpool *pool, const struct procpool_call *call,
                     struct procpool_error *error);
struct procpool_job *procpool_starmap_async(struct procpool *pool, const struct procpool_call *call,
                                            struct procpool_error *error);

/* Runs the function once in each worker, index and worker being its number, after what was
 * submitted before it has been claimed, and waits. Not in Python: for setting up and asking
 * workers. */
int procpool_each(struct procpool *pool, procpool_function *function, void *context,
                  struct procpool_error *error);

/* --- jobs ------------------------------------------------------------------------------------- */

/* Waits for the job and reports it: 0 where all items are done; else -1 with PROCPOOL_ITEMS, with
 * PROCPOOL_TIMEOUT [39], or with PROCPOOL_DEADLOCK. Repeatable [38]. */
int procpool_get(struct procpool_job *job, int64_t timeout_ns, struct procpool_error *error);

/* Whether the job became ready in that time [40]. False also inside a callback for another job. */
bool procpool_wait(struct procpool_job *job, int64_t timeout_ns);

/* [41] Inside a callback its own job counts as ready, here and in the functions around. */
bool procpool_ready(const struct procpool_job *job);

/* 1 where all items are done, 0 where not, -1 with PROCPOOL_NOT_READY before it is ready [42]. */
int procpool_successful(struct procpool_job *job, struct procpool_error *error);

/* Starts no more items of the job: those not started are PROCPOOL_CANCELLED, those being run end
 * normally, and the job becomes ready. Workers look before each item. Returns 0; also where it came
 * too late. */
int procpool_cancel(struct procpool_job *job, struct procpool_error *error);

/* The state of one item at any time, PROCPOOL_PENDING while it is not known. The details of at
 * least 65536 items that are not done are kept; further ones are found with their state
 * PROCPOOL_FAILED and a sentence that says so (in a job of more than 2^32 items they are counted
 * alone, and look done). -1 where index is out of range. */
int procpool_status(struct procpool_job *job, uint64_t index, struct procpool_status *status,
                    struct procpool_error *error);

/* The results in shared memory, n records; NULL where there are none. At any time: those of items
 * that are not done are zero or half written. Until the job is freed. */
void *procpool_results(const struct procpool_job *job);

uint64_t procpool_items(const struct procpool_job *job);       /* n */
uint64_t procpool_chunk_size(const struct procpool_job *job);  /* items in a chunk [23, 28] */
uint64_t procpool_chunk_count(const struct procpool_job *job); /* ceil(n / chunk) [28] */
uint64_t procpool_items_left(const struct procpool_job *job);  /* not final, of the moment */

/* Frees the job, its records and its results; a job that is not ready goes on and is freed when it
 * is. NULL is allowed. */
void procpool_job_free(struct procpool_job *job);

/* --- iterators -------------------------------------------------------------------------------- */

/* One result handed over by an iterator. */
struct procpool_item {
    uint64_t index;
    const void *result; /* in shared memory, until the next procpool_next; NULL without results */
    struct procpool_status status;
};

/* Results in the order of the items, or as their chunks end [31, 32]. The iterator must be freed.
 */
struct procpool_iterator *procpool_imap(struct procpool *pool, const struct procpool_call *call,
                                        struct procpool_error *error);
struct procpool_iterator *procpool_imap_unordered(struct procpool *pool,
                                                  const struct procpool_call *call,
                                                  struct procpool_error *error);

/* Hands over the next result. 0 where it is there and done; -1 with
 *   PROCPOOL_ITEMS    it is there and failed: item is filled in, and the iterator goes on [45]
 *   PROCPOOL_SOURCE   the source failed here; whole chunks before it were handed over [36]
 *   PROCPOOL_TIMEOUT  it is not there yet; ask again
 *   PROCPOOL_END      there are no more
 * One thread at a time. */
int procpool_next(struct procpool_iterator *iterator, int64_t timeout_ns,
                  struct procpool_item *item, struct procpool_error *error);

/* Cancels what was not started, waits for what is being run, and frees. NULL is allowed. */
void procpool_iterator_free(struct procpool_iterator *iterator);

#ifdef __cplusplus
}
#endif

#endif
