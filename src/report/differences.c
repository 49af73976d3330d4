/* What two runs differ in: see differences.h.
 *
 * Design: whatever is compared becomes a list of facts, a name and a value each; two lists are
 * compared name by name. So manifests need no list of their keys here, but of those to pass over
 * and of the headings of the others. */
#include "report/differences.h"

#include "base/alloc.h"
#include "report/format.h"

#include <stdlib.h>
#include <string.h>

struct fact {
    char *name, *value;
    bool is_matched;
};

struct facts {
    struct fact *items;
    size_t n, capacity;
};

/* Keys of a manifest that tell two runs apart and say nothing of how fast they were, or that the
 * configuration has as well. What stands below such a key is passed over too. */
static const char *const no_factors[] = {
    "schema",  "written",     "before", "command",  "seed",           "resumed",        "result",
    "gnuplot", "unused_cpus", "plan",   "left_out", "timing.cost_ns", "timing.step_ns", NULL};

/* The same of a configuration: what the tables say, and when to stop. */
static const char *const no_keys[] = {"title", "source",      "claim", "max-seconds",
                                      "info",  "record-host", NULL};

/* The same of a topology: of the process that looked. */
static const char *const no_infos[] = {
    "ProcessName", "LinuxCgroup", "HostName",  "hwlocVersion", "SyntheticDescription",
    "OSName",      "OSRelease",   "OSVersion", "Architecture", NULL};

/* Headings, in their order, of keys by their first word; others are their own, behind these. */
static const struct {
    const char *key, *group;
} groups[] = {
    {"machine", "machine"},
    {"host", "machine"},
    {"conditions", "conditions"},
    {"topology", "topology"},
    {"poolmark", "versions"},
    {"git", "versions"},
    {"compiler", "versions"},
    {"libraries", "versions"},
    {"runtimes", "versions"},
    {"mpirun", "versions"},
    {"cflags", "flags"},
    {"optimised", "flags"},
    {"environment", "environment"},
    {"missing", "missing backends"},
    {"info", "information"},
    {"configuration", "configuration"},
};

enum { N_GROUPS = sizeof groups / sizeof *groups };

static bool is_listed(const char *const *list, const char *name)
{
    for (; *list; list++) {
        size_t n = strlen(*list);
        if (strncmp(*list, name, n) == 0 && (name[n] == '\0' || name[n] == '.'))
            return true;
    }
    return false;
}

static void add_fact(struct facts *facts, const char *name, const char *value)
{
    facts->items = alloc_room(facts->items, facts->n, &facts->capacity, sizeof *facts->items);
    facts->items[facts->n++] = (struct fact){alloc_text(name), alloc_text(value), false};
}

static void release_facts(struct facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        free(facts->items[i].name);
        free(facts->items[i].value);
    }
    free(facts->items);
    *facts = (struct facts){0};
}

/* Looks first where it mostly is, at the same place in both lists. */
static struct fact *find_fact(const struct facts *facts, const char *name, size_t place)
{
    for (size_t i = 0; i < facts->n; i++) {
        struct fact *fact = &facts->items[(place + i) % facts->n];
        if (strcmp(fact->name, name) == 0)
            return fact;
    }
    return NULL;
}

static void add(struct differences *d, const char *group, const char *name, const char *a,
                const char *b)
{
    d->items = alloc_room(d->items, d->n, &d->capacity, sizeof *d->items);
    d->items[d->n++] = (struct difference){.group = group,
                                           .name = alloc_text(name),
                                           .a = a ? alloc_text(a) : NULL,
                                           .b = b ? alloc_text(b) : NULL};
}

/* The group of a fact by the first word of its name; *rest is what the heading does not say. */
static const char *group_of(const char *name, const char **rest)
{
    size_t n = strcspn(name, ".");
    *rest = name;
    for (size_t i = 0; i < N_GROUPS; i++) {
        if (strlen(groups[i].key) != n || memcmp(groups[i].key, name, n) != 0)
            continue;
        if (name[n] == '.')
            *rest = name + n + 1;
        return groups[i].group;
    }
    return "other";
}

