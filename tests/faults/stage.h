/* Stage: where and how a worker of a cell is to end, and what came of it.
 *
 * One struct in memory that the cell shares with everything it forks, made before its pools. The
 * library under test is compiled with its points (sched/point.h); at the `passing`-th coming by of
 * `point`, by whichever worker, the fault happens there. A fault that only a function can commit
 * (it returns an error, it does not return) then becomes the next item's: see stage_take_pending.
 *
 * Who is to be killed by a sibling shows itself as `victim`, and whichever worker comes by next
 * kills it; a process beside the pool does it where no worker can. */
#ifndef POOLMARK_TESTS_FAULTS_STAGE_H
#define POOLMARK_TESTS_FAULTS_STAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum fault {
    FAULT_ERROR,    /* returns CODE_ERROR */
    FAULT_EXIT,     /* exit(3) */
    FAULT_EXIT_NOW, /* _exit(4) */
    FAULT_ABORT,
    FAULT_SEGV,
    FAULT_KILL,    /* kills itself */
    FAULT_SIBLING, /* is killed by another worker */
    FAULT_STOP,    /* stops itself */
    FAULT_LOOP,    /* never returns, and computes */
    FAULT_DEAF,    /* never returns, and ignores SIGTERM */
    FAULT_MEMORY,  /* is out of memory: aborts, or returns ENOMEM */
    N_FAULTS,
};

enum { CODE_ERROR = 7, STAGE_MOST_WORKERS = 16 };

struct stage {
    enum fault fault;
    char point[48], slow_point[48]; /* at slow_point everybody naps for a while */
    uint64_t passing;
    bool out_of_memory_returns;
    bool victim_goes_on; /* it does not wait at the point for its end */

    _Atomic uint32_t is_armed;
    _Atomic uint64_t passed;     /* comings by of the point, while armed */
    _Atomic uint64_t fired;      /* faults that have happened */
    _Atomic uint32_t is_pending; /* the next item commits the fault */
    _Atomic uint64_t faulty;     /* 1 + the index of the item that did */
    _Atomic int32_t victim;
    _Atomic uint32_t n_killed;

    _Atomic uint32_t is_closed, in_place, is_chosen; /* for the tests' own items */
    _Atomic uint32_t starts[STAGE_MOST_WORKERS];     /* initializers begun, a worker */
    _Atomic uint32_t sleeps[STAGE_MOST_WORKERS];     /* times that it was about to sleep */
    _Atomic int32_t pids[STAGE_MOST_WORKERS];        /* of workers, as they show themselves */
    _Atomic int32_t zygote;
};

/* The stage of the cell that this process belongs to. */
extern struct stage *stage;

/* Told of each point that a worker comes by; NULL: nobody. */
extern void (*stage_on_point)(const char *name);

/* Makes the stage. Where the fault needs one, starts the process that kills beside the pool. */
void stage_open(enum fault fault, const char *point, uint64_t passing, uint32_t workers);

/* Ends that process, so that the cell has no child of its own any more. */
void stage_close(void);

/* Commits the fault; returns what the function is to return where the process survives it. */
int stage_fault(void);

/* Commits it where it is pending; returns 0 where it is not. */
int stage_take_pending(uint64_t index);

/* Kills the one who waits for that, if it is another. Returns whether it did. */
bool stage_kill_victim(void);

/* What kind of fault the stage's is. */
bool fault_is_error(void);    /* the function returns an error, and its worker lives on */
bool fault_is_endless(void);  /* only the time limit ends it */
bool fault_is_of_items(void); /* only a function can commit it: pending when it comes at a point */

const char *fault_name(enum fault fault);

#endif
