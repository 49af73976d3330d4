/* Workloads: specifications, shapes, each workload's answers and checks, plug-ins. */
#include "unit.h"

#include "base/clock.h"
#include "work/shape.h"
#include "work/work.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURES "build/fixtures/"

/* --- helpers ---------------------------------------------------------------------------------- */

static struct work open_work(const char *spec, uint64_t n)
{
    struct work work;
    struct err err = {""};
    ck_assert_msg(work_open(&work, spec, n, 1, &err) == 0, "%s: %s", spec, err.text);
    return work;
}

/* Asserts that the sentence holds each of the words, which end with NULL. */
static void assert_words(const char *sentence, const char *const *words)
{
    for (; *words; words++)
        ck_assert_msg(strstr(sentence, *words) != NULL, "'%s' lacks '%s'", sentence, *words);
}

/* Asserts that neither opening nor checking takes the specification, and what they say. */
#define assert_refused(spec, ...)                                                                  \
    do {                                                                                           \
        const char *const words_[] = {__VA_ARGS__, NULL};                                          \
        refuse(spec, words_);                                                                      \
    } while (0)

static void refuse(const char *spec, const char *const *words)
{
    struct work work;
    struct err err = {""};
    char buffer[512];
    ck_assert_msg(work_open(&work, spec, 5, 1, &err) == -1, "%s was opened", spec);
    assert_words(err.text, words);
    err.text[0] = '\0';
    ck_assert_int_eq(work_check(spec, &err), -1);
    assert_words(err.text, words);
    err.text[0] = '\0';
    ck_assert_int_eq(work_canonical(spec, buffer, sizeof buffer, &err), -1);
    assert_words(err.text, words);
    ck_assert_int_eq(work_check(spec, NULL), -1);
}

static void assert_canonical(const char *spec, const char *expected)
{
    char once[512], twice[512];
    struct err err = {""};
    ck_assert_msg(work_canonical(spec, once, sizeof once, &err) == 0, "%s: %s", spec, err.text);
    ck_assert_str_eq(once, expected);
    ck_assert_int_eq(work_canonical(once, twice, sizeof twice, &err), 0);
    ck_assert_str_eq(twice, expected);
}

/* Runs all tasks in uneven chunks, last first: order must not matter. */
static struct tally run_all(const struct work *work, void *results)
{
    struct tally total = {0}, part;
    uint64_t end = work->n;
    for (uint64_t size = 1; end > 0; size = size * 3 % 17 + 1) {
        uint64_t count = size < end ? size : end;
        memset(&part, 0, sizeof part);
        work_run_range(work, end - count, count, results, &part);
        tally_add(&total, &part);
        end -= count;
    }
    return total;
}

static void *new_results(const struct work *work)
{
    return calloc(work->n + 1, work->result_bytes + 1);
}

static void assert_right(const char *spec, uint64_t n)
{
    struct work work = open_work(spec, n);
    struct err err = {""};
    void *results = new_results(&work);
    struct tally total = run_all(&work, results);
    ck_assert_msg(work_verify(&work, &total, results, &err) == 0, "%s, %" PRIu64 " tasks: %s", spec,
                  n, err.text);
    total.sum++;
    ck_assert_msg(work_verify(&work, &total, results, &err) == -1, "%s: a wrong sum passed", spec);
    ck_assert_ptr_nonnull(strstr(err.text, "instead of"));
    free(results);
    work_close(&work);
}

static double total_weight(const struct shape *shape, uint64_t n)
{
    double sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum += shape_weight(shape, i);
    return sum;
}

static struct shape make_shape(enum shape_kind kind, uint64_t n, uint64_t seed, double ratio,
                               double share)
{
    struct workload_value values[4] = {
        [SHAPE_AT_KIND] = {.count = kind},
        [SHAPE_AT_SEED] = {.count = seed},
        [SHAPE_AT_RATIO] = {.real = ratio},
        [SHAPE_AT_SHARE] = {.real = share},
    };
    struct shape shape;
    char error[200] = "";
    ck_assert_msg(shape_init(&shape, values, n, error, sizeof error) == 0, "%s", error);
    return shape;
}

