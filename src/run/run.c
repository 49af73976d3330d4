/* The run: see run.h. */
#include "run/run.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "run/cells.h"
#include "run/retakes.h"
#include "run/stopping.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    const struct run *run;
    struct plan *plan;
    struct run_result *result;
    struct stopping stopping;
    struct cell *cells;   /* by number of the plan's cells; those of the current group are alive */
    struct err *failures; /* why a cell could not start in this launch; empty: it could */
    struct journal samples, placements, workers, traces;
    uint64_t order, deadline_ns;
    struct retakes retakes; /* of the whole run, resumed or not */
    struct cell_wait wait;
    struct text remarks; /* lines that were said, of samples that carry a remark */
    bool journal_failed; /* a row could not be written: err says why, and the run ends */
    uint64_t n_due;      /* samples of the group's launch that were not asked for yet, */
    double cost_due;     /* and what they cost */
    char what[400];      /* for the progress line */
    struct err *err;
};

/* --- what the journal has ----------------------------------------------------------------------
 */

/* Reading the journal of a run that is resumed. */
struct resume {
    struct state *s;
    size_t *numbers; /* of the plan, by number in the file; SIZE_MAX: not in the plan */
    size_t n;
};

static int resume_point(void *user, size_t number, const struct point *point, struct err *err)
{
    (void)err;
    struct resume *r = user;
    r->numbers = alloc_grown(r->numbers, number + 1, sizeof *r->numbers);
    r->numbers[number] = plan_find(r->s->plan, point);
    return 0;
}

/* Counts a sample that is not noted yet. Where the turn has none, its last one failed: what comes
 * after a failure is no retake. */
static void count_taken(struct state *s, size_t i, const struct sample *sample)
{
    const struct turn turn = {sample->launch, sample->group, sample->pass};
    retakes_count(&s->retakes, sample, stopping_has(&s->stopping, i, &turn));
}

static int resume_sample(void *user, size_t number, const struct sample *sample, struct err *err)
{
    (void)err;
    struct resume *r = user;
    size_t i = r->numbers[number];
    if (sample->order >= r->s->order)
        r->s->order = sample->order + 1;
    if (i == SIZE_MAX) {
        retakes_count(&r->s->retakes, sample, sample->retake > 0);
        return 0;
    }
    count_taken(r->s, i, sample);
    stopping_note(&r->s->stopping, i, sample); /* what failed is asked for again */
    return 0;
}

/* Opens a file with rows that belong to samples. They are written before the sample's own row,
 * which makes them count: those that a run left without it are dropped, since their order is given
 * out again. */
static int open_details(struct state *s, struct journal *journal, const char *name,
                        const struct field *fields)
{
    char path[4300];
    size_t cut;
    snprintf(path, sizeof path, "%s/%s", s->run->folder, name);
    return journal_mend(path, &cut, s->err) == 0 && journal_cut(path, s->order, s->err) == 0
               ? journal_open(journal, path, fields, NULL, s->err)
               : -1;
}

static int open_journals(struct state *s)
{
    char path[4300];
    size_t cut;
    const char *folder = s->run->folder;
    snprintf(path, sizeof path, "%s/samples.csv", folder);
    if (journal_mend(path, &cut, s->err) != 0 ||
        journal_open(&s->samples, path, point_fields, sample_fields, s->err) != 0)
        return -1;
    if (cut)
        progress_say(s->run->progress,
                     "poolmark: %s: a last line of %zu bytes was cut off and is dropped", path,
                     cut);
    bool cut_off;
    struct resume r = {s, NULL, 0};
    struct journal_reader reader = {resume_point, resume_sample, &r};
    int status = journal_read(path, &reader, &cut_off, s->err);
    free(r.numbers);
    if (status != 0)
        return -1;
    snprintf(path, sizeof path, "%s/placements.csv", folder);
    if (journal_mend(path, &cut, s->err) != 0 ||
        journal_open(&s->placements, path, placement_fields, NULL, s->err) != 0 ||
        open_details(s, &s->workers, "workers.csv", worker_fields) != 0)
        return -1;
    return s->run->options->trace ? open_details(s, &s->traces, "trace.csv", trace_fields) : 0;
}

