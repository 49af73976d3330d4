/* What disturbed a sample: readings around it, and the verdict on them.
 *
 *   1. noise_new()                       once a team
 *   2. noise_before(), the map, noise_after()   in the root, with nothing but `prepare` between the
 *                                        first and the map, and nothing at all after the map
 *   3. noise_of_worker() for each worker, by its report; noise_judge()
 *   4. noise_free()
 *
 * Steps 2 read files of /proc and of the cgroups, which stay open, and run the register chain. That
 * takes time before and after the sample, never within: at most 1 % of it, or 10 µs where a sample
 * is shorter than 1 ms (docs/measurement.md has what it takes). What would take longer is not read:
 * each source is read only where its cost, as it was found lately, still fits.
 *
 * Where a file is not there the reading is 0, and nothing is concluded from it. */
#ifndef POOLMARK_CELL_NOISE_H
#define POOLMARK_CELL_NOISE_H

#include "cell/backend.h"
#include "record/flags.h"

/* --- readings --------------------------------------------------------------------------------- */

struct noise; /* of one team */

/* placements[workers] are copied; topo may be NULL: then quota and usable CPUs are unknown. */
struct noise *noise_new(const struct placement *placements, uint32_t workers,
                        const struct topo *topo);
void noise_free(struct noise *noise); /* NULL is fine */

/* expected_ns: about how long the sample will take; 0: unknown. */
void noise_before(struct noise *noise, uint64_t expected_ns);
void noise_after(struct noise *noise);

/* What was read around the last sample. */
struct noise_around {
    uint64_t chain_ps, chain_end_ps; /* before and after */
    uint64_t usual_ps; /* a chain of this cell when nothing is wrong; 0: too few yet */
    uint64_t steal_ns, pressure_ns, throttled_ns;
    uint64_t wait_ns;      /* of all workers that are watched */
    uint64_t root_wait_ns; /* of the root's thread, which may be a worker too */
    uint64_t root_ran_ns;
    uint64_t helpers_ns; /* that threads of the root's process ran which do not work, as the deputy
                            of a master; 0 where its workers are threads */
    uint64_t took_ns;    /* reading all this */
};

const struct noise_around *noise_around(const struct noise *noise);

/* How long the worker was ready and waited for a CPU, and had one, from noise_before to
 * noise_after; false when it is not watched: it is on another machine, or reading it would take too
 * long. */
bool noise_wait(const struct noise *noise, uint32_t worker, uint64_t *wait_ns, uint64_t *ran_ns);

/* A number that workers of one machine have in common. */
uint32_t noise_machine(const struct noise *noise, uint32_t worker);

/* The worker that is the root's thread; as many as there are workers when none is. */
uint32_t noise_root(const struct noise *noise);

/* Whether workers have to share CPUs among themselves: on the machine that has most of them they
 * are more than the usable CPUs of this one, or two are bound to one PU. */
bool noise_is_crowded(const struct noise *noise);

/* The least cost of page faults that samples of the same list have had in this cell, this one among
 * them; `list` is a number that tells lists apart. */
uint64_t noise_usual_faults(struct noise *noise, uint64_t list, uint64_t fault_ns);

/* --- what they mean: pure --------------------------------------------------------------------- */

/* One worker in one sample. */
struct noise_worker {
    uint64_t late_ns;                /* from the common start to its own */
    uint64_t off_ns;                 /* without a CPU, from its start to its end, */
    uint64_t rest_ns;                /* of which it meant to sleep up to this, */
    uint64_t voluntary, involuntary; /* switches; it sleeps in voluntary ones */
    bool is_watched;
    uint64_t wait_ns; /* ready to run, by the scheduler; also before its start */
    uint64_t ran_ns;  /* with a CPU, by the scheduler or by its own clock: spinning, too */
    uint32_t machine;
    int32_t first_pu, pu; /* where it began and ended; -1: unknown */
    uint64_t peers_ns;    /* noise_share */
};

/* Finds for each of them what its peers ran, from the first to the last, on a PU where it began or
 * ended: so much of what it lost can have been theirs. Of the n the first n_workers work; returns
 * on how many PUs these began or ended. */
uint64_t noise_share(struct noise_worker *workers, uint32_t n, uint32_t n_workers);

/* How long it had something to do and no CPU. uses_cpu: its tasks mean to run, else to sleep. */
uint64_t noise_lost_ns(const struct noise_worker *worker, bool uses_cpu);

/* How much of that is neither explained by its peers nor stolen. */
uint64_t noise_taken_ns(const struct noise_worker *worker, bool uses_cpu);

/* How much of what it lost no other thread of this machine had: the machine itself stood still for
 * it. */
uint64_t noise_stolen_ns(const struct noise_worker *worker, bool uses_cpu);

/* What page faults cost a worker, roughly. */
uint64_t noise_fault_ns(uint64_t minor, uint64_t major);

/* All that a verdict rests on. */
struct noise_facts {
    uint64_t wall_ns;
    uint64_t lost_ns;   /* of the worker that lost most to others, or of the root */
    uint64_t stolen_ns; /* of the worker that lost most to none */
    bool is_crowded;    /* what workers take from each other is no disturbance */
    uint64_t throttled_ns, steal_ns;
    uint64_t chain_ps, chain_end_ps, usual_ps;
    uint64_t fault_ns; /* of the worker whose faults cost most, beyond what is usual */
    uint64_t strayed;  /* bound workers that began or ended elsewhere */
};

/* What is enough for a flag; see docs/measurement.md for why. */
struct noise_limits {
    double share;      /* of the sample's time, for what costs time */
    uint64_t least_ns; /* and at least this */
    double slower;     /* of the usual chain */
    uint64_t tick_ns;  /* step of the system's count of stolen time */
};

extern const struct noise_limits noise_limits;

/* A set of SAMPLE_… bits. */
unsigned noise_judge(const struct noise_facts *facts, const struct noise_limits *limits);

/* The words of the set, separated by blanks. Returns buffer. */
char *noise_words(unsigned flags, char *buffer, size_t size);

#endif
