/* The run: see run.h. */
#include "run/run.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "run/cells.h"
#include "stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a point while the run goes on. */
struct progress_of_point {
    double *times; /* of right answers */
    int *launches; /* each one's launch */
    size_t n, capacity, launches_capacity;
    uint8_t *done; /* bit launch * reps + pass */
    size_t done_bytes;
    bool dead;    /* it failed: not asked again */
    bool settled; /* its interval is narrow enough */
};

struct state {
    const struct run *run;
    struct plan *plan;
    struct run_result *result;
    struct progress_of_point *points;
    struct cell *cells;   /* by number of the plan's cells; those of the current group are alive */
    struct err *failures; /* why a cell could not start in this launch; empty: it could */
    struct journal samples, placements, workers, traces;
    uint64_t order, deadline_ns;
    struct cell_wait wait;
    struct text remarks; /* lines that were said, of samples that carry a remark */
    bool journal_failed; /* a row could not be written: err says why, and the run ends */
    char what[400];      /* for the progress line */
    struct err *err;
};

/* --- what is done already ----------------------------------------------------------------------
 */

static size_t done_index(const struct plan_point *p, uint64_t launch, uint64_t pass)
{
    return (size_t)(launch * p->experiment->reps + pass);
}

static bool is_done(const struct state *s, size_t i, uint64_t launch, uint64_t pass)
{
    size_t at = done_index(&s->plan->points[i], launch, pass);
    return at / 8 < s->points[i].done_bytes && s->points[i].done[at / 8] >> (at % 8) & 1;
}

static void mark_done(struct state *s, size_t i, uint64_t launch, uint64_t pass)
{
    struct progress_of_point *p = &s->points[i];
    size_t at = done_index(&s->plan->points[i], launch, pass), need = at / 8 + 1;
    if (need > p->done_bytes) {
        p->done = alloc_grown(p->done, need * 2, 1);
        memset(p->done + p->done_bytes, 0, need * 2 - p->done_bytes);
        p->done_bytes = need * 2;
    }
    p->done[at / 8] |= (uint8_t)(1u << (at % 8));
}

/* The time that counts: with fresh, making and ending the workers is part of it. */
static double time_of(const struct plan_point *p, const struct sample *sample)
{
    uint64_t ns = sample->wall_ns;
    if (p->point.fresh)
        ns += sample->open_ns + sample->close_ns;
    return (double)ns;
}

static void remember(struct state *s, size_t i, const struct sample *sample)
{
    struct progress_of_point *p = &s->points[i];
    const struct plan_point *point = &s->plan->points[i];
    if (strcmp(sample->status, "ok") != 0)
        return;
    p->times = alloc_room(p->times, p->n, &p->capacity, sizeof *p->times);
    p->launches = alloc_room(p->launches, p->n, &p->launches_capacity, sizeof *p->launches);
    p->times[p->n] = time_of(point, sample);
    p->launches[p->n++] = (int)sample->launch;
    double precision = point->experiment->precision;
    /* One launch cannot tell how launches differ: look only after two, unless one is all there is.
     */
    if (precision > 0 && p->n >= STATS_LEAST_FOR_INTERVAL &&
        (sample->launch > 0 || point->experiment->launches == 1)) {
        struct estimate e = stats_estimate(p->times, p->launches, p->n);
        p->settled = stats_relative_halfwidth(&e) * 100 <= precision;
    }
}

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

static int resume_sample(void *user, size_t number, const struct sample *sample, struct err *err)
{
    (void)err;
    struct resume *r = user;
    size_t i = r->numbers[number];
    if (sample->order >= r->s->order)
        r->s->order = sample->order + 1;
    if (i == SIZE_MAX || strcmp(sample->status, "ok") != 0)
        return 0; /* what failed is asked for again */
    /* A base is asked once a pass in every group that needs it; count it where it was taken. */
    if (r->s->plan->points[i].base != i || r->s->plan->n_groups == 1)
        mark_done(r->s, i, sample->launch, sample->pass);
    else
        mark_done(r->s, i, sample->launch * r->s->plan->n_groups + sample->group, sample->pass);
    remember(r->s, i, sample);
    return 0;
}

