/* manifest.json: all that is known of the circumstances of a run, enough to repeat it and to see in
 * what two runs differ; topology.xml beside it. Neither names a user, or a host unless it was asked
 * for: every text goes through `plain`. */
#include "run/folder.h"

#include "base/alloc.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/home.h"
#include "base/version.h"
#include "build_info.h"
#include "record/csv.h"
#include "sched/dispatch.h"
#include "stats/version.h"
#include "topo/condition.h"
#include "topo/version.h"

#include <gnu/libc-version.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* A text without names of users and hosts. */
static json_t *plain(const struct manifest *m, const char *text)
{
    size_t size = strlen(text) + 256; /* "node 12" may be longer than a name */
    char *copy = alloc_zeroed(1, size);
    text_copy(copy, size, text);
    hosts_hide(m->hosts, copy, size);
    json_t *string = json_string(copy);
    free(copy);
    return string ? string : json_string("(no UTF-8)");
}

/* --- the machine -------------------------------------------------------------------------------
 */

/* What /proc/cpuinfo says of the first CPU. */
static json_t *cpu_fact(const char *name)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[512];
    json_t *fact = NULL;
    while (file && !fact && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, name, strlen(name)) == 0 && colon)
            fact = json_string(text_trim(colon + 1));
    }
    if (file)
        fclose(file);
    return fact ? fact : json_string("unknown");
}

static json_t *machine_json(const struct topo_counts *t)
{
    struct utsname u;
    uname(&u);
    return json_pack("{s:o,s:o,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:f,s:i,s:i,s:f}", "cpu",
                     cpu_fact("model name"), "microcode", cpu_fact("microcode"), "system",
                     u.sysname, "kernel", u.release, "packages", t->packages, "numa_nodes",
                     t->numa_nodes, "cores", t->cores, "pus", t->pus, "affinity", t->affinity,
                     "quota_cpus", t->quota_cpus, "usable", t->usable, "usable_cores",
                     t->usable_cores, "memory_gib",
                     (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 0x1p30);
}

/* CPUs on which no worker of this run computes, with the reason of each lot. */
static json_t *unused_json(const struct manifest *m)
{
    const struct topo_counts *t = m->machine;
    char quota[64];
    int most = 1;
    for (size_t i = 0; i < m->plan->n_cells; i++)
        if ((int)m->plan->cells[i].workers > most)
            most = (int)m->plan->cells[i].workers;
    snprintf(quota, sizeof quota, "the cgroup's quota of %.2f CPUs", t->quota_cpus);
    const struct {
        int pus;
        const char *why;
    } lots[] = {{t->pus - t->affinity, "this process may not run on them (affinity or cpuset)"},
                {t->affinity - t->usable, quota},
                {t->usable - most, "no point asks for more workers"}};
    json_t *all = json_array();
    for (size_t i = 0; i < sizeof lots / sizeof *lots; i++)
        if (lots[i].pus > 0)
            json_array_append_new(all,
                                  json_pack("{s:i,s:s}", "pus", lots[i].pus, "why", lots[i].why));
    return all;
}

/* What of the machine's condition stays until somebody changes it: governor, turbo, SMT, clock
 * source, virtual machine, ... (topo/condition.c). null: the machine does not say. */
static json_t *conditions_json(const struct manifest *m)
{
    struct condition_facts facts;
    json_t *all = json_object();
    condition_observe(&facts, m->topo, 0);
    for (size_t i = 0; i < condition_n; i++) {
        struct condition c;
        condition_check(i, &facts, &c);
        /* What was measured of the timer stands, with numbers, in "timing". */
        if (c.kind == CONDITION_MACHINE && strcmp(c.name, "timer") != 0)
            json_object_set_new(all, c.name,
                                c.verdict == CONDITION_UNKNOWN || !*c.value ? json_null()
                                                                            : plain(m, c.value));
    }
    return all;
}

/* --- how time was taken ------------------------------------------------------------------------
 */

/* What one reading of the clock costs: the least of many short series, since a series that was
 * interrupted tells nothing. */
static double clock_cost_ns(void)
{
    enum { SERIES = 200, READINGS = 50 };
    double least = INFINITY;
    for (int i = 0; i < SERIES; i++) {
        uint64_t start = clock_now_ns(), now = start;
        for (int k = 0; k < READINGS; k++)
            now = clock_now_ns();
        double cost = (double)(now - start) / READINGS;
        least = cost < least ? cost : least;
    }
    return least;
}

/* The smallest step between two readings that differ. */
static double clock_step_ns(void)
{
    uint64_t least = UINT64_MAX, before = clock_now_ns();
    for (int i = 0; i < 2000; i++) {
        uint64_t now = clock_now_ns(), step = now - before;
        least = step > 0 && step < least ? step : least;
        before = now;
    }
    return least == UINT64_MAX ? NAN : (double)least;
}

static json_t *timing_json(void)
{
    struct timespec declared = {0, 0};
    clock_getres(CLOCK_MONOTONIC, &declared);
    double step = clock_step_ns();
    return json_pack(
        "{s:s,s:I,s:o,s:f,s:s,s:s,s:s,s:s}", "clock", "CLOCK_MONOTONIC", "resolution_ns",
        (json_int_t)clock_timespec_ns(&declared), "step_ns",
        isfinite(step) ? json_real(step) : json_null(), "cost_ns", clock_cost_ns(), "start",
        "processes and threads are woken, and time runs from the call; ranks start at a common "
        "moment on the root's clock, and time runs from it (window_ns before it is not counted)",
        "end", "the caller has the results of the last worker", "synchronisation",
        "one clock within a machine; between machines clocks are compared along a tree of "
        "exchanges, and the bound of what is left is clock_error_ns",
        "noise",
        "page faults, context switches, CPU times and PUs are read at the workers' first and last "
        "moment, within the sample; everything else outside of it");
}

/* --- what it was made with ---------------------------------------------------------------------
 */

/* The first line that a program prints about its version, or null. */
static json_t *version_of(const char *program)
{
    char out[256];
    char *argv[] = {(char *)program, "--version", NULL};
    if (child_capture(argv, 5000, out, sizeof out) != 0)
        return json_null();
    out[strcspn(out, "\n")] = '\0';
    return json_string(out);
}

static json_t *libraries_json(void)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "libc", gnu_get_libc_version(), "hwloc",
                     topo_library_version(), "gsl", stats_library_version(), "jansson",
                     jansson_version_str());
}

