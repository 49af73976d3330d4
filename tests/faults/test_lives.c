/* What a pool survives, or ends of and leaves nothing behind: the death of its parent, of its
 * zygote, of all its workers; an interrupt; forks that fail. */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GONE_S = 5, /* by then all processes of a pool are gone whose parent or zygote was killed */
    PATIENCE_S = 10,
    SMALL_BYTES = 64 << 20,
};

/* --- what workers do here --------------------------------------------------------------------- */

enum { P_BUSY, P_WORKERS, P_ENGINE };

enum busy { IDLE, SLEEPING, COMPUTING, DEAF, STOPPED, STARTING, N_BUSY };

static const char *const busy_names[N_BUSY] = {
    [IDLE] = "idle", [SLEEPING] = "sleeping", [COMPUTING] = "computing",
    [DEAF] = "deaf", [STOPPED] = "stopped",   [STARTING] = "starting",
};

static enum busy busy;

/* Shows itself and its zygote, and is busy until it is ended. */
static int be_busy(struct procpool_task *task)
{
    struct work *work = task->context;
    if (work)
        atomic_fetch_add(&work->ran[task->index], 1);
    atomic_store(&stage->zygote, getppid());
    atomic_fetch_add(&stage->in_place, 1);
    if (busy == COMPUTING) {
        setpriority(PRIO_PROCESS, 0, 19);
        for (volatile uint64_t i = 0;; i++)
            ;
    }
    if (busy == DEAF)
        signal(SIGTERM, SIG_IGN);
    if (busy == STOPPED)
        raise(SIGSTOP);
    while (busy != IDLE)
        pause();
    return 0;
}

/* Shows itself and stays in the initializer, where that is what workers are to be killed in. */
static int start(void *argument, uint32_t worker)
{
    (void)argument;
    (void)worker;
    atomic_store(&stage->zygote, getppid());
    atomic_fetch_add(&stage->in_place, 1);
    while (busy == STARTING)
        pause();
    return 0;
}

static struct procpool *pool_of(const struct cell *cell, struct procpool_error *error)
{
    return procpool_new(&(struct procpool_options){.processes = cell->parameters[P_WORKERS],
                                                   .engine = cell->parameters[P_ENGINE]
                                                                 ? PROCPOOL_STEALING
                                                                 : PROCPOOL_IN_ORDER,
                                                   .memory_bytes = SMALL_BYTES},
                        error);
}

/* --- the parent is killed --------------------------------------------------------------------- */

static _Noreturn void be_parent(const struct cell *cell)
{
    struct procpool_error error;
    struct procpool *pool = pool_of(cell, &error);
    struct procpool_call call = {
        .function = be_busy, .n = (uint64_t)cell->parameters[P_WORKERS], .chunk = 1};
    if (!pool)
        _exit(EXIT_FAILURE);
    procpool_map(pool, &call, NULL);
    for (atomic_store(&stage->is_closed, 1);;)
        pause();
}

static enum cell_result parent_dies(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    busy = (enum busy)cell->parameters[P_BUSY];
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    pid_t parent = fork();
    if (parent == 0)
        be_parent(cell);
    cell_is_at("waiting for workers to be in place");
    WAIT_UNTIL(stage->in_place == workers && (busy != IDLE || stage->is_closed), PATIENCE_S);
    REQUIRE(stage->in_place == workers, "%u workers are in place", stage->in_place);
    kill(parent, SIGKILL);
    cell_is_at("waiting for zygote and workers to be gone");
    REQUIRE(children_end_within(GONE_S), "processes are left %d s after the parent's death",
            GONE_S);
    return cell_is_clean(&before);
}

/* --- the zygote is killed --------------------------------------------------------------------- */

