/* From the journal of a run to what people see: see outcome.h. */
#include "cli/outcome.h"

#include "base/alloc.h"
#include "cli/command.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct point_facts facts_of(void *user, const struct point *point)
{
    const struct plan *plan = user;
    size_t i = plan_find(plan, point);
    if (i == SIZE_MAX)
        return (struct point_facts){
            .position = SIZE_MAX, .bound = NAN, .ideal_s = NAN, .uses_cpu = true};
    const struct plan_point *p = &plan->points[i];
    /* A sleeper's time is known by theory; any other is known from the base's time alone. */
    double ideal =
        p->uses_cpu || p->bound.speedup <= 0 ? NAN : p->bound.total_ns / p->bound.speedup / 1e9;
    return (struct point_facts){.known = true,
                                .position = i,
                                .bound = p->bound.speedup,
                                .uses_cpu = p->uses_cpu,
                                .ideal_s = ideal,
                                .precision = p->experiment->precision,
                                .precision_of_speedup = plan_looks_at_ratio(plan, i),
                                .title = p->experiment->title,
                                .label = p->label};
}

/* Claims of time are scaled as the workload's times are; work that burns is not scaled. */
static struct claim *scaled_claims(const struct experiment *e, const struct plan *plan)
{
    struct claim *claims = alloc_zeroed(e->n_claims, sizeof *claims);
    bool scales = true;
    for (size_t i = 0; i < plan->n; i++)
        if (plan->points[i].experiment == e && plan->points[i].uses_cpu)
            scales = false;
    for (size_t i = 0; i < e->n_claims; i++) {
        claims[i] = e->claims[i];
        if (claims[i].metric == CLAIM_TIME && scales)
            claims[i].value *= e->scale;
    }
    return claims;
}

static void make_articles(struct outcome_of_run *o, const struct plan *plan,
                          const struct experiments *all)
{
    struct article_claims *claims = alloc_zeroed(all->n, sizeof *claims);
    for (size_t i = 0; i < all->n; i++) {
        const struct experiment *e = &all->items[i];
        claims[i] = (struct article_claims){e->name, *e->title ? e->title : e->name, e->source,
                                            scaled_claims(e, plan), e->n_claims};
    }
    o->n_articles = articles_make(&o->summary, claims, all->n, &o->articles);
    for (size_t i = 0; i < all->n; i++)
        free((void *)claims[i].claims);
    free(claims);
}

int outcome_read(struct outcome_of_run *o, const char *folder, const struct plan *plan,
                 const struct experiments *experiments, struct err *err)
{
    char path[4300];
    *o = (struct outcome_of_run){0};
    snprintf(path, sizeof path, "%s/samples.csv", folder);
    if (summary_read(&o->summary, path, err) != 0)
        return -1;
    summary_estimate(&o->summary, plan->usable, facts_of, (void *)plan);
    make_articles(o, plan, experiments);
    return 0;
}

void outcome_release(struct outcome_of_run *o)
{
    summary_release(&o->summary);
    free(o->articles);
    *o = (struct outcome_of_run){0};
}

int outcome_write(const struct outcome_of_run *o, const char *folder, struct err *err)
{
    FILE *to = folder_create(folder, "summary.csv", err);
    if (!to)
        return -1;
    summary_write_csv(&o->summary, to);
    if (folder_commit(to, folder, "summary.csv", err) != 0 || o->n_articles == 0)
        return o->n_articles == 0 ? 0 : -1;
    to = folder_create(folder, "articles.csv", err);
    if (!to)
        return -1;
    articles_write_csv(o->articles, o->n_articles, to);
    return folder_commit(to, folder, "articles.csv", err);
}

/* The keys that plan.ini has in any run: options of the run as a whole, and of an experiment those
 * that have a value whatever is asked. */
static size_t plan_keys(const char *keys[OPTION_COUNT + 1])
{
    size_t n = 0;
    for (int id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = &option_table[id];
        if (o->scope == RUN || (o->scope == EXPERIMENT && *o->fallback))
            keys[n++] = o->name;
    }
    keys[n] = NULL;
    return n;
}

enum look { LOOK_AT_ALL, LOOK_BEFORE_DRAWING, LOOK_AT_FIGURES };