/* What the cells that have started say they run on, by backend. */
static json_t *runtimes_json(const char *folder)
{
    char path[4300];
    struct csv csv;
    json_t *all = json_object();
    snprintf(path, sizeof path, "%s/placements.csv", folder);
    if (csv_open(&csv, path, NULL) != 0)
        return all;
    size_t backend = csv_column(&csv, "backend"), runtime = csv_column(&csv, "runtime");
    while (csv_next(&csv)) {
        const char *name = csv_cell(&csv, backend), *text = csv_cell(&csv, runtime);
        if (*name && *text && !json_object_get(all, name))
            json_object_set_new(all, name, json_string(text));
    }
    csv_close(&csv);
    return all;
}

/* Variables that change how workers run. */
static json_t *environment_json(const struct manifest *m)
{
    static const char *const prefixes[] = {"OMP_",       "GOMP_",   "KMP_",
                                           "OMPI_",      "HWLOC_",  "SLURM_NTASKS",
                                           "SLURM_CPUS", "MALLOC_", "LD_PRELOAD="};
    extern char **environ;
    json_t *all = json_object();
    for (char **v = environ; *v; v++)
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
            const char *equals = strchr(*v, '=');
            if (!equals || strncmp(*v, prefixes[i], strlen(prefixes[i])) != 0)
                continue;
            char name[128];
            snprintf(name, sizeof name, "%.*s", (int)(equals - *v), *v);
            json_object_set_new(all, name, plain(m, equals + 1));
        }
    return all;
}

/* --- what was asked for ------------------------------------------------------------------------
 */

static json_t *command_json(const struct manifest *m)
{
    json_t *list = json_array();
    for (int i = 0; i < m->argc; i++)
        json_array_append_new(list, plain(m, m->argv[i]));
    return list;
}

/* The facts of --info, as they were given. */
static json_t *info_json(const struct manifest *m)
{
    json_t *all = json_object();
    size_t n;
    char **words = text_words(m->options->info, "|", &n);
    for (size_t i = 0; i < n; i++) {
        char *equals = strchr(words[i], '=');
        if (!equals)
            continue;
        *equals = '\0';
        json_object_set_new(all, words[i], json_string(equals + 1));
    }
    text_words_free(words);
    return all;
}

static json_t *plan_json(const struct plan *plan)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "points", (json_int_t)plan->n, "cells",
                     (json_int_t)plan->n_cells, "groups", (json_int_t)plan->n_groups, "samples",
                     (json_int_t)plan_samples(plan));
}

static void add_left_out(json_t *all, const struct experiment *e, const char *what, const char *why)
{
    json_array_append_new(
        all, json_pack("{s:s,s:s,s:s}", "experiment", e->name, "what", what, "why", why));
}

/* Dispatches that were asked for in a list and that a backend and schedule cannot have. */
static void leave_out_dispatches(json_t *all, const struct experiment *e,
                                 const struct backend_kind *kind, const struct sched_rule *rule)
{
    for (size_t d = 0; d < e->n_dispatches && !kind->command; d++) {
        struct err why;
        char what[256];
        if (dispatch_choose(backend_cell_name(kind), e->dispatches[d], rule, &why))
            continue;
        snprintf(what, sizeof what, "%s, %s, %s", kind->name, rule->name, e->dispatches[d]);
        add_left_out(all, e, what, why.text);
    }
}

