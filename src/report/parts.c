/* Parts of runs and their matching: see parts.h. */
#include "report/parts.h"

#include "base/alloc.h"
#include "base/units.h"
#include "report/factors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHOWN = 12, MOST_NAMES = 16, MOST_HELD = 1000, ALL_FACTORS = 2 * FACTOR_FRESH - 1 };

/* The factors that a field is part of; the experiment is a name and no factor. */
static const struct {
    const char *name;
    unsigned factor;
} factor_fields[] = {
    {"workload", FACTOR_WORKLOAD}, {"scale", FACTOR_SCALE},       {"tasks", FACTOR_TASKS},
    {"backend", FACTOR_BACKEND},   {"schedule", FACTOR_SCHEDULE}, {"dispatch", FACTOR_DISPATCH},
    {"chunk", FACTOR_CHUNK},       {"chunk_auto", FACTOR_CHUNK},  {"workers", FACTOR_WORKERS},
    {"ranks", FACTOR_RANKS},       {"threads", FACTOR_RANKS},     {"bind", FACTOR_BIND},
    {"fresh", FACTOR_FRESH},
};

enum { N_FACTOR_FIELDS = sizeof factor_fields / sizeof *factor_fields };

static const void *value_of(const struct field *f, const struct point *point)
{
    return (const char *)point + f->offset;
}

/* Below 0, 0 or above 0 as a's value comes before, is, or comes after b's. */
static int compare_values(const struct field *f, const struct point *a, const struct point *b)
{
    const void *x = value_of(f, a), *y = value_of(f, b);
    if (f->type == FIELD_text)
        return strcmp(x, y);
    if (f->type == FIELD_real)
        return (*(const double *)x > *(const double *)y) -
               (*(const double *)x < *(const double *)y);
    return (*(const uint64_t *)x > *(const uint64_t *)y) -
           (*(const uint64_t *)x < *(const uint64_t *)y);
}

static void add_value(struct text *t, const struct field *f, const struct point *point)
{
    const struct field one[2] = {*f};
    if (f->type == FIELD_text)
        text_addf(t, "%s", (const char *)value_of(f, point));
    else
        record_csv(t, one, point);
}

static const struct field *find_field(const char *name, size_t length)
{
    for (const struct field *f = point_fields; f->name; f++)
        if (strlen(f->name) == length && memcmp(f->name, name, length) == 0)
            return f;
    return NULL;
}

/* --- operands -----------------------------------------------------------------------------------
 */

/* Length of "word=" at the start of the text, without the =; 0 when there is none. */
static size_t key_length(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_-0123456789");
    return text[n] == '=' ? n : 0;
}

/* Where the filters begin: behind the first colon before something like KEY=. NULL: there are none.
 */
static const char *filters_of(const char *operand)
{
    for (const char *colon = strchr(operand, ':'); colon; colon = strchr(colon + 1, ':'))
        if (key_length(colon + 1))
            return colon + 1;
    return NULL;
}

/* Whether a comma parts two filters: then a field's name follows. Others belong to a value, as in a
 * list of PUs. */
static bool begins_filter(const char *text)
{
    size_t n = key_length(text);
    return n && find_field(text, n);
}

static int take_filter(struct part *part, const char *text, size_t length, struct err *err)
{
    size_t key = key_length(text);
    const struct field *f = key < length ? find_field(text, key) : NULL;
    if (!f) {
        const char *names[MOST_NAMES];
        char word[64];
        size_t n = 0;
        for (const struct field *p = point_fields; p->name; p++)
            names[n++] = p->name;
        snprintf(word, sizeof word, "%.*s", (int)(key < 60 ? key : 60), text);
        text_refuse(err, "unknown field", word, names, n);
        return err_prefix(err, "%s", part->name);
    }
    if (part->n_filters == PART_MOST_FILTERS)
        return err_set(err, "%s: more than %d values are asked for", part->name, PART_MOST_FILTERS);
    struct part_filter *to = &part->filters[part->n_filters++];
    to->field = f;
    size_t n = length - key - 1;
    if (n >= sizeof to->value)
        return err_set(err, "%s: the value of %s is longer than %zu bytes", part->name, f->name,
                       sizeof to->value - 1);
    memcpy(to->value, text + key + 1, n);
    to->value[n] = '\0';
    return 0;
}

