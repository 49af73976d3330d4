/* The plan of a run: experiments expanded to points, the cells that realise them, and the groups of
 * cells that live side by side. Pure: it starts nothing. */
#ifndef POOLMARK_RUN_PLAN_H
#define POOLMARK_RUN_PLAN_H

#include "model/bound.h"
#include "record/record.h"
#include "run/experiment.h"

/* What a launch of a cell fixes. */
struct cell_spec {
    const struct backend_kind *kind; /* of the first experiment that asked for it */
    uint32_t workers, ranks, threads;
    const char *bind;
    bool oversubscribe;
    bool crowded;     /* more workers than usable CPUs */
    bool fresh;       /* started anew for every sample */
    bool unavailable; /* cannot run here; said once in plan.missing */
    size_t group;
};

struct plan_point {
    struct point point;
    char
        label[FIELD_TEXT_BYTES]; /* the workload for people: without parameters at their defaults */
    const struct experiment *experiment;
    size_t base; /* the point that its speedup is relative to; itself for a base */
    size_t cell;
    struct bound bound;
    bool uses_cpu;
    uint64_t timeout_ns; /* longest time for one sample */
};

struct plan_group {
    size_t *points; /* bases first, each with a cell of this group */
    size_t n_points;
    size_t *cells;
    size_t n_cells;
};

/* A backend that was asked for and cannot run here. */
struct missing {
    char name[32];
    char reason[512];
};

struct plan {
    struct plan_point *points;
    size_t n, capacity;
    struct cell_spec *cells;
    size_t n_cells, cells_capacity;
    struct plan_group *groups;
    size_t n_groups;
    struct missing *missing;
    size_t n_missing;
    int usable;
};

/* Expands the experiments. A combination that cannot be (ranks that do not divide the workers, more
 * ranks than slots, a schedule or dispatch that a backend does not carry, a workload that fails to
 * set up) is an error; of several dispatches those that a backend and schedule cannot have are left
 * out, as long as one is left. The experiments must outlive the plan. */
int plan_make(struct plan *plan, const struct experiments *experiments,
              const struct run_options *options, const struct topo_counts *machine,
              struct err *err);
void plan_release(struct plan *plan);

/* The point of the plan that is equal, or SIZE_MAX. */
size_t plan_find(const struct plan *plan, const struct point *point);

/* Whether --precision looks at the point's speedup: the interval of the ratios to its base. Else it
 * looks at the time: that was asked for, or it is a base, or tasks that do nothing, of which tables
 * show no speedup. */
bool plan_looks_at_ratio(const struct plan *plan, size_t point);

/* Samples that the plan asks for when nothing stops early, and an estimate of how long they take,
 * in ns, from the ideal times. */
uint64_t plan_samples(const struct plan *plan);
double plan_estimate_ns(const struct plan *plan);

#endif
