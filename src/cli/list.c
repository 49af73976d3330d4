/* poolmark list: workloads, backends, schedules, dispatches, experiments, options, fields, each
 * from the one table that declares it; and the saved baselines. */
#include "cli/command.h"

#include "base/text.h"
#include "cli/baselines.h"
#include "record/record.h"
#include "report/articles.h"
#include "report/compare.h"
#include "report/format.h"
#include "report/summary.h"
#include "run/experiment.h"
#include "sched/dispatch.h"
#include "work/work.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

static int list_workloads(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (const struct workload *const *w = work_table; *w; w++) {
        printf("%-10s %s\n", (*w)->name, (*w)->summary);
        for (const struct workload_param *p = (*w)->params; p && p->name; p++) {
            printf("             %s=%s  %s", p->name, p->fallback, p->meaning);
            printf(p->choices ? ": %s\n" : "\n", p->choices);
        }
    }
    printf("./FILE.so  a workload of your own: see docs/example_workload.c\n");
    return STATUS_OK;
}

static int list_backends(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (const struct backend_kind *k = backend_kinds; k->name; k++) {
        char reason[512];
        bool here = backend_is_available(k, reason, sizeof reason);
        printf("%-11s %s\n", k->name, k->summary);
        if (!here)
            printf("            not available: %s\n", reason);
    }
    printf("NAME        a program of your own, by --cell NAME=COMMAND: see docs/protocol.md\n");
    return STATUS_OK;
}

/* The classes of rules, as bits, in words. */
static void add_classes(struct text *t, unsigned classes)
{
    static const struct {
        enum sched_class class;
        const char *name;
    } names[] = {{SCHED_FIXED, "fixed"},       {SCHED_CONSTANT, "constant"},
                 {SCHED_SEQUENCE, "sequence"}, {SCHED_ADAPTIVE, "adaptive"},
                 {SCHED_RANGES, "ranges"},     {SCHED_RUNTIMES, "runtime's"}};
    enum { ALL = sizeof names / sizeof *names };
    const char *between = "";
    for (int i = 0; i < ALL; i++)
        if (classes & (unsigned)names[i].class) {
            text_addf(t, "%s%s", between, names[i].name);
            between = ", ";
        }
}

static void print_param(void *user, const char *name, const char *words)
{
    printf("%12s%-8s ", "", name);
    format_folded(stdout, words, 21, *(int *)user);
}

static int list_schedules(int argc, char **argv)
{
    (void)argc, (void)argv;
    int columns = command_columns();
    for (const struct sched_rule *r = sched_table; r->name; r++) {
        struct text t = TEXT_INIT;
        printf("%-12s", r->name);
        format_folded(stdout, r->summary, 12, columns);
        text_addf(&t, "chunks: ");
        add_classes(&t, (unsigned)r->class);
        text_addf(&t, "; --chunks: %s", r->takes_chunk ? "counts" : "ignored");
        printf("%12s", "");
        format_folded(stdout, t.text, 12, columns);
        text_release(&t);
        sched_param_list(r, print_param, &columns);
    }
    printf("\n");
    format_folded(
        stdout,
        "fixed: known beforehand for each worker; constant, sequence: one size, or one for "
        "the i-th chunk; adaptive: by what was measured so far; ranges: each worker's own, "
        "which others steal from; runtime's: the OpenMP runtime decides. Parameters stand "
        "behind the name: 'fsc h=200ns mean=1us sd=1us'.",
        0, columns);
    return STATUS_OK;
}

static int list_dispatches(int argc, char **argv)
{
    (void)argc, (void)argv;
    int columns = command_columns();
    for (const struct dispatch_way *way = dispatch_table; way->name; way++) {
        struct text t = TEXT_INIT;
        text_addf(&t, "schedules: ");
        if (strcmp(way->name, "native") == 0)
            text_addf(&t, "those of OpenMP");
        else if (way->carries == ~0u)
            text_addf(&t, "all");
        else
            add_classes(&t, way->carries);
        text_addf(&t, "; backends:");
        const char *between = " ";
        for (const struct backend_kind *k = backend_kinds; k->name; k++)
            for (const char *const *d = dispatch_names(backend_cell_name(k)); d && *d; d++)
                if (strcmp(*d, way->name) == 0) {
                    text_addf(&t, "%s%s", between, k->name);
                    between = ", ";
                }
        printf("%-12s", way->name);
        format_folded(stdout, way->summary, 12, columns);
        printf("%12s", "");
        format_folded(stdout, t.text, 12, columns);
        text_release(&t);
    }
    return STATUS_OK;
}

