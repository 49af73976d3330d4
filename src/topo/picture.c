/* A small picture of a machine: see picture.h.
 *
 * A package is a box. Within it a row, or several, stands for the cores that share an L3 cache (or
 * a NUMA node, where there are more of those); a core is a pair of brackets around its PUs. PUs
 * that may not be used stand in parentheses: "[0 (8)]". */
#include "topo/picture.h"

#include "base/alloc.h"
#include "topo/topo_private.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_CORES = 64, /* of a machine that is drawn core by core */
    LABEL = 12,      /* columns of the label before a row of cores, where rows have one */
};

struct box {
    const char *corner[4]; /* top left, top right, bottom left, bottom right */
    const char *across, *down;
};

static const struct box utf8_box = {{"┌", "┐", "└", "┘"}, "─", "│"};
static const struct box ascii_box = {{"+", "+", "+", "+"}, "-", "|"};

struct drawing {
    const struct topo *topo;
    const struct box *box;
    int columns;
    bool one_by_one; /* a machine small enough to draw each core */
    int core_width;  /* of the widest core, so that they stand below each other */
    struct text *out;
};

/* Characters, not bytes. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* "+- title -----+" or the bottom line, without a title. */
static void add_edge(const struct drawing *d, bool top, const char *title)
{
    const char *left = d->box->corner[top ? 0 : 2], *right = d->box->corner[top ? 1 : 3];
    int used = 2;
    text_addf(d->out, "%s", left);
    if (*title) {
        text_addf(d->out, "%s %s ", d->box->across, title);
        used += 3 + width_of(title);
    }
    for (; used < d->columns; used++)
        text_addf(d->out, "%s", d->box->across);
    text_addf(d->out, "%s\n", right);
}

static void add_line(const struct drawing *d, const char *line)
{
    int pad = d->columns - 4 - width_of(line);
    text_addf(d->out, "%s %s%*s %s\n", d->box->down, line, pad > 0 ? pad : 0, "", d->box->down);
}

/* Adds the words to lines of the box, each behind a label that stands on the first line alone. */
static void add_words(const struct drawing *d, const char *label, char **words, size_t n)
{
    struct text line = TEXT_INIT;
    int indent = *label ? LABEL : 0;
    text_addf(&line, "%-*s", indent, label);
    bool fresh = true;
    for (size_t i = 0; i < n; i++) {
        if (!fresh && width_of(line.text) + 1 + d->core_width > d->columns - 4) {
            add_line(d, line.text);
            text_clear(&line);
            text_addf(&line, "%*s", indent, "");
            fresh = true;
        }
        text_addf(&line, "%s%-*s", fresh ? "" : " ", d->core_width, words[i]);
        fresh = false;
    }
    add_line(d, line.text);
    text_release(&line);
}

/* "[0 8]", "[(1) (9)]" */
static char *core_word(const struct topo *topo, hwloc_const_cpuset_t set)
{
    struct text t = TEXT_INIT;
    int pu;
    text_addf(&t, "[");
    hwloc_bitmap_foreach_begin(pu, set)
    {
        bool allowed = hwloc_bitmap_isset(topo->allowed, (unsigned)pu);
        text_addf(&t, "%s%s%d%s", t.length > 1 ? " " : "", allowed ? "" : "(", pu,
                  allowed ? "" : ")");
    }
    hwloc_bitmap_foreach_end();
    text_addf(&t, "]");
    return t.text;
}

