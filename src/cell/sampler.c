/* The request loop of a cell: see sampler.h.
 *
 * A sample is taken in this order, and only the map lies between its two clock readings:
 *
 *   numbers that the rule lacks → work (set up or still on the shelf) → noise → prepare → MAP
 *   → noise → collect → verify → settle → answer
 *
 * What noise is read before stands before prepare, not after it: prepare leaves the workers awake
 * at the start line, and a pause there would let some of them fall asleep and others not.
 */
#include "cell/sampler.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "record/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MOST_TASKS = (uint64_t)1 << 40;

struct request {
    struct job job; /* but for its chunks, which need what `rule` may lack */
    struct sched_spec rule;
    uint64_t chunk;
    bool last, quit;
};

/* --- reading a request ------------------------------------------------------------------------ */

static const char *const members[] = {"id",        "workload", "scale", "tasks",
                                      "schedule",  "chunk",    "trace", "dispatch",
                                      "calibrate", "last",     "quit"};

enum { N_MEMBERS = sizeof members / sizeof *members };

static int check_members(json_t *object, struct err *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        int i = 0;
        while (i < N_MEMBERS && strcmp(members[i], name) != 0)
            i++;
        if (i == N_MEMBERS)
            return text_refuse(err, "unknown member", name, members, N_MEMBERS);
    }
    return 0;
}

/* The readers of members leave *value as it is, which is the default, when the member is absent. */

static int read_count(const json_t *object, const char *name, uint64_t *value, struct err *err)
{
    const json_t *item = json_object_get(object, name);
    if (!item)
        return 0;
    json_int_t i = json_integer_value(item);
    if (!json_is_integer(item) || i < 0 || (uint64_t)i > MOST_TASKS)
        return err_set(err, "%s is not a whole number from 0 to %" PRIu64, name, MOST_TASKS);
    *value = (uint64_t)i;
    return 0;
}

static int read_flag(const json_t *object, const char *name, bool *value, struct err *err)
{
    const json_t *item = json_object_get(object, name);
    if (item && !json_is_boolean(item))
        return err_set(err, "%s is neither true nor false", name);
    if (item)
        *value = json_is_true(item);
    return 0;
}

static int read_text(const json_t *object, const char *name, const char **value, struct err *err)
{
    const json_t *item = json_object_get(object, name);
    if (item && !json_is_string(item))
        return err_set(err, "%s is not a string", name);
    if (item)
        *value = json_string_value(item);
    return 0;
}

static int read_scale(const json_t *object, double *value, struct err *err)
{
    const json_t *item = json_object_get(object, "scale");
    if (!item)
        return 0;
    double scale = json_number_value(item);
    if (!json_is_number(item) || !isfinite(scale) || scale <= 0)
        return err_set(err, "scale is not a finite number above 0");
    *value = scale;
    return 0;
}

static int read_job(const struct sampler *sampler, const json_t *object, struct request *request,
                    struct err *err)
{
    struct job *job = &request->job;
    const char *workload = NULL, *schedule = "dynamic", *dispatch = "auto";
    uint64_t tasks = UINT64_MAX;
    bool calibrates = true;
    job->scale = 1;
    if (read_text(object, "workload", &workload, err) != 0 ||
        read_count(object, "tasks", &tasks, err) != 0 ||
        read_text(object, "schedule", &schedule, err) != 0 ||
        read_count(object, "chunk", &request->chunk, err) != 0 ||
        read_text(object, "dispatch", &dispatch, err) != 0 ||
        read_flag(object, "trace", &job->trace, err) != 0 ||
        read_flag(object, "calibrate", &calibrates, err) != 0 ||
        read_scale(object, &job->scale, err) != 0)
        return -1;
    if (!workload)
        return err_set(err, "the request has no workload");
    if (tasks == UINT64_MAX)
        return err_set(err, "the request has no tasks");
    if (sched_spec_read(schedule, &request->rule, err) != 0 ||
        (!calibrates && sched_spec_check_complete(&request->rule, err) != 0))
        return -1;
    const char *way = dispatch_choose(sampler->backend->name, dispatch, request->rule.rule, err);
    if (!way)
        return -1;
    text_copy(job->dispatch, sizeof job->dispatch, way);
    job->sched = (struct sched){.n = tasks, .workers = sampler->workers};
    return work_canonical(workload, job->spec, sizeof job->spec, err);
}