/* Rank counts that were asked for in a list and do not divide the workers. */
static void leave_out_ranks(json_t *all, const struct experiment *e,
                            const struct backend_kind *kind)
{
    bool splits = kind->uses_ranks && kind->uses_threads && e->ranks_choice == RANKS_LIST;
    for (size_t w = 0; splits && w < e->workers.n; w++)
        for (size_t r = 0; r < e->ranks.n; r++) {
            char what[256];
            unsigned long long ranks = e->ranks.items[r], workers = e->workers.items[w];
            if (workers % ranks == 0)
                continue;
            snprintf(what, sizeof what, "%s, %llu ranks, %llu workers", kind->name, ranks, workers);
            add_left_out(all, e, what, "the ranks do not divide the workers");
        }
}

/* Combinations of what was asked for that make no point, with the reason; and the experiments of
 * the files that --only has left out. */
static json_t *left_out_json(const struct manifest *m)
{
    json_t *all = json_array();
    const struct configuration *c = m->configuration;
    for (size_t i = 0; i < m->experiments->n; i++) {
        const struct experiment *e = &m->experiments->items[i];
        for (size_t b = 0; b < e->n_backends; b++) {
            for (size_t s = 0; s < e->n_schedules; s++)
                leave_out_dispatches(all, e, e->backends[b], e->schedules[s].rule);
            leave_out_ranks(all, e, e->backends[b]);
        }
    }
    for (size_t i = 0; i < c->n; i++) {
        bool is_run = false;
        for (size_t k = 0; k < m->experiments->n; k++)
            is_run = is_run || m->experiments->items[k].section == &c->sections[i];
        if (!is_run)
            json_array_append_new(all, json_pack("{s:s,s:s,s:o}", "experiment", c->sections[i].name,
                                                 "what", "all of it", "why",
                                                 json_sprintf("--only %s", m->options->only)));
    }
    return all;
}

static json_t *missing_json(const struct manifest *m)
{
    json_t *all = json_object();
    for (size_t i = 0; i < m->plan->n_missing; i++)
        json_object_set_new(all, m->plan->missing[i].name, plain(m, m->plan->missing[i].reason));
    return all;
}

/* Counts of a run that was resumed are those of all its executions. */
static json_t *result_json(const struct run_result *r, const json_t *before)
{
    static const char *const counts[] = {"samples", "failed", "disturbed", "retaken"};
    if (!r)
        return json_null();
    json_t *result =
        json_pack("{s:I,s:I,s:I,s:I,s:b,s:b,s:b,s:I}", "samples", (json_int_t)r->n_samples,
                  "failed", (json_int_t)r->n_failed, "disturbed", (json_int_t)r->n_disturbed,
                  "retaken", (json_int_t)r->n_retaken, "retakes_held", (int)r->retakes_held,
                  "interrupted", (int)r->interrupted, "out_of_time", (int)r->out_of_time,
                  "points_skipped", (json_int_t)r->n_skipped);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_t *count = json_object_get(result, counts[i]);
        json_integer_set(count, json_integer_value(count) +
                                    json_integer_value(json_object_get(before, counts[i])));
    }
    return result;
}

/* --- a run that goes on ------------------------------------------------------------------------
 */

static json_t *load(const char *folder)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    return json_load_file(path, 0, NULL);
}

/* The executions before this one: when each was written, its command line and result. NULL: none.
 */
static json_t *before_json(const json_t *old)
{
    static const char *const kept[] = {"written", "command", "result"};
    if (!old)
        return NULL;
    json_t *all = json_deep_copy(json_object_get(old, "before")), *one = json_object();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        json_object_set(one, kept[i], json_object_get(old, kept[i]));
    if (!all)
        all = json_array();
    json_array_append_new(all, one);
    return all;
}

/* A value of a manifest as people read it. */
static char *shown(const json_t *value, char *text, size_t size)
{
    if (json_is_string(value))
        snprintf(text, size, "%s", json_string_value(value));
    else
        snprintf(text, size, "%.6g", json_number_value(value));
    return text;
}

static int check_member(const char *folder, const char *name, const json_t *then, const json_t *now,
                        struct err *err)
{
    char a[160], b[160];
    if (!then || json_is_null(then) ||
        strcmp(shown(then, a, sizeof a), shown(now, b, sizeof b)) == 0)
        return 0;
    return err_set(err,
                   "--resume: %s began with another %s: %s, now %s; samples of both do not belong "
                   "into one table, so begin anew (poolmark run %s/plan.ini)",
                   folder, name, a, b, folder);
}

