/* Pools made and freed again and again, large ones, several, in children and in workers. */
#include "work.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GONE_S = 5,
    LONG_S = 60,
    ROUNDS = IS_SANITIZED ? 100 : 300,
    ROUNDS_IN_A_SECOND = 20, /* at least */
    CROWD = IS_SANITIZED ? 100 : 1000,
    CROWD_S = 30,
    SMALL_BYTES = 64 << 20,
};

enum { P_WORKERS, P_ENGINE };

static struct procpool *pool_of(const struct cell *cell, struct procpool_error *error)
{
    return procpool_new(&(struct procpool_options){.processes = cell->parameters[P_WORKERS],
                                                   .engine = cell->parameters[P_ENGINE]
                                                                 ? PROCPOOL_STEALING
                                                                 : PROCPOOL_IN_ORDER,
                                                   .memory_bytes = SMALL_BYTES},
                        error);
}

/* --- again and again -------------------------------------------------------------------------- */

static long rounds_wanted(void)
{
    const char *said = getenv("POOLMARK_ROUNDS");
    return said ? strtol(said, NULL, 10) : ROUNDS;
}

static enum cell_result is_made_again_and_again(const struct cell *cell)
{
    stage_open(FAULT_KILL, "", 0, 2);
    struct belongings before = belongings_now();
    for (long round = 0; round < rounds_wanted(); round++) {
        char at[60];
        struct procpool_error error = {0};
        enum procpool_code refused;
        snprintf(at, sizeof at, "round %ld", round);
        cell_is_at(at);
        struct procpool *pool = pool_of(cell, &error);
        REQUIRE(pool, "round %ld: %s", round, error.text);
        if (round % 4 == 1 || round % 4 == 3) {
            PASS_ON(pool_works(pool, &refused));
            REQUIRE(refused == PROCPOOL_OK, "round %ld: %s", round, procpool_code_name(refused));
        }
        if (round % 4 > 1)
            REQUIRE((round % 8 > 3 ? procpool_drain : procpool_terminate)(pool, &error) == 0,
                    "round %ld: %s", round, error.text);
        procpool_free(pool);
        PASS_ON(cell_is_clean(&before));
    }
    return CELL_PASSED;
}

static int doze(struct procpool_task *task)
{
    struct work *work = task->context;
    atomic_fetch_add(&work->ran[task->index], 1);
    nap_us(200000);
    return 0;
}

static enum cell_result is_crowded(const struct cell *cell)
{
    struct rlimit limit;
    stage_open(FAULT_KILL, "", 0, CROWD);
    if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < CROWD + 200)
        return cell_skip("RLIMIT_NPROC allows %lu processes", (unsigned long)limit.rlim_cur);
    struct belongings before = belongings_now();
    struct procpool_error error = {0};
    cell_is_at("making many workers");
    double start = now_s();
    struct procpool *pool = pool_of(cell, &error);
    if (!pool && strstr(error.text, strerror(EAGAIN)))
        return cell_skip("this machine does not allow so many processes: %s", error.text);
    REQUIRE(pool, "making the pool: %s", error.text);
    struct work *work = work_new(pool, CROWD);
    struct procpool_call call = {.function = doze, .context = work, .n = CROWD, .chunk = 1};
    cell_is_at("a map of many workers");
    REQUIRE(procpool_map(pool, &call, &error) == 0, "%s", error.text);
    for (uint64_t i = 0; i < work->n; i++)
        REQUIRE(work->ran[i] == 1, "item %lu was run %u times", (unsigned long)i, work->ran[i]);
    cell_is_at("freeing a pool of many workers");
    procpool_free(pool);
    double seconds = now_s() - start;
    REQUIRE(seconds < CROWD_S, "it took %.0f s", seconds);
    return cell_is_clean(&before);
}

/* --- several pools ---------------------------------------------------------------------------- */

