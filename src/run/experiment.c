/* Experiments: see experiment.h. Each reader below takes the text of one key; what goes wrong gets
 * the key's place put before it, in one spot (`READ`). */
#include "run/experiment.h"

#include "base/alloc.h"
#include "base/home.h"
#include "base/text.h"
#include "base/units.h"
#include "sched/dispatch.h"
#include "stats/stats.h"
#include "work/work.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct context {
    const struct configuration *c;
    const struct topo_counts *machine;
};

static int read_number(const char *text, uint64_t low, uint64_t high, uint64_t *value,
                       struct err *err)
{
    struct counts list;
    if (units_list(text, low, high, NULL, &list.items, &list.n, err) != 0)
        return -1;
    *value = list.items[0];
    size_t n = list.n;
    free(list.items);
    return n == 1 ? 0 : err_set(err, "'%s' is a list where one number is allowed", text);
}

static int read_counts(const char *text, uint64_t low, uint64_t high,
                       const struct topo_counts *machine, struct counts *to, struct err *err)
{
    struct units_name names[] = {{"usable", machine ? (uint64_t)machine->usable : 0},
                                 {"cores", machine ? (uint64_t)machine->usable_cores : 0},
                                 {NULL, 0}};
    return units_list(text, low, high, machine ? names : NULL, &to->items, &to->n, err);
}

/* "auto" among the chunks stands for 0. */
static int read_chunks(const char *text, uint64_t high, struct counts *to, struct err *err)
{
    size_t n;
    char **words = text_words(text, ",", &n);
    bool has_auto = false;
    struct text rest = TEXT_INIT;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], "auto") == 0)
            has_auto = true;
        else
            text_addf(&rest, "%s%s", rest.length ? "," : "", *words[i] ? words[i] : " ");
    }
    text_words_free(words);
    int status = 0;
    if (rest.length)
        status = read_counts(rest.text, 1, high, NULL, to, err);
    text_release(&rest);
    if (status != 0)
        return err_prefix(err, "a chunk is 'auto' or a number of tasks");
    if (has_auto) {
        to->items = alloc_grown(to->items, to->n + 1, sizeof *to->items);
        memmove(to->items + 1, to->items, to->n * sizeof *to->items);
        to->items[0] = 0;
        to->n++;
    }
    return 0;
}

static char **read_words(const char *text, const char *separators, size_t *n, struct err *err)
{
    char **words = text_words(text, separators, n);
    for (size_t i = 0; i < *n; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || strcmp(words[i], words[k]) == 0;
        if (!*words[i] || again) {
            err_set(err, *words[i] ? "'%s' is named twice" : "a list has an empty item ('%s')",
                    *words[i] ? words[i] : text);
            text_words_free(words);
            return NULL;
        }
    }
    return words;
}

static int read_workloads(const char *text, struct experiment *e, struct err *err)
{
    size_t n;
    char **words = read_words(text, "|", &n, err);
    if (!words)
        return -1;
    e->workloads = alloc_zeroed(n + 1, sizeof *e->workloads);
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        char canonical[FIELD_TEXT_BYTES];
        status = work_check(words[i], err);
        if (status == 0)
            status = work_canonical(words[i], canonical, sizeof canonical, err);
        if (status == 0) {
            home_hide_in(canonical,
                         sizeof canonical); /* a plug-in's path stands in every row of the run */
            e->workloads[e->n_workloads++] = alloc_text(canonical);
        }
    }
    text_words_free(words);
    return status;
}

static int read_backends(const char *text, const char *cells, struct experiment *e, struct err *err)
{
    size_t n;
    char **words = read_words(text, ",", &n, err);
    if (!words)
        return -1;
    e->backends = alloc_zeroed(n, sizeof *e->backends);
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        struct backend_kind *kind = backend_kind_find(words[i], cells, err);
        if (!kind)
            status = -1;
        else if (kind->is_base)
            backend_kind_free(kind); /* always there */
        else
            e->backends[e->n_backends++] = kind;
    }
    text_words_free(words);
    return status;
}

static int read_schedules(const char *text, struct experiment *e, struct err *err)
{
    size_t n;
    char **words = read_words(text, ",", &n, err);
    if (!words)
        return -1;
    e->schedules = alloc_zeroed(n, sizeof *e->schedules);
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        status = sched_spec_read(words[i], &e->schedules[e->n_schedules++], err);
    }
    text_words_free(words);
    return status;
}

