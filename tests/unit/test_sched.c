/* Schedules whose chunks are known beforehand: whatever the numbers, each task is handed out
 * exactly once, in the sizes that the rule's formula says. The formulas are written out once more
 * here, from the papers and in real numbers. */
#include "unit.h"

#include "base/rng.h"
#include "sched/sched.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_RULES = SCHED_TASKS + 1, N_CASES = UNIT_REPEATS(40000), MOST_N = 3000, MOST_P = 70 };

struct numbers {
    struct sched_spec spec;
    uint64_t n, chunk; /* chunk 0: none is given */
    uint32_t workers;
};

/* Small numbers, where the corners are, come most often. */
static uint64_t draw(struct rng *rng, uint64_t most)
{
    static const uint64_t steps[] = {9, 40};
    uint64_t die = rng_below(rng, 32);
    uint64_t high = die < 16 ? steps[0] : die < 31 ? steps[1] : most;
    return rng_below(rng, (high < most ? high : most) + 1);
}

/* Values of every size, the corners among them. */
static double draw_ns(struct rng *rng)
{
    if (rng_below(rng, 8) == 0)
        return 0;
    return ldexp(1 + rng_mix_unit(1, rng_next(rng)), (int)rng_below(rng, 50) - 10);
}

static struct sched_params draw_params(struct rng *rng)
{
    struct sched_params p = sched_spec_default(SCHED_STATIC).params;
    p.h = draw_ns(rng);
    p.sd = draw_ns(rng);
    p.mean = draw_ns(rng) + 1e-3;
    p.alpha = (double)rng_below(rng, 30) / 10;
    p.share = (double)rng_below(rng, 11) / 10;
    p.stages = 2 + rng_below(rng, 6);
    p.x = 1 + rng_below(rng, 6);
    p.seed = rng_next(rng);
    return p;
}

static struct numbers draw_numbers(struct rng *rng, enum sched_kind kind)
{
    struct numbers x = {.spec = sched_spec_default(kind)};
    x.n = draw(rng, MOST_N);
    x.workers = 1 + (uint32_t)draw(rng, MOST_P - 1);
    x.chunk = rng_below(rng, 3) ? rng_below(rng, 3) : draw(rng, x.n + 10);
    if (rng_below(rng, 4))
        x.spec.params = draw_params(rng);
    return x;
}

static const char *words(const struct numbers *x)
{
    static char buffer[SCHED_SPEC_BYTES + 100];
    sched_spec_write(&x->spec, buffer, SCHED_SPEC_BYTES);
    size_t length = strlen(buffer);
    snprintf(buffer + length, sizeof buffer - length, ", N %" PRIu64 ", P %" PRIu32 ", c %" PRIu64,
             x->n, x->workers, x->chunk);
    return buffer;
}

/* --- the formulas ----------------------------------------------------------------------------- */

/* What a real number is rounded to, give or take the error of computing it. */
struct sizes {
    long double low, high;
};

static struct sizes up(long double x)
{
    long double slack = 4e-15L * (1 + fabsl(x));
    return (struct sizes){ceill(x - slack), ceill(x + slack)};
}

static struct sizes down(long double x)
{
    long double slack = 4e-15L * (1 + fabsl(x));
    return (struct sizes){floorl(x - slack), floorl(x + slack)};
}

static struct sizes exactly(long double x)
{
    return (struct sizes){x, x};
}

static long double least_of(const struct numbers *x)
{
    return x->chunk && x->spec.rule->takes_chunk ? x->chunk : 1;
}

static struct sizes tss_by_formula(const struct numbers *x, uint64_t i)
{
    long double f = ceill((long double)x->n / (2 * x->workers));
    long double l = fminl(f, least_of(x));
    long double n = ceill(2 * (long double)x->n / (f + l));
    long double step = n > 1 ? floorl((f - l) / (n - 1)) : 0;
    return exactly(step > 0 ? fmaxl(l, f - i * step) : f);
}

