/* What parent, zygote and workers of a pool share: one anonymous mapping, made before the first
 * fork, at the same address in all of them, without a name and without a lock of the system's.
 *
 *     struct control        the pool, a seat for each worker, the ring of jobs
 *     memory                jobs, arguments, results (memory.c of the parent gives them out)
 *
 * The parent writes jobs; workers claim and run their items; the zygote makes workers, and when one
 * has died puts in order what it left.
 *
 * Jobs are numbered by a serial from 0; job s stands in ring[s % most_jobs]. A job whose ticket is
 * out is finished once no seat is `at` it: see seat.c for how that is found out exactly once.
 */
#ifndef PROCPOOL_SHARED_H
#define PROCPOOL_SHARED_H

#include "procpool/futex.h"
#include "procpool/procpool.h"
#include "sched/range.h"
#include "sched/ticket.h"

#include <stdalign.h>

_Static_assert(sizeof(size_t) == 8, "the reserve of shared memory needs 64 bits of addresses");

enum {
    LINE = TICKET_LINE,
    MOST_WORKERS = TICKET_MOST_WORKERS,
    LOG_MOST = 65536, /* failed items of a job whose details are kept */
    BITS_WORDS = MOST_WORKERS / 64,
    ZYGOTE = MOST_WORKERS, /* the zygote's number where workers have theirs: as a holder of locks */
    STATUS_START_FAILED = 113, /* exit status of a worker whose initializer failed */
};

/* --- sets of workers -------------------------------------------------------------------------- */

/* A bit a worker. Each sets and clears its own, the zygote those of the dead: setting or clearing
 * twice does no harm, which a counter could not say. */
struct bits {
    _Atomic uint64_t words[BITS_WORDS];
};

static inline void bits_set(struct bits *bits, uint32_t w)
{
    atomic_fetch_or_explicit(&bits->words[w / 64], (uint64_t)1 << w % 64, memory_order_seq_cst);
}

static inline void bits_clear(struct bits *bits, uint32_t w)
{
    atomic_fetch_and_explicit(&bits->words[w / 64], ~((uint64_t)1 << w % 64), memory_order_seq_cst);
}

/* Clears up to `most` bits and returns how many. */
static inline uint32_t bits_take(struct bits *bits, uint32_t workers, uint32_t most)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < (workers + 63) / 64 && n < most; i++) {
        uint64_t word = atomic_load_explicit(&bits->words[i], memory_order_seq_cst);
        while (word && n < most) {
            uint64_t lowest = word & -word;
            word = atomic_fetch_and_explicit(&bits->words[i], ~lowest, memory_order_seq_cst);
            n += (word & lowest) != 0;
            word &= ~lowest;
        }
    }
    return n;
}

static inline uint32_t bits_count(const struct bits *bits, uint32_t workers)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < (workers + 63) / 64; i++)
        n += (uint32_t)__builtin_popcountll(
            atomic_load_explicit(&bits->words[i], memory_order_seq_cst));
    return n;
}

/* --- a job ------------------------------------------------------------------------------------ */

/* Items [first, first + count) that are not done. Filled in by who has reserved the entry, and
 * there once `is_valid`; a reserved entry whose writer died stays void. */
struct log_entry {
    _Atomic uint32_t is_valid;
    int32_t state; /* enum procpool_state */
    uint64_t first, count;
    int32_t code, error_number;
    int32_t pid, signal, exit_status;
    char text[120];
};

enum job_state {
    JOB_OPEN,     /* items are waiting or being run */
    JOB_FINISHED, /* all items are final; callbacks come first */
    JOB_READY,
};

enum job_kind {
    JOB_MAP,
    JOB_EACH, /* item w is for worker w */
};

struct job {
    /* constant once submitted */
    uint64_t serial;
    uint64_t n;
    uint64_t base;  /* the index of item 0: of an iterator's chunk */
    uint64_t chunk; /* items that a worker takes at a time */
    uint64_t block; /* items that the ticket hands out at a time: chunk, or a share when stealing */
    procpool_function *function;
    void *context;
    const char *records[PROCPOOL_MOST_COLUMNS];
    size_t record_bytes[PROCPOOL_MOST_COLUMNS];
    uint32_t n_columns;
    uint8_t kind; /* enum job_kind */
    bool is_stealing, is_fail_fast, has_callback;
    char *results;
    size_t result_bytes;
    _Atomic uint8_t *visited; /* EACH: [workers], 1 once a worker has it in hand */
    struct log_entry *log;    /* [log_capacity] */
    uint64_t log_capacity;
    /* Items that failed when the log was full: a bit each, or where n is too large their count. */
    _Atomic uint64_t *undetailed;
    _Atomic uint64_t n_undetailed;
    struct arrivals *arrivals; /* told when the job is ready; or NULL */

