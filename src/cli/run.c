/* poolmark run: read and check everything, then measure, then report. */
#include "cli/command.h"
#include "cli/launch.h"
#include "cli/outcome.h"

#include "base/units.h"
#include "build_info.h"
#include "report/format.h"
#include "run/cells.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal_number)
{
    (void)signal_number;
    stop_asked = 1;
}

static bool is_stop_asked(void)
{
    return stop_asked != 0;
}

/* All that a run needs, in the order in which it comes to be. */
struct job {
    int argc;
    char **argv;
    struct configuration configuration;
    struct run_options options;
    struct topo *topo;
    struct topo_counts machine;
    struct experiments experiments;
    struct plan plan;
    struct hosts hosts;
    char folder[4096];
    int lock; /* of the folder, or -1 */
    bool resumes;
};

static void print_help(void)
{
    static const char *const titles[] = {
        [EXPERIMENT] = "What is measured (also keys of a section):",
        [RUN] = "The run as a whole (also keys of [defaults]):",
        [COMMAND] = "On the command line only:",
    };
    int columns = command_columns();
    printf("usage: poolmark run [FILE.ini ...] [options]\n\n"
           "Measures the experiments of the files, or one described by the options alone,\n"
           "and reports. Options given here count for every experiment.\n");
    for (int scope = EXPERIMENT; scope <= COMMAND; scope++) {
        printf("\n%s\n", titles[scope]);
        for (int i = 0; i < OPTION_COUNT; i++) {
            const struct option *o = &option_table[i];
            char left[64], help[600];
            if ((int)o->scope != scope)
                continue;
            snprintf(left, sizeof left, "--%s %s", o->name, o->argument ? o->argument : "");
            snprintf(help, sizeof help, "%s%s%s%s", o->help,
                     *o->fallback && o->argument ? " [" : "", o->argument ? o->fallback : "",
                     *o->fallback && o->argument ? "]" : "");
            printf("  %-20s ", left);
            format_folded(stdout, help, 23, columns);
        }
    }
    printf("\nLists are 1,2,4; ranges 1..8; geometric ranges 1..1024*4. `poolmark list` shows\n"
           "workloads, backends, schedules, options and fields.\n");
}

/* --- preparing ----------------------------------------------------------------------------------
 */

static int read_configuration(struct job *j, struct err *err)
{
    configuration_init(&j->configuration);
    if (configuration_read(&j->configuration, j->argc, j->argv, err) != 0)
        return -1;
    const char *resume = configuration_get(&j->configuration, NULL, OPTION_RESUME, NULL);
    j->resumes = *resume != '\0';
    if (!j->resumes) {
        bool asks = j->configuration.n_files > 0;
        for (int i = 0; i < OPTION_COUNT && !asks; i++)
            asks = option_table[i].scope == EXPERIMENT && j->configuration.command.settings[i].text;
        return asks ? 0
                    : err_set(err,
                              "nothing to run: name a file, as configs/quick.ini, or describe an "
                              "experiment by options (poolmark run --help)");
    }
    if (j->configuration.n_files > 0)
        return err_set(err,
                       "--resume takes the configuration from the run itself: %s is one too many",
                       j->configuration.files[0]);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (option_table[i].scope != COMMAND && i != OPTION_MAX_SECONDS &&
            j->configuration.command.settings[i].text)
            return err_set(err,
                           "--%s: a run is finished as it was begun; --resume takes no other %s",
                           option_table[i].name, option_table[i].name);
    char path[4300];
    if (folder_check(resume, err) != 0)
        return -1;
    /* The time that was up then says nothing about now. */
    configuration_set_default(&j->configuration, OPTION_MAX_SECONDS, "0", "--resume");
    snprintf(path, sizeof path, "%s/plan.ini", resume);
    return configuration_read_file(&j->configuration, path, err);
}

static int prepare(struct job *j, struct err *err)
{
    if (read_configuration(j, err) != 0)
        return -1;
    if (run_options_read(&j->options, &j->configuration, err) != 0)
        return -1;
    hosts_init(&j->hosts, j->options.record_host);
    j->topo = topo_new(err);
    if (!j->topo)
        return -1;
    topo_count(j->topo, &j->machine);
    if (!topo_is_this_machine(j->topo) && !j->options.dry_run)
        return err_set(
            err, "HWLOC_SYNTHETIC or HWLOC_XMLFILE describes another machine; nothing is timed "
                 "on it (--dry-run plans)");
    if (experiments_read(&j->experiments, &j->configuration, &j->machine, err) != 0)
        return -1;
    if (plan_make(&j->plan, &j->experiments, &j->options, &j->machine, err) != 0)
        return -1;
    if (j->resumes && folder_check_resume(j->options.resume, &j->machine, &j->plan, err) != 0)
        return -1;
    return launch_check_binding(j->topo, &j->experiments, err);
}

