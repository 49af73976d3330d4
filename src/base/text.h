/* Text: growing strings, words of a list, the nearest of several names. */
#ifndef POOLMARK_BASE_TEXT_H
#define POOLMARK_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A growing string. `text` is always terminated once something was added; NULL before that. */
struct text {
    char *text;
    size_t length, capacity;
};

#define TEXT_INIT                                                                                  \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void text_release(struct text *t);
void text_clear(struct text *t); /* empty, memory kept */
void text_add(struct text *t, const char *bytes, size_t n);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies `from` into an array of `size` bytes, cut off if need be; returns whether all of it
 * fitted. */
bool text_copy(char *to, size_t size, const char *from);

/* Removes white space at both ends, in place; returns the first character that stays. */
char *text_trim(char *s);

/* The words of a list separated by any of `separators`, trimmed, in a NULL-terminated array to be
 * freed with text_words_free. Empty words are kept: "a,,b" has three. */
char **text_words(const char *list, const char *separators, size_t *n);
void text_words_free(char **words);

/* The candidate that a mistyped word most likely meant (edit distance at most a third of its
 * length, at least 2; or a prefix), or NULL. names[n]; entries may not be NULL. */
const char *text_nearest(const char *word, const char *const *names, size_t n);

/* Appends "; allowed are a, b, c" and, when one is near, "; did you mean b?" to a sentence. */
void text_add_choices(struct text *t, const char *word, const char *const *names, size_t n);

#endif