    struct ticket ticket; /* EACH: of no blocks */

    /* changed while it is open */
    alignas(LINE) _Atomic uint32_t state; /* enum job_state; the parent sleeps on it */
    _Atomic uint32_t waiters;             /* threads of the parent that may sleep on state */
    /* 0, or the enum procpool_state that items get which nobody has started */
    _Atomic uint32_t stopping;
    _Atomic uint32_t has_leftovers; /* a seat has items of a dead worker in its range */
    _Atomic uint64_t n_logged;      /* entries reserved; beyond log_capacity: undetailed */
    _Atomic uint64_t arrival;       /* 1 + how many jobs of the pool were finished before */
    _Atomic uint64_t ended;         /* items ended by workers that have left the job */
    _Atomic uint64_t attaches;      /* how often a seat has come to it */
};

/* Where an iterator sleeps until one of its jobs is ready. */
struct arrivals {
    _Atomic uint32_t count;
    _Atomic uint32_t waiters;
};

/* --- a seat ----------------------------------------------------------------------------------- */

enum seat_stage { SEAT_EMPTY, SEAT_STARTING, SEAT_READY, SEAT_RECYCLING };

#define AT_LEAVING ((uint64_t)1 << 63)

/* The place of a worker; a replacement takes its predecessor's over as it is.
 *
 * What is unfinished in a seat, whenever its worker dies (seat_unfinished):
 *   - a block that its ledger has and that is not yet `opened`: all of it;
 *   - else, when in_range, [done, range.back): chunk in hand and range are one piece;
 *   - else [done, end).
 * Of it the item `done` is being run when started == done + 1 (a worker begins no item twice, so
 * that what stands there from before is something else). Stores are made in the order of the
 * source: a process dies between two instructions, so that whoever has reaped it sees all stores
 * before that and none after. */
struct seat {
    struct range range;   /* sched/range.h */
    struct ledger ledger; /* sched/ticket.h: of the ticket of the job that it is at */

    /* the worker's */
    alignas(LINE) _Atomic uint64_t visits; /* how often it has begun to attach to a job */
    _Atomic uint64_t at;                   /* 1 + serial of its job, with AT_LEAVING; 0: none */
    _Atomic uint64_t opened;               /* entries of its ledger whose blocks were opened */
    _Atomic uint64_t started;              /* 1 + the item begun last */
    _Atomic uint64_t done;       /* items before it, down to the chunk's first, have ended */
    _Atomic uint64_t end;        /* of the chunk in hand */
    _Atomic uint32_t in_range;   /* what is in hand comes from the range */
    _Atomic uint64_t ended_bias; /* done + ended_bias: items ended in this job, in all */

    /* the zygote's, but for the stages that a worker reaches */
    alignas(LINE) _Atomic int32_t pid;
    _Atomic uint32_t stage;
    uint64_t n_starts; /* workers that were made for it */
};

/* --- the pool --------------------------------------------------------------------------------- */

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_CLOSED, PHASE_TERMINATED };

struct slot {
    _Atomic uint64_t serial; /* 1 + serial of its job; 0: none */
    struct job *_Atomic job;
};

struct control {
    /* constant */
    uint32_t workers;
    uint32_t most_jobs;
    uint64_t seed;
    uint64_t chunks_per_worker, items_per_worker; /* 0: no limit */
    int (*initializer)(void *argument, uint32_t worker);
    void *initializer_argument;
    uint64_t spin_ns;
    uint64_t time_limit_ns; /* 0: none */
    uint64_t grace_ns;
    bool no_term;
    int retries;
    int64_t restarts; /* -1: any number */
    int nested;
    bool flushes_all; /* of the streams, before forks and when workers leave */
    struct slot *ring;

    /* written by the parent at each submission, by the zygote after a death; idle workers sleep on
     * it */
    alignas(LINE) _Atomic uint32_t generation;
    _Atomic uint64_t last; /* serial of the next job */
    _Atomic uint32_t phase;

