/* Deaths at every point of the protocols, and at random instants. Whatever the instant: done and
 * lost items are all items, at most the item that the dead was at is lost, every other was run
 * exactly once; with retries nothing is lost, and only that item is run again.
 *
 * Each cell runs rounds of calls of every kind until a worker has died at the point, and then some
 * more. Seeds are in the cells' names. */
#include "work.h"

#include "base/rng.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A point and what it takes to come by it. */
struct place {
    const char *point;
    bool is_of_stealing; /* in order nobody comes by */
    bool takes_recycling;
    bool takes_fail_fast;
    const char *slow_point; /* where all nap, so that others come between */
    bool is_rare;           /* takes a race that may not happen */
    bool takes_many;        /* takes long ledgers, which come round: also one late passing */
};

static const struct place places[] = {
    {.point = "ticket: about to claim"},
    {.point = "ticket: claimed, not noted"},
    {.point = "ticket: claimed and noted"},
    {.point = "ticket: written, not counted", .takes_many = true},
    {.point = "ticket: about to settle", .takes_many = true},
    {.point = "range: owner has looked", .is_of_stealing = true},
    {.point = "range: taken, not checked", .is_of_stealing = true},
    {.point = "range: owner has its lock", .is_of_stealing = true},
    {.point = "range: victim locked", .is_of_stealing = true},
    {.point = "range: loot noted", .is_of_stealing = true},
    {.point = "range: back cut", .is_of_stealing = true},
    {.point = "range: back restored",
     .is_of_stealing = true,
     .slow_point = "range: loot noted",
     .is_rare = true},
    {.point = "range: loot opened", .is_of_stealing = true},
    {.point = "range: loot kept", .is_of_stealing = true},
    {.point = "worker: initializer", .takes_recycling = true},
    {.point = "worker: attached"},
    {.point = "worker: opened"},
    {.point = "worker: range opened", .is_of_stealing = true},
    {.point = "worker: item started"},
    {.point = "worker: item returned"},
    {.point = "worker: failure noted"},
    {.point = "worker: item done"},
    {.point = "worker: rest given up", .takes_fail_fast = true},
    {.point = "worker: leaving job"},
    {.point = "worker: finishing"},
    {.point = "worker: finished"},
    {.point = "worker: about to sleep"},
};

enum { N_PLACES = sizeof places / sizeof *places, N_PASSINGS = 3 };

enum {
    N_ITEMS = 41,
    N_MANY_ITEMS = 601,
    MOST_ROUNDS = 400,
    ROUNDS_AFTER = 6,
    CODE_MEANT = 9,
    MOST_PASSING = 30,
    LATE = 450
};

static const int worker_counts[] = {2, 5};

/* --- rounds ----------------------------------------------------------------------------------- */

enum kind { MAP, CALLED_BACK, ORDERED, UNORDERED, EACH, N_KINDS };

static const char *const kind_names[N_KINDS] = {
    [MAP] = "a map",
    [CALLED_BACK] = "a map with callbacks",
    [ORDERED] = "an imap",
    [UNORDERED] = "an imap_unordered",
    [EACH] = "a call of each worker",
};

/* What the rounds of a cell came to. */
static struct {
    uint64_t items[PROCPOOL_TERMINATED + 1]; /* by state */
    uint64_t runs_again;
    uint32_t callbacks;
} sums;

static bool is_meant_to_fail(uint64_t index)
{
    return index % 20 == 7;
}

static int count(struct procpool_task *task)
{
    struct work *work = task->context;
    atomic_fetch_add(&work->ran[task->index], 1);
    if (task->index % 16 == 0)
        nap_us(task->index == 0 ? 150 : 50); /* so that others come to steal */
    if (is_meant_to_fail(task->index))
        return CODE_MEANT;
    if (task->result)
        *(uint64_t *)task->result = task->index + 1;
    return 0;
}

static int count_each(struct procpool_task *task)
{
    struct work *work = task->context;
    atomic_fetch_add(&work->ran[task->index], 1);
    return 0;
}

