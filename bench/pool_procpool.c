/* bench/pool: procpool itself.
 *
 * One pool serves all samplers but those that measure making pools, or that fill one with memory.
 * Every sampler checks what it has done: see the functions named check_.
 */
#include "pool.h"

#include "base/clock.h"
#include "base/rng.h"
#include "procpool/procpool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 128, PAGE = 4096, MIB = 1 << 20 };

/* What a worker has run, on a line of its own. */
struct tally {
    _Alignas(LINE) uint64_t n, sum;
};

struct own {
    struct load load;
    struct procpool *pool;
    struct tally *tallies; /* one a worker, in shared memory */
    int *n_workers;        /* there too */
};

static uint64_t size_of(const struct own *own, uint64_t full, uint64_t quick)
{
    return own->load.quick ? quick : full;
}

static double seconds_each(uint64_t start, uint64_t end, uint64_t n)
{
    return (double)(end - start) * 1e-9 / (double)n;
}

static enum taken one_value(struct sample *sample, uint64_t n, double value)
{
    *sample = (struct sample){n, 1, {value}};
    return TAKEN;
}

static enum taken wrong(struct err *err, const char *what, const struct procpool_error *error)
{
    err_set(err, "%s: %s", what, error->text);
    return WRONG;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static int null_task(struct procpool_task *task)
{
    (void)task;
    return 0;
}

static int tally_task(struct procpool_task *task)
{
    struct tally *tally = (struct tally *)task->context + task->worker;
    tally->n++;
    tally->sum += task->index;
    return 0;
}

/* Gives each worker a CPU of its own; context: how many there are. */
static int pin_task(struct procpool_task *task)
{
    pin((int)task->worker, *(const int *)task->context);
    return 0;
}

static int unpin_task(struct procpool_task *task)
{
    (void)task;
    unpin();
    return 0;
}

static int add_one(struct procpool_task *task)
{
    *(uint64_t *)task->result = *(const uint64_t *)task->argument + 1;
    return 0;
}

/* --- maps ------------------------------------------------------------------------------------- */

static uint64_t items_done(const struct own *own)
{
    struct procpool_counters counters;
    procpool_counters(own->pool, &counters);
    return counters.done;
}

/* Runs the call with tasks that add up their indices. */
static enum taken check_map(struct own *own, struct procpool_call call, struct err *err)
{
    struct procpool_error error;
    memset(own->tallies, 0, (size_t)own->load.workers * sizeof *own->tallies);
    call.function = tally_task;
    call.context = own->tallies;
    if (procpool_map(own->pool, &call, &error) != 0)
        return wrong(err, "procpool_map", &error);
    uint64_t n = 0, sum = 0;
    for (int w = 0; w < own->load.workers; w++) {
        n += own->tallies[w].n;
        sum += own->tallies[w].sum;
    }
    if (n == call.n && sum == call.n * (call.n - 1) / 2)
        return TAKEN;
    err_set(err, "procpool_map ran %" PRIu64 " items of %" PRIu64 " with the sum %" PRIu64, n,
            call.n, sum);
    return WRONG;
}

/* Checks the call and then runs it with null tasks; *seconds is how long it took. */
static enum taken timed_map(struct own *own, const struct procpool_call *call, double *seconds,
                            struct err *err)
{
    if (check_map(own, *call, err) != TAKEN)
        return WRONG;
    struct procpool_error error;
    uint64_t done = items_done(own), start = clock_now_ns();
    int status = procpool_map(own->pool, call, &error);
    *seconds = seconds_each(start, clock_now_ns(), 1);
    if (status != 0)
        return wrong(err, "procpool_map", &error);
    done = items_done(own) - done;
    if (done == call->n)
        return TAKEN;
    err_set(err, "procpool_map counted %" PRIu64 " items of %" PRIu64, done, call->n);
    return WRONG;
}

static enum taken take_map(void *subject, const struct sampler *sampler, struct sample *sample,
                           struct err *err)
{
    struct own *own = subject;
    struct procpool_call call = {.function = null_task,
                                 .n = size_of(own, 2000000, 500000),
                                 .chunk = sampler->chunk,
                                 .engine = (enum procpool_engine)sampler->engine};
    struct procpool_error error;
    double seconds;
    if (procpool_each(own->pool, pin_task, own->n_workers, &error) != 0)
        return wrong(err, "procpool_each", &error);
    enum taken taken = timed_map(own, &call, &seconds, err);
    if (procpool_each(own->pool, unpin_task, NULL, &error) != 0)
        return wrong(err, "procpool_each", &error);
    return taken == TAKEN ? one_value(sample, call.n, seconds / (double)call.n) : taken;
}

/* --- apply ------------------------------------------------------------------------------------ */

/* The mean of round trips, with a pause before each in which the workers fall asleep, or none. */
static enum taken take_apply(void *subject, const struct sampler *sampler, struct sample *sample,
                             struct err *err)
{
    struct own *own = subject;
    struct procpool_error error;
    uint64_t n = sampler->pause_ns ? size_of(own, 40, 20) : size_of(own, 5000, 1000), spent = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (sampler->pause_ns)
            clock_sleep_ns((uint64_t)sampler->pause_ns);
        uint64_t result = 0, start = clock_now_ns();
        int status =
            procpool_apply(own->pool, add_one, &i, sizeof i, &result, sizeof result, &error);
        spent += clock_now_ns() - start;
        if (status != 0)
            return wrong(err, "procpool_apply", &error);
        if (result != i + 1) {
            err_set(err, "procpool_apply: %" PRIu64 " + 1 is not %" PRIu64, i, result);
            return WRONG;
        }
    }
    return one_value(sample, n, seconds_each(0, spent, n));
}

