/* What a sample says of its workers' time, and the numbers that the cell measures for rules which
 * lack them. Times are compared with one another only, never with a clock's idea of fast. */
#include "unit.h"

#include "base/text.h"
#include "cell/sampler.h"
#include "record/record.h"

#include <math.h>
#include <string.h>

static const struct backend *const backends[] = {
    &backend_seq,
    &backend_procpool,
#ifdef HAVE_OPENMP
    &backend_openmp,
#endif
};

enum { N_BACKENDS = sizeof backends / sizeof *backends };

static struct err err;

/* A cell of one backend with two workers, or the one that seq has. */
struct cell {
    struct topo *topo;
    struct topo_bind bind;
    struct launch launch;
    struct sampler sampler;
};

static void open_cell(struct cell *cell, const struct backend *backend)
{
    uint32_t workers = backend->limits & BACKEND_ONE_WORKER ? 1 : 2;
    *cell = (struct cell){.topo = topo_new(&err), .bind = {.policy = TOPO_NONE}};
    ck_assert_msg(cell->topo != NULL, "%s", err.text);
    cell->launch = (struct launch){workers, 1, workers, cell->topo, &cell->bind};
    cell->sampler.backend = backend;
    cell->sampler.workers = workers;
    ck_assert_msg(backend->open(&cell->sampler.team, &cell->launch, &err) == 0, "%s", err.text);
}

static void close_cell(struct cell *cell)
{
    sampler_release(&cell->sampler);
    topo_free(cell->topo);
}

/* The answer to one request; a new reference. */
static json_t *ask(struct cell *cell, const char *request)
{
    char *text = NULL;
    size_t size;
    FILE *in = fmemopen((void *)request, strlen(request), "r");
    cell->sampler.out = open_memstream(&text, &size);
    ck_assert_int_eq(sampler_serve(&cell->sampler, in), CELL_DONE);
    fclose(in);
    fclose(cell->sampler.out);
    json_t *answer = json_loads(text, 0, NULL);
    ck_assert_msg(json_is_object(answer), "'%s'", text);
    free(text);
    return answer;
}

static json_int_t number(const json_t *answer, const char *name)
{
    const json_t *value = json_object_get(answer, name);
    ck_assert_msg(json_is_integer(value), "%s", name);
    return json_integer_value(value);
}

static const char *text_of(const json_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer, name));
    return text ? text : "";
}

/* --- where the time went -------------------------------------------------------------------- */

enum { TASKS, CHUNKS, START, END, BUSY, CLAIM };

START_TEST(workers_add_up_to_the_sample)
{
    static const char *const lists[] = {
        "{\"id\": 1, \"workload\": \"burn iterations=20k\", \"tasks\": 40, \"chunk\": 3}",
        "{\"id\": 1, \"workload\": \"null\", \"tasks\": 5000, \"chunk\": 1}",
        "{\"id\": 1, \"workload\": \"square\", \"tasks\": 0}",
        "{\"id\": 1, \"workload\": \"square\", \"tasks\": 1, \"schedule\": \"static\"}",
    };
    struct cell cell;
    open_cell(&cell, backends[_i]);
    ck_assert_msg(sampler_warm(&cell.sampler, &err) == 0, "%s", err.text);
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        json_t *answer = ask(&cell, lists[k]), *worker;
        ck_assert_str_eq(text_of(answer, "status"), "ok");
        json_int_t sums[6] = {0}, most = 0, last_end = 0, n = cell.sampler.workers;
        size_t w, i;
        ck_assert_int_eq(json_array_size(json_object_get(answer, "workers")), n);
        json_array_foreach(json_object_get(answer, "workers"), w, worker)
        {
            json_int_t x[6];
            ck_assert_int_eq(json_array_size(worker), 6);
            for (i = 0; i < 6; i++)
                sums[i] += x[i] = json_integer_value(json_array_get(worker, i));
            ck_assert_int_le(x[START], x[END]);
            json_int_t alone = x[END] - x[START] - x[CLAIM];
            ck_assert_int_eq(x[BUSY], alone > 0 ? alone : 0);
            most = x[BUSY] > most ? x[BUSY] : most;
            last_end = x[END] > last_end ? x[END] : last_end;
        }
        ck_assert_int_eq(sums[CHUNKS], number(answer, "chunks"));
        ck_assert_int_eq(sums[BUSY], number(answer, "busy_ns"));
        ck_assert_int_eq(sums[CLAIM], number(answer, "claim_ns"));
        ck_assert_int_eq(last_end, number(answer, "span_ns"));
        ck_assert_int_eq(sums[START] + n * last_end - sums[END], number(answer, "idle_ns"));
        ck_assert_int_ge(number(answer, "wall_ns"), number(answer, "span_ns"));
        double imbalance = sums[BUSY] ? (double)(most * n) / (double)sums[BUSY] - 1 : 0;
        ck_assert_double_eq_tol(json_number_value(json_object_get(answer, "imbalance")), imbalance,
                                1e-9);
        ck_assert_int_eq(number(answer, "window_ns"), 0);
        ck_assert_int_eq(number(answer, "nodes"), 1);
        ck_assert_int_eq(number(answer, "clock_error_ns"), 0);
        json_decref(answer);
    }
    close_cell(&cell);
}
END_TEST

