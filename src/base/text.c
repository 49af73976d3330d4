/* Text: see text.h. */
#include "base/text.h"

#include "base/alloc.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_release(struct text *t)
{
    free(t->text);
    *t = (struct text)TEXT_INIT;
}

void text_clear(struct text *t)
{
    t->length = 0;
    if (t->text)
        t->text[0] = '\0';
}

static void make_room(struct text *t, size_t more)
{
    size_t need = t->length + more + 1;
    if (need <= t->capacity)
        return;
    size_t capacity = t->capacity ? t->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    t->text = alloc_grown(t->text, capacity, 1);
    t->capacity = capacity;
}

void text_add(struct text *t, const char *bytes, size_t n)
{
    make_room(t, n);
    memcpy(t->text + t->length, bytes, n);
    t->length += n;
    t->text[t->length] = '\0';
}

void text_addf(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0) {
        make_room(t, (size_t)n);
        vsnprintf(t->text + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
}

bool text_copy(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    bool fits = n < size;
    if (!fits)
        n = size - 1;
    memcpy(to, from, n);
    to[n] = '\0';
    return fits;
}

char *text_trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        n--;
    s[n] = '\0';
    return s;
}

char **text_words(const char *list, const char *separators, size_t *n)
{
    size_t count = 1;
    for (const char *p = list; *p; p++)
        if (strchr(separators, *p))
            count++;
    /* One block: the pointers, then the characters that they point into. */
    size_t bytes = strlen(list) + 1;
    char **words = alloc_zeroed(1, (count + 1) * sizeof *words + bytes);
    char *at = (char *)(words + count + 1);
    memcpy(at, list, bytes);
    for (size_t i = 0; i < count; i++) {
        char *end = at + strcspn(at, separators);
        bool last = *end == '\0';
        *end = '\0';
        words[i] = text_trim(at);
        at = last ? end : end + 1;
    }
    *n = count;
    return words;
}

void text_words_free(char **words)
{
    free(words);
}

/* Edit distance with swaps of neighbours (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > 64 || nb > 64)
        return SIZE_MAX;
    size_t row[3][66];
    for (size_t j = 0; j <= nb; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *now = row[i % 3], *up = row[(i - 1) % 3], *up2 = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            char x = (char)tolower((unsigned char)a[i - 1]),
                 y = (char)tolower((unsigned char)b[j - 1]);
            size_t best = up[j - 1] + (x != y);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[na % 3][nb];
}

const char *text_nearest(const char *word, const char *const *names, size_t n)
{
    size_t length = strlen(word);
    size_t limit = length / 3 > 2 ? length / 3 : 2;
    if (length < 3)
        limit = 1;
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, names[i]);
        if (d > 1 && length >= 2 && strncmp(word, names[i], length) == 0)
            d = 1;
        if (d <= limit && d < best_distance) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}

void text_add_choices(struct text *t, const char *word, const char *const *names, size_t n)
{
    text_addf(t, "; allowed: ");
    for (size_t i = 0; i < n; i++)
        text_addf(t, "%s%s", i ? ", " : "", names[i]);
    const char *near = text_nearest(word, names, n);
    if (near)
        text_addf(t, "; did you mean '%s'?", near);
}

int text_refuse(struct err *err, const char *what, const char *word, const char *const *names,
                size_t n)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "%s '%s'", what, word);
    text_add_choices(&t, word, names, n);
    err_set(err, "%s", t.text);
    text_release(&t);
    return -1;
}