/* --- one sample --------------------------------------------------------------------------------
 */

static bool should_stop(void *user)
{
    struct state *s = user;
    progress_show(s->run->progress, s->what);
    if (s->run->interrupted && s->run->interrupted())
        s->result->interrupted = true;
    if (s->deadline_ns && clock_now_ns() >= s->deadline_ns)
        s->result->out_of_time = true;
    return s->result->interrupted || s->result->out_of_time;
}

static double sample_cost(const struct plan_point *p)
{
    return p->bound.total_ns / (p->bound.speedup > 0 ? p->bound.speedup : 1) + 3e6;
}

static void add_progress(struct state *s, uint64_t n, double cost)
{
    /* Beyond what the launch has due is what an earlier one left, and was counted there. */
    n = n < s->n_due ? n : s->n_due;
    cost = cost < s->cost_due ? cost : s->cost_due;
    progress_add(s->run->progress, n, cost);
    s->n_due -= n;
    s->cost_due -= cost;
}

/* A launch that this machine cannot give; others of the same backend may be possible. */
static void note_missing(struct plan *plan, struct cell_spec *spec, const char *reason)
{
    spec->unavailable = true;
    for (size_t i = 0; i < plan->n_missing; i++)
        if (strcmp(plan->missing[i].name, spec->kind->name) == 0)
            return;
    plan->missing = alloc_grown(plan->missing, plan->n_missing + 1, sizeof *plan->missing);
    struct missing *m = &plan->missing[plan->n_missing++];
    text_copy(m->name, sizeof m->name, spec->kind->name);
    text_copy(m->reason, sizeof m->reason, reason);
}

static int write_placements(struct state *s, const struct cell *cell, const struct turn *turn)
{
    for (size_t i = 0; i < cell->n_placements; i++) {
        struct placement_row *row = &cell->placements[i];
        row->launch = turn->launch;
        row->group = turn->group;
        hosts_add(s->run->hosts, cell->hosts[i]);
        hosts_hide(s->run->hosts, row->runtime, sizeof row->runtime);
        if (journal_append(&s->placements, placement_fields, row, NULL, NULL, s->err) != 0) {
            s->journal_failed = true;
            return -1;
        }
    }
    return 0;
}

static int write_workers(struct state *s, const struct cell *cell, const struct sample *sample,
                         const json_t *answer)
{
    size_t w, i;
    json_t *worker, *number;
    json_array_foreach(json_object_get(answer, "workers"), w, worker)
    {
        uint64_t numbers[WORKER_NUMBERS];
        json_array_foreach(worker, i, number) numbers[i] = (uint64_t)json_integer_value(number);
        struct worker_row row = {.order = sample->order,
                                 .worker = w,
                                 .tasks = numbers[0],
                                 .chunks = numbers[1],
                                 .start_ns = numbers[2],
                                 .end_ns = numbers[3],
                                 .busy_ns = numbers[4],
                                 .claim_ns = numbers[5]};
        if (w < cell->n_placements) {
            row.rank = cell->placements[w].rank;
            row.thread = cell->placements[w].thread;
        }
        if (journal_put(&s->workers, worker_fields, &row, s->err) != 0)
            return -1;
    }
    return journal_flush(&s->workers, s->err);
}

