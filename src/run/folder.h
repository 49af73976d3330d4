/* A run's folder: samples.csv, placements.csv, workers.csv, trace.csv (run.c), summary.csv,
 * articles.csv, plots/ (report), and what this module writes: plan.ini, the configuration as run,
 * from which the run can be repeated or resumed; manifest.json, the circumstances; topology.xml. */
#ifndef POOLMARK_RUN_FOLDER_H
#define POOLMARK_RUN_FOLDER_H

#include "run/plan.h"
#include "run/run.h"

#include <stdio.h>

/* Version of the files in a run's folder; a folder of another one is refused. */
enum { FOLDER_SCHEMA = 1 };

/* Makes the folder: `out`, which must not exist or be empty, or results/NAME-DATE when out is
 * empty. The path is written to `path`. */
int folder_make(const char *out, const char *name, char *path, size_t size, struct err *err);

/* Makes the folder this process's own to write until the descriptor returned is closed, or the
 * process ends however it ends; -1 when another run writes to it. */
int folder_lock(const char *path, struct err *err);

/* Takes back a folder that was just made and could not be filled. */
void folder_unmake(const char *path);

/* Checks that `path` is a run's folder of this schema. */
int folder_check(const char *path, struct err *err);

/* Opens a file of the folder for writing, through a temporary name: folder_commit gives it its own
 * name once it is whole, so that no reader sees half a file. */
FILE *folder_create(const char *folder, const char *name, struct err *err);
int folder_commit(FILE *file, const char *folder, const char *name, struct err *err);

int folder_write_plan(const char *folder, const struct experiments *experiments,
                      const struct configuration *c, struct err *err);

/* What the manifest tells beside what it finds out by itself. */
struct manifest {
    int argc;
    char **argv; /* the command line */
    const struct topo *topo;
    const struct topo_counts *machine;
    const struct plan *plan;
    const struct run_options *options;
    const struct experiments *experiments;
    const struct configuration *configuration;
    const struct hosts *hosts;       /* those whose names are not written */
    const struct run_result *result; /* NULL while the run goes on */
    bool resumed; /* what the folder's manifest tells of executions before stays, and is added up */
};

/* Writes manifest.json, and before the run topology.xml (run/manifest.c). */
int folder_write_manifest(const char *folder, const struct manifest *manifest, struct err *err);

/* Checks that this machine and this program are those that the run began with, and that its
 * plan.ini is what it was: samples of two machines do not belong into one table. */
int folder_check_resume(const char *folder, const struct topo_counts *machine,
                        const struct plan *plan, struct err *err);

/* CPUs usable on the machine of a run, from its manifest; 0 when unknown. */
int folder_usable(const char *folder);

#endif
