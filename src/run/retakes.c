/* How many samples may be taken again: see retakes.h. */
#include "run/retakes.h"

#include <string.h>

void retakes_count(struct retakes *r, const struct sample *sample, bool is_again)
{
    if (is_again)
        r->n_again++;
    else if (sample->retake == 0)
        r->n_first++;
}

bool retakes_allow(const struct retakes *r)
{
    return r->n_again < RETAKES_AT_LEAST + r->n_first / SAMPLES_PER_RETAKE;
}

static void count_flag(struct retakes *r, const char *flag)
{
    for (size_t i = 0; i < MOST_FLAGS; i++) {
        struct flag_count *f = &r->flags[i];
        if (f->n == 0)
            text_copy(f->flag, sizeof f->flag, flag);
        if (strncmp(f->flag, flag, sizeof f->flag - 1) == 0) {
            f->n++;
            return;
        }
    }
}

void retakes_count_flags(struct retakes *r, const char *flags)
{
    size_t n;
    char **words = text_words(flags, " ", &n);
    for (size_t i = 0; i < n; i++)
        if (*words[i])
            count_flag(r, words[i]);
    text_words_free(words);
}

void retakes_tell(const struct retakes *r, char *to, size_t size)
{
    struct text list = TEXT_INIT;
    bool told[MOST_FLAGS] = {false};
    for (;;) {
        size_t most = MOST_FLAGS;
        for (size_t i = 0; i < MOST_FLAGS; i++)
            if (!told[i] && r->flags[i].n &&
                (most == MOST_FLAGS || r->flags[i].n > r->flags[most].n))
                most = i;
        if (most == MOST_FLAGS)
            break;
        told[most] = true;
        text_addf(&list, "%s%s %llu", list.length ? ", " : "", r->flags[most].flag,
                  (unsigned long long)r->flags[most].n);
    }
    text_copy(to, size, list.length ? list.text : "");
    text_release(&list);
}
