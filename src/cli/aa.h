/* A/A: the same point measured twice, side by side, as if they were two. What the two seem to
 * differ by is what this machine cannot tell from nothing. */
#ifndef POOLMARK_CLI_AA_H
#define POOLMARK_CLI_AA_H

#include "base/err.h"
#include "stats/stats.h"
#include "topo/topo.h"

#include <stdint.h>

enum { AA_LAUNCHES = 6, AA_PAIRS = 10 }; /* pairs of a launch */

struct aa {
    uint32_t workers, tasks;
    struct estimate ratio; /* of the second to the first, pair by pass; launches first */
    double sample_s;       /* median time of a sample */
    size_t n_samples, n_disturbed, n_still; /* taken; of them with a flag; pairs that kept one */
    size_t n_rounds;                        /* a difference that was shown is looked at again */
    bool differs;                           /* in all rounds */
    bool out_of_time, interrupted;
};

/* Measures for at most `seconds` a round: AA_LAUNCHES fresh starts of two cells, AA_PAIRS samples
 * of each in each, of the backend procpool with all usable workers. Writes to a temporary folder,
 * which is gone afterwards, also after SIGINT, SIGTERM and SIGHUP; what a killed one left goes with
 * the next. Once it has shown a difference it does all again with another seed: by chance alone it
 * shows one in 20 times. */
int aa_measure(struct aa *aa, const struct topo *topo, double seconds, struct err *err);

/* The smallest effect that can be shown by so many pairs, relative: as far from 1 as the farther
 * end of the interval where it was measured, in proportion to 1/sqrt(n) elsewhere. NAN without an
 * interval. */
double aa_smallest_effect(const struct aa *aa, size_t n_pairs);

#endif