static void compare(struct differences *d, const struct facts *a, const struct facts *b,
                    const char *group)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct fact *x = &a->items[i];
        struct fact *y = find_fact(b, x->name, i);
        const char *rest = x->name, *of = group ? group : group_of(x->name, &rest);
        if (y)
            y->is_matched = true;
        if (!y || strcmp(x->value, y->value) != 0)
            add(d, of, rest, x->value, y ? y->value : NULL);
    }
    for (size_t k = 0; k < b->n; k++) {
        const char *rest = b->items[k].name, *of = group ? group : group_of(rest, &rest);
        if (!b->items[k].is_matched)
            add(d, of, rest, NULL, b->items[k].value);
    }
}

/* --- manifests ----------------------------------------------------------------------------------
 */

static void add_json(struct facts *facts, const char *name, const json_t *value)
{
    if (is_listed(no_factors, name))
        return;
    if (json_is_object(value)) {
        const char *key;
        json_t *member;
        json_object_foreach((json_t *)value, key, member)
        {
            struct text path = TEXT_INIT;
            text_addf(&path, "%s%s%s", name, *name ? "." : "", key);
            add_json(facts, path.text, member);
            text_release(&path);
        }
        return;
    }
    struct text t = TEXT_INIT;
    if (json_is_string(value)) {
        text_addf(&t, "%s", json_string_value(value));
    } else if (json_is_real(value)) {
        text_addf(&t, "%.4g", json_real_value(value)); /* memory: as much as matters */
    } else if (json_is_null(value)) {
        text_addf(&t, "none");
    } else {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        text_addf(&t, "%s", dump ? dump : "");
        free(dump);
    }
    add_fact(facts, name, t.text ? t.text : "");
    text_release(&t);
}

void differences_of_manifests(struct differences *d, const json_t *a, const json_t *b)
{
    struct facts x = {0}, y = {0};
    add_json(&x, "", a);
    add_json(&y, "", b);
    compare(d, &x, &y, NULL);
    release_facts(&x);
    release_facts(&y);
}

/* --- configurations ----------------------------------------------------------------------------
 */

/* A key and its value; white space within is one blank, since long values go on in further lines.
 */
static void add_key(struct facts *facts, const char *section, const char *key, const char *value)
{
    struct text name = TEXT_INIT, text = TEXT_INIT;
    bool is_default = strcmp(section, "defaults") == 0;
    text_addf(&name, "%s%s%s%s", is_default ? "" : "[", is_default ? "" : section,
              is_default ? "" : "] ", key);
    text_addf(&text, "%s", "");
    for (const char *p = value + strspn(value, " \t"); *p;) {
        size_t n = strcspn(p, " \t");
        text_addf(&text, "%s%.*s", text.length ? " " : "", (int)n, p);
        p += n + strspn(p + n, " \t");
    }
    if (!is_listed(no_keys, key))
        add_fact(facts, name.text, text.text);
    text_release(&name);
    text_release(&text);
}

/* Reads what folder_write_plan writes: sections, key = value, lines that go on indented. A section
 * `from` is read as one named `to`. */
static void read_plan(struct facts *facts, const char *plan, const char *from, const char *to)
{
    char *text = alloc_text(plan), section[256] = "";
    char *key = NULL;
    struct text value = TEXT_INIT;
    for (char *save = NULL, *line = strtok_r(text, "\r\n", &save);;
         line = strtok_r(NULL, "\r\n", &save)) {
        bool goes_on = line && key && (*line == ' ' || *line == '\t');
        if (goes_on) {
            text_addf(&value, " %s", line);
            continue;
        }
        if (key)
            add_key(facts, section, key, value.text ? value.text : "");
        key = NULL;
        if (!line)
            break;
        char *start = text_trim(line), *equals = strchr(start, '=');
        if (*start == '[') {
            start[strcspn(start, "]")] = '\0';
            const char *name = text_trim(start + 1);
            text_copy(section, sizeof section, from && strcmp(name, from) == 0 ? to : name);
        } else if (equals && *start != '#' && *start != ';') {
            *equals = '\0';
            key = text_trim(start);
            text_clear(&value);
            text_addf(&value, "%s", equals + 1);
        }
    }
    text_release(&value);
    free(text);
}

