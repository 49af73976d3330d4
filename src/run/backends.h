/* The backends as the driver knows them: which program is their cell, and how it is started. What
 * they do, they tell themselves (docs/protocol.md). */
#ifndef POOLMARK_RUN_BACKENDS_H
#define POOLMARK_RUN_BACKENDS_H

#include "base/err.h"
#include "base/text.h"
#include "sched/sched.h"

#include <stdbool.h>
#include <stddef.h>

enum { LONGEST_COMMAND = 1024 };

struct backend_kind {
    const char *name, *summary;
    const char *program; /* beside the driver; NULL: `command` */
    bool is_base;        /* one worker, no schedule: what speedups are relative to */
    bool uses_ranks;     /* started by mpirun */
    bool uses_threads; /* its workers are threads; with ranks: factorisations of the worker count */
    const char *command; /* --cell NAME=COMMAND */
    const char *as;      /* what its cell calls it; NULL: by its name */
    const char *library; /* how the name of its OpenMP runtime must begin; NULL: no matter */
    const char *remedy;  /* when the program was not built; NULL: run make */
};

/* Those built in; ends with a NULL name. */
extern const struct backend_kind backend_kinds[];

/* A backend by name among those built in and `cells`, the text of the option --cell (for what it
 * adds). On failure the sentence names all. The result is to be freed with backend_kind_free. */
struct backend_kind *backend_kind_find(const char *name, const char *cells, struct err *err);
void backend_kind_free(struct backend_kind *kind);

/* The name of the backend for its cell and for dispatch.h: "openmp" for "openmp:llvm". */
const char *backend_cell_name(const struct backend_kind *kind);

/* Checks the text of --cell. */
int backend_cells_check(const char *cells, struct err *err);

/* Path of a cell program: beside the driver, or in libexec/poolmark of its prefix. Returns whether
 * it is there; the first place looked at is in `path` in any case. */
bool backend_program_path(const char *program, char *path, size_t size);

/* Why the backend cannot run on this machine, with the remedy, in `reason`; returns whether it can.
 */
bool backend_is_available(const struct backend_kind *kind, char *reason, size_t size);

#endif
