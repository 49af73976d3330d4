/* Numbers as people write them: see units.h. */
#include "base/units.h"

#include "base/alloc.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit counts[] = {
    {"", 1},     {"k", 1e3},     {"K", 1e3},     {"M", 1e6},     {"G", 1e9},
    {"T", 1e12}, {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {NULL, 0},
};

static const struct unit durations[] = {
    {"", 1e9},  {"ns", 1},     {"us", 1e3},   {"µs", 1e3}, {"ms", 1e6},
    {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}, {NULL, 0},
};

static const struct unit *find_unit(const struct unit *units, const char *name)
{
    for (const struct unit *u = units; u->name; u++)
        if (strcmp(u->name, name) == 0)
            return u;
    return NULL;
}

/* Splits "12.5ms" into its number, without "_", and its unit. Returns whether there is a number. */
static int split_number(const char *text, char *number, size_t size, char *unit, size_t unit_size)
{
    size_t n = 0;
    const char *p = text;
    while (isspace((unsigned char)*p))
        p++;
    for (; isdigit((unsigned char)*p) || *p == '.' || *p == '_'; p++) {
        if (*p == '_') {
            bool between =
                p > text && isdigit((unsigned char)p[-1]) && isdigit((unsigned char)p[1]);
            if (!between)
                return 0;
            continue;
        }
        if (n + 1 >= size)
            return 0;
        number[n++] = *p;
    }
    number[n] = '\0';
    /* An exponent belongs to the number: 1e6. */
    if (n && (*p == 'e' || *p == 'E') &&
        (isdigit((unsigned char)p[1]) ||
         ((p[1] == '+' || p[1] == '-') && isdigit((unsigned char)p[2])))) {
        do {
            if (n + 1 >= size)
                return 0;
            number[n++] = *p++;
        } while (isdigit((unsigned char)*p) || *p == '+' || *p == '-');
        number[n] = '\0';
    }
    char rest[32];
    if (!text_copy(rest, sizeof rest, p))
        return 0;
    return n > 0 && text_copy(unit, unit_size, text_trim(rest));
}

/* number × factor, exactly where it is a whole number; returns 0, or -1 if it is none or too large.
 * An exponent is not a way to write a count. */
static int whole(const char *number, double factor, uint64_t *value)
{
    if (strpbrk(number, "eE"))
        return -1;
    if (!strchr(number, '.')) {
        errno = 0;
        unsigned long long digits = strtoull(number, NULL, 10);
        uint64_t f = (uint64_t)factor;
        if (errno || digits > (uint64_t)INT64_MAX / f)
            return -1;
        *value = (uint64_t)digits * f;
        return 0;
    }
    char *end;
    double x = strtod(number, &end);
    if (*end || !isfinite(x) || x * factor >= 0x1p63)
        return -1;
    double rounded = nearbyint(x * factor);
    /* 1.1M is a whole number, but for the rounding of the product; 1.0000001M is none. */
    if (fabs(rounded - x * factor) > 2 * DBL_EPSILON * rounded)
        return -1;
    *value = (uint64_t)rounded;
    return 0;
}

int units_count(const char *text, uint64_t *count, struct err *err)
{
    char number[64], unit[16];
    const struct unit *u = NULL;
    if (split_number(text, number, sizeof number, unit, sizeof unit))
        u = find_unit(counts, unit);
    if (!u || whole(number, u->factor, count) != 0)
        return err_set(err, "'%s' is not a whole number from 0 to 2^63-1 (as 5000, 10k, 10M)",
                       text);
    return 0;
}

int units_duration_real(const char *text, double *ns, struct err *err)
{
    char number[64], unit[16], *end;
    const struct unit *u = NULL;
    if (split_number(text, number, sizeof number, unit, sizeof unit))
        u = find_unit(durations, unit);
    double value = u ? strtod(number, &end) * u->factor : -1;
    if (!u || *end || !isfinite(value) || value > 1e18)
        return err_set(err, "'%s' is not a duration (as 20ms, 1.5s, 300us)", text);
    *ns = value;
    return 0;
}

int units_duration(const char *text, uint64_t *ns, struct err *err)
{
    double value;
    if (units_duration_real(text, &value, err) != 0)
        return -1;
    *ns = (uint64_t)nearbyint(value);
    return 0;
}

int units_real(const char *text, double *value, struct err *err)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !isfinite(x) || strpbrk(text, "xX"))
        return err_set(err, "'%s' is not a decimal number (as 0.1 or 2)", text);
    *value = x;
    return 0;
}

int units_bool(const char *text, int *value, struct err *err)
{
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false",
                                                                                "off", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0)
            return *value = 1, 0;
        if (strcmp(text, no[i]) == 0)
            return *value = 0, 0;
    }
    return err_set(err, "'%s' is neither yes nor no", text);
}

static int unknown_name(const char *word, const struct units_name *names, struct err *err)
{
    size_t n = 0;
    while (names[n].name)
        n++;
    const char **choices = alloc_zeroed(n, sizeof *choices);
    for (size_t i = 0; i < n; i++)
        choices[i] = names[i].name;
    struct text sentence = TEXT_INIT;
    text_addf(&sentence, "'%s' is neither a whole number nor a name", word);
    text_add_choices(&sentence, word, choices, n);
    err_set(err, "%s", sentence.text);
    text_release(&sentence);
    free(choices);
    return -1;
}

