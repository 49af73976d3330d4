/* poolmark where: starts each launch of a plan, asks its workers where they are, and ends it; with
 * --dry-run, or on the topology of another machine, tells the plan alone. */
#include "cli/command.h"
#include "cli/launch.h"

#include "base/alloc.h"
#include "base/units.h"
#include "report/format.h"
#include "run/cells.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One worker of a launch: what is printed, in whatever format.
 *
 *     F(type, name, "unit", "meaning") as in record/fields.h */
#define WHERE_FIELDS(F)                                                                            \
    F(text, backend, "", "who runs the tasks")                                                     \
    F(count, workers, "", "workers that compute")                                                  \
    F(count, ranks, "", "MPI ranks, 1 without MPI")                                                \
    F(count, threads, "", "threads of a rank or process")                                          \
    F(text, bind, "", "binding asked for")                                                         \
    F(text, host, "", "machine of the worker")                                                     \
    F(count, rank, "", "its MPI rank")                                                             \
    F(count, thread, "", "its thread within the rank or process")                                  \
    F(count, worker, "", "which worker, from 0")                                                   \
    F(count, pid, "", "its process; 0 in a plan")                                                  \
    F(text, requested_pu, "", "PU asked for; empty: it may float")                                 \
    F(text, observed_pu, "", "PU where it ran when it looked; empty in a plan")                    \
    F(text, observed_set, "", "PUs that it may run on; empty in a plan")                           \
    F(flag, misplaced, "", "1 when it ran, or may run, elsewhere than asked for")

struct where_row {
    WHERE_FIELDS(RECORD_MEMBER)
};

static const struct field where_fields[] = {
#define WHERE_FIELD(type, name, unit, meaning)                                                     \
    {#name, FIELD_##type, offsetof(struct where_row, name), unit, meaning},
    WHERE_FIELDS(WHERE_FIELD)
#undef WHERE_FIELD
        {0}};

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal_number)
{
    (void)signal_number;
    stop_asked = 1;
}

static bool tick(void *user)
{
    (void)user;
    return stop_asked != 0;
}

struct job {
    struct configuration configuration;
    struct run_options options;
    struct topo *topo;
    struct topo_counts machine;
    struct experiments experiments;
    struct plan plan;
    bool plans;                    /* nothing is started */
    json_t *rows;                  /* FORMAT_JSON: all of them, printed at the end */
    bool lost, missing, misplaced; /* what the exit status tells; misplaced only where strict */
    size_t n_misplaced;
};

static void print_help(void)
{
    char text[] =
        "Starts each distinct launch (backend, ranks, threads, binding) of the experiments, or of "
        "one described by the options of `poolmark run`, and prints a line for each rank and "
        "thread: where it was asked to run and where it did. Without files and --backends: all "
        "backends that are there, with as many workers as there are usable CPUs. Nothing is "
        "measured or written. With --dry-run, or with HWLOC_SYNTHETIC or HWLOC_XMLFILE set, "
        "nothing is started, and the plan is printed.";
    printf("usage: poolmark where [FILE.ini ...] [options]\n\n");
    format_folded(stdout, text, 0, command_columns());
    printf("\n  --workers LIST  --backends LIST  --ranks LIST  --bind POLICY  --oversubscribe\n"
           "  --bind-strict   exit status 1 when a worker runs elsewhere than asked for\n"
           "  --dry-run       the plan alone\n"
           "  --format F      text, csv or json\n"
           "  and all other options of poolmark run\n");
}

/* --- preparing -------------------------------------------------------------------------------- */

/* All backends that are there; ranks as they come, since nothing is timed. */
static void ask_for_all(struct configuration *c)
{
    struct text all = TEXT_INIT;
    for (const struct backend_kind *k = backend_kinds; k->name; k++) {
        char reason[512];
        bool alias = strcmp(backend_cell_name(k), k->name) != 0;
        if (!alias && !k->is_base && backend_is_available(k, reason, sizeof reason))
            text_addf(&all, "%s%s", all.length ? "," : "", k->name);
    }
    if (all.length)
        configuration_set_default(c, OPTION_BACKENDS, all.text, "where");
    configuration_set_default(c, OPTION_OVERSUBSCRIBE, "yes", "where");
    text_release(&all);
}

