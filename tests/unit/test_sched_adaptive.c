/* Adaptive schedules: driven by simulated workers of known speeds, and beside their formulas,
 * written out once more from the papers. */
#include "unit.h"

#include "base/rng.h"
#include "sched/sched.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MOST_P = 64, PARTS = 16 };

static const enum sched_kind adaptive[] = {SCHED_WF,    SCHED_AWF_B, SCHED_AWF_C, SCHED_AWF_D,
                                           SCHED_AWF_E, SCHED_AF,    SCHED_BOLD};

enum { N_ADAPTIVE = sizeof adaptive / sizeof *adaptive };

static struct sched_spec read_spec(const char *text)
{
    struct sched_spec spec;
    struct err err = {""};
    ck_assert_msg(sched_spec_read(text, &spec, &err) == 0, "%s", err.text);
    return spec;
}

static bool is_within(const struct sched *s, uint64_t size, uint64_t left)
{
    uint64_t least = s->chunk < left ? s->chunk : left;
    return size >= least && size <= left;
}

/* --- simulated workers ------------------------------------------------------------------------ */

struct world {
    double task_ns[MOST_P]; /* mean time of a task on each worker */
    double claim_ns;        /* of getting a chunk */
    bool exponential;       /* or all alike */
    struct rng rng;
};

struct outcome {
    double makespan_ns, work_ns;
    uint64_t tasks[MOST_P], chunks;
};

/* What a worker is at. */
struct job {
    uint64_t tasks;
    double run_ns, part_ns[PARTS];
    uint64_t part_tasks[PARTS];
    uint32_t parts;
};

static double draw_tasks(struct world *world, uint32_t worker, uint64_t tasks)
{
    if (!world->exponential)
        return world->task_ns[worker] * (double)tasks;
    double sum = 0;
    for (uint64_t k = 0; k < tasks; k++)
        sum -= world->task_ns[worker] * log(1 - rng_mix_unit(1, rng_next(&world->rng)));
    return sum;
}

static struct job run_job(struct world *world, uint32_t worker, uint64_t tasks)
{
    struct job job = {.tasks = tasks, .parts = tasks < PARTS ? (uint32_t)tasks : PARTS};
    for (uint32_t k = 0; k < job.parts; k++) {
        job.part_tasks[k] = tasks / job.parts + (k < tasks % job.parts);
        job.part_ns[k] = draw_tasks(world, worker, job.part_tasks[k]);
        job.run_ns += job.part_ns[k];
    }
    return job;
}

static void report(struct sched_past *past, const struct job *job, double claim_ns)
{
    double k = (double)++past->chunks, total_ns = job->run_ns + claim_ns;
    for (uint32_t p = 0; p < job->parts; p++) {
        double n = (double)job->part_tasks[p], x = job->part_ns[p] / n;
        past->tasks += job->part_tasks[p];
        double off = x - past->task_mean_ns;
        past->task_mean_ns += off * n / (double)past->tasks;
        past->task_m2 += n * off * (x - past->task_mean_ns);
        past->parts++;
    }
    past->busy_ns += job->run_ns;
    past->total_ns += total_ns;
    past->weighted_tasks += k * (double)job->tasks;
    past->weighted_ns += k * job->run_ns;
    past->weighted_total_ns += k * total_ns;
}

/* Called at each claim of an adaptive rule, before it. */
typedef void watch_claim(void *watcher, const struct sched *s, uint32_t worker, uint64_t left,
                         uint64_t size, double now_ns);

