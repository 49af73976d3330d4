/* The fault matrix: every fault, at every place, with 1, 2, 5 and 13 workers and either engine. In
 * each cell two jobs are submitted, a worker fails, and then: all items are final, exactly those
 * that had to be are not done, each was run once, the pool works on or refuses with a reason, and
 * once it is freed nothing is left of it.
 *
 * What a death costs: the item that its worker was at, and nothing where it was at none. */
#include "work.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum place { IDLE, CLAIMING, IN_TASK, WRITING, INITIALIZER, CLOSING, TERMINATING, N_PLACES };

static const char *const place_names[N_PLACES] = {
    [IDLE] = "idle",
    [CLAIMING] = "claiming",
    [IN_TASK] = "in task",
    [WRITING] = "writing",
    [INITIALIZER] = "initializer",
    [CLOSING] = "during close",
    [TERMINATING] = "during terminate",
};

static const int worker_counts[] = {1, 2, 5, 13};

enum { N_COUNTS = sizeof worker_counts / sizeof *worker_counts };

/* Where in a claim, by engine and count of workers; with one worker nobody steals. */
static const char *const claim_points[2][N_COUNTS] = {
    {"ticket: claimed, not noted", "ticket: about to claim", "ticket: claimed and noted",
     "ticket: claimed, not noted"},
    {"range: taken, not checked", "range: back cut", "range: loot noted", "range: loot opened"},
};

enum parameter { P_FAULT, P_PLACE, P_COUNT, P_ENGINE };

enum {
    TIME_LIMIT_NS = (IS_SANITIZED ? 600 : 300) * 1000000,
    GRACE_NS = 30000000,
    GRACE_TO_FAIL_NS = 150000000, /* in which a worker on a busy machine comes to its handler */
    CHUNK = 2,
    PATIENCE_S = 10, /* for what must happen some time */
    STARTS_MOST = 5,
};

/* The cell being run. */
static enum place place;
static int count;
static uint32_t workers;
static enum procpool_engine engine;

/* --- what is expected of an item that commits the fault --------------------------------------- */

struct ending {
    enum procpool_state state;
    int code, signal, exit_status;
};

static struct ending ending_of_fault(void)
{
    if (fault_is_error())
        return (struct ending){PROCPOOL_FAILED,
                               .code = stage->fault == FAULT_ERROR ? CODE_ERROR : ENOMEM};
    if (fault_is_endless())
        return (struct ending){PROCPOOL_OVERDUE, .signal = SIGKILL};
    switch (stage->fault) {
    case FAULT_EXIT:
        return (struct ending){PROCPOOL_LOST, .exit_status = 3};
    case FAULT_EXIT_NOW:
        return (struct ending){PROCPOOL_LOST, .exit_status = 4};
    case FAULT_ABORT:
    case FAULT_MEMORY:
        return (struct ending){PROCPOOL_LOST, .signal = SIGABRT};
    case FAULT_SEGV:
        return (struct ending){PROCPOOL_LOST, .signal = SIGSEGV};
    default:
        return (struct ending){PROCPOOL_LOST, .signal = SIGKILL};
    }
}

static enum cell_result has_ended(const struct procpool_status *status, struct ending expected)
{
    REQUIRE(
        status->state == expected.state && status->code == expected.code &&
            status->signal == expected.signal && status->exit_status == expected.exit_status,
        "the faulty item is %s: code %d, signal %d, exit status %d (%s), and not %s: %d, %d, %d",
        procpool_state_name(status->state), status->code, status->signal, status->exit_status,
        status->text, procpool_state_name(expected.state), expected.code, expected.signal,
        expected.exit_status);
    REQUIRE(status->pid > 0, "the faulty item does not know its worker");
    REQUIRE(expected.state == PROCPOOL_FAILED || status->text[0], "the loss has no sentence");
    return CELL_PASSED;
}

