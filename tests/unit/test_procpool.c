/* The process pool: every worker runs every body once, a dead one is told of, and nothing is left
 * behind.
 *
 * No test passes or fails on time but by hanging: unit.h ends it then. */
#include "unit.h"

#include "base/clock.h"
#include "procpool/procpool.h"
#include "sched/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t worker_counts[] = {1, 2, 5, 13};

enum { N_WORKER_COUNTS = sizeof worker_counts / sizeof *worker_counts };

/* What the bodies work on: at the start of the arena. */
struct arena {
    _Atomic uint64_t calls;
    uint64_t asked;
    uint64_t answers[256];
};

static struct err err;

static struct procpool *pool_of(uint32_t workers)
{
    struct procpool_options options = {.workers = workers, .arena_bytes = sizeof(struct arena)};
    struct procpool *pool = procpool_new(&options, &err);
    ck_assert_msg(pool != NULL, "%s", err.text);
    return pool;
}

static void assert_runs(struct procpool *pool, procpool_body *body)
{
    ck_assert_msg(procpool_run(pool, body, procpool_arena(pool), &err) == 0, "%s", err.text);
}

static void assert_no_children(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static void assert_says(const char *text)
{
    ck_assert_msg(strstr(err.text, text) != NULL, "\"%s\" does not say \"%s\"", err.text, text);
}

/* A test that does the same again and again ends before its time limit on a busy machine. */
static bool is_early(uint64_t start)
{
    return clock_now_ns() - start < UNIT_TIMEOUT_S * (uint64_t)1000000000 / 4;
}

/* --- bodies ----------------------------------------------------------------------------------- */

static int count_body(void *argument, uint32_t worker)
{
    struct arena *arena = argument;
    atomic_fetch_add_explicit(&arena->calls, 1, memory_order_relaxed);
    arena->answers[worker] = arena->asked + worker;
    return 0;
}

static int kill_body(void *argument, uint32_t worker)
{
    (void)argument;
    if (worker == 1)
        raise(SIGKILL);
    return 0;
}

static int segv_body(void *argument, uint32_t worker)
{
    (void)argument;
    if (worker == 1) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own handler */
        raise(SIGSEGV);
    }
    return 0;
}

static int exit_body(void *argument, uint32_t worker)
{
    (void)argument;
    if (worker == 1)
        _exit(7);
    return 0;
}

static int fail_body(void *argument, uint32_t worker)
{
    (void)argument;
    return worker == 1 ? 42 : 0;
}

/* Worker 1 dies, and the others never come back. */
static int hang_body(void *argument, uint32_t worker)
{
    kill_body(argument, worker);
    while (true)
        pause();
    return 0;
}

/* --- runs ------------------------------------------------------------------------------------- */

START_TEST(each_worker_runs_each_body_once)
{
    uint32_t workers = worker_counts[_i];
    struct procpool *pool = pool_of(workers);
    struct arena *arena = procpool_arena(pool);
    ck_assert_uint_eq(procpool_workers(pool), workers);
    for (uint64_t round = 1; round <= 300; round++) {
        arena->asked = 1000 * round;
        assert_runs(pool, count_body);
        ck_assert_uint_eq(arena->calls, round * workers);
        for (uint32_t w = 0; w < workers; w++)
            ck_assert_uint_eq(arena->answers[w], 1000 * round + w);
    }
    procpool_free(pool);
    assert_no_children();
}
END_TEST

