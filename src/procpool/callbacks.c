/* The thread of the parent that calls back: made for the first job that has a callback, asleep
 * while no such job is finished. In the order in which jobs were finished. */
#include "procpool/pool.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

/* The pool for which this thread calls back. */
static _Thread_local const struct procpool *calling_for;

bool is_in_callback(const struct procpool *pool)
{
    return calling_for == pool;
}

void callbacks_add(struct procpool *pool, struct procpool_job *job)
{
    if (!pool->calling)
        pool->calling_end = &pool->calling;
    *pool->calling_end = job;
    pool->calling_end = &job->next_calling;
}

static void insert_by_arrival(struct procpool_job **at, struct procpool_job *job)
{
    while (*at && (*at)->shared->arrival < job->shared->arrival)
        at = &(*at)->next_calling;
    job->next_calling = *at;
    *at = job;
}

/* Moves up to `most` finished jobs to those that are due. They are near the front, where the oldest
 * are. With the lock held. */
static void collect(struct procpool *pool, uint32_t most)
{
    struct procpool_job **at = &pool->calling;
    while (*at && most) {
        struct procpool_job *job = *at;
        if (job_state(job) != JOB_FINISHED) {
            at = &job->next_calling;
            continue;
        }
        *at = job->next_calling;
        if (!*at)
            pool->calling_end = at;
        insert_by_arrival(&pool->due, job);
        pool->n_collected++;
        most--;
    }
}

/* Calls back without the lock, then makes the job ready. With the lock held. */
static void call_back(struct procpool *pool, struct procpool_job *job)
{
    struct procpool_error error;
    bool was_observed = job->is_observed;
    int outcome = report(job, &error);
    if (outcome != 0 && !job->error_callback)
        job->is_observed = was_observed;
    pool->called = job;
    pthread_mutex_unlock(&pool->lock);
    if (outcome == 0 && job->callback)
        job->callback(job, job->callback_data);
    else if (outcome != 0 && job->error_callback)
        job->error_callback(job, &error, job->callback_data);
    pthread_mutex_lock(&pool->lock);
    pool->called = NULL;
    atomic_store(&job->shared->state, JOB_READY);
    futex_wake(&job->shared->state, INT_MAX);
}

static void *live(void *argument)
{
    struct procpool *pool = argument;
    struct control *control = pool->control;
    uint32_t most = UINT32_MAX;
    calling_for = pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        uint32_t callbacks = atomic_load(&control->callbacks);
        collect(pool, most);
        while (pool->due) {
            struct procpool_job *job = pool->due;
            pool->due = job->next_calling;
            call_back(pool, job);
        }
        if (pool->thread_must_end && !pool->calling)
            break;
        uint64_t slice = pool->calling ? LOOK_NS : 0;
        pthread_mutex_unlock(&pool->lock);
        bool is_called = futex_wait(&control->callbacks, callbacks, slice);
        look_now_and_then(pool);
        pthread_mutex_lock(&pool->lock);
        /* The count is short where one that finished a job died before it could count. */
        uint32_t due = atomic_load(&control->callbacks) - pool->n_collected;
        most = is_called && !pool->thread_must_end && due < INT_MAX ? due : UINT32_MAX;
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int callbacks_start(struct procpool *pool, struct procpool_error *error)
{
    if (pool->has_thread)
        return 0;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the caller's own threads */
    int failure = pthread_create(&pool->thread, NULL, live, pool);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failure) {
        errno = failure;
        return error_set(error, PROCPOOL_SYSTEM, "the thread for callbacks could not be made: %s",
                         strerror(failure));
    }
    pool->has_thread = true;
    return 0;
}

void callbacks_end(struct procpool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool has_thread = pool->has_thread;
    pool->thread_must_end = true;
    pthread_mutex_unlock(&pool->lock);
    if (!has_thread)
        return;
    atomic_fetch_add(&pool->control->callbacks, 1);
    futex_wake(&pool->control->callbacks, INT_MAX);
    pthread_join(pool->thread, NULL);
    pthread_mutex_lock(&pool->lock);
    pool->has_thread = false;
    pthread_mutex_unlock(&pool->lock);
}
