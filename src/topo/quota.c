/* How many CPUs the cgroups of a process grant it. See topo.h.
 *
 * A process sits in one group of each hierarchy: those of version 1, of which one has the
 * controller "cpu", and the one of version 2. /proc/self/cgroup names the group by its path in the
 * hierarchy, /proc/self/mountinfo says which part of the hierarchy is mounted where. In a container
 * the mounted part often starts at the container's own group, whose path must then be stripped, and
 * the path may name a group that cannot be seen from inside. A group is bounded by its ancestors
 * too, so every directory from the group up to the mount point is asked; one without the file sets
 * no bound. */
#include "topo/topo.h"

#include "base/text.h"
#include "topo/topo_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The two ways in which a quota is written down. Each reads one directory: CPUs, 0 for none. */
struct hierarchy {
    const char *filesystem, *controller; /* the controller is "" under version 2 */
    double (*read_quota)(const char *directory);
};

/* Reads the first line of a file; returns whether there is one. */
static bool read_line(const char *directory, const char *name, char *line, size_t size)
{
    struct text path = TEXT_INIT;
    text_addf(&path, "%s/%s", directory, name);
    FILE *file = fopen(path.text, "r");
    text_release(&path);
    bool is_read = file && fgets(line, (int)size, file);
    if (file)
        fclose(file);
    return is_read;
}

/* quota / period; none when either is missing, "max" or not positive (-1 under version 1). */
static double divide(const char *quota, const char *period)
{
    double q = strtod(quota, NULL), p = strtod(period, NULL);
    return q > 0 && p > 0 && isfinite(q / p) ? q / p : 0;
}

static double read_quota_v1(const char *directory)
{
    char quota[64], period[64];
    return read_line(directory, "cpu.cfs_quota_us", quota, sizeof quota) &&
                   read_line(directory, "cpu.cfs_period_us", period, sizeof period)
               ? divide(quota, period)
               : 0;
}

static double read_quota_v2(const char *directory)
{
    char line[128], quota[64], period[64] = "100000"; /* the kernel's default */
    if (!read_line(directory, "cpu.max", line, sizeof line) ||
        sscanf(line, "%63s %63s", quota, period) < 1)
        return 0;
    return divide(quota, period);
}

static const struct hierarchy hierarchies[] = {
    {"cgroup", "cpu", read_quota_v1},
    {"cgroup2", "", read_quota_v2},
};

static double tighter(double a, double b)
{
    return a > 0 && b > 0 ? fmin(a, b) : fmax(a, b);
}

static bool has_word(const char *list, const char *word)
{
    size_t n;
    bool found = false;
    char **words = text_words(list, ",", &n);
    for (size_t i = 0; i < n && !found; i++)
        found = strcmp(words[i], word) == 0;
    text_words_free(words);
    return found;
}

/* The path of the process's group in a hierarchy: a line "NUMBER:CONTROLLERS:PATH", where the path
 * may hold colons. Points into `line`, which it cuts; NULL when the line is another hierarchy's. */
static const char *group_of_line(char *line, const struct hierarchy *h)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return NULL;
    *controllers++ = *path++ = '\0';
    /* Under version 2 the list of controllers is empty, and a list is never empty under version 1.
     */
    return has_word(controllers, h->controller) ? path : NULL;
}

/* Undoes mountinfo's way of writing blanks and backslashes ("\040"), in place. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s; to++) {
        unsigned code;
        if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3 && sscanf(s + 1, "%3o", &code) == 1) {
            *to = (char)code;
            s += 4;
        } else {
            *to = *s++;
        }
    }
    *to = '\0';
}

/* Where a hierarchy is mounted; both point into the words of its line. */
struct mount {
    char *root;  /* the group that is seen at the mount point */
    char *point; /* the directory */
};

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL…] - TYPE SOURCE SUPEROPTIONS" */
static bool mount_of_words(char **words, size_t n, const struct hierarchy *h, struct mount *mount)
{
    size_t dash = 6;
    while (dash < n && strcmp(words[dash], "-") != 0)
        dash++;
    if (dash + 3 >= n || strcmp(words[dash + 1], h->filesystem) != 0 ||
        (*h->controller && !has_word(words[dash + 3], h->controller)))
        return false;
    *mount = (struct mount){words[3], words[4]};
    unescape(mount->root);
    unescape(mount->point);
    return true;
}

/* Whether a path climbs: "/.." means a group outside the view of this process's cgroup namespace,
 * and followed below a mount point it would lead out of the hierarchy. */
static bool climbs(const char *path)
{
    for (const char *p = path; (p = strstr(p, "/..")); p += 3)
        if (p[3] == '/' || p[3] == '\0')
            return true;
    return false;
}