static enum taken get_all(struct procpool_job **jobs, uint64_t n, struct err *err)
{
    struct procpool_error error;
    for (uint64_t i = 0; i < n; i++)
        if (procpool_get(jobs[i], PROCPOOL_FOREVER, &error) != 0)
            return wrong(err, "procpool_get", &error);
    return TAKEN;
}

/* Submits jobs of one item, then gets them all: per job. */
static enum taken take_apply_async(void *subject, const struct sampler *sampler,
                                   struct sample *sample, struct err *err)
{
    struct own *own = subject;
    (void)sampler;
    struct procpool_error error;
    uint64_t n = size_of(own, 5000, 1000), made = 0;
    struct procpool_job **jobs = calloc(n, sizeof *jobs);
    enum taken taken = TAKEN;
    uint64_t start = clock_now_ns();
    for (; made < n && taken == TAKEN; made += taken == TAKEN) {
        struct procpool_call call = {.function = add_one,
                                     .arguments = &made,
                                     .argument_bytes = sizeof made,
                                     .result_bytes = sizeof(uint64_t)};
        jobs[made] = procpool_apply_async(own->pool, &call, &error);
        if (!jobs[made])
            taken = wrong(err, "procpool_apply_async", &error);
    }
    if (taken == TAKEN)
        taken = get_all(jobs, n, err);
    uint64_t end = clock_now_ns();
    for (uint64_t i = 0; i < made; i++) {
        const uint64_t *result = procpool_results(jobs[i]);
        if (taken == TAKEN && (!result || *result != i + 1)) {
            err_set(err, "procpool_apply_async: item %" PRIu64 " has a wrong result", i);
            taken = WRONG;
        }
        procpool_job_free(jobs[i]);
    }
    free(jobs);
    return taken == TAKEN ? one_value(sample, n, seconds_each(start, end, n)) : taken;
}

/* --- iterators -------------------------------------------------------------------------------- */

enum { ORDERED, UNORDERED };

