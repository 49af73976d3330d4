/* Saved baselines: see baselines.h. */
#include "cli/baselines.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4400, MOST_NAME = 64 };

/* What a comparison reads; the first two must be there. */
static const char *const kept[] = {"samples.csv", "manifest.json", "plan.ini", "topology.xml",
                                   "summary.csv"};

enum { N_KEPT = sizeof kept / sizeof *kept, N_NEEDED = 2 };

bool baseline_is_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= MOST_NAME && *name != '.' && *name != '-' &&
           name[strspn(
               name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

bool baseline_find(const char *folder, const char *name, char *path, size_t size)
{
    char manifest[PATH_BYTES];
    if (!baseline_is_name(name))
        return false;
    snprintf(path, size, "%s/%s", folder, name);
    snprintf(manifest, sizeof manifest, "%.4000s/manifest.json", path);
    return access(manifest, F_OK) == 0;
}

/* Removes a folder of ours, and nothing else that somebody has put there. */
static void remove_folder(const char *path)
{
    char file[PATH_BYTES];
    for (int i = 0; i < N_KEPT; i++) {
        snprintf(file, sizeof file, "%.4000s/%s", path, kept[i]);
        unlink(file);
    }
    rmdir(path);
}

static int make_folders(const char *path, struct err *err)
{
    char part[PATH_BYTES];
    snprintf(part, sizeof part, "%.4000s/", path);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return err_set(err, "%s cannot be made: %s", part, strerror(errno));
        *p = '/';
    }
    return 0;
}

static int copy_file(const char *from_folder, const char *to_folder, const char *name, bool needed,
                     struct err *err)
{
    char from_path[PATH_BYTES], to_path[PATH_BYTES], block[1 << 16];
    snprintf(from_path, sizeof from_path, "%.4000s/%s", from_folder, name);
    snprintf(to_path, sizeof to_path, "%.4000s/%s", to_folder, name);
    FILE *from = fopen(from_path, "re");
    if (!from)
        return errno == ENOENT && !needed
                   ? 0
                   : err_set(err, "%s cannot be read: %s", from_path, strerror(errno));
    FILE *to = fopen(to_path, "we");
    bool good = to != NULL;
    for (size_t n; good && (n = fread(block, 1, sizeof block, from)) > 0;)
        good = fwrite(block, 1, n, to) == n;
    good = good && !ferror(from);
    if (to && fclose(to) != 0)
        good = false;
    int why = errno;
    fclose(from);
    return good ? 0 : err_set(err, "%s cannot be written: %s", to_path, strerror(why));
}

/* Gives the whole folder its name; the old one, if any, goes only then. */
static int put_in_place(const char *part, const char *path, bool force, struct err *err)
{
    char old[PATH_BYTES];
    snprintf(old, sizeof old, "%.4000s.old", part);
    if (rename(part, path) == 0)
        return 0;
    if (force && (errno == ENOTEMPTY || errno == EEXIST) && rename(path, old) == 0) {
        bool is_there = rename(part, path) == 0;
        if (!is_there)
            rename(old, path);
        else
            remove_folder(old);
        if (is_there)
            return 0;
    }
    return err_set(err, "%s cannot be written: %s", path, strerror(errno));
}

int baseline_save(const char *folder, const char *name, const char *run, bool force, char *path,
                  size_t size, struct err *err)
{
    char part[PATH_BYTES];
    struct stat st;
    if (!baseline_is_name(name))
        return err_set(err,
                       "--save: '%.80s' is no name for a baseline: letters, digits, - _ and . "
                       "within, at most %d",
                       name, MOST_NAME);
    snprintf(path, size, "%s/%s", folder, name);
    if (stat(path, &st) == 0 && !force)
        return err_set(err, "--save: %s is there already; --force replaces it", path);
    snprintf(part, sizeof part, "%.4000s/.%s.%ld", folder, name, (long)getpid());
    if (make_folders(folder, err) != 0)
        return -1;
    if (mkdir(part, 0777) != 0)
        return err_set(err, "%s cannot be made: %s", part, strerror(errno));
    int status = 0;
    for (int i = 0; i < N_KEPT && status == 0; i++)
        status = copy_file(run, part, kept[i], i < N_NEEDED, err);
    if (status == 0)
        status = put_in_place(part, path, force, err);
    if (status != 0)
        remove_folder(part);
    return status;
}

static int is_baseline(const struct dirent *entry)
{
    return baseline_is_name(entry->d_name);
}

size_t baselines_print(const char *folder, FILE *to)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_baseline, alphasort);
    size_t found = 0;
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];
        if (baseline_find(folder, entries[i]->d_name, path, sizeof path)) {
            strncat(path, "/manifest.json", sizeof path - strlen(path) - 1);
            json_t *manifest = json_load_file(path, 0, NULL);
            const json_t *cpu = json_object_get(json_object_get(manifest, "machine"), "cpu");
            const char *written = json_string_value(json_object_get(manifest, "written"));
            const char *git = json_string_value(json_object_get(manifest, "git"));
            fprintf(to, "%-20s %-20s %-12s %s\n", entries[i]->d_name, written ? written : "-",
                    git ? git : "-", json_is_string(cpu) ? json_string_value(cpu) : "-");
            json_decref(manifest);
            found++;
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return found;
}

void baselines_add_names(const char *folder, char *text, size_t size)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_baseline, alphasort);
    size_t used = 0;
    snprintf(text, size, "none");
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];
        if (used < size && baseline_find(folder, entries[i]->d_name, path, sizeof path))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}
