/* What can have disturbed a sample, each declared once: the words of a sample's field `flags`.
 *
 *     F(NAME, "word", "meaning")
 */
#ifndef POOLMARK_RECORD_FLAGS_H
#define POOLMARK_RECORD_FLAGS_H

#define SAMPLE_FLAGS(F)                                                                            \
    F(PREEMPTED, "preempted", "a worker had something to do and no CPU: others had it")            \
    F(THROTTLED, "throttled", "a cgroup was stopped by its CPU quota")                             \
    F(STOLEN, "stolen", "other virtual machines had the CPU")                                      \
    F(SLOW_CLOCK, "slow-clock", "the CPU ran slower than it usually does in this cell")            \
    F(MIGRATED, "migrated", "a bound worker was not on its PU at its beginning or its end")        \
    F(COLD, "cold", "page faults took time that other samples of the list do not lose")

#define SAMPLE_FLAG_NUMBER(name, word, meaning) SAMPLE_FLAG_##name##_AT,
#define SAMPLE_FLAG_BIT(name, word, meaning) SAMPLE_##name = 1u << SAMPLE_FLAG_##name##_AT,

enum { SAMPLE_FLAGS(SAMPLE_FLAG_NUMBER) SAMPLE_N_FLAGS };

/* Bits, to be or-ed: SAMPLE_PREEMPTED, … */
enum sample_flag { SAMPLE_FLAGS(SAMPLE_FLAG_BIT) };

#endif
