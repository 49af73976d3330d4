/* The ways to call: apply, map, starmap, each, waiting or not. */
#include "procpool/pool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* All that a source gives, in private memory to be freed; the caller's call becomes one with these
 * arguments. -1 where the source has failed. */
static int list_source(struct procpool_call *call, void **list, const char *what,
                       struct procpool_error *error)
{
    size_t capacity = 0;
    char *records = NULL;
    uint64_t n = 0;
    for (;;) {
        if (n == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            char *more = reallocarray(records, capacity, call->argument_bytes);
            if (!more) {
                free(records);
                return error_set(error, PROCPOOL_NO_MEMORY,
                                 "%s: no memory for %zu arguments of %zu bytes", what, capacity,
                                 call->argument_bytes);
            }
            records = more;
        }
        int got = call->source(call->source_data, records + n * call->argument_bytes);
        if (got < 0) {
            free(records);
            error_set(error, PROCPOOL_SOURCE, "%s: the source failed with %d at item %" PRIu64,
                      what, got, n);
            if (error)
                error->status = (struct procpool_status){.index = n, .code = got};
            return -1;
        }
        if (got == 0)
            break;
        n++;
    }
    call->n = n;
    call->arguments = records;
    call->source = NULL;
    *list = records;
    return 0;
}

static struct procpool_job *start(struct procpool *pool, const struct procpool_call *given,
                                  const char *what, struct procpool_error *error)
{
    struct procpool_call call = *given;
    void *list = NULL;
    if (check_call(pool, &call, what, error) != 0)
        return NULL;
    if (call.source) {
        pthread_mutex_lock(&pool->lock);
        int is_running = check_running(pool, error) == 0;
        pthread_mutex_unlock(&pool->lock);
        if (!is_running || list_source(&call, &list, what, error) != 0)
            return NULL;
    }
    struct procpool_job *job = submit(pool, &call, JOB_MAP, error);
    free(list);
    return job;
}

/* Waits for the job of a synchronous call, reports and frees it. */
static int finish(struct procpool_job *job, struct procpool_error *error)
{
    if (!job)
        return -1;
    int outcome = procpool_get(job, PROCPOOL_FOREVER, error);
    procpool_job_free(job);
    return outcome;
}

int procpool_apply(struct procpool *pool, procpool_function *function, const void *argument,
                   size_t argument_bytes, void *result, size_t result_bytes,
                   struct procpool_error *error)
{
    struct procpool_call call = {.function = function,
                                 .n = 1,
                                 .arguments = argument,
                                 .argument_bytes = argument_bytes,
                                 .results = result,
                                 .result_bytes = result_bytes};
    if (check_owner(pool, error) != 0 || check_may_wait(pool, "procpool_apply", error) != 0)
        return -1;
    return finish(start(pool, &call, "procpool_apply", error), error);
}

struct procpool_job *procpool_apply_async(struct procpool *pool, const struct procpool_call *given,
                                          struct procpool_error *error)
{
    struct procpool_call call = *given;
    call.n = 1;
    if (call.source) {
        error_set(error, PROCPOOL_INVALID, "procpool_apply_async: one item has no source");
        return NULL;
    }
    return start(pool, &call, "procpool_apply_async", error);
}

int procpool_map(struct procpool *pool, const struct procpool_call *call,
                 struct procpool_error *error)
{
    if (check_owner(pool, error) != 0 || check_may_wait(pool, "procpool_map", error) != 0)
        return -1;
    return finish(start(pool, call, "procpool_map", error), error);
}

struct procpool_job *procpool_map_async(struct procpool *pool, const struct procpool_call *call,
                                        struct procpool_error *error)
{
    return start(pool, call, "procpool_map_async", error);
}

static int check_columns(const struct procpool_call *call, const char *what,
                         struct procpool_error *error)
{
    return call->n_columns ? 0 : error_set(error, PROCPOOL_INVALID, "%s: n_columns is 0", what);
}

int procpool_starmap(struct procpool *pool, const struct procpool_call *call,
                     struct procpool_error *error)
{
    if (check_columns(call, "procpool_starmap", error) != 0 ||
        check_may_wait(pool, "procpool_starmap", error) != 0)
        return -1;
    return finish(start(pool, call, "procpool_starmap", error), error);
}

struct procpool_job *procpool_starmap_async(struct procpool *pool, const struct procpool_call *call,
                                            struct procpool_error *error)
{
    if (check_columns(call, "procpool_starmap_async", error) != 0)
        return NULL;
    return start(pool, call, "procpool_starmap_async", error);
}

int procpool_each(struct procpool *pool, procpool_function *function, void *context,
                  struct procpool_error *error)
{
    struct procpool_call call = {
        .function = function, .context = context, .n = procpool_workers(pool)};
    if (check_may_wait(pool, "procpool_each", error) != 0 ||
        check_call(pool, &call, "procpool_each", error) != 0)
        return -1;
    return finish(submit(pool, &call, JOB_EACH, error), error);
}