/* Adds up the indices that the iterator hands over; *n is how many there were. */
static enum taken take_all(struct procpool_iterator *iterator, bool ordered, uint64_t *n,
                           uint64_t *sum, struct err *err)
{
    struct procpool_error error;
    struct procpool_item item;
    *n = *sum = 0;
    while (procpool_next(iterator, PROCPOOL_FOREVER, &item, &error) == 0) {
        if (ordered && item.index != *n) {
            err_set(err, "procpool_imap: item %" PRIu64 " in the place of %" PRIu64, item.index,
                    *n);
            return WRONG;
        }
        *sum += item.index;
        ++*n;
    }
    return error.code == PROCPOOL_END ? TAKEN : wrong(err, "procpool_next", &error);
}

static enum taken take_imap(void *subject, const struct sampler *sampler, struct sample *sample,
                            struct err *err)
{
    struct own *own = subject;
    bool ordered = sampler->engine == ORDERED;
    struct procpool_error error;
    struct procpool_call call = {.function = null_task, .n = size_of(own, 20000, 5000), .chunk = 1};
    uint64_t n, sum, start = clock_now_ns();
    struct procpool_iterator *iterator = ordered
                                             ? procpool_imap(own->pool, &call, &error)
                                             : procpool_imap_unordered(own->pool, &call, &error);
    if (!iterator)
        return wrong(err, "procpool_imap", &error);
    enum taken taken = take_all(iterator, ordered, &n, &sum, err);
    uint64_t end = clock_now_ns();
    procpool_iterator_free(iterator);
    if (taken != TAKEN)
        return taken;
    if (n != call.n || sum != n * (n - 1) / 2) {
        err_set(err, "an iterator gave %" PRIu64 " items of %" PRIu64, n, call.n);
        return WRONG;
    }
    return one_value(sample, n, seconds_each(start, end, n));
}

/* --- making pools ----------------------------------------------------------------------------- */

static struct procpool *new_pool(const struct own *own, struct err *err)
{
    struct procpool_error error;
    struct procpool *pool =
        procpool_new(&(struct procpool_options){.processes = own->load.workers}, &error);
    if (!pool)
        wrong(err, "procpool_new", &error);
    return pool;
}

static enum taken take_create(void *subject, const struct sampler *sampler, struct sample *sample,
                              struct err *err)
{
    struct own *own = subject;
    (void)sampler;
    uint64_t n = size_of(own, 10, 4), start = clock_now_ns();
    for (uint64_t i = 0; i < n; i++) {
        struct procpool *pool = new_pool(own, err);
        if (!pool)
            return WRONG;
        procpool_free(pool);
    }
    return one_value(sample, n, seconds_each(start, clock_now_ns(), n));
}

/* From the call of procpool_new to the first result. */
static enum taken take_first(void *subject, const struct sampler *sampler, struct sample *sample,
                             struct err *err)
{
    struct own *own = subject;
    (void)sampler;
    struct procpool_error error;
    uint64_t n = size_of(own, 10, 4), spent = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t result = 0, start = clock_now_ns();
        struct procpool *pool = new_pool(own, err);
        if (!pool)
            return WRONG;
        int status = procpool_apply(pool, add_one, &i, sizeof i, &result, sizeof result, &error);
        spent += clock_now_ns() - start;
        procpool_free(pool);
        if (status != 0)
            return wrong(err, "procpool_apply", &error);
        if (result != i + 1) {
            err_set(err, "the first result of a pool is wrong");
            return WRONG;
        }
    }
    return one_value(sample, n, seconds_each(0, spent, n));
}

/* --- what a pool's processes use -------------------------------------------------------------- */