static int write_trace(struct state *s, const struct cell *cell, const struct sample *sample,
                       const json_t *answer)
{
    size_t i;
    json_t *event;
    json_int_t dropped = json_integer_value(json_object_get(answer, "events_dropped"));
    if (dropped > 0)
        progress_say(s->run->progress,
                     "poolmark: trace.csv lacks %lld chunks of sample %llu: no room",
                     (long long)dropped, (unsigned long long)sample->order);
    json_array_foreach(json_object_get(answer, "events"), i, event)
    {
        struct trace_row row = {.order = sample->order};
        row.worker = (uint64_t)json_integer_value(json_array_get(event, 0));
        json_int_t pu = json_integer_value(json_array_get(event, 1));
        if (pu >= 0)
            snprintf(row.pu, sizeof row.pu, "%lld", (long long)pu);
        row.first = (uint64_t)json_integer_value(json_array_get(event, 2));
        row.count = (uint64_t)json_integer_value(json_array_get(event, 3));
        row.start_ns = (uint64_t)json_integer_value(json_array_get(event, 4));
        row.end_ns = (uint64_t)json_integer_value(json_array_get(event, 5));
        if (row.worker < cell->n_placements) {
            row.pid = cell->placements[row.worker].pid;
            row.rank = cell->placements[row.worker].rank;
            row.thread = cell->placements[row.worker].thread;
        }
        if (journal_put(&s->traces, trace_fields, &row, s->err) != 0)
            return -1;
    }
    return journal_flush(&s->traces, s->err);
}

/* Starts the point's cell if it is not alive. On failure tells it as a sample. */
static bool wake_cell(struct state *s, size_t i, const struct turn *turn, struct sample *sample)
{
    size_t number = s->plan->points[i].cell;
    struct cell *cell = &s->cells[number];
    struct cell_spec *spec = &s->plan->cells[number];
    struct err err;
    bool missing = false;
    if (cell->ready)
        return true;
    if (s->failures[number].text[0]) {
        err = s->failures[number]; /* what could not start once is not tried for every point */
    } else if (cell->started || cell_start(cell, spec, &err) == 0) {
        if (cell_greet(cell, &s->wait, &missing, &err) == 0)
            return write_placements(s, cell, turn) == 0;
    }
    if (missing)
        note_missing(s->plan, spec, err.text);
    if (!s->result->interrupted && !s->result->out_of_time)
        s->failures[number] = err;
    text_copy(sample->status, sizeof sample->status, missing ? "missing" : "died");
    text_copy(sample->error, sizeof sample->error, err.text);
    sample->taken_at_ns = clock_read_ns(CLOCK_REALTIME);
    return false;
}

/* Notes a sample that is not ok; the point is given up. */
static void give_up(struct state *s, size_t i, const struct sample *sample)
{
    const struct point *p = &s->plan->points[i].point;
    static const char *const of_answers[] = {"wrong", "error", "misplaced"};
    bool wrong = false;
    for (size_t k = 0; k < sizeof of_answers / sizeof *of_answers; k++)
        wrong = wrong || strcmp(sample->status, of_answers[k]) == 0;
    stopping_give_up(&s->stopping, i);
    s->result->n_failed++;
    if (wrong)
        s->result->wrong = true;
    else
        s->result->worker_lost = true;
    progress_say(s->run->progress, "poolmark: %s: %s, %s, chunk %llu, W=%llu: %s: %s",
                 p->experiment, p->backend, p->schedule, (unsigned long long)p->chunk,
                 (unsigned long long)p->workers, sample->status, sample->error);
}

/* Says what a reader of the sample should know; the same of a backend and dispatch but once. */
static void say_remark(struct state *s, const struct point *p, const struct sample *sample)
{
    struct text line = TEXT_INIT;
    text_addf(&line, "%s, %s: %s", p->backend, p->dispatch, sample->remark);
    if (*sample->remark && !(s->remarks.text && strstr(s->remarks.text, line.text))) {
        progress_say(s->run->progress, "poolmark: %s", line.text);
        text_addf(&s->remarks, "%s\n", line.text);
    }
    text_release(&line);
}

