/* Tickets and ranges in the hands of many, threads and processes: everything is run exactly once,
 * however sizes and workers fit, also when workers are killed at random points again and again. */
#include "claims.h"

#include "base/rng.h"

#include <pthread.h>
#include <sys/wait.h>

enum { MOST_WORKERS = 13, N_COUNTS = 4 };

static const uint32_t worker_counts[N_COUNTS] = {1, 2, 5, 13};
static const uint64_t sizes[] = {0, 1, 2, 4, 5, 7, 64, 1001};
static const uint64_t chunks[] = {1, 3, 1000};

enum { N_SIZES = sizeof sizes / sizeof *sizes, N_CHUNKS = sizeof chunks / sizeof *chunks };

/* --- what they share -------------------------------------------------------------------------- */

/* What workers share: a ticket or ranges, and how often each item was run. */
struct arena {
    uint64_t n, chunk;
    uint32_t workers;
    bool stealing;
    struct ticket ticket;
    struct ledger ledgers[MOST_WORKERS];
    _Atomic uint64_t front[MOST_WORKERS]; /* stealing: the first item of the chunk being run */
    struct range ranges[MOST_WORKERS];
    _Atomic uint32_t runs[];
};

static struct arena *arena_of(uint64_t n, uint32_t workers, uint64_t chunk, bool stealing)
{
    struct arena *arena = shared(sizeof *arena + n * sizeof arena->runs[0]);
    *arena = (struct arena){.n = n, .chunk = chunk, .workers = workers, .stealing = stealing};
    ticket_init(&arena->ticket, (n + chunk - 1) / chunk);
    for (uint32_t w = 0; stealing && w < workers; w++) {
        range_open(&arena->ranges[w], n * w / workers, n * (w + 1) / workers);
        arena->front[w] = n * w / workers;
    }
    return arena;
}

static void arena_run(struct arena *arena, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        atomic_fetch_add(&arena->runs[i], 1);
}

static void arena_run_block(struct arena *arena, uint64_t block)
{
    uint64_t first = block * arena->chunk;
    arena_run(arena, first, arena->n - first < arena->chunk ? arena->n : first + arena->chunk);
}

/* Waits until nobody else is in the window, as the pool's workers do. */
static void arena_settle(struct arena *arena, uint32_t worker)
{
    uint64_t given = ticket_given(&arena->ticket);
    for (uint32_t w = 0; w < arena->workers; w++)
        while (w != worker && ledger_is_in_window(&arena->ledgers[w]))
            sched_yield();
    ticket_account(&arena->ticket, given);
}

static bool arena_next_block(struct arena *arena, uint32_t worker, uint64_t *block)
{
    struct ledger *ledger = &arena->ledgers[worker];
    while (ledger_is_full(ledger, &arena->ticket))
        arena_settle(arena, worker);
    return ticket_next(&arena->ticket, ledger, block);
}

static bool arena_steal(struct arena *arena, uint32_t worker)
{
    struct range *own = &arena->ranges[worker];
    bool kept = false;
    range_lock(own, worker);
    for (uint32_t k = 1; k < arena->workers && !kept; k++) {
        uint32_t from = (worker + k) % arena->workers;
        uint64_t mid, end;
        kept = range_cut(own, &arena->ranges[from], worker, from, arena->chunk, &mid, &end);
        if (kept) {
            atomic_store(&arena->front[worker], mid);
            range_keep(own, &arena->ranges[from], mid, end);
        }
    }
    range_unlock(own);
    return kept;
}

/* All that a worker does, thread or process. */
static void arena_work(struct arena *arena, uint32_t worker)
{
    uint64_t block, first, end, before = 0;
    if (!arena->stealing) {
        while (arena_next_block(arena, worker, &block)) {
            if (block < before)
                abort(); /* not in order */
            before = block + 1;
            arena_run_block(arena, block);
        }
        return;
    }
    do {
        while (range_take(&arena->ranges[worker], worker, arena->chunk, &first, &end)) {
            atomic_store(&arena->front[worker], first);
            arena_run(arena, first, end);
        }
    } while (arena_steal(arena, worker));
}

