/* What is written down and drawn, rules 9 to 12, and whether the files agree: see rules.h. */
#include "report/busy.h"
#include "report/factors.h"
#include "report/rules_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- 9 and 10: the circumstances ----------------------------------------------------------------
 */

/* What manifest.json must tell of the factors of a run; a value may be empty, but not null. */
static const char *const factors_told[] = {
    "poolmark",
    "git",
    "compiler",
    "cflags",
    "optimised",
    "libraries.libc",
    "libraries.hwloc",
    "libraries.gsl",
    "libraries.jansson",
    "command",
    "seed",
    "machine.cpu",
    "machine.microcode",
    "machine.kernel",
    "machine.packages",
    "machine.numa_nodes",
    "machine.cores",
    "machine.pus",
    "machine.affinity",
    "machine.quota_cpus",
    "machine.usable",
    "machine.memory_gib",
    "conditions",
    "environment",
    "runtimes",
    "info",
    "plan.points",
};

/* The first key or section that plan.ini lacks, or NULL. Keys of an experiment that nobody set are
 * not written. */
static bool plan_lacks(const struct evidence *e, struct text *why)
{
    char path[4300], line[512];
    struct text all = TEXT_INIT;
    snprintf(path, sizeof path, "%.4000s/plan.ini", e->given.folder);
    FILE *file = fopen(path, "re");
    text_addf(&all, "\n");
    while (file && fgets(line, sizeof line, file)) {
        /* "key=value" and "key : value" are what "key = value" is. */
        char *key = text_trim(line), *equals = strpbrk(key, "=:");
        if (*key == '[' || *key == '#' || *key == ';' || !equals) {
            text_addf(&all, "%s\n", key);
            continue;
        }
        *equals = '\0';
        text_addf(&all, "%s = ", text_trim(key));
        text_addf(&all, "%s\n", text_trim(equals + 1));
    }
    if (file)
        fclose(file);
    for (size_t i = 0; e->given.plan_keys[i] && why->length == 0; i++) {
        snprintf(line, sizeof line, "\n%s =", e->given.plan_keys[i]);
        if (!strstr(all.text, line))
            text_addf(why, "plan.ini lacks %s", e->given.plan_keys[i]);
    }
    for (size_t i = 0; i < e->given.n_points && why->length == 0; i++) {
        snprintf(line, sizeof line, "\n[%s]\n", e->given.points[i].point->experiment);
        if (!strstr(all.text, line))
            text_addf(why, "plan.ini lacks [%s]", e->given.points[i].point->experiment);
    }
    snprintf(line, sizeof line, "\nseed = %" JSON_INTEGER_FORMAT "\n",
             json_integer_value(evidence_member(e, "seed")));
    if (why->length == 0 && !strstr(all.text, line))
        text_addf(why, "the seed of plan.ini is not that of manifest.json");
    text_release(&all);
    json_int_t points = json_integer_value(evidence_member(e, "plan.points")),
               samples = json_integer_value(evidence_member(e, "plan.samples"));
    bool is_whole = e->given.n_samples && json_object_size(evidence_member(e, "missing")) == 0;
    if (why->length == 0 && (points != (json_int_t)e->given.n_points ||
                             (is_whole && samples != (json_int_t)e->given.n_samples)))
        text_addf(why,
                  "plan.ini is not what the run began with: it makes %zu points and %" PRIu64
                  " samples, manifest.json tells of %" PRId64 " and %" PRId64,
                  e->given.n_points, e->given.n_samples, (int64_t)points, (int64_t)samples);
    return why->length > 0;
}

/* Whether topology.xml is there to its end. */
static bool has_topology(const struct evidence *e)
{
    char path[4300], tail[64] = "";
    snprintf(path, sizeof path, "%.4000s/topology.xml", e->given.folder);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (fseek(file, -(long)sizeof tail + 1, SEEK_END) == 0)
        tail[fread(tail, 1, sizeof tail - 1, file)] = '\0';
    fclose(file);
    return strstr(tail, "</topology>") != NULL;
}

