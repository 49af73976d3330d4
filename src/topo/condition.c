/* The condition of a machine: the checks, pure in the facts and in files below a root. See
 * condition.h. The checks themselves stand in condition_cpus.c and condition_system.c; here is what
 * they share. What no file says is taken in observe.c.
 *
 * Limits stand beside the check that has them, with their reason. Where a file is absent the
 * verdict is `unknown`, which never makes a machine unfit: virtual machines and containers hide
 * much of theirs. */
#include "topo/condition_private.h"

#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {
    [CONDITION_GOOD] = "good",
    [CONDITION_NOTE] = "note",
    [CONDITION_BAD] = "bad",
    [CONDITION_UNKNOWN] = "unknown",
};

const char *condition_verdict_name(enum condition_verdict verdict)
{
    return verdicts[verdict];
}

/* --- telling ---------------------------------------------------------------------------------- */

void condition_say(struct condition *c, enum condition_verdict verdict, const char *value,
                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    c->verdict = verdict;
    text_copy(c->value, sizeof c->value, value);
    vsnprintf(c->sentence, sizeof c->sentence, format, arguments);
    va_end(arguments);
}

void condition_command(struct condition *c, const struct condition_facts *f, bool as_root,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char text[sizeof c->remedy];
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* Only the program that writes needs the rights: it is the last of a pipe. */
    const char *pipe = as_root && f->uid != 0 ? strrchr(text, '|') : NULL;
    const char *writer = pipe ? pipe + 2 : text;
    struct text whole = TEXT_INIT;
    text_addf(&whole, "%.*s%s%s", (int)(writer - text), text, as_root && f->uid != 0 ? "sudo " : "",
              writer);
    text_copy(c->remedy, sizeof c->remedy, whole.text);
    text_release(&whole);
    c->is_command = true;
}

void condition_advise(struct condition *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->remedy, sizeof c->remedy, format, arguments);
    va_end(arguments);
    c->is_command = false;
}

/* --- reading ---------------------------------------------------------------------------------- */

bool condition_read(const struct condition_facts *f, const char *path, char *buffer, size_t size)
{
    struct text full = TEXT_INIT;
    text_addf(&full, "%s/%s", f->root, path);
    FILE *file = fopen(full.text, "re");
    text_release(&full);
    size_t n = file ? fread(buffer, 1, size - 1, file) : 0;
    if (file)
        fclose(file);
    while (n > 0 && isspace((unsigned char)buffer[n - 1]))
        n--;
    buffer[n] = '\0';
    return file != NULL;
}

double condition_number_behind(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    char *end;
    double value = at ? strtod(at + strlen(word), &end) : NAN;
    return at && end != at + strlen(word) ? value : NAN;
}

struct condition_survey condition_survey(const struct condition_facts *f, const char *name)
{
    struct condition_survey s = {.least = INFINITY, .most = -INFINITY};
    struct text folder = TEXT_INIT;
    text_addf(&folder, "%s/" CPUS, f->root);
    DIR *dir = opendir(folder.text);
    text_release(&folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[400], text[64];
        if (strncmp(e->d_name, "cpu", 3) != 0 || !isdigit((unsigned char)e->d_name[3]))
            continue;
        snprintf(path, sizeof path, CPUS "/%.60s/%s", e->d_name, name);
        if (!condition_read(f, path, text, sizeof text))
            continue;
        if (s.n++ == 0)
            text_copy(s.first, sizeof s.first, text);
        if (strcmp(text, s.first) != 0 && s.n_other++ == 0)
            text_copy(s.other, sizeof s.other, text);
        double number = strtod(text, NULL);
        s.sum += number;
        s.least = fmin(s.least, number);
        s.most = fmax(s.most, number);
    }
    if (dir)
        closedir(dir);
    return s;
}

bool condition_boot_word(const struct condition_facts *f, const char *word, char *value,
                         size_t size)
{
    char line[4096];
    bool found = false;
    condition_read(f, "proc/cmdline", line, sizeof line);
    size_t n, length = strlen(word);
    char **words = text_words(line, " ", &n);
    for (size_t i = 0; i < n && !found; i++) {
        found = strncmp(words[i], word, length) == 0 && words[i][length] == '=';
        if (found)
            text_copy(value, size, words[i] + length + 1);
    }
    text_words_free(words);
    return found;
}

bool condition_is_virtual(const struct condition_facts *f)
{
    char text[8192];
    if (!condition_read(f, "proc/cpuinfo", text, sizeof text))
        return false;
    const char *flags = strstr(text, "\nflags");
    const char *end = flags ? strchr(flags + 1, '\n') : NULL;
    const char *word = flags ? strstr(flags, " hypervisor") : NULL;
    return (word && (!end || word < end)) ||
           condition_read(f, "sys/hypervisor/type", text, sizeof text);
}

/* --- the checks ------------------------------------------------------------------------------- */

const size_t condition_n = (size_t)CONDITIONS_OF_CPUS + CONDITIONS_OF_SYSTEM;

void condition_check(size_t i, const struct condition_facts *facts, struct condition *condition)
{
    const struct condition_look *look = i < CONDITIONS_OF_CPUS
                                            ? &condition_of_cpus[i]
                                            : &condition_of_system[i - CONDITIONS_OF_CPUS];
    *condition =
        (struct condition){.name = look->name, .question = look->question, .kind = look->kind};
    look->look(facts, condition);
}