/* The job is final, and item `faulty` alone (UINT64_MAX: none) is not done, but ended so. */
static enum cell_result has_one_bad(struct procpool_job *job, const struct work *work,
                                    uint64_t faulty, struct ending expected)
{
    if (faulty == UINT64_MAX)
        return work_is_done(job, work);
    struct procpool_error error = {0};
    struct procpool_status status;
    REQUIRE(procpool_get(job, PROCPOOL_FOREVER, &error) == -1, "a job with a fault is well");
    REQUIRE(error.code == PROCPOOL_ITEMS && error.n_failed == 1 && error.status.index == faulty,
            "%s: %lu items, the first %lu, and not 1, %lu", procpool_code_name(error.code),
            (unsigned long)error.n_failed, (unsigned long)error.status.index,
            (unsigned long)faulty);
    PASS_ON(has_ended(&error.status, expected));
    const struct answer *answers = procpool_results(job);
    for (uint64_t i = 0; i < work->n; i++) {
        REQUIRE(procpool_status(job, i, &status, &error) == 0, "%s", error.text);
        REQUIRE(work->ran[i] == 1, "item %lu was run %u times", (unsigned long)i, work->ran[i]);
        if (i == faulty) {
            PASS_ON(has_ended(&status, expected));
            continue;
        }
        REQUIRE(status.state == PROCPOOL_DONE, "item %lu is %s (%s)", (unsigned long)i,
                procpool_state_name(status.state), status.text);
        REQUIRE(answer_is_right(&answers[i], i), "the answer of item %lu is wrong",
                (unsigned long)i);
    }
    return CELL_PASSED;
}

static enum cell_result counts_are(struct procpool *pool, bool is_bad, bool has_died)
{
    struct procpool_counters counters;
    procpool_counters(pool, &counters);
    WAIT_UNTIL((procpool_counters(pool, &counters), counters.restarts == has_died), PATIENCE_S);
    REQUIRE(counters.restarts == has_died, "%lu restarts and not %d",
            (unsigned long)counters.restarts, has_died);
    REQUIRE(counters.left == 0, "%lu items are left", (unsigned long)counters.left);
    struct ending expected = ending_of_fault();
    REQUIRE(counters.failed == (is_bad && expected.state == PROCPOOL_FAILED) &&
                counters.lost == (is_bad && expected.state == PROCPOOL_LOST) &&
                counters.overdue == (is_bad && expected.state == PROCPOOL_OVERDUE),
            "counted %lu failed, %lu lost, %lu overdue", (unsigned long)counters.failed,
            (unsigned long)counters.lost, (unsigned long)counters.overdue);
    return CELL_PASSED;
}

/* --- pools ------------------------------------------------------------------------------------ */

static struct procpool_options options_of_cell(void)
{
    return (struct procpool_options){
        .processes = (int)workers,
        .engine = engine,
        .time_limit_ns = fault_is_endless() && place != TERMINATING ? TIME_LIMIT_NS : 0,
        .grace_ns = place == TERMINATING ? GRACE_TO_FAIL_NS : GRACE_NS,
        .memory_bytes = 64 << 20,
    };
}

/* Two jobs, one behind the other; the first has the fault. */
struct jobs {
    struct work *works[2];
    struct procpool_job *jobs[2];
};

static enum cell_result submit(struct procpool *pool, struct jobs *jobs, enum work_place where)
{
    struct procpool_error error;
    for (int j = 0; j < 2; j++) {
        struct work *work = jobs->works[j] = work_new(pool, 4 * workers + 3);
        work->item_us = 200;
        if (j == 0) {
            work->place = where;
            work->faulty = work->n / 2;
            work->takes_pending = true;
            work->awaits_fault = place == CLAIMING;
        }
        struct procpool_call call = work_call(work, engine, CHUNK);
        jobs->jobs[j] = procpool_map_async(pool, &call, &error);
        REQUIRE(jobs->jobs[j], "submitting: %s", error.text);
    }
    return CELL_PASSED;
}

static void free_jobs(struct jobs *jobs)
{
    procpool_job_free(jobs->jobs[0]);
    procpool_job_free(jobs->jobs[1]);
}

