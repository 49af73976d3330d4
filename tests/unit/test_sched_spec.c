/* Specifications of schedules: what is written reads back as the same, what is wrong is refused
 * with what is allowed. */
#include "unit.h"

#include "base/rng.h"
#include "sched/sched.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct sched_spec read_good(const char *text)
{
    struct sched_spec spec;
    struct err err = {""};
    ck_assert_msg(sched_spec_read(text, &spec, &err) == 0, "%s: %s", text, err.text);
    return spec;
}

static bool are_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool are_equal(const struct sched_spec *a, const struct sched_spec *b)
{
    const struct sched_params *p = &a->params, *q = &b->params;
    bool same = a->rule == b->rule && are_same(p->h, q->h) && are_same(p->mean, q->mean) &&
                are_same(p->sd, q->sd) && p->alpha == q->alpha && p->share == q->share &&
                p->stages == q->stages && p->x == q->x && p->seed == q->seed &&
                p->n_weights == q->n_weights;
    for (uint32_t k = 0; same && k < p->n_weights; k++)
        same = p->weights[k] == q->weights[k];
    return same;
}

START_TEST(every_rule_reads_by_its_name)
{
    char text[SCHED_SPEC_BYTES];
    for (int r = 0; sched_table[r].name; r++) {
        struct sched_spec spec = read_good(sched_table[r].name);
        struct sched_spec own = sched_spec_default(sched_table[r].kind);
        ck_assert_ptr_eq(spec.rule, &sched_table[r]);
        ck_assert(are_equal(&spec, &own));
        sched_spec_write(&spec, text, sizeof text);
        ck_assert_str_eq(text, sched_table[r].name);
        ck_assert_uint_lt(strlen(sched_table[r].summary), 72);
        ck_assert_ptr_null(strchr(sched_table[r].name, ' '));
    }
}
END_TEST

START_TEST(equal_specifications_have_equal_text)
{
    static const char *const same[][2] = {
        {"fsc h=200ns mean=1us sd=1us", "fsc h=200ns mean=1us sd=1us"},
        {"fsc sd=1000ns  h=0.2us mean=0.001ms", "fsc h=200ns mean=1us sd=1us"},
        {"  bold\tsd=0 mean=1 h=35.5ns ", "bold h=35.5ns mean=1s sd=0s"},
        {"fac mean=1500us sd=1e3us", "fac mean=1.5ms sd=1ms"},
        {"fac mean=0.1ns sd=90min", "fac mean=0.1ns sd=5400s"},
        {"tap alpha=1.30 mean=20ms", "tap mean=20ms"},
        {"tap alpha=-0", "tap alpha=0"},
        {"fiss stages=3", "fiss"},
        {"fiss stages=4", "fiss stages=4"},
        {"viss x=4", "viss"},
        {"viss x=1k", "viss x=1000"},
        {"pls share=0.30", "pls share=0.3"},
        {"pls share=1e-7", "pls share=1e-07"},
        {"rnd seed=7", "rnd seed=7"},
        {"wf weights=1:2.0:0.5", "wf weights=1:2:0.5"},
        {"wf weights=10:120:0.000001", "wf weights=10:120:1e-06"},
        {"wf weights=1: 2", NULL},
    };
    char text[SCHED_SPEC_BYTES];
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
        struct sched_spec spec;
        if (!same[k][1]) {
            ck_assert_int_eq(sched_spec_read(same[k][0], &spec, NULL), -1);
            continue;
        }
        spec = read_good(same[k][0]);
        sched_spec_write(&spec, text, sizeof text);
        ck_assert_str_eq(text, same[k][1]);
        struct sched_spec again = read_good(text);
        ck_assert(are_equal(&spec, &again));
    }
}
END_TEST

/* Numbers of any size and of all their digits. */
START_TEST(any_number_reads_back_as_the_same)
{
    struct rng rng;
    rng_seed(&rng, 1);
    struct sched_spec spec = sched_spec_default(SCHED_BOLD), again;
    char text[SCHED_SPEC_BYTES];
    for (int k = 0; k < 4000; k++) {
        double *const durations[] = {&spec.params.h, &spec.params.mean, &spec.params.sd};
        for (size_t d = 0; d < 3; d++) {
            double x = ldexp(1 + rng_mix_unit(d, rng_next(&rng)), (int)rng_below(&rng, 66) - 8);
            uint64_t die = rng_below(&rng, 4);
            *durations[d] = die == 0   ? x
                            : die == 1 ? rint(x) + 1
                                       : (double)(1 + rng_below(&rng, 5000)) / 10;
        }
        sched_spec_write(&spec, text, sizeof text);
        again = read_good(text);
        ck_assert_msg(are_equal(&spec, &again), "%s: %.17g %.17g %.17g", text, spec.params.h,
                      spec.params.mean, spec.params.sd);
    }
    for (int k = 0; k < 1000; k++) {
        spec = sched_spec_default(SCHED_WF);
        spec.params.n_weights = 1 + (uint32_t)rng_below(&rng, 10);
        for (uint32_t w = 0; w < spec.params.n_weights; w++)
            spec.params.weights[w] = 0.5 + rng_mix_unit(1, rng_next(&rng));
        sched_spec_write(&spec, text, sizeof text);
        again = read_good(text);
        ck_assert_msg(are_equal(&spec, &again), "%s", text);
    }
}
END_TEST

static void refuses(const char *text, const char *expected)
{
    struct sched_spec spec = sched_spec_default(SCHED_RND), before = spec;
    struct err err = {""};
    ck_assert_msg(sched_spec_read(text, &spec, &err) == -1, "%s is accepted", text);
    ck_assert_msg(strstr(err.text, expected) != NULL, "%s: %s", text, err.text);
    ck_assert(are_equal(&spec, &before));
}

