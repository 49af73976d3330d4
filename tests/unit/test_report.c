/* From records to what people see: journals, claims, summaries, numbers, the articles' rows. */
#include "unit.h"

#include "base/rng.h"
#include "record/claim.h"
#include "record/journal.h"
#include "report/articles.h"
#include "report/format.h"
#include "report/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- helpers -------------------------------------------------------------------------------- */

/* Each test is a process of its own, so its pid names its file. */
static const char *csv_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/poolmark-report-%d.csv", (int)getpid());
    return path;
}

static void write_bytes(const char *bytes, size_t n)
{
    FILE *file = fopen(csv_path(), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

static struct text read_bytes(void)
{
    struct text all = TEXT_INIT;
    char bytes[4096];
    FILE *file = fopen(csv_path(), "r");
    ck_assert_ptr_nonnull(file);
    text_add(&all, "", 0);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        text_add(&all, bytes, n);
    fclose(file);
    return all;
}

static struct point make_point(const char *backend, uint64_t workers)
{
    struct point p = {.experiment = "e",
                      .workload = "null",
                      .scale = 1,
                      .tasks = 12,
                      .schedule = "dynamic",
                      .dispatch = "ticket",
                      .chunk = 1,
                      .workers = workers,
                      .ranks = 1,
                      .threads = 1,
                      .bind = "none"};
    snprintf(p.backend, sizeof p.backend, "%s", backend);
    return p;
}

static struct sample make_sample(uint64_t launch, uint64_t pass, uint64_t wall_ns)
{
    return (struct sample){
        .launch = launch, .pass = pass, .status = "ok", .wall_ns = wall_ns, .verified = 1};
}

/* A samples.csv of the test, filled row by row. */
static struct journal begin_samples(void)
{
    struct journal j;
    struct err err = {""};
    unlink(csv_path());
    ck_assert_msg(journal_open(&j, csv_path(), point_fields, sample_fields, &err) == 0, "%s",
                  err.text);
    return j;
}

static void add_sample(struct journal *j, const struct point *p, const struct sample *s)
{
    struct err err = {""};
    ck_assert_msg(journal_append(j, point_fields, p, sample_fields, s, &err) == 0, "%s", err.text);
}

static void add_time(struct journal *j, const struct point *p, uint64_t launch, uint64_t pass,
                     uint64_t wall_ns)
{
    struct sample s = make_sample(launch, pass, wall_ns);
    add_sample(j, p, &s);
}

/* Reads back what the journal holds, without facts, on 4 CPUs. */
static struct summary end_samples(struct journal *j)
{
    struct summary s;
    struct err err = {""};
    journal_close(j);
    ck_assert_msg(summary_read(&s, csv_path(), &err) == 0, "%s", err.text);
    unlink(csv_path());
    summary_estimate(&s, 4, NULL, NULL);
    return s;
}

static const struct summary_row *row_of(const struct summary *s, const char *backend,
                                        uint64_t workers)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->points[i].point.backend, backend) == 0 &&
            s->points[i].point.workers == workers)
            return &s->points[i].row;
    ck_abort_msg("no point of %s with %u workers", backend, (unsigned)workers);
    return NULL;
}

/* --- records -------------------------------------------------------------------------------- */

/* Texts that try a CSV writer. */
static const char *const texts[] = {
    "",          "plain",     "a,b", "\"",   "say \"hi\", twice", " blanks ",
    "tab\there", "\xc2\xb5s", ",",   "\"\"", "ends with quote\""};

START_TEST(texts_come_back_from_csv)
{
    struct point p = make_point("seq", 1);
    struct journal j = begin_samples();
    snprintf(p.workload, sizeof p.workload, "%s", texts[_i]);
    struct sample s = make_sample(0, 0, 5);
    snprintf(s.error, sizeof s.error, "%s", texts[_i]);
    add_sample(&j, &p, &s);
    add_sample(&j, &p, &s);
    struct summary summary = end_samples(&j);
    ck_assert_uint_eq(summary.n, 1);
    ck_assert(point_equal(&summary.points[0].point, &p));
    ck_assert_str_eq(summary.points[0].point.workload, texts[_i]);
    summary_release(&summary);
}
END_TEST

START_TEST(line_ends_in_a_text_become_blanks)
{
    struct sample s = make_sample(0, 0, 5);
    struct text line = TEXT_INIT;
    snprintf(s.error, sizeof s.error, "one\ntwo\r\nthree");
    record_csv(&line, sample_fields, &s);
    ck_assert_ptr_null(strpbrk(line.text, "\r\n"));
    ck_assert_ptr_nonnull(strstr(line.text, "one two"));
    text_release(&line);
}
END_TEST

START_TEST(numbers_come_back_from_csv)
{
    static const uint64_t counts[] = {0, 1, UINT64_C(41679167500), UINT64_MAX >> 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct point p = make_point("seq", 1);
        struct journal j = begin_samples();
        p.tasks = counts[i];
        p.scale = 0.1;
        struct sample s = make_sample(0, 0, 7);
        s.sum = counts[i];
        add_sample(&j, &p, &s);
        struct summary summary = end_samples(&j);
        ck_assert_uint_eq(summary.points[0].point.tasks, counts[i]);
        ck_assert_uint_eq(summary.points[0].observations[0].sum, counts[i]);
        ck_assert_double_eq(summary.points[0].point.scale, 0.1);
        summary_release(&summary);
    }
}
END_TEST