/* The first job as the fault has left it, the second untouched by it. */
static enum cell_result jobs_have_ended(struct jobs *jobs, uint64_t faulty)
{
    cell_is_at("waiting for the job with the fault");
    PASS_ON(has_one_bad(jobs->jobs[0], jobs->works[0], faulty, ending_of_fault()));
    cell_is_at("waiting for the job behind it");
    PASS_ON(work_is_done(jobs->jobs[1], jobs->works[1]));
    return CELL_PASSED;
}

/* The pool goes on and is freed. */
static enum cell_result goes_on(struct procpool *pool, bool is_bad)
{
    enum procpool_code refused;
    cell_is_at("using the pool afterwards");
    PASS_ON(pool_works(pool, &refused));
    REQUIRE(refused == PROCPOOL_OK, "the pool refuses with %s", procpool_code_name(refused));
    PASS_ON(counts_are(pool, is_bad, !fault_is_error()));
    return CELL_PASSED;
}

/* --- places ----------------------------------------------------------------------------------- */

/* Waits for the victim, so that a worker kills an idle one and not the process beside the pool. */
static int be_sibling(struct procpool_task *task)
{
    WAIT_UNTIL(task->index > 0 || stage->fault != FAULT_SIBLING || stage_kill_victim(), 0.05);
    return 0;
}

/* A worker fails when it is about to sleep, after a job; then there is work. */
static enum cell_result fails_idle(struct procpool *pool)
{
    struct jobs jobs;
    struct procpool_error error;
    struct procpool_call call = {
        .function = be_sibling, .n = workers, .chunk = 1, .engine = PROCPOOL_IN_ORDER};
    stage->victim_goes_on = true;
    cell_is_at("waiting for workers to be idle");
    for (uint32_t w = 0; w < workers; w++)
        WAIT_UNTIL(stage->sleeps[w], PATIENCE_S);
    atomic_store(&stage->is_armed, 1);
    cell_is_at("a map before the workers are idle");
    REQUIRE(procpool_map(pool, &call, &error) == 0, "before the fault: %s", error.text);
    cell_is_at("waiting for the fault of an idle worker");
    WAIT_UNTIL(stage->fired + stage->is_pending > 0, PATIENCE_S);
    REQUIRE(stage->fired + stage->is_pending == 1, "no worker went idle");
    WAIT_UNTIL(stage->fault != FAULT_SIBLING || stage->n_killed, PATIENCE_S);
    PASS_ON(submit(pool, &jobs, PLACE_NONE));
    bool is_bad = fault_is_of_items();
    WAIT_UNTIL(!is_bad || stage->faulty, PATIENCE_S);
    PASS_ON(jobs_have_ended(&jobs, is_bad ? stage->faulty - 1 : UINT64_MAX));
    REQUIRE(stage->fired == 1, "the fault happened %lu times", (unsigned long)stage->fired);
    PASS_ON(goes_on(pool, is_bad));
    free_jobs(&jobs);
    return CELL_PASSED;
}

static enum cell_result fails_claiming(struct procpool *pool)
{
    struct jobs jobs;
    atomic_store(&stage->is_armed, 1);
    PASS_ON(submit(pool, &jobs, PLACE_NONE));
    bool is_bad = fault_is_of_items();
    cell_is_at("waiting for the fault in a claim");
    WAIT_UNTIL(stage->fired, PATIENCE_S);
    REQUIRE(stage->fired == 1, "nobody came by %s", stage->point);
    PASS_ON(jobs_have_ended(&jobs, is_bad ? stage->faulty - 1 : UINT64_MAX));
    PASS_ON(goes_on(pool, is_bad));
    free_jobs(&jobs);
    return CELL_PASSED;
}

static enum cell_result fails_in_item(struct procpool *pool, enum work_place where)
{
    struct jobs jobs;
    PASS_ON(submit(pool, &jobs, where));
    PASS_ON(jobs_have_ended(&jobs, jobs.works[0]->faulty));
    PASS_ON(goes_on(pool, true));
    free_jobs(&jobs);
    return CELL_PASSED;
}