int part_parse(struct part *part, const char *operand, bool is_run, struct err *err)
{
    *part = (struct part){.name = operand};
    const char *filters = is_run ? NULL : filters_of(operand);
    size_t length = filters ? (size_t)(filters - operand) - 1 : strlen(operand);
    if (length == 0 || length >= sizeof part->run)
        return err_set(err,
                       "'%.60s': a run is needed: its folder or the name of a baseline, and "
                       "then, if wanted, :FIELD=VALUE,...",
                       operand);
    memcpy(part->run, operand, length);
    for (const char *at = filters; at;) {
        const char *end = strchr(at, ',');
        while (end && !begins_filter(end + 1))
            end = strchr(end + 1, ',');
        if (take_filter(part, at, end ? (size_t)(end - at) : strlen(at), err) != 0)
            return -1;
        at = end ? end + 1 : NULL;
    }
    return 0;
}

void part_release(struct part *part)
{
    free(part->chosen);
    part->chosen = NULL;
}

/* --- choosing ----------------------------------------------------------------------------------
 */

/* Reads the filter's value as one of its field. */
static int read_value(const struct part_filter *filter, struct point *like, struct err *err)
{
    const struct field *f = filter->field;
    int yes;
    if (f->type == FIELD_flag && units_bool(filter->value, &yes, NULL) == 0) {
        *(uint64_t *)((char *)like + f->offset) = (uint64_t)yes;
        return 0;
    }
    return record_read_cell(f, like, filter->value, err);
}

static bool begins_with_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    return strncmp(text, word, n) == 0 && (text[n] == ' ' || text[n] == '\0');
}

static bool fits(const struct part_filter *filter, const struct point *like,
                 const struct point *point, bool by_word)
{
    const struct field *f = filter->field;
    if (!by_word)
        return compare_values(f, like, point) == 0;
    bool has_parameters = strcmp(f->name, "workload") == 0 || strcmp(f->name, "schedule") == 0;
    return has_parameters && begins_with_word(value_of(f, point), filter->value);
}

static int refuse_value(const struct part *part, const struct part_filter *filter, struct err *err)
{
    struct text values[MOST_SHOWN];
    const char *names[MOST_SHOWN];
    size_t n = 0, more = 0;
    for (size_t i = 0; i < part->summary->n; i++) {
        struct text value = TEXT_INIT;
        size_t k = 0;
        if (!part->chosen[i])
            continue;
        add_value(&value, filter->field, &part->summary->points[i].point);
        const char *text = value.text ? value.text : "";
        while (k < n && strcmp(names[k], text) != 0)
            k++;
        if (k < n || n == MOST_SHOWN) {
            more += k == n;
            text_release(&value);
            continue;
        }
        names[n] = text;
        values[n++] = value;
    }
    char what[512];
    snprintf(what, sizeof what, "%.300s: no point%s has %s", part->name,
             filter == part->filters ? "" : " of those before", filter->field->name);
    text_refuse(err, what, filter->value, names, n);
    for (size_t i = 0; i < n; i++)
        text_release(&values[i]);
    return -1;
}

static int apply(struct part *part, const struct part_filter *filter, struct err *err)
{
    struct point like = {0};
    bool found = false;
    if (read_value(filter, &like, err) != 0)
        return err_prefix(err, "%s", part->name);
    for (int by_word = 0; by_word < 2 && !found; by_word++) {
        for (size_t i = 0; i < part->summary->n && !found; i++)
            found = part->chosen[i] &&
                    fits(filter, &like, &part->summary->points[i].point, by_word != 0);
        for (size_t i = 0; i < part->summary->n && found; i++)
            part->chosen[i] = part->chosen[i] &&
                              fits(filter, &like, &part->summary->points[i].point, by_word != 0);
    }
    return found ? 0 : refuse_value(part, filter, err);
}

