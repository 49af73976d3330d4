/* One conformance suite over every backend without MPI × rule × dispatch × awkward size: each index
 * runs exactly once, the answer is right, the chunks are those of the rule, and the trace shows the
 * same. Then what belongs to one backend alone, and the request loop. */
#include "unit.h"

#include "cell/sampler.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct backend *const backends[] = {
    &backend_seq,
    &backend_procpool,
#ifdef HAVE_OPENMP
    &backend_openmp,
#endif
};

static const uint32_t worker_counts[] = {1, 2, 5};
static const uint64_t sizes[] = {0, 1, 3, 7, 97, 1009};
static const char *const specs[] = {"null", "square results=yes"};

enum {
    N_BACKENDS = sizeof backends / sizeof *backends,
    N_WORKER_COUNTS = sizeof worker_counts / sizeof *worker_counts,
    N_SIZES = sizeof sizes / sizeof *sizes,
    N_SPECS = sizeof specs / sizeof *specs,
};

/* A team with all that it needs to be asked. */
struct cell {
    const struct backend *backend;
    struct topo *topo;
    struct topo_bind bind;
    struct launch launch;
    struct team *team;
    struct work_shelf works;
};

static struct err err;

static void open_cell(struct cell *cell, const struct backend *backend, uint32_t workers,
                      enum topo_policy policy)
{
    *cell = (struct cell){.backend = backend, .topo = topo_new(&err), .bind = {.policy = policy}};
    ck_assert_msg(cell->topo != NULL, "%s", err.text);
    cell->launch = (struct launch){workers, 1, workers, cell->topo, &cell->bind};
    ck_assert_msg(backend->open(&cell->team, &cell->launch, &err) == 0, "%s", err.text);
}

