/* Text: growing strings, words of a list, the nearest of several names. */
#ifndef POOLMARK_BASE_TEXT_H
#define POOLMARK_BASE_TEXT_H

#include "base/err.h"

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

/* Refuses a word that is none of names[n]: "WHAT 'word'; allowed: a, b, c; did you mean 'b'?",
 * where what is as "unknown schedule". Always returns -1. */
int text_refuse(struct err *err, const char *what, const char *word, const char *const *names,
                size_t n);

/* The end of such a sentence, for those that begin otherwise. */
void text_add_choices(struct text *t, const char *word, const char *const *names, size_t n);

#endif
