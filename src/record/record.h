/* Points and samples as structs, and the tables that describe them (see fields.h). */
#ifndef POOLMARK_RECORD_RECORD_H
#define POOLMARK_RECORD_RECORD_H

#include "base/err.h"
#include "base/text.h"
#include "record/fields.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { FIELD_TEXT_BYTES = 256 };

typedef char field_text[FIELD_TEXT_BYTES];
typedef uint64_t field_count;
typedef uint64_t field_bits;
typedef double field_real;
typedef uint64_t field_flag;

enum field_type { FIELD_text, FIELD_count, FIELD_bits, FIELD_real, FIELD_flag };

struct field {
    const char *name;
    enum field_type type;
    size_t offset; /* in the struct */
    const char *unit, *meaning;
};

#define RECORD_MEMBER(type, name, unit, meaning) field_##type name;

struct point {
    POINT_FIELDS(RECORD_MEMBER)
};

struct sample {
    SAMPLE_FIELDS(RECORD_MEMBER)
};

struct placement_row {
    PLACEMENT_FIELDS(RECORD_MEMBER)
};

struct worker_row {
    WORKER_FIELDS(RECORD_MEMBER)
};

struct trace_row {
    TRACE_FIELDS(RECORD_MEMBER)
};

/* End with an entry whose name is NULL. */
extern const struct field point_fields[], sample_fields[], placement_fields[], worker_fields[],
    trace_fields[];

/* Words that the status of a sample can be; ends with NULL. */
extern const char *const record_statuses[];

/* --- one record by its table ------------------------------------------------------------------ */

/* Appends the values as CSV cells separated by commas (RFC 4180 quotes where needed), no line end.
 */
void record_csv(struct text *out, const struct field *fields, const void *record);

/* Appends the names as CSV cells. */
void record_csv_header(struct text *out, const struct field *fields);

/* Reads one cell's text into a field of the record. Texts that are too long, numbers that are not
 * of the type, not finite or too large, and times below 0 are refused. */
int record_read_cell(const struct field *field, void *record, const char *text, struct err *err);

/* A JSON object of all fields; new reference. */
json_t *record_json(const struct field *fields, const void *record);

/* Fields that the object has are read into the record; others keep their value. A field of another
 * type is an error. Members without a field are ignored. */
int record_read_json(const struct field *fields, void *record, const json_t *object,
                     struct err *err);

/* Whether all factors are equal. */
bool point_equal(const struct point *a, const struct point *b);

#endif
