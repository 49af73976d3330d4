/* The plan of a run: see plan.h.
 *
 * Expansion, from the outside in: experiment, workload, tasks, bind → the base point; then backend,
 * schedule, dispatch, chunk, workers, ranks. Factors that do not apply collapse (a base has no
 * schedule, `pool` has no chunk of its own) and equal points are kept once.
 */
#include "run/plan.h"

#include "base/alloc.h"
#include "base/text.h"
#include "sched/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct expansion {
    struct plan *plan;
    const struct topo_counts *machine;
    const struct experiment *e;
    const struct work *work; /* of the current workload and task count */
    const struct bound_costs *costs;
    size_t base; /* of the current workload, task count and bind */
    const char *bind;
    double scale;
};

static size_t find_cell(struct plan *plan, const struct cell_spec *spec)
{
    for (size_t i = 0; i < plan->n_cells; i++) {
        const struct cell_spec *c = &plan->cells[i];
        bool same_program = c->kind->command && spec->kind->command
                                ? strcmp(c->kind->command, spec->kind->command) == 0
                                : c->kind->command == spec->kind->command;
        if (strcmp(c->kind->name, spec->kind->name) == 0 && same_program &&
            c->workers == spec->workers && c->ranks == spec->ranks && c->threads == spec->threads &&
            c->fresh == spec->fresh && strcmp(c->bind, spec->bind) == 0)
            return i;
    }
    plan->cells =
        alloc_room(plan->cells, plan->n_cells, &plan->cells_capacity, sizeof *plan->cells);
    plan->cells[plan->n_cells] = *spec;
    return plan->n_cells++;
}

/* Adds the point unless it is there; returns its number. */
static size_t add_point(struct plan *plan, const struct plan_point *p)
{
    size_t at = plan_find(plan, &p->point);
    if (at != SIZE_MAX)
        return at;
    plan->points = alloc_room(plan->points, plan->n, &plan->capacity, sizeof *plan->points);
    plan->points[plan->n] = *p;
    return plan->n++;
}

size_t plan_find(const struct plan *plan, const struct point *point)
{
    for (size_t i = 0; i < plan->n; i++)
        if (point_equal(&plan->points[i].point, point))
            return i;
    return SIZE_MAX;
}

/* What the loop over the tasks takes at least, beyond their ideal times: all that null has. */
static const double task_overhead_ns = 3;

/* A deadline so far from now, 31 years, still fits in 64 bits. */
static const double most_timeout_ns = 1e18;

static double sequential_ns(const struct bound *bound, uint64_t tasks)
{
    return bound->total_ns + task_overhead_ns * (double)tasks;
}

/* `measures`: the cell may have to run some of the tasks twice, and lists of null tasks,
 * beforehand. */
static uint64_t sample_timeout(const struct expansion *x, const struct bound *bound, bool measures)
{
    double once = sequential_ns(bound, x->work->n);
    double rule = 4 * once > 60e9 ? 4 * once : 60e9;
    double more = measures ? 2 * once + 5e9 : 0;
    double ns = (x->e->timeout_ns ? (double)x->e->timeout_ns : rule) + more;
    return (uint64_t)(ns < most_timeout_ns ? ns : most_timeout_ns);
}

/* Fills what does not depend on the backend. */
static struct plan_point new_point(const struct expansion *x, const char *workload)
{
    struct plan_point p = {.experiment = x->e, .uses_cpu = x->work->def->flags & WORKLOAD_USES_CPU};
    text_copy(p.point.experiment, FIELD_TEXT_BYTES, x->e->name);
    text_copy(p.point.workload, FIELD_TEXT_BYTES, workload);
    if (work_short(workload, p.label, sizeof p.label, NULL) != 0)
        text_copy(p.label, sizeof p.label, workload);
    text_copy(p.point.bind, FIELD_TEXT_BYTES, x->bind);
    p.point.scale = x->scale;
    p.point.tasks = x->work->n;
    return p;
}

