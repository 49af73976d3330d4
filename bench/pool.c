/* bench/pool: procpool beside its peers, on tasks that do nothing, in one run on one machine.
 *
 *     pool [--workers N] [--quick] [--markdown] [--launches N] [--rounds N] [--seed N]
 *          [--samples FILE] [--python COMMAND] [--peers FILE]
 *
 * `figures` is the table of what is measured and which targets it is held against. A launch starts
 * a process for each subject anew (pool.h), a round asks for each sample once, in random order, so
 * that a drift of the machine hits all alike; ratios are paired by round.
 *
 * Reports, and judges no time: the exit status is 0 unless an answer was wrong or a subject ended
 * (1), or the command line was (2).
 */
#include "pool.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* --- what is measured ------------------------------------------------------------------------- */

/* A sampler is a function of its subject: take_… in pool_procpool.c, pool_libgomp.c and
 * pool_peers.py. A target is relative to another sampler's median, or absolute. */
const struct figure figures[] = {
    {.group = "(a) map of null tasks that have an index and nothing else, per task; C: each worker "
              "on its own CPU",
     .who = "procpool, in order",
     .subject = PROCPOOL,
     .sampler = "map",
     .targets = {{"libgomp dynamic_1", 1.5, "<= 1.5"}, {.to = "python map"}}},
    {.who = "procpool, stealing",
     .subject = PROCPOOL,
     .sampler = "map_stealing",
     .targets = {{"libgomp dynamic_1", 0.35, "<= 0.35"},
                 {"libgomp dynamic_1", 0.2, "stretch 0.2"},
                 {"python map", 0.001, "<= 1/1000"}}},
    {.who = "libgomp dynamic,1, through a pointer", .subject = LIBGOMP, .sampler = "dynamic_1"},
    {.who = "libgomp dynamic,1, bare loop", .subject = LIBGOMP, .sampler = "dynamic_1_bare"},
    {.who = "Pool.map, chunksize 1", .subject = PYTHON, .sampler = "map"},
    {.who = "joblib.Parallel, batch_size 1", .subject = JOBLIB, .sampler = "map"},
    {.who = "mpi4py.futures, chunksize 1", .subject = MPI4PY, .sampler = "map"},
    {.who = "procpool, in order, chunk 64",
     .subject = PROCPOOL,
     .sampler = "map_64",
     .targets = {{.to = "libgomp dynamic_64"}}},
    {.who = "libgomp dynamic,64, through a pointer", .subject = LIBGOMP, .sampler = "dynamic_64"},
    {.who = "libgomp dynamic,64, bare loop", .subject = LIBGOMP, .sampler = "dynamic_64_bare"},
    {.who = "Pool.map, its own chunksize", .subject = PYTHON, .sampler = "map_default"},

    {.group = "(b) apply, a round trip",
     .who = "procpool, workers spinning",
     .subject = PROCPOOL,
     .sampler = "apply",
     .targets = {{NULL, 5e-6, "<= 5 us"}, {"python apply", 0.1, "<= 1/10"}}},
    {.who = "procpool, workers asleep",
     .subject = PROCPOOL,
     .sampler = "apply_asleep",
     .targets = {{NULL, 30e-6, "<= 30 us"}, {"python apply_asleep", 0.1, "<= 1/10"}}},
    {.who = "Pool.apply, one after the other", .subject = PYTHON, .sampler = "apply"},
    {.who = "Pool.apply, workers asleep", .subject = PYTHON, .sampler = "apply_asleep"},

    {.group = "(c) making and ending a pool",
     .who = "procpool_new and procpool_free",
     .subject = PROCPOOL,
     .sampler = "create",
     .targets = {{NULL, 2e-3, "<= 2 ms"}, {"python create", 0.25, "< 1/4"}}},
    {.who = "with Pool(): pass", .subject = PYTHON, .sampler = "create"},
    {.who = "first result since procpool_new",
     .subject = PROCPOOL,
     .sampler = "first",
     .targets = {{NULL, 1e-3, "<= 1 ms"}, {.to = "python first"}}},
    {.who = "first result since Pool()", .subject = PYTHON, .sampler = "first"},

    {.group = "(d) iterator with chunk 1, per item",
     .who = "procpool_imap",
     .subject = PROCPOOL,
     .sampler = "imap",
     .targets = {{.to = "python imap"}}},
    {.who = "Pool.imap", .subject = PYTHON, .sampler = "imap"},
    {.who = "procpool_imap_unordered",
     .subject = PROCPOOL,
     .sampler = "imap_unordered",
     .targets = {{.to = "python imap_unordered"}}},
    {.who = "Pool.imap_unordered", .subject = PYTHON, .sampler = "imap_unordered"},

    {.group = "(e) many applies at a time, per task",
     .who = "procpool_apply_async, then get",
     .subject = PROCPOOL,
     .sampler = "apply_async",
     .targets = {{.to = "python apply_async"}}},
    {.who = "Pool.apply_async, then get", .subject = PYTHON, .sampler = "apply_async"},

    {.group = "(f) one map of very many null tasks, chunk auto; memory of parent and workers",
     .who = "in order",
     .subject = PROCPOOL,
     .sampler = "many",
     .when = EACH_LAUNCH},
    {.who = "in order, memory before",
     .subject = PROCPOOL,
     .sampler = "many",
     .when = EACH_LAUNCH,
     .value = 1,
     .unit = BYTES},
    {.who = "in order, memory after",
     .subject = PROCPOOL,
     .sampler = "many",
     .when = EACH_LAUNCH,
     .value = 2,
     .unit = BYTES},
    {.who = "stealing", .subject = PROCPOOL, .sampler = "many_stealing", .when = EACH_LAUNCH},
    {.who = "stealing, memory before",
     .subject = PROCPOOL,
     .sampler = "many_stealing",
     .when = EACH_LAUNCH,
     .value = 1,
     .unit = BYTES},
    {.who = "stealing, memory after",
     .subject = PROCPOOL,
     .sampler = "many_stealing",
     .when = EACH_LAUNCH,
     .value = 2,
     .unit = BYTES},

    {.group = "(g) results of 1 MiB, written in place by the tasks and read there by the parent",
     .who = "time of the map",
     .subject = PROCPOOL,
     .sampler = "in_place",
     .when = EACH_LAUNCH},
    {.who = "memory taken, per byte of results",
     .subject = PROCPOOL,
     .sampler = "in_place",
     .when = EACH_LAUNCH,
     .value = 1,
     .unit = TIMES,
     .targets = {{NULL, 1.05, "1, not 2"}}},

    {.group = "(h) a pool that is idle",
     .who = "CPU time of all but the parent",
     .subject = PROCPOOL,
     .sampler = "idle",
     .when = EACH_LAUNCH,
     .unit = PERCENT},

    {.who = NULL},
};

