/* Options: the command line, INI files, what counts where, and experiments made of them. */
#include "unit.h"

#include "run/experiment.h"
#include "run/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- helpers -------------------------------------------------------------------------------- */

/* Each test is a process of its own, so its pid names its files. */
static char file_path[2][64];

static const char *write_file(int number, const char *bytes, size_t n)
{
    snprintf(file_path[number], sizeof file_path[number], "/tmp/poolmark-options-%d-%d.ini",
             (int)getpid(), number);
    FILE *file = fopen(file_path[number], "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
    return file_path[number];
}

static const char *write_ini(const char *text)
{
    return write_file(0, text, strlen(text));
}

static void remove_files(void)
{
    for (int i = 0; i < 2; i++)
        if (*file_path[i])
            unlink(file_path[i]);
}

static int read_arguments(struct configuration *c, struct err *err, int argc, ...)
{
    char *argv[16];
    va_list args;
    va_start(args, argc);
    for (int i = 0; i < argc; i++)
        argv[i] = va_arg(args, char *);
    va_end(args);
    configuration_init(c);
    int status = configuration_read(c, argc, argv, err);
    remove_files();
    return status;
}

/* Counts its arguments after `err`. */
#define COUNT_OF(...) (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))
#define read_all(c, err, ...) read_arguments(c, err, COUNT_OF(__VA_ARGS__), __VA_ARGS__)

static struct configuration read_ini(const char *text)
{
    struct configuration c;
    struct err err = {""};
    ck_assert_msg(read_all(&c, &err, write_ini(text)) == 0, "%s", err.text);
    return c;
}

/* Asserts that the text is refused with a sentence that begins with the file and `rest` and holds
 * the words. */
static void assert_refused_bytes(const char *text, size_t n, const char *rest, const char *word)
{
    struct configuration c;
    struct err err = {""};
    char begin[128];
    ck_assert_int_eq(read_all(&c, &err, write_file(0, text, n)), -1);
    snprintf(begin, sizeof begin, "%s%s", file_path[0], rest);
    ck_assert_msg(strncmp(err.text, begin, strlen(begin)) == 0, "'%s' does not begin with '%s'",
                  err.text, begin);
    ck_assert_msg(strstr(err.text, word) != NULL, "'%s' lacks '%s'", err.text, word);
    configuration_release(&c);
}

static void assert_refused(const char *text, const char *rest, const char *word)
{
    assert_refused_bytes(text, strlen(text), rest, word);
}

static const char *get(const struct configuration *c, size_t section, enum option_id id)
{
    return configuration_get(c, section < c->n ? &c->sections[section] : NULL, id, NULL);
}

/* --- the table ------------------------------------------------------------------------------ */

START_TEST(every_option_has_a_name_of_its_own_and_a_help)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        ck_assert_uint_gt(strlen(option_table[i].name), 0);
        ck_assert_uint_gt(strlen(option_table[i].help), 0);
        ck_assert_ptr_nonnull(option_table[i].fallback);
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(option_table[i].name, option_table[k].name);
    }
}
END_TEST

/* --- what counts ---------------------------------------------------------------------------- */

START_TEST(command_over_section_over_defaults_over_fallback)
{
    struct configuration c;
    struct err err = {""};
    const char *path = write_ini("[defaults]\ntasks = 1\nchunks = 1\nreps = 1\n"
                                 "[a]\nchunks = 2\nreps = 2\n[b]\n");
    ck_assert_int_eq(read_all(&c, &err, "--reps", "3", path), 0);
    ck_assert_uint_eq(c.n, 2);
    ck_assert_str_eq(get(&c, 0, OPTION_REPS), "3");
    ck_assert_str_eq(get(&c, 1, OPTION_REPS), "3");
    ck_assert_str_eq(get(&c, 0, OPTION_CHUNKS), "2");
    ck_assert_str_eq(get(&c, 1, OPTION_CHUNKS), "1");
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "1");
    ck_assert_str_eq(get(&c, 0, OPTION_LAUNCHES), option_table[OPTION_LAUNCHES].fallback);
    ck_assert(configuration_has(&c, &c.sections[0], OPTION_TASKS));
    ck_assert(!configuration_has(&c, &c.sections[0], OPTION_LAUNCHES));
    configuration_release(&c);
}
END_TEST