static int read_request(const struct sampler *sampler, json_t *object, struct request *request,
                        struct err *err)
{
    *request = (struct request){.last = false};
    if (!json_is_object(object))
        return err_set(err, "the request is not a JSON object");
    if (check_members(object, err) != 0 || read_flag(object, "quit", &request->quit, err) != 0 ||
        read_flag(object, "last", &request->last, err) != 0)
        return -1;
    if (request->quit)
        return 0;
    if (!json_is_integer(json_object_get(object, "id")))
        return err_set(err, "the request has no id, or one that is not a whole number");
    return read_job(sampler, object, request, err);
}

/* --- taking a sample -------------------------------------------------------------------------- */

static void lower_to(uint64_t *least, uint64_t value)
{
    if (value < *least)
        *least = value;
}

static void raise_to(uint64_t *most, uint64_t value)
{
    if (value > *most)
        *most = value;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Time of a worker that was its own and not spent on getting chunks. */
static uint64_t busy_ns(const struct worker_report *r)
{
    return above(above(r->end_ns, r->start_ns), r->claim_ns);
}

/* Where the workers' time went. Of each: before its start and after its end, to the last one's, it
 * idled; in between it got chunks or was busy. */
static void share_out_time(const struct outcome *outcome, uint32_t workers, uint64_t start,
                           uint64_t last_end, struct sample *s)
{
    uint64_t most = 0;
    for (uint32_t w = 0; w < workers; w++) {
        const struct worker_report *r = &outcome->reports[w];
        s->busy_ns += busy_ns(r);
        s->claim_ns += r->claim_ns;
        s->idle_ns += above(r->start_ns, start) + (last_end - r->end_ns);
        raise_to(&most, busy_ns(r));
    }
    s->span_ns = above(last_end, start);
    s->imbalance = s->busy_ns ? (double)most * workers / (double)s->busy_ns - 1 : 0;
}

/* What the reports of the workers, which started together at `start`, say together. */
static void summarise(const struct sampler *sampler, const struct outcome *outcome, uint64_t start,
                      struct sample *s)
{
    const struct placement *placements = sampler->backend->placements(sampler->team);
    uint64_t first_start = UINT64_MAX, last_start = 0, first_end = UINT64_MAX, last_end = 0;
    s->tasks_least = UINT64_MAX;
    for (uint32_t w = 0; w < sampler->workers; w++) {
        const struct worker_report *r = &outcome->reports[w];
        s->user_ns += r->user_ns;
        s->sys_ns += r->sys_ns;
        s->voluntary += r->voluntary;
        s->involuntary += r->involuntary;
        s->busy_workers += r->tally.tasks > 0;
        s->misplaced += placements[w].requested_pu >= 0 && placements[w].requested_pu != r->pu;
        lower_to(&s->tasks_least, r->tally.tasks);
        raise_to(&s->tasks_most, r->tally.tasks);
        lower_to(&first_start, r->start_ns);
        raise_to(&last_start, r->start_ns);
        lower_to(&first_end, r->end_ns);
        raise_to(&last_end, r->end_ns);
    }
    s->start_spread_ns = last_start - first_start;
    s->end_spread_ns = last_end - first_end;
    s->chunks = outcome->total.chunks;
    s->sum = outcome->total.sum;
    s->nodes = outcome->nodes ? outcome->nodes : 1;
    s->clock_error_ns = outcome->clock_error_ns;
    if (outcome->remark)
        text_copy(s->remark, sizeof s->remark, outcome->remark);
    share_out_time(outcome, sampler->workers, start, last_end, s);
}

static struct noise_worker noise_worker_of(const struct sampler *sampler,
                                           const struct worker_report *r, uint32_t worker,
                                           uint64_t start)
{
    struct noise_worker w = {.late_ns = above(r->start_ns, start),
                             .off_ns = r->off_ns,
                             .rest_ns = r->rest_ns,
                             .voluntary = r->voluntary,
                             .involuntary = r->involuntary};
    uint64_t ran_ns;
    w.is_watched = noise_wait(sampler->noise, worker, &w.wait_ns, &ran_ns);
    /* The scheduler's counts it when the runtime spins after the worker's end, its own is exact. */
    w.ran_ns = w.is_watched && ran_ns > r->cpu_ns ? ran_ns : r->cpu_ns;
    w.machine = noise_machine(sampler->noise, worker);
    w.first_pu = r->first_pu;
    w.pu = r->pu;
    return w;
}

/* Tells lists of tasks apart, for what is usual of each. */
static uint64_t number_of_list(const struct job *job)
{
    uint64_t hash = job->sched.n;
    for (const char *c = job->spec; *c; c++)
        hash = rng_mix(hash ^ (unsigned char)*c);
    for (const char *c = job->dispatch; *c; c++)
        hash = rng_mix(hash ^ (unsigned char)*c);
    return rng_mix(rng_mix(hash ^ job->sched.kind) ^ job->sched.chunk) ^
           (uint64_t)(job->scale * 1e6);
}

/* What the root lost to others from the last worker's end on, when it has something to do. Workers
 * that spin where it wants to run are no others. */
static uint64_t root_taken_ns(const struct sampler *sampler, const struct outcome *outcome,
                              const struct noise_worker *workers, uint64_t late_ns)
{
    const uint32_t own = noise_root(sampler->noise);
    struct noise_worker root = {.late_ns = late_ns,
                                .is_watched = true,
                                .wait_ns = noise_around(sampler->noise)->root_wait_ns};
    for (uint32_t w = 0; w < sampler->workers; w++)
        if (w != own && workers[w].machine == workers[0].machine &&
            workers[w].pu == topo_current_pu())
            root.peers_ns += workers[w].ran_ns - outcome->reports[w].cpu_ns;
    return noise_taken_ns(&root, true);
}

/* What disturbed the sample, which the root ended at `end`. After summarise. */
static void look_for_noise(struct sampler *sampler, const struct job *job,
                           const struct outcome *outcome, uint64_t start, uint64_t end,
                           struct sample *s)
{
    const struct noise_around *around = noise_around(sampler->noise);
    const struct placement *placements = sampler->backend->placements(sampler->team);
    const bool uses_cpu = job->work->def->flags & WORKLOAD_USES_CPU;
    const uint32_t n = sampler->workers;
    struct noise_worker *workers = alloc_zeroed((size_t)n + 1, sizeof *workers);
    uint64_t fault_ns = 0, strayed = 0, lost_ns = 0, stolen_ns = 0;
    for (uint32_t w = 0; w < n; w++)
        workers[w] = noise_worker_of(sampler, &outcome->reports[w], w, start);
    /* A root that does not work spins for a while, or sleeps; workers may be on its PU. */
    workers[n] = (struct noise_worker){.ran_ns = around->root_ran_ns,
                                       .machine = workers[0].machine,
                                       .first_pu = sampler->root_pu,
                                       .pu = topo_current_pu()};
    s->pus = noise_share(workers, n + (noise_root(sampler->noise) == n), n);
    for (uint32_t w = 0; w < n; w++) {
        const struct worker_report *r = &outcome->reports[w];
        /* A helper runs wherever it finds room: what it took it took from any of them. */
        if (workers[w].machine == workers[0].machine)
            workers[w].peers_ns += around->helpers_ns;
        raise_to(&stolen_ns, noise_stolen_ns(&workers[w], uses_cpu));
        raise_to(&lost_ns, noise_taken_ns(&workers[w], uses_cpu));
        raise_to(&s->lost_ns, noise_lost_ns(&workers[w], uses_cpu));
        raise_to(&fault_ns, noise_fault_ns(r->faults, r->major_faults));
        s->cpu_ns += r->cpu_ns;
        s->faults += r->faults;
        s->major_faults += r->major_faults;
        s->migrations += r->first_pu != r->pu;
        int requested = placements[w].requested_pu;
        strayed += requested >= 0 && (r->first_pu != requested || r->pu != requested);
    }
    raise_to(&lost_ns, root_taken_ns(sampler, outcome, workers, above(end, start + s->span_ns)));
    raise_to(&s->lost_ns, lost_ns);
    free(workers);
    s->chain_ps = around->chain_ps;
    s->chain_end_ps = around->chain_end_ps;
    s->steal_ns = around->steal_ns;
    s->pressure_ns = around->pressure_ns;
    s->throttled_ns = around->throttled_ns;
    s->wait_ns = around->wait_ns;
    s->noise_ns = around->took_ns;
    struct noise_facts facts = {
        .wall_ns = s->wall_ns,
        .lost_ns = lost_ns,
        .stolen_ns = stolen_ns,
        .is_crowded = noise_is_crowded(sampler->noise),
        .throttled_ns = s->throttled_ns,
        .steal_ns = s->steal_ns,
        .chain_ps = s->chain_ps,
        .chain_end_ps = s->chain_end_ps,
        .usual_ps = uses_cpu ? around->usual_ps : 0, /* sleepers sleep as long on a slow CPU */
        .fault_ns =
            above(fault_ns, noise_usual_faults(sampler->noise, number_of_list(job), fault_ns)),
        .strayed = strayed,
    };
    noise_words(noise_judge(&facts, &noise_limits), s->flags, sizeof s->flags);
}

/* About how long the sample will take: what the workload says, or what the last one took. */
static uint64_t expect(const struct sampler *sampler, const struct job *job)
{
    enum { ASKED = 16 };
    double ns = work_total(job->work, ASKED).ideal_ns / sampler->workers;
    return ns > (double)sampler->last_wall_ns ? (uint64_t)fmin(ns, 1e18) : sampler->last_wall_ns;
}

/* Adds to the sentence about a wrong result which rank has sent it, where that can be told. */
static void name_sender(struct sampler *sampler, struct err *err)
{
    uint64_t index;
    const char *told = strstr(err->text, "result of task ");
    if (!sampler->backend->sender || !told || sscanf(told, "result of task %" SCNu64, &index) != 1)
        return;
    int rank = sampler->backend->sender(sampler->team, index);
    const struct placement *p = sampler->backend->placements(sampler->team);
    for (uint32_t w = 0; w < sampler->workers; w++)
        if (p[w].rank == (uint32_t)rank) {
            struct err wrong = *err;
            err_set(err, "%s, sent by rank %d on %s", wrong.text, rank, p[w].host);
            return;
        }
}

/* Gives the job its chunks, by numbers that were told or are measured now. */
static int make_schedule(struct sampler *sampler, struct request *request, struct sample *sample,
                         bool *lost, struct err *err)
{
    struct job *job = &request->job;
    struct sched_spec rule = request->rule;
    if (calibrate(&sampler->known, sampler->backend, sampler->team, &sampler->works, job, &rule,
                  lost, err) != 0)
        return -1;
    sample->h_ns = rule.rule->needs & SCHED_NEEDS_H ? rule.params.h : NAN;
    sample->task_mean_ns = rule.rule->needs & SCHED_NEEDS_MEAN ? rule.params.mean : NAN;
    sample->task_sd_ns = rule.rule->needs & SCHED_NEEDS_SD ? rule.params.sd : NAN;
    job->sched = sched_make(&rule, job->sched.n, job->sched.workers, request->chunk);
    return 0;
}

static void note_loss(const struct sampler *sampler, bool lost, struct sample *sample)
{
    const struct backend *backend = sampler->backend;
    if (backend->is_broken ? backend->is_broken(sampler->team) : lost)
        text_copy(sample->status, sizeof sample->status, "died");
}

/* Returns 0 with a sample that is ok or wrong, and the moment at which the workers started
 * together, or -1 with one whose status tells why there is none. Where the status is not ok, the
 * sentence is in *err. */
static int take_sample(struct sampler *sampler, struct request *request, struct sample *sample,
                       struct outcome *outcome, uint64_t *start, struct err *err)
{
    const struct backend *backend = sampler->backend;
    struct team *team = sampler->team;
    struct job *job = &request->job;
    bool lost = false;
    text_copy(sample->status, sizeof sample->status, "error");
    if (make_schedule(sampler, request, sample, &lost, err) != 0) {
        note_loss(sampler, lost, sample);
        return -1;
    }
    job->work = work_shelf_get(&sampler->works, job, err);
    if (!job->work)
        return -1;
    if (!sampler->noise)
        sampler->noise = noise_new(backend->placements(team), sampler->workers, sampler->topo);
    noise_before(sampler->noise, expect(sampler, job));
    sampler->root_pu = topo_current_pu();
    bool prepared = backend->prepare(team, job, err) == 0;

    *start = clock_now_ns();
    bool mapped = prepared && backend->map(team, job, err) == 0;
    uint64_t end = clock_now_ns();

    noise_after(sampler->noise);
    if (!mapped || backend->collect(team, job, outcome, err) != 0) {
        note_loss(sampler, prepared, sample);
        return -1;
    }
    if (outcome->start_ns) {
        sample->window_ns = above(outcome->start_ns, *start);
        *start = outcome->start_ns;
    }
    sample->wall_ns = above(end, *start);
    sampler->last_wall_ns = sample->wall_ns;
    summarise(sampler, outcome, *start, sample);
    look_for_noise(sampler, job, outcome, *start, end, sample);
    sample->verified = work_verify(job->work, &outcome->total, outcome->results, err) == 0;
    if (!sample->verified)
        name_sender(sampler, err);
    text_copy(sample->status, sizeof sample->status, sample->verified ? "ok" : "wrong");
    return 0;
}

static uint64_t close_team(struct sampler *sampler)
{
    uint64_t start = clock_now_ns();
    if (sampler->team)
        sampler->backend->close(sampler->team);
    sampler->team = NULL;
    return clock_now_ns() - start;
}

int sampler_warm(struct sampler *sampler, struct err *err)
{
    struct request request = {.job = {.spec = "null", .scale = 1}, .chunk = 1};
    struct job *job = &request.job;
    struct sample sample = {0};
    struct outcome outcome;
    uint64_t start;
    if (sched_spec_read("dynamic", &request.rule, err) != 0)
        return -1;
    text_copy(job->dispatch, sizeof job->dispatch,
              dispatch_choose(sampler->backend->name, "auto", request.rule.rule, err));
    job->sched = (struct sched){.n = 2 * (uint64_t)sampler->workers, .workers = sampler->workers};
    if (take_sample(sampler, &request, &sample, &outcome, &start, err) != 0 || !sample.verified)
        return err_prefix(err, "the first list of tasks");
    worker_settle(); /* threads that spin would steal that time from the cell measured next */
    return 0;
}

void sampler_release(struct sampler *sampler)
{
    close_team(sampler);
    noise_free(sampler->noise);
    sampler->noise = NULL;
    work_shelf_release(&sampler->works);
}

/* --- answering -------------------------------------------------------------------------------- */

/* The fields of a sample that the driver fills in, or that every answer has; all others are the
 * cell's to tell once it has a sample. */
static const char *const not_told[] = {
    "order",   "launch", "pass",     "group",       "status",
    "open_ns", "retake", "cell_pid", "taken_at_ns", "error",
};

enum { N_NOT_TOLD = sizeof not_told / sizeof *not_told };

json_t *sampler_sentence(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *copy = alloc_text(text);
    for (char *c = copy; *c; c++)
        if (*c & 0x80)
            *c = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

static json_t *answer_new(json_t *request, const char *status, const char *error)
{
    json_t *answer = json_object(), *id = json_object_get(request, "id");
    json_object_set_new(answer, "id", json_is_integer(id) ? json_incref(id) : json_null());
    json_object_set_new(answer, "status", json_string(status));
    if (error[0])
        json_object_set_new(answer, "error", sampler_sentence(error));
    return answer;
}

static void answer_add_sample(json_t *answer, const struct sample *sample)
{
    json_t *all = record_json(sample_fields, sample);
    for (int i = 0; i < N_NOT_TOLD; i++)
        json_object_del(all, not_told[i]);
    json_object_update(answer, all);
    json_decref(all);
}

/* One array a worker. Text, as the events, which share it. */
static void add_workers(struct text *t, const struct outcome *outcome, uint32_t workers,
                        uint64_t start)
{
    text_addf(t, "\"workers\": [");
    for (uint32_t w = 0; w < workers; w++) {
        const struct worker_report *r = &outcome->reports[w];
        text_addf(
            t, "%s[%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
            w ? ", " : "", r->tally.tasks, r->tally.chunks, above(r->start_ns, start),
            above(r->end_ns, start), busy_ns(r), r->claim_ns);
    }
    text_addf(t, "]");
}

/* One array a worker that did not end where it was asked to run; nothing when there is none. */
static void add_misplacements(struct text *t, const struct sampler *sampler,
                              const struct outcome *outcome)
{
    const struct placement *p = sampler->backend->placements(sampler->team);
    int n = 0;
    for (uint32_t w = 0; w < sampler->workers; w++)
        if (p[w].requested_pu >= 0 && p[w].requested_pu != outcome->reports[w].pu)
            text_addf(t, "%s[%" PRIu32 ", %d, %d]", n++ ? ", " : ", \"misplacements\": [", w,
                      p[w].requested_pu, (int)outcome->reports[w].pu);
    if (n > 0)
        text_addf(t, "]");
}

/* The events as JSON text: a JSON value for each of their numbers would take too much memory. */
static void add_events(struct text *t, const struct outcome *outcome)
{
    text_addf(t, ", \"events_dropped\": %" PRIu64 ", \"events\": [", outcome->events_dropped);
    for (size_t i = 0; i < outcome->n_events; i++) {
        const struct chunk_event *e = &outcome->events[i];
        text_addf(t, "%s[%d, %d, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
                  i ? ", " : "", e->worker, e->pu, e->first, e->count, e->start_ns, e->end_ns);
    }
    text_addf(t, "]");
}

/* Writes the answer as a line, with more members (as text; may be empty) at its end. */
static void write_answer(FILE *out, json_t *answer, const char *more)
{
    char *text = json_dumps(answer, 0);
    json_decref(answer);
    if (text && more)
        fprintf(out, "%.*s, %s}\n", (int)strlen(text) - 1, text, more);
    else if (text)
        fprintf(out, "%s\n", text);
    fflush(out);
    free(text);
}

void sampler_write(FILE *out, json_t *object)
{
    write_answer(out, object, NULL);
}

/* Carries out a request and answers it. Returns whether the cell goes on; else *end is its end. */
static bool answer_request(struct sampler *sampler, json_t *object, int *end)
{
    struct request request;
    struct err err = {""};
    *end = CELL_DONE;
    if (read_request(sampler, object, &request, &err) != 0) {
        write_answer(sampler->out, answer_new(object, "error", err.text), NULL);
        return true;
    }
    if (request.quit)
        return false;

    struct sample sample = {0};
    struct outcome outcome;
    struct text more = TEXT_INIT;
    uint64_t start;
    bool taken = take_sample(sampler, &request, &sample, &outcome, &start, &err) == 0;
    bool died = strcmp(sample.status, "died") == 0;
    worker_settle();
    if (taken) {
        add_workers(&more, &outcome, sampler->workers, start);
        add_misplacements(&more, sampler, &outcome);
    }
    if (taken && request.job.trace)
        add_events(&more, &outcome);
    if (request.last && !died)
        sample.close_ns = close_team(sampler); /* from here on nothing of the outcome is left */
    json_t *answer = answer_new(object, sample.status, err.text);
    if (taken)
        answer_add_sample(answer, &sample);
    write_answer(sampler->out, answer, more.text);
    text_release(&more);
    if (died)
        *end = CELL_DIED;
    return !died && !request.last;
}

static bool answer_line(struct sampler *sampler, const char *line, size_t length, int *end)
{
    json_error_t error;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    bool goes_on = true;
    if (object) {
        goes_on = answer_request(sampler, object, end);
    } else {
        struct err err;
        err_set(&err, "the request is not JSON: %s", error.text);
        write_answer(sampler->out, answer_new(NULL, "error", err.text), NULL);
    }
    json_decref(object);
    return goes_on;
}

int sampler_serve(struct sampler *sampler, FILE *in)
{
    char *line = NULL;
    size_t size = 0;
    int end = CELL_DONE;
    ssize_t length;
    while ((length = getline(&line, &size, in)) >= 0)
        if (line[strspn(line, " \t\r\n")] != '\0' &&
            !answer_line(sampler, line, (size_t)length, &end))
            break;
    free(line);
    return end;
}
