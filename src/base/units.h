/* Numbers as people write them: counts ("10M"), durations ("20ms"), lists and ranges.
 *
 * Readers return 0 or -1; the sentence on failure names the text and what is allowed, and the
 * caller puts file, line and key before it (err_prefix).
 */
#ifndef POOLMARK_BASE_UNITS_H
#define POOLMARK_BASE_UNITS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* A count: digits, "_" between digits, and k, M, G, T for powers of 1000 (Ki, Mi, Gi of 1024). */
int units_count(const char *text, uint64_t *count, struct err *err);

/* A duration in ns: a decimal number and ns, us, ms, s, min or h; a bare number is seconds. */
int units_duration(const char *text, uint64_t *ns, struct err *err);

/* The same with its fraction: "35.5ns". */
int units_duration_real(const char *text, double *ns, struct err *err);

/* A finite decimal number. */
int units_real(const char *text, double *value, struct err *err);

/* yes, no, true, false, on, off, 1, 0. */
int units_bool(const char *text, int *value, struct err *err);

/* A name that stands for a number in a list, as `usable` does for the usable CPUs. */
struct units_name {
    const char *name;
    uint64_t value;
};

/* A list of counts: "1,2,4", "1..8", "1..1024*4" (geometric; the end is included only when hit),
 * and sums of those; every value must lie in [low, high]. names (may be NULL, ends with a NULL
 * name). *values is to be freed with free(); no list is empty. */
int units_list(const char *text, uint64_t low, uint64_t high, const struct units_name *names,
               uint64_t **values, size_t *n, struct err *err);

/* Writes a duration with three significant digits and its unit: "1.23 ms". Returns buffer. */
char *units_format_ns(double ns, char *buffer, size_t size);

/* Writes how long something takes, roughly: "45 s", "12 min", "3.5 h", "40 days", "285 years".
 * Returns buffer. */
char *units_format_span(double ns, char *buffer, size_t size);

#endif