START_TEST(what_is_wrong_is_refused_with_what_is_allowed)
{
    refuses("", "unknown schedule ''; allowed: static, dynamic");
    refuses("dynamc", "unknown schedule 'dynamc'");
    refuses("dynamc", "did you mean 'dynamic'?");
    refuses("awf_b", "did you mean 'awf-b'?");
    refuses("dynamic x=1", "schedule dynamic: unknown parameter 'x'; it has none");
    refuses("tap alfa=2", "schedule tap: unknown parameter 'alfa'; allowed: mean, sd, alpha");
    refuses("tap alfa=2", "did you mean 'alpha'?");
    refuses("fsc h", "schedule fsc: h needs a value, as in h=200ns");
    refuses("fsc h = 200ns", "schedule fsc: h needs a value, as in h=200ns");
    refuses("fsc x", "schedule fsc: 'x' is not a parameter of the form name=value");
    refuses("sd=1us", "'sd=1us' is a parameter and no schedule; parameters stand behind theirs, "
                      "parted by blanks");
    refuses("dynamic static", "'static' is a schedule, which a comma has to part from it");
    refuses("fsc h=1us h=2us", "schedule fsc: parameter h is given twice");
    refuses("fsc h=fast", "schedule fsc: parameter h: 'fast' is not a duration");
    refuses("fsc h=-1us", "schedule fsc: parameter h: '-1us' is not a duration");
    refuses("fac mean=0", "parameter mean: '0' is out of range (allowed: 0.001ns to 1e9s)");
    refuses("tap alpha=nan", "parameter alpha: 'nan' is not a decimal number");
    refuses("tap alpha=-1", "parameter alpha: '-1' is out of range (allowed: 0 to 1000)");
    refuses("pls share=1.5", "parameter share: '1.5' is out of range (allowed: 0 to 1)");
    refuses("fiss stages=1", "parameter stages: '1' is out of range (allowed: 2 to 1000)");
    refuses("viss x=0", "parameter x: '0' is out of range (allowed: 1 to 1000000)");
    refuses("rnd seed=-1", "parameter seed: '-1' is not a whole number");
    refuses("wf weights=1:0", "parameter weights: '0' is out of range (allowed: 0.000001 to");
    refuses("wf weights=1::2", "parameter weights: '' is not a decimal number");
    refuses("wf weights=1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1",
            "17 weights are too many (allowed: 1 to 16)");
    refuses("wf weights=0.12345678901234567:0.22345678901234567:0.32345678901234567:"
            "0.42345678901234567:0.52345678901234567:0.62345678901234567:0.72345678901234567:"
            "0.82345678901234567:0.92345678901234567:1.2345678901234567:2.2345678901234567:"
            "3.2345678901234567:4.2345678901234567:5.2345678901234567:6.2345678901234567",
            "bytes (allowed: at most 255)");
}
END_TEST

static void note_param(void *user, const char *name, const char *words)
{
    char *told = user;
    size_t length = strlen(told);
    snprintf(told + length, 1000 - length, "%s: %s\n", name, words);
}

START_TEST(parameters_are_told_with_unit_range_and_default)
{
    static const struct {
        enum sched_kind kind;
        const char *expected;
    } cases[] = {
        {SCHED_DYNAMIC, ""},
        {SCHED_FSC, "(duration 0 to 1e9s; measured unless given)\nmean: "},
        {SCHED_FSC, "(duration 0.001ns to 1e9s; not used)"},
        {SCHED_TAP, "(number 0 to 1000; default 1.3)\n"},
        {SCHED_FISS, "stages: number of batches (whole number 2 to 1000; default 3)\n"},
        {SCHED_WF, "each 0.000001 to 1000000; default: all alike)"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char told[1000] = "";
        sched_param_list(sched_rule_of(cases[k].kind), note_param, told);
        ck_assert_msg(strstr(told, cases[k].expected) != NULL, "%s", told);
        ck_assert_int_eq(*told == '\0', *sched_rule_of(cases[k].kind)->params == '\0');
    }
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"fsc", "schedule fsc needs h and sd: give them, as in 'fsc h=200ns sd=1us'"},
        {"fsc h=1us", "schedule fsc needs sd: give it, as in 'fsc h=200ns sd=1us'"},
        {"fsc h=1us mean=1us", "schedule fsc needs sd: give it"},
        {"fac sd=0", "schedule fac needs mean: give it, as in 'fac mean=1us sd=1us'"},
        {"tap", "schedule tap needs mean and sd: give them, as in 'tap mean=1us sd=1us'"},
        {"bold", "schedule bold needs h, mean and sd: give them, as in 'bold h=200ns mean=1us "
                 "sd=1us'"},
        {"fsc h=0 sd=0", NULL},
        {"tap sd=1us mean=2us", NULL},
        {"bold h=1us mean=1us sd=1us", NULL},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct sched_spec spec = read_good(cases[k].text);
        struct err err = {""};
        int status = sched_spec_check_complete(&spec, &err);
        ck_assert_int_eq(status, cases[k].expected ? -1 : 0);
        ck_assert_msg(strstr(err.text, cases[k].expected ? cases[k].expected : "") != NULL, "%s",
                      err.text);
    }
    for (int r = 0; sched_table[r].name; r++) {
        struct sched_spec spec = sched_spec_default(sched_table[r].kind);
        ck_assert_int_eq(sched_spec_check_complete(&spec, NULL), sched_table[r].needs ? -1 : 0);
    }
}
END_TEST

UNIT_MAIN("sched_spec", every_rule_reads_by_its_name, equal_specifications_have_equal_text,
          any_number_reads_back_as_the_same, parameters_are_told_with_unit_range_and_default,
          what_is_wrong_is_refused_with_what_is_allowed, what_is_missing_is_named)
