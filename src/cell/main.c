/* A cell: one measured process, or one rank of a job of them. Its command line fixes backend,
 * workers and binding; then it answers requests with samples (docs/protocol.md, sampler.c).
 *
 * One source, three programs: poolmark-cell, with -DPOOLMARK_CELL_LLVM poolmark-cell-llvm (the same
 * with another OpenMP runtime), and with -DPOOLMARK_CELL_MPI poolmark-cell-mpi.
 */
#include "base/text.h"
#include "base/units.h"
#include "base/version.h"
#include "cell/sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* --- the backends of this program ------------------------------------------------------------- */

#ifdef POOLMARK_CELL_MPI
#define CELL_NAME "poolmark-cell-mpi"
#define WITH_OPENMP backend_hybrid
#define WITH_OPENMP_NAME "hybrid"
#else
#ifdef POOLMARK_CELL_LLVM
#define CELL_NAME "poolmark-cell-llvm"
#else
#define CELL_NAME "poolmark-cell"
#endif
#define WITH_OPENMP backend_openmp
#define WITH_OPENMP_NAME "openmp"
#endif

#ifndef HAVE_OPENMP
static const char *no_openmp(void)
{
    return "there is no OpenMP in this build: build again with a compiler that takes -fopenmp";
}

/* Listed all the same, so that who asks for it gets the reason. */
static const struct backend backend_absent = {
    .name = WITH_OPENMP_NAME, .summary = "not in this build", .unavailable = no_openmp};
#undef WITH_OPENMP
#define WITH_OPENMP backend_absent
#endif

const struct backend *const backend_table[] = {
#ifdef POOLMARK_CELL_MPI
    &backend_mpi,
#else
    &backend_seq,
    &backend_procpool,
#endif
    &WITH_OPENMP,
    NULL,
};

enum { N_BACKENDS = sizeof backend_table / sizeof *backend_table - 1 };

static const struct backend *backend_find(const char *name, struct err *err)
{
    const char *names[N_BACKENDS];
    for (int i = 0; i < N_BACKENDS; i++) {
        names[i] = backend_table[i]->name;
        if (strcmp(names[i], name) == 0)
            return backend_table[i];
    }
    struct text t = TEXT_INIT;
    text_addf(&t, "--backend %s: " CELL_NAME " has no such backend", name);
    text_add_choices(&t, name, names, N_BACKENDS);
    err_set(err, "%s", t.text);
    text_release(&t);
    return NULL;
}

/* --- command line ----------------------------------------------------------------------------- */

enum { MOST_WORKERS = 4096 };

struct options {
    const struct backend *backend;
    struct launch launch;
    struct topo_bind bind;
    bool help, version;
};

static const struct option long_options[] = {
    {"backend", required_argument, NULL, 'b'}, {"workers", required_argument, NULL, 'w'},
    {"ranks", required_argument, NULL, 'r'},   {"threads", required_argument, NULL, 't'},
    {"bind", required_argument, NULL, 'p'},    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},       {NULL, 0, NULL, 0},
};

static void print_help(FILE *out)
{
    fprintf(out,
            "usage: " CELL_NAME " --backend NAME [--workers W] [--ranks R] [--threads T]\n"
            "           [--bind POLICY]\n"
            "\n"
            "Runs lists of tasks and times them: reads requests from standard input and writes\n"
            "answers to standard output, one JSON object a line (docs/protocol.md).\n"
            "\n"
            "  --backend NAME   who runs the tasks:\n");
    for (int i = 0; i < N_BACKENDS; i++)
        fprintf(out, "                     %-9s %s\n", backend_table[i]->name,
                backend_table[i]->summary);
    fprintf(out,
            "  --workers W      workers in all (1 to %d; default ranks x threads)\n"
            "  --ranks R        MPI ranks (default 1)\n"
            "  --threads T      threads of a rank (default W / R)\n"
            "  --bind POLICY    none, close, spread or a list of PUs such as 0,2 (default none)\n"
            "  --help, --version\n"
            "\n"
            "Example: echo '{\"id\": 1, \"workload\": \"square\", \"tasks\": 5000}' |\n"
            "         %s --backend %s --workers 2\n"
            "\n"
            "Exit status: 0 end of input or quit, 2 wrong command line, 3 the backend cannot run\n"
            "here, 4 a worker died.\n",
            MOST_WORKERS, CELL_NAME, backend_table[N_BACKENDS > 1]->name);
}

