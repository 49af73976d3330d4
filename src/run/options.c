/* The options, and reading them from the command line and from INI files: see options.h.
 *
 * inih splits the files. It tells neither lines nor empty sections, cuts lines of 200 bytes in two,
 * and takes any byte; so it is fed line by line through `next_line`, which counts, notes sections,
 * and refuses what is too long or binary.
 */
#include "run/options.h"

#include "base/alloc.h"
#include "base/text.h"
#include "base/units.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct option option_table[OPTION_COUNT] = {
#define OPTION_ROW(id, name, argument, fallback, scope, help)                                      \
    {name, argument, fallback, scope, help},
    OPTIONS(OPTION_ROW)
#undef OPTION_ROW
};

static void section_release(struct section *s)
{
    free(s->name);
    free(s->place);
    for (int i = 0; i < OPTION_COUNT; i++) {
        free(s->settings[i].text);
        free(s->settings[i].place);
    }
}

void configuration_init(struct configuration *c)
{
    *c = (struct configuration){0};
    c->files = alloc_zeroed(1, sizeof *c->files);
}

void configuration_release(struct configuration *c)
{
    section_release(&c->command);
    section_release(&c->defaults);
    for (size_t i = 0; i < c->n; i++)
        section_release(&c->sections[i]);
    free(c->sections);
    for (size_t i = 0; i < c->n_files; i++)
        free(c->files[i]);
    free(c->files);
    *c = (struct configuration){0};
}

static void set(struct section *s, enum option_id id, const char *text, const char *place)
{
    /* Copied first: a line that goes on keeps the place of the one before. */
    char *new_text = alloc_text(text), *new_place = alloc_text(place);
    free(s->settings[id].text);
    free(s->settings[id].place);
    s->settings[id].text = new_text;
    s->settings[id].place = new_place;
}

/* The option of that name, or -1 with a sentence that starts with `what` and lists those of up to
 * the scope. */
static int find_option(const char *name, enum option_scope scope, const char *what, struct err *err)
{
    const char *names[OPTION_COUNT];
    size_t n = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(option_table[i].name, name) == 0 && option_table[i].scope <= scope)
            return i;
        if (option_table[i].scope <= scope)
            names[n++] = option_table[i].name;
    }
    return text_refuse(err, what, name, names, n);
}

/* --- files ------------------------------------------------------------------------------------ */

enum {
    LONGEST_LINE = 190, /* inih's buffer holds 200 bytes with line end and terminator */
    LONGEST_WORD = 180,
};

struct reader {
    struct configuration *c;
    const char *path;
    FILE *file;
    int line;
    bool continues;   /* the current line starts with white space */
    bool has_key;     /* the current section has one that an indented line can go on with */
    bool in_defaults; /* the current section is [defaults] */
    bool seen_defaults;
    size_t first_section;    /* of this file, in c->sections */
    struct section defaults; /* of this file */
    bool failed;
    struct err *err;
};

static struct section *current_section(struct reader *r)
{
    if (r->in_defaults)
        return &r->defaults;
    return r->c->n > r->first_section ? &r->c->sections[r->c->n - 1] : NULL;
}

static int fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct reader *r, const char *format, ...)
{
    if (r->failed)
        return 0;
    va_list args;
    char text[700];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    err_set(r->err, "%s:%d: %s", r->path, r->line, text);
    r->failed = true;
    return 0;
}

static void begin_section(struct reader *r, char *line)
{
    r->has_key = false;
    char *end = strchr(line, ']');
    if (!end) {
        fail(r, "the section '%s' has no closing bracket", line);
        return;
    }
    *end = '\0';
    const char *name = text_trim(line + 1);
    if (!*name) {
        fail(r, "a section needs a name");
        return;
    }
    if (strcmp(name, "defaults") == 0) {
        if (r->seen_defaults)
            fail(r, "duplicate section [defaults]");
        r->in_defaults = r->seen_defaults = true;
        return;
    }
    r->in_defaults = false;
    for (size_t i = 0; i < r->c->n; i++) {
        if (strcmp(r->c->sections[i].name, name) == 0) {
            fail(r, "duplicate section [%s]; the first is at %s", name, r->c->sections[i].place);
            return;
        }
    }
    r->c->sections = alloc_room(r->c->sections, r->c->n, &r->c->capacity, sizeof *r->c->sections);
    struct section *s = &r->c->sections[r->c->n++];
    *s = (struct section){0};
    s->name = alloc_text(name);
    char place[512];
    snprintf(place, sizeof place, "%s:%d", r->path, r->line);
    s->place = alloc_text(place);
}