/* One end of a range: a count or a name. */
static int range_end(const char *word, uint64_t low, uint64_t high, const struct units_name *names,
                     uint64_t *value, struct err *err)
{
    for (const struct units_name *n = names; n && n->name; n++)
        if (strcmp(n->name, word) == 0)
            return *value = n->value, 0;
    if (word[0] == '-')
        return err_set(err, "%s is negative (allowed: %llu to %llu)", word, (unsigned long long)low,
                       (unsigned long long)high);
    if (names && isalpha((unsigned char)word[0]))
        return unknown_name(word, names, err);
    return units_count(word, value, err);
}

struct values {
    uint64_t *items;
    size_t n, capacity;
};

/* A list longer than this is a slip of the pen ("1..1000000000"), not a study. */
enum { MOST_VALUES = 10000 };

static int add_value(struct values *v, uint64_t value, uint64_t low, uint64_t high, struct err *err)
{
    if (value < low)
        return err_set(err, "%llu is below %llu (allowed: %llu to %llu)", (unsigned long long)value,
                       (unsigned long long)low, (unsigned long long)low, (unsigned long long)high);
    if (value > high)
        return err_set(err, "%llu is above %llu (allowed: %llu to %llu)", (unsigned long long)value,
                       (unsigned long long)high, (unsigned long long)low, (unsigned long long)high);
    for (size_t i = 0; i < v->n; i++)
        if (v->items[i] == value)
            return 0; /* 1..usable,2 names 2 twice on two CPUs: measured once */
    if (v->n >= MOST_VALUES)
        return err_set(err, "the list has more than %d values", MOST_VALUES);
    v->items = alloc_room(v->items, v->n, &v->capacity, sizeof *v->items);
    v->items[v->n++] = value;
    return 0;
}

static int add_word(struct values *v, char *word, uint64_t low, uint64_t high,
                    const struct units_name *names, struct err *err)
{
    if (!*word)
        return err_set(err, "a list has an empty item (allowed: as 1,2,4 or 1..8 or 1..1024*4)");
    char *dots = strstr(word, "..");
    uint64_t from, to, factor = 1;
    if (!dots) {
        if (range_end(word, low, high, names, &from, err) != 0)
            return -1;
        return add_value(v, from, low, high, err);
    }
    if (dots == word || dots[2] == '\0' || dots[2] == '*')
        return err_set(err, "the range '%s' lacks an end (allowed: as 1..8 or 1..1024*4)", word);
    *dots = '\0';
    char *star = strchr(dots + 2, '*');
    if (star) {
        *star = '\0';
        if (units_count(text_trim(star + 1), &factor, err) != 0)
            return -1;
        if (factor < 2)
            return err_set(err, "the factor %llu of a geometric range is below 2",
                           (unsigned long long)factor);
    }
    if (range_end(text_trim(word), low, high, names, &from, err) != 0 ||
        range_end(text_trim(dots + 2), low, high, names, &to, err) != 0)
        return -1;
    if (from > to)
        return err_set(err, "the range %llu..%llu runs downwards", (unsigned long long)from,
                       (unsigned long long)to);
    if (star && from == 0)
        return err_set(err, "a geometric range cannot start at 0");
    if (add_value(v, from, low, high, err) != 0 ||
        (to > high && add_value(v, to, low, high, err) != 0))
        return -1;
    for (uint64_t x = from; x <= to;) {
        if (add_value(v, x, low, high, err) != 0)
            return -1;
        if (star ? x > to / factor : x == to)
            break;
        x = star ? x * factor : x + 1;
    }
    return 0;
}

int units_list(const char *text, uint64_t low, uint64_t high, const struct units_name *names,
               uint64_t **values, size_t *n, struct err *err)
{
    struct values v = {NULL, 0, 0};
    size_t n_words;
    char **words = text_words(text, ",", &n_words);
    int status = 0;
    for (size_t i = 0; i < n_words && status == 0; i++)
        status = add_word(&v, words[i], low, high, names, err);
    text_words_free(words);
    if (status != 0) {
        free(v.items);
        return -1;
    }
    *values = v.items;
    *n = v.n;
    return 0;
}

char *units_format_ns(double ns, char *buffer, size_t size)
{
    static const struct unit shown[] = {{"ns", 1}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    int u = 0;
    /* 999.5 would be printed as 1000: use the next unit. */
    while (u < 3 && fabs(ns) >= 999.5 * shown[u].factor)
        u++;
    double x = ns / shown[u].factor;
    int digits = fabs(x) >= 99.95 ? 0 : fabs(x) >= 9.995 ? 1 : 2;
    if (u == 0)
        digits = fabs(x) >= 10 ? 0 : digits;
    snprintf(buffer, size, "%.*f %s", digits, x, shown[u].name);
    return buffer;
}

char *units_format_span(double ns, char *buffer, size_t size)
{
    static const struct {
        const char *name;
        double s, until_s; /* 90 s, then 90 min, 48 h, two years */
    } shown[] = {
        {"s", 1, 90},
        {"min", 60, 5400},
        {"h", 3600, 172800},
        {"days", 86400, 63072000},
        {"years", 31557600, HUGE_VAL},
    };
    double s = ns / 1e9;
    size_t u = 0;
    while (s >= shown[u].until_s && u + 1 < sizeof shown / sizeof *shown)
        u++;
    double x = s / shown[u].s;
    bool rough = u < 2 || x >= 9.95;
    if (x < 1e6)
        snprintf(buffer, size, "%.*f %s", rough ? 0 : 1, x, shown[u].name);
    else
        snprintf(buffer, size, "%.1g %s", x, shown[u].name);
    return buffer;
}
