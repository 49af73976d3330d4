/* The claim engine in the hands of one, of threads and of processes: under every rule each task is
 * handed out exactly once, sizes are those of the rule, thieves take halves, everybody comes home;
 * what workers tell of their past is what the others read. */
#include "unit.h"

#include "base/rng.h"
#include "sched/claim.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORKERS = 13, N_COUNTS = 4, MOST_TASKS = 1009 };

static const uint32_t worker_counts[N_COUNTS] = {1, 2, 5, 13};
static const uint64_t sizes[] = {0, 1, 7, 64, MOST_TASKS};
static const uint64_t chunks[] = {0, 3, 2000};

enum { N_SIZES = sizeof sizes / sizeof *sizes, N_CHUNKS = sizeof chunks / sizeof *chunks };

static struct err err;

/* --- what workers share ----------------------------------------------------------------------- */

struct arena {
    _Atomic uint32_t runs[MOST_TASKS];
    alignas(CLAIM_LINE) char claim[]; /* a struct claim */
};

static struct claim *claim_in(struct arena *arena)
{
    return (struct claim *)arena->claim;
}

/* Memory that forked processes share, for lists one after the other. */
static struct arena *arena_new(void)
{
    size_t bytes = sizeof(struct arena) + claim_bytes(MOST_WORKERS);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

/* A claim by itself. */
static struct claim *claim_new(const struct sched *s)
{
    struct claim *claim = claim_in(arena_new());
    claim_init(claim, s);
    return claim;
}

static struct claim_view view_of(const struct sched *s)
{
    struct claim_view view = {.pasts = NULL};
    ck_assert_msg(claim_view_open(&view, s, &err) == 0, "%s", err.text);
    return view;
}

/* Claims until there is nothing left. Returns the number of chunks that were not right. */
static uint64_t drain(struct arena *arena, const struct claim_view *view, uint32_t worker)
{
    struct claim *claim = claim_in(arena);
    struct claim_hand hand = claim_hand_of(claim, view, worker);
    uint64_t first, count, mistakes = 0;
    while (claim_next(&hand, &first, &count)) {
        if (count < 1 || first >= claim->sched.n || count > claim->sched.n - first)
            return mistakes + 1;
        for (uint64_t i = first; i < first + count; i++)
            mistakes += atomic_fetch_add(&arena->runs[i], 1) != 0;
        if (claim->sched.class == SCHED_ADAPTIVE)
            claim_report(&hand, count, count * (10 + 7 * worker), 5);
    }
    return mistakes + claim_next(&hand, &first, &count); /* and it stays so */
}

static void assert_each_once(struct arena *arena)
{
    const struct sched *s = &claim_in(arena)->sched;
    for (uint64_t i = 0; i < s->n; i++)
        ck_assert_msg(arena->runs[i] == 1,
                      "%s, n %" PRIu64 ", chunk %" PRIu64 ", %u workers: task %" PRIu64
                      " was handed out %u times",
                      sched_rule_of(s->kind)->name, s->n, s->chunk, s->workers, i, arena->runs[i]);
}

/* All lists that are tried under a rule with so many workers, one by one: 0 ≤ k < N_LISTS. */
enum { N_LISTS = N_SIZES * N_CHUNKS };

static struct sched list_of(const struct sched_rule *rule, uint32_t workers, int k)
{
    return sched_resolve(rule->kind, sizes[k % N_SIZES], workers, chunks[k / N_SIZES]);
}

/* --- in order --------------------------------------------------------------------------------- */

/* Whoever asks: the chunks are those of the rule, in its order. */
START_TEST(known_chunks_come_in_order)
{
    struct rng rng;
    rng_seed(&rng, 5);
    for (const struct sched_rule *rule = sched_table; rule->name; rule++) {
        for (int k = 0; k < N_LISTS && rule->class & (SCHED_CONSTANT | SCHED_SEQUENCE); k++) {
            struct sched s = list_of(rule, worker_counts[_i], k);
            struct claim *claim = claim_new(&s);
            struct claim_view view = view_of(&s);
            struct claim_hand hands[MOST_WORKERS];
            struct sched_walk walk = {0};
            uint64_t first, count, is_first, is_count;
            for (uint32_t w = 0; w < s.workers; w++)
                hands[w] = claim_hand_of(claim, &view, w);
            while (sched_walk(&s, &walk, &first, &count)) {
                ck_assert(claim_next(&hands[rng_below(&rng, s.workers)], &is_first, &is_count));
                ck_assert_msg(is_first == first && is_count == count,
                              "%s: [%" PRIu64 ", +%" PRIu64 ") instead of [%" PRIu64 ", +%" PRIu64
                              ")",
                              rule->name, is_first, is_count, first, count);
            }
            for (uint32_t w = 0; w < s.workers; w++)
                ck_assert(!claim_next(&hands[w], &is_first, &is_count));
            claim_view_release(&view);
        }
    }
}
END_TEST

START_TEST(fixed_chunks_are_each_workers_own)
{
    for (int k = 0; k < N_LISTS; k++) {
        struct sched s = list_of(sched_rule_of(SCHED_STATIC), worker_counts[_i], k);
        struct claim *claim = claim_new(&s);
        struct claim_view view = view_of(&s);
        for (uint32_t w = s.workers; w-- > 0;) {
            struct claim_hand hand = claim_hand_of(claim, &view, w);
            uint64_t first, count, is_first, is_count;
            for (uint64_t turn = 0; sched_static_chunk(&s, w, turn, &first, &count); turn++) {
                ck_assert(claim_next(&hand, &is_first, &is_count));
                ck_assert_uint_eq(is_first, first);
                ck_assert_uint_eq(is_count, count);
            }
            ck_assert(!claim_next(&hand, &is_first, &is_count));
        }
    }
}
END_TEST

/* --- by many ---------------------------------------------------------------------------------- */

/* The root lays out list after list; the workers, threads or processes, drain each together, and
 * wait for each other in between. */
struct crew {
    struct arena *arena;
    const struct sched *lists;
    int n_lists;
    uint32_t workers;
    _Atomic uint32_t laid_out, drained; /* lists; lists × workers */
    _Atomic uint64_t mistakes;
};

static struct crew *crew_new(uint32_t workers, const struct sched *lists, int n_lists)
{
    struct crew *crew =
        mmap(NULL, sizeof *crew, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(crew, MAP_FAILED);
    *crew =
        (struct crew){.arena = arena_new(), .lists = lists, .n_lists = n_lists, .workers = workers};
    return crew;
}

static void wait_for(_Atomic uint32_t *counter, uint32_t value)
{
    while (atomic_load(counter) < value)
        sched_yield();
}

static void crew_work(struct crew *crew, uint32_t worker)
{
    struct claim_view view = {.pasts = NULL};
    for (int k = 0; k < crew->n_lists; k++) {
        wait_for(&crew->laid_out, (uint32_t)k + 1);
        crew->mistakes += claim_view_open(&view, &crew->lists[k], &err) != 0 ||
                          drain(crew->arena, &view, worker) > 0;
        crew->drained++;
    }
    claim_view_release(&view);
}

static void crew_lead(struct crew *crew)
{
    for (int k = 0; k < crew->n_lists; k++) {
        memset(crew->arena->runs, 0, sizeof crew->arena->runs);
        claim_init(claim_in(crew->arena), &crew->lists[k]);
        crew->laid_out++;
        wait_for(&crew->drained, crew->workers * ((uint32_t)k + 1));
        assert_each_once(crew->arena);
    }
    ck_assert_uint_eq(crew->mistakes, 0);
}

struct member {
    struct crew *crew;
    uint32_t worker;
    pthread_t thread;
};

static void *member_works(void *data)
{
    struct member *member = data;
    crew_work(member->crew, member->worker);
    return NULL;
}

static void run_threads(struct crew *crew)
{
    struct member members[MOST_WORKERS];
    for (uint32_t w = 0; w < crew->workers; w++) {
        members[w] = (struct member){.crew = crew, .worker = w};
        ck_assert_int_eq(pthread_create(&members[w].thread, NULL, member_works, &members[w]), 0);
    }
    crew_lead(crew);
    for (uint32_t w = 0; w < crew->workers; w++)
        pthread_join(members[w].thread, NULL);
}

/* Each process has a view of its own. */
static void run_processes(struct crew *crew)
{
    for (uint32_t w = 0; w < crew->workers; w++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            crew_work(crew, w);
            _exit(0);
        }
    }
    crew_lead(crew);
    for (uint32_t w = 0; w < crew->workers; w++) {
        int status;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
}

/* All lists under all rules but the OpenMP runtime's own, which have no chunks here. */
static bool is_ours(const struct sched_rule *rule)
{
    return rule->class != SCHED_RUNTIMES;
}

enum { MOST_LISTS = 64 * N_LISTS };

static int all_lists(uint32_t workers, struct sched *lists)
{
    int n = 0;
    for (const struct sched_rule *rule = sched_table; rule->name; rule++)
        for (int k = 0; k < N_LISTS && is_ours(rule); k++) {
            if (!UNIT_RUNS(k + k / N_SIZES + (int)rule->kind))
                continue;
            ck_assert_int_lt(n, MOST_LISTS);
            lists[n++] = list_of(rule, workers, k);
        }
    return n;
}

START_TEST(each_is_run_once)
{
    static struct sched lists[MOST_LISTS];
    uint32_t workers = worker_counts[_i / 2];
    struct crew *crew = crew_new(workers, lists, all_lists(workers, lists));
    if (_i % 2)
        run_processes(crew);
    else
        run_threads(crew);
}
END_TEST

/* Few tasks, many thieves, again and again: nobody hands the last ones round for ever. */
START_TEST(thieves_come_home)
{
    static struct sched lists[400];
    for (uint64_t k = 0; k < 400; k++)
        lists[k] = sched_resolve(SCHED_STEAL, k % 20, MOST_WORKERS, 1);
    run_threads(crew_new(MOST_WORKERS, lists, 400));
}
END_TEST

/* --- ranges ----------------------------------------------------------------------------------- */

static void assert_next(struct claim_hand *hand, uint64_t first, uint64_t count)
{
    uint64_t is_first, is_count;
    ck_assert(claim_next(hand, &is_first, &is_count));
    ck_assert_uint_eq(is_first, first);
    ck_assert_uint_eq(is_count, count);
}

START_TEST(a_thief_takes_the_larger_half_from_the_back)
{
    struct sched s = sched_resolve(SCHED_STEAL, 100, 2, 3);
    struct claim *claim = claim_new(&s);
    struct claim_hand owner = claim_hand_of(claim, NULL, 0), thief = claim_hand_of(claim, NULL, 1);
    uint64_t first, count;
    for (uint64_t at = 50; at < 98; at += 3)
        assert_next(&thief, at, 3);
    assert_next(&thief, 98, 2);
    assert_next(&owner, 0, 3);
    /* 47 tasks, 16 chunks: 8 for the owner, [27, 50) for the thief. */
    for (uint64_t at = 27; at < 48; at += 3)
        assert_next(&thief, at, 3);
    assert_next(&thief, 48, 2);
    /* 8 chunks: [15, 27). */
    assert_next(&thief, 15, 3);
    /* The owner goes on, and steals back half of what the thief has not taken. */
    for (uint64_t at = 3; at < 15; at += 3)
        assert_next(&owner, at, 3);
    assert_next(&owner, 21, 3);
    assert_next(&thief, 18, 3);
    assert_next(&thief, 24, 3);
    ck_assert(!claim_next(&thief, &first, &count));
    ck_assert(!claim_next(&owner, &first, &count));
}
END_TEST

/* The last chunk goes to the thief, who has it in hand: nothing is left to be stolen from it. */
START_TEST(a_thief_has_its_first_chunk_in_hand)
{
    struct sched s = sched_resolve(SCHED_STEAL, 3, 3, 1);
    struct claim *claim = claim_new(&s);
    struct claim_hand thief = claim_hand_of(claim, NULL, 2), other = claim_hand_of(claim, NULL, 1);
    uint64_t first, count;
    assert_next(&other, 1, 1);
    assert_next(&thief, 2, 1);
    assert_next(&thief, 0, 1);
    ck_assert(!claim_next(&other, &first, &count));
}
END_TEST

static void *steal_in_thread(void *data)
{
    uint64_t first, count;
    return claim_next(data, &first, &count) ? data : NULL;
}

/* Who finds another at a range that is not empty waits for it and does not give up. */
START_TEST(a_thief_waits_for_a_locked_victim)
{
    struct sched s = sched_resolve(SCHED_STEAL, 1, 3, 1);
    struct claim *claim = claim_new(&s);
    struct claim_hand thief = claim_hand_of(claim, NULL, 1);
    struct range *victim = &claim->seats[0].is.range;
    pthread_t thread;
    void *has;
    ck_assert(range_try_lock(victim, 2));
    ck_assert_int_eq(pthread_create(&thread, NULL, steal_in_thread, &thief), 0);
    usleep(2000);
    range_unlock(victim);
    pthread_join(thread, &has);
    ck_assert_ptr_nonnull(has);
}
END_TEST

/* --- long lists ------------------------------------------------------------------------------- */

static const uint64_t LONGEST = (uint64_t)1 << 40;

/* Chunks so large that the list has few: they cover it, and who asks on and on gets nothing. */
START_TEST(the_longest_list_has_an_end)
{
    for (const struct sched_rule *rule = sched_table; rule->name; rule++) {
        const uint64_t tries[] = {LONGEST / 1000, LONGEST / 2 + 1, LONGEST, UINT64_MAX};
        for (size_t t = 0; t < (rule->takes_chunk ? 4 : 1) && is_ours(rule); t++) {
            struct sched s = sched_resolve(rule->kind, LONGEST, MOST_WORKERS, tries[t]);
            struct claim_view view = {.pasts = NULL};
            if (claim_view_open(&view, &s, &err) != 0)
                continue; /* too many chunks for a table */
            struct claim *claim = claim_new(&s);
            uint64_t first, count, tasks = 0, sum = 0, late = 0;
            for (uint32_t w = 0; w < MOST_WORKERS; w++) {
                struct claim_hand hand = claim_hand_of(claim, &view, w);
                while (claim_next(&hand, &first, &count)) {
                    tasks += count;
                    sum += count * (2 * first + count - 1); /* twice the sum of the indices */
                    if (s.class == SCHED_ADAPTIVE)
                        claim_report(&hand, count, count, 1);
                }
                for (int k = 0; k < 1000; k++)
                    late += claim_next(&hand, &first, &count);
            }
            ck_assert_uint_eq(late, 0);
            ck_assert_msg(tasks == LONGEST && sum == LONGEST * (LONGEST - 1), "%s", rule->name);
            claim_view_release(&view);
        }
    }
}
END_TEST

/* The number of chunks shares a word with the next task: it stops counting before it spills. */
START_TEST(adaptive_chunks_are_counted_up_to_a_limit)
{
    struct sched s = sched_resolve(SCHED_WF, LONGEST, 2, 1);
    struct claim_view view = view_of(&s);
    struct claim *claim = claim_new(&s);
    struct claim_hand hand = claim_hand_of(claim, &view, 0);
    const uint64_t full = ~(((uint64_t)1 << 41) - 1);
    uint64_t first, count, tasks = 0;
    atomic_store(&claim->next, full | (LONGEST - 40));
    while (claim_next(&hand, &first, &count)) {
        ck_assert_uint_eq(first, LONGEST - 40 + tasks);
        tasks += count;
    }
    ck_assert_uint_eq(tasks, 40);
    ck_assert_uint_eq(atomic_load(&claim->next), full | LONGEST);
    claim_view_release(&view);
}
END_TEST

/* --- pasts ------------------------------------------------------------------------------------ */

START_TEST(what_one_reports_the_others_read)
{
    struct sched s = sched_resolve(SCHED_AF, 100000, 2, 1);
    struct claim_view view = view_of(&s);
    struct claim *claim = claim_new(&s);
    struct claim_hand worker = claim_hand_of(claim, &view, 1);
    struct claim_hand other = claim_hand_of(claim, &view, 0);
    uint64_t first, a, b;
    ck_assert(claim_next(&worker, &first, &a));
    claim_report(&worker, a, 600, 20);
    ck_assert(claim_next(&worker, &first, &b));
    claim_report(&worker, b, 900, 30);
    ck_assert(claim_next(&other, &first, &b));
    const struct sched_past *past = &view.pasts[1];
    b = worker.past.tasks - a;
    ck_assert_uint_eq(past->chunks, 2);
    ck_assert_uint_eq(past->tasks, a + b);
    ck_assert_uint_eq(past->assigned, a + b);
    ck_assert_uint_eq(past->parts, 2);
    ck_assert(past->busy_ns == 1500 && past->total_ns == 1550);
    ck_assert(past->weighted_tasks == (double)(a + 2 * b));
    ck_assert(past->weighted_ns == 600 + 2 * 900 && past->weighted_total_ns == 620 + 2 * 930);
    ck_assert(past->asked_ns > 0);
    ck_assert_uint_eq(view.pasts[0].chunks, 0);
    claim_view_release(&view);
}
END_TEST

/* Means and squares of parts, chunk by chunk, are those of all parts together. */
START_TEST(parts_add_up)
{
    struct sched s = sched_resolve(SCHED_AF, 100000, 1, 1);
    struct claim_view view = view_of(&s);
    struct claim_hand hand = claim_hand_of(claim_new(&s), &view, 0);
    struct rng rng;
    rng_seed(&rng, 3);
    double weight[100], x[100], tasks = 0, mean = 0, m2 = 0;
    for (int chunk = 0; chunk < 10; chunk++) {
        struct claim_parts parts = {0};
        for (int p = 0; p < 10; p++) {
            uint64_t n = 1 + rng_below(&rng, 9), ns = 100 + rng_below(&rng, 900);
            claim_parts_add(&parts, n, ns);
            weight[10 * chunk + p] = (double)n;
            x[10 * chunk + p] = (double)ns / (double)n;
        }
        claim_report_parts(&hand, &parts, 1, 0);
    }
    for (int p = 0; p < 100; p++) {
        tasks += weight[p];
        mean += weight[p] * x[p];
    }
    mean /= tasks;
    for (int p = 0; p < 100; p++)
        m2 += weight[p] * (x[p] - mean) * (x[p] - mean);
    ck_assert_uint_eq(hand.past.parts, 100);
    ck_assert_double_eq_tol(hand.past.task_mean_ns, mean, 1e-9 * mean);
    ck_assert_double_eq_tol(hand.past.task_m2, m2, 1e-9 * m2);
    claim_view_release(&view);
}
END_TEST

/* Two workers take turns, one of which needs four times as long for a task: rules that measure give
 * it less. */
START_TEST(the_slow_get_less)
{
    static const enum sched_kind kinds[] = {SCHED_AWF_B, SCHED_AWF_C, SCHED_AWF_D, SCHED_AWF_E,
                                            SCHED_AF};
    if (!sched_rule_of(kinds[_i])->name)
        return;
    struct sched s = sched_resolve(kinds[_i], 100000, 2, 1);
    struct claim_view view = view_of(&s);
    struct claim *claim = claim_new(&s);
    struct claim_hand hands[] = {claim_hand_of(claim, &view, 0), claim_hand_of(claim, &view, 1)};
    uint64_t free_at[2] = {0, 0}, tasks[2] = {0, 0}, first, count;
    for (int w = 0; claim_next(&hands[w], &first, &count); w = free_at[1] < free_at[0]) {
        uint64_t took = count * (w ? 400 : 100);
        claim_report(&hands[w], count, took, 10);
        free_at[w] += took;
        tasks[w] += count;
    }
    ck_assert_uint_eq(tasks[0] + tasks[1], 100000);
    /* 80000 and 20000 would end together. */
    ck_assert_msg(tasks[0] > 70000 && tasks[0] < 90000, "%" PRIu64 " for the quick", tasks[0]);
    claim_view_release(&view);
}
END_TEST

/* One reports, one reads, again and again: each past that is read is one that was shown, not half
 * of two. */
enum { N_REPORTS = UNIT_REPEATS(300000) };

struct reader {
    struct claim_hand hand;
    _Atomic bool is_over;
    uint64_t mistakes;
};

static void *reads_pasts(void *data)
{
    struct reader *reader = data;
    const struct sched_past *past = &reader->hand.view->pasts[0];
    uint64_t first, count;
    while (!atomic_load(&reader->is_over)) {
        atomic_store(&reader->hand.claim->next, 0); /* so that the list does not end */
        reader->mistakes += !claim_next(&reader->hand, &first, &count) ||
                            past->busy_ns != 100 * (double)past->tasks ||
                            past->total_ns != 103 * (double)past->tasks ||
                            past->weighted_ns != 100 * past->weighted_tasks ||
                            past->parts != past->chunks;
    }
    return NULL;
}

START_TEST(pasts_are_read_whole)
{
    struct sched s = sched_resolve(SCHED_WF, 1000, 2, 1);
    struct claim_view view = view_of(&s);
    struct claim *claim = claim_new(&s);
    struct claim_hand writer = claim_hand_of(claim, NULL, 0);
    struct reader reader = {.hand = claim_hand_of(claim, &view, 1)};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, reads_pasts, &reader), 0);
    for (uint64_t k = 0; k < N_REPORTS; k++)
        claim_report(&writer, 1 + k % 3, 100 * (1 + k % 3), 3 * (1 + k % 3));
    atomic_store(&reader.is_over, true);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(reader.mistakes, 0);
    claim_view_release(&view);
}
END_TEST

UNIT_MAIN("claim engine", UNIT_LOOP(known_chunks_come_in_order, 0, N_COUNTS),
          UNIT_LOOP(fixed_chunks_are_each_workers_own, 0, N_COUNTS),
          UNIT_LOOP(each_is_run_once, 0, 2 * N_COUNTS), thieves_come_home,
          a_thief_takes_the_larger_half_from_the_back, a_thief_has_its_first_chunk_in_hand,
          a_thief_waits_for_a_locked_victim, the_longest_list_has_an_end,
          adaptive_chunks_are_counted_up_to_a_limit, what_one_reports_the_others_read, parts_add_up,
          UNIT_LOOP(the_slow_get_less, 0, 5), pasts_are_read_whole)
