#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 6, WAITING_AT_ONCE = 16, SLOTS = AT_ONCE + WAITING_AT_ONCE };

/* What a cell tells the harness, in memory that both see. */
struct report {
    char why[400];
    char at[100];
};

/* The report of the cell that this process is. */
static struct report *own_report;

/* Dying by signals is what workers do here: let the sanitizers not turn that into something else.
 * Workers that call exit() would look for leaks in the whole snapshot. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_abort=0:handle_sigbus=0:detect_leaks=0:"
           "allocator_may_return_null=1";
}

double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void nap_us(long us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

/* --- inside a cell ---------------------------------------------------------------------------- */

enum cell_result cell_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(own_report->why, sizeof own_report->why, format, arguments);
    va_end(arguments);
    return CELL_FAILED;
}

enum cell_result cell_skip(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(own_report->why, sizeof own_report->why, format, arguments);
    va_end(arguments);
    return CELL_SKIPPED;
}

void cell_is_at(const char *what)
{
    snprintf(own_report->at, sizeof own_report->at, "%s", what);
}

/* Entries of a folder whose names contain the text; "" for all but . and .. */
static int count_entries(const char *folder, const char *text)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        n += entry->d_name[0] != '.' && strstr(entry->d_name, text) != NULL;
    if (dir)
        closedir(dir);
    return n;
}

static int count_shared_mappings(void)
{
    char line[512], permissions[5];
    int n = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        n += sscanf(line, "%*s %4s", permissions) == 1 && permissions[3] == 's';
    if (maps)
        fclose(maps);
    return n;
}

/* Of the names in /dev/shm those that a pool could have made: others' come and go meanwhile. */
static int count_names(void)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    return count_entries("/dev/shm", pid) + count_entries("/dev/shm", "procpool") +
           count_entries("/dev/shm", "poolmark");
}

struct belongings belongings_now(void)
{
    return (struct belongings){
        .descriptors = count_entries("/proc/self/fd", ""),
        .shared_mappings = count_shared_mappings(),
        .threads = count_entries("/proc/self/task", ""),
        .names = count_names(),
    };
}

enum cell_result cell_is_clean(const struct belongings *before)
{
    cell_is_at("looking for what is left behind");
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    REQUIRE(pid == -1 && errno == ECHILD, "a child is left behind: %s",
            pid == 0 ? "it runs" : "a zombie");
    struct belongings now = belongings_now();
    /* A thread that was joined may stand in /proc for a moment yet. */
    WAIT_UNTIL((now = belongings_now()).threads <= before->threads, 1);
    REQUIRE(now.descriptors == before->descriptors, "%d descriptors and not %d", now.descriptors,
            before->descriptors);
    REQUIRE(now.shared_mappings == before->shared_mappings, "%d shared mappings and not %d",
            now.shared_mappings, before->shared_mappings);
    REQUIRE(now.threads == before->threads, "%d threads and not %d", now.threads, before->threads);
    REQUIRE(now.names == before->names, "%d names in /dev/shm and not %d", now.names,
            before->names);
    return CELL_PASSED;
}

bool children_end_within(double seconds)
{
    double until = now_s() + seconds;
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD)
            return true;
        if (pid == 0 && now_s() >= until)
            return false;
        if (pid == 0)
            nap_us(1000);
    }
}

/* --- running cells ---------------------------------------------------------------------------- */

struct slot {
    pid_t pid; /* 0: free */
    size_t cell;
    double until_s;
    struct report *report;
};

static _Noreturn void be_cell(const struct cell *cell, struct report *report, pid_t harness)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would watch it any more */
    if (getppid() != harness)
        _exit(CELL_FAILED);
    setpgid(0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGINT, SIG_DFL);
    own_report = report;
    _exit((int)cell->run(cell));
}

static void start(struct slot *slot, const struct cell *cell, size_t number)
{
    memset(slot->report, 0, sizeof *slot->report);
    fflush(NULL);
    slot->cell = number;
    slot->until_s = now_s() + (cell->limit_s > 0 ? cell->limit_s : WATCHDOG_S);
    pid_t self = getpid();
    slot->pid = fork();
    if (slot->pid == 0)
        be_cell(cell, slot->report, self);
    if (slot->pid < 0) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    setpgid(slot->pid, slot->pid);
}