static int read_configuration(struct job *j, int argc, char **argv, struct err *err)
{
    static const enum option_id useless[] = {OPTION_OUT, OPTION_RESUME};
    struct configuration *c = &j->configuration;
    configuration_init(c);
    if (configuration_read(c, argc, argv, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++)
        if (c->command.settings[useless[i]].text)
            return err_set(err, "--%s: where measures and writes nothing",
                           option_table[useless[i]].name);
    if (c->n_files == 0 && !c->command.settings[OPTION_BACKENDS].text)
        ask_for_all(c);
    return run_options_read(&j->options, c, err);
}

static int prepare(struct job *j, int argc, char **argv, struct err *err)
{
    if (read_configuration(j, argc, argv, err) != 0)
        return -1;
    j->topo = topo_new(err);
    if (!j->topo)
        return -1;
    topo_count(j->topo, &j->machine);
    j->plans = j->options.dry_run || !topo_is_this_machine(j->topo);
    if (experiments_read(&j->experiments, &j->configuration, &j->machine, err) != 0 ||
        plan_make(&j->plan, &j->experiments, &j->options, &j->machine, err) != 0)
        return -1;
    return launch_check_binding(j->topo, &j->experiments, err);
}

static void release(struct job *j)
{
    json_decref(j->rows);
    plan_release(&j->plan);
    experiments_release(&j->experiments);
    topo_free(j->topo);
    configuration_release(&j->configuration);
}

/* Whether an experiment that uses the cell asks for strict binding. */
static bool is_strict(const struct job *j, size_t cell)
{
    for (size_t i = 0; i < j->plan.n; i++) {
        const struct plan_point *p = &j->plan.points[i];
        int strict = 0;
        if (p->cell == cell &&
            units_bool(configuration_get(&j->configuration, p->experiment->section,
                                         OPTION_BIND_STRICT, NULL),
                       &strict, NULL) == 0 &&
            strict)
            return true;
    }
    return false;
}

/* Whether the launch was shown already: that of --fresh starts the same workers. */
static bool is_shown(const struct plan *plan, size_t cell)
{
    const struct cell_spec *c = &plan->cells[cell];
    for (size_t i = 0; i < cell; i++) {
        const struct cell_spec *o = &plan->cells[i];
        const char *a = o->kind->command, *b = c->kind->command;
        if (strcmp(o->kind->name, c->kind->name) == 0 && (a && b ? strcmp(a, b) == 0 : a == b) &&
            o->workers == c->workers && o->ranks == c->ranks && o->threads == c->threads &&
            strcmp(o->bind, c->bind) == 0)
            return true;
    }
    return false;
}

/* --- one launch ------------------------------------------------------------------------------- */

/* The members that are the same for all workers of a launch. */
static struct where_row row_of(const struct cell_spec *spec)
{
    struct where_row row = {.workers = spec->workers, .ranks = spec->ranks};
    row.threads = spec->kind->uses_threads ? spec->threads : 1;
    text_copy(row.backend, sizeof row.backend, spec->kind->name);
    text_copy(row.bind, sizeof row.bind, spec->bind);
    return row;
}

/* The rows of a plan: where each worker of one host would be asked to run. */
static struct where_row *plan_rows(const struct job *j, const struct cell_spec *spec, size_t *n,
                                   struct err *err)
{
    struct topo_bind bind = {0};
    *n = spec->workers;
    int *pus = alloc_zeroed(*n, sizeof *pus);
    struct where_row *rows = alloc_zeroed(*n, sizeof *rows);
    int status = topo_bind_parse(spec->bind, &bind, err);
    if (status == 0)
        status = topo_plan(j->topo, &bind, *n, pus, err);
    topo_bind_release(&bind);
    for (size_t w = 0; status == 0 && w < *n; w++) {
        rows[w] = row_of(spec);
        rows[w].worker = w;
        rows[w].rank = w / (*n / spec->ranks);
        rows[w].thread = w % rows[w].threads;
        if (pus[w] >= 0)
            snprintf(rows[w].requested_pu, sizeof rows[w].requested_pu, "%d", pus[w]);
    }
    free(pus);
    if (status == 0)
        return rows;
    free(rows);
    return NULL;
}

/* A worker that was asked to a PU is misplaced when it was seen on another, or may go to others. */
static bool is_misplaced(const struct placement_row *p)
{
    if (!*p->requested_pu)
        return false;
    return (*p->observed_pu && strcmp(p->observed_pu, p->requested_pu) != 0) ||
           (*p->observed_set && strcmp(p->observed_set, p->requested_pu) != 0);
}

static struct where_row *observed_rows(const struct cell *cell, size_t *n)
{
    char here[64] = "";
    gethostname(here, sizeof here - 1);
    *n = cell->n_placements;
    struct where_row *rows = alloc_zeroed(*n + 1, sizeof *rows);
    for (size_t i = 0; i < *n; i++) {
        const struct placement_row *p = &cell->placements[i];
        struct where_row *row = &rows[i];
        *row = row_of(cell->spec);
        text_copy(row->host, sizeof row->host, *cell->hosts[i] ? cell->hosts[i] : here);
        row->rank = p->rank;
        row->thread = p->thread;
        row->worker = p->worker;
        row->pid = p->pid;
        text_copy(row->requested_pu, sizeof row->requested_pu, p->requested_pu);
        text_copy(row->observed_pu, sizeof row->observed_pu, p->observed_pu);
        text_copy(row->observed_set, sizeof row->observed_set, p->observed_set);
        row->misplaced = is_misplaced(p);
    }
    return rows;
}

/* Starts the launch, takes what its hello tells, and ends it. NULL when it failed. */
static struct where_row *ask_launch(struct job *j, const struct cell_spec *spec, size_t *n)
{
    struct cell_wait wait = {tick, NULL};
    struct cell cell;
    struct err err;
    bool missing = false;
    if (cell_start(&cell, spec, &err) != 0 || cell_greet(&cell, &wait, &missing, &err) != 0) {
        if (!stop_asked)
            fprintf(stderr, "poolmark: %s\n", err.text);
        j->missing = j->missing || missing;
        j->lost = j->lost || !missing;
        return NULL;
    }
    struct where_row *rows = observed_rows(&cell, n);
    if (*n == 0)
        fprintf(stderr, "poolmark: %s does not say where its workers are\n", spec->kind->name);
    cell_stop(&cell);
    return rows;
}

/* --- printing --------------------------------------------------------------------------------- */

enum { N_COLUMNS = 8 };

/* The cells of a line; the titles when there is no row. */
static void fill_line(const struct where_row *row, bool plans, char line[N_COLUMNS][64])
{
    static const char *const titles[N_COLUMNS] = {"host", "rank",  "thread", "worker",
                                                  "pid",  "asked", "ran on", "may run on"};
    if (!row) {
        for (int c = 0; c < N_COLUMNS; c++)
            text_copy(line[c], sizeof line[c], titles[c]);
        return;
    }
    const uint64_t numbers[] = {row->rank, row->thread, row->worker, row->pid};
    text_copy(line[0], 64, plans ? "" : row->host);
    for (int i = 0; i < 4; i++)
        snprintf(line[1 + i], 64, "%llu", (unsigned long long)numbers[i]);
    if (plans)
        line[4][0] = '\0';
    text_copy(line[5], 64, *row->requested_pu ? row->requested_pu : "any");
    text_copy(line[6], 64, row->observed_pu);
    text_copy(line[7], 64, row->observed_set);
}

/* Floating workers that were seen on a PU where another one was seen before. */
static size_t count_stacked(const struct where_row *rows, size_t n)
{
    size_t stacked = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i && !*rows[i].requested_pu && *rows[i].observed_pu; k++)
            if (strcmp(rows[i].observed_pu, rows[k].observed_pu) == 0 &&
                strcmp(rows[i].host, rows[k].host) == 0) {
                stacked++;
                break;
            }
    return stacked;
}

