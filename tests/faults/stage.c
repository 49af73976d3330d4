#include "stage.h"

#include "harness.h"
#include "procpool/procpool.h"
#include "sched/point.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SLOW_US = 300,
    SPARE_BYTES = 8 << 20,    /* memory that one who runs out of it may still take */
    SIBLING_TIME_US = 100000, /* how long a victim waits for a sibling */
    NO_SIBLING_TIME_US = 2000,
};

struct stage *stage;
void (*stage_on_point)(const char *name);

static pid_t killer; /* the process beside the pool; 0: none */

static const char *const fault_names[N_FAULTS] = {
    [FAULT_ERROR] = "error",
    [FAULT_EXIT] = "exit",
    [FAULT_EXIT_NOW] = "_exit",
    [FAULT_ABORT] = "abort",
    [FAULT_SEGV] = "SEGV",
    [FAULT_KILL] = "KILL",
    [FAULT_SIBLING] = "sibling",
    [FAULT_STOP] = "STOP",
    [FAULT_LOOP] = "endless",
    [FAULT_DEAF] = "deaf",
    [FAULT_MEMORY] = "out of memory",
};

const char *fault_name(enum fault fault)
{
    return fault_names[fault];
}

bool fault_is_error(void)
{
    return stage->fault == FAULT_ERROR ||
           (stage->fault == FAULT_MEMORY && stage->out_of_memory_returns);
}

bool fault_is_endless(void)
{
    return stage->fault == FAULT_STOP || stage->fault == FAULT_LOOP || stage->fault == FAULT_DEAF;
}

bool fault_is_of_items(void)
{
    return fault_is_error() || stage->fault == FAULT_LOOP || stage->fault == FAULT_DEAF;
}

/* --- being killed by another ------------------------------------------------------------------ */

bool stage_kill_victim(void)
{
    int32_t victim = atomic_load(&stage->victim);
    if (victim == 0 || victim == getpid() ||
        !atomic_compare_exchange_strong(&stage->victim, &victim, 0))
        return false;
    kill(victim, SIGKILL);
    atomic_fetch_add(&stage->n_killed, 1);
    return true;
}

/* Leaves each victim to the workers for a while first. */
static _Noreturn void kill_victims(pid_t cell, uint32_t workers)
{
    long patience_us = workers > 1 ? SIBLING_TIME_US : NO_SIBLING_TIME_US;
    for (long seen_us = 0; getppid() == cell; nap_us(1000)) {
        seen_us = atomic_load(&stage->victim) ? seen_us + 1000 : 0;
        if (seen_us > patience_us)
            stage_kill_victim();
    }
    _exit(0);
}

void stage_open(enum fault fault, const char *point, uint64_t passing, uint32_t workers)
{
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED)
        abort();
    stage->fault = fault;
    snprintf(stage->point, sizeof stage->point, "%s", point);
    stage->passing = passing;
    pid_t cell = getpid();
    killer = fault == FAULT_SIBLING ? fork() : 0;
    if (fault == FAULT_SIBLING && killer == 0)
        kill_victims(cell, workers);
}

void stage_close(void)
{
    if (killer > 0) {
        kill(killer, SIGKILL);
        waitpid(killer, NULL, 0);
    }
    killer = 0;
}

/* --- faults ----------------------------------------------------------------------------------- */

/* Takes memory until there is none. Pages as they come from the system: the same under a sanitizer,
 * whose own allocator ends the process instead of failing. */
static int run_out_of_memory(void)
{
    struct rlimit old, small;
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm || fscanf(statm, "%lu", &pages) != 1)
        abort();
    fclose(statm);
    getrlimit(RLIMIT_AS, &old);
    small = old;
    small.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + SPARE_BYTES;
    setrlimit(RLIMIT_AS, &small);
    const size_t bytes = 1 << 20;
    void *first = NULL, *piece;
    while ((piece = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                         0)) != MAP_FAILED) {
        *(void **)piece = first;
        first = piece;
    }
    int code = errno;
    if (!stage->out_of_memory_returns)
        abort();
    while (first) {
        piece = first;
        first = *(void **)piece;
        munmap(piece, bytes);
    }
    setrlimit(RLIMIT_AS, &old);
    return code;
}

static void await_killer(void)
{
    atomic_store(&stage->victim, getpid());
    while (!stage->victim_goes_on)
        pause();
}

int stage_fault(void)
{
    atomic_fetch_add(&stage->fired, 1);
    switch (stage->fault) {
    case FAULT_ERROR:
        return CODE_ERROR;
    case FAULT_EXIT:
        exit(3);
    case FAULT_EXIT_NOW:
        _exit(4);
    case FAULT_ABORT:
        abort();
    case FAULT_SEGV: {
        char *volatile nowhere = (char *)16;
        *nowhere = 1;
        break;
    }
    case FAULT_KILL:
        kill(getpid(), SIGKILL);
        break;
    case FAULT_SIBLING:
        await_killer();
        break;
    case FAULT_STOP:
        raise(SIGSTOP);
        break;
    case FAULT_LOOP:
        setpriority(PRIO_PROCESS, 0, 19); /* it takes what the others leave */
        for (volatile uint64_t i = 0;; i++)
            ;
    case FAULT_DEAF:
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    case FAULT_MEMORY:
        return run_out_of_memory();
    case N_FAULTS:
        break;
    }
    return 0;
}

int stage_take_pending(uint64_t index)
{
    if (!atomic_load(&stage->is_pending) || !atomic_exchange(&stage->is_pending, 0))
        return 0;
    atomic_store(&stage->faulty, index + 1);
    return stage_fault();
}

/* --- points ----------------------------------------------------------------------------------- */

/* The one point of the zygote: a fork that fails says so by errno. */
static void at_fork(void)
{
    if (strcmp(stage->point, "zygote: fork") == 0 &&
        atomic_fetch_add(&stage->passed, 1) + 1 == stage->passing) {
        atomic_fetch_add(&stage->fired, 1);
        errno = EAGAIN;
    }
}

void sched_point(const char *name)
{
    if (!stage)
        return;
    if (strcmp(name, "zygote: fork") == 0) {
        if (atomic_load(&stage->is_armed))
            at_fork();
        return;
    }
    if (procpool_self() < 0)
        return;
    if (stage_on_point)
        stage_on_point(name);
    int self = procpool_self();
    if (self < STAGE_MOST_WORKERS && strcmp(name, "worker: about to sleep") == 0)
        atomic_fetch_add(&stage->sleeps[self], 1);
    if (stage->fault == FAULT_SIBLING)
        stage_kill_victim();
    if (!atomic_load(&stage->is_armed))
        return;
    if (strcmp(name, stage->slow_point) == 0)
        nap_us(SLOW_US);
    if (strcmp(name, stage->point) != 0 ||
        atomic_fetch_add(&stage->passed, 1) + 1 != stage->passing)
        return;
    if (fault_is_of_items())
        atomic_store(&stage->is_pending, 1);
    else
        stage_fault();
}