static int list_file(const char *path, struct err *err)
{
    struct configuration c;
    configuration_init(&c);
    int status = configuration_read_file(&c, path, err);
    for (size_t i = 0; status == 0 && i < c.n; i++) {
        const char *title = configuration_get(&c, &c.sections[i], OPTION_TITLE, NULL);
        printf("%-24s %-12s %s\n", i == 0 ? path : "", c.sections[i].name, title);
    }
    configuration_release(&c);
    return status;
}

static int list_experiments(int argc, char **argv)
{
    struct err err;
    for (int i = 0; i < argc; i++)
        if (list_file(argv[i], &err) != 0)
            return command_fail(STATUS_USAGE, &err);
    if (argc > 0)
        return STATUS_OK;
    glob_t found;
    int status = STATUS_OK;
    if (glob("configs/*.ini", 0, NULL, &found) != 0) {
        err_set(&err,
                "no configs/*.ini here; name the files: poolmark list experiments FILE.ini ...");
        return command_fail(STATUS_USAGE, &err);
    }
    for (size_t i = 0; i < found.gl_pathc && status == STATUS_OK; i++)
        if (list_file(found.gl_pathv[i], &err) != 0)
            status = command_fail(STATUS_USAGE, &err);
    globfree(&found);
    return status;
}

static int list_options(int argc, char **argv)
{
    (void)argc, (void)argv;
    static const char *const where[] = {
        [EXPERIMENT] = "section", [RUN] = "[defaults]", [COMMAND] = "command line"};
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &option_table[i];
        printf("%s %s (%s; default '%s')\n    ", o->name, o->argument ? o->argument : "yes|no",
               where[o->scope], o->fallback);
        format_folded(stdout, o->help, 4, command_columns());
    }
    return STATUS_OK;
}

static void print_fields(const char *file, const struct field *fields)
{
    static const char *const types[] = {[FIELD_text] = "text",
                                        [FIELD_count] = "count",
                                        [FIELD_bits] = "bits",
                                        [FIELD_real] = "real",
                                        [FIELD_flag] = "flag"};
    for (const struct field *f = fields; f->name; f++)
        printf("%-15s %-16s %-5s %-5s %s\n", file, f->name, types[f->type], f->unit, f->meaning);
}

static int list_fields(int argc, char **argv)
{
    (void)argc, (void)argv;
    print_fields("point", point_fields);
    print_fields("samples.csv", sample_fields);
    print_fields("summary.csv", summary_fields);
    print_fields("articles.csv", article_fields);
    print_fields("compare", compare_fields);
    print_fields("placements.csv", placement_fields);
    print_fields("workers.csv", worker_fields);
    print_fields("trace.csv", trace_fields);
    return STATUS_OK;
}

static int list_baselines(int argc, char **argv)
{
    const char *folder = argc > 0 ? argv[0] : BASELINES_FOLDER;
    if (baselines_print(folder, stdout) == 0)
        printf("no baseline in %s; `poolmark compare --save NAME RUN` keeps a run as one\n",
               folder);
    return STATUS_OK;
}

static const struct {
    const char *name;
    int (*list)(int argc, char **argv);
} lists[] = {
    {"workloads", list_workloads},     {"backends", list_backends},
    {"schedules", list_schedules},     {"dispatches", list_dispatches},
    {"experiments", list_experiments}, {"options", list_options},
    {"fields", list_fields},           {"baselines", list_baselines},
};

enum { N_LISTS = sizeof lists / sizeof *lists };

int command_list(int argc, char **argv)
{
    if (argc == 0 || strcmp(argv[0], "--help") == 0) {
        printf("usage: poolmark list WHAT\n\nWHAT:");
        for (int i = 0; i < N_LISTS; i++)
            printf(" %s", lists[i].name);
        printf("\n");
        return STATUS_OK;
    }
    const char *names[N_LISTS];
    for (int i = 0; i < N_LISTS; i++) {
        if (strcmp(argv[0], lists[i].name) == 0)
            return lists[i].list(argc - 1, argv + 1);
        names[i] = lists[i].name;
    }
    struct err err;
    text_refuse(&err, "list: unknown", argv[0], names, N_LISTS);
    return command_fail(STATUS_USAGE, &err);
}
