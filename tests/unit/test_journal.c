/* Journals beside samples.csv: rows that are put together and flushed, cut by their order; and
 * samples.csv of a version with fewer columns, or with what no version writes. */
#include "unit.h"

#include "base/rng.h"
#include "record/journal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

/* --- what no version writes ------------------------------------------------------------------ */

static size_t n_seen;

static int count_samples(void *user, size_t point, const struct sample *sample, struct err *e)
{
    (void)user, (void)point, (void)sample, (void)e;
    n_seen++;
    return 0;
}

static int read_file(bool *cut_off)
{
    struct journal_reader reader = {.on_sample = count_samples};
    n_seen = 0;
    *err.text = '\0';
    return journal_read(path(), &reader, cut_off, &err);
}

static const struct field *find(const char *name)
{
    for (const struct field *f = point_fields; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    for (const struct field *f = sample_fields; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    ck_abort_msg("no field %s", name);
    return NULL;
}

/* A header and three good rows; in the second one the cell of the field is `cell` as it is. */
static void compose(struct text *t, const char *name, const char *cell)
{
    const struct field *changed = name ? find(name) : NULL;
    text_clear(t);
    record_csv_header(t, point_fields);
    text_add(t, ",", 1);
    record_csv_header(t, sample_fields);
    text_add(t, "\n", 1);
    for (uint64_t row = 0; row < 3; row++) {
        struct point point = {.experiment = "e", .workload = "burn, twice", .scale = 1, .tasks = 3};
        struct sample sample = {.order = row, .status = "ok", .wall_ns = 11 + row, .sum = ~0ull};
        const struct field *tables[] = {point_fields, sample_fields};
        const void *records[] = {&point, &sample};
        for (int i = 0; i < 2; i++)
            for (const struct field *f = tables[i]; f->name; f++) {
                const struct field one[2] = {*f};
                if (i > 0 || f != point_fields)
                    text_add(t, ",", 1);
                if (row == 1 && changed && strcmp(f->name, changed->name) == 0)
                    text_add(t, cell, strlen(cell));
                else
                    record_csv(t, one, records[i]);
            }
        text_add(t, "\n", 1);
    }
}

static void write_bytes(const char *bytes, size_t n)
{
    FILE *file = fopen(path(), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

/* An error is one sentence with the file. */
static void check_sentence(void)
{
    ck_assert_msg(strncmp(err.text, path(), strlen(path())) == 0, "%s", err.text);
    ck_assert_msg(strpbrk(err.text, "\n\r") == NULL, "%s", err.text);
}

/* The sentence has to hold `words`; NULL: the cell is fine. */
static const struct {
    const char *field, *cell, *words;
} cells[] = {
    {"wall_ns", "12", NULL},
    {"wall_ns", "-12", ":3: wall_ns: '-12' is not a whole number"},
    {"wall_ns", "", ":3: wall_ns: ''"},
    {"wall_ns", "1e6", ":3: wall_ns: '1e6'"},
    {"wall_ns", "12.5", ":3: wall_ns: '12.5'"},
    {"wall_ns", " 12", ":3: wall_ns: ' 12'"},
    {"wall_ns", "nan", ":3: wall_ns: 'nan'"},
    {"wall_ns", "inf", ":3: wall_ns: 'inf'"},
    {"wall_ns", "9223372036854775807", NULL},
    {"wall_ns", "9223372036854775808", ":3: wall_ns: 9223372036854775808 ns is no time"},
    {"wall_ns", "18446744073709551616", ":3: wall_ns: '18446744073709551616' is not"},
    {"chain_ps", "18446744073709551615", "is no time"},
    {"sum", "18446744073709551615", NULL},
    {"wall_ns", "99999999999999999999999999999999999999999999999999999999999", "999..."},
    {"h_ns", "", NULL},
    {"h_ns", "3.5", NULL},
    {"h_ns", "-3.5", ":3: h_ns: -3.5 ns is below 0"},
    {"h_ns", "nan", ":3: h_ns: 'nan' is not a finite number"},
    {"h_ns", "-inf", ":3: h_ns: '-inf'"},
    {"h_ns", "1e999", ":3: h_ns: '1e999'"},
    {"h_ns", "0x10", ":3: h_ns: '0x10'"},
    {"h_ns", "1,5", ":3: "},
    {"imbalance", "-1e-17", NULL},
    {"scale", "one", ":3: scale: 'one'"},
    {"tasks", "many", ":3: tasks: 'many'"},
    {"fresh", "2", ":3: fresh: '2' is neither 0 nor 1"},
    {"launch", "4294967296", ":3: launch: 4294967296 is above"},
    {"pass", "2147483648", ":3: pass: 2147483648 is above"},
    {"group", "18446744073709551615", ":3: group:"},
    {"retake", "4294967297", ":3: retake:"},
    {"status", "misplaced", NULL},
    {"status", "", ":3: status: unknown word ''"},
    {"status", "okay", ":3: status: unknown word 'okay'; allowed: ok, wrong"},
    {"status", "OK", ":3: status: unknown word 'OK'"},
    {"workload", "\"burn, \"\"twice\"\"\"", NULL},
    {"workload", "\"burn", ":3: the row has too few cells"},
    {"workload", "\"burn\"twice", "a quote is missing"},
    {"workload", "\"", ":3: the row has too few cells"},
    {"error", "\"burn", "error: a quote is missing"},
    {"error", "a\tb\x1b[31m", NULL},
    {"wall_ns", "\x1b[31m7", "wall_ns: '?[31m7'"},
    {"error", "one,more", "too many cells"},
};

START_TEST(cells_that_no_sample_has)
{
    struct text t = TEXT_INIT;
    bool cut_off;
    compose(&t, cells[_i].field, cells[_i].cell);
    write_bytes(t.text, t.length);
    int status = read_file(&cut_off);
    ck_assert_msg((status == 0) == !cells[_i].words, "%s = %s: %s", cells[_i].field, cells[_i].cell,
                  err.text);
    if (cells[_i].words) {
        check_sentence();
        ck_assert_msg(strstr(err.text, cells[_i].words) != NULL, "%s", err.text);
    } else {
        ck_assert_uint_eq(n_seen, 3);
    }
    text_release(&t);
    unlink(path());
}
END_TEST

START_TEST(texts_that_are_too_long_are_refused)
{
    char cell[FIELD_TEXT_BYTES + 1];
    struct text t = TEXT_INIT;
    bool cut_off;
    memset(cell, 'x', sizeof cell);
    for (int more = 0; more < 2; more++) {
        cell[FIELD_TEXT_BYTES - 1 + more] = '\0';
        compose(&t, "remark", cell);
        write_bytes(t.text, t.length);
        ck_assert_int_eq(read_file(&cut_off), -more);
        cell[FIELD_TEXT_BYTES - 1] = 'x';
    }
    check_sentence();
    ck_assert_ptr_nonnull(strstr(err.text, ":3: remark: 'xxx"));
    ck_assert_ptr_nonnull(strstr(err.text, "is longer than 255 bytes"));
    text_release(&t);
    unlink(path());
}
END_TEST

START_TEST(whole_files_that_are_not_right)
{
    struct text t = TEXT_INIT;
    bool cut_off;
    compose(&t, NULL, NULL);
    /* cut off in the last line: passed over, and said */
    write_bytes(t.text, t.length - 5);
    ck_assert_int_eq(read_file(&cut_off), 0);
    ck_assert(cut_off);
    ck_assert_uint_eq(n_seen, 2);
    /* within the header */
    write_bytes(t.text, 20);
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    ck_assert_ptr_nonnull(strstr(err.text, "has no header line"));
    /* nothing at all */
    write_bytes("", 0);
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    ck_assert_ptr_nonnull(strstr(err.text, "is empty"));
    /* a zero byte */
    t.text[t.length - 9] = '\0';
    write_bytes(t.text, t.length);
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    ck_assert_ptr_nonnull(strstr(err.text, ":4: the row holds a zero byte"));
    /* a blank line */
    compose(&t, NULL, NULL);
    text_add(&t, "\n", 1);
    write_bytes(t.text, t.length);
    ck_assert_int_eq(read_file(&cut_off), -1);
    ck_assert_ptr_nonnull(strstr(err.text, ":5: the row has too few cells"));
    /* one huge line */
    enum { HUGE = 1 << 22 };
    char *huge = malloc(HUGE);
    ck_assert_ptr_nonnull(huge);
    memset(huge, ',', HUGE);
    huge[HUGE - 1] = '\n';
    compose(&t, NULL, NULL);
    text_add(&t, huge, HUGE);
    write_bytes(t.text, t.length);
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    write_bytes(huge, HUGE);
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    free(huge);
    text_release(&t);
    /* no file */
    unlink(path());
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    ck_assert_int_eq(mkfifo(path(), 0600), 0);
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    ck_assert_ptr_nonnull(strstr(err.text, "is not a file"));
    unlink(path());
}
END_TEST

static const struct {
    const char *from, *to, *words;
} headers[] = {
    {"experiment,", "", ":1: the columns are not those of this version's samples.csv: 'workload'"},
    {"tasks,backend", "backend,tasks", "'backend' stands where 'tasks' is expected"},
    {"tasks,", "tasks,price,", "'price' is none"},
    {"window_ns,", "cost,", "'cost' is none"},
    {"window_ns,span_ns", "span_ns,window_ns", "'window_ns' stands too late, or twice"},
    {"remark,", "remark,remark,", "'remark' stands too late, or twice"},
    {"wall_ns,", "", "'window_ns' stands where 'wall_ns' is expected"},
    {"experiment,", "experiment;", "'experiment;workload' is none"},
    {"experiment",
     "\xef\xbb\xbf"
     "experiment",
     "'???experiment' is none"},
};

START_TEST(headers_that_are_none)
{
    struct text t = TEXT_INIT, changed = TEXT_INIT;
    bool cut_off;
    compose(&t, NULL, NULL);
    char *at = strstr(t.text, headers[_i].from);
    ck_assert_ptr_nonnull(at);
    text_add(&changed, t.text, (size_t)(at - t.text));
    text_addf(&changed, "%s%s", headers[_i].to, at + strlen(headers[_i].from));
    write_bytes(changed.text, changed.length);
    ck_assert_int_eq(read_file(&cut_off), -1);
    check_sentence();
    ck_assert_msg(strstr(err.text, headers[_i].words) != NULL, "%s", err.text);
    text_release(&changed);
    text_release(&t);
    unlink(path());
}
END_TEST

/* Whatever bytes are changed: the file is read, or refused with one sentence. */
START_TEST(any_bytes_are_read_or_refused)
{
    enum { TIMES = 3000 };
    static const char bytes[] = "0,\"\n\r-e.\\x\0\377";
    struct text t = TEXT_INIT;
    struct rng rng;
    bool cut_off;
    size_t n_read = 0, n_refused = 0;
    rng_seed(&rng, 5);
    compose(&t, NULL, NULL);
    char *copy = malloc(2 * t.length);
    ck_assert_ptr_nonnull(copy);
    for (int i = 0; i < TIMES; i++) {
        size_t n = t.length;
        memcpy(copy, t.text, n);
        for (uint64_t changes = 1 + rng_below(&rng, 3); changes > 0; changes--) {
            size_t at = rng_below(&rng, n), most = n - at < 40 ? n - at : 40;
            size_t length = rng_below(&rng, most + 1);
            char byte = bytes[rng_below(&rng, sizeof bytes - 1)];
            switch (rng_below(&rng, 4)) {
            case 0: /* another byte */
                copy[at] = byte;
                break;
            case 1: /* some are gone */
                memmove(copy + at, copy + at + length, n - at - length);
                n -= length;
                break;
            case 2: /* some are there twice */
                if (n + length <= 2 * t.length) {
                    memmove(copy + at + length, copy + at, n - at);
                    n += length;
                }
                break;
            default: /* the end is gone */
                n = rng_below(&rng, 8) ? n : at;
            }
            n = n ? n : 1;
        }
        write_bytes(copy, n);
        if (read_file(&cut_off) == 0) {
            n_read++;
            ck_assert_str_eq(err.text, "");
        } else {
            n_refused++;
            check_sentence();
        }
    }
    ck_assert_uint_gt(n_read, TIMES / 20);
    ck_assert_uint_gt(n_refused, TIMES / 20);
    free(copy);
    text_release(&t);
    unlink(path());
}
END_TEST

UNIT_MAIN("journal", rows_that_are_put_are_written_when_flushed,
          UNIT_LOOP(the_end_is_cut_off_by_order, 0, sizeof cuts / sizeof *cuts),
          columns_that_came_later_may_be_absent, UNIT_LOOP(others_may_not, 0, 4),
          UNIT_LOOP(cells_that_no_sample_has, 0, sizeof cells / sizeof *cells),
          texts_that_are_too_long_are_refused, whole_files_that_are_not_right,
          UNIT_LOOP(headers_that_are_none, 0, sizeof headers / sizeof *headers),
          any_bytes_are_read_or_refused)
