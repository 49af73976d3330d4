/* Workloads by name: the table, specifications, plug-ins, verification. See work.h.
 *
 * A specification is read into a `struct spec` first: which workload, and the value of each of its
 * parameters. Checking, canonical text and opening are three uses of that.
 */
#include "work/work.h"

#include "base/alloc.h"
#include "base/home.h"
#include "base/text.h"
#include "base/units.h"
#include "work/shape.h"

#include <assert.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each stands at the end of the file of its name. */
extern const struct workload work_null, work_sleep, work_burn, work_square;

const struct workload *const work_table[] = {
    &work_null, &work_sleep, &work_burn, &work_square, NULL,
};

enum {
    N_BUILT_IN = sizeof work_table / sizeof *work_table - 1,
    MOST_SPEC = 511,  /* bytes of a specification; what a request has room for */
    MOST_SHOWN = 100, /* bytes of a word that a sentence repeats */
};

static const char white_space[] = " \t\r\n\v\f";

struct spec {
    const char *name; /* as written: the name or the plug-in's path */
    const struct workload *def;
    void *library;
    struct workload_value *values; /* n_params, in the order of the table */
    size_t n_params;
    char **words; /* owns `name` */
};

/* --- the words of a specification ------------------------------------------------------------- */

static void spec_release(struct spec *spec)
{
    free(spec->values);
    text_words_free(spec->words);
    if (spec->library)
        dlclose(spec->library);
    *spec = (struct spec){0};
}

/* Moves a text that was put together piece by piece into the error. Always returns -1. */
static int fail_with(struct text *t, struct err *err)
{
    err_set(err, "%s", t->text);
    text_release(t);
    return -1;
}

static int find_built_in(struct spec *spec, struct err *err)
{
    const char *names[N_BUILT_IN];
    for (size_t i = 0; i < N_BUILT_IN; i++) {
        if (strcmp(work_table[i]->name, spec->name) == 0)
            return spec->def = work_table[i], 0;
        names[i] = work_table[i]->name;
    }
    struct text t = TEXT_INIT;
    text_addf(&t, "unknown workload '%.*s'", MOST_SHOWN, spec->name);
    text_add_choices(&t, spec->name, names, N_BUILT_IN);
    size_t length = strlen(spec->name);
    if (length > 3 && strcmp(spec->name + length - 3, ".so") == 0)
        text_addf(&t, "; a plug-in is named by a path with a slash: ./%.*s", MOST_SHOWN,
                  spec->name);
    return fail_with(&t, err);
}

static int load_plugin(struct spec *spec, struct err *err)
{
    struct text path = TEXT_INIT; /* "~/mine.so" in a run's files is one of who reads them */
    home_show(&path, spec->name);
    spec->library = dlopen(path.text, RTLD_NOW | RTLD_LOCAL);
    text_release(&path);
    if (!spec->library)
        return err_set(err, "cannot load the plug-in: %s", dlerror());
    const struct workload *def = dlsym(spec->library, POOLMARK_WORKLOAD_SYMBOL);
    if (!def)
        return err_set(
            err, "the plug-in %s has no symbol %s: it has to define 'const struct workload %s'",
            spec->name, POOLMARK_WORKLOAD_SYMBOL, POOLMARK_WORKLOAD_SYMBOL);
    /* Nothing but `abi` may be read of a struct of another ABI. */
    if (def->abi != POOLMARK_WORKLOAD_ABI)
        return err_set(err,
                       "the plug-in %s was built for ABI %" PRIu32
                       " of workload.h and this program has "
                       "ABI %d: build it again with this program's workload.h",
                       spec->name, def->abi, POOLMARK_WORKLOAD_ABI);
    const char *lacks = !def->name      ? "name"
                        : !def->summary ? "summary"
                        : !def->run     ? "run"
                        : !def->cost    ? "cost"
                        : !def->verify  ? "verify"
                                        : NULL;
    if (lacks)
        return err_set(err, "the plug-in %s lacks '%s' in its %s, which is required", spec->name,
                       lacks, POOLMARK_WORKLOAD_SYMBOL);
    spec->def = def;
    return 0;
}

static int read_choice(const struct workload_param *param, const char *text, uint64_t *position,
                       struct err *err)
{
    size_t n;
    char **choices = text_words(param->choices, ",", &n);
    int status = -1;
    for (size_t i = 0; i < n && status != 0; i++) {
        if (strcmp(choices[i], text) == 0) {
            *position = i;
            status = 0;
        }
    }
    if (status != 0) {
        struct text t = TEXT_INIT;
        text_addf(&t, "unknown value '%.*s'", MOST_SHOWN, text);
        text_add_choices(&t, text, (const char *const *)choices, n);
        fail_with(&t, err);
    }
    text_words_free(choices);
    return status;
}