/* Before it is held within c and what is left. i: number of the chunk, left: R now, batch_left: R
 * when its batch began. */
static struct sizes by_formula(const struct numbers *x, uint64_t i, uint64_t left,
                               uint64_t batch_left)
{
    const struct sched_params *p = &x->spec.params;
    long double N = x->n, P = x->workers, R = left, Rj = batch_left;
    long double c = least_of(x), j = (long double)(i / x->workers);
    switch (x->spec.rule->kind) {
    case SCHED_POOL:
        return exactly(ceill(N / (4 * P)));
    case SCHED_GUIDED:
        return exactly(ceill(R / P));
    case SCHED_GUIDED_LLVM:
        if (x->workers == 1)
            return exactly(R);
        return R < 2 * P * (c + 1) ? exactly(c) : down(R / (2 * P));
    case SCHED_FSC: {
        long double k = powl(sqrtl(2) * N * p->h / (p->sd * P * sqrtl(logl(P))), 2.0L / 3);
        if (p->h == 0 || isnan(p->h))
            return exactly(1);
        if (isnan(p->sd))
            return exactly(x->workers == 1 ? N : 1);
        return k < ceill(N / P) ? up(k) : exactly(ceill(N / P));
    }
    case SCHED_MFSC: {
        long double t = ceill(N / P);
        return t < 2 ? exactly(1) : down(0.55L + t * logl(2) / logl(t));
    }
    case SCHED_TSS:
        return tss_by_formula(x, i);
    case SCHED_TFSS: {
        long double sum = 0;
        for (uint64_t k = 0; k < x->workers; k++)
            sum += tss_by_formula(x, i / x->workers * x->workers + k).low;
        return exactly(floorl(sum / P));
    }
    case SCHED_FAC: {
        long double b = P * p->sd / (2 * p->mean * sqrtl(Rj));
        long double k =
            i < x->workers ? 1 + b * b + b * sqrtl(b * b + 2) : 2 + b * b + b * sqrtl(b * b + 4);
        return isnan(k) ? exactly(1) : up(Rj / (k * P));
    }
    case SCHED_FAC2:
        return exactly(ceill(Rj / (2 * P)));
    case SCHED_TAP: {
        long double v = (long double)p->alpha * p->sd / p->mean, t = R / P;
        long double k = t + v * v / 2 - v * sqrtl(2 * t + v * v / 4);
        /* For large v the last term cancels what stands before it, to its own precision. */
        long double lost = 1e-14L * v * v;
        return isnan(k) ? exactly(1) : (struct sizes){up(k - lost).low, up(k + lost).high};
    }
    case SCHED_FISS: {
        long double B = p->stages;
        return exactly(floorl(N / ((2 + B) * P)) +
                       j * floorl(2 * N * (1 - B / (2 + B)) / (P * B * (B - 1)) * (1 + 1e-17L)));
    }
    case SCHED_VISS:
        return exactly(floorl(ceill(N / (p->x * P)) * (1 - powl(0.5L, j + 1)) / 0.5L));
    case SCHED_PLS:
        return i < x->workers && p->share > 0 ? up(p->share * N / P) : exactly(ceill(R / P));
    case SCHED_RND:
        return (struct sizes){c, fmaxl(c, ceill(N / P))};
    default:
        return exactly(c); /* dynamic, and rules that are not walked */
    }
}

static bool is_within(uint64_t size, struct sizes sizes, const struct numbers *x, uint64_t left)
{
    long double c = least_of(x);
    return size >= fminl(left, fmaxl(c, sizes.low)) && size <= fminl(left, fmaxl(c, sizes.high));
}

/* By how much sizes may change from chunk to chunk, the last left aside: -1 never up, 1 never down.
 */
static int direction(enum sched_kind kind)
{
    switch (kind) {
    case SCHED_GUIDED:
    case SCHED_GUIDED_LLVM:
    case SCHED_TSS:
    case SCHED_TFSS:
    case SCHED_FAC2:
        return -1;
    case SCHED_FISS:
    case SCHED_VISS:
        return 1;
    default:
        return 0;
    }
}

