/* Unit tests: each tests/unit/test_X.c is a program of its own, linked with everything but the
 * mains.
 *
 *     #include "unit.h"
 *
 *     START_TEST(adds_two)
 *     {
 *         ck_assert_int_eq(add_two(1), 3);
 *     }
 *     END_TEST
 *
 *     UNIT_MAIN("units", adds_two, UNIT_LOOP(adds_each, 0, 10))
 *
 * Check runs every test in a child of its own and ends it, with its process group, after
 * UNIT_TIMEOUT_S seconds. UNIT_LOOP(test, start, end) in the list runs a test once for each `_i` in
 * [start, end). UNIT_REPEATS(n) is how often to do what is done n times. The programs run with the
 * root of the project as their working directory; fixtures are build/fixtures/NAME.so and
 * build/mock/NAME. A program takes no arguments; CK_VERBOSITY=verbose lists its tests and
 * CK_FORK=no keeps them in one process for a debugger.
 */
#ifndef POOLMARK_TESTS_UNIT_H
#define POOLMARK_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Of cases that are repeated, drawn at random, or all of many combinations, every one is run by the
 * plain programs, and one in UNIT_SHARE by those with sanitizers, where each takes ten times as
 * long and goes the same ways through the code. */
#ifdef __SANITIZE_ADDRESS__
#define UNIT_SHARE 4
#else
#define UNIT_SHARE 1
#endif
#define UNIT_REPEATS(n) (((n) + UNIT_SHARE - 1) / UNIT_SHARE)
#define UNIT_RUNS(k) ((k) % UNIT_SHARE == 0) /* the case with this number */

enum { UNIT_TIMEOUT_S = 100, UNIT_MOST_LOOPS = 64 };

/* The ranges of the tests that loop; filled while the list is evaluated. */
static struct {
    const TTest *test;
    int start, end;
} unit_loops[UNIT_MOST_LOOPS];
static size_t unit_n_loops;

static inline const TTest *unit_loop(const TTest *test, int start, int end)
{
    if (unit_n_loops == UNIT_MOST_LOOPS)
        abort();
    unit_loops[unit_n_loops].test = test;
    unit_loops[unit_n_loops].start = start;
    unit_loops[unit_n_loops++].end = end;
    return test;
}

#define UNIT_LOOP(test, start, end) unit_loop(test, start, end)

static inline int unit_run(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, UNIT_TIMEOUT_S);
    for (size_t i = 0; i < n; i++) {
        size_t l = 0;
        while (l < unit_n_loops && unit_loops[l].test != tests[i])
            l++;
        if (l < unit_n_loops)
            tcase_add_loop_test(tcase, tests[i], unit_loops[l].start, unit_loops[l].end);
        else
            tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Defines main(), which runs the listed tests as one suite. */
#define UNIT_MAIN(name, ...)                                                                       \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const unit_tests[] = {__VA_ARGS__};                                           \
        return unit_run(name, unit_tests, sizeof unit_tests / sizeof *unit_tests);                 \
    }

#endif