static int read_workers(const char *option, const char *text, uint32_t *value, struct err *err)
{
    uint64_t count;
    if (units_count(text, &count, err) != 0)
        return err_prefix(err, "--%s", option);
    if (count < 1 || count > MOST_WORKERS)
        return err_set(err, "--%s %s: allowed are 1 to %d", option, text, MOST_WORKERS);
    *value = (uint32_t)count;
    return 0;
}

/* Fills in what of workers, ranks and threads was not given (0) and checks that they agree. */
static int complete_launch(const struct backend *backend, struct launch *launch, struct err *err)
{
    if (!launch->workers)
        launch->workers =
            (launch->ranks ? launch->ranks : 1) * (launch->threads ? launch->threads : 1);
    if (strcmp(backend->name, "mpi") == 0 && launch->workers > 1 && !launch->ranks &&
        launch->threads != 1)
        return err_set(err,
                       "--ranks is missing: under mpi each rank is one worker, so --workers "
                       "%" PRIu32 " needs --ranks %" PRIu32,
                       launch->workers, launch->workers);
    if (!launch->ranks)
        launch->ranks = launch->threads ? launch->workers / launch->threads : 1;
    if (!launch->threads)
        launch->threads = launch->ranks ? launch->workers / launch->ranks : 1;
    if (launch->ranks * launch->threads != launch->workers)
        return err_set(err, "--workers %" PRIu32 ": not %" PRIu32 " ranks x %" PRIu32 " threads",
                       launch->workers, launch->ranks, launch->threads);
    if (launch->workers > MOST_WORKERS)
        return err_set(err, "%" PRIu32 " workers: allowed are 1 to %d", launch->workers,
                       MOST_WORKERS);
    if ((backend->limits & BACKEND_ONE_WORKER) && launch->workers > 1)
        return err_set(err, "--workers %" PRIu32 ": %s has one worker", launch->workers,
                       backend->name);
    if ((backend->limits & BACKEND_ONE_RANK) && launch->ranks > 1)
        return err_set(err, "--ranks %" PRIu32 ": %s has no ranks", launch->ranks, backend->name);
    return 0;
}

static int read_option(int letter, struct options *options, struct err *err)
{
    switch (letter) {
    case 'b':
        options->backend = backend_find(optarg, err);
        return options->backend ? 0 : -1;
    case 'w':
        return read_workers("workers", optarg, &options->launch.workers, err);
    case 'r':
        return read_workers("ranks", optarg, &options->launch.ranks, err);
    case 't':
        return read_workers("threads", optarg, &options->launch.threads, err);
    case 'p':
        topo_bind_release(&options->bind);
        return topo_bind_parse(optarg, &options->bind, err) == 0 ? 0 : err_prefix(err, "--bind");
    case 'h':
        options->help = true;
        return 0;
    default:
        options->version = true;
        return 0;
    }
}

static int read_options(int argc, char *argv[], struct options *options, struct err *err)
{
    int letter;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
        if (letter == '?' && optopt > 0 && optopt < 128 && strchr("bwrtphv", optopt) == NULL)
            return err_set(err, "unknown option '-%c'; see --help", optopt);
        if (letter == '?')
            return err_set(err, "unknown option '%s'; see --help", argv[optind - 1]);
        if (letter == ':')
            return err_set(err, "option '%s' needs a value", argv[optind - 1]);
        if (read_option(letter, options, err) != 0)
            return -1;
    }
    if (options->help || options->version)
        return 0;
    if (optind < argc)
        return err_set(err, "unexpected argument '%s'; see --help", argv[optind]);
    if (!options->backend)
        return err_set(err, "--backend is missing; see --help");
    return complete_launch(options->backend, &options->launch, err);
}

/* --- the cell --------------------------------------------------------------------------------- */

static int refuse(FILE *out, const struct err *err, int status)
{
    fprintf(stderr, CELL_NAME ": %s\n", err->text);
    sampler_write(
        out, json_pack("{s:i, s:o}", "protocol", PROTOCOL, "error", sampler_sentence(err->text)));
    return status;
}