/* A backend whose cells run on a library that the manifest does not name. */
static const char *lacks_runtime(const struct evidence *e)
{
    static const char *const on_libraries[] = {"openmp", "mpi", "hybrid"};
    for (size_t i = 0; i < e->n_rows; i++) {
        const char *backend = e->rows[i].point.backend;
        bool needs = false;
        for (size_t k = 0; k < sizeof on_libraries / sizeof *on_libraries; k++) {
            size_t n = strlen(on_libraries[k]);
            needs = needs || (strncmp(backend, on_libraries[k], n) == 0 &&
                              (backend[n] == '\0' || backend[n] == ':'));
        }
        if (needs && rules_is_measured(&e->rows[i]) &&
            !json_object_get(evidence_member(e, "runtimes"), backend))
            return backend;
    }
    return NULL;
}

enum rule_state rules_factors(const struct evidence *e, struct text *why)
{
    size_t n = sizeof factors_told / sizeof *factors_told;
    if (!e->given.manifest)
        return text_addf(why, "manifest.json cannot be read"), RULE_BROKEN;
    for (size_t i = 0; i < n; i++)
        if (!evidence_member(e, factors_told[i]))
            return text_addf(why, "manifest.json lacks %s", factors_told[i]), RULE_BROKEN;
    if (json_object_size(evidence_member(e, "conditions")) == 0)
        return text_addf(why, "manifest.json tells no condition of the machine"), RULE_BROKEN;
    const char *backend = lacks_runtime(e);
    if (backend)
        return text_addf(why, "manifest.json does not tell the runtime of %s", backend),
               RULE_BROKEN;
    if (plan_lacks(e, why))
        return RULE_BROKEN;
    if (e->n_ok && !evidence_has_file(e, "placements.csv"))
        return text_addf(why, "there is no placements.csv: where workers ran is not told"),
               RULE_BROKEN;
    if (!has_topology(e))
        return text_addf(why, "topology.xml is not there, or not whole"), RULE_BROKEN;
    text_addf(why,
              "manifest.json, plan.ini and topology.xml tell the machine (%zu conditions), "
              "versions, flags, environment, configuration and seed",
              json_object_size(evidence_member(e, "conditions")));
    return RULE_MET;
}

/* Of what is timed, at most: what a reading of the clock costs, its resolution, what is left
 * between the clocks of machines. The first two are the paper's. */
static const double MOST_COST = 0.05, MOST_RESOLUTION = 0.1, MOST_CLOCK_ERROR = 0.01;

enum rule_state rules_timing(const struct evidence *e, struct text *why)
{
    static const char *const told[] = {"timing.clock",   "timing.resolution_ns",
                                       "timing.cost_ns", "timing.start",
                                       "timing.end",     "timing.synchronisation"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!evidence_member(e, told[i]))
            return text_addf(why, "manifest.json lacks %s", told[i]), RULE_BROKEN;
    double cost = json_number_value(evidence_member(e, "timing.cost_ns")),
           resolution = json_number_value(evidence_member(e, "timing.resolution_ns"));
    if (e->n_ok == 0)
        return text_addf(why, "nothing was measured"), RULE_BROKEN;
    if (cost > MOST_COST * e->shortest_ns || resolution > MOST_RESOLUTION * e->shortest_ns)
        return text_addf(
                   why,
                   "the shortest sample, %.0f ns, is too short for a clock that costs %.0f ns "
                   "and has steps of %.0f ns",
                   e->shortest_ns, cost, resolution),
               RULE_BROKEN;
    if (e->clock_error > MOST_CLOCK_ERROR)
        return text_addf(why, "the clocks of the machines differ by up to %.1f %% of a sample",
                         100 * e->clock_error),
               RULE_BROKEN;
    if (*e->workers_problem)
        return text_addf(why, "%s", e->workers_problem), RULE_BROKEN;
    if (e->n_short)
        return text_addf(why, "%zu of %zu samples lack the times of their workers (%s)", e->n_short,
                         e->n_ok, e->first_short),
               RULE_BROKEN;
    text_addf(why,
              "%s, %.0f ns a reading, is told with start, end and synchronisation; workers' times "
              "of %zu samples; ",
              json_string_value(evidence_member(e, "timing.clock")), cost, e->n_ok);
    if (e->clock_error > 0)
        text_addf(why, "clocks of the machines agree within %.2g %% of a sample",
                  100 * e->clock_error);
    else
        text_addf(why, "one clock");
    return RULE_MET;
}