static enum cell_result has_a_neighbour(const struct cell *cell)
{
    struct procpool_error error = {0};
    enum procpool_code refused;
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    struct procpool *pools[2];
    struct procpool_job *jobs[2];
    struct work *works[2];
    for (int p = 0; p < 2; p++) {
        pools[p] = pool_of(cell, &error);
        REQUIRE(pools[p], "making pool %d: %s", p, error.text);
    }
    for (int p = 0; p < 2; p++) {
        works[p] = work_new(pools[p], 50);
        works[p]->item_us = 200;
        works[p]->place = p == 0 ? PLACE_TASK : PLACE_NONE;
        works[p]->faulty = 20;
        struct procpool_call call = work_call(works[p], PROCPOOL_DEFAULT_ENGINE, 1);
        jobs[p] = procpool_map_async(pools[p], &call, &error);
        REQUIRE(jobs[p], "submitting to pool %d: %s", p, error.text);
    }
    cell_is_at("waiting for the neighbour of a pool with a death");
    PASS_ON(work_is_done(jobs[1], works[1]));
    cell_is_at("waiting for the pool with a death");
    REQUIRE(procpool_get(jobs[0], PROCPOOL_FOREVER, &error) == -1 && error.n_failed == 1 &&
                error.status.index == 20 && error.status.state == PROCPOOL_LOST,
            "%s: %lu items failed, the first %lu", procpool_code_name(error.code),
            (unsigned long)error.n_failed, (unsigned long)error.status.index);
    struct procpool_counters counters;
    procpool_counters(pools[1], &counters);
    REQUIRE(counters.restarts == 0 && counters.lost == 0, "the neighbour counts %lu restarts",
            (unsigned long)counters.restarts);
    procpool_job_free(jobs[0]);
    procpool_job_free(jobs[1]);
    cell_is_at("freeing one of two pools");
    procpool_free(pools[0]);
    PASS_ON(pool_works(pools[1], &refused));
    REQUIRE(refused == PROCPOOL_OK, "the neighbour refuses with %s", procpool_code_name(refused));
    procpool_free(pools[1]);
    return cell_is_clean(&before);
}

/* The child of a program that has a pool: refused that one, allowed its own. */
static enum cell_result be_child(const struct cell *cell, struct procpool *parents)
{
    struct procpool_error error = {0};
    enum procpool_code refused;
    struct belongings before = belongings_now();
    PASS_ON(pool_refuses(parents, PROCPOOL_FOREIGN));
    procpool_free(parents);
    struct procpool *pool = pool_of(cell, &error);
    REQUIRE(pool, "a pool in a child: %s", error.text);
    PASS_ON(pool_works(pool, &refused));
    REQUIRE(refused == PROCPOOL_OK, "a pool in a child refuses with %s",
            procpool_code_name(refused));
    procpool_free(pool);
    return cell_is_clean(&before);
}

static enum cell_result has_a_child(const struct cell *cell)
{
    struct procpool_error error = {0};
    enum procpool_code refused;
    stage_open(FAULT_KILL, "", 0, 2);
    struct belongings before = belongings_now();
    struct procpool *pool = pool_of(cell, &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    cell_is_at("a pool in a child");
    pid_t child = fork();
    if (child == 0)
        _exit((int)be_child(cell, pool));
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != CELL_PASSED)
        return WIFEXITED(status) && WEXITSTATUS(status) == CELL_FAILED
                   ? CELL_FAILED
                   : cell_fail("the child ended with %#x", (unsigned)status);
    PASS_ON(pool_works(pool, &refused));
    REQUIRE(refused == PROCPOOL_OK, "the pool refuses with %s", procpool_code_name(refused));
    procpool_free(pool);
    return cell_is_clean(&before);
}

/* Makes a pool of two in a worker; returns 0 where it works, the code of the refusal otherwise. */
static int nest(struct procpool_task *task)
{
    struct procpool_error error = {0};
    struct procpool_options options = {.processes = 2, .memory_bytes = SMALL_BYTES};
    struct procpool *pool = procpool_new(&options, &error);
    enum procpool_code refused;
    if (!pool)
        return procpool_fail(task, (int)error.code, "%s", error.text);
    bool works = pool_works(pool, &refused) == CELL_PASSED && refused == PROCPOOL_OK;
    procpool_free(pool);
    return works ? 0 : procpool_fail(task, -2, "the pool in the worker does not work");
}