static enum cell_result zygote_dies(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    struct procpool_error error = {0};
    struct procpool_status status;
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    busy = (enum busy)cell->parameters[P_BUSY];
    bool is_idle = busy == IDLE;
    struct procpool *pool = pool_of(cell, &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    struct work *works[2];
    struct procpool_job *jobs[2] = {NULL, NULL};
    for (int j = 0; j < 2; j++) {
        works[j] = work_new(pool, 4 * workers + 1);
        struct procpool_call call = work_call(works[j], PROCPOOL_DEFAULT_ENGINE, 1);
        if (j == 0 || is_idle)
            call.function = be_busy;
        works[j]->item_us = 100;
        jobs[j] = procpool_map_async(pool, &call, &error);
        REQUIRE(jobs[j], "submitting: %s", error.text);
        if (is_idle)
            REQUIRE(procpool_get(jobs[j], PROCPOOL_FOREVER, &error) == 0, "%s", error.text);
    }
    WAIT_UNTIL(stage->in_place >= workers, PATIENCE_S);
    REQUIRE(stage->in_place >= workers, "%u workers are in place", stage->in_place);
    kill(stage->zygote, SIGKILL);
    cell_is_at("waiting for jobs whose zygote is dead");
    for (int j = 0; j < 2 && !is_idle; j++) {
        REQUIRE(procpool_get(jobs[j], PROCPOOL_FOREVER, &error) == -1 &&
                    error.code == PROCPOOL_ITEMS && error.n_failed == works[j]->n,
                "job %d: %s, %lu of %lu items not done", j, procpool_code_name(error.code),
                (unsigned long)error.n_failed, (unsigned long)works[j]->n);
        for (uint64_t i = 0; i < works[j]->n; i++) {
            REQUIRE(procpool_status(jobs[j], i, &status, &error) == 0, "%s", error.text);
            REQUIRE(status.state == PROCPOOL_LOST && status.text[0], "item %lu is %s: %s",
                    (unsigned long)i, procpool_state_name(status.state), status.text);
            REQUIRE(works[j]->ran[i] <= (j == 0), "item %lu was run %u times", (unsigned long)i,
                    works[j]->ran[i]);
        }
    }
    cell_is_at("asking a pool whose zygote is dead");
    struct procpool_call call = work_call(works[0], PROCPOOL_DEFAULT_ENGINE, 1);
    /* Workers that are idle may run it before the signal has come to them, or die of it. */
    int returned = 0;
    WAIT_UNTIL((returned = procpool_map(pool, &call, &error)) != 0 && error.code != PROCPOOL_ITEMS,
               GONE_S);
    REQUIRE(returned == -1 && error.code == PROCPOOL_BROKEN, "a pool without a zygote: %s",
            returned == 0 ? "it maps" : procpool_code_name(error.code));
    PASS_ON(pool_refuses(pool, PROCPOOL_BROKEN));
    procpool_job_free(jobs[0]);
    procpool_job_free(jobs[1]);
    cell_is_at("freeing a pool whose zygote is dead");
    procpool_free(pool);
    /* Its workers were orphaned: this process reaps them, as init would. */
    REQUIRE(children_end_within(GONE_S), "workers are left %d s after the zygote's death", GONE_S);
    return cell_is_clean(&before);
}

/* The zygote is killed while the pool is being made: by a process beside it. */
static enum cell_result zygote_dies_starting(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    struct procpool_error error = {0};
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    busy = STARTING;
    pid_t killer = fork();
    if (killer == 0) {
        WAIT_UNTIL(stage->in_place == workers, PATIENCE_S);
        kill(stage->zygote, SIGKILL);
        _exit(0);
    }
    cell_is_at("making a pool whose zygote is killed");
    struct procpool *pool = procpool_new(&(struct procpool_options){.processes = (int)workers,
                                                                    .initializer = start,
                                                                    .memory_bytes = SMALL_BYTES},
                                         &error);
    REQUIRE(!pool, "the pool was made without a zygote");
    REQUIRE(stage->in_place == workers, "%u workers were in place", stage->in_place);
    REQUIRE(error.code == PROCPOOL_START || error.code == PROCPOOL_SYSTEM ||
                error.code == PROCPOOL_BROKEN,
            "refused with %s", procpool_code_name(error.code));
    REQUIRE(error.text[0], "refused without a sentence");
    REQUIRE(children_end_within(GONE_S), "workers are left %d s after the zygote's death", GONE_S);
    return cell_is_clean(&before);
}

/* --- no replacements -------------------------------------------------------------------------- */

static int die_now_and_then(struct procpool_task *task)
{
    struct work *work = task->context;
    atomic_fetch_add(&work->ran[task->index], 1);
    nap_us(200);
    if (task->index % 10 == 5)
        kill(getpid(), SIGKILL);
    return 0;
}

/* Workers die until none is left: what nobody has begun is lost too, and the pool refuses. */
static enum cell_result is_not_replaced(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    uint64_t restarts = (uint64_t)cell->parameters[P_BUSY], n_done = 0, n_begun = 0;
    struct procpool_error error = {0};
    struct procpool_status status;
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    struct procpool_options options = {.processes = (int)workers,
                                       .engine = cell->parameters[P_ENGINE] ? PROCPOOL_STEALING
                                                                            : PROCPOOL_IN_ORDER,
                                       .restarts = restarts ? (int64_t)restarts : -1,
                                       .memory_bytes = SMALL_BYTES};
    struct procpool *pool = procpool_new(&options, &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    struct work *work = work_new(pool, 200);
    struct procpool_call call = work_call(work, PROCPOOL_DEFAULT_ENGINE, 3);
    call.function = die_now_and_then;
    struct procpool_job *job = procpool_map_async(pool, &call, &error);
    REQUIRE(job, "submitting: %s", error.text);
    cell_is_at("a map whose workers die and are not replaced");
    REQUIRE(procpool_get(job, PROCPOOL_FOREVER, &error) == -1 && error.code == PROCPOOL_ITEMS,
            "a map without workers is well");
    for (uint64_t i = 0; i < work->n; i++) {
        REQUIRE(procpool_status(job, i, &status, &error) == 0, "%s", error.text);
        bool is_done = status.state == PROCPOOL_DONE;
        REQUIRE(is_done || (status.state == PROCPOOL_LOST && status.text[0]), "item %lu is %s: %s",
                (unsigned long)i, procpool_state_name(status.state), status.text);
        REQUIRE(work->ran[i] == (is_done || i % 10 == 5) || (!is_done && work->ran[i] == 0),
                "item %lu is %s and was run %u times", (unsigned long)i,
                procpool_state_name(status.state), work->ran[i]);
        n_done += is_done;
        n_begun += work->ran[i];
    }
    REQUIRE(n_begun - n_done == workers + restarts,
            "%lu items were begun, %lu are done, by %u + %lu workers", (unsigned long)n_begun,
            (unsigned long)n_done, workers, (unsigned long)restarts);
    struct procpool_counters counters;
    procpool_counters(pool, &counters);
    REQUIRE(counters.restarts == restarts, "%lu restarts", (unsigned long)counters.restarts);
    procpool_job_free(job);
    PASS_ON(pool_refuses(pool, PROCPOOL_BROKEN));
    cell_is_at("freeing a pool without workers");
    procpool_free(pool);
    return cell_is_clean(&before);
}

/* --- interrupt from a terminal ---------------------------------------------------------------- */

static enum cell_result is_interrupted(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    busy = (enum busy)cell->parameters[P_BUSY];
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    pid_t parent = fork();
    if (parent == 0) {
        setpgid(0, 0);
        signal(SIGINT, SIG_DFL);
        be_parent(cell);
    }
    cell_is_at("waiting for workers to be in place");
    WAIT_UNTIL(stage->in_place == workers, PATIENCE_S);
    REQUIRE(stage->in_place == workers, "%u workers are in place", stage->in_place);
    int status;
    kill(-parent, SIGINT);
    waitpid(parent, &status, 0);
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT,
            "a shell would see status %d and not 130",
            WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    cell_is_at("waiting for zygote and workers to be gone");
    REQUIRE(children_end_within(GONE_S), "processes are left %d s after the interrupt", GONE_S);
    return cell_is_clean(&before);
}

/* A program that ends without having freed its pool. */
static enum cell_result parent_exits(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    struct procpool_error error;
    busy = (enum busy)cell->parameters[P_BUSY];
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    pid_t parent = fork();
    if (parent == 0) {
        struct procpool *pool = pool_of(cell, &error);
        struct procpool_call call = {.function = be_busy, .n = workers, .chunk = 1};
        if (!pool || !procpool_map_async(pool, &call, &error))
            _exit(EXIT_FAILURE);
        WAIT_UNTIL(stage->in_place == workers, PATIENCE_S);
        /* What the pool says of it goes to standard error. */
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
        exit(0);
    }
    cell_is_at("waiting for a program that leaves its pool");
    int status;
    waitpid(parent, &status, 0);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ends with %#x", (unsigned)status);
    REQUIRE(stage->in_place == workers, "%u workers were in place", stage->in_place);
    REQUIRE(children_end_within(GONE_S), "processes are left %d s after the end", GONE_S);
    return cell_is_clean(&before);
}

/* --- forks that fail -------------------------------------------------------------------------- */

static enum cell_result fork_fails_at_start(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    stage_open(FAULT_KILL, "zygote: fork", workers, workers);
    struct belongings before = belongings_now();
    struct procpool_error error = {0};
    atomic_store(&stage->is_armed, 1);
    cell_is_at("making a pool whose last fork fails");
    struct procpool *pool = pool_of(cell, &error);
    REQUIRE(!pool, "the pool was made without its last worker");
    REQUIRE(error.code == PROCPOOL_START || error.code == PROCPOOL_SYSTEM, "refused with %s",
            procpool_code_name(error.code));
    REQUIRE(strstr(error.text, strerror(EAGAIN)), "\"%s\" does not say why", error.text);
    REQUIRE(stage->fired == 1, "%lu forks failed", (unsigned long)stage->fired);
    return cell_is_clean(&before);
}

/* Every item is final; the pool then works on with the others or refuses with a reason. */
static enum cell_result fork_fails_later(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    stage_open(FAULT_KILL, "zygote: fork", 1, workers);
    struct belongings before = belongings_now();
    struct procpool_error error = {0};
    struct procpool_status status;
    enum procpool_code refused;
    struct procpool *pool = pool_of(cell, &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    atomic_store(&stage->is_armed, 1);
    struct work *work = work_new(pool, 10 * workers);
    work->place = PLACE_TASK;
    work->faulty = 3;
    work->item_us = 200;
    struct procpool_call call = work_call(work, PROCPOOL_DEFAULT_ENGINE, 1);
    struct procpool_job *job = procpool_map_async(pool, &call, &error);
    REQUIRE(job, "submitting: %s", error.text);
    cell_is_at("a map whose dead worker cannot be replaced");
    REQUIRE(procpool_get(job, PROCPOOL_FOREVER, &error) == -1 && error.code == PROCPOOL_ITEMS,
            "a map with a death is well");
    for (uint64_t i = 0; i < work->n; i++) {
        REQUIRE(procpool_status(job, i, &status, &error) == 0, "%s", error.text);
        REQUIRE(status.state == PROCPOOL_LOST || (status.state == PROCPOOL_DONE && i != 3),
                "item %lu is %s", (unsigned long)i, procpool_state_name(status.state));
        REQUIRE(work->ran[i] == 1 || (work->ran[i] == 0 && status.state == PROCPOOL_LOST),
                "item %lu is %s and was run %u times", (unsigned long)i,
                procpool_state_name(status.state), work->ran[i]);
    }
    procpool_job_free(job);
    /* The death and the fork. */
    WAIT_UNTIL(stage->fired == 2, PATIENCE_S);
    REQUIRE(stage->fired == 2, "%lu faults", (unsigned long)stage->fired);
    cell_is_at("using a pool whose dead worker could not be replaced");
    PASS_ON(pool_works(pool, &refused));
    REQUIRE(refused == PROCPOOL_OK || refused == PROCPOOL_BROKEN, "refused with %s",
            procpool_code_name(refused));
    procpool_free(pool);
    return cell_is_clean(&before);
}

/* --- the list --------------------------------------------------------------------------------- */

static struct cell cells[100];
static size_t n_cells;

static void add(enum cell_result (*run)(const struct cell *), const char *name, int how,
                int workers, int engine)
{
    struct cell *cell = &cells[n_cells++];
    *cell = (struct cell){.run = run, .parameters = {how, workers, engine}, .is_waiting = true};
    snprintf(cell->name, sizeof cell->name, "%s, %d worker%s%s", name, workers,
             workers == 1 ? "" : "s", engine ? ", stealing" : "");
}

int main(int argc, char **argv)
{
    static const int counts[] = {1, 5};
    char name[80];
    for (int c = 0; c < 2; c++) {
        for (int b = 0; b < N_BUSY; b++) {
            snprintf(name, sizeof name, "parent killed, workers %s", busy_names[b]);
            add(parent_dies, name, b, counts[c], 0);
        }
        add(zygote_dies_starting, "zygote killed, workers starting", 0, counts[c], 0);
        add(is_interrupted, "interrupted", SLEEPING, counts[c], 0);
        add(is_interrupted, "interrupted, workers deaf", DEAF, counts[c], 1);
        add(parent_exits, "left by a program that ends", SLEEPING, counts[c], 0);
        add(fork_fails_at_start, "a fork fails at the start", 0, counts[c], 0);
        for (int engine = 0; engine < 2; engine++) {
            add(zygote_dies, "zygote killed, workers idle", IDLE, counts[c], engine);
            add(zygote_dies, "zygote killed, workers sleeping", SLEEPING, counts[c], engine);
            add(is_not_replaced, "no replacements", 0, counts[c], engine);
            add(is_not_replaced, "three replacements", 3, counts[c], engine);
            add(fork_fails_later, "a replacement cannot be forked", 0, counts[c], engine);
        }
    }
    struct tally tally;
    tally_init(&tally, argc, argv);
    tally_run(&tally, cells, n_cells);
    return tally_end(&tally);
}