/* --- 11 and 12: bounds and figures ---------------------------------------------------------------
 */

enum rule_state rules_bounds(const struct evidence *e, struct text *why)
{
    struct tally bounds = {.n = 0}, above = {.n = 0};
    size_t n_speedups = 0;
    if (!rules_has_rows(e, why))
        return RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct evidence_row *r = &e->rows[i];
        if (!rules_is_measured(r) || !isfinite(r->row.speedup))
            continue;
        const struct rules_point *p = rules_planned(e, &r->point, i);
        n_speedups += r->again != summary_base(e->given.summary, r->again);
        tally_count(&above, r->row.speedup_low > r->row.bound, &r->point);
        tally_count(&bounds, !p || !(r->row.bound > 0) || !rules_is_near(r->row.bound, p->bound),
                    &r->point);
    }
    if (!tally_tell(&bounds, "have no bound beside their speedup that follows from the plan", why))
        return RULE_BROKEN;
    if (n_speedups == 0)
        return text_addf(why, "no speedup that a bound could stand beside"), RULE_IDLE;
    text_addf(why, "the bound of theory stands beside each speedup (%zu)", n_speedups);
    if (above.n)
        text_addf(why, "; %zu lie%s above it with the whole interval (the first: %s)", above.n,
                  above.n == 1 ? "s" : "", above.first);
    return RULE_MET;
}

/* Whether several worker counts were measured in the experiment. */
static bool has_worker_counts(const struct summary *s, const char *experiment)
{
    const struct point *first = NULL;
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = &s->points[i].point;
        if (!factors_is_shown(&s->points[i], experiment))
            continue;
        if (first && first->workers != p->workers)
            return true;
        first = first ? first : p;
    }
    return false;
}

/* Whether two points of the experiment differ in their chunk size alone, as far as figures go. */
static bool has_chunk_sizes(const struct summary *s, const char *experiment)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = &s->points[i].point;
        if (!factors_is_shown(&s->points[i], experiment))
            continue;
        for (size_t k = 0; k < i; k++) {
            const struct point *q = &s->points[k].point;
            if (q->chunk != p->chunk && q->workers == p->workers && q->tasks == p->tasks &&
                factors_is_shown(&s->points[k], experiment) &&
                strcmp(q->backend, p->backend) == 0 && strcmp(q->schedule, p->schedule) == 0 &&
                strcmp(q->workload, p->workload) == 0)
                return true;
        }
    }
    return false;
}

static bool has_both(const struct summary *s, const char *experiment)
{
    return has_worker_counts(s, experiment) && has_chunk_sizes(s, experiment);
}

/* The kinds of figures that an experiment calls for. */
static const struct called {
    const char *script;
    bool (*is_called)(const struct summary *s, const char *experiment);
    bool has_dots; /* must show the samples */
} figures_called[] = {
    {"speedup", has_worker_counts, true},
    {"efficiency", has_worker_counts, true},
    {"time", has_worker_counts, true},
    {"chunks", has_chunk_sizes, true},
    {"heat", has_both, false},
    {"schedules", busy_compares, true},
};

static const struct evidence_figure *find_figure(const struct evidence *e, const char *name)
{
    for (size_t i = 0; i < e->n_figures; i++)
        if (strcmp(e->figures[i].name, name) == 0)
            return &e->figures[i];
    return NULL;
}

/* Whether the figure is there, with what it must show. */
static bool has_figure(const struct evidence *e, const char *name, bool has_dots, struct text *why)
{
    const struct evidence_figure *f = find_figure(e, name);
    if (!f)
        text_addf(why, "there is no figure %s%s; `poolmark plot` draws it", name,
                  evidence_member(e, "gnuplot") ? "" : ", since gnuplot is not installed");
    else if (!f->is_whole)
        text_addf(why, "the figure %s lacks a file or is older than summary.csv", name);
    else if (has_dots && f->samples == 0)
        text_addf(why, "the figure %s does not show the samples", name);
    return why->length == 0;
}

