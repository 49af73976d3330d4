/* The options: each declared once, as `--name` of the command line and as a key of an INI section.
 *
 * Settings are texts with the place each comes from; experiment.c turns them into typed
 * experiments. What counts, from weakest to strongest: the fallback, [defaults], the section, the
 * command line.
 */
#ifndef POOLMARK_RUN_OPTIONS_H
#define POOLMARK_RUN_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* O(ID, "name", "ARGUMENT" or NULL for a flag, "fallback", scope, "help")
 *
 * EXPERIMENT options say what is measured and may differ between sections; RUN options hold for the
 * whole run and may stand in [defaults]; COMMAND options make sense on the command line only. */
#define OPTIONS(O)                                                                                 \
    O(TITLE, "title", "TEXT", "", EXPERIMENT, "what the experiment asks, for tables and plots")    \
    O(SOURCE, "source", "TEXT", "", EXPERIMENT, "where a claim was made")                          \
    O(CLAIM, "claim", "LIST", "", EXPERIMENT,                                                      \
      "claims to be tested: ID METRIC VALUE [field=value ...] | ... with the metrics time, "       \
      "speedup, "                                                                                  \
      "sum, chunks, share")                                                                        \
    O(WORKLOAD, "workload", "W", "burn iterations=1M", EXPERIMENT,                                 \
      "what a task does, with parameters: 'sleep time=20ms shape=linear'; several are separated "  \
      "by |")                                                                                      \
    O(TASKS, "tasks", "LIST", "64", EXPERIMENT, "numbers of tasks")                                \
    O(BACKENDS, "backends", "LIST", "procpool", EXPERIMENT,                                        \
      "who runs the tasks; the sequential run is always measured as the base")                     \
    O(SCHEDULES, "schedules", "LIST", "dynamic", EXPERIMENT, "rules that set chunk sizes")         \
    O(DISPATCH, "dispatch", "LIST", "auto", EXPERIMENT,                                            \
      "how a worker gets its next chunk; auto: what suits the backend and the schedule")           \
    O(CHUNKS, "chunks", "LIST", "auto", EXPERIMENT, "chunk sizes; auto: the schedule's own")       \
    O(CALIBRATE, "calibrate", NULL, "yes", EXPERIMENT,                                             \
      "cells measure what a schedule reckons with and was not given (h, mean, sd): the default; "  \
      "--calibrate=no refuses such a schedule")                                                    \
    O(WORKERS, "workers", "LIST", "usable", EXPERIMENT,                                            \
      "worker counts; 'usable' and 'cores' stand for this machine's: 1..usable; 1..usable*2 "      \
      "doubles")                                                                                   \
    O(RANKS, "ranks", "LIST", "auto", EXPERIMENT,                                                  \
      "hybrid: ranks, each with workers/ranks threads; auto: the largest divisor of the workers "  \
      "that "                                                                                      \
      "is at most their square root; all: every divisor")                                          \
    O(BIND, "bind", "POLICY", "none", EXPERIMENT,                                                  \
      "where workers run: none, close, spread, or a list of PUs; several are separated by |")      \
    O(LAUNCHES, "launches", "N", "3", EXPERIMENT, "fresh starts of every cell")                    \
    O(REPS, "reps", "N", "5", EXPERIMENT, "samples of a point in each launch")                     \
    O(PRECISION, "precision", "PCT", "0", EXPERIMENT,                                              \
      "stop asking for a point when half the interval of what precision-of names is within so "    \
      "many percent; 0: take all samples")                                                         \
    O(PRECISION_OF, "precision-of", "WHAT", "speedup", EXPERIMENT,                                 \
      "whose interval precision looks at: speedup (of points without a base, and of bases, the "   \
      "time) or time")                                                                             \
    O(RETAKES, "retakes", "N", "2", EXPERIMENT,                                                    \
      "how many times a sample that was disturbed is taken again, 0: never; all are kept, the "    \
      "last counts")                                                                               \
    O(BIND_STRICT, "bind-strict", NULL, "no", EXPERIMENT,                                          \
      "a point whose workers did not run where they were asked to fails")                          \
    O(SCALE, "scale", "X", "1", EXPERIMENT, "factor on the times of workloads and of claims")      \
    O(FRESH, "fresh", NULL, "no", EXPERIMENT,                                                      \
      "open and close the workers for every sample, and count that in")                            \
    O(OVERSUBSCRIBE, "oversubscribe", NULL, "no", EXPERIMENT,                                      \
      "allow more MPI ranks than this machine has slots")                                          \
    O(CELL_TIMEOUT, "cell-timeout", "S", "0", EXPERIMENT,                                          \
      "longest time for one sample; 0: 60 s or four times the sequential time, if that is more")   \
    O(CELL, "cell", "NAME=CMD", "", EXPERIMENT,                                                    \
      "a program of your own that speaks docs/protocol.md, as backend NAME; may be repeated; in "  \
      "a "                                                                                         \
      "file separated by |")                                                                       \
    O(SEED, "seed", "N", "1", RUN, "seed of the order in which samples are asked for")             \
    O(MAX_SECONDS, "max-seconds", "S", "0", RUN, "stop after so much time; 0: never")              \
    O(MAX_CELLS, "max-cells", "N", "8", RUN, "cells alive side by side, at least 2")               \
    O(TRACE, "trace", NULL, "no", RUN,                                                             \
      "write each chunk, with its times, to trace.csv; --trace=no: not, whatever a file says")     \
    O(INFO, "info", "KEY=VALUE", "", RUN,                                                          \
      "a fact for the manifest: memory=DDR4-2666; may be repeated; in a file separated by |")      \
    O(RECORD_HOST, "record-host", NULL, "no", RUN, "keep the names of hosts in the run's files")   \
    O(OUT, "out", "DIR", "", COMMAND, "where results go; must not exist or be empty")              \
    O(RESUME, "resume", "DIR", "", COMMAND,                                                        \
      "finish the run in DIR; takes the configuration from it")                                    \
    O(ONLY, "only", "LIST", "", COMMAND, "run only these experiments, by name, claim or pattern")  \
    O(SET, "set", "KEY=VALUE", "", COMMAND, "set a key in all experiments; may be repeated")       \
    O(DRY_RUN, "dry-run", NULL, "no", COMMAND,                                                     \
      "print launch lines, counts and an estimate; run nothing")                                   \
    O(FORMAT, "format", "F", "text", COMMAND, "what goes to standard output: text, csv or json")   \
    O(QUIET, "quiet", NULL, "no", COMMAND, "no progress")                                          \
    O(COLOR, "color", "WHEN", "auto", COMMAND, "auto, always or never")