START_TEST(cells_that_are_not_of_their_type)
{
    static const struct {
        enum field_type type;
        const char *text;
        int status;
    } cases[] = {
        {FIELD_count, "7", 0},
        {FIELD_count, "", -1},
        {FIELD_count, "-1", -1},
        {FIELD_count, "+1", -1},
        {FIELD_count, "1.0", -1},
        {FIELD_count, "1e3", -1},
        {FIELD_count, " 1", -1},
        {FIELD_count, "1 ", -1},
        {FIELD_count, "0x1", -1},
        {FIELD_count, "nan", -1},
        {FIELD_count, "18446744073709551616", -1},
        {FIELD_flag, "0", 0},
        {FIELD_flag, "1", 0},
        {FIELD_flag, "2", -1},
        {FIELD_flag, "yes", -1},
        {FIELD_real, "0.5", 0},
        {FIELD_real, "", 0},
        {FIELD_real, "nan", -1},
        {FIELD_real, "inf", -1},
        {FIELD_real, "1e999", -1},
        {FIELD_real, "1,5", -1},
        {FIELD_real, "1 s", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct field f = {"f", cases[i].type, 0, "", ""};
        uint64_t room[2] = {0};
        struct err err = {""};
        ck_assert_msg(record_read_cell(&f, room, cases[i].text, &err) == cases[i].status, "'%s'",
                      cases[i].text);
        ck_assert_msg((cases[i].status == 0) == !*err.text, "'%s': %s", cases[i].text, err.text);
    }
}
END_TEST

START_TEST(json_members_that_are_not_of_their_type)
{
    static const char *const wrong[] = {"{\"wall_ns\": \"1\"}",   "{\"wall_ns\": 1.5}",
                                        "{\"wall_ns\": -1}",      "{\"wall_ns\": null}",
                                        "{\"status\": 1}",        "{\"verified\": 2}",
                                        "{\"verified\": \"yes\"}"};
    static const char *const right[] = {"{}", "{\"wall_ns\": 1, \"colour\": []}",
                                        "{\"verified\": true}", "{\"verified\": 1}",
                                        "{\"sum\": -1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct sample s = {0};
        struct err err = {""};
        json_t *object = json_loads(wrong[i], 0, NULL);
        ck_assert_msg(record_read_json(sample_fields, &s, object, &err) == -1, "%s", wrong[i]);
        ck_assert_uint_gt(strlen(err.text), 0);
        json_decref(object);
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct sample s = {0};
        struct err err = {""};
        json_t *object = json_loads(right[i], 0, NULL);
        ck_assert_msg(record_read_json(sample_fields, &s, object, &err) == 0, "%s: %s", right[i],
                      err.text);
        json_decref(object);
    }
    /* A sum of 2^64 - 1 is told as -1, since JSON has 63 bits. */
    struct sample s = {0};
    json_t *object = json_loads("{\"sum\": -1}", 0, NULL);
    ck_assert_int_eq(record_read_json(sample_fields, &s, object, NULL), 0);
    ck_assert_uint_eq(s.sum, UINT64_MAX);
    json_decref(object);
}
END_TEST

START_TEST(points_differ_in_any_factor)
{
    struct point a = make_point("mpi", 2), b;
    ck_assert(point_equal(&a, &a));
    b = a, b.chunk_auto = 1;
    ck_assert(!point_equal(&a, &b));
    b = a, b.fresh = 1;
    ck_assert(!point_equal(&a, &b));
    b = a, b.scale = 0.1;
    ck_assert(!point_equal(&a, &b));
    b = a, b.threads = 2;
    ck_assert(!point_equal(&a, &b));
    b = a, b.bind[0] = 'N';
    ck_assert(!point_equal(&a, &b));
}
END_TEST

/* --- journal -------------------------------------------------------------------------------- */

static int read_journal(bool *cut_off, struct err *err)
{
    struct summary s;
    int status = summary_read(&s, csv_path(), err);
    if (status == 0) {
        *cut_off = s.cut_off;
        summary_release(&s);
    }
    return status;
}

START_TEST(a_journal_is_opened_again_and_goes_on)
{
    struct point p = make_point("seq", 1);
    struct journal j = begin_samples();
    struct err err = {""};
    add_time(&j, &p, 0, 0, 10);
    journal_close(&j);
    ck_assert_int_eq(journal_open(&j, csv_path(), point_fields, sample_fields, &err), 0);
    add_time(&j, &p, 0, 1, 20);
    struct summary s = end_samples(&j);
    ck_assert_uint_eq(s.points[0].n, 2);
    summary_release(&s);
}
END_TEST

START_TEST(a_journal_of_other_columns_is_refused)
{
    struct journal j = begin_samples();
    struct err err = {""};
    journal_close(&j);
    ck_assert_int_eq(journal_open(&j, csv_path(), placement_fields, NULL, &err), -1);
    ck_assert_msg(strstr(err.text, csv_path()) && strstr(err.text, ":1: "), "%s", err.text);
    /* A header that only begins alike is another, too. */
    write_bytes("experiment,workload\n", 20);
    ck_assert_int_eq(journal_open(&j, csv_path(), point_fields, sample_fields, &err), -1);
    unlink(csv_path());
    ck_assert_int_eq(
        journal_open(&j, "/no/such/folder/samples.csv", point_fields, sample_fields, &err), -1);
    ck_assert_msg(strstr(err.text, "/no/such/folder/samples.csv") != NULL, "%s", err.text);
}
END_TEST

START_TEST(mending_cuts_off_a_last_line_without_end)
{
    static const struct {
        const char *before, *after;
    } cases[] = {{"", ""},    {"a\n", "a\n"},      {"a\nbc", "a\n"},
                 {"abc", ""}, {"a\n\nb", "a\n\n"}, {"\n", "\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t cut = 99;
        struct err err = {""};
        write_bytes(cases[i].before, strlen(cases[i].before));
        ck_assert_int_eq(journal_mend(csv_path(), &cut, &err), 0);
        struct text after = read_bytes();
        ck_assert_str_eq(after.text, cases[i].after);
        ck_assert_uint_eq(cut, strlen(cases[i].before) - strlen(cases[i].after));
        text_release(&after);
    }
    unlink(csv_path());
    size_t cut = 99;
    ck_assert_int_eq(journal_mend(csv_path(), &cut, NULL), 0); /* a missing file is fine */
    ck_assert_uint_eq(cut, 0);
}
END_TEST

START_TEST(a_journal_cut_off_anywhere_is_mended_and_goes_on)
{
    struct point p = make_point("procpool", 2);
    struct journal j = begin_samples();
    for (uint64_t pass = 0; pass < 3; pass++)
        add_time(&j, &p, 0, pass, 10 + pass);
    journal_close(&j);
    struct text whole = read_bytes();
    for (size_t n = 0; n <= whole.length; n += 7) {
        size_t cut, lines = 0;
        struct err err = {""};
        bool cut_off = false;
        write_bytes(whole.text, n);
        for (size_t i = 0; i < n; i++)
            lines += whole.text[i] == '\n';
        /* The reader passes over what the mending cuts off. */
        if (lines > 0) {
            ck_assert_msg(read_journal(&cut_off, &err) == 0, "%s", err.text);
            ck_assert_int_eq(cut_off, whole.text[n - 1] != '\n');
        }
        ck_assert_int_eq(journal_mend(csv_path(), &cut, &err), 0);
        ck_assert_int_eq(journal_open(&j, csv_path(), point_fields, sample_fields, &err), 0);
        add_time(&j, &p, 0, 9, 99);
        struct summary s = end_samples(&j);
        ck_assert(!s.cut_off);
        ck_assert_uint_eq(s.points[0].n, lines > 0 ? lines : 1);
        summary_release(&s);
    }
    text_release(&whole);
}
END_TEST

START_TEST(rows_that_are_wrong_are_told_with_their_line)
{
    struct point p = make_point("procpool", 2);
    struct journal j = begin_samples();
    add_time(&j, &p, 0, 0, 10);
    journal_close(&j);
    struct text good = read_bytes();
    char *header = good.text, *row = strchr(good.text, '\n') + 1;
    size_t header_length = (size_t)(row - header);
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"e,null\n", ":3: the row has too few cells"},
        {"\n", ":3: "},
        {",,,,,,,,,,,,,\n", ":3: "},
        {"\"unterminated\n", ":3: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text bad = TEXT_INIT;
        struct err err = {""};
        bool cut_off;
        text_add(&bad, good.text, good.length);
        text_addf(&bad, "%s", rows[i].text);
        write_bytes(bad.text, bad.length);
        ck_assert_msg(read_journal(&cut_off, &err) == -1, "%s", rows[i].text);
        ck_assert_msg(strstr(err.text, rows[i].words) != NULL, "'%s' lacks '%s'", err.text,
                      rows[i].words);
        text_release(&bad);
    }
    struct text bad = TEXT_INIT;
    struct err err = {""};
    bool cut_off;
    text_add(&bad, header, header_length);
    text_add(&bad, row, strlen(row) - 1);
    text_addf(&bad, ",1\n");
    write_bytes(bad.text, bad.length);
    ck_assert_int_eq(read_journal(&cut_off, &err), -1);
    ck_assert_msg(strstr(err.text, ":2: the row has too many cells") != NULL, "%s", err.text);
    text_release(&bad);
    unlink(csv_path());
    text_release(&good);
}
END_TEST

START_TEST(files_that_are_no_journal)
{
    struct err err = {""};
    bool cut_off;
    ck_assert_int_eq(read_journal(&cut_off, &err), -1);
    ck_assert_msg(strstr(err.text, csv_path()) != NULL, "%s", err.text);
    write_bytes("", 0);
    ck_assert_int_eq(read_journal(&cut_off, &err), -1);
    ck_assert_msg(strstr(err.text, csv_path()) != NULL, "%s", err.text);
    write_bytes("a,b,c\n1,2,3\n", 12);
    ck_assert_int_eq(read_journal(&cut_off, &err), -1);
    ck_assert_msg(strstr(err.text, ":1: ") != NULL, "%s", err.text);
    struct summary s;
    ck_assert_int_eq(summary_read(&s, "/tmp", &err), -1);
    unlink(csv_path());
}
END_TEST

START_TEST(thousands_of_points_are_told_apart)
{
    enum { POINTS = 3000, TIMES = 3 };
    struct point p = make_point("procpool", 1);
    struct journal j = begin_samples();
    for (uint64_t time = 0; time < TIMES; time++)
        for (uint64_t i = 0; i < POINTS; i++) {
            p.tasks = i;
            p.chunk = i % 7 + 1;
            add_time(&j, &p, 0, time, 1000 + i);
        }
    struct summary s = end_samples(&j);
    ck_assert_uint_eq(s.n, POINTS);
    for (uint64_t i = 0; i < POINTS; i++) {
        ck_assert_uint_eq(s.points[i].point.tasks, i); /* in order of first appearance */
        ck_assert_uint_eq(s.points[i].n, TIMES);
        ck_assert_double_eq_tol(s.points[i].row.median_s, (1000 + (double)i) / 1e9, 1e-15);
    }
    summary_release(&s);
}
END_TEST

/* --- claims --------------------------------------------------------------------------------- */

START_TEST(claims_are_read)
{
    struct claim *claims;
    size_t n;
    struct err err = {""};
    ck_assert_int_eq(
        claim_read("S15 time 2.180s | S16 speedup 3.70 chunk=1 workers=8 |  S43\tsum 41679167500| "
                   "S46 chunks 7 backend=seq | S45 share 2.5k",
                   &claims, &n, &err),
        0);
    ck_assert_uint_eq(n, 5);
    ck_assert_str_eq(claims[0].id, "S15");
    ck_assert_int_eq(claims[0].metric, CLAIM_TIME);
    ck_assert_double_eq(claims[0].value, 2.18);
    ck_assert_uint_eq(claims[0].n_filters, 0);
    ck_assert_int_eq(claims[1].metric, CLAIM_SPEEDUP);
    ck_assert_double_eq(claims[1].value, 3.7);
    ck_assert_uint_eq(claims[1].n_filters, 2);
    ck_assert_str_eq(claims[1].filters[1].field->name, "workers");
    ck_assert_str_eq(claims[1].filters[1].value, "8");
    ck_assert_uint_eq(claims[2].exact, UINT64_C(41679167500));
    ck_assert_int_eq(claims[3].metric, CLAIM_CHUNKS);
    ck_assert_uint_eq(claims[4].exact, 2500);
    free(claims);
    ck_assert_int_eq(claim_read("", &claims, &n, &err), 0);
    ck_assert_uint_eq(n, 0);
    free(claims);
}
END_TEST

START_TEST(claims_that_are_none)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"S1", "ID METRIC VALUE"},
        {"S1 time", "ID METRIC VALUE"},
        {"S1 time 1s |", "ID METRIC VALUE"},
        {"S1 tiem 1s", "did you mean 'time'"},
        {"S1 time fast", "'fast'"},
        {"S1 speedup 3x", "'3x'"},
        {"S1 speedup nan", "'nan'"},
        {"S1 sum -5", "'-5'"},
        {"S1 chunks 1.5", "'1.5'"},
        {"S1 time 1s chunk", "'chunk'"},
        {"S1 time 1s chnuk=1", "'chnuk'"},
        {"S1 time 1s chunk=1 workers=1 ranks=1 threads=1 tasks=1", "4"},
        {"an-identifier-that-is-longer-than-31-bytes time 1s", "identifier"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct claim *claims;
        size_t n;
        struct err err = {""};
        ck_assert_msg(claim_read(cases[i].text, &claims, &n, &err) == -1, "%s", cases[i].text);
        ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "'%s' lacks '%s'", err.text,
                      cases[i].words);
    }
}
END_TEST

static bool speaks(const char *text, const struct point *p)
{
    struct claim *claims;
    size_t n;
    struct err err = {""};
    ck_assert_msg(claim_read(text, &claims, &n, &err) == 0, "%s", err.text);
    bool answer = claim_speaks_of(&claims[0], p);
    free(claims);
    return answer;
}

START_TEST(claims_speak_of_the_points_that_their_filters_pick)
{
    struct point seq = make_point("seq", 1), pool = make_point("procpool", 8);
    pool.chunk = 4;
    pool.scale = 0.1;
    ck_assert(speaks("S1 time 1s", &pool));
    ck_assert(!speaks("S1 time 1s", &seq)); /* the sequential run must be named */
    ck_assert(speaks("S1 time 1s backend=seq", &seq));
    ck_assert(!speaks("S1 time 1s backend=seq", &pool));
    ck_assert(speaks("S1 time 1s workers=8 chunk=4", &pool));
    ck_assert(!speaks("S1 time 1s workers=8 chunk=5", &pool));
    ck_assert(speaks("S1 time 1s scale=0.1", &pool));
    ck_assert(speaks("S1 time 1s schedule=dynamic backend=procpool", &pool));
    ck_assert(!speaks("S1 time 1s schedule=dyn", &pool));
}
END_TEST

/* --- summary: estimates --------------------------------------------------------------------- */

START_TEST(medians_and_their_kin)
{
    static const uint64_t ns[] = {70, 10, 30, 20, 1000, 40, 60};
    struct point p = make_point("seq", 1);
    struct journal j = begin_samples();
    for (uint64_t i = 0; i < 7; i++)
        add_time(&j, &p, 0, i, ns[i]);
    struct summary s = end_samples(&j);
    const struct summary_row *r = row_of(&s, "seq", 1);
    ck_assert_uint_eq(r->n, 7);
    ck_assert_uint_eq(r->launches, 1);
    ck_assert_double_eq_tol(r->median_s, 40e-9, 1e-18);
    ck_assert_double_eq_tol(r->min_s, 10e-9, 1e-18);
    ck_assert_double_eq_tol(r->max_s, 1000e-9, 1e-18);
    ck_assert_double_eq_tol(r->mean_s, 1230e-9 / 7, 1e-18);
    ck_assert_double_eq_tol(r->mad_s, 20e-9, 1e-18); /* of 30, 30, 10, 20, 960, 0, 20 */
    ck_assert_double_le(r->ci_low_s, r->median_s);
    ck_assert_double_ge(r->ci_high_s, r->median_s);
    ck_assert_uint_eq(r->verified, 1);
    ck_assert_uint_eq(r->usable, 4);
    ck_assert_str_eq(r->flags, "");
    summary_release(&s);
}
END_TEST

