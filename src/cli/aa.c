/* A/A by the run's own machinery: see aa.h.
 *
 * Two backends of different names stand for one: both are started as procpool, and all else, the
 * group, the random order of a pass, samples taken again, is what every run has. The base is left
 * out, since no speedup is asked for. */
#include "cli/aa.h"

#include "base/alloc.h"
#include "run/folder.h"
#include "run/hosts.h"
#include "run/run.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { N_SLOTS = AA_LAUNCHES * AA_PAIRS, TASKS_A_WORKER = 16 };

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

/* --- the folder ------------------------------------------------------------------------------- */

static const char folder_prefix[] = "poolmark-aa-";

static const char *folder_place(void)
{
    const char *where = getenv("TMPDIR");
    return where && *where ? where : "/tmp";
}

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char file[4400];
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(file);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

/* Whoever was killed could not remove its folder: what nobody has locked and is not brand-new, and
 * so about to be locked, is removed. */
static void remove_left(void)
{
    enum { NEW_S = 60 };
    DIR *dir = opendir(folder_place());
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[4096];
        struct stat st;
        if (strncmp(e->d_name, folder_prefix, sizeof folder_prefix - 1) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder_place(), e->d_name);
        if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
            st.st_mtime + NEW_S > time(NULL))
            continue;
        int lock = folder_lock(path, NULL);
        if (lock < 0)
            continue;
        remove_folder(path);
        close(lock);
    }
    if (dir)
        closedir(dir);
}

/* The lock says that somebody measures there. */
static int make_folder(char *path, size_t size, int *lock, struct err *err)
{
    remove_left();
    snprintf(path, size, "%s/%sXXXXXX", folder_place(), folder_prefix);
    if (!mkdtemp(path))
        return err_set(err, "%s cannot be made: %s; TMPDIR names another place", path,
                       strerror(errno));
    *lock = folder_lock(path, err);
    if (*lock >= 0)
        return 0;
    rmdir(path);
    return -1;
}

/* --- what was measured ------------------------------------------------------------------------ */

/* One side of the pairs; the last sample that was taken of a pass counts. */
struct side {
    double ns[N_SLOTS]; /* by launch and pass; 0: none */
    bool disturbed[N_SLOTS];
};

struct reading {
    struct aa *aa;
    struct side sides[2];
    int side_of[2]; /* by number of the point in the file */
};

static int on_point(void *user, size_t number, const struct point *point, struct err *err)
{
    struct reading *r = user;
    if (number > 1)
        return err_set(err, "a third point, %s", point->backend);
    r->side_of[number] = strcmp(point->backend, "second") == 0;
    return 0;
}

static int on_sample(void *user, size_t number, const struct sample *sample, struct err *err)
{
    struct reading *r = user;
    uint64_t slot = sample->launch * AA_PAIRS + sample->pass;
    if (strcmp(sample->status, "ok") != 0)
        return err_set(err, "A/A: a sample is not good (%s): nothing can be said", sample->status);
    if (sample->pass >= AA_PAIRS || slot >= N_SLOTS)
        return 0;
    struct side *side = &r->sides[r->side_of[number]];
    side->ns[slot] = (double)sample->wall_ns;
    side->disturbed[slot] = *sample->flags != '\0';
    r->aa->n_samples++;
    r->aa->n_disturbed += side->disturbed[slot];
    return 0;
}

static int read_samples(struct aa *aa, const char *folder, struct err *err)
{
    struct reading *r = alloc_zeroed(1, sizeof *r);
    struct journal_reader reader = {on_point, on_sample, r};
    double ratios[N_SLOTS], times[2 * N_SLOTS];
    int launches[N_SLOTS];
    char path[4300];
    bool cut_off;
    size_t n = 0;
    r->aa = aa;
    aa->n_still = 0;
    snprintf(path, sizeof path, "%s/samples.csv", folder);
    int status = journal_read(path, &reader, &cut_off, err);
    for (size_t slot = 0; status == 0 && slot < N_SLOTS; slot++) {
        double first = r->sides[0].ns[slot], second = r->sides[1].ns[slot];
        if (!(first > 0) || !(second > 0))
            continue;
        times[2 * n] = first / 1e9;
        times[2 * n + 1] = second / 1e9;
        aa->n_still += r->sides[0].disturbed[slot] || r->sides[1].disturbed[slot];
        launches[n] = (int)(slot / AA_PAIRS);
        ratios[n++] = second / first;
    }
    free(r);
    if (status != 0)
        return -1;
    aa->ratio = stats_estimate(ratios, launches, n);
    aa->sample_s = stats_quantile(times, 2 * n, 0.5);
    return 0;
}

/* --- measuring -------------------------------------------------------------------------------- */

struct job {
    struct configuration configuration;
    struct run_options options;
    struct experiments experiments;
    struct plan plan;
};

/* Both names stand for the cell that is built in, whose path may hold blanks, unlike a command. */
static void cast_cells(struct experiment *e)
{
    for (size_t i = 0; i < e->n_backends; i++) {
        struct backend_kind *kind = e->backends[i];
        free((char *)kind->command);
        kind->command = NULL;
        kind->program = "poolmark-cell";
        kind->as = "procpool";
    }
}

