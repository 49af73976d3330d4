/* Samples that are disturbed on purpose, and samples that are not: what a cell says of each.
 *
 *     ./build/tests/noise/test_injection          starts ./poolmark-cell; about 6 s
 *     ./build/tests/noise/test_injection --quiet  disturbs nothing: the rates of flags by backend
 * and workload, for a machine that is left alone; 4 min,
 *                                                 with a backend's name behind it: of that
 *
 * Four disturbances of a worker that is bound to one PU: another process on that PU, a cgroup
 * quota, a stop by signal, and a move to another PU, in the middle of the sample. What each cost is
 * known here, and not from the cell: how long the other process ran, how long the worker was
 * stopped, that the move was over before the sample was. Those that cost 5 % of the sample's time
 * or more must be found in 99 of 100 cases.
 *
 * Of samples that nobody disturbs on purpose the false alarms are counted, but those alone count
 * while nobody else runs (/proc/loadavg) or waits for a CPU (PSI), since tests run on machines
 * that others use as well. What the kernel does not see, time that the host took, is printed.
 *
 * Prints "N passed, N failed, N skipped". */
#include "base/child.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EACH = 40 }; /* samples of a disturbance */

static int n_passed, n_failed, n_skipped;

static void judge(bool holds, const char *what)
{
    n_passed += holds;
    n_failed += !holds;
    printf("%s %s\n", holds ? "ok" : "not ok", what);
    fflush(stdout);
}

static void skip(const char *what, const char *why)
{
    n_skipped++;
    printf("skipped: %s: %s\n", what, why);
}

/* The number after `word` in a small file, or after it and some others; -1: not known. */
static int64_t number_in(const char *path, const char *word, int skipped)
{
    char text[512] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    char *at = n > 0 ? strstr(text, word) : NULL;
    if (!at)
        return -1;
    int64_t value = strtoll(at + strlen(word), &at, 10);
    while (skipped-- > 0)
        value = strtoll(at, &at, 10);
    return value;
}

/* --- a cell ----------------------------------------------------------------------------------- */

struct cell {
    struct child child;
    FILE *from;
    pid_t worker; /* the first one's process */
};

struct answer {
    uint64_t asked_ns, told_ns; /* CLOCK_MONOTONIC here, before and after */
    uint64_t wall_ns, cpu_ns, lost_ns, pus;
    char flags[128];
};

/* Ends the program: without its cell nothing can be judged. */
static void give_up(const char *why)
{
    printf("%s\n%d passed, %d failed\n", why, n_passed, n_failed + 1);
    exit(EXIT_FAILURE);
}

static json_t *hear(struct cell *cell)
{
    static char line[1 << 16];
    json_t *object = fgets(line, sizeof line, cell->from) ? json_loads(line, 0, NULL) : NULL;
    if (!object)
        give_up("the cell says nothing");
    return object;
}

/* Sends the command off; returns what the cell says first. */
static json_t *start_cell(struct cell *cell, char *const argv[])
{
    struct err err;
    cell->child = (struct child)CHILD_INIT;
    if (child_start(&cell->child, argv, NULL, SIGKILL, &err) != 0)
        give_up(err.text);
    cell->from = fdopen(dup(cell->child.from), "r");
    return hear(cell);
}

static void open_cell(struct cell *cell, const char *backend, const char *workers, const char *bind)
{
    char *argv[] = {"./poolmark-cell", "--backend", (char *)backend, "--workers",
                    (char *)workers,   "--bind",    (char *)bind,    NULL};
    json_t *hello = start_cell(cell, argv);
    json_t *place = json_array_get(json_object_get(hello, "placements"), 0);
    cell->worker = (pid_t)json_integer_value(json_object_get(place, "pid"));
    json_decref(hello);
}

static void close_cell(struct cell *cell)
{
    child_end(&cell->child, 2000);
    fclose(cell->from);
    child_release(&cell->child);
}

