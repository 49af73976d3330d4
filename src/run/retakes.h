/* How many samples of a run may be taken again, and what it was that disturbed them. */
#ifndef POOLMARK_RUN_RETAKES_H
#define POOLMARK_RUN_RETAKES_H

#include "record/record.h"

/* Of the samples of a run at most so many are retakes: a few, and one for every so many others. On
 * a host that is never quiet a run thus takes a quarter longer, and not three times as long. Since
 * the number grows with the run, its end has as many as its beginning. */
enum { RETAKES_AT_LEAST = 10, SAMPLES_PER_RETAKE = 4 };

enum { MOST_FLAGS = 16 };

/* How many samples carry a flag. */
struct flag_count {
    char flag[24];
    uint64_t n;
};

struct retakes {
    uint64_t n_first, n_again; /* samples that were taken for the first time, and retakes */
    struct flag_count flags[MOST_FLAGS];
};

/* Counts a sample of the run, in the journal already or not. `is_again`: it takes the place of one
 * that was disturbed. What takes the place of one that failed is neither first nor again. */
void retakes_count(struct retakes *r, const struct sample *sample, bool is_again);

/* Whether one more may be taken again. */
bool retakes_allow(const struct retakes *r);

/* Counts the flags of a disturbed sample, words with blanks between. */
void retakes_count_flags(struct retakes *r, const char *flags);

/* "preempted 9, slow-clock 3": how many carried which flag, the commonest first; "" for none. */
void retakes_tell(const struct retakes *r, char *to, size_t size);

#endif
