/* Points and samples through their field tables: see record.h and fields.h. */
#include "record/record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row of a table for the struct of that name; each table below is one list and one struct. */
#define ROW(record, type, name, unit, meaning)                                                     \
    {#name, FIELD_##type, offsetof(struct record, name), unit, meaning},
#define POINT_ROW(...) ROW(point, __VA_ARGS__)
#define SAMPLE_ROW(...) ROW(sample, __VA_ARGS__)
#define PLACEMENT_ROW(...) ROW(placement_row, __VA_ARGS__)
#define WORKER_ROW(...) ROW(worker_row, __VA_ARGS__)
#define TRACE_ROW(...) ROW(trace_row, __VA_ARGS__)

const struct field point_fields[] = {POINT_FIELDS(POINT_ROW){NULL, 0, 0, NULL, NULL}};
const struct field sample_fields[] = {SAMPLE_FIELDS(SAMPLE_ROW){NULL, 0, 0, NULL, NULL}};
const struct field placement_fields[] = {PLACEMENT_FIELDS(PLACEMENT_ROW){NULL, 0, 0, NULL, NULL}};
const struct field worker_fields[] = {WORKER_FIELDS(WORKER_ROW){NULL, 0, 0, NULL, NULL}};
const struct field trace_fields[] = {TRACE_FIELDS(TRACE_ROW){NULL, 0, 0, NULL, NULL}};

static void *member(const struct field *field, void *record)
{
    return (char *)record + field->offset;
}

static const void *value_of(const struct field *field, const void *record)
{
    return (const char *)record + field->offset;
}

static void add_quoted(struct text *out, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        text_add(out, s, strlen(s));
        return;
    }
    text_add(out, "\"", 1);
    for (; *s; s++) {
        /* A line end inside a cell is legal CSV and breaks every line-based reader: a blank does.
         */
        char c = *s == '\n' || *s == '\r' ? ' ' : *s;
        if (c == '"')
            text_add(out, "\"", 1);
        text_add(out, &c, 1);
    }
    text_add(out, "\"", 1);
}

void record_csv(struct text *out, const struct field *fields, const void *record)
{
    for (const struct field *f = fields; f->name; f++) {
        if (f != fields)
            text_add(out, ",", 1);
        const void *value = value_of(f, record);
        switch (f->type) {
        case FIELD_text:
            add_quoted(out, value);
            break;
        case FIELD_count:
        case FIELD_bits:
        case FIELD_flag:
            text_addf(out, "%" PRIu64, *(const uint64_t *)value);
            break;
        case FIELD_real: {
            double x = *(const double *)value;
            if (isfinite(x))
                text_addf(out, "%.12g", x);
            break;
        }
        }
    }
}

void record_csv_header(struct text *out, const struct field *fields)
{
    for (const struct field *f = fields; f->name; f++)
        text_addf(out, "%s%s", f == fields ? "" : ",", f->name);
}

const char *const record_statuses[] = {"ok",       "wrong", "died",      "timeout",
                                       "nonsense", "error", "misplaced", NULL};

enum { SHOWN_BYTES = 48 };