static uint64_t ask(struct cell *cell, const char *workload, int tasks)
{
    uint64_t now = clock_now_ns();
    dprintf(cell->child.to, "{\"id\": 1, \"workload\": \"%s\", \"tasks\": %d, \"chunk\": 1}\n",
            workload, tasks);
    return now;
}

static uint64_t number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static struct answer listen(struct cell *cell, uint64_t asked_ns)
{
    json_t *object = hear(cell);
    struct answer a = {.asked_ns = asked_ns,
                       .told_ns = clock_now_ns(),
                       .wall_ns = number(object, "wall_ns"),
                       .cpu_ns = number(object, "cpu_ns"),
                       .lost_ns = number(object, "lost_ns"),
                       .pus = number(object, "pus")};
    const char *flags = json_string_value(json_object_get(object, "flags"));
    if (!flags)
        give_up("an answer has no flags");
    text_copy(a.flags, sizeof a.flags, flags);
    json_decref(object);
    return a;
}

/* --- counting what was found ------------------------------------------------------------------ */

struct count {
    const char *what, *word;
    int disturbed, found; /* that cost 5 % or more; of these */
    int by_name;          /* with the word that belongs to it */
};

static int all_disturbed, all_found;

static void count(struct count *c, const struct answer *a, bool is_disturbed)
{
    if (!is_disturbed)
        return;
    c->disturbed++;
    c->found += a->flags[0] != '\0';
    c->by_name += strstr(a->flags, c->word) != NULL;
    if (!strstr(a->flags, c->word))
        printf("  %s: flags '%s', wall %" PRIu64 " us, lost %" PRIu64 " us\n", c->what, a->flags,
               a->wall_ns / 1000, a->lost_ns / 1000);
}

static void report(const struct count *c)
{
    char line[200];
    all_disturbed += c->disturbed;
    all_found += c->found;
    snprintf(line, sizeof line, "%s: %d samples of which it took 5 %%, %d found, %d as '%s'",
             c->what, c->disturbed, c->found, c->by_name, c->word);
    if (c->disturbed < EACH / 4)
        skip(line, "others use this machine, so that most disturbances came too late");
    else
        judge(c->found >= c->disturbed - 1 && 4 * c->by_name >= 3 * c->disturbed, line);
}

static bool costs_enough(uint64_t cost_ns, const struct answer *a)
{
    return 20 * cost_ns >= a->wall_ns;
}

/* About 8 ms of one PU. */
static const char long_work[] = "burn iterations=750k";
enum { LONG_TASKS = 4 };

static void set_pu(pid_t tid, int pu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(pu, &set);
    sched_setaffinity(tid, sizeof set, &set);
}

/* --- another process on the worker's PU ------------------------------------------------------- */

/* Shared with the hog. */
struct orders {
    _Atomic uint64_t run_ns;  /* to use so much CPU time now; 0 when done */
    _Atomic uint64_t done_ns; /* when it was */
};

static pid_t start_hog(struct orders *orders, int pu)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    set_pu(0, pu);
    while (getppid() == parent) {
        uint64_t ns = atomic_load(&orders->run_ns);
        if (ns == 0) {
            clock_sleep_ns(200000);
            continue;
        }
        for (uint64_t end = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
             clock_read_ns(CLOCK_THREAD_CPUTIME_ID) < end;)
            ;
        atomic_store(&orders->done_ns, clock_now_ns());
        atomic_store(&orders->run_ns, 0);
    }
    _exit(0);
}

