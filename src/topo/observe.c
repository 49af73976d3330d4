/* What no file says of the machine's condition at once: the load over a moment, the cost of the
 * clock, limits of this process. See condition.h. */
#include "topo/condition.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "topo/topo_private.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- the timer -------------------------------------------------------------------------------- */

/* The best of several rounds: an interruption only makes one longer. */
static void time_the_clock(struct condition_facts *f)
{
    enum { ROUNDS = 7, READINGS = 2000 };
    uint64_t best = UINT64_MAX, step = UINT64_MAX;
    bool stands = false; /* two readings were the same: the step is coarser than the cost */
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = clock_now_ns(), last = start;
        for (int i = 0; i < READINGS; i++) {
            uint64_t now = clock_now_ns();
            stands = stands || now == last;
            if (now > last && now - last < step)
                step = now - last;
            last = now;
        }
        if (last - start < best)
            best = last - start;
    }
    struct timespec promised;
    clock_getres(CLOCK_MONOTONIC, &promised);
    f->timer_cost_ns = (double)best / READINGS;
    f->timer_resolution_ns =
        stands && step != UINT64_MAX ? (double)step : (double)clock_timespec_ns(&promised);
}

/* --- the load --------------------------------------------------------------------------------- */

/* Ticks of one process, and of the CPUs that may be used. */
struct process {
    int pid;
    double ticks;
    char name[32];
};

struct reading {
    double busy, stolen;
    struct process *processes;
    size_t n, capacity;
};

/* "cpu7 user nice system idle iowait irq softirq steal ..." for each CPU that may be used. */
static bool read_cpus(const struct topo *topo, struct reading *r)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[512];
    bool any = false;
    while (file && fgets(line, sizeof line, file)) {
        unsigned cpu;
        double t[8] = {0};
        if (sscanf(line, "cpu%u %lf %lf %lf %lf %lf %lf %lf %lf", &cpu, &t[0], &t[1], &t[2], &t[3],
                   &t[4], &t[5], &t[6], &t[7]) < 8 ||
            !hwloc_bitmap_isset(topo->allowed, cpu))
            continue;
        any = true;
        r->busy += t[0] + t[1] + t[2] + t[5] + t[6];
        r->stolen += t[7];
    }
    if (file)
        fclose(file);
    return any;
}

static void read_process(const char *pid, struct reading *r)
{
    char path[300], line[512];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    bool is_read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    /* The name stands in parentheses and may hold some itself. */
    const char *open = is_read ? strchr(line, '(') : NULL;
    const char *close = open ? strrchr(line, ')') : NULL;
    double user, system;
    if (!close || sscanf(close + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user,
                         &system) != 2)
        return;
    struct process p = {.pid = atoi(pid), .ticks = user + system};
    snprintf(p.name, sizeof p.name, "%.*s", (int)(close - open - 1), open + 1);
    r->processes = alloc_room(r->processes, r->n, &r->capacity, sizeof *r->processes);
    r->processes[r->n++] = p;
}

static struct reading read_load(const struct topo *topo, bool *any)
{
    struct reading r = {0};
    *any = read_cpus(topo, &r);
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (isdigit((unsigned char)*e->d_name))
            read_process(e->d_name, &r);
    if (dir)
        closedir(dir);
    return r;
}

/* The process that has used most between two readings, in `busiest`. */
static void name_busiest(const struct reading *before, const struct reading *after,
                         struct condition_facts *f)
{
    double most = 0;
    for (size_t i = 0; i < after->n; i++) {
        const struct process *p = &after->processes[i];
        double used = p->ticks;
        for (size_t k = 0; k < before->n; k++)
            if (before->processes[k].pid == p->pid)
                used -= before->processes[k].ticks;
        if (used <= most || p->pid == (int)getpid())
            continue;
        most = used;
        snprintf(f->busiest, sizeof f->busiest, "%.30s (pid %d)", p->name, p->pid);
    }
}

static void watch_load(struct condition_facts *f, const struct topo *topo, int window_ms)
{
    bool any, again;
    /* What the look at all processes costs would else count as load. */
    struct reading before = read_load(topo, &any);
    struct reading quiet = {0};
    read_cpus(topo, &quiet);
    uint64_t start = clock_now_ns();
    clock_sleep_ns((uint64_t)window_ms * 1000000u);
    struct reading end = {0};
    read_cpus(topo, &end);
    f->window_s = (double)(clock_now_ns() - start) / 1e9;
    struct reading after = read_load(topo, &again);
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    if (any && again && f->window_s > 0) {
        f->others_cpus = fmax(0, (end.busy - quiet.busy) * tick_s / f->window_s);
        f->stolen_cpus = fmax(0, (end.stolen - quiet.stolen) * tick_s / f->window_s);
        name_busiest(&before, &after, f);
    }
    free(before.processes);
    free(after.processes);
}

/* --- limits ----------------------------------------------------------------------------------- */

static double most_processes(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return INFINITY;
    return (double)limit.rlim_cur;
}

/* The innermost group that bounds this process. */
static void find_quota_group(struct condition_facts *f)
{
    size_t n;
    char **groups = topo_quota_groups(&n);
    if (n > 0)
        text_copy(f->quota_group, sizeof f->quota_group, groups[0]);
    text_words_free(groups);
}

/* Inside a Slurm allocation mpirun takes the slots from it, else it has one a core. */
static int slots(const struct topo_counts *machine)
{
    const char *slurm = getenv("SLURM_NTASKS");
    int n = slurm ? atoi(slurm) : 0;
    return n > 0 ? n : machine->usable_cores;
}

void condition_observe(struct condition_facts *f, const struct topo *topo, int window_ms)
{
    *f = (struct condition_facts){.root = "", .others_cpus = NAN, .stolen_cpus = NAN};
    topo_count(topo, &f->machine);
    find_quota_group(f);
    const struct hwloc_topology_support *support = hwloc_topology_get_support(topo->hwloc);
    f->can_bind = support && support->cpubind->set_thisthread_cpubind;
    f->uid = (int)geteuid();
    errno = 0;
    f->nice = getpriority(PRIO_PROCESS, 0);
    f->slots = slots(&f->machine);
    time_the_clock(f);
    int slack = prctl(PR_GET_TIMERSLACK, 0ul, 0ul, 0ul, 0ul);
    f->slack_ns = slack >= 0 ? slack : NAN;
    struct statvfs shm;
    bool has_shm = statvfs("/dev/shm", &shm) == 0;
    f->shm_bytes = has_shm ? (double)shm.f_blocks * (double)shm.f_frsize : NAN;
    f->shm_free_bytes = has_shm ? (double)shm.f_bavail * (double)shm.f_frsize : NAN;
    f->most_processes = most_processes();
    f->parts.resolve_ms = NAN;
    if (window_ms > 0)
        watch_load(f, topo, window_ms);
}