static void print_line(struct tally *tally, const struct cell *cell, enum cell_result result,
                       const struct report *report)
{
    tally->cells++;
    tally->passed += result == CELL_PASSED;
    tally->skipped += result == CELL_SKIPPED;
    tally->failed += result == CELL_FAILED;
    printf("%sok %zu - %s%s%s\n", result == CELL_FAILED ? "not " : "", tally->cells, cell->name,
           result == CELL_SKIPPED  ? " # skip "
           : result == CELL_FAILED ? ": "
                                   : "",
           result == CELL_PASSED ? "" : report->why);
    fflush(stdout);
}

/* Looks whether the slot's cell has ended, or has to be. */
static void look(struct tally *tally, struct slot *slot, const struct cell *cells)
{
    struct report *report = slot->report;
    int status;
    pid_t pid = waitpid(slot->pid, &status, WNOHANG);
    enum cell_result result = CELL_FAILED;
    if (pid == 0 && now_s() < slot->until_s)
        return;
    bool has_others = false;
    if (pid == 0) {
        kill(-slot->pid, SIGKILL);
        waitpid(slot->pid, &status, 0);
        snprintf(report->why, sizeof report->why, "no end in time while %s", report->at);
    } else if (!WIFEXITED(status)) {
        snprintf(report->why, sizeof report->why, "killed by signal %d while %s", WTERMSIG(status),
                 report->at);
    } else if (WEXITSTATUS(status) > CELL_SKIPPED) {
        snprintf(report->why, sizeof report->why, "exit status %d while %s", WEXITSTATUS(status),
                 report->at);
    } else {
        result = (enum cell_result)WEXITSTATUS(status);
    }
    has_others = kill(-slot->pid, SIGKILL) == 0;
    if (has_others && result == CELL_PASSED) {
        snprintf(report->why, sizeof report->why, "processes of its group are left");
        result = CELL_FAILED;
    }
    print_line(tally, &cells[slot->cell], result, report);
    slot->pid = 0;
}

static bool is_wanted(const struct tally *tally, const struct cell *cell)
{
    for (const char *const *word = tally->words; *word; word++)
        if (!strstr(cell->name, *word))
            return false;
    return true;
}

/* The next cell from `at` on that is wanted and of this kind; n where there is none. */
static size_t next_of(const struct tally *tally, const struct cell *cells, size_t n, size_t at,
                      bool is_waiting)
{
    while (at < n && (cells[at].is_waiting != is_waiting || !is_wanted(tally, &cells[at])))
        at++;
    return at;
}

void tally_init(struct tally *tally, int argc, char **argv)
{
    *tally = (struct tally){.words = (const char *const *)argv + (argc > 0)};
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); /* hundreds of processes die here as they should */
}

void tally_run(struct tally *tally, const struct cell *cells, size_t n)
{
    struct report *reports = mmap(NULL, SLOTS * sizeof *reports, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reports == MAP_FAILED) {
        perror("mmap");
        exit(EXIT_FAILURE);
    }
    struct slot slots[SLOTS] = {0};
    size_t at[2] = {0, 0};
    for (size_t running = 1; running > 0;) {
        running = 0;
        for (size_t s = 0; s < SLOTS; s++) {
            bool is_waiting = s >= AT_ONCE;
            slots[s].report = &reports[s];
            if (slots[s].pid)
                look(tally, &slots[s], cells);
            if (!slots[s].pid &&
                (at[is_waiting] = next_of(tally, cells, n, at[is_waiting], is_waiting)) < n) {
                start(&slots[s], &cells[at[is_waiting]], at[is_waiting]);
                at[is_waiting]++;
            }
            running += slots[s].pid != 0;
        }
        nap_us(1000);
    }
    munmap(reports, SLOTS * sizeof *reports);
}

int tally_end(const struct tally *tally)
{
    printf("%zu passed, %zu failed", tally->passed, tally->failed);
    if (tally->skipped)
        printf(", %zu skipped", tally->skipped);
    putchar('\n');
    return tally->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