/* A text for a sentence: not longer than one bears, on one line. Returns shown. */
static const char *show(const char *text, char shown[SHOWN_BYTES])
{
    bool is_whole = text_copy(shown, SHOWN_BYTES, text);
    for (char *p = shown; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
            *p = '?';
    if (!is_whole)
        memcpy(shown + SHOWN_BYTES - 4, "...", 3);
    return shown;
}

static int read_count(const char *text, uint64_t *value)
{
    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    char *end;
    unsigned long long x = strtoull(text, &end, 10);
    if (errno || *end)
        return -1;
    *value = x;
    return 0;
}

/* A finite decimal number; nothing is NaN. */
static int read_real(const char *text, double *value)
{
    char *end = NULL;
    double x = *text ? strtod(text, &end) : NAN;
    if (*text && (text[strspn(text, "+-.eE0123456789")] || *end || end == text || !isfinite(x)))
        return -1;
    *value = x;
    return 0;
}

/* Times are whole numbers of 63 bits, in JSON as here: what is longer is no time. */
static bool is_absurd_time(const struct field *field, uint64_t value)
{
    return value > INT64_MAX && (strcmp(field->unit, "ns") == 0 || strcmp(field->unit, "ps") == 0);
}

int record_read_cell(const struct field *field, void *record, const char *text, struct err *err)
{
    void *to = member(field, record);
    char shown[SHOWN_BYTES];
    switch (field->type) {
    case FIELD_text:
        if (!text_copy(to, FIELD_TEXT_BYTES, text))
            return err_set(err, "%s: '%s' is longer than %d bytes", field->name, show(text, shown),
                           FIELD_TEXT_BYTES - 1);
        return 0;
    case FIELD_count:
    case FIELD_bits:
        if (read_count(text, to) != 0)
            return err_set(err, "%s: '%s' is not a whole number from 0 to 2^64-1", field->name,
                           show(text, shown));
        if (field->type == FIELD_count && is_absurd_time(field, *(uint64_t *)to))
            return err_set(err, "%s: %s %s is no time: the longest is 2^63-1", field->name,
                           show(text, shown), field->unit);
        return 0;
    case FIELD_flag:
        if (read_count(text, to) != 0 || *(uint64_t *)to > 1)
            return err_set(err, "%s: '%s' is neither 0 nor 1", field->name, show(text, shown));
        return 0;
    case FIELD_real:
        if (read_real(text, to) != 0)
            return err_set(err, "%s: '%s' is not a finite number", field->name, show(text, shown));
        if (strcmp(field->unit, "ns") == 0 && *(double *)to < 0)
            return err_set(err, "%s: %s ns is below 0", field->name, show(text, shown));
        return 0;
    }
    return 0;
}

json_t *record_json(const struct field *fields, const void *record)
{
    json_t *object = json_object();
    for (const struct field *f = fields; f->name; f++) {
        const void *value = value_of(f, record);
        json_t *item = NULL;
        switch (f->type) {
        case FIELD_text:
            item = json_string(value);
            break;
        case FIELD_count:
        case FIELD_bits: /* jansson knows signed 64 bits only: above 2^63 the bits are kept */
            item = json_integer((json_int_t) * (const uint64_t *)value);
            break;
        case FIELD_flag:
            item = json_boolean(*(const uint64_t *)value);
            break;
        case FIELD_real:
            item =
                isfinite(*(const double *)value) ? json_real(*(const double *)value) : json_null();
            break;
        }
        json_object_set_new(object, f->name, item);
    }
    return object;
}

static int read_member(const struct field *f, void *to, const json_t *item, struct err *err)
{
    switch (f->type) {
    case FIELD_text:
        if (!json_is_string(item))
            return err_set(err, "%s is not a string", f->name);
        text_copy(to, FIELD_TEXT_BYTES, json_string_value(item));
        return 0;
    case FIELD_count:
    case FIELD_bits:
        if (!json_is_integer(item))
            return err_set(err, "%s is not a whole number", f->name);
        if (f->type == FIELD_count && json_integer_value(item) < 0)
            return err_set(err, "%s is negative", f->name);
        *(uint64_t *)to = (uint64_t)json_integer_value(item);
        return 0;
    case FIELD_flag:
        if (!json_is_boolean(item) && !(json_is_integer(item) && json_integer_value(item) >= 0 &&
                                        json_integer_value(item) <= 1))
            return err_set(err, "%s is neither true nor false", f->name);
        *(uint64_t *)to = json_is_true(item) || json_integer_value(item) == 1;
        return 0;
    case FIELD_real:
        if (!json_is_number(item) && !json_is_null(item))
            return err_set(err, "%s is not a number", f->name);
        *(double *)to = json_is_null(item) ? NAN : json_number_value(item);
        return 0;
    }
    return 0;
}

int record_read_json(const struct field *fields, void *record, const json_t *object,
                     struct err *err)
{
    for (const struct field *f = fields; f->name; f++) {
        const json_t *item = json_object_get(object, f->name);
        if (item && read_member(f, member(f, record), item, err) != 0)
            return -1;
    }
    return 0;
}

bool point_equal(const struct point *a, const struct point *b)
{
    for (const struct field *f = point_fields; f->name; f++) {
        const void *x = value_of(f, a), *y = value_of(f, b);
        bool same = f->type == FIELD_text   ? strcmp(x, y) == 0
                    : f->type == FIELD_real ? *(const double *)x == *(const double *)y
                                            : *(const uint64_t *)x == *(const uint64_t *)y;
        if (!same)
            return false;
    }
    return true;
}