START_TEST(arena_is_aligned_zeroed_and_as_large_as_asked)
{
    struct procpool_options options = {.workers = 2, .arena_bytes = 100001};
    struct procpool *pool = procpool_new(&options, &err);
    const char *bytes = procpool_arena(pool);
    ck_assert_uint_eq((uintptr_t)bytes % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
    ck_assert_uint_ge(procpool_arena_bytes(pool), options.arena_bytes);
    for (size_t i = 0; i < procpool_arena_bytes(pool); i++)
        ck_assert_int_eq(bytes[i], 0);
    procpool_free(pool);
}
END_TEST

/* Runs follow one another with pauses of all lengths, so that the call meets workers which spin,
 * which fall asleep and which sleep. A lost wake-up would hang. */
START_TEST(no_wake_up_is_lost)
{
    static const uint32_t counts[] = {1, 2, 7};
    struct procpool_options options = {.workers = counts[_i / 2],
                                       .arena_bytes = sizeof(struct arena),
                                       .spin_ns = _i % 2 ? 1 : 3000};
    struct procpool *pool = procpool_new(&options, &err);
    struct arena *arena = procpool_arena(pool);
    uint64_t start = clock_now_ns(), round = 0;
    for (; round < 5000 && is_early(start); round++) {
        uint64_t until = clock_now_ns() + round % 50 * 200;
        assert_runs(pool, count_body);
        while (clock_now_ns() < until)
            ;
    }
    ck_assert_uint_eq(arena->calls, round * options.workers);
    procpool_free(pool);
}
END_TEST

struct shared_map {
    struct claim claim;
    _Atomic uint64_t tasks, index_sum;
};

static int claim_body(void *argument, uint32_t worker)
{
    struct shared_map *map = argument;
    struct claim_hand hand = {0};
    uint64_t first, count, tasks = 0, index_sum = 0;
    while (claim_next(&map->claim, &hand, worker, &first, &count))
        for (uint64_t i = first; i < first + count; i++, tasks++)
            index_sum += i;
    map->tasks += tasks;
    map->index_sum += index_sum;
    return 0;
}

START_TEST(workers_share_a_claim)
{
    const uint64_t n = 100003;
    struct procpool_options options = {.workers = 5, .arena_bytes = sizeof(struct shared_map)};
    struct procpool *pool = procpool_new(&options, &err);
    struct shared_map *map = procpool_arena(pool);
    struct sched sched = sched_resolve(SCHED_DYNAMIC, n, options.workers, 3);
    claim_init(&map->claim, &sched);
    assert_runs(pool, claim_body);
    ck_assert_uint_eq(map->tasks, n);
    ck_assert_uint_eq(map->index_sum, n * (n - 1) / 2);
    procpool_free(pool);
}
END_TEST

START_TEST(a_failing_body_leaves_the_pool_sound)
{
    struct procpool *pool = pool_of(3);
    ck_assert_int_eq(procpool_run(pool, fail_body, NULL, &err), -1);
    assert_says("worker 1");
    assert_says("42");
    assert_runs(pool, count_body);
    procpool_free(pool);
    assert_no_children();
}
END_TEST

START_TEST(many_sleep_and_wake)
{
    const uint32_t workers = 200;
    struct procpool *pool = pool_of(workers);
    struct arena *arena = procpool_arena(pool);
    for (uint64_t round = 1; round <= 20; round++) {
        assert_runs(pool, count_body);
        ck_assert_uint_eq(arena->calls, round * workers);
    }
    procpool_free(pool);
    assert_no_children();
}
END_TEST

static uint64_t cpu_ns(pid_t pid)
{
    clockid_t id;
    ck_assert_int_eq(clock_getcpuclockid(pid, &id), 0);
    return clock_read_ns(id);
}

START_TEST(idle_workers_use_no_cpu)
{
    struct procpool *pool = pool_of(2);
    assert_runs(pool, count_body);
    clock_sleep_ns(20000000);
    for (uint32_t w = 0; w < 2; w++) {
        uint64_t before = cpu_ns(procpool_worker_pid(pool, w));
        clock_sleep_ns(300000000);
        ck_assert_uint_lt(cpu_ns(procpool_worker_pid(pool, w)) - before, 15000000);
    }
    procpool_free(pool);
}
END_TEST

/* --- deaths ----------------------------------------------------------------------------------- */

static const struct {
    procpool_body *body;
    const char *says;
} deaths[] = {
    {kill_body, "was killed by signal 9 (SIGKILL)"},
    {segv_body, "was killed by signal 11 (SIGSEGV)"},
    {exit_body, "ended with status 7"},
};

START_TEST(a_death_in_a_body_is_told)
{
    struct procpool *pool = pool_of(3);
    char who[64];
    snprintf(who, sizeof who, "worker 1 (pid %d) ", (int)procpool_worker_pid(pool, 1));
    ck_assert_int_eq(procpool_run(pool, deaths[_i].body, NULL, &err), -1);
    assert_says(who);
    assert_says(deaths[_i].says);
    ck_assert_int_eq(procpool_run(pool, count_body, procpool_arena(pool), &err), -1);
    assert_says("the pool is broken");
    assert_says(deaths[_i].says);
    procpool_free(pool);
    assert_no_children();
}
END_TEST

START_TEST(a_death_while_idle_is_told_by_the_next_run)
{
    struct procpool *pool = pool_of(3);
    assert_runs(pool, count_body);
    kill(procpool_worker_pid(pool, 2), SIGKILL);
    ck_assert_int_eq(procpool_run(pool, count_body, procpool_arena(pool), &err), -1);
    assert_says("worker 2");
    assert_says("SIGKILL");
    procpool_free(pool);
    assert_no_children();
}
END_TEST

START_TEST(workers_that_do_not_leave_are_killed)
{
    struct procpool *pool = pool_of(3);
    ck_assert_int_eq(procpool_run(pool, hang_body, NULL, &err), -1);
    procpool_free(pool);
    assert_no_children();
}
END_TEST

/* The kernel then reaps children itself, and their status is lost. */
START_TEST(a_death_is_seen_where_sigchld_is_ignored)
{
    signal(SIGCHLD, SIG_IGN);
    struct procpool *pool = pool_of(2);
    assert_runs(pool, count_body);
    kill(procpool_worker_pid(pool, 1), SIGKILL);
    ck_assert_int_eq(procpool_run(pool, count_body, procpool_arena(pool), &err), -1);
    assert_says("worker 1");
    procpool_free(pool);
    assert_no_children();
}
END_TEST

START_TEST(an_interrupt_is_left_to_the_parent)
{
    struct procpool *pool = pool_of(2);
    for (uint32_t w = 0; w < 2; w++)
        kill(procpool_worker_pid(pool, w), SIGINT);
    assert_runs(pool, count_body);
    procpool_free(pool);
}
END_TEST

/* The workers hold the pipe open: its end is seen when the last of them is gone. */
START_TEST(workers_do_not_outlive_their_parent)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t parent = fork();
    if (parent == 0) {
        close(fds[0]);
        struct procpool *pool = pool_of(3);
        assert_runs(pool, count_body);
        ck_assert_int_eq(write(fds[1], "r", 1), 1);
        while (true)
            pause();
    }
    close(fds[1]);
    char byte;
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    struct pollfd end = {.fd = fds[0], .events = POLLIN};
    ck_assert_int_eq(poll(&end, 1, 10000), 1);
    ck_assert_int_eq(read(fds[0], &byte, 1), 0);
}
END_TEST