static void test_hog(int pu, const char *pu_text)
{
    struct count c = {"another process on the PU", "preempted", 0, 0, 0};
    struct orders *orders =
        mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct cell cell;
    pid_t hog = start_hog(orders, pu);
    open_cell(&cell, "procpool", "1", pu_text);
    for (int i = 0; i < EACH + 4; i++) {
        /* 6 to 30 % of the sample. */
        const uint64_t cost_ns = 500000 + (uint64_t)(i % 8) * 250000;
        uint64_t asked = ask(&cell, long_work, LONG_TASKS);
        clock_sleep_ns(1000000);
        uint64_t given = clock_now_ns();
        atomic_store(&orders->run_ns, cost_ns);
        struct answer a = listen(&cell, asked);
        while (atomic_load(&orders->run_ns) > 0)
            clock_sleep_ns(100000);
        /* Over before the sample can have been, and begun when it had: what lies between its end
         * and the answer is known to be 1 ms at least, in which the cell waits. */
        uint64_t done = atomic_load(&orders->done_ns);
        bool is_within = given + a.wall_ns >= a.told_ns - a.wall_ns && done < asked + a.wall_ns;
        count(&c, &a, i >= 4 && is_within && costs_enough(cost_ns, &a));
    }
    close_cell(&cell);
    kill(hog, SIGKILL);
    waitpid(hog, NULL, 0);
    munmap(orders, sizeof *orders);
    report(&c);
}

/* --- stopped ---------------------------------------------------------------------------------- */

static void test_stop(const char *pu_text)
{
    struct count c = {"a stopped worker", "preempted", 0, 0, 0};
    struct cell cell;
    open_cell(&cell, "procpool", "1", pu_text);
    for (int i = 0; i < EACH + 4; i++) {
        uint64_t asked = ask(&cell, long_work, LONG_TASKS);
        clock_sleep_ns(2000000);
        kill(cell.worker, SIGSTOP);
        uint64_t stopped = clock_now_ns();
        clock_sleep_ns(800000 + (uint64_t)(i % 8) * 100000); /* 10 to 20 % */
        uint64_t goes_on = clock_now_ns();
        kill(cell.worker, SIGCONT);
        struct answer a = listen(&cell, asked);
        count(&c, &a, i >= 4 && goes_on < asked + a.wall_ns && costs_enough(goes_on - stopped, &a));
    }
    close_cell(&cell);
    report(&c);
}

/* --- moved ------------------------------------------------------------------------------------ */

static void test_move(int pu, int other, const char *pu_text)
{
    struct count c = {"a bound worker that was moved", "migrated", 0, 0, 0};
    struct cell cell;
    if (other < 0) {
        skip(c.what, "there is one usable PU");
        return;
    }
    open_cell(&cell, "procpool", "1", pu_text);
    for (int i = 0; i < EACH + 4; i++) {
        uint64_t asked = ask(&cell, long_work, LONG_TASKS);
        clock_sleep_ns(2000000);
        set_pu(cell.worker, other);
        uint64_t moved = clock_now_ns();
        struct answer a = listen(&cell, asked);
        set_pu(cell.worker, pu);
        count(&c, &a, i >= 4 && moved < asked + a.wall_ns);
    }
    close_cell(&cell);
    report(&c);
}

/* --- a quota ---------------------------------------------------------------------------------- */

/* Writes to a file of the group; false when it cannot. */
static bool tell_group(const char *group, const char *file, const char *format, long value)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", group, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && dprintf(fd, format, value) > 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* A group below that of this process's mount with 2 ms of CPU in each 10 ms; false when there can
 * be none. The version is that whose controller "cpu" can be used. */
static bool make_group(char *group, size_t size)
{
    static const struct {
        const char *mount;
        bool is_v1;
    } places[] = {{"/sys/fs/cgroup/cpu", true},
                  {"/sys/fs/cgroup/cpu,cpuacct", true},
                  {"/sys/fs/cgroup", false}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(group, size, "%s/poolmark-test-%d", places[i].mount, (int)getpid());
        if (mkdir(group, 0755) != 0)
            continue;
        if (places[i].is_v1 ? tell_group(group, "cpu.cfs_period_us", "%ld", 10000) &&
                                  tell_group(group, "cpu.cfs_quota_us", "%ld", 2000)
                            : tell_group(group, "cpu.max", "2000 %ld", 10000))
            return true;
        rmdir(group);
    }
    return false;
}

static uint64_t throttled_ns(const char *group)
{
    char path[512];
    snprintf(path, sizeof path, "%s/cpu.stat", group);
    int64_t ns = number_in(path, "throttled_time ", 0), us = number_in(path, "throttled_usec ", 0);
    return ns >= 0 ? (uint64_t)ns : us >= 0 ? 1000 * (uint64_t)us : 0;
}