/* Notes once that a backend cannot run here. */
static bool is_missing(struct plan *plan, const struct backend_kind *kind)
{
    for (size_t i = 0; i < plan->n_missing; i++)
        if (strcmp(plan->missing[i].name, kind->name) == 0)
            return true;
    struct missing m = {0};
    if (backend_is_available(kind, m.reason, sizeof m.reason))
        return false;
    text_copy(m.name, sizeof m.name, kind->name);
    plan->missing = alloc_grown(plan->missing, plan->n_missing + 1, sizeof *plan->missing);
    plan->missing[plan->n_missing++] = m;
    return true;
}

static void add_base(struct expansion *x, const char *workload)
{
    struct plan_point p = new_point(x, workload);
    struct sched one = sched_resolve(SCHED_STATIC, x->work->n, 1, 0);
    text_copy(p.point.backend, FIELD_TEXT_BYTES, backend_kinds[0].name);
    text_copy(p.point.schedule, FIELD_TEXT_BYTES, "none");
    text_copy(p.point.dispatch, FIELD_TEXT_BYTES, "none");
    p.point.chunk = one.chunk;
    p.point.chunk_auto = 1;
    p.point.workers = p.point.ranks = p.point.threads = 1;
    p.bound = bound_compute(x->costs, &one, 0, x->machine->usable);
    p.timeout_ns = sample_timeout(x, &p.bound, false);
    p.cell = find_cell(
        x->plan,
        &(struct cell_spec){
            .kind = &backend_kinds[0], .workers = 1, .ranks = 1, .threads = 1, .bind = x->bind});
    x->plan->cells[p.cell].unavailable = is_missing(x->plan, &backend_kinds[0]);
    x->base = add_point(x->plan, &p);
    x->plan->points[x->base].base = x->base;
}

struct shape {
    const struct backend_kind *kind;
    const struct sched_spec *spec;
    const char *dispatch;
    uint64_t chunk;
    uint32_t workers, ranks;
};

/* The dispatch that a name stands for under a rule, or NULL; a cell of one's own carries all. */
static const char *way_of(const struct backend_kind *kind, const char *asked,
                          const struct sched_rule *rule)
{
    return kind->command ? asked : dispatch_choose(backend_cell_name(kind), asked, rule, NULL);
}

/* Refuses a schedule that no dispatch of the backend carries; names the backends that can. */
static int refuse_schedule(const struct expansion *x, const struct shape *s, struct err *err)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "%s: no dispatch of %s carries '%s'; backends that can:",
              x->e->places[OPTION_SCHEDULES], s->kind->name, s->spec->rule->name);
    const char *between = " ";
    for (const struct backend_kind *k = backend_kinds; k->name; k++)
        if (!k->is_base && way_of(k, "auto", s->spec->rule)) {
            text_addf(&t, "%s%s", between, k->name);
            between = ", ";
        }
    err_set(err, "%s", t.text);
    text_release(&t);
    return -1;
}

/* Whether nobody would be left to compute: rank 0 only grants. */
static bool lacks_workers(const struct shape *s)
{
    return s->kind->uses_ranks && s->ranks < 2 && strcmp(s->dispatch, "master-only") == 0;
}

/* Whether another dispatch of the list can carry the schedule. */
static bool has_choice(const struct expansion *x, const struct shape *s)
{
    size_t n = 0;
    for (size_t d = 0; d < x->e->n_dispatches; d++)
        n += way_of(s->kind, x->e->dispatches[d], s->spec->rule) != NULL;
    return n > 1;
}

static int refuse_lone_master(const struct expansion *x, const struct shape *s, struct err *err)
{
    return err_set(err,
                   "%s: dispatch 'master-only' of %s needs 2 ranks or more, since rank 0 only "
                   "grants, and %u worker%s make%s 1 rank",
                   x->e->places[OPTION_DISPATCH], s->kind->name, s->workers,
                   s->workers == 1 ? "" : "s", s->workers == 1 ? "s" : "");
}