/* inih's reader: hands out one line. */
static char *next_line(char *to, int size, void *stream)
{
    struct reader *r = stream;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n = r->failed ? -1 : getline(&line, &capacity, r->file);
    if (n < 0) {
        free(line);
        return NULL;
    }
    r->line++;
    r->continues = line[0] == ' ' || line[0] == '\t';
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        line[--n] = '\0';
    for (ssize_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' && line[i] != '\t') {
            fail(r, "byte 0x%02x is no text; a configuration is an INI file", (unsigned)line[i]);
            break;
        }
    if (n > LONGEST_LINE)
        fail(r, "the line has %zd bytes, more than %d; go on in the next line, indented", n,
             (int)LONGEST_LINE);
    if (r->failed) {
        free(line);
        return NULL;
    }
    snprintf(to, (size_t)size, "%s\n", line);
    bool has_mark = r->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0;
    char *text = text_trim(has_mark ? line + 3 : line);
    if (*text == '[' && !(r->continues && r->has_key))
        begin_section(r, text);
    free(line);
    return r->failed ? NULL : to;
}

static int take_key(void *user, const char *inih_section, const char *name, const char *value)
{
    (void)inih_section; /* noted by begin_section, whose names may be longer */
    struct reader *r = user;
    if (r->failed)
        return 1;
    struct section *s = current_section(r);
    if (!s)
        return fail(r, "the key '%s' stands before any section", name);
    int id = find_option(name, RUN, "unknown key", r->err);
    if (id < 0) {
        err_prefix(r->err, "%s:%d", r->path, r->line);
        r->failed = true;
        return 1;
    }
    if (option_table[id].scope == RUN && !r->in_defaults)
        return fail(r, "%s holds for the whole run and belongs into [defaults]", name);
    struct setting *old = &s->settings[id];
    r->has_key = true;
    if (old->text && !r->continues)
        return fail(r, "duplicate key '%s' in this section", name);
    struct text all = TEXT_INIT;
    if (old->text)
        text_addf(&all, "%s ", old->text);
    text_add(&all, value, strlen(value));
    char place[512];
    snprintf(place, sizeof place, "%s:%d: %s", r->path, r->line, name);
    set(s, (enum option_id)id, all.text, old->text ? old->place : place);
    text_release(&all);
    return 1;
}

/* Gives every section of the file what [defaults] sets and the section does not. */
static void fill_defaults(struct reader *r)
{
    for (int id = 0; id < OPTION_COUNT; id++) {
        const struct setting *d = &r->defaults.settings[id];
        if (!d->text)
            continue;
        if (option_table[id].scope == RUN)
            set(&r->c->defaults, (enum option_id)id, d->text, d->place);
        else
            for (size_t i = r->first_section; i < r->c->n; i++)
                if (!r->c->sections[i].settings[id].text)
                    set(&r->c->sections[i], (enum option_id)id, d->text, d->place);
    }
}

int configuration_read_file(struct configuration *c, const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(err, "%s is a directory; a configuration is an INI file", path);
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, "%s cannot be read: %s", path, strerror(errno));
    struct reader r = {.c = c, .path = path, .file = file, .first_section = c->n, .err = err};
    int status = ini_parse_stream(next_line, &r, take_key, &r);
    if (!r.failed && ferror(file))
        fail(&r, "reading failed");
    else if (!r.failed && status > 0) {
        r.line = status;
        fail(&r, "the line is neither 'key = value' nor '[section]' nor a comment");
    }
    fclose(file);
    if (!r.failed && c->n == r.first_section) {
        err_set(err, "%s has no section; each experiment is one: [name]", path);
        r.failed = true;
    }
    if (!r.failed)
        fill_defaults(&r);
    section_release(&r.defaults);
    return r.failed ? -1 : 0;
}

/* --- command line ----------------------------------------------------------------------------- */

/* A value of the command line is written to plan.ini and must read back as it was: no control
 * characters, no word that starts a comment there, none longer than a line. */
static int check_words(const char *value, struct err *err)
{
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < ' ' && *p != '\t')
            return err_set(err, "byte 0x%02x is no text", (unsigned)(unsigned char)*p);
    size_t n;
    int status = 0;
    char **words = text_words(value, " \t", &n);
    for (size_t i = 0; i < n && status == 0; i++) {
        if (strlen(words[i]) > LONGEST_WORD)
            status = err_set(err, "'%.40s...' has %zu bytes without a blank (allowed: %d)",
                             words[i], strlen(words[i]), (int)LONGEST_WORD);
        else if (words[i][0] == ';' || words[i][0] == '#')
            status = err_set(err, "'%s' would begin a comment in an INI file", words[i]);
    }
    text_words_free(words);
    return status;
}

