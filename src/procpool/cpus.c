/* How many workers a machine can use: the CPUs of the affinity mask, or fewer where a cgroup's
 * quota gives fewer, rounded up. */
#include "procpool/shared.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t cpus_allowed(void)
{
    enum { MOST_CPUS = 8192 };
    size_t bytes = CPU_ALLOC_SIZE(MOST_CPUS);
    cpu_set_t *set = CPU_ALLOC(MOST_CPUS);
    int n = set && sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 1;
    CPU_FREE(set);
    return n > 0 ? (uint32_t)n : 1;
}

static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    bool is_read = file && fgets(line, size, file);
    if (file)
        fclose(file);
    return is_read;
}

/* Quota over period of the group's folder in either version of cgroups; 0: none. */
static double quota_at(const char *root, const char *group)
{
    char path[512], line[128];
    double quota, period;
    snprintf(path, sizeof path, "%s%s/cpu.max", root, group);
    if (read_line(path, line, sizeof line))
        return sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period : 0;
    snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", root, group);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lf", &quota) != 1 || quota <= 0)
        return 0;
    snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", root, group);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lf", &period) != 1 || period <= 0)
        return 0;
    return quota / period;
}

/* The least quota on the way from the group to the root. */
static double least_quota(const char *root, char *group)
{
    double least = 0;
    for (;;) {
        double quota = quota_at(root, group);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Whether a list of names between commas has "cpu". */
static bool has_cpu(const char *controllers)
{
    for (const char *at = controllers; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == '\0' || at[3] == ','))
            return true;
    return false;
}

static double read_quota(void)
{
    char line[512];
    FILE *groups = fopen("/proc/self/cgroup", "re");
    double least = 0;
    while (groups && fgets(line, sizeof line, groups)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'),
             *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        bool is_unified = controllers[1] == '\0';
        if (!is_unified && !has_cpu(controllers + 1))
            continue;
        double quota = least_quota(is_unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", group);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
    }
    if (groups)
        fclose(groups);
    return least;
}

uint32_t cpus_usable(void)
{
    const char *said = getenv("PROCPOOL_CPUS");
    long n = said ? strtol(said, NULL, 10) : 0;
    if (n >= 1 && n <= MOST_WORKERS)
        return (uint32_t)n;
    uint32_t cpus = cpus_allowed();
    double quota = read_quota();
    uint32_t granted = (uint32_t)quota + (quota > (double)(uint32_t)quota);
    cpus = quota > 0 && granted < cpus ? granted : cpus;
    return cpus < MOST_WORKERS ? cpus : MOST_WORKERS;
}
