/* Dispatches: what carries what, which of a backend's is chosen, and what is said when none fits.
 */
#include "unit.h"

#include "sched/dispatch.h"

#include <string.h>

static struct err err;

static const char *const backends[] = {"seq", "procpool", "openmp", "mpi", "hybrid"};

enum { N_BACKENDS = sizeof backends / sizeof *backends };

static const char *choose(const char *backend, const char *asked, enum sched_kind kind)
{
    err.text[0] = '\0';
    const char *way = dispatch_choose(backend, asked, sched_rule_of(kind), &err);
    ck_assert_int_eq(way == NULL, err.text[0] != '\0');
    return way ? way : "";
}

START_TEST(each_name_of_a_backend_is_in_the_table)
{
    for (const char *const *name = dispatch_names(backends[_i]); *name; name++) {
        const struct dispatch_way *way = dispatch_table;
        while (way->name && strcmp(way->name, *name) != 0)
            way++;
        ck_assert_msg(way->name != NULL && way->summary[0], "%s", *name);
    }
}
END_TEST

START_TEST(names_are_those_of_built_in_backends)
{
    ck_assert_ptr_eq(dispatch_names("openmp:llvm"), dispatch_names("openmp"));
    ck_assert_ptr_eq(dispatch_names("openmp:gomp"), dispatch_names("openmp"));
    ck_assert_ptr_null(dispatch_names("peer"));
    ck_assert_ptr_null(dispatch_names("open"));
    ck_assert_ptr_null(dispatch_names("openmpi"));
    ck_assert_ptr_null(dispatch_names(""));
}
END_TEST

/* Whatever a class is, auto is a way that carries it, and the way by its name is the same. */
START_TEST(auto_is_the_first_that_carries_the_rule)
{
    for (const struct sched_rule *rule = sched_table; rule->name; rule++) {
        const char *const *name = dispatch_names(backends[_i]);
        while (*name && !dispatch_carries(*name, rule))
            name++;
        const char *way = dispatch_choose(backends[_i], "auto", rule, &err);
        ck_assert_msg(way == *name, "%s by %s", rule->name, way ? way : "none");
        ck_assert_ptr_eq(dispatch_choose(backends[_i], "", rule, &err), way);
        for (; *name; name++)
            ck_assert_msg((dispatch_choose(backends[_i], *name, rule, &err) == *name) ==
                              dispatch_carries(*name, rule),
                          "%s by %s", rule->name, *name);
    }
}
END_TEST

static const struct {
    const char *backend;
    enum sched_kind kind;
    const char *way;
} choices[] = {
    {"seq", SCHED_GUIDED, "none"},         {"procpool", SCHED_STATIC, "static"},
    {"procpool", SCHED_POOL, "ticket"},    {"procpool", SCHED_GUIDED, "ticket"},
    {"openmp", SCHED_STATIC, "native"},    {"openmp", SCHED_GUIDED, "native"},
    {"openmp:llvm", SCHED_POOL, "native"}, {"mpi", SCHED_STATIC, "static"},
    {"mpi", SCHED_DYNAMIC, "master"},      {"hybrid", SCHED_GUIDED, "master"},
    {"procpool", SCHED_STEAL, "ranges"},   {"openmp", SCHED_STEAL, "ranges"},
    {"mpi", SCHED_STEAL, "twolevel"},      {"openmp", SCHED_WF, "ticket"},
    {"mpi", SCHED_AF, "master"},           {"procpool", SCHED_TSS, "ticket"},
    {"openmp", SCHED_TASKLOOP, "native"},  {"openmp", SCHED_AUTO, "native"},
};

enum { N_CHOICES = sizeof choices / sizeof *choices };

START_TEST(auto_suits_the_rule)
{
    ck_assert_str_eq(choose(choices[_i].backend, "auto", choices[_i].kind), choices[_i].way);
}
END_TEST

static const struct {
    const char *backend, *asked;
    enum sched_kind kind;
    const char *says[3];
} refusals[] = {
    {"procpool", "static", SCHED_DYNAMIC, {"'static' of procpool", "'dynamic'", "'ticket'"}},
    {"openmp", "ranges", SCHED_DYNAMIC, {"'dynamic'", "'native', 'ticket'", "'auto'"}},
    {"mpi", "rma", SCHED_AF, {"'af'", "'master', 'master-only', 'twolevel'", "'auto'"}},
    {"procpool", "tickets", SCHED_DYNAMIC, {"unknown dispatch 'tickets'", "ticket", "ranges"}},
    {"procpool", "auto", SCHED_TASKLOOP, {"procpool", "no dispatch", "'taskloop'"}},
    {"procpool", "ranges", SCHED_TASKS, {"procpool", "no dispatch", "'tasks'"}},
    {"peer", "auto", SCHED_DYNAMIC, {"peer", "no dispatch", ""}},
};

enum { N_REFUSALS = sizeof refusals / sizeof *refusals };

START_TEST(what_does_not_fit_is_refused_with_what_does)
{
    ck_assert_str_eq(choose(refusals[_i].backend, refusals[_i].asked, refusals[_i].kind), "");
    for (int k = 0; k < 3; k++)
        ck_assert_msg(strstr(err.text, refusals[_i].says[k]) != NULL, "%s", err.text);
}
END_TEST

UNIT_MAIN("dispatch", UNIT_LOOP(each_name_of_a_backend_is_in_the_table, 0, N_BACKENDS),
          names_are_those_of_built_in_backends,
          UNIT_LOOP(auto_is_the_first_that_carries_the_rule, 0, N_BACKENDS),
          UNIT_LOOP(auto_suits_the_rule, 0, N_CHOICES),
          UNIT_LOOP(what_does_not_fit_is_refused_with_what_does, 0, N_REFUSALS))
