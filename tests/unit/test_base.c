/* The ground: numbers as people write them, text, random numbers, errors, child processes. */
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/units.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- err ---- */

START_TEST(err_sentences)
{
    struct err err = {"before"};
    ck_assert_int_eq(err_set(&err, "%d is below %d", 0, 1), -1);
    ck_assert_str_eq(err.text, "0 is below 1");
    ck_assert_int_eq(err_prefix(&err, "%s:%d", "a.ini", 12), -1);
    ck_assert_str_eq(err.text, "a.ini:12: 0 is below 1");
    ck_assert_int_eq(err_set(NULL, "nobody listens"), -1);
    ck_assert_int_eq(err_prefix(NULL, "nobody listens"), -1);
}
END_TEST

START_TEST(err_is_cut_not_overrun)
{
    struct {
        struct err err;
        char after[8];
    } s = {{""}, "after"};
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    err_set(&s.err, "%s", longer);
    ck_assert_uint_eq(strlen(s.err.text), sizeof s.err.text - 1);
    err_prefix(&s.err, "place");
    ck_assert_uint_eq(strlen(s.err.text), sizeof s.err.text - 1);
    ck_assert_mem_eq(s.err.text, "place: xxx", 10);
    err_prefix(&s.err, "%s", longer);
    ck_assert_uint_eq(strlen(s.err.text), sizeof s.err.text - 1);
    ck_assert_str_eq(s.after, "after");
}
END_TEST

/* ---- units ---- */

START_TEST(counts)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"5000", 5000},
        {"1_000", 1000},
        {"1_000_000", 1000000},
        {"10k", 10000},
        {"10K", 10000},
        {"10M", 10000000},
        {"10 M", 10000000},
        {"2G", 2000000000},
        {"3T", 3000000000000},
        {"4Ki", 4096},
        {"1Mi", 1048576},
        {"1Gi", 1073741824},
        {"1.5M", 1500000},
        {"1.1M", 1100000},
        {"0.001k", 1},
        {" 7 ", 7},
        {"9223372036854775807", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t value = 77;
        struct err err = {""};
        ck_assert_msg(units_count(good[i].text, &value, &err) == 0, "'%s': %s", good[i].text,
                      err.text);
        ck_assert_msg(value == good[i].value, "'%s' is read as %ju", good[i].text,
                      (uintmax_t)value);
        ck_assert_str_eq(err.text, "");
    }
}
END_TEST