START_TEST(an_option_before_or_behind_the_file_counts_alike)
{
    struct configuration c;
    struct err err = {""};
    ck_assert_int_eq(
        read_all(&c, &err, write_ini("[a]\ntasks = 1\n"), "--tasks=7", "--set", "reps=2"), 0);
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "7");
    ck_assert_str_eq(get(&c, 0, OPTION_REPS), "2");
    configuration_release(&c);
}
END_TEST

START_TEST(the_last_of_an_option_given_twice_counts)
{
    struct configuration c;
    struct err err = {""};
    ck_assert_int_eq(read_all(&c, &err, "--tasks", "1", "--tasks", "2", "--set", "tasks=3"), 0);
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "3");
    configuration_release(&c);
}
END_TEST

START_TEST(flags_need_no_value_and_take_one)
{
    struct configuration c;
    struct err err = {""};
    ck_assert_int_eq(read_all(&c, &err, "--fresh", "--trace=no"), 0);
    ck_assert_str_eq(get(&c, 0, OPTION_FRESH), "yes");
    ck_assert_str_eq(get(&c, 0, OPTION_TRACE), "no");
    configuration_release(&c);
}
END_TEST

START_TEST(a_flag_with_a_second_word_gets_a_hint)
{
    struct configuration c;
    struct err err = {""};
    ck_assert_int_eq(read_all(&c, &err, "--calibrate", "no"), -1);
    ck_assert_msg(strstr(err.text, "no cannot be read: ") && strstr(err.text, ": --calibrate=no"),
                  "%s", err.text);
    configuration_release(&c);
    ck_assert_int_eq(read_all(&c, &err, "--reps", "3", "no"), -1);
    ck_assert_ptr_null(strchr(err.text, '='));
    configuration_release(&c);
}
END_TEST

START_TEST(a_value_may_hold_an_equals_sign)
{
    struct configuration c;
    struct err err = {""};
    ck_assert_int_eq(read_all(&c, &err, "--workload=sleep time=1s", "--set", "cell=mock=x --y=z"),
                     0);
    ck_assert_str_eq(get(&c, 0, OPTION_WORKLOAD), "sleep time=1s");
    ck_assert_str_eq(get(&c, 0, OPTION_CELL), "mock=x --y=z");
    configuration_release(&c);
}
END_TEST

START_TEST(defaults_hold_for_their_own_file)
{
    struct configuration c;
    struct err err = {""};
    const char *one = write_ini("[defaults]\ntasks = 1\nseed = 5\n[a]\n");
    const char *two = write_file(1, "[b]\n", 4);
    ck_assert_int_eq(read_all(&c, &err, one, two), 0);
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "1");
    ck_assert_str_eq(get(&c, 1, OPTION_TASKS), option_table[OPTION_TASKS].fallback);
    /* What holds for the whole run is the run's. */
    ck_assert_str_eq(get(&c, SIZE_MAX, OPTION_SEED), "5");
    configuration_release(&c);
}
END_TEST

START_TEST(defaults_may_stand_behind_a_section)
{
    struct configuration c = read_ini("[a]\n[defaults]\ntasks = 9\n[b]\ntasks = 1\n");
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "9");
    ck_assert_str_eq(get(&c, 1, OPTION_TASKS), "1");
    configuration_release(&c);
}
END_TEST

/* --- places --------------------------------------------------------------------------------- */