/* All fields but those that the driver fills in; no more is known of foreign cells' fields. */
START_TEST(an_answer_has_every_field)
{
    static const char *const not_told[] = {"order",  "launch",   "pass",        "group", "open_ns",
                                           "retake", "cell_pid", "taken_at_ns", "error"};
    struct cell cell;
    open_cell(&cell, backends[_i]);
    json_t *answer = ask(&cell, "{\"id\": 1, \"workload\": \"burn iterations=20k\", "
                                "\"tasks\": 40, \"chunk\": 3}");
    for (const struct field *f = sample_fields; f->name; f++) {
        bool is_told = true;
        for (size_t i = 0; i < sizeof not_told / sizeof *not_told; i++)
            is_told = is_told && strcmp(f->name, not_told[i]) != 0;
        ck_assert_msg((json_object_get(answer, f->name) != NULL) == is_told, "%s", f->name);
    }
    ck_assert_int_gt(number(answer, "chain_ps"), 0);
    ck_assert_int_gt(number(answer, "chain_end_ps"), 0);
    ck_assert_int_gt(number(answer, "noise_ns"), 0);
    ck_assert_int_gt(number(answer, "cpu_ns"), 0);
    json_int_t n = cell.sampler.workers;
    ck_assert_int_le(number(answer, "cpu_ns"), n * number(answer, "wall_ns"));
    ck_assert_int_le(number(answer, "lost_ns"), number(answer, "wall_ns"));
    ck_assert_int_le(number(answer, "migrations"), n);
    json_decref(answer);
    close_cell(&cell);
}
END_TEST

START_TEST(a_rule_without_numbers_has_none)
{
    struct cell cell;
    open_cell(&cell, &backend_seq);
    json_t *answer =
        ask(&cell, "{\"id\": 1, \"workload\": \"null\", \"tasks\": 3, \"calibrate\": false}");
    ck_assert_str_eq(text_of(answer, "status"), "ok");
    ck_assert(json_is_null(json_object_get(answer, "h_ns")));
    ck_assert(json_is_null(json_object_get(answer, "task_mean_ns")));
    ck_assert(json_is_null(json_object_get(answer, "task_sd_ns")));
    json_decref(answer);
    answer = ask(&cell, "{\"id\": 1, \"workload\": \"null\", \"tasks\": 3, \"calibrate\": 1}");
    ck_assert_str_eq(text_of(answer, "status"), "error");
    ck_assert_ptr_nonnull(strstr(text_of(answer, "error"), "calibrate"));
    json_decref(answer);
    close_cell(&cell);
}
END_TEST

/* --- a workload that is watched ------------------------------------------------------------- */

static uint64_t asked[1000];
static size_t n_asked;
static uint64_t task_ns; /* longer for every second task */
static size_t slow_ask;  /* number of the run that is interrupted, from 1; 0: none, */
static const uint64_t SLOW_NS = 100000000; /* for so long */

static uint64_t watched_run(const void *context, uint64_t index, void *result)
{
    (void)context;
    ck_assert_uint_lt(n_asked, sizeof asked / sizeof *asked);
    asked[n_asked++] = index;
    memset(result, 1, 16);
    uint64_t until = clock_now_ns() + task_ns * (1 + index % 2);
    if (n_asked == slow_ask)
        until += SLOW_NS;
    while (clock_now_ns() < until)
        ;
    return index;
}

static const struct workload watched = {.abi = POOLMARK_WORKLOAD_ABI, .run = watched_run};

