/* Journals beside samples.csv: rows that are put together and flushed, cut by their order; and
 * samples.csv of a version with fewer columns. */
#include "unit.h"

#include "record/journal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct err err;

/* Each test is a process of its own, so its pid names its file. */
static const char *path(void)
{
    static char name[64];
    snprintf(name, sizeof name, "/tmp/poolmark-journal-%d.csv", (int)getpid());
    return name;
}

static void write_text(const char *text)
{
    FILE *file = fopen(path(), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static char *read_text(void)
{
    static char text[1 << 16];
    FILE *file = fopen(path(), "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

START_TEST(rows_that_are_put_are_written_when_flushed)
{
    struct journal j;
    unlink(path());
    ck_assert_msg(journal_open(&j, path(), worker_fields, NULL, &err) == 0, "%s", err.text);
    char header[4096];
    strcpy(header, read_text());
    for (uint64_t w = 0; w < 3; w++)
        ck_assert_int_eq(
            journal_put(&j, worker_fields, &(struct worker_row){.order = 7, .worker = w}, &err), 0);
    ck_assert_str_eq(read_text(), header);
    ck_assert_int_eq(journal_flush(&j, &err), 0);
    ck_assert_int_eq(journal_flush(&j, &err), 0); /* nothing is kept any more */
    journal_close(&j);
    /* Opened again, and more than is kept at a time: written before the flush. */
    ck_assert_msg(journal_open(&j, path(), worker_fields, NULL, &err) == 0, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(read_text(), "7,2,0,0,0,0,0,0,0,0\n"));
    ck_assert_uint_eq(strlen(read_text()), strlen(header) + 3 * 20);
    for (uint64_t w = 0; w < 60000; w++)
        ck_assert_int_eq(
            journal_put(&j, worker_fields, &(struct worker_row){.order = 8, .worker = w}, &err), 0);
    ck_assert_uint_gt(strlen(read_text()), strlen(header) + 3 * 20);
    journal_close(&j);
    unlink(path());
}
END_TEST

static const struct {
    const char *before;
    uint64_t least;
    const char *after;
} cuts[] = {
    {"order,worker\n0,0\n0,1\n1,0\n1,1\n", 1, "order,worker\n0,0\n0,1\n"},
    {"order,worker\n0,0\n0,1\n1,0\n1,1\n", 2, "order,worker\n0,0\n0,1\n1,0\n1,1\n"},
    {"order,worker\n0,0\n9,0\n10,0\n11,0\n", 9, "order,worker\n0,0\n"},
    {"order,worker\n5,0\n", 0, "order,worker\n"},
    {"order,worker\n", 0, "order,worker\n"},
    {"", 0, ""},
    {"order,worker\n2,0\n1,1\n3,0\n", 2, "order,worker\n2,0\n1,1\n"}, /* the end alone */
};

START_TEST(the_end_is_cut_off_by_order)
{
    write_text(cuts[_i].before);
    ck_assert_msg(journal_cut(path(), cuts[_i].least, &err) == 0, "%s", err.text);
    ck_assert_str_eq(read_text(), cuts[_i].after);
    unlink(path());
    ck_assert_int_eq(journal_cut(path(), 0, &err), 0); /* a missing file is fine */
    ck_assert_int_eq(access(path(), F_OK), -1);
}
END_TEST

/* --- fewer columns -------------------------------------------------------------------------- */

static struct sample seen;

static int see(void *user, size_t point, const struct sample *sample, struct err *e)
{
    (void)user, (void)point, (void)e;
    seen = *sample;
    return 0;
}

/* A samples.csv with one sample, without the fields whose names are in `lacking`; x after it. */
static void write_samples(const char *lacking, const char *header_end)
{
    struct point point = {.experiment = "e", .tasks = 3};
    struct sample sample = {
        .status = "ok", .wall_ns = 11, .span_ns = 12, .imbalance = 0.5, .chain_ps = 13, .h_ns = 4};
    struct text names = TEXT_INIT, values = TEXT_INIT;
    record_csv_header(&names, point_fields);
    record_csv(&values, point_fields, &point);
    for (const struct field *f = sample_fields; f->name; f++) {
        char word[64];
        snprintf(word, sizeof word, " %s ", f->name);
        if (strstr(lacking, word))
            continue;
        struct field one[2] = {*f};
        text_addf(&names, ",%s", f->name);
        text_addf(&values, ",");
        record_csv(&values, one, &sample);
    }
    text_addf(&names, "%s\n%s\n", header_end, values.text);
    write_text(names.text);
    text_release(&names);
    text_release(&values);
}

static int read_samples(void)
{
    bool cut_off;
    struct journal_reader reader = {.on_sample = see};
    return journal_read(path(), &reader, &cut_off, &err);
}

START_TEST(columns_that_came_later_may_be_absent)
{
    write_samples(" ", "");
    ck_assert_msg(read_samples() == 0, "%s", err.text);
    ck_assert(seen.wall_ns == 11 && seen.span_ns == 12 && seen.chain_ps == 13 && seen.h_ns == 4);
    write_samples(" span_ns imbalance  h_ns remark ", "");
    ck_assert_msg(read_samples() == 0, "%s", err.text);
    ck_assert(seen.wall_ns == 11 && seen.span_ns == 0 && seen.chain_ps == 13);
    ck_assert(isnan(seen.h_ns) && isnan(seen.imbalance));
    ck_assert_str_eq(seen.remark, "");
    unlink(path());
}
END_TEST

START_TEST(others_may_not)
{
    static const struct {
        const char *lacking, *end;
    } bad[] = {{" wall_ns ", ""}, {" order ", ""}, {" ", ",more"}, {" error ", ",mistake"}};
    write_samples(bad[_i].lacking, bad[_i].end);
    ck_assert_int_eq(read_samples(), -1);
    ck_assert_msg(strstr(err.text, ":1: the columns") != NULL, "%s", err.text);
    unlink(path());
}
END_TEST

UNIT_MAIN("journal", rows_that_are_put_are_written_when_flushed,
          UNIT_LOOP(the_end_is_cut_off_by_order, 0, sizeof cuts / sizeof *cuts),
          columns_that_came_later_may_be_absent, UNIT_LOOP(others_may_not, 0, 4))