    /* {serial: 48 bits, epoch: 16}: jobs before it have nothing to claim. The epoch changes when
     * the zygote sets it back, so that who looked before that does not move it on. */
    alignas(LINE) _Atomic uint64_t first;

    alignas(LINE) struct bits asleep, spinning;

    alignas(LINE) _Atomic uint64_t arrivals;  /* jobs finished */
    alignas(LINE) _Atomic uint32_t callbacks; /* jobs finished that have callbacks; their thread
                                                 sleeps on it */

    /* the zygote's */
    alignas(LINE) _Atomic uint32_t starts; /* changes when a worker has started, or the start has
                                              failed; procpool_new sleeps on it */
    _Atomic uint32_t start_failed;
    _Atomic uint32_t is_broken;
    _Atomic uint64_t n_restarts, n_recycled;
    int start_error;  /* errno of start_failed, 0 where that was no system call */
    char reason[256]; /* of start_failed, is_broken */

    /* Some seat will never have a worker again. */
    _Atomic uint32_t has_given_up;

    /* One a worker, and one for the zygote, which is at a job to keep its memory while it looks. */
    struct seat seats[];
};

#define FIRST_EPOCH_BITS 16

static inline uint64_t first_serial(uint64_t first)
{
    return first >> FIRST_EPOCH_BITS;
}

/* Sentences into arrays that may be too small for them. */
void format_text(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- seat.c: workers and zygote --------------------------------------------------------------- */

/* The job that `at` names; NULL when it is not there any more. */
struct job *seat_job(struct control *control, uint64_t at);

/* Makes the seat be at job `serial`; NULL when that is not open any more. */
struct job *seat_attach(struct control *control, struct seat *seat, uint64_t serial);

/* The seat has nothing of the job any more; finishes the job where it was the last. */
void seat_leave(struct control *control, struct seat *seat, struct job *job);

/* Finishes the job where its ticket is out and no seat but `self` is at it. */
void job_look(struct control *control, struct seat *self, struct job *job);

struct piece {
    uint64_t first, end;
};

/* What is unfinished in the seat of a worker that is dead or asks itself. */
struct piece seat_unfinished(struct seat *seat, uint32_t worker, const struct job *job);

/* Adds an entry to the job's log; returns where, or NULL when it is full. Fill it in, then
 * log_commit. */
struct log_entry *log_reserve(struct job *job);
void log_commit(struct log_entry *entry);

/* Notes an item for which the log has no room. */
void log_overflow(struct job *job, uint64_t first, uint64_t count);

/* Notes items that got a final state without being run. */
void log_range(struct job *job, enum procpool_state state, uint64_t first, uint64_t count,
               const char *text);

/* The entry that has the item, or NULL. */
const struct log_entry *log_find(const struct job *job, uint64_t index);
bool log_is_undetailed(const struct job *job, uint64_t index);

/* Slots of the ring that were used so far. */
uint32_t used_slots(const struct control *control);

/* Whether some job is open at this moment. */
bool any_is_open(struct control *control);

/* The job in the slot where it is open, kept from being freed until job_unpin. Zygote, or the
 * parent once that is dead. */
struct job *job_pin(struct control *control, uint32_t slot);
void job_unpin(struct control *control);

/* Whether no other seat at the job is in the window of its ticket. */
bool others_are_noted(const struct control *control, const struct seat *self,
                      const struct job *job);

/* Gives every item that nobody has started, and nobody will, this state. No worker is left. Zygote,
 * or the parent once that is dead. */
void settle_jobs(struct control *control, enum procpool_state state);

/* Wakes workers that sleep, up to `most`. */
void wake_workers(struct control *control, uint32_t most);

/* Writes out what waits in stdout and stderr, or in all streams. */
void flush_streams(const struct control *control);

/* --- worker.c and zygote.c -------------------------------------------------------------------- */

_Noreturn void worker_live(struct control *control, uint32_t worker);
_Noreturn void zygote_live(struct control *control, pid_t parent);

/* --- cpus.c ----------------------------------------------------------------------------------- */

/* CPUs that the affinity mask and the cgroup's quota leave, or as PROCPOOL_CPUS says. */
uint32_t cpus_usable(void);

#endif
