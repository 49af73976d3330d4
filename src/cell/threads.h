/* What both backends with OpenMP say of a runtime that grants fewer threads than a region asks for,
 * which would be a smaller measurement. */
#ifndef POOLMARK_CELL_THREADS_H
#define POOLMARK_CELL_THREADS_H

#include "base/err.h"

#include <inttypes.h>

/* Fails when fewer came. */
static inline int threads_check(uint32_t came, uint32_t threads, struct err *err)
{
    if (came >= threads)
        return 0;
    return err_set(err,
                   "OpenMP gave %" PRIu32 " of %" PRIu32
                   " threads (see OMP_THREAD_LIMIT, and the system's)",
                   came, threads);
}

#endif