static struct outcome simulate(const struct sched *s, struct world *world, watch_claim *watch,
                               void *watcher)
{
    struct outcome outcome = {0};
    struct sched_past pasts[MOST_P] = {0};
    struct sched_own owns[MOST_P] = {0};
    struct job jobs[MOST_P] = {0};
    double free_ns[MOST_P] = {0};
    struct sched_walk walk = {0};
    for (uint64_t next = 0, first; next < s->n;) {
        uint32_t w = 0;
        for (uint32_t q = 1; q < s->workers; q++)
            if (free_ns[q] < free_ns[w])
                w = q;
        if (jobs[w].tasks > 0)
            report(&pasts[w], &jobs[w], world->claim_ns);
        uint64_t left = s->n - next, size;
        if (s->class == SCHED_ADAPTIVE) {
            size = sched_adaptive_size(s, w, pasts[w].chunks, outcome.chunks, left, pasts, &owns[w],
                                       free_ns[w]);
            if (watch)
                watch(watcher, s, w, left, size, free_ns[w]);
        } else {
            sched_walk(s, &walk, &first, &size);
        }
        if (!is_within(s, size, left))
            ck_abort_msg("%s: %" PRIu64 " of %" PRIu64, sched_rule_of(s->kind)->name, size, left);
        jobs[w] = run_job(world, w, size);
        pasts[w].assigned += size;
        pasts[w].asked_ns = free_ns[w];
        free_ns[w] += world->claim_ns + jobs[w].run_ns;
        outcome.makespan_ns = fmax(outcome.makespan_ns, free_ns[w]);
        outcome.work_ns += jobs[w].run_ns;
        outcome.tasks[w] += size;
        outcome.chunks++;
        next += size;
    }
    return outcome;
}

/* The least makespan: all workers end together. */
static double fair_ns(const struct world *world, const struct sched *s)
{
    double rates = 0;
    for (uint32_t w = 0; w < s->workers; w++)
        rates += 1 / world->task_ns[w];
    return (double)s->n / rates;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Whatever the reports say, among it what no worker can have seen. */
static struct sched_past draw_past(struct rng *rng)
{
    static const double values[] = {0, 0, 1, 1e-3, 17, 1e3, 1e9, 1e18};
    enum { N_VALUES = sizeof values / sizeof *values };
    struct sched_past past = {.tasks = rng_below(rng, 50), .parts = rng_below(rng, 4)};
    past.assigned = past.tasks + rng_below(rng, 2) * rng_below(rng, 50);
    double *const reals[] = {&past.weighted_tasks, &past.weighted_ns, &past.weighted_total_ns,
                             &past.task_mean_ns,   &past.task_m2,     &past.asked_ns};
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++)
        *reals[k] = values[rng_below(rng, N_VALUES)] * rng_mix_unit(3, rng_next(rng));
    return past;
}

START_TEST(hands_out_exactly_once_whatever_is_reported)
{
    struct rng rng;
    rng_seed(&rng, (uint64_t)_i);
    for (int k = 0; k < 15000; k++) {
        struct sched_spec spec = sched_spec_default(adaptive[_i]);
        uint64_t n = rng_below(&rng, rng_below(&rng, 8) ? 40 : 2000);
        uint32_t workers = 1 + (uint32_t)rng_below(&rng, 12);
        if (rng_below(&rng, 4)) {
            spec.params.h = (double)rng_below(&rng, 3) * 100;
            spec.params.mean = 1e-3 + (double)rng_below(&rng, 1000);
            spec.params.sd = rng_below(&rng, 3) ? (double)rng_below(&rng, 1000) : 0;
        }
        if (rng_below(&rng, 2)) {
            spec.params.n_weights = 1 + (uint32_t)rng_below(&rng, 5);
            for (uint32_t w = 0; w < spec.params.n_weights; w++)
                spec.params.weights[w] = 1e-6 + (double)rng_below(&rng, 4);
        }
        struct sched s = sched_make(&spec, n, workers, rng_below(&rng, 5));
        struct sched_past pasts[12];
        struct sched_own owns[12] = {0};
        uint64_t turns[12] = {0};
        for (uint32_t w = 0; w < workers; w++)
            pasts[w] = draw_past(&rng);
        for (uint64_t next = 0, i = 0; next < n; i++) {
            uint32_t w = (uint32_t)rng_below(&rng, workers);
            struct sched_own before = owns[w];
            uint64_t size = sched_adaptive_size(&s, w, turns[w], i, n - next, pasts, &owns[w], 1e6);
            uint64_t again =
                sched_adaptive_size(&s, w, turns[w], i, n - next, pasts, &owns[w], 1e6);
            bool is_kept = owns[w].weight > 0 || memcmp(&before, &owns[w], sizeof before) == 0;
            if (!is_within(&s, size, n - next) || size != again || !is_kept)
                ck_abort_msg("%s: %" PRIu64 " of %" PRIu64 ", then %" PRIu64,
                             sched_rule_of(s.kind)->name, size, n - next, again);
            turns[w]++;
            next += size;
            pasts[w] = draw_past(&rng);
        }
    }
}
END_TEST