static void close_cell(struct cell *cell)
{
    cell->backend->close(cell->team);
    work_shelf_release(&cell->works);
    topo_free(cell->topo);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static struct job job_of(struct cell *cell, const char *spec, enum sched_kind kind, uint64_t n,
                         uint64_t chunk)
{
    struct job job = {.scale = 1};
    const char *way = dispatch_choose(cell->backend->name, "auto", sched_rule_of(kind), &err);
    ck_assert_msg(way != NULL, "%s", err.text);
    snprintf(job.dispatch, sizeof job.dispatch, "%s", way);
    ck_assert_msg(work_canonical(spec, job.spec, sizeof job.spec, &err) == 0, "%s", err.text);
    job.sched = sched_resolve(kind, n, cell->launch.workers, chunk);
    job.work = work_shelf_get(&cell->works, &job, &err);
    ck_assert_msg(job.work != NULL, "%s", err.text);
    return job;
}

static int ask(struct cell *cell, const struct job *job, struct outcome *outcome)
{
    const struct backend *backend = cell->backend;
    if (backend->prepare(cell->team, job, &err) != 0 || backend->map(cell->team, job, &err) != 0)
        return -1;
    return backend->collect(cell->team, job, outcome, &err);
}

/* --- conformance ------------------------------------------------------------------------------ */

/* The number of chunks that a list may be cut into. */
struct bounds {
    uint64_t least, most;
};

static uint64_t static_chunks(const struct sched *s)
{
    uint64_t chunks = 0, first, count;
    for (uint32_t w = 0; w < s->workers; w++)
        for (uint64_t turn = 0; sched_static_chunk(s, w, turn, &first, &count); turn++)
            chunks++;
    return chunks;
}

/* Thieves cut between chunks: each block has as many as without them. */
static uint64_t range_chunks(const struct sched *s)
{
    struct sched blocks = sched_resolve(SCHED_STATIC, s->n, s->workers, 0);
    uint64_t chunks = 0, first, count;
    for (uint32_t w = 0; w < s->workers; w++)
        if (sched_static_chunk(&blocks, w, 0, &first, &count))
            chunks += (count + s->chunk - 1) / s->chunk;
    return chunks;
}

static uint64_t walked_chunks(const struct sched *s)
{
    struct sched_walk walk = {0};
    uint64_t chunks = 0, first, count;
    while (sched_walk(s, &walk, &first, &count))
        chunks++;
    return chunks;
}

static struct bounds expected_chunks(const struct backend *backend, const struct job *job)
{
    const struct sched *s = &job->sched;
    bool is_seq = backend == &backend_seq;
    uint64_t known = is_seq && !job->trace        ? s->n > 0 /* runs the list as one */
                     : s->class == SCHED_FIXED    ? static_chunks(s)
                     : s->class == SCHED_RANGES   ? range_chunks(s)
                     : s->class == SCHED_ADAPTIVE ? 0
                     : s->kind == SCHED_AUTO      ? 0
                     : s->kind == SCHED_TASKLOOP  ? 0
                                                  : walked_chunks(s);
    if (known || s->n == 0)
        return (struct bounds){known, known};
    return (struct bounds){1, s->n};
}

/* Returns how often the events contradict the outcome: each index once, by the worker that says so.
 */
static uint64_t count_event_mistakes(const struct job *job, const struct outcome *outcome)
{
    uint64_t n = job->sched.n, mistakes = outcome->n_events != outcome->total.chunks, seen = 0;
    unsigned char marks[1009] = {0};
    uint64_t tasks[8] = {0};
    for (size_t i = 0; i < outcome->n_events; i++) {
        const struct chunk_event *e = &outcome->events[i];
        if (e->worker < 0 || e->worker >= (int32_t)job->sched.workers || e->first + e->count > n)
            return UINT64_MAX;
        const struct worker_report *r = &outcome->reports[e->worker];
        mistakes += e->start_ns < r->start_ns || e->end_ns < e->start_ns || e->end_ns > r->end_ns;
        for (uint64_t k = e->first; k < e->first + e->count; k++)
            mistakes += marks[k]++ > 0;
        tasks[e->worker] += e->count;
        seen += e->count;
    }
    for (uint32_t w = 0; w < job->sched.workers; w++)
        mistakes += tasks[w] != outcome->reports[w].tally.tasks;
    return mistakes + (seen != n) + outcome->events_dropped;
}

static void check_list(struct cell *cell, struct job *job)
{
    const struct sched *s = &job->sched;
    struct outcome outcome;
    struct tally sum = {0};
    char label[768];
    snprintf(label, sizeof label, "%s, %s, %s by %s, n %" PRIu64 ", chunk %" PRIu64 ", trace %d",
             cell->backend->name, job->spec, sched_rule_of(s->kind)->name, job->dispatch, s->n,
             s->chunk, job->trace);
    ck_assert_msg(ask(cell, job, &outcome) == 0, "%s: %s", label, err.text);
    ck_assert_msg(work_verify(job->work, &outcome.total, outcome.results, &err) == 0, "%s: %s",
                  label, err.text);
    ck_assert_msg((outcome.results != NULL) == (job->work->result_bytes > 0 && s->n > 0) ||
                      s->n == 0,
                  "%s: results", label);
    for (uint32_t w = 0; w < cell->launch.workers; w++) {
        const struct worker_report *r = &outcome.reports[w];
        tally_add(&sum, &r->tally);
        ck_assert(r->start_ns <= r->end_ns);
        ck_assert_msg(r->claim_ns <= r->end_ns - r->start_ns,
                      "%s: claimed for %" PRIu64 " of %" PRIu64 " ns", label, r->claim_ns,
                      r->end_ns - r->start_ns);
    }
    ck_assert_msg(memcmp(&sum, &outcome.total, sizeof sum) == 0, "%s: reports do not add up",
                  label);
    struct bounds chunks = expected_chunks(cell->backend, job);
    ck_assert_msg(outcome.total.chunks >= chunks.least && outcome.total.chunks <= chunks.most,
                  "%s: %" PRIu64 " chunks instead of %" PRIu64 " to %" PRIu64, label,
                  outcome.total.chunks, chunks.least, chunks.most);
    uint64_t mistakes = job->trace ? count_event_mistakes(job, &outcome) : outcome.n_events;
    ck_assert_msg(mistakes == 0, "%s: %" PRIu64 " mistakes in the events", label, mistakes);
}

/* Chunks: the rule's own, an odd one, above n; one, too, where that is another. Of what is computed
 * and whether it is traced one of the four takes its turn with each chunk, so that all of them meet
 * each rule, way and chunk over the sizes: on a busy machine a list takes some ms, however short.
 */
static void check_size(struct cell *cell, const struct sched_rule *rule, const char *way,
                       uint64_t n, size_t turn)
{
    const uint64_t chunks[] = {0, 3, n + 5, 1};
    int n_chunks = rule->kind == SCHED_STATIC ? 4 : rule->takes_chunk ? 3 : 1;
    for (int c = 0; c < n_chunks; c++, turn++) {
        struct job job = job_of(cell, specs[turn % N_SPECS], rule->kind, n, chunks[c]);
        snprintf(job.dispatch, sizeof job.dispatch, "%s", way);
        job.trace = turn / N_SPECS % 2;
        check_list(cell, &job);
    }
}

/* Every way of the backend's that carries the rule. */
static void check_rule(struct cell *cell, const struct sched_rule *rule)
{
    size_t turn = (size_t)rule->kind;
    for (const char *const *way = dispatch_names(cell->backend->name); *way; way++, turn++)
        for (size_t i = 0; i < N_SIZES && dispatch_carries(*way, rule); i++)
            if (UNIT_RUNS(i + turn))
                check_size(cell, rule, *way, sizes[i], i + turn / UNIT_SHARE);
}

START_TEST(every_list_runs_exactly_once)
{
    const struct backend *backend = backends[_i / N_WORKER_COUNTS];
    uint32_t workers = worker_counts[_i % N_WORKER_COUNTS];
    if ((backend->limits & BACKEND_ONE_WORKER) && workers > 1)
        return;
    struct cell cell;
    open_cell(&cell, backend, workers, TOPO_NONE);
    for (const struct sched_rule *rule = sched_table; rule->name; rule++)
        check_rule(&cell, rule);
    close_cell(&cell);
}
END_TEST

START_TEST(workers_run_where_they_are_asked_to)
{
    struct cell cell;
    const struct backend *backend = backends[_i];
    uint32_t workers = backend->limits & BACKEND_ONE_WORKER ? 1 : 3;
    open_cell(&cell, backend, workers, TOPO_CLOSE);
    int pus[3];
    char set[16];
    ck_assert_int_eq(topo_plan(cell.topo, &cell.bind, workers, pus, &err), 0);
    const struct placement *places = backend->placements(cell.team);
    struct job job = job_of(&cell, "null", SCHED_STATIC, 100, 0);
    struct outcome outcome;
    ck_assert_int_eq(ask(&cell, &job, &outcome), 0);
    for (uint32_t w = 0; w < workers; w++) {
        snprintf(set, sizeof set, "%d", pus[w]);
        ck_assert_uint_eq(places[w].worker, w);
        ck_assert_int_gt(places[w].pid, 0);
        ck_assert_int_eq(places[w].requested_pu, pus[w]);
        ck_assert_int_eq(places[w].observed_pu, pus[w]);
        ck_assert_str_eq(places[w].observed_set, set);
        ck_assert_int_eq(outcome.reports[w].pu, pus[w]);
    }
    close_cell(&cell);
}
END_TEST

START_TEST(a_wrong_answer_is_found)
{
    struct cell cell;
    open_cell(&cell, backends[_i], 1, TOPO_NONE);
    struct job job =
        job_of(&cell, "./build/fixtures/plugin_fault.so fault=wrong at=30", SCHED_DYNAMIC, 100, 0);
    struct outcome outcome;
    ck_assert_msg(ask(&cell, &job, &outcome) == 0, "%s", err.text);
    ck_assert_int_eq(work_verify(job.work, &outcome.total, outcome.results, &err), -1);
    close_cell(&cell);
}
END_TEST

/* 2^37 results of 8 bytes are a tebibyte. */
START_TEST(too_many_results_are_refused)
{
    struct cell cell;
    open_cell(&cell, backends[_i], 1, TOPO_NONE);
    struct job job = job_of(&cell, "square results=yes", SCHED_DYNAMIC, (uint64_t)1 << 37, 0);
    struct outcome outcome;
    ck_assert_int_eq(cell.backend->prepare(cell.team, &job, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "137438953472 results of 8 bytes do not fit"));
    ck_assert(!cell.backend->is_broken || !cell.backend->is_broken(cell.team));
    job = job_of(&cell, "square results=yes", SCHED_DYNAMIC, 10, 0);
    ck_assert_msg(ask(&cell, &job, &outcome) == 0, "%s", err.text);
    close_cell(&cell);
}
END_TEST

/* --- one backend alone ------------------------------------------------------------------------ */

static const struct {
    const char *fault, *says;
} faults[] = {{"exit", "ended with status 7"}, {"abort", "signal 6"}, {"segv", "signal 11"}};

static const enum sched_kind claimed[] = {SCHED_DYNAMIC, SCHED_STEAL, SCHED_WF};

START_TEST(procpool_tells_of_a_worker_that_dies)
{
    struct cell cell;
    open_cell(&cell, &backend_procpool, 3, TOPO_NONE);
    char spec[128];
    snprintf(spec, sizeof spec, "./build/fixtures/plugin_fault.so fault=%s at=17",
             faults[_i].fault);
    struct job job = job_of(&cell, spec, claimed[_i], 100, 0);
    struct outcome outcome;
    ck_assert_int_eq(ask(&cell, &job, &outcome), -1);
    ck_assert_msg(strstr(err.text, faults[_i].says) != NULL, "%s", err.text);
    ck_assert(cell.backend->is_broken(cell.team));
    close_cell(&cell);
}
END_TEST

/* It was loaded after the fork, so the worker must load it itself. A workload that only the workers
 * cannot set up costs the request, not the pool. */
START_TEST(procpool_survives_a_workload_that_its_workers_refuse)
{
    struct cell cell;
    open_cell(&cell, &backend_procpool, 2, TOPO_NONE);
    struct job good = job_of(&cell, "./build/fixtures/plugin_good.so", SCHED_GUIDED, 101, 0);
    struct job bad = good;
    struct outcome outcome;
    snprintf(bad.spec, sizeof bad.spec, "./build/fixtures/nothing.so");
    ck_assert_int_eq(cell.backend->prepare(cell.team, &bad, &err), -1);
    ck_assert_msg(strstr(err.text, "nothing.so") != NULL, "%s", err.text);
    ck_assert(!cell.backend->is_broken(cell.team));
    ck_assert_msg(ask(&cell, &good, &outcome) == 0, "%s", err.text);
    ck_assert_msg(work_verify(good.work, &outcome.total, outcome.results, &err) == 0, "%s",
                  err.text);
    close_cell(&cell);
}
END_TEST

START_TEST(the_shelf_keeps_and_replaces)
{
    struct work_shelf shelf = {.clock = 0};
    struct job job = {.spec = "square", .scale = 1}, nulls = {.spec = "null", .scale = 1};
    job.sched.n = 1;
    const struct work *first = work_shelf_get(&shelf, &job, &err);
    for (uint64_t n = 2; n <= SHELF_WORKS; n++) {
        job.sched.n = n;
        ck_assert_uint_eq(work_shelf_get(&shelf, &job, &err)->n, n);
    }
    for (nulls.sched.n = 1; nulls.sched.n < 20; nulls.sched.n++) /* in nobody's place */
        ck_assert_uint_eq(work_shelf_get(&shelf, &nulls, &err)->n, nulls.sched.n);
    job.sched.n = 1;
    ck_assert_ptr_eq(work_shelf_get(&shelf, &job, &err), first);
    job.sched.n = 100; /* takes the place of 2, the one unused for longest */
    const struct work *latest = work_shelf_get(&shelf, &job, &err);
    job.sched.n = 1;
    ck_assert_ptr_eq(work_shelf_get(&shelf, &job, &err), first);
    job.sched.n = 2;
    ck_assert_ptr_ne(work_shelf_get(&shelf, &job, &err), latest);
    snprintf(job.spec, sizeof job.spec, "nonsense");
    ck_assert_ptr_null(work_shelf_get(&shelf, &job, &err));
    work_shelf_release(&shelf);
}
END_TEST

START_TEST(old_results_are_forgotten_by_all_workers_together)
{
    struct work work = {.result_bytes = 3};
    for (uint64_t n = 0; n < 40; n++)
        for (uint32_t workers = 1; workers < 9; workers++) {
            struct job job = {.sched = sched_resolve(SCHED_DYNAMIC, n, workers, 1)};
            unsigned char results[3 * 40 + 1] = {0};
            for (uint32_t w = 0; w < workers; w++)
                worker_forget_results(&work, &job, w, results);
            ck_assert(n == 0 || memchr(results, 0, 3 * n) == NULL);
            ck_assert_int_eq(results[3 * n], 0);
        }
}
END_TEST

/* A claim stands for those that were not timed, without the clock's own time; but no claims take
 * longer than there was time. */
START_TEST(the_meter_multiplies_within_reason)
{
    struct meter meter = {.reading_ns = 30};
    ck_assert_uint_eq(meter_claim_ns(&meter, 1000, 1100), 70);
    ck_assert_uint_eq(meter_claim_ns(&meter, 1000, 1020), 0);
    meter.last_ns = 70;
    meter_add(&meter, 128, 128 * 200);
    ck_assert_uint_eq(meter.claim_ns, 128 * 70);
    meter.last_ns = 4000000; /* preempted */
    meter_add(&meter, 128, 4025600);
    ck_assert_uint_eq(meter.claim_ns, 128 * 70 + 4025600);
}
END_TEST

/* Claims are timed more and more seldom while chunks are short; all of them are counted. */
START_TEST(the_meter_times_fewer_claims_of_short_chunks)
{
    struct meter meter;
    uint64_t n_timed = 0, n_claims = 0;
    meter_start(&meter);
    for (uint64_t i = 0; i < 100000; i++) {
        meter_ask(&meter);
        n_timed += meter.is_on;
        n_claims += meter.is_on ? meter.skipped + 1 : 0;
        meter_got(&meter);
        ck_assert_uint_le(meter.to_skip, METER_SKIP);
        if (i == 99999)
            n_claims += meter.skipped;
    }
    ck_assert_uint_eq(n_claims, 100000);
    ck_assert_uint_lt(n_timed, 50000);
}
END_TEST

/* Until a chunk has been seen nobody knows that they are short. */
START_TEST(the_meter_times_the_first_two_claims)
{
    struct meter meter;
    meter_start(&meter);
    for (int i = 0; i < 3; i++) {
        meter_ask(&meter);
        ck_assert_int_eq(meter.is_on, i < 2);
        meter_got(&meter);
    }
}
END_TEST

/* Of many short claims each so-and-so-many-th waits, which is nearly all of the time and is counted
 * as it is, whether that claim is one of those that are timed or not; so is what is told apart. */
START_TEST(the_meter_adds_waits_as_they_are)
{
    enum { WAIT_NS = 300000, CLAIMS = 20000, WAITS = 40 };
    struct meter meter;
    uint64_t truth = 0, n_timed = 0;
    const int every = CLAIMS / WAITS + _i;
    meter_start(&meter);
    for (int i = 0; i < CLAIMS; i++) {
        bool waits = i % every == every - 1;
        uint64_t start = waits ? clock_now_ns() : 0;
        meter_ask(&meter);
        if (waits) {
            meter_slow(&meter);
            clock_sleep_ns(WAIT_NS);
            meter_slow(&meter); /* again, deeper within */
            clock_sleep_ns(WAIT_NS);
        }
        n_timed += meter.is_on;
        meter_got(&meter);
        truth += waits ? clock_now_ns() - start : 0;
        if (i % every == 7) {
            meter_ask(&meter);
            start = clock_now_ns();
            clock_sleep_ns(WAIT_NS);
            uint64_t took = clock_now_ns() - start;
            meter_apart(&meter, took);
            meter_got(&meter);
            truth += took;
        }
    }
    uint64_t sum = meter_end(&meter);
    ck_assert_uint_lt(n_timed, CLAIMS / 20);
    ck_assert_msg(sum > truth - truth / 20 && sum < truth + truth / 20,
                  "the meter says %" PRIu64 " us, and waits took %" PRIu64, sum / 1000,
                  truth / 1000);
}
END_TEST

/* In parts only where the rule looks at them; it is one chunk all the same. */
START_TEST(a_timed_chunk_tells_of_its_tasks)
{
    static const uint64_t counts[] = {1, CLAIM_MOST_PARTS - 1, 1000};
    for (int i = 0; i < 3; i++)
        for (int in_parts = 0; in_parts < 2; in_parts++) {
            const uint64_t n = counts[i];
            struct sched sched = sched_resolve(in_parts ? SCHED_AF : SCHED_DYNAMIC, n, 1, n);
            struct timed_chunk chunk = {.first = 0, .count = n};
            struct tally tally = {0};
            struct work work;
            ck_assert_int_eq(work_open(&work, "square", n, 1, &err), 0);
            worker_run_timed(&sched, &work, 0, &chunk, NULL, &tally, NULL);
            ck_assert_int_eq(work_verify(&work, &tally, NULL, &err), 0);
            work_close(&work);
            ck_assert_uint_eq(tally.chunks, 1);
            ck_assert_uint_eq(chunk.parts.tasks, n);
            ck_assert_uint_eq(chunk.parts.n, !in_parts              ? 1
                                             : n < CLAIM_MOST_PARTS ? n
                                                                    : CLAIM_MOST_PARTS);
            ck_assert(fabs(chunk.parts.mean_ns * (double)n -
                           (double)(chunk.end_ns - chunk.start_ns)) < 1);
        }
}
END_TEST

/* --- the request loop ------------------------------------------------------------------------- */

/* Answers the lines with a seq cell; the answers are parsed. Returns how the cell ended. */
static int converse(const char *lines, json_t **answers, size_t most, size_t *n)
{
    struct cell cell;
    open_cell(&cell, &backend_seq, 1, TOPO_NONE);
    char *text = NULL, *rest;
    size_t size;
    FILE *in = fmemopen((void *)lines, strlen(lines), "r"), *out = open_memstream(&text, &size);
    struct sampler sampler = {.backend = cell.backend, .team = cell.team, .workers = 1, .out = out};
    ck_assert_int_eq(sampler_warm(&sampler, &err), 0);
    int end = sampler_serve(&sampler, in);
    sampler_release(&sampler);
    fclose(in);
    fclose(out);
    *n = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        ck_assert_uint_lt(*n, most);
        answers[*n] = json_loads(line, 0, NULL);
        ck_assert_msg(answers[*n] != NULL, "not JSON: %s", line);
        ++*n;
    }
    free(text);
    topo_free(cell.topo);
    return end;
}