START_TEST(speedups_are_paired_by_launch_group_and_pass)
{
    /* The machine becomes ten times slower half-way: paired ratios are 2, whatever the drift; the
     * ratio of the medians would not be. The rows come in no order. */
    static const uint64_t order[] = {3, 0, 5, 1, 4, 2};
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    struct journal j = begin_samples();
    for (size_t i = 0; i < 6; i++) {
        uint64_t pass = order[i], drift = pass < 3 ? 1 : 10;
        add_time(&j, &p, pass % 2, pass, 50 * drift);
    }
    for (size_t i = 6; i-- > 0;) {
        uint64_t pass = order[i], drift = pass < 3 ? 1 : 10;
        add_time(&j, &base, pass % 2, pass, 100 * drift);
    }
    /* What has no partner counts for times, not for the ratio. */
    add_time(&j, &base, 7, 0, 100000);
    struct summary s = end_samples(&j);
    const struct summary_row *r = row_of(&s, "procpool", 2);
    ck_assert_double_eq_tol(r->speedup, 2, 1e-12);
    ck_assert_double_eq_tol(r->speedup_low, 2, 1e-12);
    ck_assert_double_eq_tol(r->speedup_high, 2, 1e-12);
    ck_assert_double_eq_tol(r->efficiency, 1, 1e-12);
    ck_assert_double_eq_tol(r->karp_flatt, 0, 1e-12);
    ck_assert_str_eq(r->base, "seq");
    ck_assert_double_eq_tol(row_of(&s, "seq", 1)->speedup, 1, 1e-12);
    summary_release(&s);
}
END_TEST

START_TEST(the_same_pass_of_another_group_is_no_partner)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    struct journal j = begin_samples();
    for (uint64_t group = 0; group < 2; group++)
        for (uint64_t pass = 0; pass < 3; pass++) {
            struct sample s = make_sample(0, pass, group ? 1000 : 100);
            s.group = group;
            add_sample(&j, &base, &s);
        }
    for (uint64_t pass = 0; pass < 3; pass++) {
        struct sample s = make_sample(0, pass, 500);
        s.group = 1;
        add_sample(&j, &p, &s);
    }
    struct summary s = end_samples(&j);
    ck_assert_double_eq_tol(row_of(&s, "procpool", 2)->speedup, 2, 1e-12);
    ck_assert_uint_eq(row_of(&s, "seq", 1)->n, 6);
    summary_release(&s);
}
END_TEST

START_TEST(bases_belong_to_their_experiment_workload_tasks_and_bind)
{
    struct point base = make_point("seq", 1), other = base, p = make_point("procpool", 2);
    struct journal j = begin_samples();
    add_time(&j, &base, 0, 0, 100);
    snprintf(other.experiment, sizeof other.experiment, "f");
    add_time(&j, &other, 0, 0, 900);
    p.tasks = 13;
    add_time(&j, &p, 0, 0, 50);
    struct summary s = end_samples(&j);
    /* The only base of 12 tasks is none for 13. */
    ck_assert(isnan(row_of(&s, "procpool", 2)->speedup));
    ck_assert(isnan(row_of(&s, "procpool", 2)->base_s));
    ck_assert_str_eq(row_of(&s, "procpool", 2)->base, "");
    summary_release(&s);
}
END_TEST

START_TEST(fresh_counts_opening_and_closing)
{
    struct point base = make_point("seq", 1), fresh = make_point("procpool", 2),
                 kept = make_point("openmp", 2);
    struct journal j = begin_samples();
    fresh.fresh = 1;
    for (uint64_t pass = 0; pass < 3; pass++) {
        struct sample s = make_sample(0, pass, 100);
        s.open_ns = 300;
        s.close_ns = 600;
        add_sample(&j, &fresh, &s);
        add_sample(&j, &kept, &s);
        add_time(&j, &base, 0, pass, 2000);
    }
    struct summary s = end_samples(&j);
    ck_assert_double_eq_tol(row_of(&s, "procpool", 2)->median_s, 1000e-9, 1e-18);
    ck_assert_double_eq_tol(row_of(&s, "procpool", 2)->speedup, 2, 1e-12);
    ck_assert_double_eq_tol(row_of(&s, "openmp", 2)->median_s, 100e-9, 1e-18);
    ck_assert_double_eq_tol(row_of(&s, "openmp", 2)->open_s, 300e-9, 1e-18);
    summary_release(&s);
}
END_TEST

START_TEST(failed_samples_are_counted_and_not_estimated)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    struct journal j = begin_samples();
    for (uint64_t pass = 0; pass < 7; pass++) {
        struct sample s = make_sample(0, pass, pass == 3 ? 1 : 50);
        if (pass == 3) {
            snprintf(s.status, sizeof s.status, "wrong");
            snprintf(s.error, sizeof s.error, "the sum is 46 instead of 45");
            s.verified = 0;
        }
        s.misplaced = pass == 5;
        add_sample(&j, &p, &s);
        add_time(&j, &base, 0, pass, 100);
    }
    struct summary s = end_samples(&j);
    const struct summary_row *r = row_of(&s, "procpool", 2);
    ck_assert_uint_eq(r->n, 6);
    ck_assert_uint_eq(r->failed, 1);
    ck_assert_uint_eq(r->verified, 0);
    ck_assert_double_eq_tol(r->min_s, 50e-9, 1e-18);
    ck_assert_double_eq_tol(r->speedup, 2, 1e-12);
    ck_assert_str_eq(r->flags, "misplaced failed");
    summary_release(&s);
}
END_TEST

START_TEST(what_was_taken_again_is_no_longer_missing)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    for (uint64_t again = 2; again < 4; again++) {
        struct journal j = begin_samples();
        struct sample died = make_sample(0, 3, 1);
        snprintf(died.status, sizeof died.status, "died");
        add_sample(&j, &p, &died);
        for (uint64_t pass = 0; pass <= again; pass++) {
            add_time(&j, &base, 0, pass, 100);
            add_time(&j, &p, 0, pass, 50);
        }
        struct summary s = end_samples(&j);
        const struct summary_row *r = row_of(&s, "procpool", 2);
        ck_assert_uint_eq(r->failed, 1);
        ck_assert_int_eq(strstr(r->flags, "retaken") != NULL, again == 3);
        ck_assert_int_eq(strstr(r->flags, "failed") != NULL, again != 3);
        summary_release(&s);
    }
}
END_TEST

START_TEST(a_point_without_right_answers_has_no_figures)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 8);
    struct journal j = begin_samples();
    struct sample died = make_sample(0, 0, 0);
    snprintf(died.status, sizeof died.status, "died");
    died.verified = 0;
    add_sample(&j, &p, &died);
    add_time(&j, &base, 0, 0, 100);
    struct summary s = end_samples(&j);
    const struct summary_row *r = row_of(&s, "procpool", 8);
    ck_assert_uint_eq(r->n, 0);
    ck_assert(isnan(r->median_s) && isnan(r->speedup) && isnan(r->efficiency) &&
              isnan(r->ns_per_task));
    ck_assert_ptr_nonnull(strstr(r->flags, "few"));
    ck_assert_ptr_nonnull(strstr(r->flags, "failed"));
    ck_assert_ptr_nonnull(strstr(r->flags, "oversubscribed"));
    summary_release(&s);
}
END_TEST

START_TEST(a_time_of_zero_has_no_ratio)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    struct journal j = begin_samples();
    add_time(&j, &base, 0, 0, 100);
    add_time(&j, &p, 0, 0, 0);
    struct summary s = end_samples(&j);
    ck_assert_double_eq(row_of(&s, "procpool", 2)->median_s, 0);
    ck_assert(isnan(row_of(&s, "procpool", 2)->speedup));
    summary_release(&s);
}
END_TEST

START_TEST(too_few_samples_have_no_interval_and_say_so)
{
    for (uint64_t n = 1; n <= 8; n++) {
        struct point p = make_point("seq", 1);
        struct journal j = begin_samples();
        for (uint64_t pass = 0; pass < n; pass++)
            add_time(&j, &p, 0, pass, 100 + pass);
        struct summary s = end_samples(&j);
        const struct summary_row *r = row_of(&s, "seq", 1);
        ck_assert_int_eq(isnan(r->ci_low_s), n < 6);
        ck_assert_int_eq(strstr(r->flags, "few") != NULL, n < 6);
        summary_release(&s);
    }
}
END_TEST

START_TEST(the_serial_fraction_of_a_series_is_fitted)
{
    /* Times after Amdahl with a serial fraction of 0.1. */
    struct point base = make_point("seq", 1);
    struct journal j = begin_samples();
    for (uint64_t pass = 0; pass < 3; pass++) {
        add_time(&j, &base, 0, pass, 1000000);
        for (uint64_t w = 1; w <= 4; w *= 2) {
            struct point p = make_point("procpool", w);
            add_time(&j, &p, 0, pass, 100000 + 900000 / w);
        }
    }
    struct summary s = end_samples(&j);
    for (uint64_t w = 1; w <= 4; w *= 2)
        ck_assert_double_eq_tol(row_of(&s, "procpool", w)->serial_fraction, 0.1, 1e-9);
    ck_assert_double_eq_tol(row_of(&s, "procpool", 4)->karp_flatt, 0.1, 1e-9);
    ck_assert(isnan(row_of(&s, "procpool", 1)->karp_flatt));
    ck_assert(isnan(row_of(&s, "seq", 1)->serial_fraction));
    summary_release(&s);
}
END_TEST

/* A chunk size that was asked for is another series than what a rule chose, be it the same. */
START_TEST(series_and_bases_are_told_apart_among_many)
{
    struct journal j = begin_samples();
    for (uint64_t tasks = 1; tasks <= 40; tasks++)
        for (uint64_t w = 4; w >= 1; w /= 2) {
            struct point base = make_point("seq", 1), p = make_point("procpool", w), q = p;
            base.tasks = p.tasks = q.tasks = tasks;
            q.chunk_auto = 1;
            if (w == 4) /* bases come first here, last there */
                add_time(&j, tasks % 2 ? &base : &p, 0, 0,
                         tasks % 2 ? 1000000 * tasks : 325000 * tasks);
            if (w < 4 || tasks % 2)
                add_time(&j, &p, 0, 0, (100000 + 900000 / w) * tasks);
            add_time(&j, &q, 0, 0, (200000 + 800000 / w) * tasks);
            if (w == 1 && tasks % 2 == 0)
                add_time(&j, &base, 0, 0, 1000000 * tasks);
        }
    struct summary s = end_samples(&j);
    ck_assert_uint_eq(s.n, 40 * 7);
    for (size_t i = 0; i < s.n; i++) {
        const struct point *p = &s.points[i].point;
        const struct summary_row *r = &s.points[i].row;
        ck_assert_double_eq_tol(r->base_s, 1e-3 * (double)p->tasks, 1e-12);
        if (strcmp(p->backend, "seq") != 0)
            ck_assert_double_eq_tol(r->serial_fraction, p->chunk_auto ? 0.2 : 0.1, 1e-9);
    }
    summary_release(&s);
}
END_TEST