int part_choose(struct part *part, const struct summary *summary, struct err *err)
{
    part->summary = summary;
    if (summary->n == 0)
        return err_set(err, "%s: the run has no sample yet", part->name);
    part->chosen = alloc_zeroed(summary->n, sizeof *part->chosen);
    for (size_t i = 0; i < summary->n; i++)
        part->chosen[i] = true;
    for (size_t i = 0; i < part->n_filters; i++)
        if (apply(part, &part->filters[i], err) != 0)
            return -1;
    return 0;
}

struct part_totals part_total(const struct part *part)
{
    struct part_totals t = {0};
    double chain_ps = 0, n_chain = 0;
    for (size_t i = 0; i < part->summary->n; i++) {
        const struct summary_point *p = &part->summary->points[i];
        if (!part->chosen[i])
            continue;
        t.n_points++;
        t.n += p->n;
        t.n_set_aside += p->n_set_aside;
        t.n_failed += p->n_failed;
        for (size_t k = 0; k < p->n; k++)
            t.n_disturbed += p->observations[k].disturbances != 0;
        chain_ps += (double)p->chain_ps_sum;
        n_chain += (double)p->n_chain;
        t.n_chain_end += p->n_chain_end;
    }
    t.chain_ns = n_chain > 0 ? chain_ps / n_chain / 1e3 : NAN;
    return t;
}

double part_disturbed(const struct part_totals *t)
{
    return t->n ? (double)t->n_disturbed / (double)t->n : 0;
}

/* --- matching -----------------------------------------------------------------------------------
 */

/* What two parts are matched by. */
struct rule {
    const struct part *a, *b;
    unsigned factors;       /* that must agree */
    bool experiment_counts; /* likewise */
};

static void name_fields(const struct part *part, struct rule *rule)
{
    for (size_t i = 0; i < part->n_filters; i++) {
        const char *name = part->filters[i].field->name;
        if (strcmp(name, "experiment") == 0)
            rule->experiment_counts = false;
        for (size_t k = 0; k < N_FACTOR_FIELDS; k++)
            if (strcmp(factor_fields[k].name, name) == 0)
                rule->factors &= ~factor_fields[k].factor;
    }
}

static bool has_experiment(const struct part *part, const char *name)
{
    for (size_t i = 0; i < part->summary->n; i++)
        if (part->chosen[i] && strcmp(part->summary->points[i].point.experiment, name) == 0)
            return true;
    return false;
}

/* The only experiment of a part that the other has not; NULL when there is none or are several. */
static const char *lone_experiment(const struct part *part, const struct part *other)
{
    const char *lone = NULL, *known = "";
    for (size_t i = 0; i < part->summary->n; i++) {
        const char *name = part->summary->points[i].point.experiment;
        if (!part->chosen[i] || strcmp(name, known) == 0 || (lone && strcmp(name, lone) == 0))
            continue;
        if (has_experiment(other, name)) {
            known = name;
            continue;
        }
        if (lone)
            return NULL;
        lone = name;
    }
    return lone;
}

/* What a base has by nature: none of it is chosen. */
static const unsigned OWN_FACTORS =
    FACTOR_SCHEDULE | FACTOR_DISPATCH | FACTOR_CHUNK | FACTOR_WORKERS;

static bool is_base(const struct point *p)
{
    return strcmp(p->backend, "seq") == 0;
}

/* The factors that must agree: the base has by nature one worker, and neither rule nor chunks. */
static unsigned counting(const struct rule *rule, const struct point *a, const struct point *b)
{
    bool has_base = is_base(a) || is_base(b);
    return has_base && !(rule->factors & FACTOR_BACKEND) ? rule->factors & ~OWN_FACTORS
                                                         : rule->factors;
}

static bool is_counterpart(const struct rule *rule, const struct matching *m, const struct point *a,
                           const struct point *b)
{
    if (rule->experiment_counts && strcmp(a->experiment, b->experiment) != 0 &&
        !(m->experiment_a && strcmp(a->experiment, m->experiment_a) == 0 &&
          strcmp(b->experiment, m->experiment_b) == 0))
        return false;
    return (factors_between(a, b) & counting(rule, a, b)) == 0;
}