/* The launch number under which a point's passes are marked: bases are asked in every group. */
static uint64_t done_launch(const struct state *s, size_t i, uint64_t launch, size_t group)
{
    if (s->plan->points[i].base != i || s->plan->n_groups == 1)
        return launch;
    return launch * s->plan->n_groups + group;
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

static int write_placements(struct state *s, const struct cell *cell, uint64_t launch, size_t group)
{
    for (size_t i = 0; i < cell->n_placements; i++) {
        struct placement_row *row = &cell->placements[i];
        row->launch = launch;
        row->group = group;
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
static bool wake_cell(struct state *s, size_t i, uint64_t launch, size_t group,
                      struct sample *sample)
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
            return write_placements(s, cell, launch, group) == 0;
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
    bool wrong = strcmp(sample->status, "wrong") == 0 || strcmp(sample->status, "error") == 0;
    s->points[i].dead = true;
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

/* Asks for one sample and journals it. Returns -1 when the journal cannot be written. */
static int take_sample(struct state *s, size_t i, uint64_t launch, size_t group, uint64_t pass)
{
    const struct plan_point *p = &s->plan->points[i];
    struct cell *cell = &s->cells[p->cell];
    const struct cell_spec *spec = &s->plan->cells[p->cell];
    struct sample sample = {.launch = launch,
                            .pass = pass,
                            .group = group,
                            .imbalance = NAN,
                            .h_ns = NAN,
                            .task_mean_ns = NAN,
                            .task_sd_ns = NAN};
    json_t *answer = NULL;
    snprintf(s->what, sizeof s->what, "%.64s %.32s W=%llu", p->point.experiment, p->point.backend,
             (unsigned long long)p->point.workers);
    progress_show(s->run->progress, s->what);
    enum cell_state state = CELL_GOES_ON;
    if (wake_cell(s, i, launch, group, &sample))
        state = cell_ask(cell, p, s->run->options->trace, spec->fresh, &s->wait, &sample, &answer);
    if (s->journal_failed)
        return -1;
    if (state == CELL_INTERRUPTED || s->result->interrupted || s->result->out_of_time ||
        strcmp(sample.status, "missing") == 0) {
        json_decref(answer);
        return 0;
    }
    sample.order = s->order++;
    s->result->n_samples++;
    int status = answer ? write_workers(s, cell, &sample, answer) : 0;
    if (status == 0 && answer && s->run->options->trace)
        status = write_trace(s, cell, &sample, answer);
    if (status == 0)
        status = journal_sample(s, &p->point, &sample);
    json_decref(answer);
    say_remark(s, &p->point, &sample);
    if (spec->fresh)
        cell_stop(cell);
    if (strcmp(sample.status, "ok") == 0) {
        mark_done(s, i, done_launch(s, i, launch, group), pass);
        remember(s, i, &sample);
    } else {
        give_up(s, i, &sample);
    }
    progress_add(s->run->progress, 1, sample_cost(p));
    return status;
}

/* --- passes, groups, launches -------------------------------------------------------------------
 */

static bool wants_launch(const struct state *s, const struct plan_point *p, uint64_t launch)
{
    /* With a precision and a time limit, launches go on until one of them is reached. */
    bool open_ended = p->experiment->precision > 0 && s->run->options->max_seconds_ns > 0;
    return launch < p->experiment->launches || open_ended;
}

/* Whether the point itself still wants the sample (launch, pass). */
static bool wants(const struct state *s, size_t i, uint64_t launch, size_t group, uint64_t pass)
{
    const struct plan_point *p = &s->plan->points[i];
    const struct progress_of_point *known = &s->points[i];
    return !known->dead && !known->settled && !s->plan->cells[p->cell].unavailable &&
           wants_launch(s, p, launch) && pass < p->experiment->reps &&
           !is_done(s, i, done_launch(s, i, launch, group), pass);
}

/* Whether a point is to be asked in a pass: it wants the sample, or it is the base of one that
 * does. */
static bool is_needed(const struct state *s, size_t i, size_t g, uint64_t launch, uint64_t pass)
{
    const struct plan_group *group = &s->plan->groups[g];
    bool is_base = s->plan->points[i].base == i, needed = false, alone = true;
    for (size_t m = 0; is_base && m < group->n_points; m++) {
        size_t other = group->points[m];
        if (other == i || s->plan->points[other].base != i)
            continue;
        alone = false;
        /* Also where the other has its sample already: a run that was broken off before the base's
         * turn would otherwise lack the pair. */
        needed = needed || wants(s, other, launch, g, pass) || is_done(s, other, launch, pass);
    }
    if (!is_base || alone)
        return wants(s, i, launch, g, pass);
    return needed && !s->points[i].dead && !s->plan->cells[s->plan->points[i].cell].unavailable &&
           !is_done(s, i, done_launch(s, i, launch, g), pass);
}

/* The points to be asked in a pass, in their random order. All of the group's points are shuffled,
 * asked or not, so that a resumed run goes on in the order that it would have had. */
static size_t collect_pass(const struct state *s, size_t g, uint64_t launch, uint64_t pass,
                           size_t *points)
{
    const struct plan_group *group = &s->plan->groups[g];
    size_t *order = alloc_zeroed(group->n_points, sizeof *order), n = 0;
    memcpy(order, group->points, group->n_points * sizeof *order);
    struct rng rng;
    rng_seed(&rng, s->run->options->seed ^ rng_mix(launch * 1000003 + g) ^ rng_mix(~pass));
    rng_shuffle(&rng, order, group->n_points);
    for (size_t k = 0; k < group->n_points; k++)
        if (is_needed(s, order[k], g, launch, pass))
            points[n++] = order[k];
    free(order);
    return n;
}

static uint64_t passes_of(const struct state *s, const struct plan_group *group)
{
    uint64_t most = 0;
    for (size_t k = 0; k < group->n_points; k++) {
        uint64_t reps = s->plan->points[group->points[k]].experiment->reps;
        if (reps > most)
            most = reps;
    }
    return most;
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

static int run_pass(struct state *s, size_t g, uint64_t launch, uint64_t pass, size_t *points,
                    bool *first)
{
    size_t n = collect_pass(s, g, launch, pass, points);
    if (n == 0)
        return 0;
    if (*first) {
        start_cells(s, points, n);
        *first = false;
        /* All must have started before the first is timed: greet them all. */
        for (size_t k = 0; k < n; k++) {
            struct sample unused = {0};
            if (!s->plan->cells[s->plan->points[points[k]].cell].fresh)
                (void)wake_cell(s, points[k], launch, g, &unused);
            if (s->result->interrupted || s->result->out_of_time)
                return 0;
        }
        n = collect_pass(s, g, launch, pass, points);
    }
    for (size_t k = 0; k < n; k++) {
        if (should_stop(s))
            return 0;
        if (s->points[points[k]].dead)
            continue;
        if (take_sample(s, points[k], launch, g, pass) != 0)
            return -1;
    }
    return 0;
}

static int run_group(struct state *s, size_t g, uint64_t launch)
{
    const struct plan_group *group = &s->plan->groups[g];
    size_t *points = alloc_zeroed(group->n_points, sizeof *points);
    uint64_t n_passes = passes_of(s, group);
    bool first = true;
    int status = 0;
    for (uint64_t pass = 0; pass < n_passes && status == 0 && !should_stop(s); pass++)
        status = run_pass(s, g, launch, pass, points, &first);
    free(points);
    for (size_t k = 0; k < group->n_cells; k++) {
        cell_stop(&s->cells[group->cells[k]]);
        s->failures[group->cells[k]].text[0] = '\0';
    }
    return status;
}

static bool any_wants_launch(const struct state *s, uint64_t launch)
{
    for (size_t i = 0; i < s->plan->n; i++) {
        const struct plan_point *p = &s->plan->points[i];
        if (wants_launch(s, p, launch) && !s->points[i].dead && !s->points[i].settled &&
            !s->plan->cells[p->cell].unavailable)
            return true;
    }
    return false;
}

static bool is_skipped(const struct state *s, size_t i)
{
    const struct plan_point *p = &s->plan->points[i];
    bool lacks = s->points[i].n < p->experiment->launches * p->experiment->reps;
    return !s->points[i].dead && !s->points[i].settled && !s->plan->cells[p->cell].unavailable &&
           (lacks || wants_launch(s, p, UINT64_MAX));
}

/* Counts the points that were skipped and names their experiments: "strong-burn 4, tiny 2". */
static void note_skipped(struct state *s)
{
    struct text names = TEXT_INIT;
    for (size_t i = 0, end; i < s->plan->n; i = end) {
        const struct experiment *e = s->plan->points[i].experiment;
        size_t n = 0;
        for (end = i; end < s->plan->n && s->plan->points[end].experiment == e; end++)
            n += is_skipped(s, end);
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
    s.points = alloc_zeroed(plan->n, sizeof *s.points);
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
    for (size_t i = 0; i < plan->n_cells; i++)
        cell_stop(&s.cells[i]);
    text_release(&s.remarks);
    journal_close(&s.samples);
    journal_close(&s.placements);
    journal_close(&s.workers);
    journal_close(&s.traces);
    for (size_t i = 0; i < plan->n; i++) {
        free(s.points[i].times);
        free(s.points[i].launches);
        free(s.points[i].done);
    }
    free(s.points);
    free(s.cells);
    free(s.failures);
    return status;
}