/* --- summary: samples taken again ------------------------------------------------------------- */

/* A sample that its cell looked at; `flags` tell what disturbed it. */
static struct sample watched(uint64_t pass, uint64_t retake, uint64_t order, uint64_t wall_ns,
                             const char *flags)
{
    struct sample s = make_sample(0, pass, wall_ns);
    s.retake = retake;
    s.order = order;
    s.noise_ns = 2000;
    snprintf(s.flags, sizeof s.flags, "%s", flags);
    return s;
}

START_TEST(the_last_taken_counts)
{
    /* Pass 1 is taken three times, of which the last is disturbed too; pass 2 twice. The rows come
     * in any order: what tells is how often and when they were taken, not where they stand. */
    const struct sample rows[] = {
        watched(0, 0, 0, 100, ""),          watched(1, 0, 1, 900, "preempted"),
        watched(1, 1, 2, 500, "preempted"), watched(1, 2, 3, 110, "stolen slow-clock"),
        watched(2, 0, 4, 1, "slow-clock"),  watched(2, 1, 5, 120, ""),
        watched(3, 0, 6, 130, ""),
    };
    enum { N = sizeof rows / sizeof *rows };
    for (size_t turn = 0; turn < N; turn++) {
        struct point base = make_point("seq", 1), p = make_point("procpool", 2);
        struct journal j = begin_samples();
        for (size_t i = 0; i < N; i++)
            add_sample(&j, &p, &rows[(i * 3 + turn) % N]);
        for (uint64_t pass = 0; pass < 4; pass++)
            add_time(&j, &base, 0, pass, 2 * (100 + 10 * pass));
        struct summary s = end_samples(&j);
        const struct summary_row *r = row_of(&s, "procpool", 2);
        ck_assert_uint_eq(r->n, 4);
        ck_assert_uint_eq(r->set_aside, 3);
        ck_assert_uint_eq(r->disturbed, 1);
        ck_assert_uint_eq(r->failed, 0);
        ck_assert_uint_eq(r->verified, 1);
        ck_assert_double_eq_tol(r->min_s, 100e-9, 1e-18);
        ck_assert_double_eq_tol(r->max_s, 130e-9, 1e-18);
        ck_assert_double_eq_tol(r->speedup, 2, 1e-12);
        ck_assert_str_eq(r->flags, "few disturbed");
        ck_assert_uint_eq(row_of(&s, "seq", 1)->disturbed, 0);
        ck_assert_uint_eq(s.n_watched, N);
        summary_release(&s);
    }
}
END_TEST

START_TEST(the_later_of_equal_retakes_counts)
{
    struct point p = make_point("procpool", 2);
    struct journal j = begin_samples();
    struct sample later = watched(0, 1, 9, 200, ""), sooner = watched(0, 1, 8, 300, "");
    add_sample(&j, &p, &later);
    add_sample(&j, &p, &sooner);
    struct summary s = end_samples(&j);
    ck_assert_uint_eq(row_of(&s, "procpool", 2)->n, 1);
    ck_assert_double_eq_tol(row_of(&s, "procpool", 2)->median_s, 200e-9, 1e-18);
    summary_release(&s);
}
END_TEST

START_TEST(a_retake_that_fails_is_no_repair)
{
    /* The first take is all there is of the pass, and the failure stands: nothing came after it. */
    struct point p = make_point("procpool", 2);
    struct journal j = begin_samples();
    struct sample first = watched(0, 0, 0, 200, "preempted"), died = watched(0, 1, 1, 0, "");
    snprintf(died.status, sizeof died.status, "died");
    add_sample(&j, &p, &first);
    add_sample(&j, &p, &died);
    struct summary s = end_samples(&j);
    const struct summary_row *r = row_of(&s, "procpool", 2);
    ck_assert_uint_eq(r->n, 1);
    ck_assert_uint_eq(r->set_aside, 0);
    ck_assert_uint_eq(r->failed, 1);
    ck_assert_str_eq(r->flags, "few failed disturbed");
    summary_release(&s);
}
END_TEST

/* More takes than 16 bits hold: nothing is cut off. */
START_TEST(the_last_of_very_many_retakes_counts)
{
    struct point p = make_point("procpool", 2);
    struct journal j = begin_samples();
    struct sample sooner = watched(0, 1, 8, 300, ""), later = watched(0, 65536, 9, 200, "");
    add_sample(&j, &p, &sooner);
    add_sample(&j, &p, &later);
    struct summary s = end_samples(&j);
    ck_assert_uint_eq(row_of(&s, "procpool", 2)->set_aside, 1);
    ck_assert_double_eq_tol(row_of(&s, "procpool", 2)->median_s, 200e-9, 1e-18);
    summary_release(&s);
}
END_TEST

/* The point is in one group, called 2 before a resumption and 1 after it; the base is in both. */
START_TEST(a_group_that_is_renamed_by_a_resumption_is_the_same)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    struct journal j = begin_samples();
    struct sample died = watched(1, 0, 1, 0, ""), again = watched(1, 1, 9, 300, "");
    snprintf(died.status, sizeof died.status, "died");
    died.group = 2;
    again.group = 1;
    for (uint64_t group = 1; group <= 2; group++)
        for (uint64_t pass = 0; pass < 3; pass++) {
            struct sample s = watched(pass, 0, 10 + 3 * group + pass, 100 * group, "");
            s.group = group;
            add_sample(&j, &base, &s);
            s.wall_ns = 50;
            if (group == 2 && pass != 1)
                add_sample(&j, &p, &s);
        }
    add_sample(&j, &p, &died);
    add_sample(&j, &p, &again);
    struct summary s = end_samples(&j);
    const struct summary_row *r = row_of(&s, "procpool", 2);
    ck_assert_uint_eq(r->n, 3);
    ck_assert_uint_eq(r->failed, 1);
    ck_assert_str_eq(r->flags, "few retaken");
    ck_assert_double_eq_tol(r->speedup, 4, 1e-12); /* two of group 2; one of 1: 1/3 */
    ck_assert_uint_eq(row_of(&s, "seq", 1)->n, 6);
    ck_assert_uint_eq(row_of(&s, "seq", 1)->set_aside, 0);
    summary_release(&s);
}
END_TEST

START_TEST(words_beyond_those_that_have_room_are_counted_with_the_last)
{
    struct point p = make_point("mine", 2);
    struct journal j = begin_samples();
    for (uint64_t i = 0; i < MOST_DISTURBANCES + 5; i++) {
        char word[80];
        snprintf(word, sizeof word, "word-%" PRIu64 "%s", i,
                 i == 3 ? "-longer-than-there-is-room-for-in-a-summary" : "  ");
        struct sample s = watched(i, 0, i, 100, word);
        add_sample(&j, &p, &s);
    }
    struct summary s = end_samples(&j);
    ck_assert_uint_eq(s.n_disturbances, MOST_DISTURBANCES);
    ck_assert_uint_eq(row_of(&s, "mine", 2)->disturbed, MOST_DISTURBANCES + 5);
    summary_release(&s);
}
END_TEST

/* --- summary: what samples look like ------------------------------------------------------------
 */

START_TEST(percentiles_need_a_sample_beyond_them)
{
    static const struct {
        uint64_t n;
        bool has_quarters, has_twentieths, has_hundredths;
    } cases[] = {{3, false, false, false}, {4, true, false, false}, {19, true, false, false},
                 {20, true, true, false},  {99, true, true, false}, {100, true, true, true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct point p = make_point("seq", 1);
        struct journal j = begin_samples();
        for (uint64_t i = 0; i < cases[c].n; i++)
            add_time(&j, &p, 0, i, 1000 + i * 37 % cases[c].n);
        struct summary s = end_samples(&j);
        const struct summary_row *r = row_of(&s, "seq", 1);
        ck_assert_int_eq(isfinite(r->p25_s) && isfinite(r->p75_s), cases[c].has_quarters);
        ck_assert_int_eq(isfinite(r->p5_s) && isfinite(r->p95_s), cases[c].has_twentieths);
        ck_assert_int_eq(isfinite(r->p99_s) != 0, cases[c].has_hundredths);
        if (cases[c].n == 100) {
            ck_assert_double_eq_tol(r->p5_s, 1004.95e-9, 1e-15);
            ck_assert_double_eq_tol(r->p95_s, 1094.05e-9, 1e-15);
            ck_assert_double_eq_tol(r->p99_s, 1098.01e-9, 1e-15);
        }
        summary_release(&s);
    }
}
END_TEST

static const char *const shapes[] = {"launches-differ", "drifting", "several-modes"};

enum { N_SHAPES = sizeof shapes / sizeof *shapes, SHAPE_PASSES = 20, SHAPE_LAUNCHES = 3 };

/* Points 1..n with 20 samples in each of `launches` launches, in ns about 10^6. */
static struct summary shaped(uint64_t n, uint64_t launches,
                             double (*time)(uint64_t point, uint64_t launch, uint64_t pass))
{
    struct journal j = begin_samples();
    uint64_t order = 0;
    for (uint64_t launch = 0; launch < launches; launch++)
        for (uint64_t pass = 0; pass < SHAPE_PASSES; pass++)
            for (uint64_t i = 1; i <= n; i++) {
                struct point p = make_point("procpool", i);
                struct sample s = make_sample(launch, pass, (uint64_t)time(i, launch, pass));
                s.order = order++;
                add_sample(&j, &p, &s);
            }
    return end_samples(&j);
}

static struct rng chance;

static double alike(uint64_t point, uint64_t launch, uint64_t pass)
{
    (void)point, (void)launch, (void)pass;
    return 1e6 + 1e4 * (double)(rng_next(&chance) >> 11) * 0x1.0p-53;
}

static double constant(uint64_t point, uint64_t launch, uint64_t pass)
{
    (void)launch, (void)pass;
    return 1e6 + (double)point;
}

static double scripted(uint64_t point, uint64_t launch, uint64_t pass)
{
    static const double times[] = {40, 41, 39, 40.5, 39.5, 40};
    (void)point;
    return 1e6 * times[(launch * SHAPE_PASSES + pass) % 6];
}

/* Point 1 has launches that differ, point 2 grows, point 3 has two humps; the others are quiet. */
static double shape(uint64_t point, uint64_t launch, uint64_t pass)
{
    double quiet = alike(point, launch, pass);
    return point == 1   ? quiet + 1e5 * (double)launch
           : point == 2 ? quiet + 5e3 * (double)pass
           : point == 3 ? quiet + 2e5 * (double)(pass * 7 % 5 < 2)
                        : quiet;
}

static size_t count_flag(const struct summary *s, const char *flag)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += strstr(s->points[i].row.flags, flag) != NULL;
    return n;
}