/* Says where workers shared a PU although there was one for each. */
static void print_stacked(const struct where_row *rows, size_t n, int usable)
{
    size_t stacked = n <= (size_t)usable ? count_stacked(rows, n) : 0;
    if (!stacked)
        return;
    struct text t = TEXT_INIT;
    text_addf(
        &t,
        "%zu of them shared a PU with another one at that moment, with PUs free; --bind close "
        "keeps them apart",
        stacked);
    printf("  ");
    format_folded(stdout, t.text, 2, command_columns());
    text_release(&t);
}

static bool is_one_host(const struct where_row *rows, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (strcmp(rows[i].host, rows[0].host) != 0)
            return false;
    return n > 0;
}

static void print_launch(const struct cell_spec *spec, const struct where_row *rows, size_t n,
                         bool plans)
{
    bool no_host = plans || is_one_host(rows, n);
    char line[N_COLUMNS][64];
    int widths[N_COLUMNS] = {0};
    printf("\n%s, %u worker%s", spec->kind->name, spec->workers, spec->workers == 1 ? "" : "s");
    uint32_t threads = spec->kind->uses_threads ? spec->threads : 1;
    if (spec->kind->uses_ranks)
        printf(" (%u rank%s of %u thread%s)", spec->ranks, spec->ranks == 1 ? "" : "s", threads,
               threads == 1 ? "" : "s");
    printf(", bind %s", spec->bind);
    if (no_host && !plans && *rows[0].host)
        printf(", on %s", rows[0].host);
    printf("%s\n", spec->kind->is_base ? ": the base of speedups" : "");
    for (size_t i = 0; i <= n; i++) {
        fill_line(i ? &rows[i - 1] : NULL, plans, line);
        for (int c = 0; c < N_COLUMNS; c++)
            if (format_width(line[c]) > widths[c])
                widths[c] = format_width(line[c]);
    }
    for (size_t i = 0; i <= n; i++) {
        bool is_last = false;
        fill_line(i ? &rows[i - 1] : NULL, plans, line);
        for (int c = 0; c < N_COLUMNS && !is_last; c++) {
            /* A plan has no host, no pid and nothing observed. */
            if ((no_host && c == 0) || (plans && (c == 4 || c > 5)))
                continue;
            is_last = c == (plans ? 5 : N_COLUMNS - 1);
            bool left = c == 0 || is_last;
            bool marked = is_last && i && rows[i - 1].misplaced;
            printf("  ");
            if (is_last && !marked)
                printf("%s", line[c]);
            else
                format_cell(stdout, line[c], left ? -widths[c] : widths[c]);
            if (marked)
                printf("  MISPLACED");
        }
        printf("\n");
    }
}

