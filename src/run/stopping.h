/* When a run stops asking: what it knows of its points, and which of them a pass asks.
 *
 * A point takes `reps` samples in each of `launches` launches. With --precision it takes fewer:
 * none more once half the interval of what is looked at (its time, or its speedup:
 * plan_looks_at_ratio) is narrow enough, and not by luck, and none more in a launch that can tell
 * little else, while there are launches to come; what it left there it may take in the last one.
 *
 * A decision about a pass follows from the plan and from the samples that stand before the pass, in
 * the order of launch, group and pass, and from nothing else: no clock, and no sample of the pass
 * itself. So precision looks at whole pairs, and a run that was broken off in mid-pass and is
 * resumed decides as it would have.
 *
 * Steps: stopping_init; stopping_note for every sample, of the journal first; stopping_asks before
 * every pass; stopping_release.
 */
#ifndef POOLMARK_RUN_STOPPING_H
#define POOLMARK_RUN_STOPPING_H

#include "run/plan.h"

/* A place in the run: one pass of a group in a launch. */
struct turn {
    uint64_t launch, group, pass;
};

/* A point is seen in so many launches, if there are so many, before it is precise. A launch in
 * which it rests has at least so many samples of it, and so many where it was in others before and
 * three are needed: 3, 2 and 2, or 3 and 3. With one less no test could tell that launches differ.
 */
enum { STOPPING_LEAST_LAUNCHES = 3, STOPPING_LEAST_IN_LAUNCH = 3, STOPPING_LEAST_IN_LATER = 2 };

struct observed {
    uint32_t launch, group, pass;
    double ns;
};

/* How often a turn's sample was taken, and how many of these failed. The others of them were
 * disturbed: what was taken after one of these is a retake. */
struct takes {
    uint64_t n, failed;
};

/* What is known of a point. */
struct watched {
    struct observed *samples; /* right answers that count, in the order of their turns */
    size_t n, capacity;
    bool dead;          /* it failed: not asked again in this execution */
    bool has_failed;    /* the journal has a failure, the last of them */
    struct turn failed; /* of this turn, */
    struct takes takes; /* which was taken so often till then */
    size_t first_group; /* of the groups that it is in */
    /* The last look at the samples: how many, in which launch, and what was seen. */
    size_t looked_n;
    uint64_t looked_launch;
    bool looked, settled, rests;
    bool differs; /* in the last launch: its launches do */
};

struct stopping {
    const struct plan *plan;
    bool is_open; /* launches go on until the precision is reached or the time is up */
    struct watched *points;
};

void stopping_init(struct stopping *s, const struct plan *plan, bool is_open);
void stopping_release(struct stopping *s);

/* The sample's time as estimates take it: with fresh, making and ending the workers is part of it.
 */
double stopping_time_ns(const struct point *point, const struct sample *sample);

/* Takes a sample in. Of several of one turn the last counts; one that failed counts as not taken.
 */
void stopping_note(struct stopping *s, size_t point, const struct sample *sample);

/* The point is not asked again. */
void stopping_give_up(struct stopping *s, size_t point);

/* Whether the point has its sample of this turn. */
bool stopping_has(const struct stopping *s, size_t point, const struct turn *turn);

/* How often the point's sample of this turn was taken, where that failed: `n` is the next one's
 * `retake`. 0 where it did not fail. */
struct takes stopping_takes(const struct stopping *s, size_t point, const struct turn *turn);

/* Whether the pass asks the point, which is in the turn's group, whether or not it has its sample
 * already: it wants one, or is the base of one that does. Points that a pass of a launch does not
 * ask are not asked by the launch's later passes either. */
bool stopping_asks(struct stopping *s, size_t point, const struct turn *turn);

/* Whether a pass asks anybody. */
bool stopping_asks_any(struct stopping *s, const struct turn *turn);

/* Whether the point lacks samples, or the precision that more launches might bring. */
bool stopping_lacks(struct stopping *s, size_t point);

#endif