static void test_quota(const char *pu_text)
{
    struct count c = {"a cgroup quota", "throttled", 0, 0, 0};
    char group[256], parent[256];
    struct cell cell;
    if (!make_group(group, sizeof group)) {
        skip(c.what, "no cgroup with a CPU quota can be made here");
        return;
    }
    /* The cell is born in the group, which it finds when it starts; this process goes back at once.
     */
    text_copy(parent, sizeof parent, group);
    *strrchr(parent, '/') = '\0';
    if (!tell_group(group, "cgroup.procs", "%ld", (long)getpid())) {
        rmdir(group);
        skip(c.what, "no process may enter a cgroup here");
        return;
    }
    open_cell(&cell, "procpool", "1", pu_text);
    tell_group(parent, "cgroup.procs", "%ld", (long)getpid());
    for (int i = 0; i < EACH + 2; i++) {
        /* What the group tells of, which is the kernel's word: where others use the CPU as well,
         * not every sample gets as far as its quota. A stop after the sample took nothing of it. */
        uint64_t before = throttled_ns(group);
        struct answer a = listen(&cell, ask(&cell, long_work, LONG_TASKS / 2));
        count(&c, &a,
              i >= 2 && costs_enough(throttled_ns(group) - before, &a) &&
                  costs_enough(a.wall_ns - a.cpu_ns, &a));
    }
    close_cell(&cell);
    for (int i = 0; i < 100 && rmdir(group) != 0; i++)
        clock_sleep_ns(10000000);
    report(&c);
}

/* --- undisturbed ------------------------------------------------------------------------------ */

/* Whether this thread is the only one of the machine that runs or wants to: "LOADS RUNNING/ALL …".
 */
static bool is_alone(void)
{
    char text[64] = "";
    int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC), running = 0;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    return n > 0 && sscanf(text, "%*s %*s %*s %d/", &running) == 1 && running == 1;
}

/* How long some task of the machine waited for a CPU (PSI), and what was stolen from the machine:
 * what others see of it, not the cell. */
struct witness {
    int64_t waited_us, stolen_ticks;
    uint64_t at_ns;
};

static struct witness look(void)
{
    return (struct witness){number_in("/proc/pressure/cpu", "total=", 0),
                            number_in("/proc/stat", "cpu ", 7), clock_now_ns()};
}

/* A list whose samples are not disturbed on purpose. */
struct list {
    const char *backend, *workers, *bind, *work;
    int tasks;
};

struct alarms {
    int samples, flagged, by_host;
};

/* The host's doings are no false alarm, and no witness here tells of a short one. */
static void take_undisturbed(const struct list *list, struct alarms *all, struct alarms *quiet)
{
    enum { SAMPLES = 50 };
    struct alarms these = {0, 0, 0};
    struct cell cell;
    int calm = 0; /* samples before and after which nobody else wanted a CPU */
    open_cell(&cell, list->backend, list->workers, list->bind);
    listen(&cell, ask(&cell, list->work, list->tasks));
    struct witness before = look();
    for (int i = 0; i < SAMPLES; i++) {
        bool is_calm = is_alone();
        struct answer a = listen(&cell, ask(&cell, list->work, list->tasks));
        calm += is_calm && is_alone();
        bool is_host = strstr(a.flags, "stolen") || strstr(a.flags, "slow-clock");
        these.samples++;
        these.flagged += a.flags[0] != '\0';
        these.by_host += is_host;
        if (a.flags[0] && these.flagged <= 5)
            printf("  %s, %s: flags '%s', wall %" PRIu64 " us, lost %" PRIu64 " us\n",
                   list->backend, list->work, a.flags, a.wall_ns / 1000, a.lost_ns / 1000);
    }
    struct witness after = look();
    close_cell(&cell);
    int64_t waited_ns = 1000 * (after.waited_us - before.waited_us);
    bool is_quiet = before.waited_us >= 0 && after.stolen_ticks == before.stolen_ticks &&
                    20 * calm >= 19 * SAMPLES &&
                    (uint64_t)waited_ns < (after.at_ns - before.at_ns) / 100;
    struct alarms *sums[] = {all, is_quiet ? quiet : NULL};
    for (int i = 0; i < 2 && sums[i]; i++) {
        sums[i]->samples += these.samples;
        sums[i]->flagged += these.flagged;
        sums[i]->by_host += these.by_host;
    }
}