static int slots_of(const struct topo_counts *machine)
{
    /* Inside a Slurm allocation mpirun takes the slots from it. */
    const char *slurm = getenv("SLURM_NTASKS");
    int slots = slurm ? atoi(slurm) : 0;
    return slots > 0 ? slots : machine->usable_cores;
}

/* The schedule as far as it is known now. Where a cell measures what the rule reckons with, its
 * chunks are not: then it stands as adaptive, with the least chunk that was asked for, or 1. */
static struct sched plan_sched(const struct sched_spec *spec, uint64_t n, uint32_t workers,
                               uint64_t chunk)
{
    if (sched_spec_check_complete(spec, NULL) == 0)
        return sched_make(spec, n, workers, chunk);
    struct sched sched = sched_resolve(SCHED_DYNAMIC, n, workers, chunk ? chunk : 1);
    sched.kind = spec->rule->kind;
    sched.class = SCHED_ADAPTIVE;
    return sched;
}

/* The guided loop of LLVM's runtime has other chunks than GCC's: those of guided-llvm. */
static bool is_cut_by_libomp(const struct backend_kind *kind, const char *dispatch,
                             const struct sched_rule *rule)
{
    return rule->kind == SCHED_GUIDED && strcmp(dispatch, "native") == 0 && kind->library &&
           strcmp(kind->library, "libomp") == 0;
}

/* The workers that run no task: the threads of a rank 0 that only grants. */
static uint32_t idle_workers(const struct shape *s)
{
    bool has_idle = s->kind->uses_ranks && strcmp(s->dispatch, "master-only") == 0;
    return has_idle ? s->workers / s->ranks : 0;
}

static int add_shape(struct expansion *x, const struct shape *s, const char *workload,
                     struct err *err)
{
    struct plan_point p = new_point(x, workload);
    if (s->kind->uses_ranks && !x->e->oversubscribe && (int)s->ranks > slots_of(x->machine))
        return err_set(err,
                       "%s: %s asks for %u ranks, and this machine has %d slot%s; "
                       "--oversubscribe allows more",
                       x->e->places[OPTION_WORKERS], s->kind->name, s->ranks, slots_of(x->machine),
                       slots_of(x->machine) == 1 ? "" : "s");
    if (lacks_workers(s))
        return has_choice(x, s) ? 0 : refuse_lone_master(x, s, err);
    text_copy(p.point.dispatch, FIELD_TEXT_BYTES, way_of(s->kind, s->dispatch, s->spec->rule));
    struct sched sched = plan_sched(s->spec, x->work->n, s->workers, s->chunk);
    text_copy(p.point.backend, FIELD_TEXT_BYTES, s->kind->name);
    sched_spec_write(s->spec, p.point.schedule, FIELD_TEXT_BYTES);
    p.point.chunk = sched.chunk;
    p.point.chunk_auto = s->chunk == 0;
    p.point.workers = s->workers;
    p.point.ranks = s->ranks;
    p.point.threads = s->kind->uses_threads ? s->workers / s->ranks : 1;
    p.point.fresh = x->e->fresh;
    p.base = x->base;
    /* "auto" and the number that it stands for are one point; but static blocks without a chunk are
     * not what static does with a chunk of their size. */
    struct point twin = p.point;
    twin.chunk_auto = !p.point.chunk_auto;
    bool has_twin = !plan_sched(s->spec, x->work->n, s->workers, 0).blocks;
    if (plan_find(x->plan, &p.point) != SIZE_MAX ||
        (has_twin && plan_find(x->plan, &twin) != SIZE_MAX))
        return 0;
    if (is_cut_by_libomp(s->kind, p.point.dispatch, s->spec->rule))
        sched = sched_resolve(SCHED_GUIDED_LLVM, x->work->n, s->workers, s->chunk);
    p.bound = bound_compute(x->costs, &sched, idle_workers(s), x->machine->usable);
    p.timeout_ns = sample_timeout(x, &p.bound, sched_spec_check_complete(s->spec, NULL) != 0);
    p.cell = find_cell(x->plan, &(struct cell_spec){.kind = s->kind,
                                                    .workers = s->workers,
                                                    .ranks = s->ranks,
                                                    .threads = s->workers / s->ranks,
                                                    .bind = x->bind,
                                                    .crowded = (int)s->workers > x->machine->usable,
                                                    .oversubscribe = x->e->oversubscribe,
                                                    .fresh = x->e->fresh});
    x->plan->cells[p.cell].oversubscribe |= x->e->oversubscribe;
    x->plan->cells[p.cell].unavailable = is_missing(x->plan, s->kind);
    add_point(x->plan, &p);
    return 0;
}