static int read_value(const struct workload_param *param, const char *text,
                      struct workload_value *value, struct err *err)
{
    switch (param->type) {
    case WORKLOAD_COUNT:
        return units_count(text, &value->count, err);
    case WORKLOAD_DURATION:
        return units_duration(text, &value->count, err);
    case WORKLOAD_REAL:
        return units_real(text, &value->real, err);
    case WORKLOAD_CHOICE:
        return read_choice(param, text, &value->count, err);
    }
    return err_set(err, "its type, %d, is unknown", (int)param->type);
}

/* Appends the parameters with their defaults, and the nearest to `word` when one is near. */
static void add_params(struct text *t, const struct spec *spec, const char *word)
{
    const struct workload_param *params = spec->def->params;
    if (spec->n_params == 0) {
        text_addf(t, "; it has none");
        return;
    }
    const char **names = alloc_zeroed(spec->n_params, sizeof *names);
    for (size_t i = 0; i < spec->n_params; i++) {
        names[i] = params[i].name;
        text_addf(t, "%s%s=%s", i ? " " : "; allowed, with defaults: ", params[i].name,
                  params[i].fallback);
    }
    const char *near = text_nearest(word, names, spec->n_params);
    if (near)
        text_addf(t, "; did you mean '%s'?", near);
    free(names);
}

/* Reads "name=value" into its place; given[] holds the text that each one was given before. */
static int read_param(struct spec *spec, char *word, const char **given, struct err *err)
{
    char *equals = strchr(word, '=');
    if (equals)
        *equals = '\0';
    size_t at = 0;
    while (equals && at < spec->n_params && strcmp(spec->def->params[at].name, word) != 0)
        at++;
    if (!equals || at == spec->n_params) {
        struct text t = TEXT_INIT;
        if (equals)
            text_addf(&t, "workload %s: unknown parameter '%.*s'", spec->name, MOST_SHOWN, word);
        else
            text_addf(&t, "workload %s: '%.*s' is not a parameter of the form name=value",
                      spec->name, MOST_SHOWN, word);
        add_params(&t, spec, word);
        return fail_with(&t, err);
    }
    const struct workload_param *param = &spec->def->params[at];
    const char *value = equals + 1;
    if (given[at])
        return err_set(err,
                       "workload %s: parameter %s (default %s): given twice, as '%s' and as '%s'",
                       spec->name, param->name, param->fallback, given[at], value);
    given[at] = value;
    if (read_value(param, value, &spec->values[at], err) != 0)
        return err_prefix(err, "workload %s: parameter %s (default %s)", spec->name, param->name,
                          param->fallback);
    return 0;
}

static int read_fallbacks(struct spec *spec, struct err *err)
{
    for (size_t i = 0; i < spec->n_params; i++) {
        const struct workload_param *param = &spec->def->params[i];
        if (!param->fallback || (param->type == WORKLOAD_CHOICE && !param->choices))
            return err_set(err, "workload %s: parameter %s: its table has no default or no choices",
                           spec->name, param->name);
        if (read_value(param, param->fallback, &spec->values[i], err) != 0)
            return err_prefix(err, "workload %s: the default of parameter %s", spec->name,
                              param->name);
    }
    return 0;
}

/* The steps of spec_read that leave `spec` to be released on failure. */
static int read_words(struct spec *spec, char **word, struct err *err)
{
    spec->name = *word++;
    if ((strchr(spec->name, '/') ? load_plugin(spec, err) : find_built_in(spec, err)) != 0)
        return -1;
    const struct workload_param *params = spec->def->params;
    while (params && params[spec->n_params].name)
        spec->n_params++;
    spec->values = alloc_zeroed(spec->n_params + 1, sizeof *spec->values);
    if (read_fallbacks(spec, err) != 0)
        return -1;
    const char **given = alloc_zeroed(spec->n_params + 1, sizeof *given);
    int status = 0;
    for (; *word && status == 0; word++)
        if (**word)
            status = read_param(spec, *word, given, err);
    free(given);
    return status;
}