static int read_dispatches(const char *text, struct experiment *e, struct err *err)
{
    const char *known[16] = {"auto"};
    size_t n_known = 1;
    for (const struct dispatch_way *way = dispatch_table; way->name; way++)
        known[n_known++] = way->name;
    e->dispatches = read_words(text, ",", &e->n_dispatches, err);
    if (!e->dispatches)
        return -1;
    for (size_t i = 0; i < e->n_dispatches; i++) {
        bool found = false;
        for (size_t k = 0; k < n_known; k++)
            found = found || strcmp(e->dispatches[i], known[k]) == 0;
        if (!found)
            return text_refuse(err, "unknown dispatch", e->dispatches[i], known, n_known);
    }
    return 0;
}

static int read_ranks(const char *text, struct experiment *e, struct err *err)
{
    if (strcmp(text, "auto") == 0 || strcmp(text, "all") == 0) {
        e->ranks_choice = text[1] == 'u' ? RANKS_AUTO : RANKS_ALL;
        return 0;
    }
    struct err why = {""};
    e->ranks_choice = RANKS_LIST;
    if (read_counts(text, 1, MOST_WORKERS, NULL, &e->ranks, &why) == 0)
        return 0;
    return err_set(err, "%s; allowed: numbers from 1 to %d, or one word alone, auto or all",
                   why.text, MOST_WORKERS);
}

static int read_binds(const char *text, struct experiment *e, struct err *err)
{
    e->binds = read_words(text, "|", &e->n_binds, err);
    if (!e->binds)
        return -1;
    for (size_t i = 0; i < e->n_binds; i++) {
        struct topo_bind bind = {0};
        if (topo_bind_parse(e->binds[i], &bind, err) != 0)
            return -1;
        topo_bind_release(&bind);
    }
    return 0;
}

static int read_real(const char *text, double low, double high, double *value, struct err *err)
{
    if (units_real(text, value, err) != 0)
        return -1;
    if (*value < low || *value > high)
        return err_set(err, "%s is not within %g to %g", text, low, high);
    return 0;
}

static int read_flag(const char *text, bool *value, struct err *err)
{
    int yes;
    if (units_bool(text, &yes, err) != 0)
        return -1;
    *value = yes != 0;
    return 0;
}

static int read_precision_of(const char *text, struct experiment *e, struct err *err)
{
    static const char *const names[] = {"speedup", "time"};
    e->precision_of_time = strcmp(text, names[1]) == 0;
    return e->precision_of_time || strcmp(text, names[0]) == 0
               ? 0
               : text_refuse(err, "unknown quantity", text, names, 2);
}

/* Whether so few samples may be taken that there is no interval, and no precision. */
static int check_precision(const struct experiment *e, const struct configuration *c,
                           struct err *err)
{
    uint64_t limit_ns = 0;
    const char *limit = configuration_get(c, NULL, OPTION_MAX_SECONDS, NULL);
    bool is_open = units_duration(limit, &limit_ns, err) == 0 && limit_ns > 0;
    if (is_open || !(e->precision > 0) || e->launches * e->reps >= STATS_LEAST_FOR_INTERVAL)
        return 0;
    return err_set(err, "an interval takes %d samples, and launches %llu times reps %llu are fewer",
                   STATS_LEAST_FOR_INTERVAL, (unsigned long long)e->launches,
                   (unsigned long long)e->reps);
}

/* Whether all schedules have the numbers that they reckon with, since the cells may not measure. */
static int check_complete(const struct experiment *e, struct err *err)
{
    for (size_t i = 0; i < e->n_schedules; i++)
        if (sched_spec_check_complete(&e->schedules[i], err) != 0)
            return -1;
    return 0;
}

/* Reads one key with `expression`, in which `text` is its value; puts its place before the
 * sentence. */
