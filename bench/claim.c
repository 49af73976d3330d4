/* bench/claim: what a claim costs, without a pool around it.
 *
 *     claim [WORKERS [ROUNDS [ITEMS]]]     2 processes, 31 rounds, 400000 items
 *
 * Processes over shared memory, each on a CPU of its own where there are enough, run null tasks
 * through a pointer and claim each by itself: by a bare fetch_add, which is the floor of any order
 * that all share; by sched/ticket.h; by sched/range.h; or not at all. Rounds go through all of them
 * in turn. Per task: the time from the first start to the last end, by the number of tasks. Sums of
 * indices are checked; the exit status is 1 where one is wrong.
 */
#include "base/clock.h"
#include "sched/range.h"
#include "sched/ticket.h"
#include "stats/stats.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 128, MOST_WORKERS = 64 };

/* What a worker tells of a round. */
struct result {
    alignas(LINE) uint64_t start, end;
    uint64_t n, sum;
};

struct shared {
    alignas(LINE) _Atomic uint32_t ready;
    alignas(LINE) _Atomic uint64_t counter;
    struct ticket ticket;
    struct result results[MOST_WORKERS];
    struct range ranges[MOST_WORKERS];
    struct ledger ledgers[MOST_WORKERS];
};

struct round {
    struct shared *shared;
    uint32_t workers;
    uint64_t n;
};

typedef void task_function(uint64_t index, struct result *result);

static void null_task(uint64_t index, struct result *result)
{
    result->n++;
    result->sum += index;
}

static task_function *volatile task = null_task;

/* --- ways to claim ---------------------------------------------------------------------------- */

static void claim_nothing(const struct round *round, uint32_t worker, struct result *result)
{
    task_function *run = task;
    uint64_t end = round->n * (worker + 1) / round->workers;
    for (uint64_t i = round->n * worker / round->workers; i < end; i++)
        run(i, result);
}

static void claim_by_fetch_add(const struct round *round, uint32_t worker, struct result *result)
{
    (void)worker;
    task_function *run = task;
    _Atomic uint64_t *counter = &round->shared->counter;
    for (uint64_t i; (i = atomic_fetch_add_explicit(counter, 1, memory_order_relaxed)) < round->n;)
        run(i, result);
}

/* Once all others were seen out of the window, what was given before is accounted for. */
static void settle(const struct round *round, uint32_t worker)
{
    struct shared *shared = round->shared;
    uint64_t given = ticket_given(&shared->ticket);
    for (uint32_t w = 0; w < round->workers; w++)
        while (w != worker && ledger_is_in_window(&shared->ledgers[w]))
            sched_yield();
    ticket_account(&shared->ticket, given);
}

static void claim_by_ticket(const struct round *round, uint32_t worker, struct result *result)
{
    task_function *run = task;
    struct ticket *ticket = &round->shared->ticket;
    struct ledger *ledger = &round->shared->ledgers[worker];
    for (uint64_t i; ticket_next(ticket, ledger, &i);) {
        run(i, result);
        while (ledger_is_full(ledger, ticket))
            settle(round, worker);
    }
}

/* Makes a part of another's range the worker's own; false when there seems to be none. */
static bool steal(const struct round *round, uint32_t worker)
{
    struct range *ranges = round->shared->ranges, *own = &ranges[worker];
    bool stolen = false;
    range_lock(own, worker);
    for (uint32_t k = 1; k < round->workers && !stolen; k++) {
        uint32_t v = (worker + k) % round->workers;
        uint64_t mid, end;
        stolen = range_cut(own, &ranges[v], worker, v, 1, &mid, &end);
        if (stolen)
            range_keep(own, &ranges[v], mid, end);
    }
    range_unlock(own);
    return stolen;
}

static void claim_by_range(const struct round *round, uint32_t worker, struct result *result)
{
    task_function *run = task;
    do {
        for (uint64_t i, end; range_take(&round->shared->ranges[worker], worker, 1, &i, &end);)
            run(i, result);
    } while (steal(round, worker));
}