/* --- closed forms and shapes ------------------------------------------------------------------ */

START_TEST(closed_forms_agree_with_loops)
{
    uint64_t indices = 0, squares = 0;
    for (uint64_t n = 0; n < 2000; n++) {
        ck_assert_uint_eq(sum_indices(n), indices);
        ck_assert_uint_eq(sum_squares(n), squares);
        indices += n;
        squares += n * n;
    }
    /* Where the plain formula wraps: each step adds one term modulo 2^64. */
    static const uint64_t large[] = {3000000, UINT64_C(1) << 32, UINT64_C(99999999977),
                                     (UINT64_C(1) << 62) + 5, (UINT64_C(1) << 63) - 7};
    for (size_t k = 0; k < sizeof large / sizeof *large; k++) {
        for (uint64_t n = large[k]; n < large[k] + 6; n++) {
            ck_assert_uint_eq(sum_indices(n + 1) - sum_indices(n), n);
            ck_assert_uint_eq(sum_squares(n + 1) - sum_squares(n), n * n);
        }
    }
}
END_TEST

START_TEST(every_shape_has_mean_one)
{
    static const uint64_t sizes[] = {1, 2, 3, 7, 100, 9973, 300000};
    for (enum shape_kind kind = SHAPE_CONSTANT; kind <= SHAPE_BIMODAL; kind++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            struct shape shape = make_shape(kind, sizes[k], 42, 10, 0.1);
            double mean = total_weight(&shape, sizes[k]) / (double)sizes[k];
            ck_assert_msg(fabs(mean - 1) < 1e-11, "shape %d, %" PRIu64 " tasks: mean %.15g", kind,
                          sizes[k], mean);
            uint64_t negative = 0; /* counted: an assertion a weight would take seconds */
            for (uint64_t i = 0; i < sizes[k]; i++)
                negative += !(shape_weight(&shape, i) >= 0);
            ck_assert_uint_eq(negative, 0);
        }
        make_shape(kind, 0, 1, 10, 0.1);
    }
}
END_TEST

/* Lists too long to be summed: the set-up ends, and a sample's mean is 1. */
START_TEST(shapes_of_long_lists_have_mean_one)
{
    enum { SAMPLE = 100000 };
    uint64_t n = UINT64_C(1) << 40;
    for (enum shape_kind kind = SHAPE_CONSTANT; kind <= SHAPE_BIMODAL; kind++) {
        struct shape shape = make_shape(kind, n, 42, 10, 0.1);
        double sum = 0;
        for (uint64_t k = 0; k < SAMPLE; k++)
            sum += shape_weight(&shape, n / SAMPLE * k + n / SAMPLE / 2);
        ck_assert_double_eq_tol(sum / SAMPLE, 1, 0.03);
    }
}
END_TEST

START_TEST(shapes_are_what_they_say)
{
    struct shape linear = make_shape(SHAPE_LINEAR, 101, 1, 10, 0.1);
    ck_assert_double_eq(shape_weight(&linear, 0), 0);
    ck_assert_double_eq_tol(shape_weight(&linear, 50), 1, 1e-12);
    ck_assert_double_eq_tol(shape_weight(&linear, 100), 2, 1e-12);

    struct shape one = make_shape(SHAPE_ONE_LONG, 5, 1, 10, 0.1);
    for (uint64_t i = 1; i < 5; i++)
        ck_assert_double_eq_tol(shape_weight(&one, 0) / shape_weight(&one, i), 10, 1e-12);

    /* Uniform: between 0 and 2, variance 1/3. Exponential: variance 1, a share 1/e above the mean.
     */
    enum { N = 200000 };
    struct shape random = make_shape(SHAPE_RANDOM, N, 1, 10, 0.1);
    struct shape exponential = make_shape(SHAPE_EXPONENTIAL, N, 1, 10, 0.1);
    struct shape bimodal = make_shape(SHAPE_BIMODAL, N, 1, 4, 0.25);
    double variance = 0, variance_exp = 0, shorter = shape_weight(&bimodal, 0);
    int above = 0, n_long = 0, outside = 0;
    for (uint64_t i = 0; i < N; i++) {
        double r = shape_weight(&random, i), e = shape_weight(&exponential, i);
        outside += !(r >= 0 && r < 2.02);
        variance += (r - 1) * (r - 1) / N;
        variance_exp += (e - 1) * (e - 1) / N;
        above += e > 1;
        shorter = fmin(shorter, shape_weight(&bimodal, i));
    }
    for (uint64_t i = 0; i < N; i++) {
        double times = shape_weight(&bimodal, i) / shorter;
        outside += !(fabs(times - 1) < 1e-9 || fabs(times - 4) < 1e-9);
        n_long += times > 2;
    }
    ck_assert_int_eq(outside, 0);
    ck_assert_double_eq_tol(variance, 1.0 / 3, 0.01);
    ck_assert_double_eq_tol(variance_exp, 1, 0.05);
    ck_assert_double_eq_tol(above / (double)N, exp(-1), 0.01);
    ck_assert_double_eq_tol(n_long / (double)N, 0.25, 0.01);
}
END_TEST

