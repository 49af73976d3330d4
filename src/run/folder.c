/* A run's folder: see folder.h. */
#include "run/folder.h"

#include "base/alloc.h"
#include "base/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- the folder itself -------------------------------------------------------------------------
 */

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = dir != NULL;
    for (struct dirent *e; dir && (e = readdir(dir));)
        empty = empty && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
    if (dir)
        closedir(dir);
    return empty;
}

/* Makes all folders on the way; returns 0 or -1 with errno. */
static int make_path(const char *path)
{
    char part[4096];
    if (!text_copy(part, sizeof part, path))
        return errno = ENAMETOOLONG, -1;
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return -1;
        *p = '/';
    }
    return mkdir(part, 0777);
}

int folder_make(const char *out, const char *name, char *path, size_t size, struct err *err)
{
    if (*out) {
        struct stat st;
        snprintf(path, size, "%s", out);
        if (stat(out, &st) == 0 && !S_ISDIR(st.st_mode))
            return err_set(err, "--out: %s exists and is no folder", out);
        if (make_path(out) != 0 && !(errno == EEXIST && is_empty(out)))
            return errno == EEXIST
                       ? err_set(err,
                                 "--out: %s is not empty; give a new folder, or --resume to finish "
                                 "the run in it",
                                 out)
                       : err_set(err, "--out: %s cannot be made: %s", out, strerror(errno));
        if (access(out, W_OK) != 0)
            return err_set(err, "--out: %s cannot be written: %s", out, strerror(errno));
        return 0;
    }
    char date[32];
    time_t now = time(NULL);
    struct tm tm;
    strftime(date, sizeof date, "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
    for (int again = 1; again < 1000; again++) {
        if (again == 1)
            snprintf(path, size, "results/%s-%s", name, date);
        else
            snprintf(path, size, "results/%s-%s-%d", name, date, again);
        if (make_path(path) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    return err_set(err, "%s cannot be made: %s; --out names another folder", path, strerror(errno));
}

int folder_lock(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, "%s cannot be opened: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno == EWOULDBLOCK)
        err_set(err, "%s belongs to a run that still goes on", path);
    else
        err_set(err, "%s cannot be locked: %s", path, strerror(errno));
    close(fd);
    return -1;
}

void folder_unmake(const char *path)
{
    static const char *const names[] = {"plan.ini", "manifest.json", "topology.xml"};
    char file[4300];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        unlink(file);
    }
    rmdir(path);
}

int folder_check(const char *path, struct err *err)
{
    char file[4300];
    snprintf(file, sizeof file, "%s/manifest.json", path);
    json_error_t why;
    json_t *manifest = json_load_file(file, 0, &why);
    if (!manifest) {
        if (access(file, F_OK) != 0)
            return err_set(err, "%s is not the folder of a run: it has no manifest.json", path);
        return err_set(err, "%s:%d: %s", file, why.line, why.text);
    }
    json_int_t schema = json_integer_value(json_object_get(manifest, "schema"));
    json_decref(manifest);
    if (schema != FOLDER_SCHEMA)
        return err_set(err, "%s: schema %lld is not that of this version, %d", file,
                       (long long)schema, (int)FOLDER_SCHEMA);
    return 0;
}

static void temporary_name(const char *folder, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/.%s.part", folder, name);
}

FILE *folder_create(const char *folder, const char *name, struct err *err)
{
    char path[4300];
    temporary_name(folder, name, path, sizeof path);
    FILE *file = fopen(path, "we");
    if (!file)
        err_set(err, "%s/%s cannot be written: %s", folder, name, strerror(errno));
    return file;
}

int folder_commit(FILE *file, const char *folder, const char *name, struct err *err)
{
    char from[4300], to[4300];
    temporary_name(folder, name, from, sizeof from);
    snprintf(to, sizeof to, "%s/%s", folder, name);
    bool bad = ferror(file) != 0;
    if (fclose(file) != 0)
        bad = true;
    if (!bad && rename(from, to) == 0)
        return 0;
    int why = errno;
    unlink(from);
    return err_set(err, "%s cannot be written: %s", to, strerror(why));
}

/* --- plan.ini ----------------------------------------------------------------------------------
 */

enum { FOLD = 150 }; /* inih takes lines of 200 bytes */

/* key = value, going on in indented lines where it is long; paths without the user's name. */
static void write_key(FILE *to, const char *key, const char *value)
{
    int column = fprintf(to, "%s =", key);
    size_t n;
    struct text hidden = TEXT_INIT;
    home_hide(&hidden, value);
    char **words = text_words(hidden.text, " ", &n);
    for (size_t i = 0; i < n; i++) {
        if (column + (int)strlen(words[i]) > FOLD && column > 4) {
            fputs("\n   ", to);
            column = 3;
        }
        column += fprintf(to, " %s", words[i]);
    }
    fputc('\n', to);
    text_words_free(words);
    text_release(&hidden);
}

static void write_workers(FILE *to, const struct experiment *e)
{
    /* As numbers: `usable` would be another number on another machine. */
    struct text list = TEXT_INIT;
    for (size_t i = 0; i < e->workers.n; i++)
        text_addf(&list, "%s%llu", i ? ", " : "", (unsigned long long)e->workers.items[i]);
    write_key(to, "workers", list.text);
    text_release(&list);
}

int folder_write_plan(const char *folder, const struct experiments *experiments,
                      const struct configuration *c, struct err *err)
{
    FILE *to = folder_create(folder, "plan.ini", err);
    if (!to)
        return -1;
    fprintf(to, "# The configuration as it was run: `poolmark run %s` repeats it.\n\n[defaults]\n",
            "plan.ini");
    for (int id = 0; id < OPTION_COUNT; id++)
        if (option_table[id].scope == RUN)
            write_key(to, option_table[id].name,
                      configuration_get(c, NULL, (enum option_id)id, NULL));
    for (size_t i = 0; i < experiments->n; i++) {
        const struct experiment *e = &experiments->items[i];
        fprintf(to, "\n[%s]\n", e->name);
        for (int id = 0; id < OPTION_COUNT; id++) {
            const char *value = configuration_get(c, e->section, (enum option_id)id, NULL);
            if (option_table[id].scope != EXPERIMENT || !*value)
                continue;
            if (id == OPTION_WORKERS)
                write_workers(to, e);
            else
                write_key(to, option_table[id].name, value);
        }
    }
    return folder_commit(to, folder, "plan.ini", err);
}

/* --- what is known of a past run ---------------------------------------------------------------
 */

int folder_usable(const char *folder)
{
    char file[4300];
    json_error_t why;
    snprintf(file, sizeof file, "%s/manifest.json", folder);
    json_t *manifest = json_load_file(file, 0, &why);
    const json_t *machine = json_object_get(manifest, "machine");
    int usable = (int)json_integer_value(json_object_get(machine, "usable"));
    json_decref(manifest);
    return usable;
}