/* The number behind `name` in a file of /proc ("Pss: 12 kB"); -1 where there is none. */
static int64_t read_field(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    char line[256];
    int64_t value = -1;
    while (file && value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtoll(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

static pid_t parent_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    return (pid_t)read_field(path, "PPid:");
}

/* Process k of a pool: its workers, then their parent, which the pool forks them from, then this
 * one. */
static pid_t process_of(const struct procpool *pool, int workers, int k)
{
    if (k > workers)
        return getpid();
    return k < workers ? procpool_worker_pid(pool, (uint32_t)k)
                       : parent_of(procpool_worker_pid(pool, 0));
}

/* The memory of all of them in bytes, each shared page counted once; -1 where it is not told. */
static double memory_of(const struct procpool *pool, int workers)
{
    double bytes = 0;
    for (int k = 0; k < workers + 2; k++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)process_of(pool, workers, k));
        int64_t kib = read_field(path, "Pss:");
        if (kib < 0)
            return -1;
        bytes += (double)kib * 1024;
    }
    return bytes;
}

/* The CPU time in ns of all but this one; -1 where it is not told. */
static double cpu_time_of(const struct procpool *pool, int workers)
{
    double ns = 0;
    for (int k = 0; k < workers + 1; k++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/schedstat", (int)process_of(pool, workers, k));
        int64_t used = read_field(path, "");
        if (used < 0)
            return -1;
        ns += (double)used;
    }
    return ns;
}

/* What a launch gives of the two seconds for which the whole run looks. */
static enum taken take_idle(void *subject, const struct sampler *sampler, struct sample *sample,
                            struct err *err)
{
    struct own *own = subject;
    (void)sampler;
    clock_sleep_ns(20000000);
    uint64_t start = clock_now_ns();
    double used = cpu_time_of(own->pool, own->load.workers);
    clock_sleep_ns(size_of(own, 300000000, 100000000));
    double used_then = cpu_time_of(own->pool, own->load.workers);
    uint64_t ns = clock_now_ns() - start;
    if (used < 0 || used_then < 0) {
        err_set(err, "the kernel tells no CPU times in /proc/PID/schedstat");
        return SKIPPED;
    }
    return one_value(sample, 1, (used_then - used) / (double)ns * 100);
}

/* --- very many items -------------------------------------------------------------------------- */

static enum taken take_many(void *subject, const struct sampler *sampler, struct sample *sample,
                            struct err *err)
{
    struct own *own = subject;
    struct procpool_call call = {.function = null_task,
                                 .n = size_of(own, 100000000, 10000000),
                                 .engine = (enum procpool_engine)sampler->engine};
    double seconds, before = memory_of(own->pool, own->load.workers);
    if (timed_map(own, &call, &seconds, err) != TAKEN)
        return WRONG;
    double after = memory_of(own->pool, own->load.workers);
    *sample = (struct sample){call.n, before < 0 ? 1 : 3, {seconds, before, after}};
    return TAKEN;
}

/* --- large results ---------------------------------------------------------------------------- */

/* What item `index` fills its result with. */
static uint64_t word_of(uint64_t index)
{
    return rng_mix(index);
}

/* Fills the result, and notes where the worker sees it. */
static int fill(struct procpool_task *task)
{
    uint64_t *words = task->result, word = word_of(task->index);
    for (size_t i = 0; i < task->result_bytes / sizeof word; i++)
        words[i] = word;
    ((void **)task->context)[task->index] = task->result;
    return 0;
}

/* Whether every page holds what its item wrote, at the address at which the worker wrote it. */
static enum taken check_pages(const char *results, void **addresses, uint64_t n, struct err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        const char *result = results + i * MIB;
        bool same = addresses[i] == result;
        for (size_t at = 0; same && at < MIB; at += PAGE)
            same = *(const uint64_t *)(const void *)(result + at) == word_of(i);
        if (!same) {
            err_set(err, "the result of item %" PRIu64 " is not where its worker wrote it", i);
            return WRONG;
        }
    }
    return TAKEN;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Bytes that may still be taken: of the machine and, where there is one, of this control group. */
static int64_t free_memory(void)
{
    int64_t bytes = read_field("/proc/meminfo", "MemAvailable:") * 1024;
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "r");
    if (file) {
        int64_t most, used = read_field("/sys/fs/cgroup/memory.current", "");
        if (fscanf(file, "%" SCNd64, &most) == 1 && used >= 0)
            bytes = least(bytes, most - used);
        fclose(file);
    }
    return bytes;
}