static json_t *place_json(const struct placement *p)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:o}", "worker", (int)p->worker, "rank",
                     (int)p->rank, "thread", (int)p->thread, "pid", (int)p->pid, "requested_pu",
                     p->requested_pu, "observed_pu", p->observed_pu, "observed_set",
                     p->observed_set, "host", sampler_sentence(p->host));
}

static void say_hello(const struct sampler *sampler, const struct launch *launch, uint64_t open_ns)
{
    const struct backend *backend = sampler->backend;
    json_t *hello =
        json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:I}", "protocol", PROTOCOL, "cell",
                  CELL_NAME, "version", POOLMARK_VERSION, "backend", backend->name, "workers",
                  (int)launch->workers, "ranks", (int)launch->ranks, "threads",
                  (int)launch->threads, "open_ns", (json_int_t)open_ns);
    json_t *dispatches = json_array(), *places = json_array();
    for (const char *const *d = dispatch_names(backend->name); d && *d; d++)
        json_array_append_new(dispatches, json_string(*d));
    const struct placement *placements = backend->placements(sampler->team);
    for (uint32_t w = 0; w < launch->workers; w++)
        json_array_append_new(places, place_json(&placements[w]));
    const char *runtime = backend->runtime ? backend->runtime(sampler->team) : "";
    json_object_set_new(hello, "dispatches", dispatches);
    json_object_set_new(hello, "runtime", sampler_sentence(runtime));
    json_object_set_new(hello, "placements", places);
    sampler_write(sampler->out, hello);
}

/* Opens the backend and lives in it to the end. */
static int live(const struct options *options, FILE *out)
{
    const struct backend *backend = options->backend;
    struct sampler sampler = {.backend = backend,
                              .workers = options->launch.workers,
                              .topo = options->launch.topo,
                              .out = out};
    struct err err = {""};
    uint64_t start = clock_now_ns();
    if (backend->open(&sampler.team, &options->launch, &err) != 0)
        return refuse(out, &err, CELL_UNAVAILABLE);
    uint64_t open_ns = clock_now_ns() - start;

    int end;
    if (backend->is_root && !backend->is_root(sampler.team)) {
        end = backend->serve(sampler.team, &err) == 0 ? CELL_DONE : CELL_DIED;
        if (end != CELL_DONE)
            fprintf(stderr, CELL_NAME ": %s\n", err.text);
    } else if (sampler_warm(&sampler, &err) != 0) {
        end = refuse(out, &err, CELL_DIED);
    } else {
        say_hello(&sampler, &options->launch, open_ns);
        end = sampler_serve(&sampler, stdin);
    }
    sampler_release(&sampler);
    return end;
}

static int run(struct options *options, FILE *out)
{
    struct err err = {""};
    const char *reason = options->backend->unavailable ? options->backend->unavailable() : NULL;
    if (reason) {
        err_set(&err, "%s", reason);
        return refuse(out, &err, CELL_UNAVAILABLE);
    }
    struct topo *topo = topo_new(&err);
    if (!topo)
        return refuse(out, &err, CELL_UNAVAILABLE);
    options->launch.topo = topo;
    options->launch.bind = &options->bind;
    int end = live(options, out);
    topo_free(topo);
    return end;
}

/* Keeps standard output for answers: whatever else is printed, by a plug-in or a library, goes to
 * standard error. Returns the stream of the answers. */
static FILE *keep_output(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        fprintf(stderr, CELL_NAME ": standard output cannot be used: %s\n", strerror(errno));
        _exit(CELL_USAGE);
    }
    return out;
}

int main(int argc, char *argv[])
{
    struct options options = {.bind = {.policy = TOPO_NONE}};
    struct err err = {""};
    int status = read_options(argc, argv, &options, &err);
    if (status == 0 && options.help) {
        print_help(stdout);
    } else if (status == 0 && options.version) {
        printf(CELL_NAME " " POOLMARK_VERSION "\n");
    } else {
        FILE *out = keep_output();
        status = status != 0 ? refuse(out, &err, CELL_USAGE) : run(&options, out);
        fclose(out);
    }
    topo_bind_release(&options.bind);
    return status;
}
