#include "work.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWERS = sizeof((struct answer *)0)->squares / sizeof(uint64_t) };

/* How long an item waits for a fault: below the time limit where there is one. */
static const double SHORT_S = 0.2, LONG_S = 2;

struct work *work_new(struct procpool *pool, uint64_t n)
{
    struct work *work = procpool_alloc(pool, sizeof *work + n * sizeof work->ran[0], NULL);
    if (!work)
        abort();
    work->n = n;
    return work;
}

struct procpool_call work_call(struct work *work, enum procpool_engine engine, int64_t chunk)
{
    return (struct procpool_call){
        .function = work_item,
        .context = work,
        .n = work->n,
        .result_bytes = sizeof(struct answer),
        .chunk = chunk,
        .engine = engine,
    };
}

static uint64_t square(uint64_t index, size_t k)
{
    return (index + k) * (index + k);
}

bool answer_is_right(const struct answer *answer, uint64_t index)
{
    for (size_t k = 0; k < ANSWERS; k++)
        if (answer->squares[k] != square(index, k))
            return false;
    return true;
}

int work_item(struct procpool_task *task)
{
    struct work *work = task->context;
    bool is_faulty = work->place != PLACE_NONE && task->index == work->faulty;
    atomic_fetch_add(&work->ran[task->index], 1);
    if (stage->fault == FAULT_SIBLING)
        stage_kill_victim();
    if (work->takes_pending) {
        int code = stage_take_pending(task->index);
        if (code)
            return code;
    }
    while (is_faulty && work->place == PLACE_CLOSED && !atomic_load(&stage->is_closed))
        nap_us(500);
    if (is_faulty && work->place != PLACE_WRITING)
        return stage_fault();
    if (work->awaits_fault && task->index == 0)
        WAIT_UNTIL(stage->fired || stage->is_pending, fault_is_endless() ? SHORT_S : LONG_S);
    nap_us(work->item_us);
    struct answer *answer = task->result;
    for (size_t k = 0; k < ANSWERS; k++) {
        if (is_faulty && k == ANSWERS / 2)
            return stage_fault();
        answer->squares[k] = square(task->index, k);
    }
    return 0;
}

enum cell_result work_is_done(struct procpool_job *job, const struct work *work)
{
    struct procpool_error error;
    struct procpool_status status;
    REQUIRE(procpool_get(job, PROCPOOL_FOREVER, &error) == 0, "a job without faults: %s",
            error.text);
    REQUIRE(procpool_items_left(job) == 0, "%lu items are left of a job that is ready",
            (unsigned long)procpool_items_left(job));
    const struct answer *answers = procpool_results(job);
    for (uint64_t i = 0; i < work->n; i++) {
        REQUIRE(procpool_status(job, i, &status, &error) == 0, "status of %lu: %s",
                (unsigned long)i, error.text);
        REQUIRE(status.state == PROCPOOL_DONE, "item %lu is %s", (unsigned long)i,
                procpool_state_name(status.state));
        REQUIRE(work->ran[i] == 1, "item %lu was run %u times", (unsigned long)i, work->ran[i]);
        REQUIRE(answer_is_right(&answers[i], i), "the answer of item %lu is wrong",
                (unsigned long)i);
    }
    return CELL_PASSED;
}

enum cell_result pool_works(struct procpool *pool, enum procpool_code *refused)
{
    struct procpool_error error = {0};
    *refused = PROCPOOL_OK;
    struct procpool_counters before, after;
    procpool_counters(pool, &before);
    struct work *work = procpool_alloc(pool, sizeof *work + 128 * sizeof work->ran[0], &error);
    if (work) {
        work->n = 128;
        struct procpool_call call = work_call(work, PROCPOOL_DEFAULT_ENGINE, 3);
        struct procpool_job *job = procpool_map_async(pool, &call, &error);
        if (job) {
            enum cell_result result = work_is_done(job, work);
            procpool_job_free(job);
            procpool_counters(pool, &after);
            if (result == CELL_PASSED && after.done != before.done + 128)
                return cell_fail("128 more items were done, and the counter went from %lu to %lu",
                                 (unsigned long)before.done, (unsigned long)after.done);
            return result;
        }
    }
    *refused = error.code;
    REQUIRE(error.code != PROCPOOL_OK && error.text[0], "a map was refused without a reason");
    return CELL_PASSED;
}

enum cell_result pool_refuses(struct procpool *pool, enum procpool_code code)
{
    uint64_t n = 3;
    struct procpool_error error = {0};
    struct procpool_call call = {.function = work_item, .n = n};
    int returned = procpool_map(pool, &call, &error);
    REQUIRE(returned == -1 && error.code == code, "a map returned %d with the code %s and not %s",
            returned, procpool_code_name(error.code), procpool_code_name(code));
    REQUIRE(error.text[0], "a map was refused without a sentence");
    return CELL_PASSED;
}