START_TEST(what_is_quiet_stays_quiet)
{
    struct summary exact = shaped(3, SHAPE_LAUNCHES, constant),
                   mock = shaped(3, SHAPE_LAUNCHES, scripted);
    for (size_t k = 0; k < N_SHAPES; k++) {
        ck_assert_uint_eq(count_flag(&exact, shapes[k]), 0);
        ck_assert_uint_eq(count_flag(&mock, shapes[k]), 0);
    }
    summary_release(&exact);
    summary_release(&mock);
}
END_TEST

START_TEST(many_points_raise_no_more_alarms_than_one)
{
    /* Of 200 points some tests fall below 1 % by chance: those are seen, and no alarm. */
    rng_seed(&chance, 12);
    struct summary s = shaped(200, SHAPE_LAUNCHES, alike);
    size_t below = 0;
    for (size_t i = 0; i < s.n; i++)
        below += s.points[i].row.p_launches < 0.01 || s.points[i].row.p_drift < 0.01 ||
                 s.points[i].row.p_modes < 0.01;
    ck_assert_uint_ge(below, 1);
    for (size_t k = 0; k < N_SHAPES; k++)
        ck_assert_uint_eq(count_flag(&s, shapes[k]), 0);
    summary_release(&s);
}
END_TEST

START_TEST(shapes_are_flagged_among_many_points)
{
    rng_seed(&chance, 5);
    struct summary s = shaped(60, SHAPE_LAUNCHES, shape);
    ck_assert_ptr_nonnull(strstr(row_of(&s, "procpool", 1)->flags, "launches-differ"));
    ck_assert_ptr_nonnull(strstr(row_of(&s, "procpool", 2)->flags, "drifting"));
    ck_assert_ptr_nonnull(strstr(row_of(&s, "procpool", 3)->flags, "several-modes"));
    for (uint64_t i = 4; i <= 60; i++)
        for (size_t k = 0; k < N_SHAPES; k++)
            ck_assert_ptr_null(strstr(row_of(&s, "procpool", i)->flags, shapes[k]));
    ck_assert_uint_eq(count_flag(&s, "drifting"), 1);
    summary_release(&s);
}
END_TEST

START_TEST(with_six_launches_their_differences_are_in_the_interval)
{
    rng_seed(&chance, 5);
    struct summary s = shaped(1, 6, shape);
    ck_assert_str_eq(row_of(&s, "procpool", 1)->method, "launches");
    ck_assert_double_lt(row_of(&s, "procpool", 1)->p_launches, 0.01);
    ck_assert_uint_eq(count_flag(&s, "launches-differ"), 0);
    summary_release(&s);
}
END_TEST

START_TEST(shapes_are_looked_for_in_the_order_in_which_samples_were_taken)
{
    /* The passes in their order fall by chance; as they were taken the times grow. */
    struct point p = make_point("procpool", 2);
    struct journal j = begin_samples();
    for (uint64_t i = 0; i < 30; i++) {
        struct sample s = make_sample(0, i * 11 % 30, 1000000 + 1000 * i);
        s.order = i;
        add_sample(&j, &p, &s);
    }
    struct summary s = end_samples(&j);
    ck_assert_double_lt(row_of(&s, "procpool", 2)->p_drift, 1e-6);
    summary_release(&s);
}
END_TEST

/* --- summary: facts of a plan --------------------------------------------------------------- */

/* A plan in which more workers come first; the base is unknown to it. */
static struct point_facts facts_of(void *user, const struct point *p)
{
    (void)user;
    struct point_facts facts = {.known = strcmp(p->backend, "seq") != 0,
                                .position = SIZE_MAX,
                                .bound = NAN,
                                .ideal_s = NAN,
                                .precision = 5};
    if (facts.known) {
        facts.position = 100 - p->workers;
        facts.bound = (double)p->workers * 0.75;
        facts.ideal_s = p->workers == 2 ? 1.5 : NAN;
    }
    return facts;
}

START_TEST(facts_give_order_bounds_and_precision)
{
    struct point base = make_point("seq", 1), two = make_point("procpool", 2),
                 four = make_point("procpool", 4);
    struct journal j = begin_samples();
    for (uint64_t pass = 0; pass < 6; pass++) {
        add_time(&j, &base, 0, pass, 1200);
        add_time(&j, &two, 0, pass, 600);
        add_time(&j, &four, 0, pass, 300 + 100 * (pass % 2));
    }
    journal_close(&j);
    struct summary s;
    ck_assert_int_eq(summary_read(&s, csv_path(), NULL), 0);
    unlink(csv_path());
    summary_estimate(&s, 4, facts_of, NULL);
    ck_assert_uint_eq(s.points[0].point.workers, 4);
    ck_assert_uint_eq(s.points[1].point.workers, 2);
    ck_assert_str_eq(s.points[2].point.backend, "seq"); /* unknown ones last */
    ck_assert_double_eq(s.points[0].row.bound, 3);
    /* Where theory alone has no time, the base's does. */
    ck_assert_double_eq_tol(s.points[0].row.bound_s, 1200e-9 / 3, 1e-18);
    ck_assert_double_eq(s.points[1].row.bound_s, 1.5);
    ck_assert_ptr_nonnull(strstr(s.points[0].row.flags, "imprecise"));
    ck_assert_ptr_null(strstr(s.points[1].row.flags, "imprecise"));
    summary_release(&s);
}
END_TEST

static struct point_facts precise_facts(void *user, const struct point *p)
{
    (void)p;
    return (struct point_facts){.known = true,
                                .bound = NAN,
                                .ideal_s = NAN,
                                .precision = 2,
                                .precision_of_speedup = *(bool *)user};
}

START_TEST(precision_is_that_of_what_was_asked_for)
{
    /* The machine drifts, the ratio does not: the speedup is known exactly, the times are not. */
    for (int of_speedup = 0; of_speedup < 2; of_speedup++) {
        struct point base = make_point("seq", 1), p = make_point("procpool", 2);
        struct journal j = begin_samples();
        bool asked = of_speedup;
        for (uint64_t pass = 0; pass < 10; pass++) {
            add_time(&j, &base, 0, pass, 1000 * (1 + pass));
            add_time(&j, &p, 0, pass, 500 * (1 + pass));
        }
        struct summary s = end_samples(&j);
        summary_estimate(&s, 4, precise_facts, &asked);
        ck_assert_int_eq(strstr(row_of(&s, "procpool", 2)->flags, "imprecise") == NULL, of_speedup);
        ck_assert_ptr_nonnull(strstr(row_of(&s, "seq", 1)->flags, "imprecise"));
        summary_release(&s);
    }
}
END_TEST

/* --- summary: outputs ----------------------------------------------------------------------- */

static struct text printed(const struct summary *s, void (*write)(const struct summary *, FILE *))
{
    char *bytes = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&bytes, &n);
    write(s, to);
    fclose(to);
    struct text t = TEXT_INIT;
    text_add(&t, bytes, n);
    free(bytes);
    return t;
}

static void write_narrow(const struct summary *s, FILE *to)
{
    summary_write_text(s, to, 80, false, NULL, NULL);
}

static void write_wide(const struct summary *s, FILE *to)
{
    summary_write_text(s, to, 120, false, NULL, NULL);
}

static struct summary make_summary(void)
{
    struct point base = make_point("seq", 1), hybrid = make_point("hybrid", 8),
                 pool = make_point("procpool", 2);
    struct journal j = begin_samples();
    hybrid.ranks = 2;
    hybrid.threads = 4;
    hybrid.chunk = 123456;
    for (uint64_t pass = 0; pass < 6; pass++) {
        add_time(&j, &base, 0, pass, 8000);
        add_time(&j, &hybrid, 0, pass, 1000);
        struct sample s = make_sample(0, pass, 4000);
        if (pass == 0) {
            snprintf(s.status, sizeof s.status, "died");
            snprintf(s.error, sizeof s.error, "worker 1 was killed by signal 9, \"as they say\"");
        }
        add_sample(&j, &pool, &s);
    }
    return end_samples(&j);
}

/* Asserts that no line shows more characters; lines that tell failures are looked at, or all
 * others. */
static void assert_fits(const char *text, size_t most, bool failures)
{
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        size_t shown = 0;
        for (size_t k = 0; line[k] && line[k] != '\n'; k++)
            shown += ((unsigned char)line[k] & 0xc0) != 0x80;
        if ((strncmp(line, "  !", 3) == 0) == failures)
            ck_assert_msg(shown <= most, "%zu columns: %.*s", shown, (int)strcspn(line, "\n"),
                          line);
    }
}

START_TEST(text_fits_its_columns_and_tells_what_counts)
{
    struct summary s = make_summary();
    struct text narrow = printed(&s, write_narrow), wide = printed(&s, write_wide);
    const char *const both[] = {narrow.text, wide.text};
    assert_fits(narrow.text, 80, false);
    assert_fits(wide.text, 120, false);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(strstr(both[i], "2x4"));
        ck_assert_ptr_nonnull(strstr(both[i], "8.00"));
        ck_assert_ptr_nonnull(strstr(both[i], "signal 9"));
        ck_assert_ptr_nonnull(strstr(both[i], "* "));
    }
    text_release(&narrow);
    text_release(&wide);
    summary_release(&s);
}
END_TEST

START_TEST(what_disturbed_samples_is_told_below_the_tables)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    struct journal j = begin_samples();
    struct sample died = watched(9, 0, 99, 0, "");
    snprintf(died.status, sizeof died.status, "died");
    for (uint64_t i = 0; i < 8; i++) {
        struct sample b = watched(i, 0, 3 * i, 8000, ""),
                      disturbed = watched(i, 0, 3 * i + 1, 9000, i ? "preempted" : "stolen"),
                      again = watched(i, 1, 3 * i + 2, 4000, i == 7 ? "preempted stolen" : "");
        add_sample(&j, &base, &b);
        if (i % 7 == 0)
            add_sample(&j, &p, &disturbed);
        add_sample(&j, &p, &again);
    }
    add_sample(&j, &p, &died);
    struct summary s = end_samples(&j);
    struct text narrow = printed(&s, write_narrow);
    assert_fits(narrow.text, 80, false);
    ck_assert_msg(strstr(narrow.text,
                         "samples: 19 taken, 1 failed, 3 disturbed (15.8 %): stolen 2, "
                         "preempted 2; 2 were\n         set aside and taken again, 1 "
                         "counts all the same"),
                  "%s", narrow.text);
    ck_assert_ptr_nonnull(strstr(narrow.text, "^ some samples that count were disturbed"));
    ck_assert_ptr_nonnull(strstr(narrow.text, "\nnot shown: n, p95, worst, "));
    ck_assert_ptr_null(strstr(narrow.text, "rules"));
    text_release(&narrow);
    snprintf(s.rules, sizeof s.rules,
             "rules: 11/12 (5: 3 of 40 points have fewer than 6 samples, so that nothing is known "
             "of how far their medians can be trusted)");
    narrow = printed(&s, write_narrow);
    assert_fits(narrow.text, 80, false);
    ck_assert_ptr_nonnull(strstr(narrow.text, "\nrules: 11/12 (5: 3 of 40 points"));
    text_release(&narrow);
    summary_release(&s);
}
END_TEST