static int refuse_ranks(const struct expansion *x, const struct shape *s, struct err *err)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "%s: ", x->e->places[OPTION_RANKS]);
    for (size_t i = 0; i < x->e->ranks.n; i++)
        text_addf(&t, "%s%llu", i ? ", " : "", (unsigned long long)x->e->ranks.items[i]);
    text_addf(&t, x->e->ranks.n == 1 ? " does not divide" : ": none divides");
    text_addf(&t, " the %u workers of %s; allowed: auto, all", s->workers, s->kind->name);
    for (uint32_t r = 1; r <= s->workers; r++)
        if (s->workers % r == 0)
            text_addf(&t, ", %u", r);
    err_set(err, "%s", t.text);
    text_release(&t);
    return -1;
}

/* The rank counts that a worker count is split into. */
static int add_factorisations(struct expansion *x, struct shape s, const char *workload,
                              struct err *err)
{
    if (!s.kind->uses_ranks || !s.kind->uses_threads) {
        s.ranks = s.kind->uses_ranks ? s.workers : 1;
        return add_shape(x, &s, workload, err);
    }
    size_t added = 0;
    uint32_t automatic = 1;
    for (uint32_t r = 1; r * r <= s.workers; r++)
        if (s.workers % r == 0)
            automatic = r;
    for (uint32_t r = 1; r <= s.workers; r++) {
        bool wanted =
            x->e->ranks_choice == RANKS_ALL || (x->e->ranks_choice == RANKS_AUTO && r == automatic);
        for (size_t i = 0; i < x->e->ranks.n; i++)
            wanted = wanted || x->e->ranks.items[i] == r;
        if (!wanted || s.workers % r != 0)
            continue;
        s.ranks = r;
        if (add_shape(x, &s, workload, err) != 0)
            return -1;
        added++;
    }
    return added ? 0 : refuse_ranks(x, &s, err);
}

/* One schedule under one dispatch: chunks, workers, ranks. */
static int expand_dispatch(struct expansion *x, struct shape shape, const char *workload,
                           struct err *err)
{
    const struct experiment *e = x->e;
    for (size_t c = 0; c < e->chunks.n; c++)
        for (size_t w = 0; w < e->workers.n; w++) {
            shape.chunk = shape.spec->rule->takes_chunk ? e->chunks.items[c] : 0;
            shape.workers = (uint32_t)e->workers.items[w];
            if (add_factorisations(x, shape, workload, err) != 0)
                return -1;
        }
    return 0;
}

static int refuse_dispatches(const struct expansion *x, const struct shape *s, struct err *err)
{
    struct text t = TEXT_INIT;
    bool one = x->e->n_dispatches == 1;
    text_addf(&t, "%s: %s", x->e->places[OPTION_DISPATCH], one ? "" : "none of ");
    for (size_t d = 0; d < x->e->n_dispatches; d++)
        text_addf(&t, "%s'%s'", d ? ", " : "", x->e->dispatches[d]);
    text_addf(&t, " %s schedule '%s' of %s; allowed: auto", one ? "cannot carry" : "can carry",
              s->spec->rule->name, s->kind->name);
    for (const char *const *d = dispatch_names(backend_cell_name(s->kind)); *d; d++)
        if (dispatch_carries(*d, s->spec->rule))
            text_addf(&t, ", %s", *d);
    err_set(err, "%s", t.text);
    text_release(&t);
    return -1;
}

