/* Saved baselines: runs kept under a name, to compare later ones with. A baseline is a folder of
 * the few files that a comparison needs, in results/baselines unless another folder is named. */
#ifndef POOLMARK_CLI_BASELINES_H
#define POOLMARK_CLI_BASELINES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define BASELINES_FOLDER "results/baselines"

/* Whether a name can be that of a baseline: letters, digits, - _ and . within. */
bool baseline_is_name(const char *name);

/* The path of a baseline; returns whether there is one of that name. */
bool baseline_find(const char *folder, const char *name, char *path, size_t size);

/* Keeps a run, whose form was checked, under a name. An old one of that name is replaced only when
 * `force` is set; it goes once the new one is whole. The path is written to `path`. */
int baseline_save(const char *folder, const char *name, const char *run, bool force, char *path,
                  size_t size, struct err *err);

/* Prints a line a baseline; returns their number. */
size_t baselines_print(const char *folder, FILE *to);

/* Adds their names, separated by commas, to a sentence; "none" where there is none. */
void baselines_add_names(const char *folder, char *text, size_t size);

#endif