/* One item of a round: its state fits how often it was run. */
static enum cell_result item_is_right(const struct work *work, const struct procpool_status *status,
                                      const uint64_t *result, bool may_run_again)
{
    uint64_t i = status->index;
    unsigned ran = work->ran[i];
    sums.items[status->state]++;
    switch (status->state) {
    case PROCPOOL_DONE:
        REQUIRE(!is_meant_to_fail(i), "item %lu is done and not failed", (unsigned long)i);
        REQUIRE(*result == i + 1, "the result of item %lu is %lu", (unsigned long)i,
                (unsigned long)*result);
        break;
    case PROCPOOL_FAILED:
        REQUIRE(is_meant_to_fail(i) && status->code == CODE_MEANT, "item %lu failed with %d: %s",
                (unsigned long)i, status->code, status->text);
        break;
    case PROCPOOL_LOST:
        REQUIRE(status->signal == SIGKILL && status->text[0], "item %lu is lost: signal %d, \"%s\"",
                (unsigned long)i, status->signal, status->text);
        REQUIRE(ran <= 1, "item %lu is lost and was run %u times", (unsigned long)i, ran);
        return CELL_PASSED;
    case PROCPOOL_CANCELLED:
        REQUIRE(ran == 0, "item %lu is cancelled and was run %u times", (unsigned long)i, ran);
        return CELL_PASSED;
    default:
        return cell_fail("item %lu is %s: %s", (unsigned long)i, procpool_state_name(status->state),
                         status->text);
    }
    REQUIRE(ran == 1 || (may_run_again && ran > 1), "item %lu is %s and was run %u times",
            (unsigned long)i, procpool_state_name(status->state), ran);
    sums.runs_again += ran - 1;
    return CELL_PASSED;
}

static void note_callback(struct procpool_job *job, void *data)
{
    (void)job;
    (void)data;
    sums.callbacks++;
}

static void note_error_callback(struct procpool_job *job, const struct procpool_error *error,
                                void *data)
{
    (void)error;
    note_callback(job, data);
}

static enum cell_result round_of_map(struct procpool *pool, struct procpool_call *call,
                                     const struct work *work, bool has_callback, bool retries)
{
    struct procpool_error error = {0};
    struct procpool_status status;
    uint64_t n_failed = 0;
    uint32_t callbacks = sums.callbacks;
    if (has_callback) {
        call->callback = note_callback;
        call->error_callback = note_error_callback;
    }
    struct procpool_job *job = procpool_map_async(pool, call, &error);
    REQUIRE(job, "submitting: %s", error.text);
    REQUIRE(procpool_get(job, PROCPOOL_FOREVER, &error) == -1 && error.code == PROCPOOL_ITEMS,
            "a map with items that fail is well");
    REQUIRE(sums.callbacks == callbacks + has_callback, "%u callbacks and not %d",
            sums.callbacks - callbacks, has_callback);
    const uint64_t *results = procpool_results(job);
    for (uint64_t i = 0; i < work->n; i++) {
        REQUIRE(procpool_status(job, i, &status, &error) == 0, "%s", error.text);
        PASS_ON(item_is_right(work, &status, &results[i], retries));
        n_failed += status.state != PROCPOOL_DONE;
    }
    REQUIRE(n_failed == error.n_failed, "%lu items are not done and %lu are counted",
            (unsigned long)n_failed, (unsigned long)error.n_failed);
    procpool_job_free(job);
    return CELL_PASSED;
}

static enum cell_result round_of_imap(struct procpool *pool, const struct procpool_call *call,
                                      const struct work *work, bool is_ordered, bool retries)
{
    struct procpool_error error = {0};
    struct procpool_item item;
    bool seen[N_MANY_ITEMS] = {false};
    struct procpool_iterator *iterator = is_ordered ? procpool_imap(pool, call, &error)
                                                    : procpool_imap_unordered(pool, call, &error);
    REQUIRE(iterator, "submitting: %s", error.text);
    for (uint64_t k = 0;; k++) {
        int returned = procpool_next(iterator, PROCPOOL_FOREVER, &item, &error);
        if (returned != 0 && error.code == PROCPOOL_END) {
            REQUIRE(k == work->n, "the iterator ends after %lu items", (unsigned long)k);
            break;
        }
        REQUIRE(returned == 0 || error.code == PROCPOOL_ITEMS, "next: %s", error.text);
        REQUIRE(item.index < work->n && !seen[item.index], "item %lu comes twice",
                (unsigned long)item.index);
        REQUIRE(!is_ordered || item.index == k, "item %lu comes in place of %lu",
                (unsigned long)item.index, (unsigned long)k);
        seen[item.index] = true;
        REQUIRE(item.status.index == item.index, "item %lu has the status of %lu",
                (unsigned long)item.index, (unsigned long)item.status.index);
        PASS_ON(item_is_right(work, &item.status, item.result, retries));
    }
    procpool_iterator_free(iterator);
    return CELL_PASSED;
}