static enum cell_result fails_closing(struct procpool *pool)
{
    struct jobs jobs;
    struct procpool_error error;
    PASS_ON(submit(pool, &jobs, PLACE_CLOSED));
    REQUIRE(procpool_close(pool, &error) == 0, "closing: %s", error.text);
    atomic_store(&stage->is_closed, 1);
    cell_is_at("joining");
    REQUIRE(procpool_join(pool, &error) == 0, "joining: %s", error.text);
    REQUIRE(procpool_ready(jobs.jobs[0]) && procpool_ready(jobs.jobs[1]),
            "a job is not ready after join");
    PASS_ON(jobs_have_ended(&jobs, jobs.works[0]->faulty));
    PASS_ON(pool_refuses(pool, PROCPOOL_NOT_RUNNING));
    free_jobs(&jobs);
    return CELL_PASSED;
}

/* --- during terminate ------------------------------------------------------------------------- */

static volatile sig_atomic_t returned_code;

static void fail_on_signal(int signal_number)
{
    (void)signal_number;
    returned_code = stage_fault();
}

/* The first to come commits the fault when it is told to end; the others wait to be ended. */
static int wait_for_the_end(struct procpool_task *task)
{
    struct work *work = task->context;
    atomic_fetch_add(&work->ran[task->index], 1);
    if (atomic_exchange(&stage->is_chosen, 1) == 0) {
        atomic_store(&stage->faulty, task->index + 1);
        signal(SIGTERM, fail_on_signal);
    }
    atomic_fetch_add(&stage->in_place, 1);
    while (!returned_code)
        nap_us(1000);
    return returned_code;
}

static enum cell_result has_been_terminated(struct procpool_job *job, const struct work *work)
{
    struct procpool_error error = {0};
    struct procpool_status status;
    uint64_t n_run = 0;
    REQUIRE(procpool_ready(job), "a job is not ready after terminate");
    REQUIRE(procpool_get(job, 0, &error) == -1 && error.code == PROCPOOL_ITEMS &&
                error.n_failed == work->n,
            "%s: %lu of %lu items failed", procpool_code_name(error.code),
            (unsigned long)error.n_failed, (unsigned long)work->n);
    for (uint64_t i = 0; i < work->n; i++) {
        REQUIRE(procpool_status(job, i, &status, &error) == 0, "%s", error.text);
        bool may_fail = fault_is_error() && i + 1 == stage->faulty;
        REQUIRE(status.state == PROCPOOL_TERMINATED ||
                    (may_fail && status.state == PROCPOOL_FAILED),
                "item %lu is %s (%s)", (unsigned long)i, procpool_state_name(status.state),
                status.text);
        REQUIRE(work->ran[i] <= 1, "item %lu was run %u times", (unsigned long)i, work->ran[i]);
        n_run += work->ran[i];
    }
    REQUIRE(n_run == workers, "%lu items were begun by %u workers", (unsigned long)n_run, workers);
    return CELL_PASSED;
}

static enum cell_result fails_terminating(struct procpool *pool)
{
    struct procpool_error error;
    struct work *work = work_new(pool, 4 * workers + 3);
    struct procpool_call call = work_call(work, engine, CHUNK);
    call.function = wait_for_the_end;
    struct procpool_job *job = procpool_map_async(pool, &call, &error);
    REQUIRE(job, "submitting: %s", error.text);
    cell_is_at("waiting for workers to be in place");
    WAIT_UNTIL(stage->in_place == workers, PATIENCE_S);
    REQUIRE(stage->in_place == workers, "%u of %u workers are in place", stage->in_place, workers);
    cell_is_at("terminating");
    REQUIRE(procpool_terminate(pool, &error) == 0, "terminating: %s", error.text);
    REQUIRE(stage->fired == 1, "the fault happened %lu times", (unsigned long)stage->fired);
    for (uint32_t w = 0; w < workers; w++)
        REQUIRE(procpool_worker_pid(pool, w) == 0, "worker %u is there after terminate", w);
    PASS_ON(has_been_terminated(job, work));
    REQUIRE(procpool_terminate(pool, &error) == 0, "terminating again: %s", error.text);
    PASS_ON(pool_refuses(pool, PROCPOOL_NOT_RUNNING));
    procpool_job_free(job);
    return CELL_PASSED;
}