static void print_rows(struct job *j, const struct cell_spec *spec, const struct where_row *rows,
                       size_t n)
{
    if (j->options.format == FORMAT_TEXT) {
        print_launch(spec, rows, n, j->plans);
        print_stacked(rows, n, j->machine.usable);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (j->options.format == FORMAT_JSON) {
            json_array_append_new(j->rows, record_json(where_fields, &rows[i]));
            continue;
        }
        struct text line = TEXT_INIT;
        record_csv(&line, where_fields, &rows[i]);
        printf("%s\n", line.text);
        text_release(&line);
    }
}

static void print_head(struct job *j)
{
    char text[256];
    if (j->options.format == FORMAT_JSON) {
        j->rows = json_array();
    } else if (j->options.format == FORMAT_CSV) {
        struct text line = TEXT_INIT;
        record_csv_header(&line, where_fields);
        printf("%s\n", line.text);
        text_release(&line);
    } else {
        printf("%s\n", topo_explain(&j->machine, text, sizeof text));
        if (!topo_is_this_machine(j->topo))
            printf("another machine, by HWLOC_SYNTHETIC or HWLOC_XMLFILE: planned, nothing was "
                   "started\n");
        else if (j->plans)
            printf("planned, as on one host; nothing was started\n");
    }
}

static void print_end(const struct job *j)
{
    if (j->options.format == FORMAT_JSON) {
        json_dumpf(j->rows, stdout, JSON_INDENT(1));
        printf("\n");
    } else if (j->options.format == FORMAT_TEXT && j->n_misplaced) {
        printf("\n%zu worker%s misplaced%s\n", j->n_misplaced,
               j->n_misplaced == 1 ? " is" : "s are",
               j->misplaced ? "" : "; --bind-strict makes that a failure");
    }
}

/* --- the command ------------------------------------------------------------------------------ */

/* Nothing is started for a plan, so what this machine lacks does not matter there. */
static int show_launch(struct job *j, size_t cell, struct err *err)
{
    const struct cell_spec *spec = &j->plan.cells[cell];
    if (is_shown(&j->plan, cell) || (spec->unavailable && !j->plans))
        return 0;
    size_t n = 0;
    struct where_row *rows = j->plans ? plan_rows(j, spec, &n, err) : ask_launch(j, spec, &n);
    if (!rows)
        return j->plans ? -1 : 0;
    for (size_t i = 0; i < n; i++) {
        j->n_misplaced += rows[i].misplaced;
        j->misplaced = j->misplaced || (rows[i].misplaced && is_strict(j, cell));
    }
    print_rows(j, spec, rows, n);
    fflush(stdout);
    free(rows);
    return 0;
}

static int show_launches(struct job *j, struct err *err)
{
    struct sigaction action = {.sa_handler = ask_to_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    if (!j->plans) {
        launch_say_missing(&j->plan, 0);
        launch_allow_root(&j->plan);
    }
    print_head(j);
    for (size_t i = 0; i < j->plan.n_cells && !stop_asked; i++)
        if (show_launch(j, i, err) != 0)
            return command_fail(STATUS_USAGE, err);
    print_end(j);
    if (stop_asked)
        return STATUS_INTERRUPTED;
    if (j->lost)
        return STATUS_LOST;
    if (j->misplaced)
        return STATUS_FAILED;
    return j->missing || (j->plan.n_missing && !j->plans) ? STATUS_MISSING : STATUS_OK;
}

int command_where(int argc, char **argv)
{
    struct job j = {0};
    struct err err;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return print_help(), STATUS_OK;
    int status = prepare(&j, argc, argv, &err) != 0 ? command_fail(STATUS_USAGE, &err)
                                                    : show_launches(&j, &err);
    release(&j);
    return status;
}