/* --- making and freeing ----------------------------------------------------------------------- */

static int count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* Shared anonymous memory is listed as /dev/zero. */
static int count_shared_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int n = 0;
    while (fgets(line, sizeof line, maps))
        n += strstr(line, "/dev/zero") != NULL;
    fclose(maps);
    return n;
}

START_TEST(many_pools_leave_nothing)
{
    int fds = count_entries("/proc/self/fd"), mappings = count_shared_mappings();
    uint64_t start = clock_now_ns();
    for (uint32_t round = 0; round < 1000 && is_early(start); round++) {
        struct procpool *pool = pool_of(1 + round % 3);
        if (round % 2)
            assert_runs(pool, count_body);
        procpool_free(pool);
    }
    assert_no_children();
    ck_assert_int_eq(count_entries("/proc/self/fd"), fds);
    ck_assert_int_eq(count_shared_mappings(), mappings);
}
END_TEST

static int initializer(void *argument, uint32_t worker)
{
    return *(const int *)argument == (int)worker ? 5 : 0;
}

static int dying_initializer(void *argument, uint32_t worker)
{
    if (initializer(argument, worker))
        _exit(9);
    return 0;
}

START_TEST(a_failing_initializer_leaves_no_pool)
{
    int who = 2, mappings = count_shared_mappings();
    struct procpool_options options = {
        .workers = 4, .initializer = initializer, .initializer_argument = &who};
    ck_assert_ptr_null(procpool_new(&options, &err));
    assert_says("the initializer of worker 2 returned 5");
    assert_no_children();

    options.initializer = dying_initializer;
    ck_assert_ptr_null(procpool_new(&options, &err));
    assert_says("worker 2");
    assert_says("ended with status 9");
    assert_no_children();
    ck_assert_int_eq(count_shared_mappings(), mappings);

    who = 4; /* nobody */
    struct procpool *pool = procpool_new(&options, &err);
    ck_assert_ptr_nonnull(pool);
    procpool_free(pool);
}
END_TEST