static void assert_each_once(const struct arena *arena)
{
    for (uint64_t i = 0; i < arena->n; i++)
        ck_assert_msg(arena->runs[i] == 1, "item %lu of %lu was run %u times", (unsigned long)i,
                      (unsigned long)arena->n, arena->runs[i]);
}

struct member {
    struct arena *arena;
    uint32_t worker;
    pthread_t thread;
};

static void *member_works(void *data)
{
    struct member *member = data;
    arena_work(member->arena, member->worker);
    return NULL;
}

static pid_t fork_worker(struct arena *arena, uint32_t worker)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        arena_work(arena, worker);
        _exit(0);
    }
    return pid;
}

/* --- in peace --------------------------------------------------------------------------------- */

START_TEST(threads_run_each_once)
{
    for (int k = 0; k < N_SIZES * N_CHUNKS; k++) {
        uint32_t workers = worker_counts[_i / 2];
        struct arena *arena =
            arena_of(sizes[k % N_SIZES], workers, chunks[k / N_SIZES], _i % 2 == 1);
        struct member members[MOST_WORKERS];
        for (uint32_t w = 0; w < workers; w++) {
            members[w] = (struct member){.arena = arena, .worker = w};
            ck_assert_int_eq(pthread_create(&members[w].thread, NULL, member_works, &members[w]),
                             0);
        }
        for (uint32_t w = 0; w < workers; w++)
            pthread_join(members[w].thread, NULL);
        assert_each_once(arena);
    }
}
END_TEST

START_TEST(processes_run_each_once)
{
    for (int k = 0; k < N_SIZES * N_CHUNKS; k++) {
        if (!UNIT_RUNS(k + k / N_SIZES + _i))
            continue;
        uint32_t workers = worker_counts[_i / 2];
        struct arena *arena =
            arena_of(sizes[k % N_SIZES], workers, chunks[k / N_SIZES], _i % 2 == 1);
        for (uint32_t w = 0; w < workers; w++)
            fork_worker(arena, w);
        for (uint32_t w = 0; w < workers; w++) {
            int status;
            ck_assert_int_gt(wait(&status), 0);
            ck_assert_int_eq(status, 0);
        }
        assert_each_once(arena);
    }
}
END_TEST

static void *member_stops(void *data)
{
    struct member *member = data;
    while (ticket_given(&member->arena->ticket) < 500)
        sched_yield();
    ticket_stop(&member->arena->ticket);
    return NULL;
}

/* Two stop while two take: what was given before the stop is run, and nothing after it. */
START_TEST(threads_stop_a_ticket)
{
    struct arena *arena = arena_of(100000, 2, 1, false);
    struct member members[4];
    for (uint32_t w = 0; w < 4; w++) {
        members[w] = (struct member){.arena = arena, .worker = w};
        void *(*body)(void *) = w < 2 ? member_works : member_stops;
        ck_assert_int_eq(pthread_create(&members[w].thread, NULL, body, &members[w]), 0);
    }
    for (uint32_t w = 0; w < 4; w++)
        pthread_join(members[w].thread, NULL);
    uint64_t given = ticket_given(&arena->ticket);
    ck_assert_uint_ge(given, 500);
    for (uint64_t i = 0; i < arena->n; i++)
        ck_assert_uint_eq(arena->runs[i], i < given);
}
END_TEST

/* --- dying ------------------------------------------------------------------------------------ */

enum { DEATHS = UNIT_REPEATS(40), DYING_ITEMS = 4000, MOST_PASSING = 60 };

static pid_t fork_dying_worker(struct arena *arena, uint32_t worker, uint64_t passing)
{
    script.point = NULL;
    script.is_killed = true;
    script.passing = passing;
    pid_t pid = fork_worker(arena, worker);
    script.passing = 0;
    return pid;
}

static void run_what_was_not(struct arena *arena, uint64_t first, uint64_t end)
{
    for (; first < end; first++)
        if (arena->runs[first] == 0)
            arena_run(arena, first, first + 1);
}