/* Facts and programs of one's own add up, of all other options the last one counts. */
static void set_or_add(struct configuration *c, enum option_id id, const char *value,
                       const char *place)
{
    const char *old = c->command.settings[id].text;
    struct text all = TEXT_INIT;
    if ((id == OPTION_INFO || id == OPTION_CELL) && old)
        text_addf(&all, "%s | ", old);
    text_addf(&all, "%s", value);
    set(&c->command, id, all.text, place);
    text_release(&all);
}

/* --set KEY=VALUE is the same as --KEY VALUE. */
static int take_set(struct configuration *c, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return err_set(err, "--set: '%s' is not KEY=VALUE", text);
    char name[64], place[80];
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    int id = find_option(name, RUN, "--set: unknown key", err);
    if (id < 0)
        return -1;
    snprintf(place, sizeof place, "--set %s", name);
    if (check_words(equals + 1, err) != 0)
        return err_prefix(err, "%s", place);
    set_or_add(c, (enum option_id)id, equals + 1, place);
    return 0;
}

static int take_option(struct configuration *c, int argc, char **argv, int *i, struct err *err)
{
    char name[64];
    const char *word = argv[*i] + 2, *equals = strchr(word, '=');
    snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - word) : (int)strlen(word), word);
    int id = find_option(name, COMMAND, "unknown option", err);
    if (id < 0)
        return -1;
    const char *value = equals ? equals + 1 : NULL;
    if (!option_table[id].argument && !value)
        value = "yes";
    if (!value) {
        if (*i + 1 >= argc)
            return err_set(err, "--%s needs %s: %s", name, option_table[id].argument,
                           option_table[id].help);
        value = argv[++*i];
    }
    if (id == OPTION_SET)
        return take_set(c, value, err);
    char place[80];
    snprintf(place, sizeof place, "--%s", name);
    if (option_table[id].scope != COMMAND && check_words(value, err) != 0)
        return err_prefix(err, "%s", place);
    set_or_add(c, (enum option_id)id, value, place);
    return 0;
}

/* "--trace no": the flag takes no second word, so that would be a file. */
static int check_file(const char *path, const char *before, struct err *err)
{
    int value, id = before && strncmp(before, "--", 2) == 0
                        ? find_option(before + 2, COMMAND, "", NULL)
                        : -1;
    if (id < 0 || option_table[id].argument || units_bool(path, &value, NULL) != 0 ||
        access(path, F_OK) == 0)
        return 0;
    return err_set(err, "%s cannot be read: %s; the value of a flag stands behind '=': %s=%s", path,
                   strerror(errno), before, path);
}

int configuration_read(struct configuration *c, int argc, char **argv, struct err *err)
{
    bool only_files = false;
    for (int i = 0; i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0) {
            only_files = true;
        } else if (!only_files && argv[i][0] == '-' && argv[i][1] == '-') {
            if (take_option(c, argc, argv, &i, err) != 0)
                return -1;
        } else if (!only_files && argv[i][0] == '-' && argv[i][1]) {
            return err_set(err, "unknown option '%s'; options start with --", argv[i]);
        } else {
            if (check_file(argv[i], i > 0 ? argv[i - 1] : NULL, err) != 0)
                return -1;
            c->files = alloc_grown(c->files, c->n_files + 2, sizeof *c->files);
            c->files[c->n_files++] = alloc_text(argv[i]);
            c->files[c->n_files] = NULL;
        }
    }
    for (size_t i = 0; i < c->n_files; i++)
        if (configuration_read_file(c, c->files[i], err) != 0)
            return -1;
    return 0;
}

void configuration_set_default(struct configuration *c, enum option_id id, const char *text,
                               const char *place)
{
    if (!c->command.settings[id].text)
        set(&c->command, id, text, place);
}

static const struct setting *find_setting(const struct configuration *c,
                                          const struct section *section, enum option_id id)
{
    if (c->command.settings[id].text)
        return &c->command.settings[id];
    if (section && section->settings[id].text)
        return &section->settings[id];
    if (c->defaults.settings[id].text)
        return &c->defaults.settings[id];
    return NULL;
}

const char *configuration_get(const struct configuration *c, const struct section *section,
                              enum option_id id, const char **place)
{
    const struct setting *s = find_setting(c, section, id);
    if (place)
        *place = s ? s->place : option_table[id].name;
    return s ? s->text : option_table[id].fallback;
}

bool configuration_has(const struct configuration *c, const struct section *section,
                       enum option_id id)
{
    return find_setting(c, section, id) != NULL;
}