/* The largest lists: nothing overflows, and the number of chunks stays a matter of P ln N; bold
 * takes more, small ones, towards the end. */
START_TEST(large_lists_take_few_chunks)
{
    struct sched_spec spec = read_spec("bold h=1us mean=1us sd=500ns");
    spec.rule = sched_rule_of(adaptive[_i]);
    struct sched s = sched_make(&spec, (uint64_t)1 << 40, 48, 1);
    struct world world = {.claim_ns = 100};
    for (uint32_t w = 0; w < s.workers; w++)
        world.task_ns[w] = 1000 + w;
    struct outcome o = simulate(&s, &world, NULL, NULL);
    ck_assert_uint_lt(o.chunks, s.kind == SCHED_BOLD ? 40000 : 48 * 2 * 45);
    ck_assert_double_lt(o.makespan_ns, fair_ns(&world, &s) * 1.03);
}
END_TEST

/* Workers that are 1, 2 and 4 times as fast end together, within 3 %. (bold supposes that all are
 * alike.) */
START_TEST(weights_go_to_the_fast)
{
    struct sched_spec spec = read_spec("wf weights=4:2:1:1");
    spec.rule = sched_rule_of(adaptive[_i]);
    spec.params.h = spec.params.mean = 100;
    spec.params.sd = 50;
    struct sched s = sched_make(&spec, 40000, 4, 1);
    for (int exponential = 0; exponential < 2; exponential++) {
        struct world world = {{250, 500, 1000, 1000}, 100, exponential != 0, {{0}}};
        rng_seed(&world.rng, 1);
        struct outcome o = simulate(&s, &world, NULL, NULL);
        ck_assert_double_lt(o.makespan_ns, fair_ns(&world, &s) * 1.03);
        ck_assert_double_eq_tol((double)o.tasks[0], 20000, 600);
        ck_assert_double_eq_tol((double)o.tasks[1], 10000, 400);
        ck_assert_uint_lt(o.chunks, 400);
    }
}
END_TEST

/* --- weighted factoring ----------------------------------------------------------------------- */

START_TEST(wf_is_fac2_times_the_weight)
{
    struct sched_spec spec = read_spec("wf weights=1:3");
    struct sched s = sched_make(&spec, 1000, 4, 1);
    static const uint64_t expected[] = {63, 188, 63, 188, 32, 95, 32, 95}; /* 125, then 63 */
    struct sched_own own = {0, 0};
    uint64_t left = 1000;
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t size = sched_adaptive_size(&s, (uint32_t)(i % 4), i / 4, i, left, NULL, &own, 0);
        ck_assert_uint_eq(size, expected[i]);
        left -= size;
    }
    /* Three workers share two weights: 1, 3, 1 of 5, times 3. */
    s = sched_make(&spec, 6000, 3, 1);
    ck_assert_uint_eq(sched_adaptive_size(&s, 0, 0, 0, 6000, NULL, &own, 0), 600);
    ck_assert_uint_eq(sched_adaptive_size(&s, 1, 0, 1, 5400, NULL, &own, 0), 1800);
    ck_assert_uint_eq(sched_adaptive_size(&s, 2, 0, 2, 3600, NULL, &own, 0), 600);
}
END_TEST

/* A worker with a small weight that is as fast as the others asks more often than the batches
 * suppose: no long tail of single tasks is left. */
START_TEST(wf_with_wrong_weights_leaves_no_tail)
{
    struct sched_spec spec = read_spec("wf weights=1:9");
    struct sched s = sched_make(&spec, 100000, 2, 1);
    struct world world = {.task_ns = {100, 100}};
    struct outcome o = simulate(&s, &world, NULL, NULL);
    ck_assert_uint_lt(o.chunks, 200);
}
END_TEST

/* Two workers, 100 and 300 ns a task, or with claims 200 and 300: weights 1.5 and 0.5, or 1.2 and
 * 0.8, of 900/4 tasks. */