static enum taken fill_pool(const struct own *own, struct procpool *pool, uint64_t n,
                            struct sample *sample, struct err *err)
{
    struct procpool_error error;
    char *results = procpool_alloc(pool, n * MIB, &error);
    void **addresses = results ? procpool_alloc(pool, n * sizeof *addresses, &error) : NULL;
    if (!addresses)
        return wrong(err, "procpool_alloc", &error);
    struct procpool_call call = {.function = fill,
                                 .context = addresses,
                                 .n = n,
                                 .results = results,
                                 .result_bytes = MIB,
                                 .chunk = 1};
    double before = memory_of(pool, own->load.workers);
    uint64_t start = clock_now_ns();
    if (procpool_map(pool, &call, &error) != 0)
        return wrong(err, "procpool_map", &error);
    double seconds = seconds_each(start, clock_now_ns(), 1);
    if (check_pages(results, addresses, n, err) != TAKEN)
        return WRONG;
    double after = memory_of(pool, own->load.workers);
    *sample =
        (struct sample){n, before < 0 ? 1 : 2, {seconds, (after - before) / (double)(n * MIB)}};
    return TAKEN;
}

/* Results that the tasks write in place: the time, and the memory that they cost per byte. In a
 * pool of its own, whose memory goes with it. */
static enum taken take_in_place(void *subject, const struct sampler *sampler, struct sample *sample,
                                struct err *err)
{
    struct own *own = subject;
    (void)sampler;
    uint64_t n = size_of(own, 1024, 64);
    if (free_memory() < (int64_t)(3 * n * MIB)) {
        err_set(err, "less than %" PRIu64 " MiB of memory are free", 3 * n);
        return SKIPPED;
    }
    struct procpool *pool = new_pool(own, err);
    if (!pool)
        return WRONG;
    enum taken taken = fill_pool(own, pool, n, sample, err);
    procpool_free(pool);
    return taken;
}

/* --- the subject ------------------------------------------------------------------------------ */

static const struct sampler samplers[] = {
    {"map", take_map, .engine = PROCPOOL_IN_ORDER, .chunk = 1},
    {"map_64", take_map, .engine = PROCPOOL_IN_ORDER, .chunk = 64},
    {"map_stealing", take_map, .engine = PROCPOOL_STEALING, .chunk = 1},
    {"apply", take_apply, .pause_ns = 0},
    {"apply_asleep", take_apply, .pause_ns = 5000000},
    {"apply_async", take_apply_async, .chunk = 1},
    {"imap", take_imap, .engine = ORDERED},
    {"imap_unordered", take_imap, .engine = UNORDERED},
    {"create", take_create, .chunk = 1},
    {"first", take_first, .chunk = 1},
    {"idle", take_idle, .chunk = 1},
    {"many", take_many, .engine = PROCPOOL_IN_ORDER},
    {"many_stealing", take_many, .engine = PROCPOOL_STEALING},
    {"in_place", take_in_place, .chunk = 1},
};

int procpool_subject(FILE *in, FILE *out, const struct load *load)
{
    struct own own = {.load = *load};
    struct err err;
    struct procpool_error error;
    pin_remember();
    own.pool = new_pool(&own, &err);
    if (!own.pool) {
        fprintf(out, "absent %s\n", err.text);
        return 1;
    }
    own.tallies = procpool_alloc(own.pool, (size_t)load->workers * sizeof *own.tallies, &error);
    own.n_workers = procpool_alloc(own.pool, sizeof *own.n_workers, &error);
    if (!own.tallies || !own.n_workers) {
        fprintf(out, "absent %s\n", error.text);
        procpool_free(own.pool);
        return 1;
    }
    *own.n_workers = load->workers;
    int status = serve(in, out, "procpool", samplers, sizeof samplers / sizeof *samplers, &own);
    procpool_free(own.pool);
    return status;
}
