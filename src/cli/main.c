/* poolmark: the command. */
#include "cli/command.h"

#include "base/text.h"
#include "base/version.h"
#include "build_info.h"
#include "run/backends.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const struct command command_table[] = {
    {"run", "[FILE.ini ...] [options]", "measure, and report what was measured", command_run},
    {"report", "RUN [--format text|csv|json]", "summarise the samples of a run again",
     command_report},
    {"plot", "RUN", "draw the figures of a run again", command_plot},
    {"compare", "A B [options]", "tell whether two runs, or parts of one, differ", command_compare},
    {"validate", "RUN", "check a run against twelve rules of benchmarking", command_validate},
    {"doctor", "[--aa]", "tell whether this machine is fit for measuring", command_doctor},
    {"where", "[FILE.ini ...] [options]", "show where the workers of a launch run", command_where},
    {"list", "[workloads|backends|schedules|experiments|options|fields]", "what there is",
     command_list},
    {NULL, NULL, NULL, NULL},
};

enum { N_COMMANDS = sizeof command_table / sizeof *command_table - 1 };

static const char *program = "poolmark";

const char *command_program(void)
{
    return program;
}

int command_fail(enum status status, const struct err *err)
{
    fflush(stdout);
    fprintf(stderr, "poolmark: %s\n", err->text);
    return (int)status;
}

int command_columns(void)
{
    const char *set = getenv("COLUMNS");
    struct winsize w = {0};
    int columns = set ? atoi(set) : 0;
    if (columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0)
        columns = w.ws_col;
    return columns < 80 ? 80 : columns;
}

bool command_wants_color(const char *when)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static void print_help(void)
{
    printf("poolmark measures how work is shared out: one list of tasks, run sequentially, in a "
           "process\n"
           "pool, with OpenMP, with MPI and with both.\n\nusage: poolmark COMMAND [arguments]\n\n");
    for (const struct command *c = command_table; c->name; c++)
        printf("  %-8s %-28s %s\n", c->name, strlen(c->arguments) > 28 ? "[WHAT]" : c->arguments,
               c->summary);
    printf(
        "\npoolmark COMMAND --help tells more; man poolmark tells all.\n"
        "exit status: 0 all right, 1 a point failed or was wrong, 2 usage or configuration, 3 a\n"
        "backend is missing, 4 a worker was lost, 77 not fit for measuring, 124 out of time, 130\n"
        "interrupted\n\n"
        "  poolmark run configs/quick.ini\n"
        "  poolmark run --workload 'sleep time=20ms' --tasks 12 --chunks 4 --workers 10\n"
        "  poolmark list workloads\n");
}

static void print_version(void)
{
    printf("poolmark %s (%s)\ncompiler: %s\nflags: %s\nbackends:", POOLMARK_VERSION, BUILD_GIT,
           BUILD_CC, BUILD_CFLAGS);
    for (const struct backend_kind *k = backend_kinds; k->name; k++) {
        char reason[512];
        printf(" %s%s", k->name,
               backend_is_available(k, reason, sizeof reason) ? "" : " (missing)");
    }
    printf("\n");
}

static int unknown_command(const char *name)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = command_table[i].name;
    struct err err;
    text_refuse(&err, "unknown command", name, names, N_COMMANDS);
    return command_fail(STATUS_USAGE, &err);
}

int main(int argc, char **argv)
{
    program = argv[0];
    signal(SIGPIPE, SIG_IGN); /* a cell that dies closes its pipe: told by write, not by a signal */
    if (argc < 2) {
        struct err err;
        err_set(&err, "a command is needed, as run, report or doctor; poolmark --help tells more");
        return command_fail(STATUS_USAGE, &err);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return print_help(), STATUS_OK;
    if (strcmp(argv[1], "--version") == 0)
        return print_version(), STATUS_OK;
    for (const struct command *c = command_table; c->name; c++)
        if (strcmp(c->name, argv[1]) == 0) {
            int status = c->run(argc - 2, argv + 2);
            if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
                fprintf(stderr, "poolmark: standard output cannot be written\n");
                return status ? status : STATUS_FAILED;
            }
            return status;
        }
    return unknown_command(argv[1]);
}