START_TEST(awf_weights_are_shares_of_speed)
{
    struct sched_past pasts[2] = {
        {.weighted_tasks = 10, .weighted_ns = 1000, .weighted_total_ns = 2000},
        {.weighted_tasks = 30, .weighted_ns = 9000, .weighted_total_ns = 9000}};
    for (enum sched_kind kind = SCHED_AWF_B; kind <= SCHED_AWF_E; kind++) {
        struct sched s = sched_resolve(kind, 1000, 2, 1);
        struct sched_own own[2] = {{0, 0}, {0, 0}};
        bool with_claims = kind == SCHED_AWF_D || kind == SCHED_AWF_E;
        ck_assert_uint_eq(sched_adaptive_size(&s, 0, 0, 0, 1000, pasts, &own[0], 0), 50);
        ck_assert_uint_eq(sched_adaptive_size(&s, 1, 0, 1, 950, pasts, &own[1], 0), 50);
        ck_assert_uint_eq(sched_adaptive_size(&s, 0, 1, 2, 900, pasts, &own[0], 0),
                          with_claims ? 270 : 338);
        ck_assert_uint_eq(sched_adaptive_size(&s, 1, 1, 2, 900, pasts, &own[1], 0),
                          with_claims ? 180 : 113);
        /* Both turn out to be equally fast: B and D see it when the next batch begins. */
        struct sched_past equal[2] = {pasts[0], pasts[0]};
        bool by_batch = kind == SCHED_AWF_B || kind == SCHED_AWF_D;
        ck_assert_uint_eq(sched_adaptive_size(&s, 0, 1, 3, 900, equal, &own[0], 0), !by_batch ? 225
                                                                                    : with_claims
                                                                                        ? 270
                                                                                        : 338);
        ck_assert_uint_eq(sched_adaptive_size(&s, 0, 1, 4, 450, equal, &own[0], 0), 113);
        ck_assert_uint_eq(sched_adaptive_size(&s, 1, 1, 5, 337, equal, &own[1], 0),
                          by_batch ? 113 : 85);
    }
}
END_TEST

/* Who is not measured counts as average, and takes none of the others' weight. */
START_TEST(awf_without_times_is_factoring)
{
    struct sched_past pasts[4] = {{0}};
    for (enum sched_kind kind = SCHED_AWF_B; kind <= SCHED_AWF_E; kind++) {
        struct sched s = sched_resolve(kind, 1000, 4, 1);
        struct sched_own own = {0, 0};
        ck_assert_uint_eq(sched_adaptive_size(&s, 1, 1, 4, 900, pasts, &own, 0), 113);
        pasts[0] =
            (struct sched_past){.weighted_tasks = 1, .weighted_ns = 5, .weighted_total_ns = 5};
        own.weight = 0;
        ck_assert_uint_eq(sched_adaptive_size(&s, 0, 1, 4, 900, pasts, &own, 0), 113);
        pasts[0] = (struct sched_past){0};
    }
}
END_TEST

/* --- adaptive factoring ----------------------------------------------------------------------- */

START_TEST(af_sizes_are_those_of_the_formula)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (int k = 0; k < 20000; k++) {
        uint32_t P = 1 + (uint32_t)rng_below(&rng, 8), w = (uint32_t)rng_below(&rng, P);
        uint64_t n = 100 + rng_below(&rng, 100000), R = 1 + rng_below(&rng, n);
        struct sched s = sched_resolve(SCHED_AF, n, P, 1);
        struct sched_past pasts[8] = {{0}};
        struct sched_own own = {0, 0};
        long double D = 0, T = 0;
        for (uint32_t q = 0; q < P; q++) {
            double mean = 1 + (double)rng_below(&rng, 1000),
                   variance = (double)rng_below(&rng, 99999);
            uint64_t parts = 2 + rng_below(&rng, 50);
            pasts[q] = (struct sched_past){
                .parts = parts, .task_mean_ns = mean, .task_m2 = variance * (double)(parts - 1)};
            D += (long double)variance / mean;
            T += 1 / (long double)mean;
        }
        T = 1 / T;
        long double size = (D + 2 * T * R - sqrtl(D * D + 4 * D * T * R)) /
                           (2 * (long double)pasts[w].task_mean_ns);
        uint64_t found = sched_adaptive_size(&s, w, 1, P, R, pasts, &own, 0);
        ck_assert(found >= fmaxl(1, ceill(size - 1e-6L)) &&
                  found <= ceill(size + 1e-6L) + (size <= 0));
    }
}
END_TEST