/* 3 of 20 floating samples were on fewer PUs than there are workers and CPUs for them; of those
 * that were asked to be there it is not told, nor of one in twenty. */
START_TEST(workers_that_shared_a_cpu_are_told)
{
    static const struct {
        const char *bind;
        uint64_t workers, each, pus;
        bool told;
    } cases[] = {{"none", 2, 7, 1, true},   {"none", 6, 7, 3, true},  {"none", 6, 7, 4, false},
                 {"close", 2, 7, 1, false}, {"none", 2, 7, 0, false}, {"none", 2, 20, 1, false}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct point p = make_point("procpool", cases[c].workers);
        struct journal j = begin_samples();
        snprintf(p.bind, sizeof p.bind, "%s", cases[c].bind);
        for (uint64_t i = 0; i < 20; i++) {
            struct sample s = watched(i, 0, i, 1000, "");
            s.pus = i % cases[c].each == 0 ? cases[c].pus : cases[c].workers;
            add_sample(&j, &p, &s);
        }
        struct summary s = end_samples(&j);
        struct text narrow = printed(&s, write_narrow);
        assert_fits(narrow.text, 80, false);
        ck_assert_int_eq(strstr(s.points[0].row.flags, "stacked") != NULL, cases[c].told);
        ck_assert_msg((strstr(narrow.text, "in 3 of 20 samples:\n  --bind close keeps") != NULL) ==
                          cases[c].told,
                      "%s", narrow.text);
        text_release(&narrow);
        summary_release(&s);
    }
}
END_TEST

START_TEST(a_run_that_was_watched_in_vain_says_so)
{
    struct point p = make_point("seq", 1);
    for (int looked = 0; looked < 2; looked++) {
        struct journal j = begin_samples();
        struct sample s = watched(0, 0, 0, 10, "");
        s.noise_ns = looked ? 2000 : 0;
        add_sample(&j, &p, &s);
        struct summary summary = end_samples(&j);
        struct text narrow = printed(&summary, write_narrow);
        ck_assert_int_eq(strstr(narrow.text, "samples: 1 taken, none disturbed\n") != NULL, looked);
        ck_assert_int_eq(strstr(narrow.text, "was not looked at") != NULL, !looked);
        text_release(&narrow);
        summary_release(&summary);
    }
}
END_TEST

/* 2 launches of 6 passes; in the second one everything but the base takes a tenth longer. */
static struct summary two_launches(void)
{
    struct point base = make_point("seq", 1), p = make_point("procpool", 2);
    snprintf(base.workload, sizeof base.workload, "burn iterations=5");
    snprintf(p.workload, sizeof p.workload, "burn iterations=5");
    struct journal j = begin_samples();
    for (uint64_t pass = 0; pass < 12; pass++) {
        add_time(&j, &base, pass / 6, pass % 6, 8000000 + 1000 * (pass % 6));
        add_time(&j, &p, pass / 6, pass % 6, (pass < 6 ? 4000000 : 4400000) + 1000 * (pass % 6));
    }
    return end_samples(&j);
}

START_TEST(two_launches_that_differ_are_marked_by_themselves)
{
    struct summary s = two_launches();
    ck_assert_ptr_null(strstr(row_of(&s, "seq", 1)->flags, "two-launches"));
    ck_assert_ptr_nonnull(strstr(row_of(&s, "procpool", 2)->flags, "two-launches"));
    struct text narrow = printed(&s, write_narrow);
    ck_assert_ptr_nonnull(
        strstr(narrow.text, "@ 2 launches, and they differ: the interval is wide"));
    assert_fits(narrow.text, 80, false);
    text_release(&narrow);
    summary_release(&s);
}
END_TEST

START_TEST(narrow_tables_show_the_interval_of_the_speedup)
{
    struct summary s = two_launches();
    const struct summary_row *row = row_of(&s, "procpool", 2), *base = row_of(&s, "seq", 1);
    char ratio[64], time[64], words[256];
    struct text narrow = printed(&s, write_narrow);
    snprintf(words, sizeof words, "  %s",
             format_ratio_interval(row->speedup_low, row->speedup_high, ratio, sizeof ratio));
    ck_assert_msg(strstr(narrow.text, words + 1), "%s", narrow.text);
    /* That of the base has no column: it stands beside its time. */
    snprintf(words, sizeof words, "base: seq, the serial run, 8.00 ms %s",
             format_seconds_interval(base->ci_low_s, base->ci_high_s, base->median_s, time,
                                     sizeof time));
    ck_assert_msg(strstr(narrow.text, words), "%s", narrow.text);
    ck_assert_ptr_nonnull(strstr(narrow.text, "not shown: n, 95 % interval of the time"));
    text_release(&narrow);
    summary_release(&s);
}
END_TEST

START_TEST(wide_tables_show_the_tail)
{
    struct point p = make_point("seq", 1);
    struct journal j = begin_samples();
    for (uint64_t i = 0; i < 40; i++)
        add_time(&j, &p, 0, i, i == 17 ? 7770000 : 1000000 + i);
    struct summary s = end_samples(&j);
    struct text narrow = printed(&s, write_narrow), wide = printed(&s, write_wide);
    ck_assert_ptr_nonnull(strstr(wide.text, " p95 "));
    ck_assert_ptr_nonnull(strstr(wide.text, "7.77 ms"));
    ck_assert_ptr_null(strstr(narrow.text, "7.77 ms"));
    text_release(&narrow);
    text_release(&wide);
    summary_release(&s);
}
END_TEST

START_TEST(failures_fit_the_columns_too)
{
    struct summary s = make_summary();
    struct text narrow = printed(&s, write_narrow);
    assert_fits(narrow.text, 80, true);
    text_release(&narrow);
    summary_release(&s);
}
END_TEST

/* A point as its specification names it, with six samples of so many ns. */
static void add_point(struct journal *j, const char *backend, const char *workload,
                      const char *schedule, const char *dispatch, uint64_t wall_ns)
{
    struct point p = make_point(backend, strcmp(backend, "seq") == 0 ? 1 : 2);
    snprintf(p.workload, sizeof p.workload, "%s", workload);
    snprintf(p.schedule, sizeof p.schedule, "%s", schedule);
    snprintf(p.dispatch, sizeof p.dispatch, "%s", dispatch);
    for (uint64_t pass = 0; pass < 6; pass++)
        add_time(j, &p, 0, pass, wall_ns);
}

START_TEST(long_schedules_have_room_or_are_cut)
{
    static const char spec[] = "wf weights=1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16";
    struct journal j = begin_samples();
    add_point(&j, "seq", "burn", "static", "none", 8000);
    add_point(&j, "openmp:llvm", "burn", spec, "ticket", 4000);
    add_point(&j, "openmp:llvm", "burn", "guided-llvm", "ticket", 4000);
    struct summary s = end_samples(&j);
    struct text narrow = printed(&s, write_narrow), wide = printed(&s, write_wide);
    assert_fits(narrow.text, 80, false);
    assert_fits(wide.text, 120, false);
    ck_assert_ptr_nonnull(strstr(narrow.text, " wf weights…:14:15:16 "));
    ck_assert_ptr_nonnull(strstr(narrow.text, " guided-llvm "));
    ck_assert_ptr_nonnull(strstr(wide.text, " wf weights=1:2:…12:13:14:15:16 "));
    text_release(&narrow);
    text_release(&wide);
    summary_release(&s);
}
END_TEST

START_TEST(schedules_that_are_cut_stay_distinct)
{
    static const char one[] = "tap mean=1ms sd=1ms alpha=1", two[] = "tap mean=1ms sd=1ms alpha=2",
                      three[] = "tap mean=1ms sd=2ms alpha=2";
    struct journal j = begin_samples();
    add_point(&j, "procpool", "burn", one, "ticket", 4000);
    add_point(&j, "procpool", "burn", two, "ticket", 4000);
    struct summary s = end_samples(&j);
    struct text t = printed(&s, write_narrow);
    assert_fits(t.text, 80, false);
    ck_assert_ptr_nonnull(strstr(t.text, "alpha=1 "));
    ck_assert_ptr_nonnull(strstr(t.text, "alpha=2 "));
    ck_assert_ptr_null(strstr(t.text, "(1)"));
    text_release(&t);
    summary_release(&s);
    j = begin_samples();
    add_point(&j, "procpool", "burn", one, "ticket", 4000);
    add_point(&j, "procpool", "burn", two, "ticket", 4000);
    add_point(&j, "procpool", "burn", three, "ticket", 4000);
    s = end_samples(&j);
    t = printed(&s, write_narrow);
    assert_fits(t.text, 80, false);
    ck_assert_ptr_nonnull(strstr(t.text, "alpha=1 ")); /* like no other */
    ck_assert_ptr_nonnull(strstr(t.text, "=2 (1) "));
    ck_assert_ptr_nonnull(strstr(t.text, "=2 (2) "));
    ck_assert_ptr_nonnull(strstr(t.text, "\n  (1) tap mean=1ms sd=1ms alpha=2\n"));
    ck_assert_ptr_nonnull(strstr(t.text, "\n  (2) tap mean=1ms sd=2ms alpha=2\n"));
    text_release(&t);
    summary_release(&s);
}
END_TEST

START_TEST(chunks_wider_than_their_header_keep_the_columns)
{
    struct journal j = begin_samples();
    for (int i = 0; i < 2; i++) {
        struct point p = make_point("procpool", 2);
        snprintf(p.workload, sizeof p.workload, "burn");
        p.chunk = i ? UINT64_C(549755813888) : 1;
        for (uint64_t pass = 0; pass < 6; pass++)
            add_time(&j, &p, 0, pass, 4000);
    }
    struct summary s = end_samples(&j);
    struct text t = printed(&s, write_narrow);
    assert_fits(t.text, 80, false);
    const char *head = strstr(t.text, " chunk "), *wide = strstr(t.text, "549755813888");
    ck_assert_ptr_nonnull(head);
    ck_assert_ptr_nonnull(wide);
    while (head[-1] != '\n')
        head--;
    const char *row = wide;
    while (row[-1] != '\n')
        row--;
    ck_assert_int_eq(strstr(head, "chunk") + 5 - head, wide + 12 - row);
    text_release(&t);
    summary_release(&s);
}
END_TEST

