/* The machines of a run, numbered as they are met, so that its files can tell them apart without
 * naming them: "rank 3 on node 1 died". */
#ifndef POOLMARK_RUN_HOSTS_H
#define POOLMARK_RUN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

struct hosts {
    bool keeps_names; /* --record-host: nothing is hidden */
    char **names;     /* [n]; the driver's own machine is the first */
    size_t n, capacity;
};

void hosts_init(struct hosts *hosts, bool keeps_names);
void hosts_release(struct hosts *hosts);

/* Notes a machine; one that is known, and "", change nothing. Here and below `hosts` may be NULL,
 * for a run whose files nobody keeps: then nothing is noted or hidden. */
void hosts_add(struct hosts *hosts, const char *name);

/* Puts numbers in the place of the machines' names, with or without their domain, and hides the
 * user's name in paths (base/home.h), in place. What does not fit is cut off. */
void hosts_hide(const struct hosts *hosts, char *text, size_t size);

#endif