/* Reads a specification; on success to be released with spec_release. */
static int spec_read(struct spec *spec, const char *text, struct err *err)
{
    *spec = (struct spec){0};
    size_t length = strlen(text), n;
    if (length > MOST_SPEC)
        return err_set(err,
                       "a workload specification of %zu bytes is too long (allowed: at most %d)",
                       length, MOST_SPEC);
    spec->words = text_words(text, white_space, &n);
    char **word = spec->words;
    while (*word && !**word)
        word++;
    int status;
    if (*word) {
        status = read_words(spec, word, err);
    } else {
        struct text t = TEXT_INIT;
        text_addf(&t, "no workload is named");
        for (size_t i = 0; i < N_BUILT_IN; i++)
            text_addf(&t, "%s%s", i ? ", " : "; allowed: ", work_table[i]->name);
        status = fail_with(&t, err);
    }
    if (status != 0)
        spec_release(spec);
    return status;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int set_up(const struct spec *spec, uint64_t n, void **context, struct err *err)
{
    char why[512] = "";
    *context = NULL;
    if (spec->def->setup && spec->def->setup(spec->values, n, context, why, sizeof why) != 0)
        return err_set(err, "workload %s: %s", spec->name,
                       *why ? why : "its setup failed and gave no reason");
    return 0;
}

/* Multiplies the durations. */
static int apply_scale(struct spec *spec, double scale, struct err *err)
{
    if (!(scale > 0 && isfinite(scale)))
        return err_set(err, "workload %s: the scale %g is not above 0", spec->name, scale);
    for (size_t i = 0; i < spec->n_params && scale != 1; i++) {
        if (spec->def->params[i].type != WORKLOAD_DURATION)
            continue;
        double ns = nearbyint((double)spec->values[i].count * scale);
        if (ns > (double)SHAPE_MOST)
            return err_set(
                err, "workload %s: parameter %s times the scale %g is %g s, more than 31 years",
                spec->name, spec->def->params[i].name, scale, ns / 1e9);
        spec->values[i].count = (uint64_t)ns;
    }
    return 0;
}

int work_open(struct work *work, const char *text, uint64_t n, double scale, struct err *err)
{
    struct spec spec;
    void *context;
    if (spec_read(&spec, text, err) != 0)
        return -1;
    if (apply_scale(&spec, scale, err) != 0 || set_up(&spec, n, &context, err) != 0) {
        spec_release(&spec);
        return -1;
    }
    *work = (struct work){.def = spec.def, .context = context, .library = spec.library, .n = n};
    if (work->def->result_bytes)
        work->result_bytes = work->def->result_bytes(context);
    spec.library = NULL; /* work's from here on */
    spec_release(&spec);
    return 0;
}

void work_close(struct work *work)
{
    if (work->def && work->def->teardown)
        work->def->teardown(work->context);
    if (work->library)
        dlclose(work->library);
    *work = (struct work){0};
}

/* Reads the specification and, when it names a built-in workload, has its setup judge the values.
 * For n = 0 that costs nothing. The setup of a plug-in may do anything and runs in cells alone. */
static int spec_read_checked(struct spec *spec, const char *text, struct err *err)
{
    if (spec_read(spec, text, err) != 0)
        return -1;
    void *context;
    if (spec->library)
        return 0;
    if (set_up(spec, 0, &context, err) != 0) {
        spec_release(spec);
        return -1;
    }
    if (spec->def->teardown)
        spec->def->teardown(context);
    return 0;
}

int work_check(const char *text, struct err *err)
{
    struct spec spec;
    if (spec_read_checked(&spec, text, err) != 0)
        return -1;
    spec_release(&spec);
    return 0;
}

/* --- canonical text --------------------------------------------------------------------------- */

struct suffix {
    const char *name;
    uint64_t factor;
};

/* Appends the value with the largest suffix that divides it. */
static void add_exact(struct text *t, uint64_t value, const struct suffix *suffix)
{
    while (value % suffix->factor != 0)
        suffix++;
    text_addf(t, "%" PRIu64 "%s", value / suffix->factor, suffix->name);
}

/* The shortest decimal that reads back as the same number. */
static void add_real(struct text *t, double value)
{
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    text_addf(t, "%s", digits);
}

static void add_value(struct text *t, const struct workload_param *param,
                      const struct workload_value *value)
{
    static const struct suffix durations[] = {
        {"s", 1000000000},
        {"ms", 1000000},
        {"us", 1000},
        {"ns", 1},
    };
    /* No k: 5000 reads as well as 5k, and a seed of 1000 better. */
    static const struct suffix counts[] = {{"G", 1000000000}, {"M", 1000000}, {"", 1}};
    if (value->count == 0 && (param->type == WORKLOAD_DURATION || param->type == WORKLOAD_COUNT)) {
        text_addf(t, "0");
        return;
    }
    switch (param->type) {
    case WORKLOAD_DURATION:
        add_exact(t, value->count, durations);
        break;
    case WORKLOAD_COUNT:
        add_exact(t, value->count, counts);
        break;
    case WORKLOAD_REAL:
        add_real(t, value->real);
        break;
    case WORKLOAD_CHOICE: {
        size_t n;
        char **choices = text_words(param->choices, ",", &n);
        assert(value->count < n);
        text_addf(t, "%s", choices[value->count]);
        text_words_free(choices);
        break;
    }
    }
}

int work_canonical(const char *text, char *buffer, size_t size, struct err *err)
{
    struct spec spec;
    if (spec_read_checked(&spec, text, err) != 0)
        return -1;
    struct text t = TEXT_INIT;
    text_addf(&t, "%s", spec.name);
    for (size_t i = 0; i < spec.n_params; i++) {
        text_addf(&t, " %s=", spec.def->params[i].name);
        add_value(&t, &spec.def->params[i], &spec.values[i]);
    }
    spec_release(&spec);
    size_t most = size - 1 < MOST_SPEC ? size - 1 : MOST_SPEC;
    int status = 0;
    if (t.length > most)
        status = err_set(
            err,
            "the workload with all parameters spelt out has %zu bytes, too many (allowed: at "
            "most %zu): %s",
            t.length, most, t.text);
    else
        memcpy(buffer, t.text, t.length + 1);
    text_release(&t);
    return status;
}

int work_short(const char *text, char *buffer, size_t size, struct err *err)
{
    struct spec spec;
    if (spec_read_checked(&spec, text, err) != 0)
        return -1;
    struct text t = TEXT_INIT;
    text_addf(&t, "%s", spec.name);
    for (size_t i = 0; i < spec.n_params; i++) {
        const struct workload_param *p = &spec.def->params[i];
        struct workload_value fallback = {0};
        if (read_value(p, p->fallback, &fallback, NULL) == 0 &&
            fallback.count == spec.values[i].count && fallback.real == spec.values[i].real)
            continue;
        text_addf(&t, " %s=", p->name);
        add_value(&t, p, &spec.values[i]);
    }
    spec_release(&spec);
    text_copy(buffer, size, t.text);
    text_release(&t);
    return 0;
}

/* --- work and its verification ---------------------------------------------------------------- */

/* The middle of the k-th of m equal parts of 0..n-1, without a product that wraps for m <= 2^32. */
static uint64_t middle_of_part(uint64_t k, uint64_t m, uint64_t n)
{
    uint64_t whole = n / m, rest = n % m;
    return whole * k + rest * k / m + whole / 2;
}

struct workload_cost work_total(const struct work *work, uint64_t limit)
{
    /* Asked at equal distances, so that a cost that grows with the index is not underrated. */
    uint64_t asked = limit > 0 && limit < work->n ? limit : work->n;
    struct workload_cost total = {0, 0, 0}, one;
    for (uint64_t k = 0; k < asked; k++) {
        work->def->cost(work->context, asked == work->n ? k : middle_of_part(k, asked, work->n),
                        &one);
        total.iterations += one.iterations;
        total.bytes += one.bytes;
        total.ideal_ns += one.ideal_ns;
    }
    if (asked < work->n) {
        double factor = (double)work->n / (double)asked;
        total.iterations = (uint64_t)((double)total.iterations * factor);
        total.bytes = (uint64_t)((double)total.bytes * factor);
        total.ideal_ns *= factor;
    }
    return total;
}

/* Whether each index of 0..n-1 was run exactly once, as far as number, Σ i and Σ i² can tell. */
static int verify_tally(const struct work *work, const struct tally *total, struct err *err)
{
    uint64_t n = work->n;
    if (total->tasks != n)
        return err_set(err, "tasks ran %" PRIu64 " times instead of %" PRIu64, total->tasks, n);
    if (total->index_sum != sum_indices(n))
        return err_set(err,
                       "not every index ran exactly once: the sum of i is %" PRIu64
                       " instead of %" PRIu64,
                       total->index_sum, sum_indices(n));
    if (total->square_sum != sum_squares(n))
        return err_set(err,
                       "not every index ran exactly once: the sum of i*i is %" PRIu64
                       " instead of %" PRIu64,
                       total->square_sum, sum_squares(n));
    return 0;
}

int work_verify(const struct work *work, const struct tally *total, const void *results,
                struct err *err)
{
    char why[512] = "";
    if (verify_tally(work, total, err) != 0)
        return err_prefix(err, "workload %s", work->def->name);
    if (work->result_bytes > 0 && work->n > 0 && !results)
        return err_set(err, "workload %s: its results are missing", work->def->name);
    if (work->def->verify(work->context, work->n, total->sum,
                          work->result_bytes > 0 ? results : NULL, why, sizeof why) != 0)
        return err_set(err, "workload %s: %s", work->def->name,
                       *why ? why : "its check failed and gave no reason");
    return 0;
}