START_TEST(places_name_file_line_and_key)
{
    struct configuration c;
    struct err err = {""};
    const char *path = write_ini("# first\n\n[defaults]\ntasks = 1\n\n[a]\nchunks = 2\n"), *place;
    char wanted[128];
    ck_assert_int_eq(read_all(&c, &err, path, "--reps", "3", "--set", "launches=2"), 0);
    snprintf(wanted, sizeof wanted, "%s:7: chunks", path);
    configuration_get(&c, &c.sections[0], OPTION_CHUNKS, &place);
    ck_assert_str_eq(place, wanted);
    snprintf(wanted, sizeof wanted, "%s:4: tasks", path);
    configuration_get(&c, &c.sections[0], OPTION_TASKS, &place);
    ck_assert_str_eq(place, wanted);
    snprintf(wanted, sizeof wanted, "%s:6", path);
    ck_assert_str_eq(c.sections[0].place, wanted);
    configuration_get(&c, &c.sections[0], OPTION_REPS, &place);
    ck_assert_str_eq(place, "--reps");
    configuration_get(&c, &c.sections[0], OPTION_LAUNCHES, &place);
    ck_assert_str_eq(place, "--set launches");
    configuration_get(&c, &c.sections[0], OPTION_SCALE, &place);
    ck_assert_ptr_nonnull(place);
    configuration_release(&c);
}
END_TEST

START_TEST(a_continued_value_keeps_its_first_place)
{
    struct configuration c;
    struct err err = {""};
    const char *path = write_ini("[a]\nclaim = one |\n    two |\n\ttwo and a half\ntasks = 1\n"),
               *place;
    char wanted[128];
    ck_assert_int_eq(read_all(&c, &err, path), 0);
    snprintf(wanted, sizeof wanted, "%s:2: claim", path);
    ck_assert_str_eq(configuration_get(&c, &c.sections[0], OPTION_CLAIM, &place),
                     "one | two | two and a half");
    ck_assert_str_eq(place, wanted);
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "1");
    configuration_release(&c);
}
END_TEST

START_TEST(a_continued_line_may_look_like_a_section_or_a_key)
{
    struct configuration c = read_ini("[a]\ntitle = one\n  [two]\n  three = 3\n");
    ck_assert_uint_eq(c.n, 1);
    ck_assert_str_eq(get(&c, 0, OPTION_TITLE), "one [two] three = 3");
    configuration_release(&c);
}
END_TEST

/* --- forms of files ------------------------------------------------------------------------- */

START_TEST(comments_blank_lines_and_colons)
{
    struct configuration c =
        read_ini("; one\n# two\n\n[a] \n  \ntasks : 3 ; three\nchunks=4\n  # five\n");
    ck_assert_uint_eq(c.n, 1);
    ck_assert_str_eq(c.sections[0].name, "a");
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "3");
    ck_assert_str_eq(get(&c, 0, OPTION_CHUNKS), "4");
    configuration_release(&c);
}
END_TEST

START_TEST(lines_of_windows_and_a_last_line_without_end)
{
    struct configuration c = read_ini("[a]\r\ntasks = 3\r\nchunks = 4");
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "3");
    ck_assert_str_eq(get(&c, 0, OPTION_CHUNKS), "4");
    configuration_release(&c);
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
    struct configuration c = read_ini("\xef\xbb\xbf[a]\ntasks = 3\n");
    ck_assert_str_eq(c.sections[0].name, "a");
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), "3");
    configuration_release(&c);
}
END_TEST

START_TEST(empty_sections_and_long_names_are_kept)
{
    /* inih alone would neither see an empty section nor keep more than 49 bytes of a name. */
    struct configuration c = read_ini(
        "[a]\n[b]\n[a-name-of-exactly-sixty-bytes-0123456789012345678901234567890]\ntasks = 1\n");
    ck_assert_uint_eq(c.n, 3);
    ck_assert_str_eq(c.sections[1].name, "b");
    ck_assert_str_eq(c.sections[2].name,
                     "a-name-of-exactly-sixty-bytes-0123456789012345678901234567890");
    ck_assert_str_eq(get(&c, 2, OPTION_TASKS), "1");
    ck_assert_str_eq(get(&c, 0, OPTION_TASKS), option_table[OPTION_TASKS].fallback);
    configuration_release(&c);
}
END_TEST

