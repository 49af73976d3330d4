/* Futexes in memory that processes share, and the pause of a spinning loop. Linux. */
#ifndef PROCPOOL_FUTEX_H
#define PROCPOOL_FUTEX_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while *word is `expected`. The kernel compares and falls asleep as one step with respect
 * to futex_wake: who changes the word first and wakes afterwards is never missed. Returns at once
 * when the word differs, and now and then for no reason, so call it in a loop that looks at the
 * word. timeout_ns 0: none. Returns false when the time has run out. */
static inline bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec t = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    return syscall(SYS_futex, word, FUTEX_WAIT, expected, timeout_ns ? &t : NULL, NULL, 0) == 0 ||
           errno != ETIMEDOUT;
}

/* Wakes up to `most` who sleep on the word. */
static inline void futex_wake(_Atomic uint32_t *word, int most)
{
    syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0);
}

static inline void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

#endif
