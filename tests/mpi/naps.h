/* What waiting costs, in counts and not in time: how often a process woke up, and what CPU time a
 * wake-up took, beside what it takes a thread that does nothing but nap. Both grow alike on a slow
 * machine and a busy one. */
#ifndef POOLMARK_TESTS_MPI_NAPS_H
#define POOLMARK_TESTS_MPI_NAPS_H

#include "base/clock.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct naps {
    uint64_t cpu_ns, n; /* n: times that a thread went to sleep of itself */
};

/* The number after a name in a file of "NAME: NUMBER" lines, or of the first number; else 0. */
static inline uint64_t naps_read(const char *path, const char *name)
{
    FILE *f = fopen(path, "r");
    char line[256];
    uint64_t value = 0;
    while (f && fgets(line, sizeof line, f)) {
        size_t n = strlen(name);
        if (strncmp(line, name, n) == 0 && sscanf(line + n, "%" SCNu64, &value) == 1)
            break;
    }
    if (f)
        fclose(f);
    return value;
}

/* Of all threads of a process that live, since they began. */
static inline struct naps naps_of(pid_t pid)
{
    struct naps sum = {0, 0};
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *d; threads && (d = readdir(threads));) {
        if (d->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)pid, d->d_name);
        sum.cpu_ns += naps_read(path, "");
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)pid, d->d_name);
        sum.n += naps_read(path, "voluntary_ctxt_switches:");
    }
    if (threads)
        closedir(threads);
    return sum;
}

static inline struct naps naps_since(struct naps before, struct naps now)
{
    return (struct naps){now.cpu_ns - before.cpu_ns, now.n - before.n};
}

/* Naps in this thread for so long. */
static inline struct naps naps_take(uint64_t each_ns, uint64_t ns)
{
    struct naps sum = {clock_read_ns(CLOCK_THREAD_CPUTIME_ID), 0};
    for (uint64_t start = clock_now_ns(); clock_now_ns() - start < ns; sum.n++)
        clock_sleep_ns(each_ns);
    sum.cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - sum.cpu_ns;
    return sum;
}

/* The CPU time of one. */
static inline double naps_each_ns(struct naps naps)
{
    return (double)naps.cpu_ns / (double)(naps.n > 0 ? naps.n : 1);
}

#endif
