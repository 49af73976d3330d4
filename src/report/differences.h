/* What two runs differ in beside their times: every fact of their manifests, every key of their
 * configurations, and their topologies. A fact that another version of the manifest adds appears by
 * itself. */
#ifndef POOLMARK_REPORT_DIFFERENCES_H
#define POOLMARK_REPORT_DIFFERENCES_H

#include "record/record.h"

#include <stdio.h>

struct difference {
    const char *group; /* "machine", "configuration" */
    char *name;        /* of the fact */
    char *a, *b;       /* values; NULL: it is not there */
};

struct differences {
    struct difference *items; /* group by group */
    size_t n, capacity;
};

/* Compares two manifests (schema and form were checked before); what says nothing of how fast
 * anything is, as the date, is left out. */
void differences_of_manifests(struct differences *d, const json_t *a, const json_t *b);

/* Compares the texts of two configurations as run (plan.ini); NULL: not there. Two sections may be
 * taken for one another under two names, which may be NULL. */
void differences_of_plans(struct differences *d, const char *a, const char *b,
                          const char *section_a, const char *section_b);

/* Compares the texts of two topologies (topology.xml); NULL: not there. */
void differences_of_topologies(struct differences *d, const char *a, const char *b);

/* Puts them into the order of their groups, once all are there. */
void differences_sort(struct differences *d);

void differences_release(struct differences *d);

/* A list for people, a line a fact where it fits; at most `columns` wide. */
void differences_write_text(const struct differences *d, FILE *to, int columns);

json_t *differences_json(const struct differences *d); /* new reference */

#endif