int folder_check_resume(const char *folder, const struct topo_counts *machine,
                        const struct plan *plan, struct err *err)
{
    static const char *const members[][2] = {
        {"affinity", "number of CPUs that the process may run on"},
        {"quota_cpus", "quota of CPUs (0: none)"},
        {"usable", "number of usable CPUs"},
        {"pus", "number of CPUs"},
        {"cpu", "CPU"},
        {"kernel", "kernel"}};
    json_t *old = load(folder), *now = machine_json(machine), *git = json_string(BUILD_GIT);
    const json_t *then = json_object_get(old, "machine"), *planned = json_object_get(old, "plan");
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof members / sizeof *members; i++)
        status = check_member(folder, members[i][1], json_object_get(then, members[i][0]),
                              json_object_get(now, members[i][0]), err);
    if (status == 0)
        status = check_member(folder, "poolmark (git)", json_object_get(old, "git"), git, err);
    long long points = json_integer_value(json_object_get(planned, "points")),
              samples = json_integer_value(json_object_get(planned, "samples"));
    bool is_whole = plan->n_missing == 0 && json_object_size(json_object_get(old, "missing")) == 0;
    if (status == 0 && planned &&
        (points != (long long)plan->n || (is_whole && samples != (long long)plan_samples(plan))))
        status = err_set(err,
                         "--resume: %s/plan.ini has been edited: it makes %zu points and %llu "
                         "samples, and the run was begun with %lld and %lld",
                         folder, plan->n, (unsigned long long)plan_samples(plan), points, samples);
    json_decref(old);
    json_decref(now);
    json_decref(git);
    return status;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* Whether a line of the topology tells which machine it is, and not of what kind: the host's name,
 * serial numbers, the path of the cgroup, which may hold a user's name or a container's. */
static bool names_machine(const char *line)
{
    static const char *const marks[] = {"\"HostName\"", "Serial\"", "UUID\"", "\"LinuxCgroup\""};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(line, marks[i]))
            return true;
    return false;
}

static int write_topology(const char *folder, const struct topo *topo, struct err *err)
{
    char *xml = topo_xml(topo, err);
    if (!xml)
        return -1;
    FILE *to = folder_create(folder, "topology.xml", err);
    if (!to) {
        free(xml);
        return -1;
    }
    for (char *save = NULL, *line = strtok_r(xml, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        if (!names_machine(line))
            fprintf(to, "%s\n", line);
    free(xml);
    return folder_commit(to, folder, "topology.xml", err);
}

/* The name of this machine, for those who asked for it. */
static json_t *host_json(void)
{
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    return json_string(name);
}

static json_t *manifest_json(const char *folder, const struct manifest *m)
{
    char date[40];
    time_t now = time(NULL);
    struct tm tm;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    json_t *all = json_object(), *old = m->resumed ? load(folder) : NULL;
    json_t *before = before_json(old);
    const struct {
        const char *name;
        json_t *value;
    } members[] = {
        {"schema", json_integer(FOLDER_SCHEMA)},
        {"written", json_string(date)},
        {"poolmark", json_string(POOLMARK_VERSION)},
        {"git", json_string(BUILD_GIT)},
        {"compiler", json_string(BUILD_CC)},
        {"cflags", plain(m, BUILD_CFLAGS)},
        {"optimised", json_boolean(BUILD_OPTIMISED)},
        {"libraries", libraries_json()},
        {"command", command_json(m)},
        {"seed", json_integer((json_int_t)m->options->seed)},
        {"info", info_json(m)},
        {"resumed", json_boolean(m->resumed)},
        {"before", before},
        {"host", m->options->record_host ? host_json() : NULL},
        {"machine", machine_json(m->machine)},
        {"unused_cpus", unused_json(m)},
        {"conditions", conditions_json(m)},
        {"timing", timing_json()},
        {"mpirun", version_of("mpirun")},
        {"gnuplot", version_of("gnuplot")},
        {"runtimes", runtimes_json(folder)},
        {"environment", environment_json(m)},
        {"plan", plan_json(m->plan)},
        {"left_out", left_out_json(m)},
        {"missing", missing_json(m)},
        {"result", result_json(m->result, json_object_get(old, "result"))},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].value)
            json_object_set_new(all, members[i].name, members[i].value);
    json_decref(old);
    return all;
}

int folder_write_manifest(const char *folder, const struct manifest *m, struct err *err)
{
    FILE *to = folder_create(folder, "manifest.json", err);
    if (!to)
        return -1;
    json_t *all = manifest_json(folder, m);
    json_dumpf(all, to, JSON_INDENT(1));
    fputc('\n', to);
    json_decref(all);
    if (folder_commit(to, folder, "manifest.json", err) != 0)
        return -1;
    return m->result ? 0 : write_topology(folder, m->topo, err);
}