START_TEST(dispatch_is_a_column_where_it_varies)
{
    struct journal j = begin_samples();
    add_point(&j, "seq", "burn", "static", "none", 8000);
    add_point(&j, "mpi", "burn", "dynamic", "master-only", 4000);
    add_point(&j, "openmp", "burn", "dynamic", "ticket", 4000);
    struct summary s = end_samples(&j);
    struct text t = printed(&s, write_narrow);
    ck_assert_ptr_null(strstr(t.text, "dispatch"));
    text_release(&t);
    summary_release(&s);
    j = begin_samples();
    add_point(&j, "mpi", "burn", "dynamic", "master-only", 4000);
    add_point(&j, "mpi", "burn", "dynamic", "rma", 4000);
    s = end_samples(&j);
    t = printed(&s, write_narrow);
    assert_fits(t.text, 80, false);
    ck_assert_ptr_nonnull(strstr(t.text, " dispatch "));
    ck_assert_ptr_nonnull(strstr(t.text, " master-only "));
    ck_assert_ptr_nonnull(strstr(t.text, ", chunk 1\n")); /* the same in all rows: no column */
    text_release(&t);
    summary_release(&s);
}
END_TEST

/* The least chunk size says little of rules that cut chunks of several sizes: their number stands
 * there. */
START_TEST(rules_with_chunks_of_several_sizes_show_their_number)
{
    struct journal j = begin_samples();
    struct point p = make_point("mpi", 2);
    p.chunk_auto = 1;
    for (int i = 0; i < 2; i++) {
        snprintf(p.schedule, sizeof p.schedule, i ? "guided" : "dynamic");
        for (uint64_t pass = 0; pass < 6; pass++) {
            struct sample s = make_sample(0, pass, 1000);
            s.chunks = i ? 7 : 12;
            add_sample(&j, &p, &s);
        }
    }
    struct summary s = end_samples(&j);
    snprintf(s.points[0].point.workload, sizeof s.points[0].point.workload, "burn");
    snprintf(s.points[1].point.workload, sizeof s.points[1].point.workload, "burn");
    struct text t = printed(&s, write_narrow);
    assert_fits(t.text, 80, false);
    ck_assert_ptr_nonnull(strstr(t.text, "bound  chunks\n"));
    ck_assert_ptr_nonnull(strstr(t.text, "-       7\n"));
    ck_assert_ptr_null(strstr(t.text, "chunk 1"));
    s.points[1].row.chunks = 12; /* all of one size: that size */
    text_release(&t);
    t = printed(&s, write_narrow);
    ck_assert_ptr_nonnull(strstr(t.text, " chunk "));
    text_release(&t);
    summary_release(&s);
}
END_TEST

/* Tasks that do nothing: what each costs, and the ratio to the fastest, in place of a speedup. */
START_TEST(null_tasks_are_compared_by_what_they_cost)
{
    struct journal j = begin_samples();
    add_point(&j, "seq", "null", "static", "none", 12);
    add_point(&j, "mpi", "null", "dynamic", "master", 60000);
    add_point(&j, "mpi", "null", "dynamic", "rma", 24000);
    struct point lost = make_point("openmp", 2);
    struct sample died = make_sample(0, 0, 0);
    snprintf(died.status, sizeof died.status, "died");
    add_sample(&j, &lost, &died); /* no time, and so not the best */
    struct summary s = end_samples(&j);
    struct text t = printed(&s, write_narrow);
    assert_fits(t.text, 80, false);
    ck_assert_ptr_null(strstr(t.text, "speedup"));
    ck_assert_ptr_nonnull(strstr(t.text, " 10.0 µs    2.50\n")); /* 60 µs x 2 / 12 tasks */
    ck_assert_ptr_nonnull(strstr(t.text, " 4.00 µs    1.00\n"));
    text_release(&t);
    summary_release(&s);
}
END_TEST

START_TEST(remarks_are_told_once_below_the_table)
{
    struct journal j = begin_samples();
    for (uint64_t chunk = 1; chunk <= 3; chunk++) {
        struct point p = make_point("mpi", 2);
        struct sample s = make_sample(0, 0, 1000);
        p.chunk = chunk;
        snprintf(s.remark, sizeof s.remark, chunk < 3 ? "no progress by itself" : "");
        add_sample(&j, &p, &s);
    }
    struct summary s = end_samples(&j);
    struct text t = printed(&s, write_narrow);
    const char *told =
        strstr(t.text, "  > no progress by itself (mpi, dynamic, ticket, W=2 and 1 more)\n");
    ck_assert_ptr_nonnull(told);
    ck_assert_ptr_null(strstr(told + 4, "  > "));
    text_release(&t);
    summary_release(&s);
}
END_TEST

/* Medians of the samples' costs; unknown where the samples, or the runtime, do not tell. */
START_TEST(costs_are_medians_or_unknown)
{
    struct journal j = begin_samples();
    struct point p = make_point("mpi", 2), native = make_point("openmp", 2),
                 old = make_point("procpool", 2);
    snprintf(native.dispatch, sizeof native.dispatch, "native");
    for (uint64_t pass = 0; pass < 3; pass++) {
        struct sample s = make_sample(0, pass, 1000);
        add_sample(&j, &old, &s);
        s.nodes = 3 - pass;
        s.span_ns = 1000;
        s.busy_ns = 100 + 10 * pass;
        s.idle_ns = 7;
        s.imbalance = 0.25 * (double)pass;
        s.chunks = 4 + pass;
        add_sample(&j, &native, &s);
        s.claim_ns = 30 - 10 * pass;
        add_sample(&j, &p, &s);
    }
    struct summary s = end_samples(&j);
    const struct summary_row *row = row_of(&s, "mpi", 2);
    ck_assert_double_eq_tol(row->busy_s, 110e-9, 1e-15);
    ck_assert_double_eq_tol(row->claim_s, 20e-9, 1e-15);
    ck_assert_double_eq_tol(row->idle_s, 7e-9, 1e-15);
    ck_assert_double_eq(row->imbalance, 0.25);
    ck_assert_double_eq(row->chunks, 5);
    ck_assert_uint_eq(row->nodes, 3);
    row = row_of(&s, "openmp", 2);
    ck_assert_double_eq_tol(row->busy_s, 110e-9, 1e-15);
    ck_assert(isnan(row->claim_s));
    row = row_of(&s, "procpool", 2);
    ck_assert(isnan(row->busy_s) && isnan(row->claim_s) && isnan(row->idle_s));
    ck_assert(isnan(row->imbalance));
    ck_assert_uint_eq(row->nodes, 1);
    summary_release(&s);
}
END_TEST

START_TEST(json_has_a_schema_and_every_field)
{
    struct summary s = make_summary();
    struct text t = printed(&s, summary_write_json);
    json_t *all = json_loads(t.text, 0, NULL);
    ck_assert_ptr_nonnull(all);
    ck_assert_int_eq(json_integer_value(json_object_get(all, "schema")), 1);
    const json_t *points = json_object_get(all, "points");
    ck_assert_uint_eq(json_array_size(points), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *point = json_array_get(points, i);
        for (const struct field *f = point_fields; f->name; f++)
            ck_assert_msg(json_object_get(point, f->name) != NULL, "%s", f->name);
        for (const struct field *f = summary_fields; f->name; f++)
            ck_assert_msg(json_object_get(point, f->name) != NULL, "%s", f->name);
        ck_assert(json_is_null(json_object_get(point, "bound"))); /* unknown: null, not NaN */
    }
    json_decref(all);
    text_release(&t);
    summary_release(&s);
}
END_TEST

START_TEST(csv_has_a_header_and_a_row_a_point)
{
    struct summary s = make_summary();
    struct text t = printed(&s, summary_write_csv);
    size_t lines = 0, commas = 0, first = 0;
    for (const char *p = t.text; *p; p++) {
        commas += *p == ',';
        if (*p != '\n')
            continue;
        if (lines++ == 0)
            first = commas;
        ck_assert_uint_eq(commas, first); /* no text of this summary holds a comma */
        commas = 0;
    }
    ck_assert_uint_eq(lines, 4);
    ck_assert_ptr_null(strstr(t.text, "nan"));
    text_release(&t);
    summary_release(&s);
}
END_TEST

/* --- numbers for people --------------------------------------------------------------------- */

START_TEST(times_have_their_unit)
{
    static const struct {
        double s;
        const char *text;
    } cases[] = {
        {0, "0.00 ns"},       {5e-10, "0.50 ns"},   {1.234e-6, "1.23 µs"}, {12.34e-6, "12.3 µs"},
        {123.4e-6, "123 µs"}, {999.4e-6, "999 µs"}, {999.6e-6, "1.00 ms"}, {0.0401, "40.1 ms"},
        {1.5, "1.50 s"},      {3600, "3600 s"},
    };
    char buffer[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(format_seconds(cases[i].s, buffer, sizeof buffer), cases[i].text);
    ck_assert_str_eq(format_seconds(NAN, buffer, sizeof buffer), "-");
    ck_assert_str_eq(format_seconds(INFINITY, buffer, sizeof buffer), "-");
}
END_TEST

START_TEST(intervals_are_in_the_unit_of_their_median)
{
    char buffer[64];
    ck_assert_str_eq(format_seconds_interval(0.9e-3, 1.25e-3, 1.1e-3, buffer, sizeof buffer),
                     "[0.90, 1.25]");
    ck_assert_str_eq(format_seconds_interval(39.96e-3, 40.32e-3, 40.1e-3, buffer, sizeof buffer),
                     "[40.0, 40.3]");
    ck_assert_str_eq(format_seconds_interval(120e-6, 131e-6, 125e-6, buffer, sizeof buffer),
                     "[120, 131]");
    ck_assert_str_eq(format_seconds_interval(1.4, 1.6, 1.5, buffer, sizeof buffer), "[1.40, 1.60]");
    ck_assert_str_eq(format_seconds_interval(NAN, 1, 1, buffer, sizeof buffer), "");
    ck_assert_str_eq(format_seconds_interval(1, INFINITY, 1, buffer, sizeof buffer), "");
}
END_TEST

START_TEST(an_interval_and_its_median_agree_on_the_unit)
{
    /* The unit is in the median alone: 999.6 µs are shown as 1.00 ms. */
    char median[32], interval[64];
    double at = 999.6e-6;
    format_seconds(at, median, sizeof median);
    format_seconds_interval(at, at, at, interval, sizeof interval);
    ck_assert_str_eq(median, "1.00 ms");
    ck_assert_str_eq(interval, "[1.00, 1.00]");
}
END_TEST

START_TEST(ratios_have_three_digits)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {{1, "1.00"},     {2.996, "3.00"},   {9.994, "9.99"},
                 {9.996, "10.0"}, {12.34, "12.3"},   {123.4, "123"},
                 {0.5, "0.50"},   {0.0123, "0.012"}, {0.00123, "0.0012"}};
    char buffer[32], interval[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(format_ratio(cases[i].x, buffer, sizeof buffer), cases[i].text);
    ck_assert_str_eq(format_ratio(NAN, buffer, sizeof buffer), "-");
    ck_assert_str_eq(format_ratio_interval(1.2, 12.3, interval, sizeof interval), "[1.20, 12.3]");
    ck_assert_str_eq(format_ratio_interval(NAN, 1, interval, sizeof interval), "");
}
END_TEST

START_TEST(cells_are_padded_by_characters)
{
    char *bytes = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&bytes, &n);
    format_cell(to, "µs", 5);
    format_cell(to, "|", 1);
    format_cell(to, "µs", -5);
    format_cell(to, "too long", 3);
    fclose(to);
    ck_assert_str_eq(bytes, "   µs|µs   too long");
    free(bytes);
}
END_TEST

