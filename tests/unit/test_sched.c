/* Schedules and claims: whatever the numbers, each task is handed out exactly once, in the sizes
 * that the rule's formula says. */
#include "unit.h"

#include "base/rng.h"
#include "sched/claim.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

enum { N_CASES = 4000, MOST_N = 3000, MOST_P = 70 };

struct numbers {
    uint64_t n, chunk;
    uint32_t workers;
};

/* Small numbers, where the corners are, come as often as large ones. */
static uint64_t draw(struct rng *rng, uint64_t most)
{
    return rng_below(rng, rng_below(rng, 2) ? most + 1 : (most < 9 ? most : 9) + 1);
}

static struct numbers draw_numbers(struct rng *rng)
{
    struct numbers x;
    x.n = draw(rng, MOST_N);
    x.workers = 1 + (uint32_t)draw(rng, MOST_P - 1);
    x.chunk = draw(rng, x.n + 10);
    return x;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* The size of a chunk of a shared rule by its formula, written out once more. */
static uint64_t formula(enum sched_kind kind, const struct numbers *x, uint64_t left)
{
    uint64_t size = x->chunk ? x->chunk : 1;
    if (kind == SCHED_POOL)
        size = divide_up(x->n, 4 * x->workers);
    if (kind == SCHED_GUIDED && divide_up(left, x->workers) > size)
        size = divide_up(left, x->workers);
    return size < left ? size : left;
}

START_TEST(shared_rules_hand_out_by_the_formula)
{
    const struct sched_rule *rule = &sched_table[_i];
    if (!rule->shared)
        return;
    struct rng rng;
    rng_seed(&rng, 1);
    for (int i = 0; i < N_CASES; i++) {
        struct numbers x = draw_numbers(&rng);
        struct sched s = sched_resolve(rule->kind, x.n, x.workers, x.chunk);
        struct claim claim;
        struct claim_hand hand = {0};
        claim_init(&claim, &s);
        uint64_t next = 0, mistakes = 0, first, count;
        while (claim_next(&claim, &hand, (uint32_t)rng_below(&rng, x.workers), &first, &count)) {
            mistakes += first != next || count != formula(rule->kind, &x, x.n - next) ||
                        count != sched_size(&s, x.n - next);
            next += count;
        }
        ck_assert_uint_eq(mistakes, 0);
        ck_assert_uint_eq(next, x.n);
        ck_assert(!claim_next(&claim, &hand, 0, &first, &count)); /* and it stays at its end */
    }
}
END_TEST

START_TEST(static_hands_out_exactly_once)
{
    struct rng rng;
    rng_seed(&rng, 2);
    for (int i = 0; i < N_CASES; i++) {
        struct numbers x = draw_numbers(&rng);
        struct sched s = sched_resolve(SCHED_STATIC, x.n, x.workers, x.chunk);
        unsigned char seen[MOST_N] = {0};
        uint64_t mistakes = 0;
        for (uint32_t w = 0; w < x.workers; w++) {
            uint64_t first, count, turn = 0;
            for (; sched_static_chunk(&s, w, turn, &first, &count); turn++) {
                mistakes += count == 0 || first + count > x.n;
                for (uint64_t k = first; k < first + count && k < x.n; k++)
                    mistakes += seen[k]++ > 0;
            }
            mistakes += sched_static_chunk(&s, w, turn + 1, &first, &count);
        }
        ck_assert_uint_eq(mistakes, 0);
        ck_assert_ptr_null(memchr(seen, 0, x.n));
    }
}
END_TEST

START_TEST(static_with_chunk_is_round_robin)
{
    struct rng rng;
    rng_seed(&rng, 3);
    for (int i = 0; i < N_CASES; i++) {
        struct numbers x = draw_numbers(&rng);
        if (x.chunk == 0 || x.n == 0)
            continue;
        struct sched s = sched_resolve(SCHED_STATIC, x.n, x.workers, x.chunk);
        uint64_t mistakes = 0;
        for (uint64_t k = 0; k * x.chunk < x.n; k++) {
            uint64_t first = 0, count = 0, left = x.n - k * x.chunk;
            mistakes +=
                !sched_static_chunk(&s, (uint32_t)(k % x.workers), k / x.workers, &first, &count) ||
                first != k * x.chunk || count != (left < x.chunk ? left : x.chunk);
        }
        ck_assert_uint_eq(mistakes, 0);
    }
}
END_TEST

/* As OpenMP threads of libgomp get them: q = N / P, and the first N mod P threads one more. */
START_TEST(static_blocks_are_those_of_libgomp)
{
    struct rng rng;
    rng_seed(&rng, 4);
    for (int i = 0; i < N_CASES; i++) {
        struct numbers x = draw_numbers(&rng);
        struct sched s = sched_resolve(SCHED_STATIC, x.n, x.workers, 0);
        uint64_t mistakes = 0;
        for (uint32_t w = 0; w < x.workers; w++) {
            uint64_t q = x.n / x.workers, t = x.n % x.workers, first, count;
            if (w < t) {
                t = 0;
                q++;
            }
            bool has_block = sched_static_chunk(&s, w, 0, &first, &count);
            mistakes += has_block != (q > 0) || (q > 0 && (first != q * w + t || count != q));
        }
        ck_assert_uint_eq(mistakes, 0);
    }
}
END_TEST

START_TEST(chunk_is_resolved)
{
    ck_assert_uint_eq(sched_resolve(SCHED_DYNAMIC, 100, 4, 0).chunk, 1);
    ck_assert_uint_eq(sched_resolve(SCHED_GUIDED, 100, 4, 0).chunk, 1);
    ck_assert_uint_eq(sched_resolve(SCHED_STATIC, 101, 4, 0).chunk, 26);
    ck_assert(sched_resolve(SCHED_STATIC, 101, 4, 0).blocks);
    ck_assert(!sched_resolve(SCHED_STATIC, 101, 4, 26).blocks);
    ck_assert_uint_eq(sched_resolve(SCHED_POOL, 5000, 2, 0).chunk, 625);
    ck_assert_uint_eq(sched_resolve(SCHED_POOL, 5000, 2, 7).chunk, 625); /* it takes none */
    ck_assert_uint_eq(sched_resolve(SCHED_POOL, 12, 10, 0).chunk, 1);
    ck_assert_uint_eq(sched_resolve(SCHED_DYNAMIC, 100, 4, 1000).chunk, 100);
    for (int r = 0; sched_table[r].name; r++)
        ck_assert_uint_eq(sched_resolve(sched_table[r].kind, 0, 4, 0).chunk, 1);
}
END_TEST

/* The most tasks and workers that a cell takes: nothing may overflow. */
START_TEST(large_lists_do_not_overflow)
{
    const uint64_t n = (uint64_t)1 << 40;
    const uint32_t workers = 4096;
    struct sched s = sched_resolve(SCHED_STATIC, n, workers, 1);
    uint64_t first, count;
    ck_assert(sched_static_chunk(&s, workers - 1, n / workers - 1, &first, &count));
    ck_assert_uint_eq(first, n - 1);
    ck_assert(!sched_static_chunk(&s, workers - 1, n / workers, &first, &count));
    s = sched_resolve(SCHED_GUIDED, n, workers, 0);
    ck_assert_uint_eq(sched_size(&s, n), n / workers);

    /* All workers overshoot the end once. */
    s = sched_resolve(SCHED_DYNAMIC, n, workers, n);
    struct claim claim;
    struct claim_hand hand = {0};
    claim_init(&claim, &s);
    ck_assert(claim_next(&claim, &hand, 0, &first, &count));
    ck_assert_uint_eq(count, n);
    for (uint32_t w = 0; w < workers; w++)
        ck_assert(!claim_next(&claim, &hand, w, &first, &count));
}
END_TEST

/* --- several threads -------------------------------------------------------------------------- */

enum { THREADS = 4, SHARED_N = 200003 };

struct claimer {
    struct claim *claim;
    uint32_t worker;
    unsigned char *seen;
    uint64_t tasks;
};

/* Each index is marked without an atomic: a second claim of it would show as a mark of 2, or as a
 * race. */
static void *claim_all(void *argument)
{
    struct claimer *me = argument;
    struct claim_hand hand = {0};
    uint64_t first, count;
    while (claim_next(me->claim, &hand, me->worker, &first, &count)) {
        for (uint64_t k = first; k < first + count; k++)
            me->seen[k]++;
        me->tasks += count;
    }
    return NULL;
}

START_TEST(threads_claim_exactly_once)
{
    static const uint64_t chunks[] = {0, 1, 7};
    const struct sched_rule *rule = &sched_table[_i];
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        struct sched s = sched_resolve(rule->kind, SHARED_N, THREADS, chunks[c]);
        struct claim claim;
        claim_init(&claim, &s);
        unsigned char *seen = calloc(SHARED_N, 1);
        pthread_t threads[THREADS];
        struct claimer claimers[THREADS];
        uint64_t tasks = 0;
        for (uint32_t w = 0; w < THREADS; w++) {
            claimers[w] = (struct claimer){&claim, w, seen, 0};
            ck_assert_int_eq(pthread_create(&threads[w], NULL, claim_all, &claimers[w]), 0);
        }
        for (uint32_t w = 0; w < THREADS; w++) {
            pthread_join(threads[w], NULL);
            tasks += claimers[w].tasks;
        }
        ck_assert_uint_eq(tasks, SHARED_N);
        uint64_t mistakes = 0;
        for (int k = 0; k < SHARED_N; k++)
            mistakes += seen[k] != 1;
        ck_assert_uint_eq(mistakes, 0);
        free(seen);
    }
}
END_TEST

/* --- names ------------------------------------------------------------------------------------ */

START_TEST(rules_are_found_by_name)
{
    struct err err = {""};
    for (int r = 0; sched_table[r].name; r++)
        ck_assert_ptr_eq(sched_find(sched_table[r].name, &err), &sched_table[r]);
    ck_assert_str_eq(err.text, "");
    ck_assert_ptr_null(sched_find("dynamc", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "unknown schedule 'dynamc'"));
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean 'dynamic'?"));
}
END_TEST

UNIT_MAIN("sched", UNIT_LOOP(shared_rules_hand_out_by_the_formula, 0, 4),
          static_hands_out_exactly_once, static_with_chunk_is_round_robin,
          static_blocks_are_those_of_libgomp, chunk_is_resolved, large_lists_do_not_overflow,
          UNIT_LOOP(threads_claim_exactly_once, 0, 4), rules_are_found_by_name)