/* Of the dispatches asked for, each schedule takes those that the backend has and that carry it;
 * one at least must. */
static int expand_backend(struct expansion *x, const struct backend_kind *kind,
                          const char *workload, struct err *err)
{
    const struct experiment *e = x->e;
    for (size_t s = 0; s < e->n_schedules; s++) {
        struct shape shape = {.kind = kind, .spec = &e->schedules[s]};
        if (!way_of(kind, "auto", shape.spec->rule))
            return refuse_schedule(x, &shape, err);
        size_t added = 0;
        for (size_t d = 0; d < e->n_dispatches; d++) {
            shape.dispatch = e->dispatches[d];
            if (!way_of(kind, shape.dispatch, shape.spec->rule))
                continue;
            if (expand_dispatch(x, shape, workload, err) != 0)
                return -1;
            added++;
        }
        if (added == 0)
            return refuse_dispatches(x, &shape, err);
    }
    return 0;
}

static int expand(struct plan *plan, const struct experiment *e, const struct topo_counts *machine,
                  struct err *err)
{
    struct expansion x = {.plan = plan, .machine = machine, .e = e};
    for (size_t w = 0; w < e->n_workloads; w++)
        for (size_t t = 0; t < e->tasks.n; t++) {
            struct work work;
            if (work_open(&work, e->workloads[w], e->tasks.items[t], e->scale, err) != 0)
                return err_prefix(err, "%s", e->places[OPTION_WORKLOAD]);
            struct bound_costs costs;
            bound_costs_ask(&costs, &work);
            x.work = &work;
            x.costs = &costs;
            x.scale = e->scale;
            int status = 0;
            for (size_t b = 0; b < e->n_binds && status == 0; b++) {
                x.bind = e->binds[b];
                add_base(&x, e->workloads[w]);
                for (size_t k = 0; k < e->n_backends && status == 0; k++)
                    status = expand_backend(&x, e->backends[k], e->workloads[w], err);
            }
            bound_costs_release(&costs);
            work_close(&work);
            if (status != 0)
                return -1;
        }
    return 0;
}

/* --- groups ----------------------------------------------------------------------------------- */

static int compare_cells(const void *a, const void *b, void *user)
{
    const struct cell_spec *cells = user, *x = &cells[*(const size_t *)a],
                           *y = &cells[*(const size_t *)b];
    if (x->workers != y->workers)
        return x->workers < y->workers ? -1 : 1;
    int bind = strcmp(x->bind, y->bind);
    if (bind)
        return bind;
    return *(const size_t *)a < *(const size_t *)b ? -1 : 1;
}

static bool holds(const size_t *items, size_t n, size_t item)
{
    for (size_t i = 0; i < n; i++)
        if (items[i] == item)
            return true;
    return false;
}

static void add_to_group(const struct plan *plan, struct plan_group *g, size_t point)
{
    if (holds(g->points, g->n_points, point))
        return;
    g->points = alloc_grown(g->points, g->n_points + 1, sizeof *g->points);
    g->points[g->n_points++] = point;
    size_t cell = plan->points[point].cell;
    if (holds(g->cells, g->n_cells, cell))
        return;
    g->cells = alloc_grown(g->cells, g->n_cells + 1, sizeof *g->cells);
    g->cells[g->n_cells++] = cell;
}

/* Cells of like worker counts live side by side, at most `most` with the base. Each point brings
 * its base into its group; a base that nobody needs goes into the first. */
