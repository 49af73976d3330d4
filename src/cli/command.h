/* The subcommands, one file each. Only this folder prints. */
#ifndef POOLMARK_CLI_COMMAND_H
#define POOLMARK_CLI_COMMAND_H

#include "base/err.h"

#include <stdbool.h>

/* Exit statuses; docs/design.md and the man page list them. */
enum status {
    STATUS_OK = 0,
    STATUS_FAILED = 1,  /* a point failed or gave a wrong result */
    STATUS_USAGE = 2,   /* command line or configuration */
    STATUS_MISSING = 3, /* a backend that was asked for is not available */
    STATUS_LOST = 4,    /* a worker was lost */
    STATUS_UNFIT = 77,  /* this machine cannot answer the question: doctor */
    STATUS_OUT_OF_TIME = 124,
    STATUS_INTERRUPTED = 130,
};

struct command {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv); /* what stands behind the name; returns an exit status */
};

extern const struct command command_table[]; /* ends with a NULL name */

/* How the program was called: what further commands are shown with. */
const char *command_program(void);

int command_run(int argc, char **argv);
int command_report(int argc, char **argv);
int command_plot(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_where(int argc, char **argv);
int command_list(int argc, char **argv);

/* Prints "poolmark: sentence" to standard error and returns the status. */
int command_fail(enum status status, const struct err *err);

/* Columns to write text for: COLUMNS, else the terminal's, else 80; at least 80. */
int command_columns(void);

/* Whether text is to have colour, by --color: always, never, or auto, on a terminal that shows it
 * unless NO_COLOR is set. */
bool command_wants_color(const char *when);

#endif