/* --- in the initializer ----------------------------------------------------------------------- */

/* With 1 and 2 workers the last of the first ones fails; with 5 the first replacement; with 13
 * every replacement, which breaks the pool. */
static int initialize(void *argument, uint32_t worker)
{
    (void)argument;
    uint32_t before = atomic_fetch_add(&stage->starts[worker], 1);
    if (count < 2 ? worker == workers - 1 : before > 0 && (count > 2 || stage->fired == 0))
        return stage_fault();
    WAIT_UNTIL(stage->fault != FAULT_SIBLING || count >= 2 || stage_kill_victim(), 0.02);
    return 0;
}

static enum cell_result refuses_to_start(const struct procpool_options *options)
{
    struct procpool_error error = {0};
    enum procpool_code refused;
    cell_is_at("making a pool whose initializer fails");
    struct procpool *pool = procpool_new(options, &error);
    REQUIRE(!pool, "the pool was made although an initializer failed");
    REQUIRE(error.code == PROCPOOL_START && error.text[0], "refused with %s: %s",
            procpool_code_name(error.code), error.text);
    REQUIRE(stage->fired == 1, "the fault happened %lu times", (unsigned long)stage->fired);
    cell_is_at("making a pool after one that failed");
    pool = procpool_new(&(struct procpool_options){.processes = (int)workers}, &error);
    REQUIRE(pool, "the next pool: %s", error.text);
    PASS_ON(pool_works(pool, &refused));
    REQUIRE(refused == PROCPOOL_OK, "the next pool refuses with %s", procpool_code_name(refused));
    procpool_free(pool);
    return CELL_PASSED;
}

static int leave(struct procpool_task *task)
{
    (void)task;
    _exit(9);
}

/* Each map until then comes out right or has lost items. */
static enum cell_result breaks(struct procpool *pool)
{
    struct procpool_error error = {0};
    double until = now_s() + PATIENCE_S + 2.0 * STARTS_MOST * TIME_LIMIT_NS / 1e9;
    struct work *work = work_new(pool, 2 * workers);
    struct procpool_call call = work_call(work, engine, 1);
    int returned;
    while ((returned = procpool_map(pool, &call, &error)) == 0 || error.code == PROCPOOL_ITEMS) {
        REQUIRE(now_s() < until, "the pool works on after %lu starts that failed",
                (unsigned long)stage->fired);
        nap_us(2000);
    }
    REQUIRE(error.code == PROCPOOL_BROKEN || error.code == PROCPOOL_START,
            "a broken pool refuses with %s", procpool_code_name(error.code));
    REQUIRE(error.text[0], "a broken pool refuses without a sentence");
    REQUIRE(stage->fired == STARTS_MOST, "%lu starts failed", (unsigned long)stage->fired);
    return CELL_PASSED;
}