static void release(struct job *j)
{
    plan_release(&j->plan);
    experiments_release(&j->experiments);
    hosts_release(&j->hosts);
    topo_free(j->topo);
    configuration_release(&j->configuration);
}

static bool asks_for_precision(const struct job *j)
{
    for (size_t i = 0; i < j->experiments.n; i++)
        if (j->experiments.items[i].precision > 0)
            return true;
    return false;
}

/* What is to be said behind the estimate, which knows the tasks' declared times alone. */
static const char *unless(const struct job *j)
{
    return asks_for_precision(j) ? " if precision stops nothing sooner" : "";
}

/* Prints a word as a shell reads it. */
static void print_quoted(const char *word)
{
    bool plain =
        *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_-./=:,+@%") == strlen(word);
    printf(plain ? " %s" : " '", word);
    for (const char *p = word; !plain && *p; p++)
        printf(*p == '\'' ? "'\\''" : "%c", *p);
    if (!plain)
        putchar('\'');
}

static int dry_run(const struct job *j)
{
    char text[256], span[32];
    printf("%s\n", topo_explain(&j->machine, text, sizeof text));
    printf("experiments %zu, points %zu, cells %zu, groups %zu, samples %llu, about %s%s\n",
           j->experiments.n, j->plan.n, j->plan.n_cells, j->plan.n_groups,
           (unsigned long long)plan_samples(&j->plan),
           units_format_span(plan_estimate_ns(&j->plan), span, sizeof span), unless(j));
    for (size_t g = 0; g < j->plan.n_groups; g++) {
        printf("\ngroup %zu, points %zu:\n", g, j->plan.groups[g].n_points);
        for (size_t i = 0; i < j->plan.groups[g].n_cells; i++) {
            char **argv = cell_command(&j->plan.cells[j->plan.groups[g].cells[i]]);
            printf(" ");
            for (char **a = argv; *a; a++)
                print_quoted(*a);
            printf("\n");
            cell_command_free(argv);
        }
    }
    return STATUS_OK;
}

/* --- measuring ----------------------------------------------------------------------------------
 */

/* "configs/articles.ini" → "articles"; the command line alone → "command-line". */
static void run_name(const struct configuration *c, char *name, size_t size)
{
    if (c->n_files == 0) {
        snprintf(name, size, "command-line");
        return;
    }
    const char *slash = strrchr(c->files[0], '/');
    snprintf(name, size, "%s", slash ? slash + 1 : c->files[0]);
    name[strcspn(name, ".")] = '\0';
    if (!*name)
        snprintf(name, size, "run");
}