/* How many fields two points share: of several that fit, the one that shares most does best. What a
 * base shares with others says nothing. */
static int closeness(const struct point *a, const struct point *b)
{
    int n = 0;
    if (is_base(a) != is_base(b))
        return 0;
    for (const struct field *f = point_fields; f->name; f++)
        n += compare_values(f, a, b) == 0;
    return n;
}

static int refuse_tie(const struct part *part, const struct point *one, const struct point *two,
                      const struct part *other, const struct point *fits_both, struct err *err)
{
    const struct field *f = point_fields;
    char name[FACTORS_NAME_BYTES];
    struct text x = TEXT_INIT, y = TEXT_INIT;
    while (f[1].name && compare_values(f, one, two) == 0)
        f++;
    add_value(&x, f, one);
    add_value(&y, f, two);
    err_set(err,
            "two points of %s fit one of %s (%s): they differ in %s, %s and %s; name one of them, "
            "as %s%c%s=%s",
            part->name, other->name, factors_name(fits_both, ALL_FACTORS, name), f->name, x.text,
            y.text, part->name, part->n_filters ? ',' : ':', f->name, x.text);
    text_release(&x);
    text_release(&y);
    return -1;
}

/* --- finding counterparts -----------------------------------------------------------------------
 *
 * Points that may fit have one key: a number made of the factors that must agree whatever else does
 * (dispatch and ranks count among some points alone). So each is held against its likes only, not
 * against all.
 */

enum { ALWAYS_COUNT = ALL_FACTORS & ~(FACTOR_DISPATCH | FACTOR_RANKS) };

