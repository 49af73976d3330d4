/* From journals to what figures are drawn from: factors, rows of large files, timelines, busy
 * times. */
#include "unit.h"

#include "report/busy.h"
#include "report/rows.h"
#include "report/samples.h"
#include "report/timeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- helpers -------------------------------------------------------------------------------- */

enum { MOST_POINTS = 40, SAMPLES = 3 };

/* A summary made by hand, whose samples have orders from 0 in the order of the points; sample i of
 * a point takes i + 1 ms, but the last, which is the shortest. */
struct fixture {
    char folder[64];
    struct summary summary;
    struct summary_point points[MOST_POINTS];
    struct observation observations[MOST_POINTS][SAMPLES];
    uint64_t n_orders;
};

static struct fixture f;

static void begin(void)
{
    memset(&f, 0, sizeof f);
    char plots[80];
    snprintf(f.folder, sizeof f.folder, "/tmp/poolmark-figures-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    snprintf(plots, sizeof plots, "%s/plots", f.folder);
    ck_assert_int_eq(mkdir(plots, 0777), 0);
    f.summary = (struct summary){.points = f.points, .usable = 2};
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", f.folder);
    ck_assert_int_eq(system(command), 0);
}

static struct point *add_point(const char *backend, const char *schedule, uint64_t workers)
{
    size_t i = f.summary.n++;
    ck_assert_uint_lt(i, MOST_POINTS);
    struct summary_point *p = &f.points[i];
    p->point = (struct point){.experiment = "e",
                              .workload = "null",
                              .scale = 1,
                              .tasks = 12,
                              .dispatch = "ticket",
                              .chunk = 1,
                              .workers = workers,
                              .ranks = 1,
                              .threads = 1,
                              .bind = "none"};
    snprintf(p->point.backend, sizeof p->point.backend, "%s", backend);
    snprintf(p->point.schedule, sizeof p->point.schedule, "%s", schedule);
    p->observations = f.observations[i];
    p->n = SAMPLES;
    for (size_t k = 0; k < SAMPLES; k++)
        p->observations[k] = (struct observation){
            .order = f.n_orders++, .ns = k + 1 < SAMPLES ? 1e6 * (double)(k + 1) : 1, .chunks = 4};
    return &p->point;
}

static FILE *create(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f.folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    return file;
}

static void write_file(const char *name, const char *bytes)
{
    FILE *file = create(name);
    fputs(bytes, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* What a file of the folder holds, in one static buffer a call in turn. */
static const char *contents(const char *name)
{
    static char buffers[4][1 << 18];
    static int turn;
    char path[1024], *buffer = buffers[turn++ % 4];
    snprintf(path, sizeof path, "%s/%s", f.folder, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s is not there", path);
    buffer[fread(buffer, 1, sizeof *buffers - 1, file)] = '\0';
    fclose(file);
    return buffer;
}

static struct pages make(int (*make_pages)(struct pages *, const struct summary *, const char *,
                                           struct err *))
{
    struct pages pages;
    struct err err = {""};
    ck_assert_msg(make_pages(&pages, &f.summary, f.folder, &err) == 0, "%s", err.text);
    return pages;
}

/* --- factors -------------------------------------------------------------------------------- */

START_TEST(factors_that_vary_make_the_names)
{
    char name[FACTORS_NAME_BYTES];
    begin();
    add_point("procpool", "dynamic", 2);
    struct point *p = add_point("hybrid", "guided", 8);
    p->ranks = 2;
    p->threads = 4;
    ck_assert_uint_eq(factors_varying(&f.summary, "e"),
                      FACTOR_BACKEND | FACTOR_SCHEDULE | FACTOR_WORKERS);
    ck_assert_str_eq(factors_name(p, FACTOR_BACKEND | FACTOR_RANKS | FACTOR_SCHEDULE, name),
                     "hybrid, 2×4, guided");
    ck_assert_str_eq(factors_name(p, FACTOR_CHUNK | FACTOR_WORKERS, name), "chunk 1, 8 workers");
    ck_assert_str_eq(factors_name(p, 0, name), "");
    p = add_point("hybrid", "guided", 8);
    p->ranks = 4;
    p->threads = 2;
    ck_assert(factors_varying(&f.summary, "e") & FACTOR_RANKS);
    ck_assert_uint_eq(factors_varying(&f.summary, "other"), 0);
    end();
}
END_TEST

/* Between backends and between schedules the mechanism differs by nature. */
START_TEST(dispatch_varies_within_a_schedule_of_a_backend_alone)
{
    begin();
    struct point *a = add_point("mpi", "dynamic", 2), *b = add_point("mpi", "dynamic", 2),
                 *c = add_point("mpi", "steal", 2), *d = add_point("openmp", "dynamic", 2);
    snprintf(b->dispatch, sizeof b->dispatch, "rma");
    snprintf(c->dispatch, sizeof c->dispatch, "twolevel");
    snprintf(d->dispatch, sizeof d->dispatch, "native");
    ck_assert_uint_eq(factors_between(a, b), FACTOR_DISPATCH);
    ck_assert_uint_eq(factors_between(a, c), FACTOR_SCHEDULE);
    ck_assert_uint_eq(factors_between(a, d), FACTOR_BACKEND);
    end();
}
END_TEST

START_TEST(a_chunk_that_the_rule_chooses_is_one_level)
{
    begin();
    struct point *a = add_point("mpi", "pool", 2), *b = add_point("mpi", "pool", 2);
    a->chunk_auto = b->chunk_auto = 1;
    b->chunk = 7;
    ck_assert_uint_eq(factors_between(a, b), 0);
    b->chunk_auto = 0;
    ck_assert_uint_eq(factors_between(a, b), FACTOR_CHUNK);
    end();
}
END_TEST

/* --- rows ----------------------------------------------------------------------------------- */

static const char *const two[] = {"b", "a"};

START_TEST(rows_are_read_by_the_names_of_their_columns)
{
    uint64_t row[2];
    struct rows rows;
    struct err err = {""};
    char path[128];
    begin();
    write_file("x.csv", "a,text,b,c\r\n1,\"x, \"\"y\"\"\",2,no\r\n3,,18446744073709551615,\n5,6");
    snprintf(path, sizeof path, "%s/x.csv", f.folder);
    ck_assert_int_eq(rows_open(&rows, path, two, 2, &err), 0);
    ck_assert_int_eq(rows_next(&rows, row, &err), 1);
    ck_assert(row[0] == 2 && row[1] == 1);
    ck_assert_int_eq(rows_next(&rows, row, &err), 1);
    ck_assert(row[0] == UINT64_MAX && row[1] == 3);
    ck_assert_int_eq(rows_next(&rows, row, &err), 0); /* cut off */
    rows_close(&rows);
    end();
}
END_TEST

static const struct {
    const char *bytes;
    int opened, next;
    const char *words;
} bad_rows[] = {
    {"", -1, 0, "x.csv is empty"},
    {"a,c\n", -1, 0, "x.csv:1: the column 'b'"},
    {"a,b\n1,x\n", 0, -1, "x.csv:2: b: 'x'"},
    {"a,b\n1\n", 0, -1, "x.csv:2: b: ''"},
    {"a,b\n-1,1\n", 0, -1, "a: '-1'"},
    {"a,b\n1,18446744073709551616\n", 0, -1, "'18446744073709551616' is no whole number"},
    {"a,b\n1,1.5\n", 0, -1, "'1.5'"},
};

START_TEST(rows_that_are_wrong_are_told_with_their_place)
{
    uint64_t row[2];
    struct rows rows;
    struct err err = {""};
    char path[128];
    begin();
    write_file("x.csv", bad_rows[_i].bytes);
    snprintf(path, sizeof path, "%s/x.csv", f.folder);
    ck_assert_int_eq(rows_open(&rows, path, two, 2, &err), bad_rows[_i].opened);
    if (bad_rows[_i].opened == 0) {
        ck_assert_int_eq(rows_next(&rows, row, &err), bad_rows[_i].next);
        rows_close(&rows);
    }
    ck_assert_msg(strstr(err.text, bad_rows[_i].words) != NULL, "%s", err.text);
    end();
}
END_TEST

START_TEST(a_file_that_is_not_there_is_no_error)
{
    struct rows rows;
    ck_assert_int_eq(rows_open(&rows, "/nowhere/x.csv", two, 2, NULL), 1);
}
END_TEST

/* --- timelines ------------------------------------------------------------------------------ */

static const char trace_header[] = "order,worker,pid,rank,thread,pu,first,count,start_ns,end_ns\n";

static void add_chunk(FILE *trace, uint64_t order, uint64_t worker, uint64_t start, uint64_t end)
{
    fprintf(trace, "%" PRIu64 ",%" PRIu64 ",1,0,0,0,0,1,%" PRIu64 ",%" PRIu64 "\n", order, worker,
            start, end);
}

START_TEST(a_timeline_shows_the_sample_of_the_median_time)
{
    begin();
    add_point("procpool", "dynamic", 2);
    f.points[0].observations[0].chunks = 3;
    FILE *trace = create("trace.csv");
    fputs(trace_header, trace);
    add_chunk(trace, 1, 0, 7, 9); /* another sample */
    add_chunk(trace, 0, 0, 5000, 5900);
    add_chunk(trace, 0, 0, 6000, 7000);
    add_chunk(trace, 0, 1, 5100, 5200);
    add_chunk(trace, 0, 2, 1, 99999); /* no such worker */
    fclose(trace);
    struct pages pages = make(timelines_make);
    ck_assert_uint_eq(pages.n, 1);
    ck_assert_str_eq(pages.pages[0].name, "e-timeline");
    ck_assert_str_eq(contents("plots/e-timeline.csv"),
                     "panel,title,backend,workers,chunks,traced,makespan_s,first_s,first_worker,"
                     "merged_s\n"
                     "1,procpool,procpool,2,3,3,0.000002000,0.000000200,1,0.000000000\n");
    ck_assert_str_eq(contents("plots/e-timeline-bars.csv"), "panel,worker,start_s,end_s,kind\n"
                                                            "1,0,0.000000000,0.000000900,0\n"
                                                            "1,0,0.000001000,0.000002000,1\n"
                                                            "1,1,0.000000100,0.000000200,0\n");
    pages_release(&pages);
    end();
}
END_TEST

/* The workers were started 300 ns before the first chunk: time 0 is then, and the end the span. */
START_TEST(a_timeline_is_as_long_as_the_span)
{
    begin();
    add_point("procpool", "dynamic", 2);
    f.points[0].observations[0].chunks = 2;
    f.points[0].observations[0].span_ns = 2300;
    FILE *trace = create("trace.csv");
    fputs(trace_header, trace);
    add_chunk(trace, 0, 0, 5000, 7000);
    add_chunk(trace, 0, 1, 5100, 5200);
    fclose(trace);
    struct pages pages = make(timelines_make);
    ck_assert_ptr_nonnull(
        strstr(contents("plots/e-timeline.csv"), "2,2,2,0.000002300,0.000000500,1,"));
    ck_assert_str_eq(contents("plots/e-timeline-bars.csv"), "panel,worker,start_s,end_s,kind\n"
                                                            "1,0,0.000000300,0.000002300,0\n"
                                                            "1,1,0.000000400,0.000000500,0\n");
    pages_release(&pages);
    end();
}
END_TEST

/* Of five chunks three are known; worker 0 has as many as there is room for. */
START_TEST(what_a_full_trace_lacks_is_unknown)
{
    begin();
    add_point("procpool", "dynamic", 2);
    f.points[0].observations[0].chunks = 5;
    f.points[0].observations[0].span_ns = 9000;
    FILE *trace = create("trace.csv");
    fputs(trace_header, trace);
    add_chunk(trace, 0, 0, 5000, 5900);
    add_chunk(trace, 0, 0, 6000, 7000);
    add_chunk(trace, 0, 1, 5100, 8000);
    fclose(trace);
    struct pages pages = make(timelines_make);
    ck_assert_ptr_nonnull(strstr(pages.pages[0].note, "trace was full"));
    ck_assert_ptr_nonnull(strstr(contents("plots/e-timeline.csv"), ",2,5,3,0.000009000,"));
    const char *bars = contents("plots/e-timeline-bars.csv");
    ck_assert_ptr_nonnull(strstr(bars, "\n1,0,0.000002000,0.000009000,3\n"));
    ck_assert_ptr_null(strstr(bars, "\n1,1,0.000003000,0.000009000,3\n"));
    pages_release(&pages);
    end();
}
END_TEST

/* Half a million short chunks after one long one, on each of two workers: few bars, and the long
 * ones stand as they are. */
START_TEST(many_chunks_are_drawn_as_one_and_long_ones_stay)
{
    enum { SHORT = 250000, LONG_NS = 4000000 };
    begin();
    add_point("openmp", "dynamic", 2);
    f.points[0].observations[0].chunks = 2 * SHORT + 2;
    FILE *trace = create("trace.csv");
    fputs(trace_header, trace);
    for (uint64_t w = 0; w < 2; w++) {
        add_chunk(trace, 0, w, 0, LONG_NS);
        for (uint64_t i = 0; i < SHORT; i++)
            add_chunk(trace, 0, w, LONG_NS + 20 * i, LONG_NS + 20 * i + 15);
    }
    fclose(trace);
    struct pages pages = make(timelines_make);
    ck_assert_ptr_nonnull(strstr(pages.pages[0].note, "too short"));
    ck_assert_ptr_nonnull(strstr(contents("plots/e-timeline.csv"), ",500002,0.008999995,"));
    const char *bars = contents("plots/e-timeline-bars.csv");
    size_t lines = 0;
    double drawn = 0, start, stop;
    int worker, kind;
    for (const char *line = strchr(bars, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        ck_assert_int_eq(sscanf(line + 1, "1,%d,%lf,%lf,%d", &worker, &start, &stop, &kind), 4);
        drawn += stop - start;
        lines++;
    }
    ck_assert_uint_le(lines, 3000);
    ck_assert_double_gt(drawn, 2 * 8.9e-3);
    ck_assert_ptr_nonnull(strstr(bars, "1,0,0.000000000,0.004000000,0\n"));
    ck_assert_ptr_nonnull(strstr(bars, "1,1,0.000000000,0.004000000,0\n"));
    pages_release(&pages);
    end();
}
END_TEST

START_TEST(points_without_room_are_left_out_and_told)
{
    begin();
    for (int i = 0; i < 30; i++) {
        struct point *p = add_point(i < 3 ? "openmp:llvm" : "mpi", "dynamic", 2);
        p->chunk = (uint64_t)i + 1;
        p->chunk_auto = 0;
    }
    FILE *trace = create("trace.csv");
    fputs(trace_header, trace);
    for (uint64_t order = 0; order < f.n_orders; order++)
        add_chunk(trace, order, 0, 100, 200);
    fclose(trace);
    struct pages pages = make(timelines_make);
    ck_assert_uint_eq(pages.n, 2);
    ck_assert_str_eq(pages.pages[0].name, "e-timeline-openmp-llvm");
    ck_assert_str_eq(pages.pages[1].name, "e-timeline-mpi");
    ck_assert_ptr_null(strstr(pages.pages[0].note, "left out"));
    ck_assert_ptr_nonnull(strstr(pages.pages[1].note, "3 more points are left out: chunk 30"));
    ck_assert_ptr_nonnull(strstr(contents("plots/e-timeline-mpi.csv"), "\n24,chunk "));
    pages_release(&pages);
    end();
}
END_TEST

START_TEST(without_its_file_a_figure_has_no_pages)
{
    begin();
    add_point("procpool", "dynamic", 2);
    add_point("procpool", "guided", 2);
    struct pages pages = make(timelines_make);
    ck_assert_uint_eq(pages.n, 0);
    pages_release(&pages);
    pages = make(busy_make);
    ck_assert_uint_eq(pages.n, 0);
    pages_release(&pages);
    write_file("trace.csv", trace_header); /* nothing traced */
    pages = make(timelines_make);
    ck_assert_uint_eq(pages.n, 0);
    pages_release(&pages);
    end();
}
END_TEST

START_TEST(a_trace_that_is_wrong_is_told)
{
    struct pages pages;
    struct err err = {""};
    begin();
    add_point("procpool", "dynamic", 2);
    write_file("trace.csv", "order,worker,start_ns,end_ns\n0,0,1,x\n");
    ck_assert_int_eq(timelines_make(&pages, &f.summary, f.folder, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "trace.csv:2: end_ns"));
    ck_assert_uint_eq(pages.n, 0);
    pages_release(&pages);
    end();
}
END_TEST

/* --- busy times ----------------------------------------------------------------------------- */

/* Two samples of each of two points whose workers take turns in being the busiest, and a third that
 * lacks a worker. */
START_TEST(busy_times_are_medians_by_position)
{
    begin();
    add_point("procpool", "dynamic", 2);
    add_point("procpool", "static", 2);
    write_file("workers.csv",
               "order,worker,rank,thread,tasks,chunks,start_ns,end_ns,busy_ns,claim_ns\n"
               "0,0,0,0,1,1,0,1000,800,10\n0,1,0,0,1,1,0,1100,400,30\n"
               "1,0,0,0,1,1,0,1200,500,30\n1,1,0,0,1,1,0,1300,1000,10\n"
               "2,0,0,0,1,1,0,9999,9999,0\n"
               "3,1,0,0,1,1,0,1100,400,30\n3,0,0,0,1,1,0,1000,800,10\n"
               "4,1,0,0,1,1,0,1300,1000,10\n4,0,0,0,1,1,0,1200,500,30\n"
               "99,0,0,0,1,1,0,1,1,1\n");
    struct pages pages = make(busy_make);
    ck_assert_uint_eq(pages.n, 1);
    ck_assert_str_eq(contents("plots/e-busy-bars.csv"),
                     "row,position,busy_s,claim_s,span_s\n"
                     "1,0,0.000000900,0.000000010,0.000001200\n"
                     "1,1,0.000000450,0.000000030,0.000001200\n"
                     "\n\n"
                     "2,0,0.000000650,0.000000020,0.000001200\n"
                     "2,1,0.000000700,0.000000020,0.000001200\n");
    ck_assert_str_eq(contents("plots/e-busy.csv"),
                     "row,panel,title,backend,workers,samples,mean_s,most_s,span_s\n"
                     "1,1,dynamic,procpool,2,2,0.000000675,0.000000900,0.000001200\n"
                     "2,1,static,procpool,2,2,0.000000675,0.000000700,0.000001200\n");
    pages_release(&pages);
    end();
}
END_TEST

START_TEST(busy_times_are_of_the_points_with_most_workers)
{
    begin();
    add_point("openmp", "dynamic", 4);
    add_point("openmp", "guided", 4);
    add_point("openmp", "guided", 2);
    add_point("openmp", "guided", 3);
    add_point("openmp", "dynamic", 2);
    FILE *file = create("workers.csv");
    fputs("order,worker,end_ns,busy_ns,claim_ns\n", file);
    for (uint64_t order = 0; order < f.n_orders; order++)
        for (uint64_t w = 0; w < f.points[order / SAMPLES].point.workers; w++)
            fprintf(file, "%" PRIu64 ",%" PRIu64 ",100,50,1\n", order, w);
    fclose(file);
    struct pages pages = make(busy_make);
    ck_assert_uint_eq(pages.n, 1);
    ck_assert_uint_eq(pages.pages[0].n, 2);
    ck_assert_msg(
        strstr(pages.pages[0].note, "3 more points are left out: 2 with 2 workers, 1 with 3"), "%s",
        pages.pages[0].note);
    pages_release(&pages);
    end();
}
END_TEST

START_TEST(one_schedule_has_nothing_to_be_compared_with)
{
    begin();
    add_point("openmp", "dynamic", 2);
    add_point("mpi", "dynamic", 2);
    write_file("workers.csv", "order,worker,end_ns,busy_ns,claim_ns\n0,0,1,1,1\n0,1,1,1,1\n");
    struct pages pages = make(busy_make);
    ck_assert_uint_eq(pages.n, 0);
    pages_release(&pages);
    end();
}
END_TEST

/* --- samples as dots --------------------------------------------------------------------------
 */

struct row {
    unsigned long point;
    double time_s, speedup, spread; /* NaN: the cell is empty */
    int counts, disturbed;
};

/* The rows of the experiment's dots, their number in *n. */
static struct row *dots_written(struct dots *dots, size_t *n)
{
    static struct row rows[20000];
    struct err err = {""};
    ck_assert_msg(samples_write(&f.summary, "e", f.folder, dots, &err) == 0, "%s", err.text);
    const char *at = contents("plots/e-samples.csv");
    ck_assert_int_eq(strncmp(at, "point,time_s,speedup,counts,spread,disturbed\n", 45), 0);
    *n = 0;
    for (at = strchr(at, '\n') + 1; *at; at = strchr(at, '\n') + 1) {
        struct row *r = &rows[(*n)++];
        ck_assert_uint_le(*n, sizeof rows / sizeof *rows);
        if (sscanf(at, "%lu,%lf,%lf,%d,%lf,%d", &r->point, &r->time_s, &r->speedup, &r->counts,
                   &r->spread, &r->disturbed) == 6)
            continue;
        r->speedup = NAN;
        ck_assert_int_eq(sscanf(at, "%lu,%lf,,%d,%lf,%d", &r->point, &r->time_s, &r->counts,
                                &r->spread, &r->disturbed),
                         5);
    }
    return rows;
}

START_TEST(each_sample_is_a_dot_beside_its_base)
{
    begin();
    add_point("seq", "none", 1);
    add_point("openmp", "dynamic", 2);
    snprintf(add_point("mpi", "dynamic", 2)->experiment, FIELD_TEXT_BYTES, "another");
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < SAMPLES; k++) {
            f.observations[i][k].pass = (uint32_t)k;
            f.observations[i][k].ns = i ? 1e6 * (double)(k + 1) : 6e6;
        }
    f.observations[0][2].pass = 7; /* the last sample of the point has no partner */
    f.points[1].n = SAMPLES - 1;   /* and was set aside */
    f.points[1].n_set_aside = 1;
    f.observations[1][2].order = 0;
    f.points[1].base = &f.points[0];
    f.observations[1][1].disturbances = 2; /* counts all the same */
    struct dots dots;
    size_t n;
    struct row *rows = dots_written(&dots, &n);
    ck_assert_uint_eq(n, 2 * SAMPLES);
    ck_assert_uint_eq(dots.n, n);
    ck_assert_uint_eq(dots.of, n);
    ck_assert_uint_eq(dots.n_aside, 1);
    for (size_t i = SAMPLES; i < n; i++) {
        bool aside = i == n - 1;
        ck_assert_uint_eq(rows[i].point, 2);
        ck_assert_int_eq(rows[i].counts, !aside);
        ck_assert_int_eq(rows[i].disturbed, i == SAMPLES + 1);
        ck_assert_int_eq(isnan(rows[i].speedup), aside);
        ck_assert_double_eq_tol(rows[i].time_s, 1e-3 * (double)(i - 2), 1e-12);
        if (!aside)
            ck_assert_double_eq_tol(rows[i].speedup, 6 / (double)(i - 2), 1e-8);
        /* It was taken first, so it stands to the left of the others. */
        ck_assert_double_eq_tol(rows[i].spread, aside ? -1.0 / 3 : (double)(i - SAMPLES) / 3, 1e-3);
    }
    end();
}
END_TEST

START_TEST(of_many_samples_the_dots_lie_evenly_and_keep_the_ends)
{
    begin();
    enum { MANY = 30000 };
    struct observation *many = calloc(MANY, sizeof *many);
    add_point("openmp", "dynamic", 2);
    add_point("openmp", "guided", 2);
    for (uint32_t i = 0; i < MANY; i++)
        many[i] = (struct observation){.pass = i, .order = i, .ns = (i * 7919u % MANY) + 1};
    f.points[1].observations = many;
    f.points[1].n = MANY;
    struct dots dots;
    size_t n;
    struct row *rows = dots_written(&dots, &n);
    ck_assert_uint_eq(dots.n, n);
    ck_assert_uint_eq(dots.of, MANY + SAMPLES);
    ck_assert_uint_gt(n, 1000);
    ck_assert_uint_le(n, 6000);
    ck_assert_double_eq_tol(rows[SAMPLES].time_s, 1e-9, 1e-12);
    ck_assert_double_eq_tol(rows[n - 1].time_s, MANY * 1e-9, 1e-12);
    ck_assert_double_eq_tol(rows[(n + SAMPLES) / 2].time_s, MANY / 2 * 1e-9, 2e-8);
    free(many);
    end();
}
END_TEST

START_TEST(dots_that_cannot_be_written_are_told)
{
    begin();
    add_point("openmp", "dynamic", 2);
    struct dots dots;
    struct err err = {""};
    ck_assert_int_eq(samples_write(&f.summary, "e", "/nowhere", &dots, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/plots/e-samples.csv cannot be written"));
    end();
}
END_TEST

enum { N_BAD_ROWS = sizeof bad_rows / sizeof *bad_rows };

UNIT_MAIN("figures", factors_that_vary_make_the_names,
          dispatch_varies_within_a_schedule_of_a_backend_alone,
          a_chunk_that_the_rule_chooses_is_one_level, rows_are_read_by_the_names_of_their_columns,
          UNIT_LOOP(rows_that_are_wrong_are_told_with_their_place, 0, N_BAD_ROWS),
          a_file_that_is_not_there_is_no_error, a_timeline_shows_the_sample_of_the_median_time,
          a_timeline_is_as_long_as_the_span, what_a_full_trace_lacks_is_unknown,
          many_chunks_are_drawn_as_one_and_long_ones_stay,
          points_without_room_are_left_out_and_told, without_its_file_a_figure_has_no_pages,
          a_trace_that_is_wrong_is_told, busy_times_are_medians_by_position,
          busy_times_are_of_the_points_with_most_workers,
          one_schedule_has_nothing_to_be_compared_with, each_sample_is_a_dot_beside_its_base,
          of_many_samples_the_dots_lie_evenly_and_keep_the_ends,
          dots_that_cannot_be_written_are_told)