static enum cell_result is_nested(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    for (int nested = 0; nested <= 3; nested++) {
        struct procpool_error error = {0};
        struct procpool_options options = {.processes = cell->parameters[P_WORKERS],
                                           .nested = nested,
                                           .memory_bytes = SMALL_BYTES};
        struct procpool *pool = procpool_new(&options, &error);
        REQUIRE(pool, "making the pool: %s", error.text);
        struct procpool_call call = {.function = nest, .n = 2 * workers, .chunk = 1};
        char at[60];
        snprintf(at, sizeof at, "a pool in a worker that may have %d workers", nested);
        cell_is_at(at);
        int returned = procpool_map(pool, &call, &error);
        if (nested < 2)
            REQUIRE(returned == -1 && error.code == PROCPOOL_ITEMS && error.n_failed == call.n &&
                        error.status.code == PROCPOOL_NESTED && error.status.text[0],
                    "nested %d: %d items failed, the first with code %d: %s", nested,
                    (int)error.n_failed, error.status.code, error.status.text);
        else
            REQUIRE(returned == 0, "nested %d: %s", nested, error.text);
        procpool_free(pool);
    }
    return cell_is_clean(&before);
}

/* A worker with a pool of its own is killed: nothing of the inner pool is left. */
static int nest_and_die(struct procpool_task *task)
{
    struct procpool_error error = {0};
    struct procpool_options options = {.processes = 2, .memory_bytes = SMALL_BYTES};
    struct procpool *pool = procpool_new(&options, &error);
    if (!pool)
        return procpool_fail(task, (int)error.code, "%s", error.text);
    if (task->index == 0)
        kill(getpid(), SIGKILL);
    procpool_free(pool);
    return 0;
}

static enum cell_result dies_nested(const struct cell *cell)
{
    stage_open(FAULT_KILL, "", 0, 2);
    struct belongings before = belongings_now();
    struct procpool_error error = {0};
    struct procpool_options options = {
        .processes = cell->parameters[P_WORKERS], .nested = 2, .memory_bytes = SMALL_BYTES};
    struct procpool *pool = procpool_new(&options, &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    struct procpool_call call = {.function = nest_and_die, .n = 4, .chunk = 1};
    cell_is_at("a map whose worker dies with a pool of its own");
    REQUIRE(procpool_map(pool, &call, &error) == -1 && error.code == PROCPOOL_ITEMS &&
                error.n_failed == 1 && error.status.index == 0 &&
                error.status.state == PROCPOOL_LOST,
            "%d items failed, the first %d", (int)error.n_failed, (int)error.status.index);
    procpool_free(pool);
    REQUIRE(children_end_within(GONE_S), "processes are left %d s after the worker's death",
            GONE_S);
    return cell_is_clean(&before);
}

/* --- the list --------------------------------------------------------------------------------- */

static struct cell cells[10];
static size_t n_cells;

static void add(enum cell_result (*run)(const struct cell *), const char *name, int workers,
                int engine, double limit_s)
{
    struct cell *cell = &cells[n_cells++];
    *cell = (struct cell){
        .run = run, .parameters = {workers, engine}, .limit_s = limit_s, .is_waiting = true};
    snprintf(cell->name, sizeof cell->name, "%s, %d worker%s%s", name, workers,
             workers == 1 ? "" : "s", engine ? ", stealing" : "");
}

int main(int argc, char **argv)
{
    struct tally tally;
    tally_init(&tally, argc, argv);
    add(is_made_again_and_again, "made again and again", 2, 0,
        LONG_S + (double)rounds_wanted() / ROUNDS_IN_A_SECOND);
    for (int engine = 0; engine < 2; engine++) {
        add(has_a_neighbour, "two pools, deaths in one", 1, engine, 0);
        add(has_a_neighbour, "two pools, deaths in one", 5, engine, 0);
    }
    add(has_a_child, "a pool in a child", 2, 0, 0);
    add(is_nested, "a pool in a worker", 2, 0, 2 * WATCHDOG_S);
    add(dies_nested, "a worker with a pool dies", 2, 0, 0);
    tally_run(&tally, cells, n_cells);
    /* By itself: where processes are few, others would miss those that it takes. */
    n_cells = 0;
    add(is_crowded, "sleeping at once", CROWD, 0, LONG_S);
    tally_run(&tally, cells, n_cells);
    return tally_end(&tally);
}