static enum cell_result round_of_each(struct procpool *pool, struct work *work, uint32_t workers,
                                      bool retries)
{
    struct procpool_error error = {0};
    int returned = procpool_each(pool, count_each, work, &error);
    REQUIRE(returned == 0 || error.code == PROCPOOL_ITEMS, "each: %s", error.text);
    uint64_t n_lost = returned == 0 ? 0 : error.n_failed, n_not_run = 0;
    for (uint32_t w = 0; w < workers; w++) {
        REQUIRE(work->ran[w] <= 1 || retries, "worker %u was called %u times", w, work->ran[w]);
        n_not_run += work->ran[w] == 0;
        sums.runs_again += work->ran[w] > 1 ? work->ran[w] - 1 : 0;
    }
    REQUIRE(n_not_run <= n_lost, "%lu workers were not called and %lu items lost",
            (unsigned long)n_not_run, (unsigned long)n_lost);
    sums.items[PROCPOOL_LOST] += n_lost;
    return CELL_PASSED;
}

static enum cell_result round_of(enum kind kind, struct procpool *pool, uint32_t workers,
                                 const struct place *place, bool retries)
{
    cell_is_at(kind_names[kind]);
    struct work *work = work_new(pool, place->takes_many ? N_MANY_ITEMS : N_ITEMS);
    struct procpool_call call = {
        .function = count,
        .context = work,
        .n = work->n,
        .result_bytes = sizeof(uint64_t),
        .chunk = place->takes_many ? 1 : 2,
        .fail_fast = place->takes_fail_fast,
    };
    enum cell_result result = CELL_PASSED;
    switch (kind) {
    case MAP:
    case CALLED_BACK:
        result = round_of_map(pool, &call, work, kind == CALLED_BACK, retries);
        break;
    case ORDERED:
    case UNORDERED:
        call.fail_fast = false;
        result = round_of_imap(pool, &call, work, kind == ORDERED, retries);
        break;
    default:
        result = round_of_each(pool, work, workers, retries);
        break;
    }
    procpool_release(pool, work);
    return result;
}

/* --- deaths at points ------------------------------------------------------------------------- */

enum parameter { P_PLACE, P_PASSING, P_WORKERS, P_ENGINE, P_RETRIES };

