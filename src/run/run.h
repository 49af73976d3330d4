/* The run itself: launches, groups of cells side by side, passes in random order, one sample at a
 * time, each journaled when it arrives.
 *
 *     for each launch
 *       for each group of cells            (bounded; each point's base among them)
 *         start the cells, wait for their hellos
 *         for each pass
 *           ask every point of the group that still wants samples, in a random order, for one
 *             and again, at once, when it was disturbed (--retakes): the last one counts
 *         end the cells
 *
 * The order of a pass depends on (seed, launch, group, pass) alone, so a resumed run goes on in the
 * same order. Which points a pass asks is stopping.h's to say.
 */
#ifndef POOLMARK_RUN_RUN_H
#define POOLMARK_RUN_RUN_H

#include "record/journal.h"
#include "run/hosts.h"
#include "run/plan.h"
#include "run/progress.h"

struct run_result {
    uint64_t n_samples; /* taken in this execution */
    uint64_t n_failed;  /* of them not ok */
    bool worker_lost;   /* a cell died, hung or talked nonsense */
    bool wrong;         /* a wrong answer, a request that could not be carried out, or a worker that
                           --bind-strict found elsewhere */
    uint64_t n_disturbed;   /* of the samples: right, and carry flags; n_retaken of these */
    uint64_t n_retaken;     /* were taken again and are set aside, the others count all the same */
    char disturbances[256]; /* "preempted 9, slow-clock 3": how many carry which flag */
    bool retakes_held;      /* too many were disturbed for all of them to be taken again */
    bool interrupted, out_of_time;
    size_t n_skipped;   /* points that lack samples, or precision, because of either */
    char skipped[1024]; /* their experiments: "strong-burn 4, tiny 2" */
};

struct run {
    const struct plan *plan;
    const struct run_options *options;
    const char *folder;        /* exists; the journals go there */
    bool (*interrupted)(void); /* whether the user wants to stop; asked about every 100 ms */
    struct progress *progress;
    struct hosts *hosts; /* numbers the machines that are met, for what is written */
};

/* Executes what the journal in the folder does not have yet. Returns -1 only when it cannot go on
 * at all (the journal cannot be written); what was measured until then is on disk. All cells are
 * ended in any case. Backends found missing on the way are added to the plan's. */
int run_execute(const struct run *run, struct plan *plan, struct run_result *result,
                struct err *err);

#endif