/* --- command line ----------------------------------------------------------------------------- */

static const char usage[] =
    "usage: pool [options]: procpool beside its peers, on tasks that do nothing\n"
    "  --workers N       of each pool (2)\n"
    "  --quick           smaller maps and one round: some seconds\n"
    "  --markdown        print the table in Markdown too, with the machine\n"
    "  --launches N      fresh processes (7; 6 with --quick)\n"
    "  --rounds N        samples in each (2; 1 with --quick)\n"
    "  --seed N          of the order of the samples (1)\n"
    "  --samples FILE    write each sample: launch round subject sampler n value ...\n"
    "  --python COMMAND  (python3)\n"
    "  --peers FILE      (bench/pool_peers.py)\n";

enum { WORKERS = 1, QUICK, MARKDOWN, LAUNCHES, ROUNDS, SEED, SAMPLES, PYTHON_COMMAND, PEERS, HELP };

static const struct option options[] = {
    {"workers", required_argument, NULL, WORKERS},
    {"quick", no_argument, NULL, QUICK},
    {"markdown", no_argument, NULL, MARKDOWN},
    {"launches", required_argument, NULL, LAUNCHES},
    {"rounds", required_argument, NULL, ROUNDS},
    {"seed", required_argument, NULL, SEED},
    {"samples", required_argument, NULL, SAMPLES},
    {"python", required_argument, NULL, PYTHON_COMMAND},
    {"peers", required_argument, NULL, PEERS},
    {"help", no_argument, NULL, HELP},
    {0},
};

/* The whole number of an option; ends the program where it is none in [low, high]. */
static uint64_t number(const char *name, uint64_t low, uint64_t high)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(optarg, &end, 10);
    if (errno || end == optarg || *end || optarg[0] == '-' || value < low || value > high) {
        fprintf(stderr, "bench/pool: --%s: '%s' is not a whole number from %llu to %llu\n", name,
                optarg, (unsigned long long)low, (unsigned long long)high);
        exit(2);
    }
    return value;
}

static void set_option(struct bench *bench, int option, bool *markdown)
{
    switch (option) {
    case WORKERS:
        bench->load.workers = (int)number("workers", 1, 256);
        break;
    case QUICK:
        bench->load.quick = true;
        break;
    case MARKDOWN:
        *markdown = true;
        break;
    case LAUNCHES:
        bench->launches = (int)number("launches", 1, 1000);
        break;
    case ROUNDS:
        bench->rounds = (int)number("rounds", 1, 1000);
        break;
    case SEED:
        bench->seed = number("seed", 0, UINT64_MAX);
        break;
    case SAMPLES:
        bench->samples = fopen(optarg, "w");
        if (!bench->samples) {
            fprintf(stderr, "bench/pool: %s: %s\n", optarg, strerror(errno));
            exit(2);
        }
        break;
    case PYTHON_COMMAND:
        bench->python = optarg;
        break;
    case PEERS:
        bench->peers = optarg;
        break;
    case HELP:
        fputs(usage, stdout);
        exit(0);
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct bench bench = {
        .load = {.workers = 2}, .seed = 1, .python = "python3", .peers = "bench/pool_peers.py"};
    bool markdown = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        set_option(&bench, option, &markdown);
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    if (!bench.launches)
        bench.launches = bench.load.quick ? STATS_LEAST_FOR_INTERVAL : 7;
    if (!bench.rounds)
        bench.rounds = bench.load.quick ? 1 : 2;
    signal(SIGPIPE, SIG_IGN);

    int status = bench_run(&bench);
    report_text(&bench, stdout);
    if (markdown)
        report_markdown(&bench, stdout);
    if (bench.samples && fclose(bench.samples) != 0) {
        fprintf(stderr, "bench/pool: the samples could not be written\n");
        status = -1;
    }
    for (size_t i = 0; i < bench.n_series; i++)
        free(bench.series[i].values);
    free(bench.series);
    return status == 0 && fflush(stdout) == 0 ? 0 : 1;
}