static void test_quiet(bool has_two)
{
    static const struct list lists[] = {
        {"seq", "1", "none", "burn iterations=40k", 10},
        {"procpool", "1", "close", "square", 400000},
        {"procpool", "2", "close", "burn iterations=40k", 20},
        {"openmp", "2", "close", "burn iterations=40k", 20},
        {"procpool", "2", "none", "sleep time=1ms", 4},
        {"seq", "1", "none", "sleep time=500us", 4},
    };
    struct alarms all = {0, 0, 0}, quiet = {0, 0, 0};
    char line[200];
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        if (has_two || lists[l].workers[0] == '1')
            take_undisturbed(&lists[l], &all, &quiet);
    printf("%d samples not disturbed on purpose: %d flagged, %d of them by the host\n", all.samples,
           all.flagged, all.by_host);
    if (quiet.samples == 0) {
        skip("false alarms", "others use this machine now, or it does not tell (PSI)");
        return;
    }
    int alarms = quiet.flagged - quiet.by_host;
    snprintf(line, sizeof line,
             "%d samples while the machine was quiet: %d false alarms, %d by the host",
             quiet.samples, alarms, quiet.by_host);
    judge(alarms <= 1 + quiet.samples / 100, line);
}

/* --- rates of a machine that is left alone ---------------------------------------------------- */

/* A cell with two workers, but for seq. */
static const struct {
    const char *name;
    const char *argv[20];
} cells[] = {
    {"seq", {"./poolmark-cell", "--backend", "seq"}},
    {"procpool", {"./poolmark-cell", "--backend", "procpool", "--workers", "2"}},
    {"procpool, close",
     {"./poolmark-cell", "--backend", "procpool", "--workers", "2", "--bind", "close"}},
    {"openmp", {"./poolmark-cell", "--backend", "openmp", "--workers", "2"}},
    {"openmp, close",
     {"./poolmark-cell", "--backend", "openmp", "--workers", "2", "--bind", "close"}},
    {"mpi",
     {"mpirun", "-np", "2", "--oversubscribe", "--bind-to", "none", "./poolmark-cell-mpi",
      "--backend", "mpi", "--workers", "2", "--ranks", "2"}},
    {"hybrid",
     {"mpirun", "-np", "1", "--oversubscribe", "--bind-to", "none", "./poolmark-cell-mpi",
      "--backend", "hybrid", "--workers", "2", "--threads", "2"}},
};

/* Of 20 tasks, which grow until the list is as long as it is to be, or, without a parameter, as
 * many as that takes. */
static const struct {
    const char *name, *format;
    uint64_t guess; /* of the parameter, for a task of 100 µs */
} works[] = {
    {"burn", "burn iterations=%" PRIu64, 40000},
    {"square", "square", 0},
    {"sleep", "sleep time=%" PRIu64 "us", 100},
};

enum { N_CELLS = sizeof cells / sizeof *cells, N_WORKS = sizeof works / sizeof *works };

