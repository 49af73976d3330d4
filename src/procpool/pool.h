/* What the parent keeps of a pool: in its own memory, where no worker can spoil it. */
#ifndef PROCPOOL_POOL_H
#define PROCPOOL_POOL_H

#include "procpool/shared.h"

#include <pthread.h>

enum {
    LOOK_NS = 50000000, /* how often the parent looks for a dead zygote while it waits */
    SWEEPS = 1000,      /* for jobs that were freed, before they count as memory in use */
};

/* A job as its caller has it. */
struct procpool_job {
    struct procpool *pool;
    struct job *shared;
    bool is_in_ring; /* else its workers never saw it: no items, or a function they do not know */

    /* of the call */
    uint64_t n, chunk;
    size_t result_bytes;
    void *results;        /* in shared memory */
    void *results_wanted; /* private memory of the caller to copy to, or NULL */
    void (*callback)(struct procpool_job *job, void *data);
    void (*error_callback)(struct procpool_job *job, const struct procpool_error *error,
                           void *data);
    void *callback_data;

    /* pieces of shared memory that are the job's */
    struct block {
        void *memory;
        size_t bytes;
    } blocks[PROCPOOL_MOST_COLUMNS + 5];
    uint32_t n_blocks;

    /* once ready */
    bool is_summed;
    uint64_t counts[PROCPOOL_TERMINATED + 1]; /* items, by state */
    uint64_t lowest;                          /* the item to report, where one is not done */
    const struct log_entry **by_index;        /* the entries of the log by their first item */
    size_t n_by_index;

    uint64_t ended_seen, done_seen; /* by procpool_counters, while it was open */

    bool is_observed; /* somebody has asked how it went, or somebody will: a synchronous call */
    struct procpool_job *next, *previous; /* of the pool's jobs, or of its limbo */
    struct procpool_job *next_calling;    /* of those that wait for a callback */
};

/* Free pages between those in use, in the order of their addresses. */
struct extent {
    char *start;
    size_t bytes;
    struct extent *next;
};

enum { MEMORY_CLASSES = 7 }; /* 128 bytes to 8 KiB, by powers of two */

struct memory {
    char *start;
    size_t bytes;
    struct extent *free;
    void **cached[MEMORY_CLASSES]; /* stacks of free pieces */
    size_t n_cached[MEMORY_CLASSES], cached_capacity[MEMORY_CLASSES];
    size_t used;
    void *owned; /* tree of what procpool_alloc has given: <search.h> */
};

struct procpool {
    pid_t owner, zygote;
    struct control *control;
    size_t mapped_bytes;
    uint32_t workers;
    uint32_t cpus; /* usable */
    uint64_t parent_spin_ns;
    enum procpool_engine engine;
    void (*warn)(const char *sentence, void *data);
    void *warn_data;

    /* Held for submitting, for memory and for the list of jobs; never while waiting for a job. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* is_joined, callbacks that have ended */
    enum phase phase;
    bool is_zygote_gone, is_joined, is_joining;
    _Atomic uint64_t looked_ns; /* when somebody looked for the zygote last */
    struct memory memory;
    struct procpool_job *jobs;   /* all that their callers have */
    struct procpool_job *limbo;  /* freed by their callers, before they were ready or left alone */
    struct procpool_job *called; /* the one whose callback runs */
    uint32_t since_sweep;
    struct procpool_iterator *iterators;
    uint64_t counts[PROCPOOL_TERMINATED + 1]; /* of jobs that were summed */
    uint64_t unobserved;

    /* callbacks.c */
    bool has_thread, thread_must_end;
    pthread_t thread;
    struct procpool_job *calling, **calling_end; /* not finished, oldest first */
    struct procpool_job *due;                    /* finished, in the order in which they were */
    uint32_t n_collected;                        /* jobs that have become due */

    /* known.c: how often the loader had loaded and unloaded when the pool was made; and when the
     * function was found known that was looked for in the maps last */
    unsigned long long first_adds, first_subs;
    procpool_function *known;
    unsigned long long known_adds, known_subs;
};

