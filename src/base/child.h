/* Child processes of the driver: started with pipes, in a process group of their own, that do not
 * outlive their parent. */
#ifndef POOLMARK_BASE_CHILD_H
#define POOLMARK_BASE_CHILD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
    pid_t pid;  /* 0: not started, or reaped */
    int to;     /* write end of its standard input, -1 when closed */
    int from;   /* read end of its standard output, -1 when closed */
    int errors; /* a file that holds its standard error, -1 when none */
    bool reaped;
    int status; /* as from waitpid, once reaped */
};

#define CHILD_INIT                                                                                 \
    {                                                                                              \
        0, -1, -1, -1, false, 0                                                                    \
    }

/* Starts argv[0] (searched in PATH) with the given extra environment ("NAME=VALUE",
 * NULL-terminated, may be NULL). When this process dies, however it dies, the child gets
 * `death_signal`. Its standard error goes to an unnamed file. */
int child_start(struct child *child, char *const argv[], char *const environment[],
                int death_signal, struct err *err);

/* Reaps it if it has ended; returns whether it has. */
bool child_poll(struct child *child);

/* Waits up to `ms` milliseconds for its end; returns whether it has ended. */
bool child_wait(struct child *child, int ms);

/* Ends it: closes its input, waits `ms`, then SIGTERM to its group, waits `ms` again, then SIGKILL.
 * Always reaps. */
void child_end(struct child *child, int ms);

/* Closes the descriptors. The child must have been reaped. */
void child_release(struct child *child);

/* The last lines that it wrote to its standard error, at most size-1 bytes, trimmed. */
char *child_last_words(const struct child *child, char *buffer, size_t size);

/* "exit status 3", "signal 11 (SIGSEGV)". */
char *child_describe_status(int status, char *buffer, size_t size);

/* Runs a command to its end and captures its standard output, at most `size` - 1 bytes. Returns its
 * status as from waitpid, or -1 when it could not be started or took longer than `ms`. */
int child_capture(char *const argv[], int ms, char *buffer, size_t size);

#endif
