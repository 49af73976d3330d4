/* bench/pool: libgomp, GCC's OpenMP runtime, on the same null tasks.
 *
 * Two bodies: a call through a pointer that the compiler knows nothing of, which is what a pool
 * does, and a bare loop that is empty and cannot be removed, which is the most that OpenMP can
 * gain from being part of the compiler.
 */
#include "pool.h"

#include "base/clock.h"
#include "procpool/procpool.h"

#ifdef _OPENMP

#include <omp.h>

struct libgomp {
    struct load load;
    uint64_t n;
    struct tally {
        uint64_t n, sum;
    } tally; /* of all threads */
};

static int null_task(struct procpool_task *task)
{
    (void)task;
    return 0;
}

static int tally_task(struct procpool_task *task)
{
    struct tally *tally = task->context;
    tally->n++;
    tally->sum += task->index;
    return 0;
}

static void call_loop(struct libgomp *self, int64_t chunk, procpool_function *volatile *function)
{
    uint64_t count = 0, sum = 0;
#pragma omp parallel num_threads(self->load.workers) reduction(+ : count, sum)
    {
        struct tally tally = {0, 0};
        struct procpool_task task = {.context = &tally, .worker = (uint32_t)omp_get_thread_num()};
        procpool_function *call = *function;
#pragma omp for schedule(dynamic, chunk)
        for (uint64_t i = 0; i < self->n; i++) {
            task.index = i;
            call(&task);
        }
        count += tally.n;
        sum += tally.sum;
    }
    self->tally = (struct tally){count, sum};
}

static void bare_loop(struct libgomp *self, int64_t chunk)
{
#pragma omp parallel for num_threads(self->load.workers) schedule(dynamic, chunk)
    for (uint64_t i = 0; i < self->n; i++)
        __asm__ volatile("" : : "r"(i) : "memory");
}

/* After a region the threads spin for some milliseconds, which the next subject would notice. */
static void wait_until_quiet(void)
{
    uint64_t used = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID), before;
    for (int i = 0; i < 200; i++) {
        before = used;
        clock_sleep_ns(2000000);
        used = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
        if (used - before < 200000)
            return;
    }
}

static enum taken take_loop(void *subject, const struct sampler *sampler, struct sample *sample,
                            struct err *err)
{
    struct libgomp *self = subject;
    static procpool_function *volatile tally = tally_task, *volatile nothing = null_task;
    call_loop(self, sampler->chunk, &tally);
    if (self->tally.n != self->n || self->tally.sum != self->n * (self->n - 1) / 2) {
        err_set(err, "libgomp ran %llu of %llu items, or the wrong ones",
                (unsigned long long)self->tally.n, (unsigned long long)self->n);
        return WRONG;
    }
    uint64_t start = clock_now_ns();
    if (sampler->through_pointer)
        call_loop(self, sampler->chunk, &nothing);
    else
        bare_loop(self, sampler->chunk);
    uint64_t end = clock_now_ns();
    wait_until_quiet();
    *sample = (struct sample){self->n, 1, {(double)(end - start) * 1e-9 / (double)self->n}};
    return TAKEN;
}

static const struct sampler samplers[] = {
    {"dynamic_1", take_loop, .chunk = 1, .through_pointer = true},
    {"dynamic_1_bare", take_loop, .chunk = 1},
    {"dynamic_64", take_loop, .chunk = 64, .through_pointer = true},
    {"dynamic_64_bare", take_loop, .chunk = 64},
};

int libgomp_subject(FILE *in, FILE *out, const struct load *load)
{
    struct libgomp self = {.load = *load, .n = load->quick ? 500000 : 2000000};
    pin_remember();
#pragma omp parallel num_threads(self.load.workers)
    pin(omp_get_thread_num(), self.load.workers);
    char version[64];
    snprintf(version, sizeof version, "OpenMP %d", _OPENMP);
    return serve(in, out, version, samplers, sizeof samplers / sizeof *samplers, &self);
}

#else

int libgomp_subject(FILE *in, FILE *out, const struct load *load)
{
    (void)in;
    (void)load;
    fprintf(out, "absent the compiler has no OpenMP\n");
    return 0;
}

#endif