/* Notes what the dead was given in the window. False: somebody who lives is in it. */
static bool note_in_its_place(struct arena *arena, uint32_t dead, const bool *is_dead)
{
    static const bool skip[MOST_WORKERS];
    struct ledger *ledger = &arena->ledgers[dead];
    uint64_t given = ticket_given(&arena->ticket), block;
    if (!ledger_is_in_window(ledger))
        return true;
    for (uint32_t w = 0; w < arena->workers; w++)
        if (!is_dead[w] && ledger_is_in_window(&arena->ledgers[w]))
            return false;
    if (ticket_missing(&arena->ticket, arena->ledgers, sizeof *arena->ledgers, arena->workers, skip,
                       given, &block) == TICKET_FOUND) {
        ledger_note(ledger, block);
        arena_run_block(arena, block);
    }
    atomic_store(&ledger->begun, atomic_load(&ledger->count));
    return true;
}

/* Runs what the dead had been given and had not run. False: not yet. */
static bool settle_ticket(struct arena *arena, uint32_t dead, const bool *is_dead)
{
    uint64_t last = last_of(&arena->ledgers[dead]);
    if (last > 0 && !ledger_is_in_window(&arena->ledgers[dead])) {
        uint64_t first = (last - 1) * arena->chunk;
        bool is_short = arena->n - first < arena->chunk;
        run_what_was_not(arena, first, is_short ? arena->n : first + arena->chunk);
    }
    return note_in_its_place(arena, dead, is_dead);
}

static bool settle_range(struct arena *arena, uint32_t dead)
{
    struct range *range = &arena->ranges[dead];
    range_undo(arena->ranges, sizeof *range, arena->workers, dead);
    if (!range_inherit_lock(range, dead, arena->workers))
        return false;
    uint64_t taken = range->taken, back = range->back, end = taken < back ? taken : back;
    range_open(range, end, back);
    range_unlock(range);
    run_what_was_not(arena, arena->front[dead], end);
    return true;
}

/* Workers are killed at random points, each number replaced at once; what the dead leave is known
 * exactly, whoever else is at it. */
START_TEST(deaths_leave_nothing_unknown)
{
    bool is_stealing = _i % 2 == 1, is_dead[MOST_WORKERS] = {false};
    uint32_t workers = worker_counts[1 + _i / 2 % 3], n_deaths = 0, alive = 0, unsettled = 0;
    struct arena *arena = arena_of(DYING_ITEMS, workers, _i / 6 ? 1 : CHUNK, is_stealing);
    pid_t pids[MOST_WORKERS] = {0};
    struct rng rng;
    rng_seed(&rng, (uint64_t)_i + 1);
    for (; alive < workers; alive++)
        pids[alive] = fork_dying_worker(arena, alive, 1 + rng_below(&rng, MOST_PASSING));
    while (alive > 0 || unsettled > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, unsettled > 0 ? WNOHANG : 0);
        for (uint32_t w = 0; w < workers; w++) {
            if (pid > 0 && pids[w] == pid) {
                pids[w] = 0;
                alive--;
                if (status == 0)
                    continue;
                ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
                is_dead[w] = true;
                unsettled++;
                n_deaths++;
            }
            if (is_dead[w] &&
                (is_stealing ? settle_range(arena, w) : settle_ticket(arena, w, is_dead))) {
                is_dead[w] = false;
                unsettled--;
                alive++;
                uint64_t passing =
                    n_deaths < DEATHS ? 1 + rng_below(&rng, MOST_PASSING) : UINT64_MAX;
                pids[w] = fork_dying_worker(arena, w, passing);
            }
        }
    }
    ck_assert_uint_ge(n_deaths, workers);
    assert_each_once(arena);
}
END_TEST

UNIT_MAIN("claims of many", UNIT_LOOP(threads_run_each_once, 0, 2 * N_COUNTS),
          UNIT_LOOP(processes_run_each_once, 0, 2 * N_COUNTS), threads_stop_a_ticket,
          UNIT_LOOP(deaths_leave_nothing_unknown, 0, 12))
