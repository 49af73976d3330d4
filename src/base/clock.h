/* The clock of all measurements: CLOCK_MONOTONIC in nanoseconds, the same for every process of a
 * machine, so times taken in different workers of one machine can be compared. Callable anywhere.
 */
#ifndef POOLMARK_BASE_CLOCK_H
#define POOLMARK_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_timespec_ns(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

static inline uint64_t clock_read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return clock_timespec_ns(&t);
}

static inline uint64_t clock_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

/* Sleeps for at least `ns`, through interruptions by signals. */
static inline void clock_sleep_ns(uint64_t ns)
{
    uint64_t until = clock_now_ns() + ns;
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

#endif