/* Writes a sample without names of hosts and users; what is said of it keeps them. */
static int journal_sample(struct state *s, const struct point *point, const struct sample *sample)
{
    struct sample kept = *sample;
    hosts_hide(s->run->hosts, kept.remark, sizeof kept.remark);
    hosts_hide(s->run->hosts, kept.error, sizeof kept.error);
    return journal_append(&s->samples, point_fields, point, sample_fields, &kept, s->err);
}

/* With --bind-strict a worker elsewhere than it was asked to be makes the sample fail. */
static void judge_places(const struct plan_point *p, const struct cell *cell, const json_t *answer,
                         struct sample *sample)
{
    char sentence[FIELD_TEXT_BYTES];
    if (!p->experiment->bind_strict || strcmp(sample->status, answer ? "ok" : "") != 0 ||
        !cell_is_misplaced(cell, answer, sample, sentence, sizeof sentence))
        return;
    text_copy(sample->status, sizeof sample->status, "misplaced");
    text_copy(sample->error, sizeof sample->error, sentence);
    if (!answer)
        sample->taken_at_ns = clock_read_ns(CLOCK_REALTIME);
}

/* What came of asking. */
enum taken {
    TAKEN,     /* it is in the journal */
    NOT_TAKEN, /* the run is to end, or the backend is missing: nothing was written */
    NOT_WRITTEN,
};

/* Asks for one sample and journals it. */
static enum taken take_once(struct state *s, size_t i, struct sample *sample)
{
    const struct plan_point *p = &s->plan->points[i];
    struct cell *cell = &s->cells[p->cell];
    const struct turn turn = {sample->launch, sample->group, sample->pass};
    bool is_fresh = s->plan->cells[p->cell].fresh;
    json_t *answer = NULL;
    enum cell_state state = CELL_GOES_ON;
    progress_show(s->run->progress, s->what);
    if (wake_cell(s, i, &turn, sample)) {
        judge_places(p, cell, NULL, sample);
        if (!*sample->status)
            state = cell_ask(cell, p, s->run->options->trace, is_fresh, &s->wait, sample, &answer);
    }
    if (s->journal_failed)
        return NOT_WRITTEN;
    if (state == CELL_INTERRUPTED || s->result->interrupted || s->result->out_of_time ||
        strcmp(sample->status, "missing") == 0) {
        json_decref(answer);
        return NOT_TAKEN;
    }
    if (answer)
        judge_places(p, cell, answer, sample);
    sample->order = s->order++;
    s->result->n_samples++;
    count_taken(s, i, sample);
    int status = answer ? write_workers(s, cell, sample, answer) : 0;
    if (status == 0 && answer && s->run->options->trace)
        status = write_trace(s, cell, sample, answer);
    if (status == 0)
        status = journal_sample(s, &p->point, sample);
    json_decref(answer);
    say_remark(s, &p->point, sample);
    if (is_fresh)
        cell_stop(cell);
    stopping_note(&s->stopping, i, sample);
    return status == 0 ? TAKEN : NOT_WRITTEN;
}

/* Whether a disturbed sample that was taken again so often is taken once more. Samples that failed
 * do not count. */
static bool is_retaken(struct state *s, size_t i, uint64_t retakes)
{
    if (retakes >= s->plan->points[i].experiment->retakes)
        return false;
    if (retakes_allow(&s->retakes))
        return true;
    if (!s->result->retakes_held && s->run->progress->to)
        progress_say(
            s->run->progress,
            "poolmark: so many samples are disturbed that not all can be taken again, but one for "
            "every %d taken; the others count as they are; poolmark doctor tells what disturbs",
            SAMPLES_PER_RETAKE);
    s->result->retakes_held = true;
    return false;
}

/* Takes the point's sample of the turn, again while it is disturbed and may be. Returns -1 when the
 * journal cannot be written. */