START_TEST(impossible_pools_are_refused)
{
    struct procpool_options options = {.workers = 0};
    ck_assert_ptr_null(procpool_new(&options, &err));
    assert_says("0 workers");
    options.workers = 4097;
    ck_assert_ptr_null(procpool_new(&options, &err));
    assert_says("allowed are 1 to 4096");
    options = (struct procpool_options){.workers = 1, .arena_bytes = SIZE_MAX};
    ck_assert_ptr_null(procpool_new(&options, &err));
    options.arena_bytes = SIZE_MAX / 4;
    ck_assert_ptr_null(procpool_new(&options, &err));
    assert_says("could not be mapped");
    assert_no_children();
    procpool_free(NULL);
}
END_TEST

/* Root, whom the limit on processes does not hold, is somebody else for a while; what comes after
 * the test, a leak check, needs its rights back. */
START_TEST(a_fork_that_fails_leaves_no_pool)
{
    bool is_root = geteuid() == 0;
    struct rlimit old, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &old), 0);
    none = (struct rlimit){0, old.rlim_max};
    if (is_root)
        ck_assert_int_eq(setresuid(65534, 65534, 0), 0);
    setrlimit(RLIMIT_NPROC, &none);
    struct procpool_options options = {.workers = 2};
    const struct procpool *pool = procpool_new(&options, &err);
    setrlimit(RLIMIT_NPROC, &old);
    if (is_root) {
        ck_assert_int_eq(setresuid(0, 0, 0), 0);
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    }
    ck_assert_ptr_null(pool);
    assert_says("could not be forked");
    assert_no_children();
}
END_TEST

static int flush_body(void *argument, uint32_t worker)
{
    (void)argument;
    (void)worker;
    return fflush(stdout);
}

/* What the parent has printed but not written must not come out of every worker as well. */
START_TEST(buffers_are_not_written_twice)
{
    char name[] = "/tmp/test_procpool.XXXXXX", text[64] = "";
    int fd = mkstemp(name), old = dup(STDOUT_FILENO);
    unlink(name);
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    printf("once");
    struct procpool *pool = pool_of(3);
    assert_runs(pool, flush_body);
    procpool_free(pool);
    fflush(stdout);
    dup2(old, STDOUT_FILENO);
    ck_assert_int_eq(pread(fd, text, sizeof text - 1, 0), 4);
    ck_assert_str_eq(text, "once");
}
END_TEST

UNIT_MAIN("procpool", UNIT_LOOP(each_worker_runs_each_body_once, 0, N_WORKER_COUNTS),
          arena_is_aligned_zeroed_and_as_large_as_asked, UNIT_LOOP(no_wake_up_is_lost, 0, 6),
          workers_share_a_claim, a_failing_body_leaves_the_pool_sound, many_sleep_and_wake,
          idle_workers_use_no_cpu, UNIT_LOOP(a_death_in_a_body_is_told, 0, 3),
          a_death_while_idle_is_told_by_the_next_run, workers_that_do_not_leave_are_killed,
          a_death_is_seen_where_sigchld_is_ignored, an_interrupt_is_left_to_the_parent,
          workers_do_not_outlive_their_parent, many_pools_leave_nothing,
          a_failing_initializer_leaves_no_pool, impossible_pools_are_refused,
          a_fork_that_fails_leaves_no_pool, buffers_are_not_written_twice)