START_TEST(all_or_no_tasks_long_is_even)
{
    struct shape none = make_shape(SHAPE_BIMODAL, 50, 1, 10, 0);
    struct shape all = make_shape(SHAPE_BIMODAL, 50, 1, 10, 1);
    for (uint64_t i = 0; i < 50; i++) {
        ck_assert_double_eq_tol(shape_weight(&none, i), 1, 1e-12);
        ck_assert_double_eq_tol(shape_weight(&all, i), 1, 1e-12);
    }
}
END_TEST

START_TEST(shapes_depend_on_the_seed_alone)
{
    static const enum shape_kind drawn[] = {SHAPE_RANDOM, SHAPE_EXPONENTIAL, SHAPE_BIMODAL};
    for (size_t k = 0; k < 3; k++) {
        struct shape a = make_shape(drawn[k], 1000, 1, 10, 0.1);
        struct shape b = make_shape(drawn[k], 1000, 1, 10, 0.1);
        struct shape c = make_shape(drawn[k], 1000, 2, 10, 0.1);
        int differ = 0;
        for (uint64_t i = 0; i < 1000; i++) {
            ck_assert_double_eq(shape_weight(&a, i), shape_weight(&b, i));
            differ += shape_weight(&a, i) != shape_weight(&c, i);
        }
        ck_assert_int_gt(differ, 50);
    }
}
END_TEST

START_TEST(counts_are_rounded_and_bounded)
{
    struct shape constant = make_shape(SHAPE_CONSTANT, 3, 1, 10, 0.1);
    ck_assert_uint_eq(shape_count(&constant, 9007199254740993, 0), 9007199254740993);
    ck_assert_uint_eq(shape_count(&constant, UINT64_MAX, 0), SHAPE_MOST);
    struct shape one = make_shape(SHAPE_ONE_LONG, 1000, 1, 1e6, 0.1);
    ck_assert_uint_eq(shape_count(&one, SHAPE_MOST, 0), SHAPE_MOST);
    struct shape linear = make_shape(SHAPE_LINEAR, 4, 1, 10, 0.1); /* 0, 2/3, 4/3, 2 */
    ck_assert_uint_eq(shape_count(&linear, 10, 1), 7);
    ck_assert_uint_eq(shape_count(&linear, 10, 2), 13);
}
END_TEST

/* --- specifications --------------------------------------------------------------------------- */

START_TEST(unknown_workloads_name_the_choices)
{
    assert_refused("slep time=1ms", "'slep'", "null", "sleep", "burn", "square", "mean 'sleep'");
    assert_refused("", "no workload", "null, sleep, burn, square");
    assert_refused(" \t\n ", "no workload");
    assert_refused("mine.so size=3", "'mine.so'", "./mine.so");
}
END_TEST

