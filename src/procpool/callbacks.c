/* The thread of the parent that calls back: made for the first job that has a callback, asleep
 * while no such job is finished. In the order in which jobs were finished. */
#include "procpool/pool.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

enum { LOOK_NS = 50000000 };

bool is_in_callback(const struct procpool *pool)
{
    return pool->has_thread && pthread_equal(pthread_self(), pool->thread);
}

/* The finished job that comes first, taken off the list. With the lock held. */
static struct procpool_job *next_finished(struct procpool *pool)
{
    struct procpool_job **best = NULL;
    for (struct procpool_job **at = &pool->calling; *at; at = &(*at)->next_calling)
        if (job_state(*at) == JOB_FINISHED &&
            (!best || (*at)->shared->arrival < (*best)->shared->arrival))
            best = at;
    struct procpool_job *job = best ? *best : NULL;
    if (job)
        *best = job->next_calling;
    return job;
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
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        uint32_t callbacks = atomic_load(&control->callbacks);
        struct procpool_job *job = next_finished(pool);
        if (job) {
            call_back(pool, job);
            continue;
        }
        if (pool->thread_must_end && !pool->calling)
            break;
        uint64_t slice = pool->calling ? LOOK_NS : 0;
        pthread_mutex_unlock(&pool->lock);
        bool is_called = futex_wait(&control->callbacks, callbacks, slice);
        pthread_mutex_lock(&pool->lock);
        if (!is_called)
            look_for_zygote(pool);
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