/* The base of a speedup that nobody asks for is not asked. */
static void drop_bases(struct plan *plan)
{
    for (size_t g = 0; g < plan->n_groups; g++) {
        struct plan_group *group = &plan->groups[g];
        size_t n = 0;
        for (size_t i = 0; i < group->n_points; i++)
            if (plan->points[group->points[i]].base != group->points[i])
                group->points[n++] = group->points[i];
        group->n_points = n;
    }
}

static int plan_job(struct job *j, const struct aa *aa, const struct topo_counts *machine,
                    double seconds, uint64_t seed, struct err *err)
{
    char workload[64], tasks[16], workers[16], launches[16], reps[16], seed_text[24], limit[32];
    /* 5 ms a sample when there are 20 s: 120 of them, and as much again for starts and pauses. An
     * iteration takes about 3 ns. */
    double sample_ns = 5e6 * fmin(fmax(seconds / 20, 0.04), 4);
    snprintf(workload, sizeof workload, "burn iterations=%.0f", sample_ns / 3 / TASKS_A_WORKER);
    snprintf(tasks, sizeof tasks, "%u", aa->tasks);
    snprintf(workers, sizeof workers, "%u", aa->workers);
    snprintf(launches, sizeof launches, "%d", AA_LAUNCHES);
    snprintf(reps, sizeof reps, "%d", AA_PAIRS);
    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)seed);
    snprintf(limit, sizeof limit, "%.3f", seconds);
    char *argv[] = {"--backends", "first,second", "--cell",        "first=procpool|second=procpool",
                    "--workload", workload,       "--tasks",       tasks,
                    "--workers",  workers,        "--launches",    launches,
                    "--reps",     reps,           "--seed",        seed_text,
                    "--bind",     "close",        "--max-seconds", limit,
                    "--quiet"};
    configuration_init(&j->configuration);
    if (configuration_read(&j->configuration, sizeof argv / sizeof *argv, argv, err) != 0 ||
        run_options_read(&j->options, &j->configuration, err) != 0 ||
        experiments_read(&j->experiments, &j->configuration, machine, err) != 0)
        return -1;
    cast_cells(&j->experiments.items[0]);
    if (plan_make(&j->plan, &j->experiments, &j->options, machine, err) != 0)
        return -1;
    if (j->plan.n_missing)
        return err_set(err, "nothing can be measured: %s", j->plan.missing[0].reason);
    drop_bases(&j->plan);
    return 0;
}

static void release_job(struct job *j)
{
    plan_release(&j->plan);
    experiments_release(&j->experiments);
    configuration_release(&j->configuration);
}

static int measure_round(struct aa *aa, const struct topo_counts *machine, double seconds,
                         const char *folder, struct err *err)
{
    struct job j = {0};
    struct run_result result = {0};
    struct progress quiet;
    struct hosts hosts;
    hosts_init(&hosts, false);
    int status = plan_job(&j, aa, machine, seconds, aa->n_rounds, err);
    if (status == 0) {
        progress_start(&quiet, NULL, 1, 1);
        struct run run = {.plan = &j.plan,
                          .options = &j.options,
                          .folder = folder,
                          .interrupted = is_stop_asked,
                          .progress = &quiet,
                          .hosts = &hosts};
        status = run_execute(&run, &j.plan, &result, err);
    }
    if (status == 0 && j.plan.n_missing)
        status = err_set(err, "nothing can be measured: %s", j.plan.missing[0].reason);
    release_job(&j);
    hosts_release(&hosts);
    aa->interrupted = result.interrupted;
    aa->out_of_time = result.out_of_time;
    return status == 0 ? read_samples(aa, folder, err) : -1;
}

static bool shows_difference(const struct estimate *ratio)
{
    return ratio->median_ci.known && (ratio->median_ci.low > 1 || ratio->median_ci.high < 1);
}

int aa_measure(struct aa *aa, const struct topo *topo, double seconds, struct err *err)
{
    struct topo_counts machine;
    topo_count(topo, &machine);
    *aa = (struct aa){.workers = (uint32_t)machine.usable,
                      .tasks = (uint32_t)machine.usable * TASKS_A_WORKER};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    enum { N_SIGNALS = sizeof signals / sizeof *signals };
    struct sigaction stop = {.sa_handler = ask_to_stop}, old[N_SIGNALS];
    for (int i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &stop, &old[i]);
    int status = 0;
    do {
        char folder[4096];
        int lock = -1;
        aa->n_rounds++;
        status = make_folder(folder, sizeof folder, &lock, err);
        if (status == 0) {
            status = measure_round(aa, &machine, seconds, folder, err);
            remove_folder(folder);
            close(lock);
        }
        aa->differs = status == 0 && shows_difference(&aa->ratio);
    } while (aa->differs && aa->n_rounds < 2 && !aa->interrupted);
    for (int i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &old[i], NULL);
    return status;
}

double aa_smallest_effect(const struct aa *aa, size_t n_pairs)
{
    const struct interval *ci = &aa->ratio.median_ci;
    if (!ci->known || aa->ratio.n == 0 || n_pairs == 0)
        return NAN;
    return fmax(ci->high - 1, 1 - ci->low) * sqrt((double)aa->ratio.n / (double)n_pairs);
}