START_TEST(wrong_parameters_are_explained)
{
    assert_refused("sleep tme=1ms", "sleep", "'tme'", "time=1s", "shape=constant", "mean 'time'");
    assert_refused("sleep fast", "sleep", "'fast'", "name=value", "time=1s");
    assert_refused("sleep time", "sleep", "'time'", "name=value", "mean 'time'");
    assert_refused("null x=1", "null", "'x'", "none");
    assert_refused("sleep time=1s time=2s", "sleep", "time", "twice", "'1s'", "'2s'", "default 1s");
    assert_refused("sleep time=", "sleep", "time", "''", "20ms", "default 1s");
    assert_refused("sleep time=-1s", "sleep", "time", "'-1s'", "default 1s");
    assert_refused("sleep time=2parsecs", "'2parsecs'", "duration", "default 1s");
    assert_refused("burn iterations=1.5", "burn", "iterations", "'1.5'", "whole", "default 10M");
    assert_refused("burn shape=linaer", "burn", "shape", "'linaer'", "constant, linear, random",
                   "one-long", "mean 'linear'", "default constant");
    assert_refused("sleep ratio=x", "sleep", "ratio", "'x'", "decimal", "default 10");
    assert_refused("square results=maybe", "square", "results", "'maybe'", "no, yes", "default no");
    assert_refused("sleep =5", "sleep", "''");
}
END_TEST

START_TEST(values_out_of_range_are_explained)
{
    assert_refused("sleep ratio=0.5", "sleep", "ratio", "0.5", "1 to 1000000", "default 10");
    assert_refused("burn ratio=1e7", "burn", "ratio", "1 to 1000000");
    assert_refused("burn share=1.01", "burn", "share", "1.01", "0 to 1", "default 0.1");
    assert_refused("burn share=-0.1", "burn", "share", "0 to 1");
}
END_TEST

START_TEST(long_specifications_are_refused)
{
    char spec[600];
    memset(spec, ' ', sizeof spec);
    memcpy(spec, "null", 4);
    spec[511] = '\0';
    ck_assert_int_eq(work_check(spec, NULL), 0);
    spec[511] = ' ';
    spec[512] = '\0';
    assert_refused(spec, "512 bytes", "511");
}
END_TEST