static struct work watched_work(uint64_t n, uint64_t ns)
{
    n_asked = slow_ask = 0;
    task_ns = ns;
    return (struct work){.def = &watched, .n = n, .result_bytes = 16};
}

START_TEST(the_sample_takes_one_task_of_each_part)
{
    double mean, sd;
    uint64_t n = 6400;
    bool seen[64] = {false};
    struct work work = watched_work(n, 0);
    calibrate_tasks(&work, &mean, &sd);
    ck_assert_uint_eq(n_asked, 128);
    for (size_t i = 0; i < n_asked; i += 2) {
        ck_assert_uint_eq(asked[i], asked[i + 1]);
        ck_assert_uint_lt(asked[i], n);
        ck_assert(!seen[asked[i] / 100]);
        seen[asked[i] / 100] = true;
    }
    /* The same tasks each time. */
    uint64_t before[128];
    memcpy(before, asked, sizeof before);
    n_asked = 0;
    calibrate_tasks(&work, &mean, &sd);
    ck_assert_mem_eq(asked, before, sizeof before);
}
END_TEST

START_TEST(of_few_tasks_each_is_asked)
{
    double mean, sd;
    struct work work = watched_work((uint64_t)_i, 0);
    calibrate_tasks(&work, &mean, &sd);
    ck_assert_double_ge(mean, 1);
    ck_assert_double_ge(sd, 0);
    ck_assert_uint_eq(n_asked, 2 * _i);
    uint64_t sum = 0;
    for (size_t i = 0; i < n_asked; i++)
        sum += asked[i];
    ck_assert_uint_eq(sum, _i ? (uint64_t)_i * ((uint64_t)_i - 1) : 0);
}
END_TEST

START_TEST(of_long_tasks_four_are_asked)
{
    double mean, sd;
    struct work work = watched_work(1000, 20000000);
    calibrate_tasks(&work, &mean, &sd);
    ck_assert_uint_eq(n_asked, 8);
    ck_assert_double_ge(mean, 0.99 * 20000000);
    uint64_t odd = asked[0] % 2 + asked[2] % 2 + asked[4] % 2 + asked[6] % 2;
    if (odd > 0 && odd < 4)
        ck_assert_double_gt(sd, 5000000);
}
END_TEST

/* An interruption of one run among many would make the deviation an eighth of itself, and use up
 * the time that there is. */
START_TEST(one_interrupted_task_changes_nothing)
{
    static const size_t runs[] = {1, 2, 64, 127, 128};
    double mean, sd;
    struct work work = watched_work(6400, 1000);
    slow_ask = runs[_i];
    calibrate_tasks(&work, &mean, &sd);
    ck_assert_uint_eq(n_asked, 128);
    ck_assert_double_lt(mean, (double)SLOW_NS / 128);
    ck_assert_double_lt(sd, (double)SLOW_NS / 20);
}
END_TEST

/* --- a team that follows a script ------------------------------------------------------------ */

/* What a claim of each worker takes, and how many of 100 chunks the first worker gets. */
struct script {
    uint64_t claim_ns[2];
    uint64_t share;
    bool seen;         /* whether the reports tell claims */
    double slow;       /* times as long are claims and wall */
    size_t slow_list;  /* of this list, from 0 */
    uint64_t start_ns; /* from the call of the map to the common start */
    size_t n_lists;    /* mapped so far */
    uint64_t prepared_ns, called_ns, started_ns;
};

static struct script script;

static int script_prepare(struct team *team, const struct job *job, struct err *e)
{
    (void)team, (void)e;
    script.prepared_ns = clock_now_ns();
    return job->work->n == job->sched.n ? 0 : -1;
}

static int script_map(struct team *team, const struct job *job, struct err *e)
{
    (void)team, (void)job, (void)e;
    script.called_ns = clock_now_ns();
    do
        script.started_ns = clock_now_ns();
    while (script.started_ns < script.called_ns + script.start_ns);
    return 0;
}