START_TEST(af_begins_with_a_tenth_and_guesses_what_it_lacks)
{
    struct sched s = sched_resolve(SCHED_AF, 1000, 4, 1);
    struct sched_past pasts[4] = {{0}};
    struct sched_own own = {0, 0};
    ck_assert_uint_eq(sched_adaptive_size(&s, 2, 0, 3, 900, pasts, &own, 0), 25);
    ck_assert_uint_eq(sched_adaptive_size(&s, 2, 1, 9, 900, pasts, &own, 0), 25); /* no times yet */
    /* One time, no spread: half of an equal share. */
    pasts[2] = (struct sched_past){.parts = 1, .task_mean_ns = 70};
    ck_assert_uint_eq(sched_adaptive_size(&s, 2, 1, 9, 800, pasts, &own, 0), 100);
    /* The others are as this one: μ 70, σ² 4900, D 4 × 70, T 70/4, R 800. */
    pasts[2] = (struct sched_past){.parts = 3, .task_mean_ns = 70, .task_m2 = 9800};
    double D = 280, TR = 14000;
    uint64_t expected = (uint64_t)ceil((D + 2 * TR - sqrt(D * D + 4 * D * TR)) / 140);
    ck_assert_uint_eq(sched_adaptive_size(&s, 2, 1, 9, 800, pasts, &own, 0), expected);
    /* And so they are when it is one of them who asks. */
    ck_assert_uint_eq(sched_adaptive_size(&s, 0, 1, 9, 800, pasts, &own, 0), expected);
    /* Nobody differs: its share of all that is left. */
    pasts[2].task_m2 = 0;
    ck_assert_uint_eq(sched_adaptive_size(&s, 2, 1, 9, 800, pasts, &own, 0), 200);
}
END_TEST

/* --- bold ------------------------------------------------------------------------------------- */

/* The bookkeeping as the paper has it: at each request of a worker N goes down by what the workers
 * together should have done since the last request of any, and by what the chunk that ends here was
 * off that; M by the chunk; the size follows from Q, R, N, M. */
struct bold_book {
    long double a, b, c1, c2, c3, N, M, speed, last_ns;
    long double chunk[MOST_P], speeds[MOST_P], since_ns[MOST_P];
    int n_claims, n_wrong;
};

static void keep_book(void *watcher, const struct sched *s, uint32_t w, uint64_t left,
                      uint64_t size, double now)
{
    struct bold_book *k = watcher;
    long double P = s->workers, R = left, Q = R / P;
    long double mu = s->params.mean, sigma = s->params.sd, h = s->params.h;
    if (k->n_claims++ == 0) {
        k->a = 2 * powl(sigma / mu, 2);
        k->b = 8 * k->a * logl(8 * k->a);
        k->c1 = h / (mu * logl(2));
        k->c2 = sqrtl(2 * acosl(-1)) * k->c1;
        k->c3 = logl(k->c2);
        k->N = k->M = s->n;
    }
    if (k->chunk[w] > 0) {
        k->M -= k->chunk[w];
        k->N -= k->chunk[w] - (now - k->since_ns[w]) * k->speeds[w];
    }
    k->N -= (now - k->last_ns) * k->speed;
    k->last_ns = now;
    k->speed -= k->speeds[w];

    long double expected = 1;
    if (Q > 1) {
        long double r = fmaxl(R, k->N), t = r / P, v = Q / (k->b + Q),
                    d = R / (1 + 1 / logl(Q) - v);
        expected = t;
        if (d > k->c2) {
            long double S = k->a * (logl(d) - k->c3) * (1 + k->M / (r * P));
            long double W = k->b > 0 ? logl(v * logl(Q)) + logl(k->b) : logl(logl(Q));
            expected = fminl(t, t + S / 2 - sqrtl(S * (t + S / 4)) + fmaxl(0, k->c1 * W));
        }
    }
    long double lost =
        1e-7L * (1 + expected); /* N is a long sum in one way, a short one in the other */
    k->n_wrong +=
        size < fminl(R, ceill(expected - lost)) || size > fmaxl(1, ceill(expected + lost));
    k->chunk[w] = size;
    k->speeds[w] = size / (size * mu + h);
    k->since_ns[w] = now;
    k->speed += k->speeds[w];
}

