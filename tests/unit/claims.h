/* What the tests of tickets and ranges share. The headers are compiled with their points in place;
 * a script says what becomes of the one who comes by: in one thread it leaves by longjmp (a death
 * that can be looked at step by step) or lets somebody else go first; in a process of its own it is
 * killed. */
#ifndef POOLMARK_TESTS_CLAIMS_H
#define POOLMARK_TESTS_CLAIMS_H

#define SCHED_POINTS
#include "sched/range.h"
#include "sched/ticket.h"
#include "unit.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CHUNK = 3 };

/* What happens at the `passing`-th coming by of the point. */
static _Thread_local struct {
    const char *point; /* NULL: any */
    uint64_t passing;  /* counts down; 0: nothing more happens */
    bool is_killed;    /* by a signal; else the visitor, else the jump */
    void (*visit)(void);
    jmp_buf *out;
} script;

void sched_point(const char *name)
{
    if (script.passing == 0 || (script.point && strcmp(script.point, name) != 0) ||
        --script.passing > 0)
        return;
    if (script.is_killed)
        kill(getpid(), SIGKILL);
    if (script.visit)
        script.visit();
    else
        longjmp(*script.out, 1);
}

/* The next who comes by the point dies, and setjmp(out) returns again. */
static inline void die_at(const char *point, jmp_buf *out)
{
    script.point = point;
    script.passing = 1;
    script.visit = NULL;
    script.out = out;
}

/* The next who comes by the point lets `visit` go first. */
static inline void give_way_at(const char *point, void (*visit)(void))
{
    script.point = point;
    script.passing = 1;
    script.visit = visit;
}

/* 1 + the block that was noted last, 0 where none was. */
static inline uint64_t last_of(const struct ledger *ledger)
{
    return ledger_count(ledger) ? ledger_last(ledger) + 1 : 0;
}

/* Zeroed memory that forked processes share. */
static inline void *shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

#endif
