/* Claims of the articles: see claim.h. */
#include "record/claim.h"

#include "base/alloc.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const metric_names[] = {
    [CLAIM_TIME] = "time",     [CLAIM_SPEEDUP] = "speedup", [CLAIM_SUM] = "sum",
    [CLAIM_CHUNKS] = "chunks", [CLAIM_SHARE] = "share",
};

enum { N_METRICS = sizeof metric_names / sizeof *metric_names };

const char *claim_metric_name(enum claim_metric metric)
{
    return metric_names[metric];
}

static int read_metric(const char *word, enum claim_metric *metric, struct err *err)
{
    for (int i = 0; i < N_METRICS; i++)
        if (strcmp(word, metric_names[i]) == 0)
            return *metric = (enum claim_metric)i, 0;
    return text_refuse(err, "unknown metric", word, metric_names, N_METRICS);
}

static int read_value(struct claim *claim, const char *word, struct err *err)
{
    uint64_t ns;
    switch (claim->metric) {
    case CLAIM_TIME:
        if (units_duration(word, &ns, err) != 0)
            return -1;
        claim->value = (double)ns / 1e9;
        return 0;
    case CLAIM_SPEEDUP:
        return units_real(word, &claim->value, err);
    default:
        if (units_count(word, &claim->exact, err) != 0)
            return -1;
        claim->value = (double)claim->exact;
        return 0;
    }
}

static int read_filter(struct claim *claim, char *word, struct err *err)
{
    char *equals = strchr(word, '=');
    if (!equals)
        return err_set(err, "'%s' is not a filter (as chunk=4)", word);
    *equals = '\0';
    if (claim->n_filters == CLAIM_MOST_FILTERS)
        return err_set(err, "more than %d filters", CLAIM_MOST_FILTERS);
    for (const struct field *f = point_fields; f->name; f++) {
        if (strcmp(f->name, word) != 0)
            continue;
        claim->filters[claim->n_filters].field = f;
        if (!text_copy(claim->filters[claim->n_filters].value, sizeof claim->filters[0].value,
                       equals + 1))
            return err_set(err, "the value of the filter %s is too long", word);
        claim->n_filters++;
        return 0;
    }
    return err_set(err, "'%s' is not a field of a point", word);
}

static int read_one(char *text, struct claim *claim, struct err *err)
{
    *claim = (struct claim){0};
    char *save = NULL;
    char *id = strtok_r(text, " \t", &save), *metric = strtok_r(NULL, " \t", &save);
    char *value = strtok_r(NULL, " \t", &save);
    if (!value)
        return err_set(
            err, "a claim is ID METRIC VALUE [field=value …], as 'S15 time 2.180s workers=8'");
    if (!text_copy(claim->id, sizeof claim->id, id))
        return err_set(err, "the identifier '%s' is longer than %zu bytes", id,
                       sizeof claim->id - 1);
    if (read_metric(metric, &claim->metric, err) != 0 || read_value(claim, value, err) != 0)
        return err_prefix(err, "claim %s", id);
    for (char *word; (word = strtok_r(NULL, " \t", &save));)
        if (read_filter(claim, word, err) != 0)
            return err_prefix(err, "claim %s", id);
    return 0;
}

int claim_read(const char *text, struct claim **claims, size_t *n, struct err *err)
{
    *claims = NULL;
    *n = 0;
    if (!*text)
        return 0;
    size_t n_words;
    char **words = text_words(text, "|", &n_words);
    struct claim *all = alloc_zeroed(n_words, sizeof *all);
    for (size_t i = 0; i < n_words; i++) {
        if (read_one(words[i], &all[i], err) != 0) {
            free(all);
            text_words_free(words);
            return -1;
        }
    }
    text_words_free(words);
    *claims = all;
    *n = n_words;
    return 0;
}

bool claim_speaks_of(const struct claim *claim, const struct point *point)
{
    bool names_backend = false;
    for (size_t i = 0; i < claim->n_filters; i++) {
        const struct field *f = claim->filters[i].field;
        const char *wanted = claim->filters[i].value;
        const void *value = (const char *)point + f->offset;
        char shown[FIELD_TEXT_BYTES];
        switch (f->type) {
        case FIELD_text:
            text_copy(shown, sizeof shown, value);
            break;
        case FIELD_real:
            snprintf(shown, sizeof shown, "%.9g", *(const double *)value);
            break;
        default:
            snprintf(shown, sizeof shown, "%llu", (unsigned long long)*(const uint64_t *)value);
        }
        if (strcmp(shown, wanted) != 0)
            return false;
        names_backend = names_backend || strcmp(f->name, "backend") == 0;
    }
    return names_backend || strcmp(point->backend, "seq") != 0;
}