static enum cell_result fails_initializing(const struct procpool_options *options)
{
    struct procpool_error error = {0};
    struct procpool_status status;
    enum procpool_code refused;
    if (count < 2)
        return refuses_to_start(options);
    struct procpool *pool = procpool_new(options, &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    cell_is_at("losing a worker, so that it is replaced");
    struct procpool_job *job =
        procpool_map_async(pool, &(struct procpool_call){.function = leave, .n = 1}, &error);
    REQUIRE(job, "submitting: %s", error.text);
    REQUIRE(procpool_get(job, PROCPOOL_FOREVER, &error) == -1 && error.code == PROCPOOL_ITEMS,
            "an item that left was done");
    REQUIRE(procpool_status(job, 0, &status, &error) == 0 && status.state == PROCPOOL_LOST &&
                status.exit_status == 9,
            "the item is %s with exit status %d", procpool_state_name(status.state),
            status.exit_status);
    procpool_job_free(job);
    cell_is_at("waiting for the replacement");
    WAIT_UNTIL(stage->fired, PATIENCE_S);
    REQUIRE(stage->fired >= 1, "no worker was replaced");
    if (count > 2) {
        PASS_ON(breaks(pool));
    } else {
        PASS_ON(pool_works(pool, &refused));
        REQUIRE(refused == PROCPOOL_OK, "the pool refuses with %s", procpool_code_name(refused));
        struct procpool_counters counters = {0};
        WAIT_UNTIL((procpool_counters(pool, &counters), counters.restarts == 2), PATIENCE_S);
        REQUIRE(counters.restarts == 2, "%lu restarts", (unsigned long)counters.restarts);
    }
    procpool_free(pool);
    return CELL_PASSED;
}

/* --- the matrix ------------------------------------------------------------------------------- */

static enum cell_result fails_somewhere(struct procpool *pool)
{
    switch (place) {
    case IDLE:
        return fails_idle(pool);
    case CLAIMING:
        return fails_claiming(pool);
    case IN_TASK:
        return fails_in_item(pool, PLACE_TASK);
    case WRITING:
        return fails_in_item(pool, PLACE_WRITING);
    case CLOSING:
        return fails_closing(pool);
    default:
        return fails_terminating(pool);
    }
}

static enum cell_result run(const struct cell *cell)
{
    bool is_stealing = cell->parameters[P_ENGINE];
    place = (enum place)cell->parameters[P_PLACE];
    count = cell->parameters[P_COUNT];
    workers = (uint32_t)worker_counts[count];
    engine = is_stealing ? PROCPOOL_STEALING : PROCPOOL_IN_ORDER;
    stage_open((enum fault)cell->parameters[P_FAULT],
               place == CLAIMING ? claim_points[is_stealing][count]
               : place == IDLE   ? "worker: about to sleep"
                                 : "",
               1, workers);
    stage->out_of_memory_returns = (count + is_stealing) % 2;
    struct belongings before = belongings_now();
    struct procpool_options options = options_of_cell();
    if (place == INITIALIZER) {
        options.initializer = initialize;
        PASS_ON(fails_initializing(&options));
    } else {
        struct procpool_error error;
        cell_is_at("making the pool");
        struct procpool *pool = procpool_new(&options, &error);
        REQUIRE(pool, "making the pool: %s", error.text);
        PASS_ON(fails_somewhere(pool));
        cell_is_at("freeing the pool");
        procpool_free(pool);
    }
    stage_close();
    return cell_is_clean(&before);
}

int main(int argc, char **argv)
{
    static struct cell cells[N_FAULTS * N_PLACES * N_COUNTS * 2];
    size_t n = 0;
    for (int fault = 0; fault < N_FAULTS; fault++) {
        for (int p = 0; p < N_PLACES; p++) {
            for (int c = 0; c < N_COUNTS; c++) {
                for (int e = 0; e < 2; e++, n++) {
                    bool is_endless =
                        fault == FAULT_STOP || fault == FAULT_LOOP || fault == FAULT_DEAF;
                    cells[n] = (struct cell){.run = run,
                                             .parameters = {fault, p, c, e},
                                             .is_waiting = is_endless,
                                             .limit_s = IS_SANITIZED ? 2 * WATCHDOG_S : 0};
                    snprintf(cells[n].name, sizeof cells[n].name, "%s, %s, %d worker%s, %s",
                             fault_name((enum fault)fault), place_names[p], worker_counts[c],
                             c == 0 ? "" : "s", e ? "stealing" : "in order");
                }
            }
        }
    }
    struct tally tally;
    tally_init(&tally, argc, argv);
    tally_run(&tally, cells, n);
    return tally_end(&tally);
}