START_TEST(counts_that_are_none)
{
    static const char *const bad[] = {
        "",
        " ",
        "abc",
        "-1",
        "+1",
        "1e3",
        "1E3",
        "10m",
        "10MB",
        "1 2",
        "0x10",
        "1.2.3",
        "1..8",
        ".",
        "1.5",
        "_1",
        "1_",
        "1__0",
        "1._5",
        "1_.5k",
        "10ms",
        "k",
        "inf",
        "nan",
        "1,2",
        "1.0000001M",
        "1234567.8",
        "9223372036854775808",
        "99999999999999999999",
        "99999999999999T",
        "9999999999999.5G",
        "0.00000000000000000000000000000000000000000000000000000000000000000000001",
        "1                                                       k",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t value = 77;
        struct err err = {""};
        ck_assert_msg(units_count(bad[i], &value, &err) == -1, "'%s' is read as %ju", bad[i],
                      (uintmax_t)value);
        ck_assert_msg(strstr(err.text, bad[i]) && strstr(err.text, "10M"), "'%s': %s", bad[i],
                      err.text);
        ck_assert_int_eq(units_count(bad[i], &value, NULL), -1);
    }
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {
        {"20ms", 20000000}, {"1.5s", 1500000000}, {"300us", 300000},      {"300µs", 300000},
        {"2.5 µs", 2500},   {"7ns", 7},           {"2min", 120000000000}, {"1h", 3600000000000},
        {"2", 2000000000},  {"0.25", 250000000},  {"1e-3s", 1000000},     {"1_000ms", 1000000000},
        {"0", 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t ns = 77;
        struct err err = {""};
        ck_assert_msg(units_duration(good[i].text, &ns, &err) == 0, "'%s': %s", good[i].text,
                      err.text);
        ck_assert_msg(ns == good[i].ns, "'%s' is read as %ju ns", good[i].text, (uintmax_t)ns);
    }
    static const char *const bad[] = {"",    "ms",    "-1s",  "20 m s", "1.2.3s",  "20msec",
                                      "abc", "1e5+3", "1e99", "1e999",  "1h30min", "inf"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t ns = 77;
        struct err err = {""};
        ck_assert_msg(units_duration(bad[i], &ns, &err) == -1, "'%s' is read as %ju ns", bad[i],
                      (uintmax_t)ns);
        ck_assert_msg(strstr(err.text, bad[i]) && strstr(err.text, "20ms"), "'%s': %s", bad[i],
                      err.text);
    }
}
END_TEST

START_TEST(reals_and_bools)
{
    double x = 77;
    ck_assert_int_eq(units_real("0.1", &x, NULL), 0);
    ck_assert_double_eq(x, 0.1);
    ck_assert_int_eq(units_real("-2e3", &x, NULL), 0);
    ck_assert_double_eq(x, -2000);
    static const char *const bad[] = {"", "abc", "1x", "0x10", "nan", "inf", "1e999", "0.1 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {""};
        ck_assert_msg(units_real(bad[i], &x, &err) == -1, "'%s' is read as %g", bad[i], x);
        ck_assert_ptr_nonnull(strstr(err.text, bad[i]));
    }
    ck_assert_double_eq(x, -2000);
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (int i = 0; i < 4; i++) {
        int value = 77;
        ck_assert_int_eq(units_bool(yes[i], &value, NULL), 0);
        ck_assert_int_eq(value, 1);
        ck_assert_int_eq(units_bool(no[i], &value, NULL), 0);
        ck_assert_int_eq(value, 0);
        ck_assert_int_eq(units_bool("maybe", &value, NULL), -1);
        ck_assert_int_eq(value, 0);
    }
}
END_TEST

static const struct units_name four_cpus[] = {{"cores", 2}, {"usable", 4}, {NULL, 0}};

/* The list as text, "1 2 4", or "error: …". */
static char *show_list(const char *list, uint64_t low, uint64_t high)
{
    static char shown[2048];
    uint64_t *values = NULL;
    size_t n = 0;
    struct err err = {""};
    if (units_list(list, low, high, four_cpus, &values, &n, &err) != 0) {
        ck_assert_ptr_null(values);
        snprintf(shown, sizeof shown, "error: %s", err.text);
        return shown;
    }
    ck_assert_uint_gt(n, 0);
    struct text t = TEXT_INIT;
    for (size_t i = 0; i < n; i++)
        text_addf(&t, "%s%ju", i ? " " : "", (uintmax_t)values[i]);
    text_copy(shown, sizeof shown, t.text);
    text_release(&t);
    free(values);
    return shown;
}

START_TEST(lists)
{
    static const struct {
        const char *list, *shown;
    } good[] = {
        {"3", "3"},
        {"1,2,4", "1 2 4"},
        {" 4 , 1 ", "4 1"},
        {"1,2,2", "1 2"},
        {"1..8", "1 2 3 4 5 6 7 8"},
        {"5..5", "5"},
        {"1..1024*4", "1 4 16 64 256 1024"},
        {"1..1000*4", "1 4 16 64 256"},
        {"3..50*2", "3 6 12 24 48"},
        {"1..4,8..64*2,1000", "1 2 3 4 8 16 32 64 1000"},
        {"1..4,2..6", "1 2 3 4 5 6"},
        {"usable", "4"},
        {"1..usable", "1 2 3 4"},
        {"1..usable*2", "1 2 4"},
        {"cores..usable", "2 3 4"},
        {"1,cores,usable,2", "1 2 4"},
        {"1 .. 4 * 2", "1 2 4"},
        {"1k..2k*2", "1000 2000"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_str_eq(show_list(good[i].list, 1, 2000), good[i].shown);
    ck_assert_str_eq(show_list("0..2", 0, 9), "0 1 2");
    /* No step beyond the largest number there is. */
    ck_assert_str_eq(show_list("9223372036854775806..9223372036854775807", 0, UINT64_MAX),
                     "9223372036854775806 9223372036854775807");
    ck_assert_str_eq(show_list("4611686018427387904..9223372036854775807*2", 0, UINT64_MAX),
                     "4611686018427387904");
}
END_TEST

START_TEST(lists_that_are_none)
{
    static const struct {
        const char *list, *part;
    } bad[] = {
        {"", "empty item"},
        {"1,,2", "empty item"},
        {"1,2,", "empty item"},
        {"-3", "-3 is negative"},
        {"-3..4", "-3 is negative"},
        {"1..-4", "-4 is negative"},
        {"0", "0 is below 1 (allowed: 1 to 2000)"},
        {"0..4", "0 is below 1"},
        {"1000000000", "1000000000 is above 2000 (allowed: 1 to 2000)"},
        {"1..1000000000", "1000000000 is above 2000"},
        {"1..1000000000*10", "1000000000 is above 2000"},
        {"abc", "'abc' is neither a whole number nor a name; allowed: cores, usable"},
        {"useable", "did you mean 'usable'?"},
        {"1..usabel*2", "did you mean 'usable'?"},
        {"99999999999999999999", "'99999999999999999999' is not a whole number"},
        {"1..", "the range '1..' lacks an end"},
        {"..4", "the range '..4' lacks an end"},
        {"..", "lacks an end"},
        {"1..*2", "lacks an end"},
        {"4..1", "the range 4..1 runs downwards"},
        {"usable..cores", "the range 4..2 runs downwards"},
        {"1e3", "'1e3' is not a whole number"},
        {"1..8*1", "the factor 1 of a geometric range is below 2"},
        {"1..8*0", "is below 2"},
        {"1..8*", "not a whole number"},
        {"1..8*2*2", "not a whole number"},
        {"1...8", "not a whole number"},
        {"2*3", "not a whole number"},
        {"1;2", "not a whole number"},
        {"1.5", "not a whole number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *shown = show_list(bad[i].list, 1, 2000);
        ck_assert_msg(strncmp(shown, "error: ", 7) == 0 && strstr(shown, bad[i].part), "'%s': %s",
                      bad[i].list, shown);
    }
    ck_assert_ptr_nonnull(strstr(show_list("0..8*2", 0, 9), "cannot start at 0"));
    ck_assert_ptr_nonnull(strstr(show_list("1..1000000000", 0, UINT64_MAX), "more than 10000"));
    /* Without names there are none to suggest. */
    uint64_t *values;
    size_t n;
    struct err err;
    ck_assert_int_eq(units_list("usable", 1, 9, NULL, &values, &n, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "'usable' is not a whole number"));
}
END_TEST

START_TEST(formatted_times)
{
    static const struct {
        double ns;
        const char *shown;
    } times[] = {
        {0, "0.00 ns"},      {0.5, "0.50 ns"},    {14, "14 ns"},      {999, "999 ns"},
        {999.6, "1.00 µs"},  {1234, "1.23 µs"},   {12340, "12.3 µs"}, {123400, "123 µs"},
        {999600, "1.00 ms"}, {1.5e6, "1.50 ms"},  {20e6, "20.0 ms"},  {999.4e6, "999 ms"},
        {1e9, "1.00 s"},     {61.04e9, "61.0 s"}, {99.96e9, "100 s"}, {3600e9, "3600 s"},
        {-1500, "-1.50 µs"},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char shown[32];
        ck_assert_str_eq(units_format_ns(times[i].ns, shown, sizeof shown), times[i].shown);
    }
    static const struct {
        double s;
        const char *shown;
    } spans[] = {
        {0, "0 s"},
        {3.6, "4 s"},
        {89, "89 s"},
        {90, "2 min"},
        {1500, "25 min"},
        {5400, "1.5 h"},
        {67503, "19 h"},
        {172800, "2.0 days"},
        {9000000001, "285 years"},
        {9e13, "3e+06 years"},
    };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        char shown[32];
        ck_assert_str_eq(units_format_span(spans[i].s * 1e9, shown, sizeof shown), spans[i].shown);
    }
    char tight[4];
    ck_assert_str_eq(units_format_ns(20e6, tight, sizeof tight), "20.");
}
END_TEST

/* ---- text ---- */

START_TEST(nearest_names)
{
    static const char *const backends[] = {"seq", "procpool", "openmp", "mpi", "hybrid"};
    static const char *const schedules[] = {"static", "dynamic", "guided", "steal"};
    ck_assert_str_eq(text_nearest("procpol", backends, 5), "procpool");
    ck_assert_str_eq(text_nearest("opnemp", backends, 5), "openmp");
    ck_assert_str_eq(text_nearest("OpenMP", backends, 5), "openmp");
    ck_assert_str_eq(text_nearest("open", backends, 5), "openmp");
    ck_assert_str_eq(text_nearest("hy", backends, 5), "hybrid");
    ck_assert_str_eq(text_nearest("sek", backends, 5), "seq");
    ck_assert_str_eq(text_nearest("dynmic", schedules, 4), "dynamic");
    ck_assert_str_eq(text_nearest("statci", schedules, 4), "static");
    ck_assert_ptr_null(text_nearest("zzzz", backends, 5));
    ck_assert_ptr_null(text_nearest("zzzz", schedules, 4));
    ck_assert_ptr_null(text_nearest("", backends, 5));
    ck_assert_ptr_null(text_nearest("seq", backends, 0));
    /* The word itself wins against longer words that it begins, and against near ones before it. */
    static const char *const fac[] = {"fac2", "fax", "fac"};
    ck_assert_str_eq(text_nearest("fac", fac, 3), "fac");
    char longer[300];
    memset(longer, 'm', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ck_assert_ptr_null(text_nearest(longer, backends, 5));
}
END_TEST

START_TEST(choices)
{
    static const char *const backends[] = {"seq", "procpool", "openmp"};
    struct text t = TEXT_INIT;
    text_addf(&t, "'opnemp' is no backend");
    text_add_choices(&t, "opnemp", backends, 3);
    ck_assert_str_eq(t.text, "'opnemp' is no backend; allowed: seq, procpool, openmp; did you mean"
                             " 'openmp'?");
    text_clear(&t);
    text_add_choices(&t, "zzzz", backends, 3);
    ck_assert_str_eq(t.text, "; allowed: seq, procpool, openmp");
    text_release(&t);
}
END_TEST

START_TEST(words_of_a_list)
{
    size_t n = 0;
    char **w = text_words(" a, b c ,,d,", ",", &n);
    ck_assert_uint_eq(n, 5);
    ck_assert_str_eq(w[0], "a");
    ck_assert_str_eq(w[1], "b c");
    ck_assert_str_eq(w[2], "");
    ck_assert_str_eq(w[3], "d");
    ck_assert_str_eq(w[4], "");
    ck_assert_ptr_null(w[5]);
    text_words_free(w);
    w = text_words("", ",", &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(w[0], "");
    text_words_free(w);
    w = text_words("a;b c", "; ", &n);
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(w[2], "c");
    text_words_free(w);
}
END_TEST

START_TEST(growing_text)
{
    struct text t = TEXT_INIT;
    text_clear(&t);
    ck_assert_ptr_null(t.text);
    text_add(&t, "", 0);
    ck_assert_str_eq(t.text, "");
    for (int i = 0; i < 1000; i++)
        text_addf(&t, "%03d,", i);
    ck_assert_uint_eq(t.length, 4000);
    ck_assert_uint_eq(strlen(t.text), 4000);
    ck_assert_mem_eq(t.text + 3996, "999,", 5);
    text_clear(&t);
    ck_assert_str_eq(t.text, "");
    text_add(&t, "abcdef", 3);
    ck_assert_str_eq(t.text, "abc");
    text_release(&t);
    ck_assert_ptr_null(t.text);
    char small[4];
    ck_assert(text_copy(small, sizeof small, "abc"));
    ck_assert(!text_copy(small, sizeof small, "abcd"));
    ck_assert_str_eq(small, "abc");
    char spaced[] = " \t a b\n", blank[] = "  \n";
    ck_assert_str_eq(text_trim(spaced), "a b");
    ck_assert_str_eq(text_trim(blank), "");
}
END_TEST

/* ---- rng ---- */

START_TEST(rng_gives_the_published_numbers)
{
    /* splitmix64 from seed 1234567, and xoshiro256** from the state 1, 2, 3, 4. */
    static const uint64_t split[] = {6457827717110365317u, 3203168211198807973u,
                                     9817491932198370423u, 4593380528125082431u};
    struct rng rng;
    rng_seed(&rng, 1234567);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(rng.s[i], split[i]);
    static const uint64_t xoshiro[] = {11520, 0, 1509978240, 1215971899390074240u};
    rng = (struct rng){{1, 2, 3, 4}};
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(rng_next(&rng), xoshiro[i]);
}
END_TEST

START_TEST(rng_is_determined_by_its_seed)
{
    struct rng a, b, c;
    rng_seed(&a, 7);
    rng_seed(&b, 7);
    rng_seed(&c, 8);
    int differ = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = rng_next(&a);
        ck_assert_uint_eq(x, rng_next(&b));
        differ += x != rng_next(&c);
    }
    ck_assert_int_eq(differ, 1000);
    ck_assert_uint_eq(rng_mix(5), rng_mix(5));
    for (uint64_t i = 0; i < 1000; i++) {
        double x = rng_mix_unit(7, i);
        ck_assert_double_ge(x, 0);
        ck_assert_double_lt(x, 1);
        ck_assert_double_eq(x, rng_mix_unit(7, i));
    }
}
END_TEST

START_TEST(rng_below_is_in_range_and_even)
{
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000, UINT64_C(1) << 63, UINT64_MAX};
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
        for (int i = 0; i < 1000; i++)
            ck_assert_uint_lt(rng_below(&rng, bounds[b]), bounds[b]);
    int seen[6] = {0};
    for (int i = 0; i < 60000; i++)
        seen[rng_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        ck_assert_msg(abs(seen[i] - 10000) < 400, "%d came %d times in 60000", i, seen[i]);
}
END_TEST

START_TEST(rng_shuffles)
{
    enum { N = 100 };
    size_t items[N], again[N];
    struct rng rng;
    rng_seed(&rng, 3);
    for (size_t i = 0; i < N; i++)
        items[i] = again[i] = i;
    rng_shuffle(&rng, items, N);
    bool seen[N] = {false};
    size_t moved = 0;
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_lt(items[i], N);
        ck_assert(!seen[items[i]]);
        seen[items[i]] = true;
        moved += items[i] != i;
    }
    ck_assert_uint_gt(moved, N / 2);
    rng_seed(&rng, 3);
    rng_shuffle(&rng, again, N);
    ck_assert_mem_eq(items, again, sizeof items);
    rng_shuffle(&rng, items, 0);
    rng_shuffle(&rng, items, 1);
    ck_assert_mem_eq(items, again, sizeof items);
    /* Each of the six orders of three comes about equally often. */
    int orders[27] = {0};
    for (int i = 0; i < 60000; i++) {
        size_t three[] = {0, 1, 2};
        rng_shuffle(&rng, three, 3);
        orders[three[0] * 9 + three[1] * 3 + three[2]]++;
    }
    for (int i = 0; i < 27; i++)
        ck_assert(orders[i] == 0 || abs(orders[i] - 10000) < 400);
}
END_TEST

/* ---- child ----
 *
 * Limits here are for hangs alone: far longer than anything takes, and shorter than the test's. */
enum { LONG_MS = 20000, SHORT_MS = 20 };

static void start(struct child *child, char *const argv[])
{
    struct err err = {""};
    int status = child_start(child, argv, NULL, SIGKILL, &err);
    ck_assert_msg(status == 0, "%s", err.text);
    ck_assert_str_eq(err.text, "");
    ck_assert_int_gt(child->pid, 0);
    ck_assert(!child->reaped);
}

#define START(child, ...) start(child, (char *[]){__VA_ARGS__, NULL})
#define START_SHELL(child, script) START(child, "sh", "-c", script)

static void check_ended(struct child *child, const char *status)
{
    char shown[64];
    ck_assert_int_eq(child->pid, 0);
    ck_assert(child->reaped);
    ck_assert_str_eq(child_describe_status(child->status, shown, sizeof shown), status);
    child_release(child);
    ck_assert_int_eq(child->to, -1);
    ck_assert_int_eq(child->from, -1);
    ck_assert_int_eq(child->errors, -1);
}

/* Reads one line, without its end. */
static char *read_line(int fd)
{
    static char line[256];
    size_t n = 0;
    while (n + 1 < sizeof line && read(fd, line + n, 1) == 1 && line[n] != '\n')
        n++;
    line[n] = '\0';
    return line;
}

static int count_descriptors(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

/* A pipe whose write end every process started from now on holds as long as it lives. */
static void life_line_init(int ends[2])
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
}

/* Checks that all who held the line are gone, or soon will be. */
static void life_line_check(int ends[2])
{
    close(ends[1]);
    struct pollfd line = {ends[0], POLLIN, 0};
    ck_assert_msg(poll(&line, 1, LONG_MS) == 1, "a process is still there");
    char byte;
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

START_TEST(child_echoes)
{
    struct child child;
    START(&child, "cat");
    ck_assert_int_eq(getpgid(child.pid), child.pid);
    ck_assert(!child_poll(&child));
    ck_assert(!child_wait(&child, 1));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(write(child.to, "hello\n", 6), 6);
        ck_assert_str_eq(read_line(child.from), "hello");
    }
    child_end(&child, LONG_MS);
    ck_assert_int_eq(child.to, -1);
    check_ended(&child, "exit status 0");
    child_end(&child, LONG_MS); /* nothing left to do */
    ck_assert(child_poll(&child));
}
END_TEST

START_TEST(child_tells_its_status)
{
    struct child child;
    START_SHELL(&child, "exit 3");
    ck_assert(child_wait(&child, LONG_MS));
    check_ended(&child, "exit status 3");
    START_SHELL(&child, "kill -SEGV $$");
    ck_assert(child_wait(&child, LONG_MS));
    check_ended(&child, "signal 11 (SIGSEGV)");
    START(&child, "true");
    while (!child_poll(&child))
        clock_sleep_ns(1000000);
    check_ended(&child, "exit status 0");
    char shown[32];
    ck_assert_str_eq(child_describe_status(-1, shown, sizeof shown), "unknown status");
}
END_TEST

START_TEST(child_that_does_not_exist)
{
    static const struct {
        char *program;
        const char *sentence;
    } missing[] = {
        {"no-such-program", "cannot start 'no-such-program': there is no such program in PATH"},
        {"./no-such-program", "cannot start './no-such-program': No such file or directory"},
        {"/", "cannot start '/': Permission denied"},
    };
    int before = count_descriptors();
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        struct child child;
        struct err err = {""};
        char *const argv[] = {missing[i].program, NULL};
        ck_assert_int_eq(child_start(&child, argv, NULL, SIGKILL, &err), -1);
        ck_assert_str_eq(err.text, missing[i].sentence);
        ck_assert_int_eq(child.pid, 0);
        ck_assert_int_eq(child.to, -1);
        child_end(&child, LONG_MS);
        child_release(&child);
        ck_assert_int_eq(child_start(&child, argv, NULL, SIGKILL, NULL), -1);
    }
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(child_says_last_words)
{
    struct child child = CHILD_INIT;
    char words[256], tight[7], one[1];
    ck_assert_str_eq(child_last_words(&child, words, sizeof words), "");
    START_SHELL(&child, "echo one >&2; echo ready; read go; echo two >&2; sh -c 'echo three >&2'");
    ck_assert_str_eq(read_line(child.from), "ready");
    ck_assert_str_eq(child_last_words(&child, words, sizeof words), "one");
    ck_assert_int_eq(write(child.to, "go\n", 3), 3);
    ck_assert(child_wait(&child, LONG_MS));
    ck_assert_str_eq(child_last_words(&child, words, sizeof words), "one\ntwo\nthree");
    /* Cut off before whole lines. */
    ck_assert_str_eq(child_last_words(&child, words, 12), "two\nthree");
    ck_assert_str_eq(child_last_words(&child, words, 10), "three");
    ck_assert_str_eq(child_last_words(&child, tight, sizeof tight), "three");
    ck_assert_str_eq(child_last_words(&child, one, sizeof one), "");
    check_ended(&child, "exit status 0");
    /* A process that moves the position leaves no hole and overwrites nothing. */
    START_SHELL(&child, "echo a >&2; echo b | dd bs=1 seek=9 conv=notrunc >&2 2>/dev/null");
    ck_assert(child_wait(&child, LONG_MS));
    ck_assert_str_eq(child_last_words(&child, words, sizeof words), "a\nb");
    check_ended(&child, "exit status 0");
    START_SHELL(&child, "printf 'µµµµ' >&2");
    ck_assert(child_wait(&child, LONG_MS));
    ck_assert_str_eq(child_last_words(&child, words, 6), "µµ"); /* not half a character */
    check_ended(&child, "exit status 0");
    START_SHELL(&child, "printf '\\n a\\0b \\n\\n' >&2");
    ck_assert(child_wait(&child, LONG_MS));
    ck_assert_str_eq(child_last_words(&child, words, sizeof words), "a b");
    check_ended(&child, "exit status 0");
}
END_TEST

START_TEST(child_gets_its_environment)
{
    setenv("POOLMARK_TEST_OLD", "old", 1);
    setenv("POOLMARK_TEST_KEPT", "kept", 1);
    setenv("POOLMARK_TEST", "a name that begins alike", 1);
    char *const argv[] = {"sh", "-c", "env | grep ^POOLMARK_TEST_ | sort | tr '\\n' ' '", NULL};
    char *const extra[] = {"POOLMARK_TEST_OLD=first", "POOLMARK_TEST_NEW=a=b",
                           "POOLMARK_TEST_OLD=new", NULL};
    struct child child;
    ck_assert_int_eq(child_start(&child, argv, extra, SIGKILL, NULL), 0);
    ck_assert_str_eq(read_line(child.from),
                     "POOLMARK_TEST_KEPT=kept POOLMARK_TEST_NEW=a=b POOLMARK_TEST_OLD=new ");
    child_end(&child, LONG_MS);
    check_ended(&child, "exit status 0");
    ck_assert_str_eq(getenv("POOLMARK_TEST_OLD"), "old");
}
END_TEST

static void ignore_it(int number)
{
    (void)number;
}

START_TEST(child_starts_with_usual_signals)
{
    struct sigaction handled = {.sa_handler = ignore_it}, ignored = {.sa_handler = SIG_IGN}, now;
    sigaction(SIGTERM, &handled, NULL);
    sigaction(SIGINT, &ignored, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    sigset_t blocked, after;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    struct child child;
    START(&child, "grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status");
    unsigned long long block, ignore, catch;
    ck_assert_int_eq(sscanf(read_line(child.from), "SigBlk: %llx", &block), 1);
    ck_assert_int_eq(sscanf(read_line(child.from), "SigIgn: %llx", &ignore), 1);
    ck_assert_int_eq(sscanf(read_line(child.from), "SigCgt: %llx", &catch), 1);
    ck_assert_uint_eq(block, 0);
    ck_assert_uint_eq(ignore & (1u << (SIGINT - 1) | 1u << (SIGPIPE - 1)), 0);
    ck_assert_uint_eq(catch & (1u << (SIGTERM - 1)), 0);
    child_end(&child, LONG_MS);
    check_ended(&child, "exit status 0");
    /* Nothing changed on this side. */
    sigprocmask(SIG_SETMASK, NULL, &after);
    ck_assert(sigismember(&after, SIGUSR1) && sigismember(&after, SIGTERM));
    ck_assert(!sigismember(&after, SIGUSR2));
    sigaction(SIGPIPE, NULL, &now);
    ck_assert(now.sa_handler == SIG_IGN);
}
END_TEST

START_TEST(child_ends_by_degrees)
{
    struct child child;
    START(&child, "cat"); /* ends with its input */
    child_end(&child, LONG_MS);
    check_ended(&child, "exit status 0");
    START(&child, "sleep", "1000"); /* does not read, but heeds SIGTERM */
    child_end(&child, SHORT_MS);
    check_ended(&child, "signal 15 (SIGTERM)");
    START_SHELL(&child, "trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done");
    read_line(child.from);
    child_end(&child, 500);
    check_ended(&child, "exit status 4");
    START_SHELL(&child, "trap '' TERM; echo ready; while :; do sleep 1000; done");
    read_line(child.from);
    child_end(&child, SHORT_MS); /* ignores SIGTERM */
    check_ended(&child, "signal 9 (SIGKILL)");
    START_SHELL(&child, "echo ready; kill -STOP $$");
    read_line(child.from);
    child_end(&child, SHORT_MS); /* stopped: SIGTERM waits, SIGKILL does not */
    check_ended(&child, "signal 9 (SIGKILL)");
}
END_TEST

START_TEST(grandchildren_are_ended_too)
{
    int line[2];
    struct child child;
    life_line_init(line);
    START_SHELL(&child, "trap '' TERM; sleep 1000 & sh -c 'sleep 1000 & wait' & echo ready; wait");
    read_line(child.from);
    child_end(&child, SHORT_MS);
    check_ended(&child, "signal 9 (SIGKILL)");
    life_line_check(line);
    /* Those that outlive a leader which ended by itself. */
    life_line_init(line);
    START_SHELL(&child, "trap '' TERM; sleep 1000 & exit 5");
    ck_assert(child_wait(&child, LONG_MS));
    check_ended(&child, "exit status 5");
    life_line_check(line);
}
END_TEST

START_TEST(child_dies_with_its_parent)
{
    int line[2], told[2];
    life_line_init(line);
    ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct child child;
        char *const argv[] = {"sleep", "1000", NULL};
        int status = child_start(&child, argv, NULL, SIGKILL, NULL);
        if (write(told[1], status == 0 ? "y" : "n", 1) != 1)
            _exit(1);
        pause();
        _exit(1);
    }
    char answer = 0;
    ck_assert_int_eq(read(told[0], &answer, 1), 1);
    ck_assert_int_eq(answer, 'y');
    kill(parent, SIGKILL);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    life_line_check(line);
    close(told[0]);
    close(told[1]);
}
END_TEST

START_TEST(children_do_not_hold_each_others_pipes)
{
    struct child first, second, third;
    START(&first, "cat");
    START(&second, "cat");
    START(&third, "cat");
    child_end(&first, LONG_MS); /* would not see the end of its input if another held it */
    check_ended(&first, "exit status 0");
    child_end(&third, LONG_MS);
    check_ended(&third, "exit status 0");
    ck_assert(!child_poll(&second));
    child_end(&second, LONG_MS);
    check_ended(&second, "exit status 0");
}
END_TEST

START_TEST(no_descriptor_is_leaked)
{
    int before = count_descriptors(), inherited = 0;
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        inherited += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    for (int i = 0; i < 5; i++) {
        struct child child;
        char folder[64];
        START(&child, "cat");
        ck_assert_int_eq(count_descriptors(), before + 3);
        /* Once it answers, its loader has closed what it opened. */
        ck_assert_int_eq(write(child.to, "hello\n", 6), 6);
        ck_assert_str_eq(read_line(child.from), "hello");
        snprintf(folder, sizeof folder, "/proc/%d/fd", (int)child.pid);
        DIR *theirs = opendir(folder);
        ck_assert_ptr_nonnull(theirs);
        int n = 0;
        for (struct dirent *entry; (entry = readdir(theirs));)
            n += entry->d_name[0] != '.';
        closedir(theirs);
        ck_assert_int_eq(n, inherited + 3);
        child_end(&child, LONG_MS);
        child_release(&child);
        ck_assert_int_eq(count_descriptors(), before);
    }
    char buffer[16];
    char *const quick[] = {"echo", "hello", NULL}, *const slow[] = {"sleep", "1000", NULL};
    char *const missing[] = {"no-such-program", NULL};
    ck_assert_int_eq(child_capture(quick, LONG_MS, buffer, sizeof buffer), 0);
    ck_assert_int_eq(child_capture(slow, SHORT_MS, buffer, sizeof buffer), -1);
    ck_assert_int_eq(child_capture(missing, LONG_MS, buffer, sizeof buffer), -1);
    ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(child_starts_without_standard_streams)
{
    int saved[3];
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        close(fd);
    }
    struct child child;
    char *const argv[] = {"sh", "-c", "read x; echo \"$x\"; echo oops >&2", NULL};
    char line[16] = "", words[16] = "";
    int started = child_start(&child, argv, NULL, SIGKILL, NULL), sent = 0, lowest = 0;
    if (started == 0) {
        lowest = child.to < child.from ? child.to : child.from;
        sent = (int)write(child.to, "hello\n", 6);
        text_copy(line, sizeof line, read_line(child.from));
        child_end(&child, LONG_MS);
        child_last_words(&child, words, sizeof words);
    }
    for (int fd = 0; fd < 3; fd++)
        if (saved[fd] >= 0)
            dup2(saved[fd], fd);
    ck_assert_int_eq(started, 0);
    ck_assert_int_gt(lowest, 2);
    ck_assert_int_eq(sent, 6);
    ck_assert_str_eq(line, "hello");
    ck_assert_str_eq(words, "oops");
    check_ended(&child, "exit status 0");
}
END_TEST

START_TEST(capture)
{
    char buffer[64], tight[4];
    char *const echo[] = {"echo", "hello", NULL};
    ck_assert_int_eq(child_capture(echo, LONG_MS, buffer, sizeof buffer), 0);
    ck_assert_str_eq(buffer, "hello\n");
    ck_assert_int_eq(child_capture(echo, LONG_MS, tight, sizeof tight), 0);
    ck_assert_str_eq(tight, "hel");
    ck_assert_int_eq(child_capture(echo, LONG_MS, NULL, 0), 0);
    char *const fails[] = {"sh", "-c", "echo first; exec >&-; exit 3", NULL};
    int status = child_capture(fails, LONG_MS, buffer, sizeof buffer);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 3);
    ck_assert_str_eq(buffer, "first\n");
    char *const silent[] = {"true", NULL};
    ck_assert_int_eq(child_capture(silent, LONG_MS, buffer, sizeof buffer), 0);
    ck_assert_str_eq(buffer, "");
    /* More than a pipe holds, and its input is empty rather than ours. */
    char *const floods[] = {"sh", "-c", "cat; head -c 1000000 /dev/zero | tr '\\0' x", NULL};
    ck_assert_int_eq(child_capture(floods, LONG_MS, buffer, sizeof buffer), 0);
    ck_assert_uint_eq(strlen(buffer), sizeof buffer - 1);
    char *const missing[] = {"no-such-program", NULL};
    ck_assert_int_eq(child_capture(missing, LONG_MS, buffer, sizeof buffer), -1);
    ck_assert_str_eq(buffer, "");
}
END_TEST

START_TEST(capture_times_out)
{
    char buffer[64];
    int line[2];
    life_line_init(line);
    char *const sleeps[] = {"sh", "-c", "echo first; sleep 1000", NULL};
    ck_assert_int_eq(child_capture(sleeps, 500, buffer, sizeof buffer), -1);
    ck_assert_str_eq(buffer, "first\n");
    char *const closes[] = {"sh", "-c", "exec >&-; trap '' TERM; sleep 1000", NULL};
    ck_assert_int_eq(child_capture(closes, SHORT_MS, buffer, sizeof buffer), -1);
    char *const endless[] = {"yes", NULL};
    ck_assert_int_eq(child_capture(endless, SHORT_MS, buffer, sizeof buffer), -1);
    char *const quick[] = {"sleep", "1000", NULL};
    ck_assert_int_eq(child_capture(quick, 0, buffer, sizeof buffer), -1);
    ck_assert_int_eq(child_capture(quick, -5, buffer, sizeof buffer), -1);
    life_line_check(line);
}
END_TEST

START_TEST(capture_does_not_wait_for_strays)
{
    /* A process that left the group keeps the output open. */
    char buffer[64];
    char *const strays[] = {"sh", "-c", "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.2",
                            NULL};
    int status = child_capture(strays, LONG_MS, buffer, sizeof buffer);
    int stray = atoi(buffer);
    if (stray > 0)
        kill(stray, SIGKILL);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(child_stands_interruptions)
{
    struct sigaction handled = {.sa_handler = ignore_it}; /* without SA_RESTART */
    sigaction(SIGALRM, &handled, NULL);
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    char buffer[64], words[16];
    for (int i = 0; i < 10; i++) {
        struct child child;
        START_SHELL(&child, "sleep 0.01; echo oops >&2; exit 3");
        ck_assert(child_wait(&child, LONG_MS));
        ck_assert_str_eq(child_last_words(&child, words, sizeof words), "oops");
        check_ended(&child, "exit status 3");
        START(&child, "sleep", "1000");
        child_end(&child, 1);
        check_ended(&child, "signal 15 (SIGTERM)");
        char *const echo[] = {"sh", "-c", "sleep 0.01; echo hello", NULL};
        ck_assert_int_eq(child_capture(echo, LONG_MS, buffer, sizeof buffer), 0);
        ck_assert_str_eq(buffer, "hello\n");
        char *const missing[] = {"no-such-program", NULL};
        ck_assert_int_eq(child_capture(missing, LONG_MS, buffer, sizeof buffer), -1);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}
END_TEST

START_TEST(child_whose_status_nobody_can_know)
{
    signal(SIGCHLD, SIG_IGN); /* inherited from a careless starter: the kernel keeps no status */
    struct child child;
    START_SHELL(&child, "exit 3");
    ck_assert(child_wait(&child, LONG_MS));
    check_ended(&child, "unknown status");
    START(&child, "sleep", "1000");
    child_end(&child, SHORT_MS);
    check_ended(&child, "unknown status");
}
END_TEST

UNIT_MAIN("base", err_sentences, err_is_cut_not_overrun, counts, counts_that_are_none, durations,
          reals_and_bools, lists, lists_that_are_none, formatted_times, nearest_names, choices,
          words_of_a_list, growing_text, rng_gives_the_published_numbers,
          rng_is_determined_by_its_seed, rng_below_is_in_range_and_even, rng_shuffles, child_echoes,
          child_tells_its_status, child_that_does_not_exist, child_says_last_words,
          child_gets_its_environment, child_starts_with_usual_signals, child_ends_by_degrees,
          grandchildren_are_ended_too, child_dies_with_its_parent,
          children_do_not_hold_each_others_pipes, no_descriptor_is_leaked,
          child_starts_without_standard_streams, capture, capture_times_out,
          capture_does_not_wait_for_strays, child_stands_interruptions,
          child_whose_status_nobody_can_know)