START_TEST(the_longest_line_is_read_whole)
{
    char text[400];
    for (int n = 150; n <= 190; n++) {
        snprintf(text, sizeof text, "[a]\ntitle = %0*d\n", n - 8, 7);
        struct configuration c = read_ini(text);
        ck_assert_uint_eq(strlen(get(&c, 0, OPTION_TITLE)), (size_t)n - 8);
        configuration_release(&c);
    }
    snprintf(text, sizeof text, "[a]\ntitle = %0200d\n", 7);
    assert_refused(text, ":2: ", "bytes");
}
END_TEST

/* --- what is refused ------------------------------------------------------------------------ */

START_TEST(files_that_are_wrong)
{
    assert_refused("[a]\nwrokers = 1\n", ":2: ", "did you mean 'workers'");
    assert_refused("[a]\nout = x\n", ":2: ", "'out'");
    assert_refused("[a]\nseed = 1\n", ":2: ", "[defaults]");
    assert_refused("tasks = 1\n", ":1: ", "'tasks'");
    assert_refused("[a]\ntasks = 1\ntasks = 2\n", ":3: ", "duplicate");
    assert_refused("[a]\n[b]\n[a]\n", ":3: ", "duplicate");
    assert_refused("[defaults]\n[a]\n[defaults]\n", ":3: ", "duplicate");
    assert_refused("[a\n", ":1: ", "bracket");
    assert_refused("[ ]\n", ":1: ", "name");
    assert_refused("[a]\njust words\n", ":2: ", "neither");
    assert_refused("", " ", "section");
    assert_refused("[defaults]\ntasks = 1\n", " ", "section");
    assert_refused_bytes("[a]\nti\0tle = x\n", 14, ":2: ", "0x00");
    assert_refused_bytes("\177ELF\2\1\1\0", 8, ":1: ", "0x02");
    assert_refused("[a]\ntitle = \033[31m\n", ":2: ", "0x1b");
}
END_TEST

START_TEST(only_the_first_mistake_is_told)
{
    assert_refused("[a]\nwrokers = 1\n[a]\nseed = 1\n", ":2: ", "'wrokers'");
}
END_TEST

START_TEST(command_lines_that_are_wrong)
{
    static const struct {
        const char *argument, *value, *words;
    } cases[] = {
        {"--taks", "1", "did you mean 'tasks'"},
        {"--tasks", NULL, "--tasks"},
        {"-t", NULL, "'-t'"},
        {"--set", "tasks", "KEY=VALUE"},
        {"--set", "=1", "KEY=VALUE"},
        {"--set", "quiet=yes", "'quiet'"},
        {"/no/such/file.ini", NULL, "/no/such/file.ini"},
        {"/tmp", NULL, "/tmp"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct configuration c;
        struct err err = {""};
        ck_assert_int_eq(
            read_arguments(&c, &err, cases[i].value ? 2 : 1, cases[i].argument, cases[i].value),
            -1);
        ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "'%s' lacks '%s'", err.text,
                      cases[i].words);
        configuration_release(&c);
    }
}
END_TEST

START_TEST(two_hyphens_end_the_options)
{
    struct configuration c;
    struct err err = {""};
    ck_assert_int_eq(read_all(&c, &err, "--", "--tasks"), -1);
    ck_assert_msg(strstr(err.text, "--tasks cannot be read") != NULL, "%s", err.text);
    configuration_release(&c);
}
END_TEST

/* --- experiments ---------------------------------------------------------------------------- */

static const struct topo_counts machine = {.packages = 1,
                                           .numa_nodes = 1,
                                           .cores = 4,
                                           .pus = 8,
                                           .affinity = 6,
                                           .usable = 6,
                                           .usable_cores = 3};