static bool has_batches(enum sched_kind kind)
{
    return kind == SCHED_FAC || kind == SCHED_FAC2 || kind == SCHED_FISS || kind == SCHED_VISS ||
           kind == SCHED_TFSS;
}

static void check_walk(const struct numbers *x)
{
    struct sched s = sched_make(&x->spec, x->n, x->workers, x->chunk);
    struct sched_walk walk = {0};
    uint64_t next = 0, first, count, before = 0, batch_left = 0, i = 0, mistakes = 0, turns = 0;
    struct sizes sizes = {0, 0};
    int way = direction(s.kind);
    for (; sched_walk(&s, &walk, &first, &count); i++) {
        uint64_t left = x->n - next;
        if (i % x->workers == 0)
            batch_left = left;
        if (i % x->workers == 0 || !has_batches(s.kind))
            sizes = by_formula(x, i, left, batch_left);
        mistakes +=
            first != next || count == 0 || count > left || !is_within(count, sizes, x, left);
        if (i > 0 && count < left)
            turns += (way < 0 && count > before) || (way > 0 && count < before);
        before = count;
        next = first + count;
    }
    bool ends = !sched_walk(&s, &walk, &first, &count); /* and it stays at its end */
    if (mistakes > 0 || turns > 0 || next != x->n || !ends)
        ck_abort_msg("%s: %d sizes are not as in the formula, %d not monotonic, %" PRIu64 " tasks",
                     words(x), (int)mistakes, (int)turns, next);
}

START_TEST(sizes_are_those_of_the_formula)
{
    struct rng rng;
    if (sched_table[_i].class == SCHED_FIXED)
        return;
    rng_seed(&rng, (uint64_t)_i);
    for (int k = 0; k < N_CASES; k++) {
        struct numbers x = draw_numbers(&rng, (enum sched_kind)_i);
        check_walk(&x);
    }
}
END_TEST

/* The most tasks and workers that a cell takes: nothing may overflow. */
START_TEST(large_lists_do_not_overflow)
{
    static const uint32_t workers[] = {1, 2, 4095, 4096};
    const struct sched_rule *rule = sched_rule_of((enum sched_kind)_i);
    if (!(rule->class & SCHED_SEQUENCE) && rule->kind != SCHED_FSC && rule->kind != SCHED_MFSC)
        return;
    struct rng rng;
    rng_seed(&rng, 5);
    for (int k = 0; k < 8; k++) {
        struct numbers x = {.spec = sched_spec_default(rule->kind)};
        x.n = ((uint64_t)1 << 40) - (k < 4 ? 0 : 12345);
        x.workers = workers[k % 4];
        x.chunk = (uint64_t)1 << (k % 2 ? 23 : 30);
        x.spec.params = draw_params(&rng);
        x.spec.params.stages = k % 2 ? 2 : 1000;
        x.spec.params.x = k % 2 ? 1 : 1000000;
        check_walk(&x);
    }
    if (rule->kind == SCHED_FSC || rule->kind == SCHED_TAP || rule->kind == SCHED_FAC)
        return; /* sizes down to 1 where the spread is large */
    struct numbers x = {.spec = sched_spec_default(rule->kind)};
    x.n = (uint64_t)1 << 40;
    x.workers = 512;
    check_walk(&x);
}
END_TEST

/* --- sequences in print ----------------------------------------------------------------------- */

static void check_sequence(const char *text, uint64_t n, uint32_t workers, uint64_t chunk,
                           const uint64_t *expected, size_t n_expected)
{
    struct sched_spec spec;
    struct err err = {""};
    ck_assert_msg(sched_spec_read(text, &spec, &err) == 0, "%s", err.text);
    struct sched s = sched_make(&spec, n, workers, chunk);
    struct sched_walk walk = {0};
    uint64_t first, count;
    for (size_t i = 0; i < n_expected; i++) {
        ck_assert(sched_walk(&s, &walk, &first, &count));
        ck_assert_msg(count == expected[i], "%s: chunk %zu is %" PRIu64 ", not %" PRIu64, text, i,
                      count, expected[i]);
    }
    ck_assert_msg(!sched_walk(&s, &walk, &first, &count), "%s: more chunks", text);
}