START_TEST(bold_follows_the_paper_s_bookkeeping)
{
    static const char *const specs[] = {
        "bold h=500ns mean=1us sd=1us", "bold h=50ns mean=1us sd=1us",
        "bold h=5us mean=1us sd=300ns", "bold h=1ns mean=1us sd=5us"};
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        for (uint32_t workers = 2; workers <= 64; workers *= 2) {
            struct sched_spec spec = read_spec(specs[k]);
            struct sched s = sched_make(&spec, 8192, workers, 1);
            struct world world = {.claim_ns = spec.params.h, .exponential = true};
            rng_seed(&world.rng, workers);
            for (uint32_t w = 0; w < workers; w++)
                world.task_ns[w] = 1000;
            struct bold_book book = {0};
            simulate(&s, &world, keep_book, &book);
            ck_assert_msg(book.n_wrong == 0, "%s, P %u: %d of %d sizes", specs[k], workers,
                          book.n_wrong, book.n_claims);
        }
    }
}
END_TEST

START_TEST(bold_at_its_corners)
{
    struct world world = {.task_ns = {1000, 1000, 1000, 1000}, .claim_ns = 500};
    struct sched_spec spec = read_spec("bold h=500ns mean=1us sd=0");
    struct sched s = sched_make(&spec, 1000, 4, 1);
    struct outcome o = simulate(&s, &world, NULL, NULL);
    ck_assert_uint_eq(o.chunks, 4); /* equal tasks are dealt out at once */
    ck_assert_double_eq(o.makespan_ns, 250 * 1000 + 500);
    spec = read_spec("bold h=0 mean=1us sd=1us"); /* asking costs nothing: one at a time */
    s = sched_make(&spec, 1000, 4, 1);
    ck_assert_uint_eq(simulate(&s, &world, NULL, NULL).chunks, 1000);
    spec = read_spec("bold h=1s mean=1us sd=1us"); /* it costs more than all tasks */
    s = sched_make(&spec, 1000, 4, 1);
    ck_assert_uint_eq(simulate(&s, &world, NULL, NULL).chunks, 4);
}
END_TEST

/* Time that a worker spends on getting chunks and on waiting for the last, on average, in tasks. */
static double wasted(const char *text, uint64_t n, uint32_t workers, double h)
{
    struct sched_spec spec = read_spec(text);
    struct sched s = sched_make(&spec, n, workers, spec.rule->kind == SCHED_STATIC ? 0 : 1);
    enum { LISTS = 30 };
    double sum = 0;
    for (uint64_t list = 0; list < LISTS; list++) {
        struct world world = {.claim_ns = h, .exponential = true};
        rng_seed(&world.rng, list);
        for (uint32_t w = 0; w < workers; w++)
            world.task_ns[w] = 1000;
        struct outcome o = simulate(&s, &world, NULL, NULL);
        sum += o.makespan_ns - o.work_ns / workers;
    }
    return sum / LISTS / 1000;
}

/* In the paper's setting, exponential tasks of mean 1 and h = 0.5, BOLD wastes least; single tasks
 * cost h each. */
START_TEST(bold_wastes_least_where_the_paper_says_so)
{
    double bold = wasted("bold h=500ns mean=1us sd=1us", 8192, 8, 500);
    double fac = wasted("fac mean=1us sd=1us", 8192, 8, 500);
    double fac2 = wasted("fac2", 8192, 8, 500);
    double guided = wasted("guided", 8192, 8, 500);
    double dynamic = wasted("dynamic", 8192, 8, 500);
    ck_assert_double_lt(bold, fac);
    ck_assert_double_lt(bold, fac2);
    ck_assert_double_lt(fac2, guided);
    ck_assert_double_eq_tol(dynamic, 8192 * 0.5 / 8, 5);
}
END_TEST

UNIT_MAIN("sched_adaptive", UNIT_LOOP(hands_out_exactly_once_whatever_is_reported, 0, N_ADAPTIVE),
          UNIT_LOOP(large_lists_take_few_chunks, 0, N_ADAPTIVE),
          UNIT_LOOP(weights_go_to_the_fast, 0, N_ADAPTIVE - 1), wf_is_fac2_times_the_weight,
          wf_with_wrong_weights_leaves_no_tail, awf_weights_are_shares_of_speed,
          awf_without_times_is_factoring, af_sizes_are_those_of_the_formula,
          af_begins_with_a_tenth_and_guesses_what_it_lacks, bold_follows_the_paper_s_bookkeeping,
          bold_at_its_corners, bold_wastes_least_where_the_paper_says_so)