static int take_sample(struct state *s, size_t i, const struct turn *turn)
{
    const struct plan_point *p = &s->plan->points[i];
    const struct takes before = stopping_takes(&s->stopping, i, turn);
    for (uint64_t taken_here = 0;; taken_here++) {
        struct sample sample = {.launch = turn->launch,
                                .pass = turn->pass,
                                .group = turn->group,
                                .retake = before.n + taken_here,
                                .imbalance = NAN,
                                .h_ns = NAN,
                                .task_mean_ns = NAN,
                                .task_sd_ns = NAN};
        snprintf(s->what, sizeof s->what, "%.64s %.32s W=%llu%s", p->point.experiment,
                 p->point.backend, (unsigned long long)p->point.workers,
                 taken_here ? " again" : "");
        enum taken taken = take_once(s, i, &sample);
        if (taken != TAKEN)
            return taken == NOT_WRITTEN ? -1 : 0;
        if (taken_here)
            s->result->n_retaken++;
        else
            add_progress(s, 1, sample_cost(p));
        if (strcmp(sample.status, "ok") != 0) {
            give_up(s, i, &sample);
            return 0;
        }
        if (!*sample.flags)
            return 0;
        s->result->n_disturbed++;
        retakes_count_flags(&s->retakes, sample.flags);
        if (should_stop(s) || !is_retaken(s, i, before.n - before.failed + taken_here))
            return 0;
    }
}

/* --- passes, groups, launches -------------------------------------------------------------------
 */

/* The points to be asked in a pass, in their random order. All of the group's points are shuffled,
 * asked or not, so that a resumed run goes on in the order that it would have had. */
static size_t collect_pass(struct state *s, const struct turn *turn, size_t *points)
{
    const struct plan_group *group = &s->plan->groups[turn->group];
    size_t *order = alloc_zeroed(group->n_points, sizeof *order), n = 0;
    memcpy(order, group->points, group->n_points * sizeof *order);
    struct rng rng;
    rng_seed(&rng, s->run->options->seed ^ rng_mix(turn->launch * 1000003 + turn->group) ^
                       rng_mix(~turn->pass));
    rng_shuffle(&rng, order, group->n_points);
    for (size_t k = 0; k < group->n_points; k++)
        if (!stopping_has(&s->stopping, order[k], turn) &&
            stopping_asks(&s->stopping, order[k], turn))
            points[n++] = order[k];
    free(order);
    return n;
}

/* Starts, all at once, the cells that the first pass needs; they are greeted when first asked. */
static void start_cells(struct state *s, const size_t *points, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t number = s->plan->points[points[k]].cell;
        struct err err;
        if (!s->cells[number].started && !s->plan->cells[number].fresh)
            (void)cell_start(&s->cells[number], &s->plan->cells[number], &err);
    }
}

static int run_pass(struct state *s, const struct turn *turn, size_t *points, bool *first)
{
    size_t n = collect_pass(s, turn, points);
    if (n == 0)
        return 0;
    if (*first) {
        start_cells(s, points, n);
        *first = false;
        /* All must have started before the first is timed: greet them all. */
        for (size_t k = 0; k < n; k++) {
            struct sample unused = {0};
            if (!s->plan->cells[s->plan->points[points[k]].cell].fresh)
                (void)wake_cell(s, points[k], turn, &unused);
            if (s->result->interrupted || s->result->out_of_time)
                return 0;
        }
        n = collect_pass(s, turn, points);
    }
    for (size_t k = 0; k < n; k++) {
        if (should_stop(s))
            return 0;
        if (stopping_asks(&s->stopping, points[k], turn) && take_sample(s, points[k], turn) != 0)
            return -1;
    }
    return 0;
}

/* What the group's points would ask for in a launch if none stopped early. */
static void cost_of_launch(const struct state *s, const struct plan_group *group, uint64_t launch,
                           uint64_t *n, double *cost)
{
    *n = 0;
    *cost = 0;
    for (size_t k = 0; k < group->n_points; k++) {
        const struct plan_point *p = &s->plan->points[group->points[k]];
        if (launch >= p->experiment->launches)
            continue;
        *n += p->experiment->reps;
        *cost += (double)p->experiment->reps * sample_cost(p);
    }
}