#define SEQUENCE(text, n, workers, chunk, ...)                                                     \
    check_sequence(text, n, workers, chunk, (const uint64_t[]){__VA_ARGS__},                       \
                   sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* N = 1000, P = 4, as in the tables of the literature on self-scheduling (Chronopoulos and others
 * 2001; Eleliemy & Ciorba, arXiv 2101.07050). Where implementations print other numbers, the reason
 * is said. */
START_TEST(a_thousand_tasks_on_four_workers)
{
    SEQUENCE("pool", 1000, 4, 0, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 55);
    /* By the closed form ceil(0.75^i 250), which does not look at the rest, 80 60 45 34 from the
     * fifth on. */
    SEQUENCE("guided", 1000, 4, 0, 250, 188, 141, 106, 79, 59, 45, 33, 25, 19, 14, 11, 8, 6, 4, 3,
             3, 2, 1, 1, 1, 1);
    SEQUENCE("guided", 1000, 4, 20, 250, 188, 141, 106, 79, 59, 45, 33, 25, 20, 20, 20, 14);
    SEQUENCE("tss", 1000, 4, 0, 125, 117, 109, 101, 93, 85, 77, 69, 61, 53, 45, 37, 28);
    /* Each batch is half of the rest: 1000, 500, 248, 124, 60, 28, 12, 4. By the closed form, whose
     * batches do not look at the rest, the third is 32. */
    SEQUENCE("fac2", 1000, 4, 0, 125, 125, 125, 125, 63, 63, 63, 63, 31, 31, 31, 31, 16, 16, 16, 16,
             8, 8, 8, 8, 4, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1);
    SEQUENCE("tfss", 1000, 4, 0, 113, 113, 113, 113, 81, 81, 81, 81, 49, 49, 49, 49, 17, 11);
    SEQUENCE("fiss", 1000, 4, 0, 50, 50, 50, 50, 83, 83, 83, 83, 116, 116, 116, 116, 4);
    /* LB4OMP divides 1000 by 16 in whole numbers, and so has 62 93 108 ...: the formula has
     * ceil(62.5). */
    SEQUENCE("viss", 1000, 4, 0, 63, 63, 63, 63, 94, 94, 94, 94, 110, 110, 110, 42);
    /* The closed form ceil(0.75^k 300/4) of distributed chunk calculation rounds otherwise: 75 57
     * 43 32 ... */
    SEQUENCE("pls share=0.7", 1000, 4, 0, 175, 175, 175, 175, 75, 57, 42, 32, 24, 18, 13, 10, 8, 6,
             4, 3, 2, 2, 1, 1, 1, 1);
    SEQUENCE("mfsc", 1000, 4, 200, 200, 200, 200, 200, 200);
    ck_assert_uint_eq(sched_resolve(SCHED_MFSC, 1000, 4, 0).chunk, 31); /* 250 ln 2/ln 250 + 0.55 */
}
END_TEST

START_TEST(rules_with_times_agree_with_hand_worked_sizes)
{
    /* No spread: factoring deals all out at once, tapering is guided, fixed sizes are shares. */
    SEQUENCE("fac mean=1us sd=0", 1000, 4, 0, 250, 250, 250, 250);
    SEQUENCE("tap mean=1us sd=0", 1000, 4, 200, 250, 200, 200, 200, 150);
    SEQUENCE("fsc h=1us sd=0", 1000, 4, 0, 250, 250, 250, 250);
    /* b = 4/(2√1000) = 0.06325, x_0 = 1.0935: 228.6; then R = 84, b = 0.2182, x = 2.487: 8.4; ...
     */
    SEQUENCE("fac mean=1us sd=1us", 1000, 4, 0, 229, 229, 229, 229, 9, 9, 9, 9, 5, 5, 5, 5, 3, 3, 3,
             3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1);
    /* v = 1.3: 250 + 0.845 - 1.3 √(500.4225) = 221.8. */
    struct sched_spec spec;
    ck_assert_int_eq(sched_spec_read("tap mean=1us sd=1us", &spec, NULL), 0);
    struct sched tap = sched_make(&spec, 1000, 4, 0);
    ck_assert_uint_eq(sched_size(&tap, 1000), 222);
    /* (√2 × 1000 × 0.5 / (1 × 4 × √ln 4))^(2/3) = 28.37. */
    ck_assert_int_eq(sched_spec_read("fsc h=500ns sd=1us", &spec, NULL), 0);
    ck_assert_uint_eq(sched_make(&spec, 1000, 4, 0).chunk, 29);
    ck_assert_uint_eq(sched_make(&spec, 1000, 4, 40).chunk, 40); /* the least size */
    ck_assert_uint_eq(sched_make(&spec, 1000, 1, 0).chunk, 1000);
    ck_assert_int_eq(sched_spec_read("fsc h=0 sd=1us", &spec, NULL), 0);
    ck_assert_uint_eq(sched_make(&spec, 1000, 4, 0).chunk, 1);
}
END_TEST

START_TEST(random_sizes_follow_the_seed_alone)
{
    struct sched_spec spec = sched_spec_default(SCHED_RND);
    struct sched a = sched_make(&spec, 1000000, 10, 50), b = a;
    b.params.seed = 2;
    struct sched_walk at_a = {0}, again = {0}, at_b = {0};
    uint64_t first, size_a, size_again, size_b, same = 0, chunks = 0;
    while (sched_walk(&a, &at_a, &first, &size_a)) {
        ck_assert(sched_walk(&a, &again, &first, &size_again) && size_a == size_again);
        same += sched_walk(&b, &at_b, &first, &size_b) && size_a == size_b;
        chunks++;
    }
    ck_assert_uint_le(same, 2);
    ck_assert(chunks > 12 && chunks < 35); /* 20 of 50025 on average */
    /* All of 7 .. 10 come about as often, and nothing else. */
    struct sched few = sched_make(&spec, 40, 4, 7);
    uint64_t seen[11] = {0};
    for (few.params.seed = 0; few.params.seed < 4000; few.params.seed++) {
        struct sched_walk walk = {0};
        ck_assert(sched_walk(&few, &walk, &first, &size_a) && size_a <= 10);
        seen[size_a]++;
    }
    for (int size = 7; size <= 10; size++)
        ck_assert(seen[size] > 850 && seen[size] < 1150); /* 1000, standard deviation 27 */
}
END_TEST

/* --- static ----------------------------------------------------------------------------------- */

START_TEST(static_hands_out_exactly_once)
{
    struct rng rng;
    rng_seed(&rng, 2);
    for (int i = 0; i < N_CASES; i++) {
        struct numbers x = draw_numbers(&rng, SCHED_STATIC);
        struct sched s = sched_make(&x.spec, x.n, x.workers, x.chunk);
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
        struct numbers x = draw_numbers(&rng, SCHED_STATIC);
        if (x.chunk == 0 || x.n == 0)
            continue;
        struct sched s = sched_make(&x.spec, x.n, x.workers, x.chunk);
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
        struct numbers x = draw_numbers(&rng, SCHED_STATIC);
        struct sched s = sched_make(&x.spec, x.n, x.workers, 0);
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

START_TEST(static_of_a_large_list)
{
    const uint64_t n = (uint64_t)1 << 40;
    const uint32_t workers = 4096;
    struct sched s = sched_resolve(SCHED_STATIC, n, workers, 1);
    uint64_t first, count;
    ck_assert(sched_static_chunk(&s, workers - 1, n / workers - 1, &first, &count));
    ck_assert_uint_eq(first, n - 1);
    ck_assert(!sched_static_chunk(&s, workers - 1, n / workers, &first, &count));
}
END_TEST

/* --- one list --------------------------------------------------------------------------------- */

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
    ck_assert_uint_eq(sched_resolve(SCHED_AUTO, 100, 4, 7).chunk, 1);
    ck_assert_uint_eq(sched_resolve(SCHED_DYNAMIC, 100, 4, 1000).chunk, 100);
    ck_assert(sched_resolve(SCHED_TASKLOOP, 100, 4, 0).blocks); /* the runtime's own grainsize */
    ck_assert(!sched_resolve(SCHED_TASKLOOP, 100, 4, 1).blocks);
    for (int r = 0; sched_table[r].name; r++) {
        ck_assert_uint_eq(sched_resolve(sched_table[r].kind, 0, 4, 0).chunk, 1);
        ck_assert_int_eq(sched_table[r].kind, r);
    }
}
END_TEST

START_TEST(what_is_known_beforehand)
{
    struct sched_spec spec;
    for (int r = 0; r < N_RULES; r++) {
        const struct sched_rule *rule = &sched_table[r];
        struct sched s = sched_resolve(rule->kind, 100, 4, 0);
        bool has_sizes = rule->class == SCHED_FIXED || rule->class == SCHED_CONSTANT ||
                         rule->class == SCHED_SEQUENCE;
        ck_assert_int_eq(sched_is_known(&s), has_sizes && rule->needs == 0);
    }
    ck_assert_int_eq(sched_spec_read("fac mean=1us sd=0", &spec, NULL), 0);
    struct sched s = sched_make(&spec, 100, 4, 0);
    ck_assert(sched_is_known(&s));
}
END_TEST

START_TEST(a_table_has_the_walk_s_chunks)
{
    struct sched_table table = {0};
    struct rng rng;
    rng_seed(&rng, 6);
    for (int i = 0; i < UNIT_REPEATS(2000); i++) {
        struct numbers x = draw_numbers(&rng, (enum sched_kind)rng_below(&rng, N_RULES));
        struct sched s = sched_make(&x.spec, x.n, x.workers, x.chunk);
        struct sched_walk walk = {0};
        uint64_t first, count, k = 0;
        ck_assert_int_eq(sched_table_fill(&table, &s, NULL), 0);
        for (; sched_walk(&s, &walk, &first, &count); k++)
            ck_assert(table.starts[k] == first && table.starts[k + 1] == first + count);
        ck_assert_uint_eq(table.n_chunks, k);
        ck_assert_uint_eq(table.starts[k], x.n);
    }
    struct err err = {""};
    struct sched_spec spec;
    ck_assert_int_eq(sched_spec_read("tap mean=1ns sd=1s", &spec, NULL), 0);
    struct sched s = sched_make(&spec, SCHED_MOST_CHUNKS, 2, 1);
    ck_assert_int_eq(sched_table_fill(&table, &s, &err), 0);
    ck_assert_uint_eq(table.n_chunks, SCHED_MOST_CHUNKS);
    s.n++;
    ck_assert_int_eq(sched_table_fill(&table, &s, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "schedule tap cuts 4194305 tasks into more than"));
    sched_table_release(&table);
}
END_TEST

UNIT_MAIN("sched", UNIT_LOOP(sizes_are_those_of_the_formula, 0, N_RULES),
          UNIT_LOOP(large_lists_do_not_overflow, 0, N_RULES), a_thousand_tasks_on_four_workers,
          rules_with_times_agree_with_hand_worked_sizes, random_sizes_follow_the_seed_alone,
          static_hands_out_exactly_once, static_with_chunk_is_round_robin,
          static_blocks_are_those_of_libgomp, static_of_a_large_list, chunk_is_resolved,
          what_is_known_beforehand, a_table_has_the_walk_s_chunks)
