/* ranks: 2 5 */
/* A parked team takes below 1 % of a CPU, by the kernel's own count, where waking up is cheap; on a
 * machine whose naps cost more than that by themselves, as virtual ones at times do, not much more
 * than they. */
#include "team.h"

#include <dirent.h>
#include <unistd.h>

/* CPU time of all threads of a process, in ns. */
static uint64_t cpu_ns(pid_t pid)
{
    char path[320];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *d; threads && (d = readdir(threads));) {
        uint64_t ns;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)pid, d->d_name);
        FILE *f = d->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (f && fscanf(f, "%" SCNu64, &ns) == 1)
            sum += ns;
        if (f)
            fclose(f);
    }
    if (threads)
        closedir(threads);
    return sum;
}

/* Sleeps by naps such as those of a parked rank; returns what they took, as a share of a CPU. */
static double nap(uint64_t us)
{
    uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID), start = clock_now_ns();
    while (clock_now_ns() - start < us * 1000)
        usleep(10000);
    return (double)(clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before) /
           (double)(clock_now_ns() - start);
}

static void judge(void)
{
    struct job job = job_of("null", SCHED_DYNAMIC, 1000, 1);
    struct outcome outcome;
    struct err err = {""};
    const struct placement *p = backend->placements(team);
    enum { PAUSE_US = 50000, PARKED_US = 2000000 };
    check(ask(&job, &outcome, &err) > 0, "%s", err.text);
    usleep(PAUSE_US);
    for (uint32_t w = 0; w < launch.workers; w += launch.threads) {
        double least = 1, allowed = 0.01;
        for (int tries = 0; tries < 4 && least >= allowed; tries++) {
            uint64_t before = cpu_ns(p[w].pid), start = clock_now_ns();
            double naps = nap(PARKED_US / launch.ranks);
            allowed = 3 * naps > 0.01 ? 3 * naps : 0.01;
            double share = (double)(cpu_ns(p[w].pid) - before) / (double)(clock_now_ns() - start);
            least = before > 0 && share < least ? share : least;
        }
        check(least < allowed, "rank %u takes %.2f %% of a CPU while parked, more than %.2f %%",
              p[w].rank, 100 * least, 100 * allowed);
        printf("rank %u: %.3f %% of a CPU while parked\n", p[w].rank, 100 * least);
    }
    /* And it wakes up again. */
    check(ask(&job, &outcome, &err) > 0, "%s", err.text);
}

int main(void)
{
    return team_main(&backend_hybrid, 2, judge);
}