static int script_collect(struct team *team, const struct job *job, struct outcome *outcome,
                          struct err *e)
{
    (void)team, (void)e;
    static struct worker_report reports[2];
    double slow = script.n_lists++ == script.slow_list ? script.slow : 1, wall_ns = 0;
    uint64_t n = job->sched.n, of_first = n * script.share / 100;
    *outcome = (struct outcome){.total.chunks = n, .reports = reports};
    for (int w = 0; w < 2; w++) {
        uint64_t chunks = w ? n - of_first : of_first;
        double claims_ns = slow * (double)script.claim_ns[w] * (double)(chunks + 1);
        reports[w] = (struct worker_report){.tally.chunks = chunks};
        reports[w].claim_ns = script.seen ? (uint64_t)claims_ns : 0;
        wall_ns = fmax(wall_ns, claims_ns);
    }
    outcome->start_ns = script.started_ns - (uint64_t)wall_ns;
    return 0;
}

static const struct placement *script_placements(struct team *team)
{
    static const struct placement placements[2];
    (void)team;
    return placements;
}

static const struct backend scripted = {.name = "procpool",
                                        .placements = script_placements,
                                        .prepare = script_prepare,
                                        .map = script_map,
                                        .collect = script_collect};

static double scripted_h(void)
{
    struct calibration known = {.n_ways = 0};
    struct work_shelf works = {.clock = 0};
    struct job job = {.spec = "null", .scale = 1, .sched = {.n = 10, .workers = 2}};
    struct sched_spec spec = sched_spec_default(SCHED_FSC);
    bool lost;
    spec.params.sd = 1;
    text_copy(job.dispatch, sizeof job.dispatch, "ticket");
    ck_assert_int_eq(calibrate(&known, &scripted, NULL, &works, &job, &spec, &lost, &err), 0);
    ck_assert(!lost);
    work_shelf_release(&works);
    return spec.params.h;
}

/* A list that takes a thousand times as long would be long enough at once; one that takes a tenth
 * would be the least. */
START_TEST(one_disturbed_list_changes_nothing)
{
    static const double slow[] = {1000, 0.1};
    script = (struct script){{500, 500}, 50, .seen = _i, .slow_list = SIZE_MAX};
    double h = scripted_h();
    size_t n_lists = script.n_lists;
    ck_assert_double_eq_tol(h, 500, 5);
    ck_assert_uint_gt(n_lists, 5); /* the first is too short */
    for (size_t k = 0; k < sizeof slow / sizeof *slow; k++)
        for (size_t list = 0; list < n_lists; list++) {
            script.n_lists = 0;
            script.slow_list = list;
            script.slow = slow[k];
            ck_assert_double_eq_tol(scripted_h(), 500, 5);
        }
}
END_TEST

START_TEST(h_is_the_mean_over_workers)
{
    /* A root that takes nearly all chunks for itself, and a rank that asks for the others. */
    script = (struct script){{20, 2000}, 99, .seen = true, .slow_list = SIZE_MAX};
    ck_assert_double_eq_tol(scripted_h(), 1010, 1);
    /* A root that only grants has no claims. */
    script = (struct script){{0, 2000}, 0, .seen = true, .slow_list = SIZE_MAX};
    ck_assert_double_eq_tol(scripted_h(), 2000, 1);
    /* A worker that came too late has asked once. */
    script = (struct script){{20, 60}, 100, .seen = true, .slow_list = SIZE_MAX};
    ck_assert_double_eq_tol(scripted_h(), 40, 1);
}
END_TEST

/* What passes before the common start is told and in no other time. */
START_TEST(the_window_is_told)
{
    struct cell cell = {.sampler = {.backend = &scripted, .workers = 2}};
    script = (struct script){.share = 50, .start_ns = 20000000};
    json_t *answer = ask(&cell, "{\"id\": 1, \"workload\": \"null\", \"tasks\": 10}");
    json_int_t window = number(answer, "window_ns");
    ck_assert_int_ge(window, script.started_ns - script.called_ns);
    ck_assert_int_le(window, script.started_ns - script.prepared_ns);
    uint64_t since_start = clock_now_ns() - script.started_ns;
    ck_assert_int_le(number(answer, "wall_ns"), since_start);
    json_decref(answer);
    sampler_release(&cell.sampler);
}
END_TEST

/* --- filling in ----------------------------------------------------------------------------- */

/* The rule dynamic, as if it reckoned with all three. */
static struct sched_spec needy(double h, double mean, double sd)
{
    static struct sched_rule rule;
    rule = *sched_rule_of(SCHED_DYNAMIC);
    rule.needs = SCHED_NEEDS_H | SCHED_NEEDS_MEAN | SCHED_NEEDS_SD;
    return (struct sched_spec){.rule = &rule, .params = {.h = h, .mean = mean, .sd = sd}};
}

