/* Specifications of schedules, "NAME PARAMETER=VALUE ...", both ways. See sched.h.
 *
 * All parameters stand in one table, in the order in which they are written; a rule names those
 * that it takes.
 */
#include "sched/sched.h"

#include "base/text.h"
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_SHOWN = 100, /* bytes of a user's word in a sentence */
    NUMBER_BYTES = 40,
};

enum type { DURATION, REAL, COUNT, WEIGHTS };

static const struct param {
    const char *name;
    enum type type;
    size_t offset; /* in struct sched_params */
    double low, high;
    const char *allowed; /* the same range, in words */
    const char *example;
    enum sched_need need; /* 0: it has a default */
    const char *meaning;
} params[] = {
#define AT(member) offsetof(struct sched_params, member)
    {"h", DURATION, AT(h), 0, 1e18, "0 to 1e9s", "h=200ns", SCHED_NEEDS_H,
     "what handing out one chunk takes a worker"},
    {"mean", DURATION, AT(mean), 1e-3, 1e18, "0.001ns to 1e9s", "mean=1us", SCHED_NEEDS_MEAN,
     "mean of a task's time"},
    {"sd", DURATION, AT(sd), 0, 1e18, "0 to 1e9s", "sd=1us", SCHED_NEEDS_SD,
     "standard deviation of a task's time"},
    {"alpha", REAL, AT(alpha), 0, 1000, "0 to 1000", "alpha=1.3", 0,
     "the margin is alpha sd / mean"},
    {"share", REAL, AT(share), 0, 1, "0 to 1", "share=0.5", 0,
     "part of the tasks that is dealt out beforehand"},
    {"stages", COUNT, AT(stages), 2, 1000, "2 to 1000", "stages=3", 0, "number of batches"},
    {"x", COUNT, AT(x), 1, 1000000, "1 to 1000000", "x=4", 0, "the first chunks are N/(x P)"},
    {"seed", COUNT, AT(seed), 0, 0x1p63, "0 to 2^63-1", "seed=1", 0, "of the sizes"},
    {"weights", WEIGHTS, AT(weights), 1e-6, 1e6, "0.000001 to 1000000", "weights=1:2", 0,
     "of workers 0, 1, ..., at most 16, then again from the first; those beyond the workers are "
     "not used; under master-only the first are the master's, which runs nothing"},
#undef AT
};

enum { N_PARAMS = sizeof params / sizeof *params };

static const struct sched_params defaults = {
    .h = NAN, .mean = NAN, .sd = NAN, .alpha = 1.3, .share = 0.5, .stages = 3, .x = 4, .seed = 1};

struct sched_spec sched_spec_default(enum sched_kind kind)
{
    return (struct sched_spec){sched_rule_of(kind), defaults};
}

static bool takes(const struct sched_rule *rule, const struct param *param)
{
    size_t length = strlen(param->name);
    const char *at = rule->params;
    while ((at = strstr(at, param->name)) != NULL) {
        bool begins = at == rule->params || at[-1] == ' ';
        if (begins && (at[length] == ' ' || at[length] == '\0'))
            return true;
        at += length;
    }
    return false;
}

static void *place(struct sched_params *values, const struct param *param)
{
    return (char *)values + param->offset;
}