/* --- pool.c ----------------------------------------------------------------------------------- */

int error_set(struct procpool_error *error, enum procpool_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether the calling process may use the pool. */
int check_owner(const struct procpool *pool, struct procpool_error *error);

/* Sees to it that jobs become ready where the zygote is dead. With the lock held. */
void look_for_zygote(struct procpool *pool);

/* The same at most each LOOK_NS, by whoever waits or asks. Without the lock. */
void look_now_and_then(struct procpool *pool);

/* Makes the zygote look at the control block, where it lives. With the lock held. */
void nudge_zygote(struct procpool *pool);

/* Refuses to wait inside a callback. */
int check_may_wait(const struct procpool *pool, const char *what, struct procpool_error *error);

/* --- memory.c: with the lock held ------------------------------------------------------------- */

void memory_init(struct memory *memory, char *start, size_t bytes);
void memory_release(struct memory *memory);
void *memory_take(struct memory *memory, size_t bytes); /* zeroed; NULL where there is none */

/* The same, of a pool: gives back first what jobs that were freed still have. */
void *take_memory(struct procpool *pool, size_t bytes);
void memory_give(struct memory *memory, void *piece, size_t bytes);

/* --- job.c ------------------------------------------------------------------------------------ */

/* Checks a call against what the header allows; `what` names the function that was called. */
int check_call(const struct procpool *pool, const struct procpool_call *call, const char *what,
               struct procpool_error *error);

/* Whether the pool takes calls. With the lock held. */
int check_running(const struct procpool *pool, struct procpool_error *error);

/* Makes a job of the call and hands it to the workers. */
struct procpool_job *submit(struct procpool *pool, const struct procpool_call *call,
                            enum job_kind kind, struct procpool_error *error);

/* The same with the lock held, of items base, base + 1, …; `arrivals` may be NULL. */
struct procpool_job *submit_locked(struct procpool *pool, const struct procpool_call *call,
                                   enum job_kind kind, uint64_t base, struct arrivals *arrivals,
                                   struct procpool_error *error);

enum job_state job_state(const struct procpool_job *job);

/* Waits until the job's state is at least `state`, or the time has run out. */
bool wait_for(struct procpool_job *job, enum job_state state, int64_t timeout_ns);

/* Counts the items by state, once the job is finished. With the lock held. */
void sum_up(struct procpool_job *job);

/* Reports a finished job as procpool_get does, without copying. With the lock held. */
int report(struct procpool_job *job, struct procpool_error *error);

/* Adds what the log of a job has to counts[], by state; lowest[], where it is not NULL, gets the
 * lowest index of each state in it where that is lower. */
void count_log(const struct job *job, uint64_t counts[PROCPOOL_TERMINATED + 1],
               uint64_t lowest[PROCPOOL_TERMINATED + 1]);

/* Gives back what can be given back of jobs that were freed. With the lock held. */
void sweep(struct procpool *pool);

/* Nobody may call for the job any more; it is given back when it is ready. With the lock held. */
void drop(struct procpool_job *job);

/* --- callbacks.c ------------------------------------------------------------------------------ */

int callbacks_start(struct procpool *pool, struct procpool_error *error); /* with the lock held */
void callbacks_add(struct procpool *pool, struct procpool_job *job);      /* ditto */
void callbacks_end(struct procpool *pool);
bool is_in_callback(const struct procpool *pool);

/* --- iterator.c ------------------------------------------------------------------------------- */

/* Submits all that iterators without a source have left. With the lock held. */
void iterators_finish(struct procpool *pool);

void iterators_release(struct procpool *pool);

/* --- known.c ---------------------------------------------------------------------------------- */

/* Whether the function's code is in the workers' snapshot. With the lock held. */
bool is_known(struct procpool *pool, procpool_function *function);
void known_init(struct procpool *pool);

/* Whether the process has the pool's shared memory mapped: so it is a worker of it, and not another
 * that has got its pid. */
bool has_mapped(const struct procpool *pool, pid_t pid);

/* Whether the process has given up its memory, as one does on its way out. */
bool has_no_memory(pid_t pid);

#endif