static enum cell_result dies_at_point(const struct cell *cell)
{
    const struct place *place = &places[cell->parameters[P_PLACE]];
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    bool retries = cell->parameters[P_RETRIES];
    stage_open(FAULT_KILL, place->point, (uint64_t)cell->parameters[P_PASSING], workers);
    if (place->slow_point)
        snprintf(stage->slow_point, sizeof stage->slow_point, "%s", place->slow_point);
    struct belongings before = belongings_now();
    struct procpool_error error;
    struct procpool *pool = procpool_new(
        &(struct procpool_options){.processes = (int)workers,
                                   .engine = cell->parameters[P_ENGINE] ? PROCPOOL_STEALING
                                                                        : PROCPOOL_IN_ORDER,
                                   .chunks_per_worker = place->takes_recycling ? 5 : 0,
                                   .retries = retries ? 3 : 0,
                                   .memory_bytes = 64 << 20},
        &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    atomic_store(&stage->is_armed, 1);
    for (int round = 0, after = 0; round < MOST_ROUNDS && after < ROUNDS_AFTER; round++) {
        PASS_ON(round_of((enum kind)(round % N_KINDS), pool, workers, place, retries));
        after += atomic_load(&stage->fired) > 0;
    }
    if (!stage->fired && place->is_rare)
        return cell_skip("nobody came by %lu times", (unsigned long)stage->passing);
    REQUIRE(stage->fired == 1, "nobody came by %lu times, but %lu", (unsigned long)stage->passing,
            (unsigned long)stage->passed);
    REQUIRE(sums.items[PROCPOOL_LOST] <= !retries, "%lu items are lost by one death",
            (unsigned long)sums.items[PROCPOOL_LOST]);
    REQUIRE(sums.runs_again <= retries, "%lu runs too many", (unsigned long)sums.runs_again);
    enum procpool_code refused;
    cell_is_at("using the pool afterwards");
    PASS_ON(pool_works(pool, &refused));
    REQUIRE(refused == PROCPOOL_OK, "the pool refuses with %s", procpool_code_name(refused));
    struct procpool_counters counters = {0};
    WAIT_UNTIL((procpool_counters(pool, &counters), counters.restarts == 1), 2);
    REQUIRE(counters.restarts == 1, "%lu restarts", (unsigned long)counters.restarts);
    cell_is_at("freeing the pool");
    procpool_free(pool);
    return cell_is_clean(&before);
}

/* --- deaths at random instants ---------------------------------------------------------------- */

enum { MANY_ITEMS = IS_SANITIZED ? 5000 : 20000, MANY_RETRIES = 100, MOST_KILLS = 500 };

static int show_and_count(struct procpool_task *task)
{
    struct work *work = task->context;
    atomic_store(&stage->pids[task->worker], getpid());
    atomic_fetch_add(&work->ran[task->index], 1);
    if (task->index % 64 == 0)
        nap_us(100); /* so that the map takes longer than the first death */
    *(uint64_t *)task->result = task->index + 1;
    return 0;
}

/* Kills workers that have shown themselves, each once, until it is told to stop. */
static _Noreturn void kill_now_and_then(uint64_t seed, uint32_t workers, pid_t cell)
{
    struct rng rng;
    rng_seed(&rng, seed);
    while (!atomic_load(&stage->is_closed) && stage->n_killed < MOST_KILLS && getppid() == cell) {
        nap_us(50 + (long)rng_below(&rng, 400));
        pid_t pid = atomic_exchange(&stage->pids[rng_below(&rng, workers)], 0);
        if (pid && kill(pid, SIGKILL) == 0)
            atomic_fetch_add(&stage->n_killed, 1);
    }
    _exit(0);
}

/* Items that were not run from `first` on. */
static uint64_t not_run_from(const struct work *work, uint64_t first)
{
    uint64_t end = first;
    while (end < work->n && work->ran[end] == 0)
        end++;
    return end - first;
}

static enum cell_result map_was_right(struct procpool_job *job, const struct work *work,
                                      bool retries)
{
    struct procpool_error error = {0};
    struct procpool_status status;
    uint64_t n_lost = 0, n_again = 0, n_killed = stage->n_killed;
    const uint64_t *results = procpool_results(job);
    REQUIRE(procpool_get(job, 0, &error) == 0 || error.code == PROCPOOL_ITEMS, "%s", error.text);
    for (uint64_t i = 0; i < work->n; i++) {
        REQUIRE(procpool_status(job, i, &status, &error) == 0, "%s", error.text);
        bool is_done = status.state == PROCPOOL_DONE;
        REQUIRE(is_done || (status.state == PROCPOOL_LOST && status.signal == SIGKILL),
                "item %lu is %s (%s)", (unsigned long)i, procpool_state_name(status.state),
                status.text);
        REQUIRE(
            work->ran[i] == 1 || (work->ran[i] == 0 && !is_done) || (work->ran[i] > 1 && retries),
            "item %lu is %s and was run %u times; %lu from there on were not run", (unsigned long)i,
            procpool_state_name(status.state), work->ran[i], (unsigned long)not_run_from(work, i));
        REQUIRE(!is_done || results[i] == i + 1, "the result of item %lu is wrong",
                (unsigned long)i);
        n_lost += !is_done;
        n_again += work->ran[i] > 1 ? work->ran[i] - 1 : 0;
    }
    REQUIRE(n_lost <= (retries ? 0 : n_killed), "%lu items lost by %lu deaths",
            (unsigned long)n_lost, (unsigned long)n_killed);
    REQUIRE(n_again <= n_killed, "%lu runs too many by %lu deaths", (unsigned long)n_again,
            (unsigned long)n_killed);
    return CELL_PASSED;
}

static enum cell_result dies_at_random(const struct cell *cell)
{
    uint32_t workers = (uint32_t)cell->parameters[P_WORKERS];
    bool retries = cell->parameters[P_RETRIES];
    stage_open(FAULT_KILL, "", 0, workers);
    struct belongings before = belongings_now();
    pid_t self = getpid(), killer = fork();
    if (killer == 0)
        kill_now_and_then(cell->seed, workers, self);
    struct procpool_error error;
    struct procpool *pool = procpool_new(
        &(struct procpool_options){.processes = (int)workers,
                                   .engine = cell->parameters[P_ENGINE] ? PROCPOOL_STEALING
                                                                        : PROCPOOL_IN_ORDER,
                                   .retries = retries ? MANY_RETRIES : 0,
                                   .memory_bytes = 256 << 20},
        &error);
    REQUIRE(pool, "making the pool: %s", error.text);
    struct work *work = work_new(pool, MANY_ITEMS);
    struct procpool_call call = {.function = show_and_count,
                                 .context = work,
                                 .n = work->n,
                                 .result_bytes = sizeof(uint64_t),
                                 .chunk = cell->parameters[P_PASSING]};
    struct procpool_job *job = procpool_map_async(pool, &call, &error);
    REQUIRE(job, "submitting: %s", error.text);
    cell_is_at("a map whose workers are killed");
    procpool_wait(job, PROCPOOL_FOREVER);
    atomic_store(&stage->is_closed, 1);
    waitpid(killer, NULL, 0);
    REQUIRE(stage->n_killed > 0, "nobody was killed");
    PASS_ON(map_was_right(job, work, retries));
    procpool_job_free(job);
    enum procpool_code refused;
    cell_is_at("using the pool afterwards");
    PASS_ON(pool_works(pool, &refused));
    REQUIRE(refused == PROCPOOL_OK, "the pool refuses with %s", procpool_code_name(refused));
    procpool_free(pool);
    return cell_is_clean(&before);
}

/* --- whether the table is whole --------------------------------------------------------------- */

enum { MOST_SEEN = 64 };

/* Names that workers came by in any cell: a literal has one address in all processes. */
static struct seen {
    _Atomic(const char *) names[MOST_SEEN];
} * seen;

static void note_point(const char *name)
{
    for (size_t s = 0; s < MOST_SEEN; s++) {
        const char *old = NULL;
        if (atomic_load(&seen->names[s]) == name ||
            atomic_compare_exchange_strong(&seen->names[s], &old, name) || old == name)
            return;
    }
}

static enum cell_result table_is_whole(const struct cell *cell)
{
    (void)cell;
    for (size_t s = 0; s < MOST_SEEN && seen->names[s]; s++) {
        size_t p = 0;
        while (p < N_PLACES && strcmp(places[p].point, seen->names[s]) != 0)
            p++;
        REQUIRE(p < N_PLACES, "workers came by \"%s\", which is not in the table", seen->names[s]);
    }
    REQUIRE(seen->names[0], "nobody came by any point");
    return CELL_PASSED;
}

int main(int argc, char **argv)
{
    static struct cell cells[N_PLACES * N_PASSINGS * 8 + 64];
    struct cell last = {.name = "every point is in the table", .run = table_is_whole};
    const char *said = getenv("POOLMARK_SEED");
    uint64_t seed = said ? strtoull(said, NULL, 10) : 1;
    struct rng rng;
    size_t n = 0;
    rng_seed(&rng, seed);
    printf("# seed %lu\n", (unsigned long)seed);
    for (int p = 0; p < N_PLACES; p++) {
        for (int k = 0; k < N_PASSINGS * 8; k++) {
            int drawn = (int)rng_below(&rng, MOST_PASSING);
            int workers = worker_counts[k % 2], engine = k / 2 % 2, retries = k / 4 % 2;
            bool is_late = places[p].takes_many && !engine;
            int passing = k / 8 == 0 ? 1 : k / 8 == 1 ? 3 : 1 + drawn + (is_late ? LATE : 0);
            if (places[p].is_of_stealing && !engine)
                continue;
            cells[n] = (struct cell){.run = dies_at_point,
                                     .parameters = {p, passing, workers, engine, retries}};
            snprintf(cells[n++].name, sizeof cells[0].name, "%s, passing %d, %d workers, %s, %s",
                     places[p].point, passing, workers, engine ? "stealing" : "in order",
                     retries ? "retries" : "no retries");
        }
    }
    for (int k = 0; k < 24; k++, n++) {
        static const int counts[] = {2, 5, 13}, chunks[] = {1, 50};
        int workers = counts[k % 3], chunk = chunks[k / 3 % 2], engine = k / 6 % 2;
        int retries = k / 12;
        cells[n] = (struct cell){.run = dies_at_random,
                                 .parameters = {0, chunk, workers, engine, retries},
                                 .seed = rng_next(&rng),
                                 .limit_s = 2 * WATCHDOG_S};
        snprintf(cells[n].name, sizeof cells[0].name,
                 "random instants, seed %lu, chunk %d, %d workers, %s, %s",
                 (unsigned long)cells[n].seed, chunk, workers, engine ? "stealing" : "in order",
                 retries ? "retries" : "no retries");
    }
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED)
        return EXIT_FAILURE;
    stage_on_point = note_point;
    struct tally tally;
    tally_init(&tally, argc, argv);
    tally_run(&tally, cells, n);
    tally_run(&tally, &last, 1);
    return tally_end(&tally);
}