enum rule_state rules_figures(const struct evidence *e, struct text *why)
{
    const struct summary *s = e->given.summary;
    size_t n_called = 0;
    if (e->given.is_drawing)
        return text_addf(why, "figures are drawn from these samples"), RULE_MET;
    for (size_t i = 0; i < s->n; i++) {
        const char *experiment = s->points[i].point.experiment;
        for (size_t k = 0; k < sizeof figures_called / sizeof *figures_called; k++) {
            const struct called *f = &figures_called[k];
            char name[160];
            if (!factors_begin_experiment(s, i) || !f->is_called(s, experiment))
                continue;
            snprintf(name, sizeof name, "%.63s-%s", experiment, f->script);
            n_called++;
            if (!has_figure(e, name, f->has_dots, why))
                return RULE_BROKEN;
        }
    }
    if (e->given.has_articles && ++n_called && !has_figure(e, "articles", false, why))
        return RULE_BROKEN;
    if (*e->figures_problem && (n_called || evidence_has_file(e, "plots/figures.csv")))
        return text_addf(why, "%s", e->figures_problem), RULE_BROKEN;
    for (size_t i = 0; i < e->n_figures; i++) {
        const struct evidence_figure *f = &e->figures[i];
        if (!has_figure(e, f->name, false, why))
            return RULE_BROKEN;
        if (f->joined && strcmp(f->axis, "number") != 0)
            return text_addf(why, "the figure %s joins categories by lines", f->name), RULE_BROKEN;
    }
    if (e->n_figures == 0)
        return text_addf(why, "no experiment calls for a figure; tables and samples.csv tell all"),
               RULE_IDLE;
    text_addf(why, "%zu figures, no older than summary.csv; lines over numbers alone",
              e->n_figures);
    return RULE_MET;
}

/* --- do the files agree? ------------------------------------------------------------------------
 */

enum rule_state rules_file_samples(const struct evidence *e, struct text *why)
{
    if (*e->samples_problem)
        return text_addf(why, "%s", e->samples_problem), RULE_BROKEN;
    if (e->given.summary->cut_off)
        return text_addf(why, "the last line is cut off; `poolmark run --resume` goes on"),
               RULE_BROKEN;
    text_addf(why, "%zu samples, %zu of them right", e->n_samples, e->n_ok);
    return RULE_MET;
}

enum rule_state rules_file_orders(const struct evidence *e, struct text *why)
{
    if (e->n_twins)
        return text_addf(why, "%zu of %zu order numbers come twice", e->n_twins, e->n_samples),
               RULE_BROKEN;
    text_addf(why, "%zu order numbers, none twice", e->n_samples);
    return RULE_MET;
}

static bool equal_fields(const void *a, const void *b)
{
    for (const struct field *f = summary_fields; f->name; f++) {
        const void *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
        bool same = f->type == FIELD_text   ? strcmp(x, y) == 0
                    : f->type == FIELD_real ? rules_is_near(*(const double *)x, *(const double *)y)
                                            : *(const uint64_t *)x == *(const uint64_t *)y;
        if (!same)
            return false;
    }
    return true;
}

enum rule_state rules_file_summary(const struct evidence *e, struct text *why)
{
    struct tally differ = {.n = 0};
    if (*e->summary_problem)
        return text_addf(why, "%s; `poolmark plot` writes it anew", e->summary_problem),
               RULE_BROKEN;
    for (size_t i = 0; i < e->n_rows; i++)
        tally_count(&differ,
                    !e->rows[i].again || !equal_fields(&e->rows[i].row, &e->rows[i].again->row),
                    &e->rows[i].point);
    if (!tally_tell(&differ, "differ from what follows from samples.csv", why))
        return text_addf(why, "; `poolmark plot` writes it anew"), RULE_BROKEN;
    if (e->n_rows != e->given.summary->n)
        return text_addf(why, "%zu rows for %zu points; `poolmark plot` writes it anew", e->n_rows,
                         e->given.summary->n),
               RULE_BROKEN;
    text_addf(why, "%zu rows, as they follow from samples.csv", e->n_rows);
    return RULE_MET;
}

enum rule_state rules_file_workers(const struct evidence *e, struct text *why)
{
    if (*e->workers_problem)
        return text_addf(why, "%s", e->workers_problem), RULE_BROKEN;
    if (e->n_strangers)
        return text_addf(why, "%zu rows belong to no sample", e->n_strangers), RULE_BROKEN;
    text_addf(why, "every row belongs to a sample");
    return RULE_MET;
}