static void judge(struct outcome_of_run *o, const char *folder, const struct plan *plan,
                  enum look look)
{
    char path[4300];
    const char *keys[OPTION_COUNT + 1];
    struct rules_point *points = alloc_zeroed(plan->n + 1, sizeof *points);
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_point *p = &plan->points[i];
        points[i] = (struct rules_point){
            &p->point,
            p->experiment->precision > 0 ? 0 : p->experiment->launches * p->experiment->reps,
            p->experiment->launches * p->experiment->reps, p->bound.speedup};
    }
    plan_keys(keys);
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    json_t *manifest = json_load_file(path, 0, NULL);
    struct rules_evidence evidence = {.folder = folder,
                                      .summary = &o->summary,
                                      .manifest = manifest,
                                      .points = points,
                                      .n_points = plan->n,
                                      .n_samples = plan->n_missing ? 0 : plan_samples(plan),
                                      .plan_keys = keys,
                                      .has_articles = o->n_articles > 0,
                                      .is_drawing = look == LOOK_BEFORE_DRAWING};
    if (look == LOOK_AT_FIGURES)
        rules_judge_figures(&evidence, &o->verdict);
    else
        rules_judge(&evidence, &o->verdict);
    rules_line(&o->verdict, o->summary.rules, sizeof o->summary.rules);
    json_decref(manifest);
    free(points);
}

void outcome_judge(struct outcome_of_run *o, const char *folder, const struct plan *plan)
{
    judge(o, folder, plan, LOOK_AT_ALL);
}

int outcome_draw(struct outcome_of_run *o, const char *folder, const struct plan *plan,
                 struct figures *figures, struct err *err)
{
    judge(o, folder, plan, LOOK_BEFORE_DRAWING);
    if (figures_draw(&o->summary, folder, o->n_articles > 0, figures, err) != 0)
        return -1;
    if (figures->no_gnuplot)
        fprintf(stderr,
                "poolmark: no figures: gnuplot is not installed (apt-get install gnuplot-nox); "
                "then: poolmark plot %s\n",
                folder);
    if (*figures->problem)
        fprintf(stderr, "poolmark: a figure failed: %s\n", figures->problem);
    judge(o, folder, plan, LOOK_AT_FIGURES);
    return 0;
}

/* An experiment whose points stand among the articles' rows needs no table of its own, unless
 * something failed. */
static bool is_told(void *user, const char *experiment)
{
    const struct outcome_of_run *o = user;
    for (size_t i = 0; i < o->summary.n; i++)
        if (o->summary.points[i].n_failed &&
            strcmp(o->summary.points[i].point.experiment, experiment) == 0)
            return false;
    for (size_t i = 0; i < o->n_articles; i++)
        if (*o->articles[i].backend && strcmp(o->articles[i].experiment, experiment) == 0)
            return true;
    return false;
}

void outcome_print(const struct outcome_of_run *o, const char *folder, int format,
                   const struct outcome_style *style)
{
    bool color = command_wants_color(style->color);
    if (format == FORMAT_CSV) {
        summary_write_csv(&o->summary, stdout);
    } else if (format == FORMAT_JSON) {
        summary_write_json(&o->summary, stdout);
    } else {
        int columns = command_columns();
        summary_write_text(&o->summary, stdout, columns, color, style->all ? NULL : is_told,
                           (void *)o);
        articles_write_text(o->articles, o->n_articles, stdout, color);
        if (style->curve)
            figures_print_curve(&o->summary, folder, columns < 100 ? columns : 100, 22, stdout);
    }
}

/* --- a run of the past --------------------------------------------------------------------------
 */

int past_run_read(struct past_run *past, const char *folder, struct err *err)
{
    char path[4300];
    *past = (struct past_run){0};
    if (folder_check(folder, err) != 0)
        return -1;
    configuration_init(&past->configuration);
    snprintf(path, sizeof path, "%s/plan.ini", folder);
    /* Bounds follow the machine that measured, not the one that reports. */
    struct topo_counts machine = {.usable = folder_usable(folder)};
    if (machine.usable < 1)
        machine.usable = 1;
    machine.usable_cores = MOST_WORKERS; /* what ran, ran: slots are not asked again */
    if (configuration_read_file(&past->configuration, path, err) == 0 &&
        run_options_read(&past->options, &past->configuration, err) == 0 &&
        experiments_read(&past->experiments, &past->configuration, &machine, err) == 0) {
        if (plan_make(&past->plan, &past->experiments, &past->options, &machine, err) == 0)
            return 0;
        experiments_release(&past->experiments);
    }
    configuration_release(&past->configuration);
    return -1;
}

void past_run_release(struct past_run *past)
{
    plan_release(&past->plan);
    experiments_release(&past->experiments);
    configuration_release(&past->configuration);
}