START_TEST(texts_are_cut_at_a_character)
{
    static const struct {
        const char *text;
        int width;
        const char *cut;
    } cuts[] = {{"abc", 3, "abc"}, {"abcd", 3, "a…d"}, {"aµµµ", 3, "a…µ"}, {"abcdef", 4, "ab…f"},
                {"ab", 1, "…"},    {"µ", 1, "µ"},      {"", 0, ""}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char text[16];
        snprintf(text, sizeof text, "%s", cuts[i].text);
        format_cut(text, cuts[i].width);
        ck_assert_str_eq(text, cuts[i].cut);
    }
}
END_TEST

/* --- the articles' rows --------------------------------------------------------------------- */

/* A point of an estimated summary, with its figures set by hand. */
static struct summary_point figures(const char *backend, double median, double speedup,
                                    double bound)
{
    static struct observation observations[2];
    struct summary_point p = {
        .point = make_point(backend, 2), .observations = observations, .n = 2};
    for (int i = 0; i < 2; i++)
        observations[i] = (struct observation){.sum = 45, .most = 3};
    p.row.n = 2;
    p.row.chunks = 7;
    p.row.median_s = median;
    p.row.ci_low_s = p.row.ci_high_s = NAN;
    p.row.speedup = speedup;
    p.row.speedup_low = p.row.speedup_high = NAN;
    p.row.bound = bound;
    p.row.bound_s = NAN;
    return p;
}

static void assert_verdict(const char *claim, struct summary_point point, const char *verdict)
{
    struct claim *claims;
    struct article_row *rows;
    size_t n;
    struct err err = {""};
    ck_assert_msg(claim_read(claim, &claims, &n, &err) == 0, "%s", err.text);
    struct summary s = {.points = &point, .n = 1};
    struct article_claims all = {"e", "title", "source", claims, n};
    ck_assert_uint_eq(articles_make(&s, &all, 1, &rows), 1);
    ck_assert_msg(strcmp(rows[0].verdict, verdict) == 0, "%s: '%s' instead of '%s'", claim,
                  rows[0].verdict, verdict);
    free(rows);
    free(claims);
}

START_TEST(times_hold_within_five_percent)
{
    assert_verdict("S1 time 1s", figures("openmp", 1.0, 1, 2), "holds");
    assert_verdict("S1 time 1s", figures("openmp", 1.049, 1, 2), "holds");
    assert_verdict("S1 time 1s", figures("openmp", 0.951, 1, 2), "holds");
    assert_verdict("S1 time 1s", figures("openmp", 1.06, 1, 2), "slower");
    assert_verdict("S1 time 1s", figures("openmp", 0.94, 1, 2), "faster");
}
END_TEST

START_TEST(speedups_hold_fall_short_or_lack_cpus)
{
    assert_verdict("S1 speedup 3", figures("openmp", 1, 2.9, 4), "holds");
    assert_verdict("S1 speedup 3", figures("openmp", 1, 3.3, 4), "higher");
    assert_verdict("S1 speedup 3", figures("openmp", 1, 2.5, 4), "lower");
    assert_verdict("S1 speedup 3", figures("openmp", 1, 1.9, 2), "too few CPUs");
}
END_TEST

START_TEST(counts_and_sums_are_exact_or_not)
{
    assert_verdict("S1 sum 45", figures("openmp", 1, 1, 1), "exact");
    assert_verdict("S1 sum 46", figures("openmp", 1, 1, 1), "wrong");
    assert_verdict("S1 chunks 7", figures("openmp", 1, 1, 1), "holds");
    assert_verdict("S1 chunks 8", figures("openmp", 1, 1, 1), "differs");
    assert_verdict("S1 share 3", figures("openmp", 1, 1, 1), "holds");
    assert_verdict("S1 share 4", figures("openmp", 1, 1, 1), "differs");
}
END_TEST

START_TEST(a_point_without_samples_is_not_measured)
{
    struct summary_point p = figures("openmp", NAN, NAN, 2);
    p.n = p.row.n = 0;
    assert_verdict("S1 time 1s", p, "not measured");
    assert_verdict("S1 sum 45", p, "not measured");
}
END_TEST

START_TEST(a_claim_that_fits_no_point_is_not_measured)
{
    struct summary_point point = figures("openmp", 1, 2, 2);
    struct claim *claims;
    struct article_row *rows;
    size_t n;
    struct err err = {""};
    ck_assert_int_eq(claim_read("A speedup 2 schedule=fac2", &claims, &n, &err), 0);
    struct summary s = {.points = &point, .n = 1};
    struct article_claims all[] = {{"e", "title", "source", claims, n},
                                   {"not run", "title", "source", claims, n}};
    ck_assert_uint_eq(articles_make(&s, all, 2, &rows), 1);
    ck_assert_str_eq(rows[0].verdict, "not measured");
    ck_assert_str_eq(rows[0].backend, "");
    char *bytes = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&bytes, &size);
    articles_write_text(rows, 1, to, false);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(bytes, "  A speedup\n    no point "));
    ck_assert_ptr_nonnull(strstr(bytes, " not measured\n"));
    free(bytes);
    free(rows);
    free(claims);
}
END_TEST

START_TEST(a_speedup_without_a_base_is_not_measured)
{
    assert_verdict("S1 speedup 3", figures("openmp", 1, NAN, 4), "not measured");
    assert_verdict("S1 speedup 3", figures("openmp", 1, NAN, NAN), "not measured");
}
END_TEST

START_TEST(a_claim_has_a_row_for_each_point_that_it_speaks_of)
{
    struct summary_point points[] = {figures("seq", 4, 1, 1), figures("procpool", 2, 2, 2),
                                     figures("openmp", 2, 2, 2), figures("mpi", 2, 2, 2)};
    struct summary s = {.points = points, .n = 4};
    struct claim *claims;
    struct article_row *rows;
    size_t n;
    snprintf(points[3].point.experiment, sizeof points[3].point.experiment, "another");
    ck_assert_int_eq(claim_read("S1 time 4s backend=seq | S2 time 2s", &claims, &n, NULL), 0);
    struct article_claims all = {"e", "title", "source", claims, n};
    ck_assert_uint_eq(articles_make(&s, &all, 1, &rows), 3);
    ck_assert_str_eq(rows[0].claim, "S1");
    ck_assert_str_eq(rows[0].backend, "seq");
    ck_assert_str_eq(rows[1].backend, "procpool");
    ck_assert_str_eq(rows[2].backend, "openmp");
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(rows[i].verdict, "holds");
    free(rows);
    free(claims);
}
END_TEST

UNIT_MAIN(
    "report", UNIT_LOOP(texts_come_back_from_csv, 0, (int)(sizeof texts / sizeof *texts)),
    line_ends_in_a_text_become_blanks, numbers_come_back_from_csv, cells_that_are_not_of_their_type,
    json_members_that_are_not_of_their_type, points_differ_in_any_factor,
    a_journal_is_opened_again_and_goes_on, a_journal_of_other_columns_is_refused,
    mending_cuts_off_a_last_line_without_end, a_journal_cut_off_anywhere_is_mended_and_goes_on,
    rows_that_are_wrong_are_told_with_their_line, files_that_are_no_journal,
    thousands_of_points_are_told_apart, claims_are_read, claims_that_are_none,
    claims_speak_of_the_points_that_their_filters_pick, medians_and_their_kin,
    speedups_are_paired_by_launch_group_and_pass, the_same_pass_of_another_group_is_no_partner,
    bases_belong_to_their_experiment_workload_tasks_and_bind, fresh_counts_opening_and_closing,
    failed_samples_are_counted_and_not_estimated, what_was_taken_again_is_no_longer_missing,
    a_point_without_right_answers_has_no_figures, a_time_of_zero_has_no_ratio,
    too_few_samples_have_no_interval_and_say_so, the_serial_fraction_of_a_series_is_fitted,
    series_and_bases_are_told_apart_among_many, the_last_of_very_many_retakes_counts,
    a_group_that_is_renamed_by_a_resumption_is_the_same, the_last_taken_counts,
    the_later_of_equal_retakes_counts, a_retake_that_fails_is_no_repair,
    words_beyond_those_that_have_room_are_counted_with_the_last,
    percentiles_need_a_sample_beyond_them, what_is_quiet_stays_quiet,
    many_points_raise_no_more_alarms_than_one, shapes_are_flagged_among_many_points,
    with_six_launches_their_differences_are_in_the_interval,
    shapes_are_looked_for_in_the_order_in_which_samples_were_taken,
    what_disturbed_samples_is_told_below_the_tables, a_run_that_was_watched_in_vain_says_so,
    workers_that_shared_a_cpu_are_told, two_launches_that_differ_are_marked_by_themselves,
    narrow_tables_show_the_interval_of_the_speedup, wide_tables_show_the_tail,
    precision_is_that_of_what_was_asked_for, facts_give_order_bounds_and_precision,
    text_fits_its_columns_and_tells_what_counts, failures_fit_the_columns_too,
    schedules_that_are_cut_stay_distinct, chunks_wider_than_their_header_keep_the_columns,
    long_schedules_have_room_or_are_cut, dispatch_is_a_column_where_it_varies,
    null_tasks_are_compared_by_what_they_cost, rules_with_chunks_of_several_sizes_show_their_number,
    remarks_are_told_once_below_the_table, costs_are_medians_or_unknown,
    texts_are_cut_at_a_character, json_has_a_schema_and_every_field,
    csv_has_a_header_and_a_row_a_point, times_have_their_unit,
    intervals_are_in_the_unit_of_their_median, an_interval_and_its_median_agree_on_the_unit,
    ratios_have_three_digits, cells_are_padded_by_characters, times_hold_within_five_percent,
    speedups_hold_fall_short_or_lack_cpus, counts_and_sums_are_exact_or_not,
    a_point_without_samples_is_not_measured, a_claim_that_fits_no_point_is_not_measured,
    a_speedup_without_a_base_is_not_measured, a_claim_has_a_row_for_each_point_that_it_speaks_of)