/* What remains of a group's path below the root of a mount ("" for the root itself), or NULL when
 * the mount does not hold the group. */
static const char *below(const char *root, const char *group)
{
    size_t n = strlen(root);
    while (n > 0 && root[n - 1] == '/')
        n--;
    if (climbs(root) || climbs(group) || strncmp(root, group, n) != 0)
        return NULL;
    return group[n] == '/' || group[n] == '\0' ? group + n : NULL;
}

/* The tightest quota from the mount point down to the group `rest` below it. Where groups is not
 * NULL, a line is added to it for each directory that has a quota. */
static double walk(const struct hierarchy *h, const char *root, const char *point, const char *rest,
                   struct text *groups)
{
    struct text directory = TEXT_INIT;
    text_addf(&directory, "%s%s", root, point);
    size_t top = directory.length;
    text_addf(&directory, "%s", rest);
    double quota = 0;
    for (;;) {
        double own = h->read_quota(directory.text);
        quota = tighter(quota, own);
        if (own > 0 && groups)
            text_addf(groups, "%s\n", directory.text);
        size_t end = directory.length;
        while (end > top && directory.text[end - 1] != '/')
            end--;
        while (end > top && directory.text[end - 1] == '/')
            end--;
        if (directory.length <= top)
            break;
        directory.text[end] = '\0';
        directory.length = end;
    }
    text_release(&directory);
    return quota;
}

/* The tightest quota over the mounts that hold the group. When none does, the first mount point
 * stands for it: in a container that is the container's own group, or one above it. */
static double quota_of_group(const struct hierarchy *h, const char *group, char **mounts, size_t n,
                             const char *root, struct text *groups)
{
    double quota = 0, of_first = 0;
    size_t n_seen = 0, n_holding = 0;
    struct text first = TEXT_INIT;
    for (size_t i = 0; i < n; i++) {
        size_t n_words;
        char **words = text_words(mounts[i], " ", &n_words);
        struct mount mount;
        if (mount_of_words(words, n_words, h, &mount)) {
            const char *rest = below(mount.root, group);
            if (rest) {
                quota = tighter(quota, walk(h, root, mount.point, rest, groups));
                n_holding++;
            } else if (n_seen == 0) {
                of_first = walk(h, root, mount.point, "", groups ? &first : NULL);
            }
            n_seen++;
        }
        text_words_free(words);
    }
    if (n_holding == 0 && first.length > 0)
        text_add(groups, first.text, first.length);
    text_release(&first);
    return n_holding ? quota : of_first;
}

static double quota_of_hierarchy(const struct hierarchy *h, const char *cgroup_text, char **mounts,
                                 size_t n_mounts, const char *root, struct text *groups)
{
    double quota = 0;
    size_t n;
    char **lines = text_words(cgroup_text, "\n", &n);
    for (size_t i = 0; i < n; i++) {
        const char *group = group_of_line(lines[i], h);
        if (group)
            quota = tighter(quota, quota_of_group(h, group, mounts, n_mounts, root, groups));
    }
    text_words_free(lines);
    return quota;
}

static double search(const char *cgroup_text, const char *mountinfo_text, const char *root,
                     struct text *groups)
{
    double quota = 0;
    size_t n;
    char **mounts = text_words(mountinfo_text, "\n", &n);
    for (size_t i = 0; i < sizeof hierarchies / sizeof *hierarchies; i++)
        quota = tighter(quota,
                        quota_of_hierarchy(&hierarchies[i], cgroup_text, mounts, n, root, groups));
    text_words_free(mounts);
    return quota;
}

double topo_quota(const char *cgroup_text, const char *mountinfo_text, const char *root)
{
    return search(cgroup_text, mountinfo_text, root, NULL);
}

/* A whole file; empty when it cannot be read. The files of /proc do not know their size. */
static struct text read_file(const char *path)
{
    struct text t = TEXT_INIT;
    text_add(&t, "", 0);
    FILE *file = fopen(path, "r");
    if (!file)
        return t;
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        text_add(&t, block, n);
    fclose(file);
    return t;
}

static double search_here(struct text *groups)
{
    struct text cgroup = read_file("/proc/self/cgroup");
    struct text mountinfo = read_file("/proc/self/mountinfo");
    double quota = search(cgroup.text, mountinfo.text, "", groups);
    text_release(&cgroup);
    text_release(&mountinfo);
    return quota;
}

double topo_quota_here(void)
{
    return search_here(NULL);
}

char **topo_quota_groups(size_t *n)
{
    struct text groups = TEXT_INIT;
    text_add(&groups, "", 0);
    search_here(&groups);
    char **directories = text_words(text_trim(groups.text), "\n", n);
    if (*n == 1 && !directories[0][0])
        *n = 0;
    text_release(&groups);
    return directories;
}