static int run_group(struct state *s, size_t g, uint64_t launch)
{
    const struct plan_group *group = &s->plan->groups[g];
    size_t *points = alloc_zeroed(group->n_points, sizeof *points);
    struct turn turn = {launch, g, 0};
    bool first = true;
    int status = 0;
    cost_of_launch(s, group, launch, &s->n_due, &s->cost_due);
    for (; status == 0 && !should_stop(s) && stopping_asks_any(&s->stopping, &turn); turn.pass++)
        status = run_pass(s, &turn, points, &first);
    /* What nobody wanted is done, too. */
    if (!s->result->interrupted && !s->result->out_of_time)
        progress_add(s->run->progress, s->n_due, s->cost_due);
    free(points);
    for (size_t k = 0; k < group->n_cells; k++) {
        cell_stop(&s->cells[group->cells[k]]);
        s->failures[group->cells[k]].text[0] = '\0';
    }
    return status;
}

static bool any_wants_launch(struct state *s, uint64_t launch)
{
    for (size_t g = 0; g < s->plan->n_groups; g++)
        if (stopping_asks_any(&s->stopping, &(struct turn){launch, g, 0}))
            return true;
    return false;
}

/* Counts the points that were skipped and names their experiments: "strong-burn 4, tiny 2". */
static void note_skipped(struct state *s)
{
    struct text names = TEXT_INIT;
    for (size_t i = 0, end; i < s->plan->n; i = end) {
        const struct experiment *e = s->plan->points[i].experiment;
        size_t n = 0;
        for (end = i; end < s->plan->n && s->plan->points[end].experiment == e; end++)
            n += stopping_lacks(&s->stopping, end);
        if (n)
            text_addf(&names, "%s%s %zu", names.length ? ", " : "", e->name, n);
        s->result->n_skipped += n;
    }
    text_copy(s->result->skipped, sizeof s->result->skipped, names.length ? names.text : "");
    text_release(&names);
}

int run_execute(const struct run *run, struct plan *plan, struct run_result *result,
                struct err *err)
{
    *result = (struct run_result){0};
    struct state s = {.run = run, .plan = plan, .result = result, .err = err};
    s.samples = s.placements = s.workers = s.traces = (struct journal)JOURNAL_INIT;
    stopping_init(&s.stopping, plan, run->options->max_seconds_ns > 0);
    s.cells = alloc_zeroed(plan->n_cells, sizeof *s.cells);
    s.failures = alloc_zeroed(plan->n_cells, sizeof *s.failures);
    for (size_t i = 0; i < plan->n_cells; i++)
        s.cells[i].child = (struct child)CHILD_INIT;
    s.wait = (struct cell_wait){should_stop, &s};
    if (run->options->max_seconds_ns)
        s.deadline_ns = clock_now_ns() + run->options->max_seconds_ns;
    int status = open_journals(&s);
    for (uint64_t launch = 0; status == 0 && any_wants_launch(&s, launch) && !should_stop(&s);
         launch++)
        for (size_t g = 0; g < plan->n_groups && status == 0 && !should_stop(&s); g++)
            status = run_group(&s, g, launch);
    if (result->interrupted || result->out_of_time)
        note_skipped(&s);
    retakes_tell(&s.retakes, result->disturbances, sizeof result->disturbances);
    for (size_t i = 0; i < plan->n_cells; i++)
        cell_stop(&s.cells[i]);
    text_release(&s.remarks);
    journal_close(&s.samples);
    journal_close(&s.placements);
    journal_close(&s.workers);
    journal_close(&s.traces);
    stopping_release(&s.stopping);
    free(s.cells);
    free(s.failures);
    return status;
}