/* A section that one of them lacks is one fact, not one for each of its keys. */
static void fold_sections(struct facts *facts, const struct facts *other)
{
    char seen[256] = "";
    size_t kept = 0;
    for (size_t i = 0; i < facts->n; i++) {
        struct fact *fact = &facts->items[i];
        const char *end = *fact->name == '[' ? strstr(fact->name, "] ") : NULL;
        size_t n = end ? (size_t)(end - fact->name) + 2 : 0;
        bool is_known = !end;
        for (size_t k = 0; k < other->n && !is_known; k++)
            is_known = strncmp(other->items[(i + k) % other->n].name, fact->name, n) == 0;
        if (is_known) {
            facts->items[kept++] = *fact;
            continue;
        }
        char section[256];
        text_copy(section, n < sizeof section ? n : sizeof section, fact->name);
        free(fact->name);
        free(fact->value);
        if (strcmp(section, seen) == 0)
            continue;
        strcpy(seen, section);
        facts->items[kept++] =
            (struct fact){alloc_text(section), alloc_text("an experiment"), false};
    }
    facts->n = kept;
}

void differences_of_plans(struct differences *d, const char *a, const char *b,
                          const char *section_a, const char *section_b)
{
    struct facts x = {0}, y = {0};
    if (a && b) {
        char both[520];
        snprintf(both, sizeof both, "%.250s / %.250s", section_a ? section_a : "",
                 section_b ? section_b : "");
        read_plan(&x, a, section_a, both);
        read_plan(&y, b, section_b, both);
        fold_sections(&x, &y);
        fold_sections(&y, &x);
        compare(d, &x, &y, "configuration");
    } else if (a || b) {
        add(d, "configuration", "plan.ini", a ? "there" : NULL, b ? "there" : NULL);
    }
    release_facts(&x);
    release_facts(&y);
}

/* --- topologies ---------------------------------------------------------------------------------
 */

/* Copies the value of NAME="VALUE" within a tag; returns whether it is there. */
static bool take_attribute(const char *tag, const char *end, const char *name, char *to,
                           size_t size)
{
    size_t n = strlen(name);
    for (const char *p = tag; p + n + 2 < end; p++) {
        if (p[0] != ' ' || memcmp(p + 1, name, n) != 0 || p[n + 1] != '=' || p[n + 2] != '"')
            continue;
        const char *value = p + n + 3, *quote = memchr(value, '"', (size_t)(end - value));
        size_t length = quote ? (size_t)(quote - value) : 0;
        if (!quote)
            return false;
        snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), value);
        return true;
    }
    return false;
}

struct kind {
    char name[128];
    size_t n;
};

struct kinds {
    struct kind *items;
    size_t n, capacity;
};

static void count(struct kinds *kinds, const char *name)
{
    size_t i = 0;
    while (i < kinds->n && strcmp(kinds->items[i].name, name) != 0)
        i++;
    if (i == kinds->n) {
        kinds->items = alloc_room(kinds->items, kinds->n, &kinds->capacity, sizeof *kinds->items);
        kinds->items[kinds->n++] = (struct kind){{0}, 0};
        text_copy(kinds->items[i].name, sizeof kinds->items[i].name, name);
    }
    kinds->items[i].n++;
}

/* Objects by kind, caches by size too, and what is told of them, each with its number. */
static void read_topology(struct facts *facts, const char *xml)
{
    struct kinds kinds = {0};
    for (const char *tag = strchr(xml, '<'); tag; tag = strchr(tag + 1, '<')) {
        const char *end = strchr(tag, '>');
        char type[40], value[64], name[128];
        if (!end)
            break;
        if (strncmp(tag, "<object ", 8) == 0 &&
            take_attribute(tag, end, "type", type, sizeof type)) {
            bool is_cache = take_attribute(tag, end, "cache_size", value, sizeof value);
            snprintf(name, sizeof name, is_cache ? "%s of %.0f KiB" : "%s", type,
                     is_cache ? strtod(value, NULL) / 1024 : 0);
            count(&kinds, name);
        } else if (strncmp(tag, "<info ", 6) == 0 &&
                   take_attribute(tag, end, "name", type, sizeof type) &&
                   take_attribute(tag, end, "value", value, sizeof value) &&
                   !is_listed(no_infos, type)) {
            snprintf(name, sizeof name, "%s %s", type, value);
            count(&kinds, name);
        }
    }
    for (size_t i = 0; i < kinds.n; i++) {
        char n[32];
        snprintf(n, sizeof n, "%zu", kinds.items[i].n);
        add_fact(facts, kinds.items[i].name, n);
    }
    free(kinds.items);
}