static int open_folder(struct job *j, const struct manifest *manifest, struct err *err)
{
    char name[64];
    if (j->resumes) {
        snprintf(j->folder, sizeof j->folder, "%s", j->options.resume);
        return access(j->folder, W_OK) == 0
                   ? 0
                   : err_set(err, "--resume: %s cannot be written", j->folder);
    }
    run_name(&j->configuration, name, sizeof name);
    if (folder_make(j->options.out, name, j->folder, sizeof j->folder, err) != 0)
        return -1;
    if (folder_write_plan(j->folder, &j->experiments, &j->configuration, err) == 0 &&
        folder_write_manifest(j->folder, manifest, err) == 0)
        return 0;
    folder_unmake(j->folder);
    return -1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = ask_to_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int measure(struct job *j, struct manifest *manifest, struct run_result *result,
                   struct err *err)
{
    struct progress progress;
    uint64_t n = plan_samples(&j->plan);
    progress_start(&progress, j->options.quiet ? NULL : stderr, n, plan_estimate_ns(&j->plan));
    struct run run = {.plan = &j->plan,
                      .options = &j->options,
                      .folder = j->folder,
                      .interrupted = is_stop_asked,
                      .progress = &progress,
                      .hosts = &j->hosts};
    catch_signals();
    int status = run_execute(&run, &j->plan, result, err);
    progress_end(&progress);
    struct err second;
    manifest->result = result;
    if (folder_write_manifest(j->folder, manifest, status == 0 ? err : &second) != 0)
        return -1;
    return status;
}

static void say_stopped(const struct job *j, const struct run_result *result)
{
    if (!result->interrupted && !result->out_of_time)
        return;
    fprintf(stderr,
            "poolmark: %s: %zu of %zu points lack samples%s%s%s; %s run --resume %s goes on\n",
            result->interrupted ? "interrupted" : "out of time", result->n_skipped, j->plan.n,
            asks_for_precision(j) ? " or precision" : "", result->n_skipped ? ": " : "",
            result->skipped, command_program(), j->folder);
}

/* How many samples were disturbed, and what became of them. */
static void say_disturbed(const struct job *j, const struct run_result *r)
{
    uint64_t n_left = r->n_disturbed - r->n_retaken;
    if (r->n_disturbed == 0 || j->options.quiet)
        return;
    fprintf(stderr, "poolmark: %llu of %llu samples were disturbed (%s)",
            (unsigned long long)r->n_disturbed, (unsigned long long)r->n_samples, r->disturbances);
    if (r->n_retaken)
        fprintf(stderr, "; %llu %s taken again", (unsigned long long)r->n_retaken,
                r->n_retaken == 1 ? "was" : "were");
    if (n_left)
        fprintf(stderr, "; %llu count%s all the same", (unsigned long long)n_left,
                n_left == 1 ? "s" : "");
    fputc('\n', stderr);
}

static int exit_status(const struct job *j, const struct run_result *r)
{
    if (r->interrupted)
        return STATUS_INTERRUPTED;
    if (r->worker_lost)
        return STATUS_LOST;
    if (r->wrong)
        return STATUS_FAILED;
    if (r->out_of_time)
        return STATUS_OUT_OF_TIME;
    return j->plan.n_missing ? STATUS_MISSING : STATUS_OK;
}

static void print_next(const struct job *j, const struct outcome_of_run *o, const struct figures *f)
{
    printf("\nwritten: %s/ with samples.csv, summary.csv%s%s\n", j->folder,
           o->n_articles ? ", articles.csv" : "", j->options.trace ? ", trace.csv" : "");
    if (f->n_drawn)
        printf("figures: %zu in %s/plots, as SVG and PNG\n", f->n_drawn, j->folder);
    static const char *const next[][2] = {
        {"run configs/scaling.ini", "how far does it scale here?"},
        {"run configs/chunks.ini", "which chunk size?"}};
    char command[4200];
    snprintf(command, sizeof command, "report %s", j->folder);
    int width = (int)strlen(command) > 24 ? (int)strlen(command) : 24;
    printf("next:    %s %-*s  %s\n", command_program(), width, command,
           o->n_articles ? "every point, with speedups" : "this again");
    for (size_t i = 0; i < sizeof next / sizeof *next; i++)
        printf("         %s %-*s  %s\n", command_program(), width, next[i][0], next[i][1]);
}

static int report(struct job *j, struct err *err)
{
    struct outcome_of_run outcome;
    struct figures figures = {0};
    if (outcome_read(&outcome, j->folder, &j->plan, &j->experiments, err) != 0)
        return -1;
    int status = outcome_write(&outcome, j->folder, err);
    if (status == 0)
        status = outcome_draw(&outcome, j->folder, &j->plan, &figures, err);
    struct outcome_style style = {.curve = !j->options.quiet, .color = j->options.color};
    outcome_print(&outcome, j->folder, (int)j->options.format, &style);
    if (j->options.format == FORMAT_TEXT && !j->options.quiet)
        print_next(j, &outcome, &figures);
    outcome_release(&outcome);
    return status;
}

static int run_job(struct job *j, struct err *err)
{
    struct manifest manifest = {.argc = j->argc,
                                .argv = j->argv,
                                .topo = j->topo,
                                .machine = &j->machine,
                                .plan = &j->plan,
                                .options = &j->options,
                                .experiments = &j->experiments,
                                .configuration = &j->configuration,
                                .hosts = &j->hosts,
                                .resumed = j->resumes};
    struct run_result result;
    char text[256], span[32];
    if (open_folder(j, &manifest, err) != 0)
        return command_fail(STATUS_USAGE, err);
    j->lock = folder_lock(j->folder, err);
    if (j->lock < 0)
        return command_fail(STATUS_USAGE, err);
    launch_say_missing(&j->plan, 0);
    size_t n_missing = j->plan.n_missing;
    launch_allow_root(&j->plan);
    if (!BUILD_OPTIMISED)
        fprintf(stderr, "poolmark: built without optimisation (-O0): times say little\n");
    if (!j->options.quiet)
        fprintf(stderr, "%s; about %s%s\n", topo_explain(&j->machine, text, sizeof text),
                units_format_span(plan_estimate_ns(&j->plan), span, sizeof span), unless(j));
    int failed = measure(j, &manifest, &result, err);
    launch_say_missing(&j->plan, n_missing);
    say_disturbed(j, &result);
    if (failed)
        return command_fail(STATUS_FAILED, err);
    if (j->resumes && !j->options.quiet && result.n_samples == 0 && !result.interrupted &&
        !result.out_of_time)
        fprintf(stderr, "poolmark: %s: there was nothing left to measure\n", j->folder);
    if (report(j, err) != 0)
        return command_fail(STATUS_FAILED, err);
    say_stopped(j, &result);
    return exit_status(j, &result);
}

int command_run(int argc, char **argv)
{
    struct job j = {.argc = argc, .argv = argv, .lock = -1};
    struct err err;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return print_help(), STATUS_OK;
    int status;
    if (prepare(&j, &err) != 0)
        status = command_fail(STATUS_USAGE, &err);
    else if (j.options.dry_run)
        status = dry_run(&j);
    else
        status = run_job(&j, &err);
    if (j.lock >= 0)
        close(j.lock);
    release(&j);
    return status;
}