static uint64_t mix(uint64_t key, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        key = (key ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3; /* FNV-1a */
    return key;
}

static uint64_t mix_text(uint64_t key, const char *text)
{
    return mix(key, text, strlen(text) + 1);
}

static uint64_t mix_count(uint64_t key, uint64_t number)
{
    return mix(key, &number, sizeof number);
}

/* What an experiment is called in A. */
static const char *name_in_a(const struct matching *m, const char *experiment, bool is_a)
{
    bool is_other = !is_a && m->experiment_a && strcmp(experiment, m->experiment_b) == 0;
    return is_other ? m->experiment_a : experiment;
}

static uint64_t key_of(const struct rule *rule, const struct matching *m, unsigned factors,
                       const struct point *p, bool is_a)
{
    uint64_t key = 0xcbf29ce484222325;
    double scale = p->scale + 0.0; /* -0 is 0 */
    if (rule->experiment_counts)
        key = mix_text(key, name_in_a(m, p->experiment, is_a));
    if (factors & FACTOR_WORKLOAD)
        key = mix_text(key, p->workload);
    if (factors & FACTOR_TASKS)
        key = mix_count(key, p->tasks);
    if (factors & FACTOR_SCALE)
        key = mix(key, &scale, sizeof scale);
    if (factors & FACTOR_BACKEND)
        key = mix_text(key, p->backend);
    if (factors & FACTOR_SCHEDULE)
        key = mix_text(key, p->schedule);
    if (factors & FACTOR_CHUNK)
        key = mix_count(mix_count(key, p->chunk_auto), p->chunk_auto ? 0 : p->chunk);
    if (factors & FACTOR_WORKERS)
        key = mix_count(key, p->workers);
    if (factors & FACTOR_BIND)
        key = mix_text(key, p->bind);
    if (factors & FACTOR_FRESH)
        key = mix_count(key, p->fresh);
    return key;
}

struct keyed {
    uint64_t key;
    size_t at; /* in the summary */
};

/* Points of a part by key, those of one key in the order of the summary. */
struct catalogue {
    struct keyed *points;
    size_t n;
};

static int compare_keyed(const void *first, const void *second)
{
    const struct keyed *a = first, *b = second;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

enum which { ALL, BASES };

static struct catalogue catalogue_make(const struct rule *rule, const struct matching *m,
                                       unsigned factors, bool is_a, enum which which)
{
    const struct part *part = is_a ? rule->a : rule->b;
    const struct summary *s = part->summary;
    struct catalogue c = {alloc_zeroed(s->n ? s->n : 1, sizeof *c.points), 0};
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = &s->points[i].point;
        if (part->chosen[i] && (which == ALL || is_base(p)))
            c.points[c.n++] = (struct keyed){key_of(rule, m, factors, p, is_a), i};
    }
    qsort(c.points, c.n, sizeof *c.points, compare_keyed);
    return c;
}

/* The first of a key or behind it. */
static size_t catalogue_find(const struct catalogue *c, uint64_t key)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->points[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where points of any backend may fit, a base has by nature another schedule than they, and so
 * stands in lists without these factors: for a base all, for others the bases. */
struct catalogues {
    unsigned factors, of_bases;
    struct catalogue alike, all, bases; /* of the latter two: by of_bases; may be empty */
};

static struct catalogues catalogues_make(const struct rule *rule, const struct matching *m,
                                         bool is_a)
{
    struct catalogues c = {.factors = rule->factors & ALWAYS_COUNT};
    c.of_bases = c.factors & ~OWN_FACTORS;
    c.alike = catalogue_make(rule, m, c.factors, is_a, ALL);
    if (rule->factors & FACTOR_BACKEND)
        return c;
    c.all = catalogue_make(rule, m, c.of_bases, is_a, ALL);
    c.bases = catalogue_make(rule, m, c.of_bases, is_a, BASES);
    return c;
}

static void catalogues_release(struct catalogues *c)
{
    free(c->alike.points);
    free(c->all.points);
    free(c->bases.points);
}

/* The points of two lists that have their list's key, in order, each once. */
struct candidates {
    const struct catalogue *lists[2];
    uint64_t keys[2];
    size_t next[2];
};

static struct candidates candidates_of(const struct rule *rule, const struct matching *m,
                                       const struct catalogues *c, const struct point *p, bool is_a)
{
    bool by_base = !(rule->factors & FACTOR_BACKEND) && is_base(p);
    struct candidates f = {.lists = {by_base ? &c->all : &c->alike, &c->bases}};
    f.keys[0] = key_of(rule, m, by_base ? c->of_bases : c->factors, p, is_a);
    f.keys[1] = key_of(rule, m, c->of_bases, p, is_a);
    for (int i = 0; i < 2; i++)
        f.next[i] = catalogue_find(f.lists[i], f.keys[i]);
    return f;
}

/* SIZE_MAX: no more. */
static size_t candidates_next(struct candidates *f)
{
    size_t heads[2];
    for (int i = 0; i < 2; i++) {
        const struct catalogue *list = f->lists[i];
        bool has = f->next[i] < list->n && list->points[f->next[i]].key == f->keys[i];
        heads[i] = has ? list->points[f->next[i]].at : SIZE_MAX;
    }
    size_t first = heads[0] < heads[1] ? heads[0] : heads[1];
    for (int i = 0; i < 2 && first != SIZE_MAX; i++)
        f->next[i] += heads[i] == first;
    return first;
}

/* The counterpart of point i of `from` among those of `to`: the best of those that fit, as an index
 * into the other summary, SIZE_MAX for none. is_a says that `from` is the rule's a. */
static int find_counterpart(const struct rule *rule, const struct matching *m,
                            const struct catalogues *c, bool is_a, size_t i, size_t *found,
                            struct err *err)
{
    const struct part *from = is_a ? rule->a : rule->b, *to = is_a ? rule->b : rule->a;
    const struct point *p = &from->summary->points[i].point;
    struct candidates candidates = candidates_of(rule, m, c, p, is_a);
    size_t tie = SIZE_MAX;
    int best = -1;
    *found = SIZE_MAX;
    for (size_t k; (k = candidates_next(&candidates)) != SIZE_MAX;) {
        const struct point *q = &to->summary->points[k].point;
        if (!is_counterpart(rule, m, is_a ? p : q, is_a ? q : p))
            continue;
        int close = closeness(p, q);
        tie = close == best ? *found : close > best ? SIZE_MAX : tie;
        if (close >= best)
            *found = k;
        if (close > best)
            best = close;
    }
    if (tie == SIZE_MAX)
        return 0;
    return refuse_tie(to, &to->summary->points[tie].point, &to->summary->points[*found].point, from,
                      p, err);
}

static int find_counterparts(const struct rule *rule, const struct matching *m, bool is_a,
                             size_t *found, struct err *err)
{
    const struct part *from = is_a ? rule->a : rule->b;
    struct catalogues c = catalogues_make(rule, m, !is_a);
    int status = 0;
    for (size_t i = 0; i < from->summary->n && status == 0; i++) {
        found[i] = SIZE_MAX;
        if (from->chosen[i])
            status = find_counterpart(rule, m, &c, is_a, i, &found[i], err);
    }
    catalogues_release(&c);
    return status;
}

/* Adds the field's value to an operand, which begins with what was written. */
static void add_filter(struct text *operand, const struct part *part, const struct field *f,
                       const struct point *point)
{
    bool is_first = operand->length == 0;
    if (is_first)
        text_addf(operand, "%s", part->name);
    text_addf(operand, "%c%s=", is_first && !part->n_filters ? ':' : ',', f->name);
    add_value(operand, f, point);
}

/* As a shell takes it for one word. */
static const char *quote(struct text *operand)
{
    if (strpbrk(operand->text, " |*?()[]$&;<>\"\\") && !strchr(operand->text, '\'')) {
        char *plain = alloc_text(operand->text);
        text_clear(operand);
        text_addf(operand, "'%s'", plain);
        free(plain);
    }
    return operand->text;
}

/* Says what the two points that differ least differ in. */
static int refuse_all(const struct rule *rule, struct err *err)
{
    const struct point *x = NULL, *y = NULL;
    int most = -1;
    size_t held_a = 0;
    /* Of very many the first will do: each is held against each. */
    for (size_t i = 0; i < rule->a->summary->n && held_a < MOST_HELD; i++) {
        size_t held_b = 0;
        held_a += rule->a->chosen[i];
        for (size_t k = 0; k < rule->b->summary->n && rule->a->chosen[i] && held_b < MOST_HELD;
             k++) {
            held_b += rule->b->chosen[k];
            const struct point *p = &rule->a->summary->points[i].point;
            const struct point *q = &rule->b->summary->points[k].point;
            int close = rule->b->chosen[k] ? closeness(p, q) : -1;
            if (close <= most)
                continue;
            most = close;
            x = p;
            y = q;
        }
    }
    struct text t = TEXT_INIT, of_a = TEXT_INIT, of_b = TEXT_INIT;
    unsigned differing = x ? factors_between(x, y) & counting(rule, x, y) : 0;
    for (const struct field *f = point_fields; x && f->name; f++) {
        unsigned factor = 0;
        for (size_t i = 0; i < N_FACTOR_FIELDS; i++)
            if (strcmp(factor_fields[i].name, f->name) == 0)
                factor = factor_fields[i].factor;
        bool counts = factor ? (differing & factor) != 0 : rule->experiment_counts;
        if (!counts || compare_values(f, x, y) == 0)
            continue;
        text_addf(&t, "%s%s (", t.length ? ", " : "", f->name);
        add_value(&t, f, x);
        text_addf(&t, " and ");
        add_value(&t, f, y);
        text_addf(&t, ")");
        add_filter(&of_a, rule->a, f, x);
        add_filter(&of_b, rule->b, f, y);
    }
    if (t.length)
        err_set(err,
                "%s and %s have no point in common: the nearest differ in %s; to compare across: "
                "%s %s",
                rule->a->name, rule->b->name, t.text, quote(&of_a), quote(&of_b));
    else
        err_set(err,
                "%s and %s have no point in common: the nearest differ in nothing that is "
                "recorded",
                rule->a->name, rule->b->name);
    text_release(&t);
    text_release(&of_a);
    text_release(&of_b);
    return -1;
}

static int compare_points(const struct point *a, const struct point *b)
{
    static const char *const order[] = {"experiment", "workload", "scale", "tasks",
                                        "bind",       "fresh",    NULL};
    for (const char *const *name = order; *name; name++) {
        int c = compare_values(find_field(*name, strlen(*name)), a, b);
        if (c != 0)
            return c;
    }
    int seq = (strcmp(b->backend, "seq") == 0) - (strcmp(a->backend, "seq") == 0);
    for (const struct field *f = point_fields; f->name && seq == 0; f++)
        seq = compare_values(f, a, b);
    return seq;
}

static int compare_matches(const void *x, const void *y)
{
    return compare_points(&((const struct match *)x)->a->point,
                          &((const struct match *)y)->a->point);
}

static int compare_lone(const void *x, const void *y)
{
    return compare_points(&(*(const struct summary_point *const *)x)->point,
                          &(*(const struct summary_point *const *)y)->point);
}

static void take_matches(struct matching *m, const struct rule *rule, const size_t *to_b,
                         const size_t *to_a)
{
    const struct summary *a = rule->a->summary, *b = rule->b->summary;
    m->items = alloc_zeroed(a->n, sizeof *m->items);
    m->only_a = alloc_zeroed(a->n, sizeof *m->only_a);
    m->only_b = alloc_zeroed(b->n, sizeof *m->only_b);
    for (size_t i = 0; i < a->n; i++)
        if (to_b[i] != SIZE_MAX && to_a[to_b[i]] == i)
            m->items[m->n++] = (struct match){&a->points[i], &b->points[to_b[i]]};
        else if (rule->a->chosen[i])
            m->only_a[m->n_only_a++] = &a->points[i];
    for (size_t k = 0; k < b->n; k++)
        if (rule->b->chosen[k] && (to_a[k] == SIZE_MAX || to_b[to_a[k]] != k))
            m->only_b[m->n_only_b++] = &b->points[k];
    qsort(m->items, m->n, sizeof *m->items, compare_matches);
    qsort(m->only_a, m->n_only_a, sizeof *m->only_a, compare_lone);
    qsort(m->only_b, m->n_only_b, sizeof *m->only_b, compare_lone);
}

int matching_make(struct matching *m, const struct part *a, const struct part *b, struct err *err)
{
    struct rule rule = {a, b, ALL_FACTORS, true};
    *m = (struct matching){0};
    name_fields(a, &rule);
    name_fields(b, &rule);
    if (rule.experiment_counts) {
        m->experiment_a = lone_experiment(a, b);
        m->experiment_b = lone_experiment(b, a);
        if (!m->experiment_a || !m->experiment_b)
            m->experiment_a = m->experiment_b = NULL;
    }
    size_t *to_b = alloc_zeroed(a->summary->n, sizeof *to_b);
    size_t *to_a = alloc_zeroed(b->summary->n, sizeof *to_a);
    int status = find_counterparts(&rule, m, true, to_b, err);
    if (status == 0)
        status = find_counterparts(&rule, m, false, to_a, err);
    if (status == 0)
        take_matches(m, &rule, to_b, to_a);
    if (status == 0 && m->n == 0)
        status = refuse_all(&rule, err);
    for (size_t i = 0; i < m->n && status == 0; i++) {
        char name[FACTORS_NAME_BYTES];
        if (m->items[i].a == m->items[i].b)
            status =
                err_set(err,
                        "%s and %s both hold the point %s: it would be compared with itself; "
                        "name two parts, as RUN:backend=procpool RUN:backend=openmp",
                        a->name, b->name, factors_name(&m->items[i].a->point, ALL_FACTORS, name));
    }
    free(to_b);
    free(to_a);
    if (status != 0)
        matching_release(m);
    return status;
}

void matching_release(struct matching *m)
{
    free(m->items);
    free((void *)m->only_a);
    free((void *)m->only_b);
    *m = (struct matching){0};
}