enum option_id {
#define OPTION_ID(id, name, argument, fallback, scope, help) OPTION_##id,
    OPTIONS(OPTION_ID)
#undef OPTION_ID
        OPTION_COUNT
};

enum option_scope { EXPERIMENT, RUN, COMMAND };

struct option {
    const char *name, *argument, *fallback;
    enum option_scope scope;
    const char *help;
};

extern const struct option option_table[OPTION_COUNT];

/* One value and where it stands: "configs/quick.ini:12: workers" or "--workers". */
struct setting {
    char *text; /* NULL: not set here */
    char *place;
};

/* The settings of one section, or of the command line. */
struct section {
    char *name;
    char *place; /* "configs/quick.ini:3" */
    struct setting settings[OPTION_COUNT];
};

struct configuration {
    struct section command;   /* of the command line */
    struct section *sections; /* of all files in order; [defaults] of a file is filled in */
    size_t n, capacity;
    struct section defaults; /* all [defaults] together: the RUN options */
    char **files;            /* paths as given; ends with NULL */
    size_t n_files;
};

void configuration_init(struct configuration *c);
void configuration_release(struct configuration *c);

/* Reads argv[0..argc-1] (options and FILEs, after the subcommand), then the files. An option that
 * needs an argument takes "--name VALUE" or "--name=VALUE". The sentence on failure names file,
 * line, key and value, and the nearest name. */
int configuration_read(struct configuration *c, int argc, char **argv, struct err *err);

/* Reads one INI file into the configuration. */
int configuration_read_file(struct configuration *c, const char *path, struct err *err);

/* Sets an option as if on the command line, unless it is there. */
void configuration_set_default(struct configuration *c, enum option_id id, const char *text,
                               const char *place);

/* The setting that counts for a section (NULL: what holds for the whole run): command line,
 * section, [defaults], fallback. Never NULL. *place, if wanted, is where it stands. */
const char *configuration_get(const struct configuration *c, const struct section *section,
                              enum option_id id, const char **place);

/* Whether it was set anywhere. */
bool configuration_has(const struct configuration *c, const struct section *section,
                       enum option_id id);

#endif