static hwloc_obj_type_t core_type(const struct topo *topo)
{
    return hwloc_get_nbobjs_by_type(topo->hwloc, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE
                                                                     : HWLOC_OBJ_PU;
}

static int count_inside(const struct topo *topo, hwloc_const_cpuset_t set, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_inside_cpuset_by_type(topo->hwloc, set, type);
    return n > 0 ? n : 0;
}

/* "32 MiB", "512 KiB" */
static void format_bytes(uint64_t bytes, char *buffer, size_t size)
{
    if (bytes >= UINT64_C(1) << 30)
        snprintf(buffer, size, "%.3g GiB", (double)bytes / 0x1p30);
    else if (bytes >= 1u << 20)
        snprintf(buffer, size, "%.3g MiB", (double)bytes / 0x1p20);
    else
        snprintf(buffer, size, "%llu KiB", (unsigned long long)(bytes >> 10));
}

/* "L3 32 MiB", "L2 1 MiB" or "NUMA 1": what the cores of a row have in common; "" for nothing. */
static void row_label(hwloc_obj_t row, char *label, size_t size)
{
    char bytes[32];
    *label = '\0';
    if (row->type == HWLOC_OBJ_L3CACHE) {
        format_bytes(row->attr->cache.size, bytes, sizeof bytes);
        snprintf(label, size, "L3 %s", bytes);
    } else if (row->type == HWLOC_OBJ_NUMANODE) {
        snprintf(label, size, "NUMA %u", row->logical_index);
    }
}

/* What the rows of a package stand for: its L3 caches, else its NUMA nodes, else all of it. */
static hwloc_obj_type_t row_type(const struct topo *topo, hwloc_const_cpuset_t set)
{
    if (count_inside(topo, set, HWLOC_OBJ_L3CACHE) > 0)
        return HWLOC_OBJ_L3CACHE;
    return count_inside(topo, set, HWLOC_OBJ_NUMANODE) > 1 ? HWLOC_OBJ_NUMANODE : HWLOC_OBJ_MACHINE;
}

static void draw_row(const struct drawing *d, const char *label, hwloc_const_cpuset_t set)
{
    hwloc_topology_t h = d->topo->hwloc;
    hwloc_obj_type_t type = core_type(d->topo);
    size_t n = (size_t)count_inside(d->topo, set, type);
    char **words = alloc_zeroed(n + 1, sizeof *words);
    for (size_t i = 0; i < n; i++) {
        hwloc_obj_t core = hwloc_get_obj_inside_cpuset_by_type(h, set, type, (unsigned)i);
        words[i] = core_word(d->topo, core->cpuset);
    }
    add_words(d, label, words, n);
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    free(words);
}

/* "PUs 0-63, usable 0-15" in the place of single cores. */
static void draw_ranges(const struct drawing *d, const char *label, hwloc_const_cpuset_t set)
{
    struct text t = TEXT_INIT;
    hwloc_bitmap_t usable = hwloc_bitmap_alloc();
    hwloc_bitmap_and(usable, set, d->topo->allowed);
    text_addf(&t, "%-*s%d cores, PUs ", *label ? LABEL : 0, label,
              count_inside(d->topo, set, core_type(d->topo)));
    topo_add_set(&t, set);
    text_addf(&t, "; allowed: ");
    if (hwloc_bitmap_isequal(usable, set))
        text_addf(&t, "all");
    else if (hwloc_bitmap_iszero(usable))
        text_addf(&t, "none");
    else
        topo_add_set(&t, usable);
    add_line(d, t.text);
    text_release(&t);
    hwloc_bitmap_free(usable);
}

static void draw_rows(const struct drawing *d, hwloc_const_cpuset_t set)
{
    hwloc_topology_t h = d->topo->hwloc;
    hwloc_obj_type_t type = row_type(d->topo, set);
    void (*draw)(const struct drawing *, const char *, hwloc_const_cpuset_t) =
        d->one_by_one ? draw_row : draw_ranges;
    int n = type == HWLOC_OBJ_MACHINE ? 0 : count_inside(d->topo, set, type);
    if (n == 0) {
        draw(d, "", set);
        return;
    }
    for (int i = 0; i < n; i++) {
        char label[48];
        hwloc_obj_t row = hwloc_get_obj_inside_cpuset_by_type(h, set, type, (unsigned)i);
        row_label(row, label, sizeof label);
        draw(d, label, row->cpuset);
    }
}

static void draw_package(const struct drawing *d, hwloc_obj_t package)
{
    struct text title = TEXT_INIT;
    char bytes[32];
    bool is_package = package->type == HWLOC_OBJ_PACKAGE;
    int cores = count_inside(d->topo, package->cpuset, core_type(d->topo));
    int pus = hwloc_bitmap_weight(package->cpuset);
    if (is_package)
        text_addf(&title, "package %u", package->logical_index);
    else
        text_addf(&title, "machine");
    text_addf(&title, ": %d core%s, %d PU%s", cores, cores == 1 ? "" : "s", pus,
              pus == 1 ? "" : "s");
    if (package->total_memory > 0) {
        format_bytes(package->total_memory, bytes, sizeof bytes);
        text_addf(&title, ", %s", bytes);
    }
    add_edge(d, true, title.text);
    draw_rows(d, package->cpuset);
    add_edge(d, false, "");
    text_release(&title);
}

static int widest_core(const struct topo *topo)
{
    int widest = 0;
    hwloc_obj_type_t type = core_type(topo);
    for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(topo->hwloc, type, core));) {
        char *word = core_word(topo, core->cpuset);
        int width = width_of(word);
        widest = width > widest ? width : widest;
        free(word);
    }
    return widest;
}

void topo_draw(const struct topo *topo, const struct topo_picture *picture, struct text *out)
{
    struct drawing d = {.topo = topo,
                        .box = picture->utf8 ? &utf8_box : &ascii_box,
                        .columns = picture->columns,
                        .core_width = widest_core(topo),
                        .out = out};
    d.one_by_one = hwloc_get_nbobjs_by_type(topo->hwloc, core_type(topo)) <= MOST_CORES;
    int n = hwloc_get_nbobjs_by_type(topo->hwloc, HWLOC_OBJ_PACKAGE);
    if (n < 1)
        draw_package(&d, hwloc_get_root_obj(topo->hwloc));
    for (int i = 0; i < n; i++)
        draw_package(&d, hwloc_get_obj_by_type(topo->hwloc, HWLOC_OBJ_PACKAGE, (unsigned)i));
}