static const void *look(const struct sched_params *values, const struct param *param)
{
    return (const char *)values + param->offset;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_real(const struct param *param, const char *text, double *value, struct err *err)
{
    double x;
    int status =
        param->type == DURATION ? units_duration_real(text, &x, err) : units_real(text, &x, err);
    if (status != 0)
        return -1;
    if (x < param->low || x > param->high)
        return err_set(err, "'%s' is out of range (allowed: %s)", text, param->allowed);
    *value = x + 0.0; /* no negative zero, which would be written as such */
    return 0;
}

static int read_count(const struct param *param, const char *text, uint64_t *value, struct err *err)
{
    uint64_t x;
    if (units_count(text, &x, err) != 0)
        return -1;
    if ((double)x < param->low || (double)x > param->high)
        return err_set(err, "'%s' is out of range (allowed: %s)", text, param->allowed);
    *value = x;
    return 0;
}

static int read_weights(const struct param *param, const char *text, struct sched_params *values,
                        struct err *err)
{
    size_t n;
    char **words = text_words(text, ":", &n);
    int status = 0;
    if (n > SCHED_MOST_WEIGHTS)
        status = err_set(err, "%zu weights are too many (allowed: 1 to %d)", n, SCHED_MOST_WEIGHTS);
    for (size_t k = 0; k < n && status == 0; k++)
        status = read_real(param, words[k], &values->weights[k], err);
    values->n_weights = (uint32_t)n;
    text_words_free(words);
    return status;
}

static int read_value(const struct param *param, const char *text, struct sched_params *values,
                      struct err *err)
{
    switch (param->type) {
    case DURATION:
    case REAL:
        return read_real(param, text, place(values, param), err);
    case COUNT:
        return read_count(param, text, place(values, param), err);
    case WEIGHTS:
        return read_weights(param, text, values, err);
    }
    return -1;
}

static int refuse_param(const struct sched_rule *rule, const char *word, bool is_pair,
                        struct err *err)
{
    const char *names[N_PARAMS];
    size_t n = 0;
    for (size_t k = 0; k < N_PARAMS; k++) {
        if (!takes(rule, &params[k]))
            continue;
        names[n++] = params[k].name;
        if (!is_pair && strcmp(params[k].name, word) == 0)
            return err_set(err, "schedule %s: %s needs a value, as in %s", rule->name, word,
                           params[k].example);
    }
    for (const struct sched_rule *other = sched_table; !is_pair && other->name; other++)
        if (strcmp(other->name, word) == 0)
            return err_set(err,
                           "schedule %s: '%s' is a schedule, which a comma has to part from it",
                           rule->name, word);
    struct text t = TEXT_INIT;
    if (is_pair)
        text_addf(&t, "schedule %s: unknown parameter '%.*s'", rule->name, MOST_SHOWN, word);
    else
        text_addf(&t, "schedule %s: '%.*s' is not a parameter of the form name=value", rule->name,
                  MOST_SHOWN, word);
    if (n == 0)
        text_addf(&t, "; it has none");
    else
        text_add_choices(&t, word, names, n);
    err_set(err, "%s", t.text);
    text_release(&t);
    return -1;
}

/* Reads "name=value"; `given` has a bit for each parameter that was read before. */
static int read_param(struct sched_spec *spec, char *word, unsigned *given, struct err *err)
{
    char *equals = strchr(word, '=');
    if (equals)
        *equals = '\0';
    size_t k = 0;
    while (k < N_PARAMS && !(strcmp(params[k].name, word) == 0 && takes(spec->rule, &params[k])))
        k++;
    if (!equals || k == N_PARAMS)
        return refuse_param(spec->rule, word, equals != NULL, err);
    if (*given & 1u << k)
        return err_set(err, "schedule %s: parameter %s is given twice", spec->rule->name, word);
    *given |= 1u << k;
    if (read_value(&params[k], equals + 1, &spec->params, err) != 0)
        return err_prefix(err, "schedule %s: parameter %s", spec->rule->name, word);
    return 0;
}

static int read_rule(const char *name, struct sched_spec *spec, struct err *err)
{
    const char *names[64];
    size_t n = 0;
    for (const struct sched_rule *rule = sched_table; rule->name; rule++) {
        if (strcmp(rule->name, name) == 0) {
            *spec = (struct sched_spec){rule, defaults};
            return 0;
        }
        names[n++] = rule->name;
    }
    if (strchr(name, '='))
        return err_set(err,
                       "'%.*s' is a parameter and no schedule; parameters stand behind theirs, "
                       "parted by blanks: 'fsc h=200ns sd=1us'",
                       MOST_SHOWN, name);
    return text_refuse(err, "unknown schedule", name, names, n);
}

static size_t write_spec(const struct sched_spec *spec, struct text *t);

static int check_length(const struct sched_spec *spec, struct err *err)
{
    struct text t = TEXT_INIT;
    size_t length = write_spec(spec, &t);
    text_release(&t);
    if (length < SCHED_SPEC_BYTES)
        return 0;
    return err_set(err, "schedule %s: its parameters take %zu bytes (allowed: at most %d)",
                   spec->rule->name, length, SCHED_SPEC_BYTES - 1);
}

int sched_spec_read(const char *text, struct sched_spec *spec, struct err *err)
{
    size_t n;
    char **words = text_words(text, " \t\r\n", &n), **word = words;
    struct sched_spec read;
    unsigned given = 0;
    while (*word && !**word)
        word++;
    int status = read_rule(*word ? *word++ : "", &read, err);
    for (; *word && status == 0; word++)
        if (**word)
            status = read_param(&read, *word, &given, err);
    text_words_free(words);
    if (status != 0 || check_length(&read, err) != 0)
        return -1;
    *spec = read;
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The shortest decimal number that reads back as x when it is multiplied by `factor`, with an
 * exponent where there is none without. Returns whether there is one without. */
static bool write_number(double x, double factor, char *buffer)
{
    for (int exponent = 0; exponent <= 1; exponent++)
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(buffer, NUMBER_BYTES, "%.*g", digits, x / factor);
            if (strtod(buffer, NULL) * factor == x && (exponent || !strchr(buffer, 'e')))
                return !exponent;
        }
    return false;
}

/* The shortest of what the units give. A number of ns needs no more than its 17 digits. */
static void write_duration(double ns, char *buffer)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    char number[NUMBER_BYTES];
    buffer[0] = '\0';
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t length = strlen(buffer);
        if (write_number(ns, units[u].factor, number) &&
            (length == 0 || strlen(number) + strlen(units[u].name) < length))
            snprintf(buffer, NUMBER_BYTES, "%s%s", number, units[u].name);
    }
    if (buffer[0] == '\0')
        snprintf(buffer, NUMBER_BYTES, "%.17gns", ns);
}