static const char *text_of(const json_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer, name));
    return text ? text : "";
}

START_TEST(a_request_gets_a_sample)
{
    json_t *answers[4];
    size_t n;
    int end =
        converse("{\"id\": 41, \"workload\": \"square\", \"tasks\": 5000}\n\n"
                 "{\"id\": 42, \"workload\": \"null\", \"tasks\": 5, \"schedule\": \"dynamic\", "
                 "\"chunk\": 2, \"trace\": true, \"last\": true}\n"
                 "{\"id\": 43, \"workload\": \"null\", \"tasks\": 5}\n",
                 answers, 4, &n);
    ck_assert_int_eq(end, CELL_DONE);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(json_integer_value(json_object_get(answers[0], "id")), 41);
    ck_assert_str_eq(text_of(answers[0], "status"), "ok");
    ck_assert_int_eq(json_integer_value(json_object_get(answers[0], "sum")), 41679167500);
    ck_assert(json_is_true(json_object_get(answers[0], "verified")));
    ck_assert_ptr_null(json_object_get(answers[0], "error"));
    ck_assert_ptr_null(json_object_get(answers[0], "events"));
    ck_assert_int_gt(json_integer_value(json_object_get(answers[1], "close_ns")), 0);
    const json_t *events = json_object_get(answers[1], "events");
    ck_assert_uint_eq(json_array_size(events), 3);
    ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(events, 2), 2)), 4);
    for (size_t i = 0; i < n; i++)
        json_decref(answers[i]);
}
END_TEST