START_TEST(canonical_text_spells_everything_out)
{
    assert_canonical("null", "null");
    assert_canonical("  sleep\ttime=20ms\n",
                     "sleep time=20ms shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("sleep share=.25 ratio=1e1 seed=1000 shape=linear time=0.02",
                     "sleep time=20ms shape=linear seed=1000 ratio=10 share=0.25");
    assert_canonical("sleep time=90s", "sleep time=90s shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("sleep time=2min", "sleep time=120s shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("sleep time=1500us",
                     "sleep time=1500us shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("sleep time=1.000001s",
                     "sleep time=1000001us shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("sleep time=7ns", "sleep time=7ns shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("sleep time=0", "sleep time=0 shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("burn", "burn iterations=10M shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical(
        "burn iterations=10_000_000 share=0.30000000000000004",
        "burn iterations=10M shape=constant seed=1 ratio=10 share=0.30000000000000004");
    assert_canonical("burn iterations=5k",
                     "burn iterations=5000 shape=constant seed=1 ratio=10 share=0.1");
    assert_canonical("burn iterations=2000M seed=9223372036854775807",
                     "burn iterations=2G shape=constant seed=9223372036854775807 ratio=10 "
                     "share=0.1");
    assert_canonical("burn iterations=0 seed=0",
                     "burn iterations=0 shape=constant seed=0 ratio=10 share=0.1");
    assert_canonical("square results=yes", "square results=yes");
}
END_TEST

START_TEST(canonical_text_must_fit)
{
    char buffer[70];
    struct err err = {""};
    const char *all = "sleep time=1s shape=constant seed=1 ratio=10 share=0.1";
    ck_assert_int_eq(work_canonical("sleep", buffer, strlen(all) + 1, &err), 0);
    ck_assert_str_eq(buffer, all);
    ck_assert_int_eq(work_canonical("sleep", buffer, strlen(all), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "too many"));
}
END_TEST

START_TEST(scale_multiplies_durations_alone)
{
    struct work work;
    struct workload_cost cost;
    struct err err = {""};
    ck_assert_int_eq(work_open(&work, "sleep time=5s", 3, 0.001, &err), 0);
    work.def->cost(work.context, 0, &cost);
    ck_assert_double_eq(cost.ideal_ns, 5e6);
    work_close(&work);
    ck_assert_int_eq(work_open(&work, "burn iterations=1000", 3, 0.001, &err), 0);
    work.def->cost(work.context, 0, &cost);
    ck_assert_uint_eq(cost.iterations, 1000);
    work_close(&work);
    ck_assert_int_eq(work_open(&work, "sleep", 3, 0, &err), -1);
    ck_assert_int_eq(work_open(&work, "sleep", 3, -1, &err), -1);
    ck_assert_int_eq(work_open(&work, "sleep", 3, NAN, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "scale"));
    ck_assert_int_eq(work_open(&work, "sleep time=1h", 3, 1e9, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "time"));
}
END_TEST

/* --- the built-in workloads ------------------------------------------------------------------- */

START_TEST(the_table_is_sound)
{
    for (size_t i = 0; work_table[i]; i++) {
        const struct workload *def = work_table[i];
        ck_assert_uint_eq(def->abi, POOLMARK_WORKLOAD_ABI);
        ck_assert(def->summary && def->run && def->cost && def->verify);
        ck_assert_int_eq(work_check(def->name, NULL), 0);
        for (const struct workload_param *p = def->params; p && p->name; p++)
            ck_assert(p->fallback && p->meaning && !p->choices == (p->type != WORKLOAD_CHOICE));
    }
    ck_assert(work_table[0]->flags & WORKLOAD_USES_CPU);
    ck_assert_str_eq(work_table[1]->name, "sleep");
    ck_assert_uint_eq(work_table[1]->flags & WORKLOAD_USES_CPU, 0);
}
END_TEST

static const char *const right_specs[] = {
    "null",
    "square",
    "square results=yes",
    "sleep time=0",
    "sleep time=50ns shape=exponential",
    "burn iterations=0",
    "burn iterations=1",
    "burn iterations=50",
    "burn iterations=50 shape=linear",
    "burn iterations=50 shape=random seed=5",
    "burn iterations=50 shape=one-long ratio=100",
    "burn iterations=50 shape=exponential",
    "burn iterations=50 shape=bimodal share=0.3",
    FIXTURES "plugin_good.so step=3",
    FIXTURES "plugin_fault.so",
    FIXTURES "plugin_example.so size=10",
    FIXTURES "plugin_example.so size=10 results=no",
};

enum { N_RIGHT = sizeof right_specs / sizeof *right_specs };

START_TEST(answers_are_right_and_checked)
{
    static const uint64_t sizes[] = {0, 1, 2, 3, 97, 1000};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        assert_right(right_specs[_i], sizes[k]);
}
END_TEST

START_TEST(square_gives_the_article_s_sum)
{
    struct work work = open_work("square", 5000);
    struct tally total = run_all(&work, NULL);
    ck_assert_uint_eq(total.sum, 41679167500);
    ck_assert_uint_eq(work.result_bytes, 0);
    work_close(&work);
    work = open_work("square", 20);
    total = run_all(&work, NULL);
    ck_assert_uint_eq(total.sum, 2870);
    work_close(&work);
}
END_TEST

START_TEST(square_checks_every_result)
{
    struct work work = open_work("square results=yes", 1000);
    struct err err = {""};
    uint64_t *results = new_results(&work);
    ck_assert_uint_eq(work.result_bytes, 8);
    struct tally total = run_all(&work, results);
    ck_assert_uint_eq(results[4], 25);
    ck_assert_int_eq(work_verify(&work, &total, results, &err), 0);
    results[999] = 7;
    ck_assert_int_eq(work_verify(&work, &total, results, &err), -1);
    assert_words(err.text,
                 (const char *const[]){"square", "task 999", "7 instead of 1000000", NULL});
    ck_assert_int_eq(work_verify(&work, &total, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "missing"));
    free(results);
    work_close(&work);
}
END_TEST

START_TEST(lost_and_doubled_tasks_are_found)
{
    struct work work = open_work("null", 12);
    struct err err = {""};
    struct tally t = {0};
    work_run_range(&work, 0, 11, NULL, &t);
    ck_assert_int_eq(work_verify(&work, &t, NULL, &err), -1);
    assert_words(err.text, (const char *const[]){"null", "11 times instead of 12", NULL});

    work_run_range(&work, 0, 1, NULL, &t); /* 0 twice and 11 never */
    ck_assert_int_eq(work_verify(&work, &t, NULL, &err), -1);
    assert_words(err.text,
                 (const char *const[]){"exactly once", "sum of i", "55 instead of 66", NULL});

    /* 1, 4 twice and 2, 3 never: as many tasks and the same Σ i */
    static const uint64_t order[] = {0, 1, 1, 4, 4, 5, 6, 7, 8, 9, 10, 11};
    memset(&t, 0, sizeof t);
    for (size_t k = 0; k < 12; k++)
        work_run_range(&work, order[k], 1, NULL, &t);
    ck_assert_uint_eq(t.index_sum, 66);
    ck_assert_int_eq(work_verify(&work, &t, NULL, &err), -1);
    assert_words(err.text,
                 (const char *const[]){"exactly once", "sum of i*i", "510 instead of 506", NULL});
    work_close(&work);
}
END_TEST

START_TEST(tallies_add_up)
{
    struct work work = open_work("null", 10);
    struct tally a = {0}, b = {0};
    work_run_range(&work, 0, 4, NULL, &a);
    work_run_range(&work, 4, 6, NULL, &b);
    tally_add(&a, &b);
    ck_assert_uint_eq(a.tasks, 10);
    ck_assert_uint_eq(a.chunks, 2);
    ck_assert_uint_eq(a.index_sum, 45);
    ck_assert_uint_eq(a.square_sum, 285);
    ck_assert_int_eq(work_verify(&work, &a, NULL, NULL), 0);
    work_close(&work);
}
END_TEST

/* The kernel against the article's loop, and cycles in 1..100. */
START_TEST(burn_computes_what_the_article_computes)
{
    struct work work = open_work("burn iterations=1000 seed=3", 400);
    uint64_t squares = 0, lowest = 100, highest = 1;
    for (uint64_t i = 0; i < 1000; i++)
        squares += i * i;
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t term = work.def->run(work.context, i, NULL), cycles = term / squares;
        ck_assert_uint_eq(term % squares, 0);
        ck_assert(cycles >= 1 && cycles <= 100);
        lowest = cycles < lowest ? cycles : lowest;
        highest = cycles > highest ? cycles : highest;
    }
    ck_assert_uint_le(lowest, 5);
    ck_assert_uint_ge(highest, 96);
    work_close(&work);
}
END_TEST

START_TEST(burn_wraps_without_harm)
{
    /* Σ i² · cycles passes 2^64 from about 3.8 million iterations on. */
    assert_right("burn iterations=5M", 2);
}
END_TEST

START_TEST(burn_depends_on_its_seed)
{
    struct work a = open_work("burn iterations=100 seed=1", 100);
    struct work b = open_work("burn iterations=100 seed=2", 100);
    struct tally of_a = run_all(&a, NULL), of_b = run_all(&b, NULL), again = run_all(&a, NULL);
    ck_assert_uint_eq(of_a.sum, again.sum);
    ck_assert_uint_ne(of_a.sum, of_b.sum);
    ck_assert_int_eq(work_verify(&a, &of_b, NULL, NULL), -1);
    work_close(&a);
    work_close(&b);
}
END_TEST

START_TEST(burn_s_time_grows_with_its_iterations)
{
    /* A loop that the compiler had removed or solved would take next to nothing. */
    uint64_t few = 200000, many = 20 * few;
    work_chain_ns(few);
    double one = work_chain_ns(few), other = work_chain_ns(many);
    ck_assert_msg(one > 0.3 && other > 0.3, "%g and %g ns an iteration", one, other);
    ck_assert_msg(one < 1000 && other < 1000, "%g and %g ns an iteration", one, other);
    ck_assert(work_chain_ns(0) > 0);
}
END_TEST

START_TEST(sleep_takes_its_time)
{
    struct work work = open_work("sleep time=20ms", 1);
    uint64_t start = clock_now_ns();
    ck_assert_uint_eq(work.def->run(work.context, 0, NULL), 1);
    ck_assert_uint_ge(clock_now_ns() - start, 20000000);
    work_close(&work);
}
END_TEST

static void *run_one_and_ask_slack(void *arg)
{
    const struct work *work = arg;
    prctl(PR_SET_TIMERSLACK, 50000ul, 0ul, 0ul, 0ul);
    work->def->run(work->context, 0, NULL);
    return (void *)(intptr_t)prctl(PR_GET_TIMERSLACK, 0ul, 0ul, 0ul, 0ul);
}

START_TEST(sleep_asks_for_the_least_slack_in_each_thread)
{
    struct work work = open_work("sleep time=1us", 1);
    for (int k = 0; k < 2; k++) {
        pthread_t thread;
        void *slack;
        ck_assert_int_eq(pthread_create(&thread, NULL, run_one_and_ask_slack, &work), 0);
        pthread_join(thread, &slack);
        ck_assert_int_eq((intptr_t)slack, 1);
    }
    work_close(&work);
}
END_TEST

START_TEST(totals_add_up)
{
    struct work work = open_work("sleep time=5ms shape=linear", 1001);
    ck_assert_double_eq_tol(work_total(&work, 0).ideal_ns, 1001 * 5e6, 1001);
    /* From 10 of them: equal distances keep the mean of a ramp. */
    ck_assert_double_eq_tol(work_total(&work, 10).ideal_ns, 1001 * 5e6, 0.01 * 1001 * 5e6);
    work_close(&work);
    work = open_work("burn iterations=1000", UINT64_C(100000000000));
    struct workload_cost total = work_total(&work, 100);
    ck_assert_uint_eq(total.iterations, UINT64_C(100000000000000));
    work_close(&work);
    work = open_work("null", 0);
    ck_assert_double_eq(work_total(&work, 0).ideal_ns, 0);
    work_close(&work);
}
END_TEST

/* --- plug-ins --------------------------------------------------------------------------------- */

START_TEST(plugins_that_cannot_be_used_are_explained)
{
    /* The fixtures have to be there for the others to prove anything. */
    ck_assert_msg(access(FIXTURES "plugin_good.so", R_OK) == 0, "no " FIXTURES "plugin_good.so");
    assert_refused("./no/such.so", "cannot load", "./no/such.so", "No such file");
    assert_refused("./Makefile", "cannot load", "Makefile");
    assert_refused(FIXTURES "plugin_no_symbol.so", "plugin_no_symbol.so", "no symbol",
                   "poolmark_workload");
    assert_refused(FIXTURES "plugin_other_abi.so", "plugin_other_abi.so", "ABI 2", "ABI 1",
                   "workload.h");
}
END_TEST

START_TEST(plugins_have_parameters_of_every_type)
{
    assert_canonical(FIXTURES "plugin_good.so mode=fancy pause=3ms",
                     FIXTURES "plugin_good.so step=7 pause=3ms factor=0.5 mode=fancy");
    assert_refused(FIXTURES "plugin_good.so stp=1", "plugin_good.so", "'stp'", "step=7",
                   "mean 'step'");
    assert_refused(FIXTURES "plugin_good.so mode=x", "plugin_good.so", "mode", "plain, fancy");
}
END_TEST

START_TEST(plugins_speak_for_themselves_in_setup)
{
    struct work work;
    struct err err = {""};
    ck_assert_int_eq(work_open(&work, FIXTURES "plugin_good.so step=13", 5, 1, &err), -1);
    assert_words(err.text, (const char *const[]){"plugin_good.so", "bad luck", NULL});
    /* Checking does not run the setup of a plug-in. */
    ck_assert_int_eq(work_check(FIXTURES "plugin_good.so step=13", &err), 0);
}
END_TEST

START_TEST(plugins_check_their_results)
{
    struct work work = open_work(FIXTURES "plugin_good.so", 100);
    struct err err = {""};
    ck_assert_ptr_nonnull(work.library);
    ck_assert_uint_eq(work.result_bytes, 12);
    char *results = new_results(&work);
    struct tally total = run_all(&work, results);
    ck_assert_int_eq(work_verify(&work, &total, results, &err), 0);
    results[57 * 12 + 11] ^= 1;
    ck_assert_int_eq(work_verify(&work, &total, results, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "task 57"));
    free(results);
    work_close(&work);
    ck_assert_ptr_null(work.def);
}
END_TEST

START_TEST(plugins_scale_their_durations)
{
    struct work work;
    struct workload_cost cost;
    ck_assert_int_eq(work_open(&work, FIXTURES "plugin_good.so pause=8us factor=1", 5, 0.25, NULL),
                     0);
    work.def->cost(work.context, 0, &cost);
    ck_assert_double_eq(cost.ideal_ns, 2000);
    work_close(&work);
}
END_TEST

/* Runs the tasks of a misbehaving list in a child; returns its status as from waitpid. */
static int run_in_child(const char *spec)
{
    pid_t pid = fork();
    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        struct work work;
        struct tally total = {0};
        if (work_open(&work, spec, 10, 1, NULL) != 0)
            _exit(99);
        work_run_range(&work, 0, 10, NULL, &total);
        _exit(work_verify(&work, &total, NULL, NULL) == 0 ? 0 : 42);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

START_TEST(faults_do_what_they_say)
{
    int status = run_in_child(FIXTURES "plugin_fault.so");
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    status = run_in_child(FIXTURES "plugin_fault.so fault=exit at=3");
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = run_in_child(FIXTURES "plugin_fault.so fault=exit at=10"); /* beyond the list */
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    status = run_in_child(FIXTURES "plugin_fault.so fault=wrong at=9");
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    status = run_in_child(FIXTURES "plugin_fault.so fault=segv at=0");
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = run_in_child(FIXTURES "plugin_fault.so fault=abort at=0");
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

/* Check ends a test that hangs together with its children, so a small timeout is all that is lost.
 */
START_TEST(a_hanging_task_hangs)
{
    pid_t pid = fork();
    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        struct work work;
        if (work_open(&work, FIXTURES "plugin_fault.so fault=hang", 1, 1, NULL) == 0)
            work.def->run(work.context, 0, NULL);
        _exit(0);
    }
    clock_sleep_ns(100000000);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(the_example_counts_primes)
{
    struct work work = open_work(FIXTURES "plugin_example.so size=100", 100);
    struct err err = {""};
    uint32_t *results = new_results(&work);
    struct tally total = run_all(&work, results);
    ck_assert_uint_eq(total.sum, 1229); /* primes below 10,000 */
    ck_assert_uint_eq(results[0], 25);  /* below 100 */
    ck_assert_int_eq(work_verify(&work, &total, results, &err), 0);
    results[3]++;
    ck_assert_int_eq(work_verify(&work, &total, results, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "task 3"));
    free(results);
    work_close(&work);
    ck_assert_int_eq(work_open(&work, FIXTURES "plugin_example.so size=1G", 2, 1, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "allowed"));
}
END_TEST

UNIT_MAIN("work", closed_forms_agree_with_loops, every_shape_has_mean_one,
          shapes_of_long_lists_have_mean_one, shapes_are_what_they_say,
          all_or_no_tasks_long_is_even, shapes_depend_on_the_seed_alone,
          counts_are_rounded_and_bounded, unknown_workloads_name_the_choices,
          wrong_parameters_are_explained, values_out_of_range_are_explained,
          long_specifications_are_refused, canonical_text_spells_everything_out,
          canonical_text_must_fit, scale_multiplies_durations_alone, the_table_is_sound,
          UNIT_LOOP(answers_are_right_and_checked, 0, N_RIGHT), square_gives_the_article_s_sum,
          square_checks_every_result, lost_and_doubled_tasks_are_found, tallies_add_up,
          burn_computes_what_the_article_computes, burn_wraps_without_harm,
          burn_depends_on_its_seed, burn_s_time_grows_with_its_iterations, sleep_takes_its_time,
          sleep_asks_for_the_least_slack_in_each_thread, totals_add_up,
          plugins_that_cannot_be_used_are_explained, plugins_have_parameters_of_every_type,
          plugins_speak_for_themselves_in_setup, plugins_check_their_results,
          plugins_scale_their_durations, faults_do_what_they_say, a_hanging_task_hangs,
          the_example_counts_primes)