static const struct way {
    const char *name;
    void (*claim)(const struct round *round, uint32_t worker, struct result *result);
} ways[] = {
    {"nothing", claim_nothing},
    {"fetch_add", claim_by_fetch_add},
    {"ticket_next", claim_by_ticket},
    {"range_take", claim_by_range},
};

enum { N_WAYS = sizeof ways / sizeof *ways };

/* --- rounds ----------------------------------------------------------------------------------- */

static _Noreturn void be_worker(const struct round *round, const struct way *way, uint32_t worker)
{
    struct shared *shared = round->shared;
    struct result result = {0}; /* private while it runs */
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(worker % (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus); /* where that is refused, it floats */
    atomic_fetch_add(&shared->ready, 1);
    while (atomic_load(&shared->ready) < round->workers)
        if (round->workers > (uint32_t)sysconf(_SC_NPROCESSORS_ONLN))
            sched_yield();
    result.start = clock_now_ns();
    way->claim(round, worker, &result);
    result.end = clock_now_ns();
    shared->results[worker] = result;
    _exit(0);
}

static void set_up(const struct round *round)
{
    struct shared *shared = round->shared;
    memset(shared, 0, sizeof *shared);
    ticket_init(&shared->ticket, round->n);
    for (uint32_t w = 0; w < round->workers; w++)
        range_open(&shared->ranges[w], round->n * w / round->workers,
                   round->n * (w + 1) / round->workers);
}

/* The time per task in ns; ends the program where something is wrong. */
static double time_way(const struct round *round, const struct way *way)
{
    set_up(round);
    for (uint32_t w = 0; w < round->workers; w++) {
        pid_t pid = fork();
        if (pid == 0)
            be_worker(round, way, w);
        if (pid < 0) {
            perror("bench/claim: fork");
            _exit(1);
        }
    }
    while (wait(NULL) > 0)
        ;
    uint64_t start = UINT64_MAX, end = 0, n = 0, sum = 0;
    for (uint32_t w = 0; w < round->workers; w++) {
        const struct result *result = &round->shared->results[w];
        start = result->start < start ? result->start : start;
        end = result->end > end ? result->end : end;
        n += result->n;
        sum += result->sum;
    }
    if (n != round->n || sum != n * (n - 1) / 2) {
        fprintf(stderr, "bench/claim: %s: %llu items of %llu, or the wrong ones\n", way->name,
                (unsigned long long)n, (unsigned long long)round->n);
        exit(1);
    }
    return (double)(end - start) / (double)n;
}

static uint64_t argument(int argc, char **argv, int k, uint64_t otherwise, uint64_t most)
{
    char *end;
    uint64_t value = argc > k ? strtoull(argv[k], &end, 10) : otherwise;
    if (value < 1 || value > most || (argc > k && (*end || argv[k][0] == '-'))) {
        fprintf(stderr, "usage: claim [WORKERS (1-%d) [ROUNDS [ITEMS]]]\n", MOST_WORKERS);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    struct round round = {.workers = (uint32_t)argument(argc, argv, 1, 2, MOST_WORKERS)};
    size_t rounds = argument(argc, argv, 2, 31, 100000);
    round.n = argument(argc, argv, 3, 400000, 1u << 31);
    round.shared =
        mmap(NULL, sizeof *round.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double *times = calloc(N_WAYS * rounds, sizeof *times);
    if (round.shared == MAP_FAILED || !times) {
        perror("bench/claim");
        return 1;
    }
    for (size_t r = 0; r < rounds; r++)
        for (size_t k = 0; k < N_WAYS; k++) {
            size_t way = (k + r) % N_WAYS;
            times[way * rounds + r] = time_way(&round, &ways[way]);
        }
    printf("%u workers, %llu items each claimed by itself, %zu rounds; ns per task\n",
           round.workers, (unsigned long long)round.n, rounds);
    for (size_t way = 0; way < N_WAYS; way++) {
        struct estimate estimate = stats_estimate(times + way * rounds, NULL, rounds);
        printf("  %-12s %7.2f", ways[way].name, estimate.median);
        if (estimate.median_ci.known)
            printf("  [%.2f, %.2f]", estimate.median_ci.low, estimate.median_ci.high);
        putchar('\n');
    }
    free(times);
    return 0;
}