static bool is_default(const struct sched_params *values, const struct param *param)
{
    switch (param->type) {
    case DURATION:
        return isnan(*(const double *)look(values, param));
    case REAL:
        return *(const double *)look(values, param) == *(const double *)look(&defaults, param);
    case COUNT:
        return *(const uint64_t *)look(values, param) == *(const uint64_t *)look(&defaults, param);
    case WEIGHTS:
        return values->n_weights == 0;
    }
    return true;
}

static void write_value(struct text *t, const struct sched_params *values,
                        const struct param *param)
{
    char number[NUMBER_BYTES];
    switch (param->type) {
    case DURATION:
        write_duration(*(const double *)look(values, param), number);
        text_addf(t, "%s", number);
        break;
    case REAL:
        write_number(*(const double *)look(values, param), 1, number);
        text_addf(t, "%s", number);
        break;
    case COUNT:
        text_addf(t, "%" PRIu64, *(const uint64_t *)look(values, param));
        break;
    case WEIGHTS:
        for (uint32_t k = 0; k < values->n_weights; k++) {
            write_number(values->weights[k], 1, number);
            text_addf(t, "%s%s", k ? ":" : "", number);
        }
    }
}

/* Returns the length. */
static size_t write_spec(const struct sched_spec *spec, struct text *t)
{
    text_addf(t, "%s", spec->rule->name);
    for (size_t k = 0; k < N_PARAMS; k++) {
        if (!takes(spec->rule, &params[k]) || is_default(&spec->params, &params[k]))
            continue;
        text_addf(t, " %s=", params[k].name);
        write_value(t, &spec->params, &params[k]);
    }
    return t->length;
}

void sched_spec_write(const struct sched_spec *spec, char *buffer, size_t size)
{
    struct text t = TEXT_INIT;
    write_spec(spec, &t);
    text_copy(buffer, size, t.text);
    text_release(&t);
}

/* "1.3", "measured unless given". */
static void write_default(struct text *t, const struct sched_rule *rule, const struct param *param)
{
    if (param->type == WEIGHTS) {
        text_addf(t, "default: all alike");
    } else if (param->type == DURATION) {
        text_addf(t, "%s", rule->needs & param->need ? "measured unless given" : "not used");
    } else {
        text_addf(t, "default ");
        write_value(t, &defaults, param);
    }
}

void sched_param_list(const struct sched_rule *rule, sched_param_tell *tell, void *user)
{
    static const char *const types[] = {[DURATION] = "duration",
                                        [REAL] = "number",
                                        [COUNT] = "whole number",
                                        [WEIGHTS] = "numbers with colons between, each"};
    for (size_t k = 0; k < N_PARAMS; k++) {
        if (!takes(rule, &params[k]))
            continue;
        struct text t = TEXT_INIT;
        text_addf(&t, "%s (%s %s; ", params[k].meaning, types[params[k].type], params[k].allowed);
        write_default(&t, rule, &params[k]);
        text_addf(&t, ")");
        tell(user, params[k].name, t.text);
        text_release(&t);
    }
}

/* --- what is missing -------------------------------------------------------------------------- */

int sched_spec_check_complete(const struct sched_spec *spec, struct err *err)
{
    const struct param *missing[N_PARAMS];
    size_t n = 0;
    for (size_t k = 0; k < N_PARAMS; k++)
        if ((spec->rule->needs & params[k].need) && is_default(&spec->params, &params[k]))
            missing[n++] = &params[k];
    if (n == 0)
        return 0;
    struct text t = TEXT_INIT;
    text_addf(&t, "schedule %s needs ", spec->rule->name);
    for (size_t k = 0; k < n; k++)
        text_addf(&t, "%s%s", k == 0 ? "" : k + 1 == n ? " and " : ", ", missing[k]->name);
    text_addf(&t, ": give %s, as in '%s", n == 1 ? "it" : "them", spec->rule->name);
    for (size_t k = 0; k < N_PARAMS; k++)
        if (spec->rule->needs & params[k].need)
            text_addf(&t, " %s", params[k].example);
    err_set(err, "%s'", t.text);
    text_release(&t);
    return -1;
}