#define READ(id, expression)                                                                       \
    do {                                                                                           \
        const char *place, *text = configuration_get(x->c, e->section, OPTION_##id, &place);       \
        (void)text;                                                                                \
        if ((expression) != 0)                                                                     \
            return err_prefix(err, "%s", place);                                                   \
    } while (0)

static int experiment_read(struct experiment *e, const struct context *x, struct err *err)
{
    for (int id = 0; id < OPTION_COUNT; id++)
        (void)configuration_get(x->c, e->section, (enum option_id)id, &e->places[id]);
    READ(TITLE, (e->title = alloc_text(text), 0));
    READ(SOURCE, (e->source = alloc_text(text), 0));
    READ(CLAIM, claim_read(text, &e->claims, &e->n_claims, err));
    READ(CELL, backend_cells_check(text, err));
    const char *cells = configuration_get(x->c, e->section, OPTION_CELL, NULL);
    READ(WORKLOAD, read_workloads(text, e, err));
    READ(TASKS, read_counts(text, 0, MOST_TASKS, NULL, &e->tasks, err));
    READ(BACKENDS, read_backends(text, cells, e, err));
    READ(SCHEDULES, read_schedules(text, e, err));
    READ(DISPATCH, read_dispatches(text, e, err));
    READ(CHUNKS, read_chunks(text, MOST_TASKS, &e->chunks, err));
    READ(WORKERS, read_counts(text, 1, MOST_WORKERS, x->machine, &e->workers, err));
    READ(RANKS, read_ranks(text, e, err));
    READ(BIND, read_binds(text, e, err));
    READ(LAUNCHES, read_number(text, 1, MOST_REPS, &e->launches, err));
    READ(REPS, read_number(text, 1, MOST_REPS, &e->reps, err));
    READ(PRECISION, read_real(text, 0, 100, &e->precision, err));
    READ(PRECISION, check_precision(e, x->c, err));
    READ(PRECISION_OF, read_precision_of(text, e, err));
    READ(RETAKES, read_number(text, 0, MOST_RETAKES, &e->retakes, err));
    READ(BIND_STRICT, read_flag(text, &e->bind_strict, err));
    READ(SCALE, read_real(text, 1e-9, 1e9, &e->scale, err));
    READ(FRESH, read_flag(text, &e->fresh, err));
    READ(OVERSUBSCRIBE, read_flag(text, &e->oversubscribe, err));
    READ(CALIBRATE, read_flag(text, &e->calibrate, err));
    if (!e->calibrate)
        READ(SCHEDULES, check_complete(e, err));
    READ(CELL_TIMEOUT, units_duration(text, &e->timeout_ns, err));
    return 0;
}

static void experiment_release(struct experiment *e)
{
    free(e->name);
    free(e->title);
    free(e->source);
    free(e->claims);
    for (size_t i = 0; i < e->n_workloads; i++)
        free(e->workloads[i]);
    free(e->workloads);
    free(e->tasks.items);
    for (size_t i = 0; i < e->n_backends; i++)
        backend_kind_free(e->backends[i]);
    free(e->backends);
    free(e->schedules);
    text_words_free(e->dispatches);
    free(e->chunks.items);
    free(e->workers.items);
    free(e->ranks.items);
    text_words_free(e->binds);
}

void experiments_release(struct experiments *all)
{
    for (size_t i = 0; i < all->n; i++)
        experiment_release(&all->items[i]);
    free(all->items);
    *all = (struct experiments){NULL, 0};
}

/* Whether one of --only's words is the experiment's name, a claim of it, or a pattern of either. */
static bool is_picked(const struct experiment *e, char **words, size_t n, bool *used)
{
    bool picked = false;
    for (size_t i = 0; i < n; i++) {
        bool fits = fnmatch(words[i], e->name, 0) == 0;
        for (size_t k = 0; k < e->n_claims; k++)
            fits = fits || fnmatch(words[i], e->claims[k].id, 0) == 0;
        used[i] = used[i] || fits;
        picked = picked || fits;
    }
    return picked;
}

static int pick(struct experiments *all, const char *only, struct err *err)
{
    if (!*only)
        return 0;
    size_t n, kept = 0;
    int status = 0;
    char **words = text_words(only, ",", &n);
    bool *used = alloc_zeroed(n, sizeof *used);
    const char **names = alloc_zeroed(all->n, sizeof *names);
    for (size_t i = 0; i < all->n; i++)
        names[i] = alloc_text(all->items[i].name);
    size_t n_names = all->n;
    for (size_t i = 0; i < all->n; i++) {
        if (is_picked(&all->items[i], words, n, used))
            all->items[kept++] = all->items[i];
        else
            experiment_release(&all->items[i]);
    }
    all->n = kept;
    for (size_t i = 0; i < n && status == 0; i++) {
        if (used[i])
            continue;
        status = text_refuse(err, "--only: no experiment", words[i], names, n_names);
    }
    for (size_t i = 0; i < n_names; i++)
        free((char *)names[i]);
    free(names);
    free(used);
    text_words_free(words);
    return status;
}

int experiments_read(struct experiments *all, const struct configuration *c,
                     const struct topo_counts *machine, struct err *err)
{
    struct context x = {c, machine};
    size_t n = c->n ? c->n : 1;
    *all = (struct experiments){alloc_zeroed(n, sizeof *all->items), 0};
    for (size_t i = 0; i < n; i++) {
        struct experiment *e = &all->items[all->n++];
        e->section = c->n ? &c->sections[i] : NULL;
        e->name = alloc_text(c->n ? c->sections[i].name : "command-line");
        if (strlen(e->name) > 63 || strpbrk(e->name, "/\\'\",")) {
            err_set(err,
                    "%s: the name '%s' is longer than 63 bytes or holds a slash, quote or comma",
                    c->sections[i].place, e->name);
            goto fail;
        }
        if (experiment_read(e, &x, err) != 0)
            goto fail;
    }
    if (pick(all, configuration_get(c, NULL, OPTION_ONLY, NULL), err) == 0)
        return 0;
fail:
    experiments_release(all);
    return -1;
}

static int read_format(const char *text, struct run_options *o, struct err *err)
{
    static const char *const names[] = {"text", "csv", "json"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0)
            return o->format = i, 0;
    return text_refuse(err, "unknown format", text, names, 3);
}

static int read_color(const char *text, struct err *err)
{
    if (strcmp(text, "auto") != 0 && strcmp(text, "always") != 0 && strcmp(text, "never") != 0)
        return err_set(err, "'%s' is not auto, always or never", text);
    return 0;
}

/* KEY=VALUE | KEY=VALUE: facts about a run that it cannot find out by itself. */
static int check_info(const char *text, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_";
    size_t n;
    int status = 0;
    char **words = text_words(text, "|", &n);
    for (size_t i = 0; i < n && *text && status == 0; i++) {
        size_t length = strspn(words[i], allowed);
        if (length == 0 || words[i][length] != '=' || !words[i][length + 1])
            status = err_set(err,
                             "'%s' is not KEY=VALUE with a KEY of letters, digits, - and _, as "
                             "memory=DDR4-2666",
                             words[i]);
        for (size_t k = 0; k < i && status == 0; k++)
            if (strncmp(words[k], words[i], length + 1) == 0)
                status = err_set(err, "the key '%.*s' comes twice", (int)length, words[i]);
    }
    text_words_free(words);
    return status;
}

int run_options_read(struct run_options *o, const struct configuration *c, struct err *err)
{
    /* The shape that READ works on. */
    struct context context = {c, NULL}, *x = &context;
    struct experiment whole = {0}, *e = &whole;
    *o = (struct run_options){0};
    READ(SEED, read_number(text, 0, UINT64_MAX >> 1, &o->seed, err));
    READ(MAX_SECONDS, units_duration(text, &o->max_seconds_ns, err));
    READ(MAX_CELLS, read_number(text, 2, 1000, &o->max_cells, err));
    READ(TRACE, read_flag(text, &o->trace, err));
    READ(INFO, check_info(text, err));
    READ(RECORD_HOST, read_flag(text, &o->record_host, err));
    o->info = configuration_get(c, NULL, OPTION_INFO, NULL);
    READ(DRY_RUN, read_flag(text, &o->dry_run, err));
    READ(QUIET, read_flag(text, &o->quiet, err));
    READ(FORMAT, read_format(text, o, err));
    READ(COLOR, read_color(text, err));
    o->color = configuration_get(c, NULL, OPTION_COLOR, NULL);
    o->out = configuration_get(c, NULL, OPTION_OUT, NULL);
    o->resume = configuration_get(c, NULL, OPTION_RESUME, NULL);
    o->only = configuration_get(c, NULL, OPTION_ONLY, NULL);
    if ((!*o->out && c->command.settings[OPTION_OUT].text) ||
        (!*o->resume && c->command.settings[OPTION_RESUME].text))
        return err_set(err, "--out and --resume need the name of a folder");
    if (*o->out && *o->resume)
        return err_set(err,
                       "--out and --resume exclude each other: a run is finished where it began");
    return 0;
}
