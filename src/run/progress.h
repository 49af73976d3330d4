/* The progress line: what is being measured and how much time is left. On a terminal it is
 * rewritten in place; elsewhere it is a plain line now and then, without escapes. */
#ifndef POOLMARK_RUN_PROGRESS_H
#define POOLMARK_RUN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *to; /* NULL: quiet */
    bool terminal;
    uint64_t start_ns, shown_ns;
    uint64_t n_done, n_all;
    double cost_done,
        cost_all; /* estimated ns of what is done and of all: the clock of "time left" */
};

void progress_start(struct progress *p, FILE *to, uint64_t n_all, double cost_all);

/* One more sample, of such an estimated cost, about to be asked for (`what`) or done. */
void progress_show(struct progress *p, const char *what);
void progress_add(struct progress *p, uint64_t n, double cost);

/* A sentence above the line. */
void progress_say(struct progress *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void progress_end(struct progress *p);

#endif