static int read_experiments(struct experiments *all, struct configuration *c, struct err *err,
                            const char *text)
{
    *c = read_ini(text);
    return experiments_read(all, c, &machine, err);
}

static struct experiments make_experiments(struct configuration *c, const char *text)
{
    struct experiments all;
    struct err err = {""};
    ck_assert_msg(read_experiments(&all, c, &err, text) == 0, "%s", err.text);
    return all;
}

static void assert_counts(const struct counts *counts, size_t n, const uint64_t *items)
{
    ck_assert_uint_eq(counts->n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(counts->items[i], items[i]);
}

START_TEST(usable_and_cores_stand_for_the_machine)
{
    struct configuration c;
    struct experiments all = make_experiments(&c, "[a]\nworkers = 1..usable\n[b]\nworkers = cores, "
                                                  "usable, 12\n[c]\n[d]\nworkers = 1..usable*2\n");
    assert_counts(&all.items[0].workers, 6, (const uint64_t[]){1, 2, 3, 4, 5, 6});
    assert_counts(&all.items[1].workers, 3, (const uint64_t[]){3, 6, 12});
    assert_counts(&all.items[2].workers, 1, (const uint64_t[]){6});
    /* Geometric, so 8 would be too much; the end counts only where it is hit. */
    assert_counts(&all.items[3].workers, 3, (const uint64_t[]){1, 2, 4});
    experiments_release(&all);
    configuration_release(&c);
}
END_TEST

START_TEST(auto_is_a_chunk_beside_numbers)
{
    struct configuration c;
    struct experiments all = make_experiments(
        &c, "[a]\nchunks = 4, auto, 1..64*8\n[b]\nchunks = auto\n[c]\nchunks = 5\n");
    assert_counts(&all.items[0].chunks, 5, (const uint64_t[]){0, 4, 1, 8, 64});
    assert_counts(&all.items[1].chunks, 1, (const uint64_t[]){0});
    assert_counts(&all.items[2].chunks, 1, (const uint64_t[]){5});
    experiments_release(&all);
    configuration_release(&c);
}
END_TEST

START_TEST(values_get_their_types)
{
    struct configuration c;
    struct experiments all =
        make_experiments(&c, "[a]\ntitle = what\nsource = 001:2\nclaim = S1 time 2s\nworkload = "
                             "sleep time=20ms | square\n"
                             "tasks = 10k, 0\nbackends = seq, openmp, hybrid\nschedules = static, "
                             "pool\ndispatch = auto\n"
                             "ranks = 1, 2\nbind = none | 0,2 | close\nlaunches = 2\nreps = "
                             "7\nprecision = 2.5\nscale = 0.1\n"
                             "fresh = yes\noversubscribe = on\ncell-timeout = 300ms\n"
                             "calibrate = no\n");
    const struct experiment *e = &all.items[0];
    ck_assert_str_eq(e->name, "a");
    ck_assert_str_eq(e->title, "what");
    ck_assert_uint_eq(e->n_claims, 1);
    ck_assert_uint_eq(e->n_workloads, 2);
    ck_assert_uint_eq(strncmp(e->workloads[0], "sleep time=20ms ", 16), 0);
    assert_counts(&e->tasks, 2, (const uint64_t[]){10000, 0});
    /* The base is always there and not listed. */
    ck_assert_uint_eq(e->n_backends, 2);
    ck_assert_str_eq(e->backends[0]->name, "openmp");
    ck_assert_uint_eq(e->n_schedules, 2);
    ck_assert_str_eq(e->schedules[1].rule->name, "pool");
    ck_assert_int_eq(e->ranks_choice, RANKS_LIST);
    assert_counts(&e->ranks, 2, (const uint64_t[]){1, 2});
    ck_assert_uint_eq(e->n_binds, 3);
    ck_assert_str_eq(e->binds[1], "0,2");
    ck_assert_uint_eq(e->launches, 2);
    ck_assert_uint_eq(e->reps, 7);
    ck_assert_double_eq(e->precision, 2.5);
    ck_assert_double_eq(e->scale, 0.1);
    ck_assert(e->fresh);
    ck_assert(e->oversubscribe);
    ck_assert(!e->calibrate);
    ck_assert_uint_eq(e->timeout_ns, 300000000);
    experiments_release(&all);
    configuration_release(&c);
}
END_TEST

START_TEST(backends_by_name_know_what_their_cells_call_them)
{
    static const char *const names[][2] = {
        {"openmp", "openmp"}, {"openmp:gomp", "openmp"}, {"openmp:llvm", "openmp"}, {"mpi", "mpi"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct err err = {""};
        struct backend_kind *kind = backend_kind_find(names[i][0], "", &err);
        ck_assert_msg(kind != NULL, "%s", err.text);
        ck_assert_str_eq(kind->name, names[i][0]);
        ck_assert_str_eq(backend_cell_name(kind), names[i][1]);
        backend_kind_free(kind);
    }
    struct err err = {""};
    struct backend_kind *own = backend_kind_find("mine", "mine=./mine --fast", &err);
    ck_assert_str_eq(backend_cell_name(own), "mine");
    backend_kind_free(own);
    ck_assert_ptr_null(backend_kind_find("openmp:gcc", "", &err));
}
END_TEST

START_TEST(without_a_file_there_is_one_experiment)
{
    struct configuration c;
    struct experiments all;
    struct err err = {""};
    ck_assert_int_eq(read_all(&c, &err, "--tasks", "5"), 0);
    ck_assert_int_eq(experiments_read(&all, &c, &machine, &err), 0);
    ck_assert_uint_eq(all.n, 1);
    ck_assert_str_eq(all.items[0].name, "command-line");
    assert_counts(&all.items[0].tasks, 1, (const uint64_t[]){5});
    experiments_release(&all);
    configuration_release(&c);
}
END_TEST

START_TEST(a_cell_of_ones_own_is_a_backend)
{
    struct configuration c;
    struct experiments all = make_experiments(
        &c, "[a]\ncell = mock=./mock --x | peer=python3 peer.py\nbackends = peer, openmp, mock\n");
    ck_assert_uint_eq(all.items[0].n_backends, 3);
    ck_assert_str_eq(all.items[0].backends[0]->command, "python3 peer.py");
    ck_assert_ptr_null(all.items[0].backends[1]->command);
    ck_assert_str_eq(all.items[0].backends[2]->command, "./mock --x");
    experiments_release(&all);
    configuration_release(&c);
}
END_TEST

START_TEST(wrong_values_are_told_with_their_place)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"workers = 0", ":3: workers: 0 is below 1"},
        {"workers = 4097", ":3: workers: 4097 is above 4096"},
        {"workers = 1,,2", ":3: workers: "},
        {"workers =", ":3: workers: "},
        {"tasks = abc", ":3: tasks: 'abc'"},
        {"chunks = 0", ":3: chunks: "},
        {"chunks = auto,", ":3: chunks: "},
        {"backends = opnemp", ":3: backends: unknown backend 'opnemp'"},
        {"backends = mpi, mpi", ":3: backends: 'mpi' is named twice"},
        {"schedules = dynmic", ":3: schedules: "},
        {"dispatch = tiket", ":3: dispatch: "},
        {"workload = slep", ":3: workload: "},
        {"bind = 0,,1", ":3: bind: "},
        {"ranks = 0", ":3: ranks: 0 is below 1"},
        {"ranks = all,2", "numbers from 1 to 4096, or one word alone, auto or all"},
        {"reps = 1,2", ":3: reps: "},
        {"scale = -1", ":3: scale: "},
        {"precision = 101", ":3: precision: "},
        {"fresh = maybe", ":3: fresh: 'maybe'"},
        {"claim = S1 tiem 1s", ":3: claim: "},
        {"cell = mpi=x", ":3: cell: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct configuration c;
        struct experiments all;
        struct err err = {""};
        char text[128];
        snprintf(text, sizeof text, "\n[a]\n%s\n", cases[i].line);
        ck_assert_msg(read_experiments(&all, &c, &err, text) == -1, "%s", cases[i].line);
        ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "'%s' lacks '%s'", err.text,
                      cases[i].words);
        configuration_release(&c);
    }
}
END_TEST

