/* The numbers that some rules reckon with (sched.h: h, mean, sd), measured where nobody gave them:
 * in the root, before a list is timed, once a cell. */
#ifndef POOLMARK_CELL_CALIBRATE_H
#define POOLMARK_CELL_CALIBRATE_H

#include "cell/worker.h"

/* What was measured already. Zeroed at first. */
enum { CALIBRATION_WORKS = 16, CALIBRATION_WAYS = 8 };

struct calibration {
    struct task_times {
        char spec[SPEC_BYTES];
        double scale;
        uint64_t n;
        double mean_ns, sd_ns;
    } works[CALIBRATION_WORKS];
    size_t n_works; /* in all; the oldest makes room */
    struct {
        char dispatch[16];
        double h_ns;
    } ways[CALIBRATION_WAYS];
    size_t n_ways;
};

/* Fills in what the rule needs and the specification lacks. Of the job, all is set but its chunks
 * (sched: n and workers). Returns -1 when the workload cannot be set up or the backend fails; *lost
 * tells whether its map or collect did, which costs the team (backend.h).
 *
 *   mean, sd  a sample of the job's tasks, which this process runs one by one and times
 *   h         lists of null tasks in chunks of 1 by the job's dispatch, or, where that carries no
 *             such chunks, by the backend's own for them: the mean over the workers of claim time /
 *             claims, or, where claims are not seen, wall time × workers / chunks; of several
 *             equal lists the median
 *
 * Workers of null tasks meet at the counter all the time, those of longer tasks now and then, for
 * whom a claim costs less than this h. */
int calibrate(struct calibration *known, const struct backend *backend, struct team *team,
              struct work_shelf *works, const struct job *job, struct sched_spec *spec, bool *lost,
              struct err *err);

/* The sample of tasks: 64, fewer when there are fewer or when they take longer than 50 ms together,
 * at least 4. Which tasks follows from n alone: one out of each of as many equal parts of the list,
 * asked in random order. Each is run twice, and the lesser time counts, since the other run may
 * have been interrupted. */
void calibrate_tasks(const struct work *work, double *mean_ns, double *sd_ns);

#endif