/* Samples with each word, and what the machine did meanwhile. */
static void print_rates(const char *cell_name, struct cell *cell, size_t work, int ms)
{
    enum { SAMPLES = 200 };
    static const char *const words[] = {"preempted",  "throttled", "stolen",
                                        "slow-clock", "migrated",  "cold"};
    enum { N_WORDS = sizeof words / sizeof *words };
    int tasks = 20, flagged = 0, stacked = 0, counts[N_WORDS] = {0};
    char text[64];
    uint64_t parameter = works[work].guess, walls = 0;
    /* The list is made as long as it is to be by what one of it takes, least of five. */
    for (int round = 0; round < 3; round++) {
        uint64_t least = UINT64_MAX;
        snprintf(text, sizeof text, works[work].format, parameter);
        for (int i = 0; i < 5; i++) {
            struct answer a = listen(cell, ask(cell, text, tasks));
            least = a.wall_ns < least ? a.wall_ns : least;
        }
        double factor = ms * 1e6 / (double)(least ? least : 1);
        if (works[work].guess == 0)
            tasks = (int)(tasks * (factor < 1000 ? factor : 1000)) + 1;
        else
            parameter = (uint64_t)((double)parameter * factor) + 1;
    }
    snprintf(text, sizeof text, works[work].format, parameter);
    listen(cell, ask(cell, text, tasks)); /* the first of a list is cold */
    struct witness before = look();
    for (int i = 0; i < SAMPLES; i++) {
        struct answer a = listen(cell, ask(cell, text, tasks));
        flagged += a.flags[0] != '\0';
        stacked += a.pus == 1;
        walls += a.wall_ns;
        for (size_t w = 0; w < N_WORDS; w++)
            counts[w] += strstr(a.flags, words[w]) != NULL;
    }
    struct witness after = look();
    printf("%-16s %-7s %3d %6.2f %5.1f %%", cell_name, works[work].name, ms,
           (double)walls / SAMPLES / 1e6, 100.0 * flagged / SAMPLES);
    for (size_t w = 0; w < N_WORDS; w++)
        printf(" %10d", counts[w]);
    printf(" %7d %8.1f %% %6" PRId64 "\n", stacked,
           100e3 * (double)(after.waited_us - before.waited_us) /
               (double)(after.at_ns - before.at_ns),
           after.stolen_ticks - before.stolen_ticks);
    fflush(stdout);
}

/* Of the cells whose name begins so. */
static int print_all_rates(const char *name)
{
    static const int lengths[] = {1, 5, 20};
    /* Of use where tests run as root, as in a container; Open MPI refuses else. */
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    printf("200 samples each; ms asked for and their mean; on one PU: with workers on no other;\n"
           "waits (PSI) and ticks stolen: of the machine, meanwhile\n"
           "%-16s %-7s %3s %6s %7s %10s %10s %10s %10s %10s %10s %7s %10s %6s\n",
           "cell", "work", "ms", "mean", "flagged", "preempted", "throttled", "stolen",
           "slow-clock", "migrated", "cold", "one PU", "waits", "stolen");
    for (size_t c = 0; c < N_CELLS; c++) {
        struct cell cell;
        if (strncmp(cells[c].name, name, strlen(name)) != 0)
            continue;
        if (strcmp(cells[c].argv[0], "mpirun") == 0 && access("poolmark-cell-mpi", X_OK) != 0) {
            printf("%-16s there is no poolmark-cell-mpi\n", cells[c].name);
            continue;
        }
        json_decref(start_cell(&cell, (char *const *)cells[c].argv));
        for (size_t w = 0; w < N_WORKS; w++)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
                print_rates(cells[c].name, &cell, w, lengths[l]);
        close_cell(&cell);
    }
    return EXIT_SUCCESS;
}

/* --- all -------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    cpu_set_t set;
    int pu = -1, other = -1;
    char pu_text[16], line[100];
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        give_up("the affinity cannot be read");
    for (int p = CPU_SETSIZE - 1; p >= 0; p--)
        if (CPU_ISSET(p, &set)) {
            other = pu;
            pu = p;
        }
    snprintf(pu_text, sizeof pu_text, "%d", pu);
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "--quiet") == 0)
        return print_all_rates(argc > 2 ? argv[2] : "");
    test_hog(pu, pu_text);
    test_stop(pu_text);
    test_move(pu, other, pu_text);
    test_quota(pu_text);
    snprintf(line, sizeof line, "%d of %d found in all", all_found, all_disturbed);
    judge(100 * all_found >= 99 * all_disturbed, line);
    test_quiet(other >= 0);
    printf("%d passed, %d failed, %d skipped\n", n_passed, n_failed, n_skipped);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