static void make_groups(struct plan *plan, size_t most)
{
    size_t *order = alloc_zeroed(plan->n_cells, sizeof *order), n = 0;
    for (size_t i = 0; i < plan->n_cells; i++)
        if (!plan->cells[i].kind->is_base && !plan->cells[i].unavailable)
            order[n++] = i;
    qsort_r(order, n, sizeof *order, compare_cells, plan->cells);
    size_t room = most - 1;
    plan->n_groups = n ? (n + room - 1) / room : 1;
    plan->groups = alloc_zeroed(plan->n_groups, sizeof *plan->groups);
    /* Fill evenly: 8 cells in groups of at most 7 are 4 and 4. */
    for (size_t i = 0; i < n; i++)
        plan->cells[order[i]].group = i * plan->n_groups / n;
    free(order);
    bool *placed = alloc_zeroed(plan->n, sizeof *placed);
    for (size_t i = 0; i < plan->n; i++) {
        const struct cell_spec *cell = &plan->cells[plan->points[i].cell];
        if (cell->kind->is_base || cell->unavailable)
            continue;
        add_to_group(plan, &plan->groups[cell->group], plan->points[i].base);
        placed[plan->points[i].base] = true;
        add_to_group(plan, &plan->groups[cell->group], i);
    }
    for (size_t i = 0; i < plan->n; i++)
        if (plan->points[i].base == i && !placed[i])
            add_to_group(plan, &plan->groups[0], i);
    free(placed);
}

int plan_make(struct plan *plan, const struct experiments *experiments,
              const struct run_options *options, const struct topo_counts *machine, struct err *err)
{
    *plan = (struct plan){.usable = machine->usable};
    for (size_t i = 0; i < experiments->n; i++)
        if (expand(plan, &experiments->items[i], machine, err) != 0) {
            plan_release(plan);
            return -1;
        }
    make_groups(plan, (size_t)options->max_cells);
    return 0;
}

void plan_release(struct plan *plan)
{
    free(plan->points);
    free(plan->cells);
    for (size_t i = 0; i < plan->n_groups; i++) {
        free(plan->groups[i].points);
        free(plan->groups[i].cells);
    }
    free(plan->groups);
    free(plan->missing);
    *plan = (struct plan){0};
}

bool plan_looks_at_ratio(const struct plan *plan, size_t i)
{
    const struct plan_point *p = &plan->points[i];
    return !p->experiment->precision_of_time && p->base != i &&
           strcmp(p->point.workload, "null") != 0;
}

/* --- estimates of cost ------------------------------------------------------------------------ */

static uint64_t samples_of(const struct plan_point *p)
{
    return p->experiment->launches * p->experiment->reps;
}

uint64_t plan_samples(const struct plan *plan)
{
    uint64_t n = 0;
    for (size_t g = 0; g < plan->n_groups; g++)
        for (size_t i = 0; i < plan->groups[g].n_points; i++)
            n += samples_of(&plan->points[plan->groups[g].points[i]]);
    return n;
}

double plan_estimate_ns(const struct plan *plan)
{
    double ns = 0;
    for (size_t g = 0; g < plan->n_groups; g++) {
        const struct plan_group *group = &plan->groups[g];
        uint64_t launches = 0;
        for (size_t i = 0; i < group->n_points; i++) {
            const struct plan_point *p = &plan->points[group->points[i]];
            const struct cell_spec *cell = &plan->cells[p->cell];
            double once = sequential_ns(&p->bound, p->point.tasks);
            once /= p->bound.speedup > 0 ? p->bound.speedup : 1;
            /* Threads that spin after a region keep an answer back, and a fresh cell must start. */
            once += cell->fresh ? cell->kind->uses_ranks ? 900e6 : 50e6 : 3e6;
            ns += once * (double)samples_of(p);
            if (p->experiment->launches > launches)
                launches = p->experiment->launches;
        }
        ns += (double)launches * 1e9; /* starting and ending the cells */
    }
    return ns;
}
