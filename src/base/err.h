/* Errors as sentences.
 *
 * The rule of the house: a function that can fail returns 0 or -1 (or a pointer or NULL) and takes
 * `struct err *err` last. On success *err is untouched; on failure it holds one complete sentence
 * that names the place, the value and what is allowed, without a final newline. Errors travel up;
 * only cli and the cell's protocol print them. `err` may be NULL when the caller does not care.
 */
#ifndef POOLMARK_BASE_ERR_H
#define POOLMARK_BASE_ERR_H

struct err {
    char text[1024];
};

/* Sets the sentence, printf-style. Always returns -1, so that callers write `return err_set(…)`. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before a sentence that is already there. Always returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