START_TEST(wrong_values_of_a_continued_line_too)
{
    struct configuration c;
    struct experiments all;
    struct err err = {""};
    ck_assert_int_eq(read_experiments(&all, &c, &err, "[a]\nworkers = 1,\n   2,\n   0\n"), -1);
    ck_assert_msg(strstr(err.text, ":2: workers: 0 is below 1") != NULL, "%s", err.text);
    configuration_release(&c);
}
END_TEST

START_TEST(only_picks_names_claims_and_patterns)
{
    static const struct {
        const char *only, *names;
    } cases[] = {
        {"two", "two "},        {"t*", "two three "},
        {"S1", "one "},         {"S[13],two", "one two three "},
        {"", "one two three "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct configuration c;
        struct experiments all;
        struct err err = {""};
        char names[64] = "";
        const char *path =
            write_ini("[one]\nclaim = S1 time 1s\n[two]\n[three]\nclaim = S3 time 1s\n");
        ck_assert_int_eq(read_all(&c, &err, path, "--only", cases[i].only), 0);
        ck_assert_int_eq(experiments_read(&all, &c, &machine, &err), 0);
        for (size_t k = 0; k < all.n; k++)
            strcat(strcat(names, all.items[k].name), " ");
        ck_assert_str_eq(names, cases[i].names);
        experiments_release(&all);
        configuration_release(&c);
    }
}
END_TEST

START_TEST(options_of_the_run)
{
    struct configuration c;
    struct run_options options;
    struct err err = {""};
    ck_assert_int_eq(read_all(&c, &err,
                              write_ini("[defaults]\nseed = 7\nmax-seconds = 2min\n[a]\n"),
                              "--max-cells", "3", "--format", "json", "--quiet"),
                     0);
    ck_assert_int_eq(run_options_read(&options, &c, &err), 0);
    ck_assert_uint_eq(options.seed, 7);
    ck_assert_uint_eq(options.max_seconds_ns, UINT64_C(120000000000));
    ck_assert_uint_eq(options.max_cells, 3);
    ck_assert_int_eq(options.format, FORMAT_JSON);
    ck_assert(options.quiet);
    ck_assert(!options.trace);
    configuration_release(&c);
}
END_TEST

UNIT_MAIN("options", every_option_has_a_name_of_its_own_and_a_help,
          command_over_section_over_defaults_over_fallback,
          an_option_before_or_behind_the_file_counts_alike,
          the_last_of_an_option_given_twice_counts, flags_need_no_value_and_take_one,
          a_flag_with_a_second_word_gets_a_hint, a_value_may_hold_an_equals_sign,
          defaults_hold_for_their_own_file, defaults_may_stand_behind_a_section,
          places_name_file_line_and_key, a_continued_value_keeps_its_first_place,
          a_continued_line_may_look_like_a_section_or_a_key, comments_blank_lines_and_colons,
          lines_of_windows_and_a_last_line_without_end, a_byte_order_mark_is_passed_over,
          empty_sections_and_long_names_are_kept, the_longest_line_is_read_whole,
          files_that_are_wrong, only_the_first_mistake_is_told, command_lines_that_are_wrong,
          two_hyphens_end_the_options, usable_and_cores_stand_for_the_machine,
          auto_is_a_chunk_beside_numbers, values_get_their_types,
          backends_by_name_know_what_their_cells_call_them, without_a_file_there_is_one_experiment,
          a_cell_of_ones_own_is_a_backend, wrong_values_are_told_with_their_place,
          wrong_values_of_a_continued_line_too, only_picks_names_claims_and_patterns,
          options_of_the_run)