static struct job make_job(const struct cell *cell, const char *spec, uint64_t n)
{
    struct job job = {.scale = 1, .sched = {.n = n, .workers = cell->sampler.workers}};
    text_copy(job.spec, sizeof job.spec, spec);
    text_copy(job.dispatch, sizeof job.dispatch, dispatch_names(cell->sampler.backend->name)[0]);
    return job;
}

static struct sched_params fill(struct cell *cell, const struct job *job, struct sched_spec spec)
{
    struct sampler *s = &cell->sampler;
    bool lost;
    ck_assert_msg(calibrate(&s->known, s->backend, s->team, &s->works, job, &spec, &lost, &err) ==
                      0,
                  "%s", err.text);
    ck_assert(!lost);
    return spec.params;
}

START_TEST(what_is_lacking_is_measured_once)
{
    struct cell cell;
    open_cell(&cell, backends[_i]);
    struct job job = make_job(&cell, "burn iterations=2k", 100);
    struct sched_params first = fill(&cell, &job, needy(NAN, NAN, NAN));
    ck_assert_double_gt(first.h, 0);
    ck_assert_double_ge(first.mean, 1);
    ck_assert_double_ge(first.sd, 0);
    struct sched_params again = fill(&cell, &job, needy(NAN, NAN, NAN));
    ck_assert(again.h == first.h && again.mean == first.mean && again.sd == first.sd);
    /* Other tasks, or as many more of them, are other times; what handing out costs stays. */
    job.sched.n = 101;
    ck_assert_double_eq(fill(&cell, &job, needy(NAN, NAN, NAN)).h, first.h);
    ck_assert_uint_eq(cell.sampler.known.n_works, 2);
    ck_assert_uint_eq(cell.sampler.known.n_ways, 1);
    close_cell(&cell);
}
END_TEST

START_TEST(what_was_given_stays)
{
    struct cell cell;
    open_cell(&cell, &backend_seq);
    struct job job = make_job(&cell, "null", 10);
    struct sched_params p = fill(&cell, &job, needy(3, 4, 5));
    ck_assert(p.h == 3 && p.mean == 4 && p.sd == 5);
    ck_assert_uint_eq(cell.sampler.known.n_works + cell.sampler.known.n_ways, 0);
    p = fill(&cell, &job, needy(3, NAN, 5));
    ck_assert(p.h == 3 && p.mean >= 1 && p.sd == 5);
    ck_assert_uint_eq(cell.sampler.known.n_ways, 0);
    close_cell(&cell);
}
END_TEST

START_TEST(more_workloads_than_are_remembered)
{
    struct cell cell;
    open_cell(&cell, &backend_seq);
    for (uint64_t n = 1; n < 3 * CALIBRATION_WORKS; n++) {
        struct job job = make_job(&cell, "null", n);
        ck_assert_double_ge(fill(&cell, &job, needy(1, NAN, NAN)).mean, 1);
    }
    close_cell(&cell);
}
END_TEST

/* A dispatch that carries no chunks of one size: h comes from another of the backend's. */
START_TEST(h_of_a_dispatch_without_such_chunks)
{
    struct cell cell;
    open_cell(&cell, &backend_procpool);
    struct job job = make_job(&cell, "null", 10);
    text_copy(job.dispatch, sizeof job.dispatch, "static");
    ck_assert_double_gt(fill(&cell, &job, needy(NAN, 1, 1)).h, 0);
    ck_assert_str_eq(cell.sampler.known.ways[0].dispatch, "ticket");
    close_cell(&cell);
}
END_TEST

UNIT_MAIN("sampler", UNIT_LOOP(workers_add_up_to_the_sample, 0, N_BACKENDS),
          UNIT_LOOP(an_answer_has_every_field, 0, N_BACKENDS), a_rule_without_numbers_has_none,
          the_sample_takes_one_task_of_each_part, UNIT_LOOP(of_few_tasks_each_is_asked, 0, 7),
          of_long_tasks_four_are_asked, UNIT_LOOP(one_interrupted_task_changes_nothing, 0, 5),
          UNIT_LOOP(one_disturbed_list_changes_nothing, 0, 2), h_is_the_mean_over_workers,
          the_window_is_told, UNIT_LOOP(what_is_lacking_is_measured_once, 0, N_BACKENDS),
          what_was_given_stays, more_workloads_than_are_remembered,
          h_of_a_dispatch_without_such_chunks)