static const struct {
    const char *line, *says;
} malformed[] = {
    {"{\"id\": 1", "not JSON"},
    {"5", "not a JSON object"},
    {"{}", "no id"},
    {"{\"id\": \"1\", \"workload\": \"null\", \"tasks\": 1}", "no id"},
    {"{\"id\": 1, \"tasks\": 1}", "no workload"},
    {"{\"id\": 1, \"workload\": \"null\"}", "no tasks"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": -1}", "tasks is not a whole number"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1e3}", "tasks is not a whole number"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1099511627777}",
     "tasks is not a whole number"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1, \"chunk\": null}", "chunk is not"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1, \"scale\": 0}", "scale is not"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1, \"trace\": 1}", "trace is neither"},
    {"{\"id\": 1, \"workload\": \"nul\", \"tasks\": 1}", "unknown workload 'nul'"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1, \"schedule\": \"x\"}",
     "unknown schedule 'x'"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1, \"dispatch\": \"x\"}",
     "unknown dispatch 'x'"},
    {"{\"id\": 1, \"workload\": \"null\", \"tasks\": 1, \"chunks\": 1}", "unknown member 'chunks'"},
};

enum { N_MALFORMED = sizeof malformed / sizeof *malformed };

/* It is told why, and the cell takes further ones. */
START_TEST(a_malformed_request_gets_a_sentence)
{
    char lines[512];
    json_t *answers[2];
    size_t n;
    snprintf(lines, sizeof lines,
             "%s\n{\"id\": 2, \"workload\": \"null\", \"tasks\": 1}\n{\"quit\": true}",
             malformed[_i].line);
    ck_assert_int_eq(converse(lines, answers, 2, &n), CELL_DONE);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(text_of(answers[0], "status"), "error");
    ck_assert_msg(strstr(text_of(answers[0], "error"), malformed[_i].says) != NULL, "%s",
                  text_of(answers[0], "error"));
    ck_assert_ptr_nonnull(json_object_get(answers[0], "id"));
    ck_assert_str_eq(text_of(answers[1], "status"), "ok");
    for (size_t i = 0; i < n; i++)
        json_decref(answers[i]);
}
END_TEST

UNIT_MAIN("backends", UNIT_LOOP(every_list_runs_exactly_once, 0, N_BACKENDS *N_WORKER_COUNTS),
          UNIT_LOOP(workers_run_where_they_are_asked_to, 0, N_BACKENDS),
          UNIT_LOOP(a_wrong_answer_is_found, 0, N_BACKENDS),
          UNIT_LOOP(too_many_results_are_refused, 0, N_BACKENDS),
          UNIT_LOOP(procpool_tells_of_a_worker_that_dies, 0, 3),
          procpool_survives_a_workload_that_its_workers_refuse, the_shelf_keeps_and_replaces,
          the_meter_multiplies_within_reason, the_meter_times_fewer_claims_of_short_chunks,
          the_meter_times_the_first_two_claims, UNIT_LOOP(the_meter_adds_waits_as_they_are, 0, 3),
          a_timed_chunk_tells_of_its_tasks, old_results_are_forgotten_by_all_workers_together,
          a_request_gets_a_sample, UNIT_LOOP(a_malformed_request_gets_a_sentence, 0, N_MALFORMED))
