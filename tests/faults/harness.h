/* Harness of the fault tests: runs cells, each in a process of its own under a watchdog, several at
 * a time.
 *
 * A cell is a combination to be tried. Its process is the leader of a process group and the reaper
 * of orphans below it, so that whatever a pool leaves behind becomes its child and is found by
 * cell_is_clean. A cell that does not end in time is killed with its group, and has failed.
 *
 * A program prints a line a cell, "ok 3 - name" or "not ok 3 - name: why", or "ok 3 - name # skip
 * why", and last "N passed, N failed", with ", N skipped" where there are any. Words on its command
 * line restrict it to the cells whose names contain all of them. */
#ifndef POOLMARK_TESTS_FAULTS_HARNESS_H
#define POOLMARK_TESTS_FAULTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined __SANITIZE_ADDRESS__
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

enum { CELL_PARAMETERS = 6, WATCHDOG_S = 20 };

enum cell_result { CELL_PASSED, CELL_FAILED, CELL_SKIPPED };

struct cell {
    char name[120];
    enum cell_result (*run)(const struct cell *cell);
    int parameters[CELL_PARAMETERS];
    uint64_t seed;
    double limit_s;  /* 0: WATCHDOG_S */
    bool is_waiting; /* it sleeps most of the time: more of these run at a time */
};

/* What was counted so far. */
struct tally {
    const char *const *words; /* of the command line, ends with NULL */
    size_t cells, passed, failed, skipped;
};

void tally_init(struct tally *tally, int argc, char **argv);

/* Runs the cells and prints their lines. */
void tally_run(struct tally *tally, const struct cell *cells, size_t n);

/* Prints the last line; returns the program's exit status. */
int tally_end(const struct tally *tally);

/* --- inside a cell ---------------------------------------------------------------------------- */

/* Says why the cell fails, or is skipped, for its line. */
enum cell_result cell_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum cell_result cell_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what the cell is at, for the line of one that does not end. */
void cell_is_at(const char *what);

#define REQUIRE(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return cell_fail(__VA_ARGS__);                                                         \
    } while (0)

/* For functions that return what a cell returns. */
#define PASS_ON(call)                                                                              \
    do {                                                                                           \
        enum cell_result result_ = (call);                                                         \
        if (result_ != CELL_PASSED)                                                                \
            return result_;                                                                        \
    } while (0)

/* What a process has that a pool could leave behind. */
struct belongings {
    int descriptors, shared_mappings, threads, names;
};

struct belongings belongings_now(void);

/* Whether there is neither a child nor anything else more than before. */
enum cell_result cell_is_clean(const struct belongings *before);

/* Whether all children, orphans among them, are gone by then; reaps them. */
bool children_end_within(double seconds);

/* Sleeps a millisecond at a time until the condition holds, at most so many seconds. */
#define WAIT_UNTIL(condition, seconds)                                                             \
    for (double until_s_ = now_s() + (seconds); !(condition) && now_s() < until_s_;)               \
    nap_us(1000)

double now_s(void);
void nap_us(long us);

#endif