/* Which PUs the process had is in the sets of the machine, which are compared as they are. */
static void read_sets(struct facts *facts, const char *xml)
{
    static const char *const sets[] = {"allowed_cpuset", "allowed_nodeset"};
    const char *machine = strstr(xml, "<object "), *end = machine ? strchr(machine, '>') : NULL;
    char value[1024];
    for (size_t i = 0; i < sizeof sets / sizeof *sets && end; i++)
        if (take_attribute(machine, end, sets[i], value, sizeof value))
            add_fact(facts, sets[i], value);
}

void differences_of_topologies(struct differences *d, const char *a, const char *b)
{
    struct facts x = {0}, y = {0};
    if (a && b) {
        read_topology(&x, a);
        read_topology(&y, b);
        read_sets(&x, a);
        read_sets(&y, b);
        compare(d, &x, &y, "topology");
    } else if (a || b) {
        add(d, "topology", "topology.xml", a ? "there" : NULL, b ? "there" : NULL);
    }
    release_facts(&x);
    release_facts(&y);
}

/* --- all of them --------------------------------------------------------------------------------
 */

static size_t rank_of(const char *group)
{
    for (size_t i = 0; i < N_GROUPS; i++)
        if (strcmp(groups[i].group, group) == 0)
            return i;
    return N_GROUPS;
}

void differences_sort(struct differences *d)
{
    struct difference *sorted = alloc_zeroed(d->n ? d->n : 1, sizeof *sorted);
    size_t n = 0;
    for (size_t rank = 0; rank <= N_GROUPS; rank++)
        for (size_t i = 0; i < d->n; i++)
            if (rank_of(d->items[i].group) == rank)
                sorted[n++] = d->items[i];
    free(d->items);
    d->items = sorted;
    d->capacity = d->n ? d->n : 1;
}

void differences_release(struct differences *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->items[i].name);
        free(d->items[i].a);
        free(d->items[i].b);
    }
    free(d->items);
    *d = (struct differences){0};
}

static const char *shown(const char *value)
{
    return !value ? "-" : *value ? value : "''";
}

void differences_write_text(const struct differences *d, FILE *to, int columns)
{
    int group_width = 0, name_width = 0, value_width = 0;
    for (size_t i = 0; i < d->n; i++) {
        int group = format_width(d->items[i].group), name = format_width(d->items[i].name),
            value = format_width(shown(d->items[i].a));
        group_width = group > group_width ? group : group_width;
        name_width = name > name_width && name <= 28 ? name : name_width;
        value_width = value > value_width && value <= 20 ? value : value_width;
    }
    for (size_t i = 0; i < d->n; i++) {
        const struct difference *item = &d->items[i];
        const char *a = shown(item->a), *b = shown(item->b);
        bool is_new = i == 0 || strcmp(item->group, d->items[i - 1].group) != 0;
        fputs("  ", to);
        format_cell(to, is_new ? item->group : "", -group_width);
        fputs("  ", to);
        format_cell(to, item->name, -name_width);
        int at = 2 + group_width + 2 +
                 (format_width(item->name) > name_width ? format_width(item->name) : name_width);
        int a_width = format_width(a) > value_width ? format_width(a) : value_width;
        if (at + 2 + a_width + 4 + format_width(b) <= columns) {
            fputs("  ", to);
            format_cell(to, a, -value_width);
            fprintf(to, "  | %s\n", b);
            continue;
        }
        fputs("\n      A  ", to);
        format_folded(to, a, 9, columns);
        fputs("      B  ", to);
        format_folded(to, b, 9, columns);
    }
}

json_t *differences_json(const struct differences *d)
{
    json_t *all = json_array();
    for (size_t i = 0; i < d->n; i++) {
        const struct difference *item = &d->items[i];
        json_t *one = json_object();
        json_object_set_new(one, "group", json_string(item->group));
        json_object_set_new(one, "name", json_string(item->name));
        json_object_set_new(one, "a", item->a ? json_string(item->a) : json_null());
        json_object_set_new(one, "b", item->b ? json_string(item->b) : json_null());
        json_array_append_new(all, one);
    }
    return all;
}
