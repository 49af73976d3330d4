/* Synchronised clocks of MPI ranks: the time of the root's CLOCK_MONOTONIC, in every rank, with a
 * bound on its error.
 *
 *   1. ranks_clock_open    collective over MPI_COMM_WORLD: who shares a machine
 *   2. ranks_clock_sync    collective, not in the timed part; again when ranks_clock_is_due says so
 *   3. ranks_clock_to_root, _from_root, _error_ns  local: any thread, while nobody synchronises
 *   4. ranks_clock_close   collective, before MPI_Finalize
 *
 * Ranks of one machine share CLOCK_MONOTONIC. Where all do, nothing is sent, times are passed
 * through and the error is exactly 0.
 *
 * For tests on one machine, POOLMARK_RANKS_PER_NODE=k cuts it into several (ranks_node.h), and
 * POOLMARK_CLOCK_SKEW="offset_ns,drift_ppm" makes the clock of machine number m (0 is the root's)
 * wrong by m times that much. ranks_clock_describe says when one of them is set. */
#ifndef POOLMARK_CELL_RANKS_CLOCK_H
#define POOLMARK_CELL_RANKS_CLOCK_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* root's time = local + offset + drift (local - anchor), with an error of at most
 * error + drift_error |local - anchor|. */
struct clock_model {
    uint64_t anchor_ns;
    int64_t offset_ns;
    uint64_t error_ns;
    double drift, drift_error; /* ns per ns */
};

/* One exchange: when, by the local clock's, the root's time was ahead by offset ± half. */
struct clock_point {
    uint64_t local_ns;
    int64_t offset_ns;
    uint64_t half_ns;
};

enum { CLOCK_MOST_POINTS = 64 };

struct ranks_clock {
    MPI_Comm node;    /* the ranks of this machine */
    MPI_Comm leaders; /* the first rank of each machine; MPI_COMM_NULL in other ranks */
    int nodes;        /* machines */
    int number;       /* of this one */
    bool is_root;
    int64_t skew_ns;  /* tests: what is added to the clock of this machine, */
    double skew_rate; /* and how fast that grows */
    struct clock_model model;
    /* Root: the worst of all machines, on its own clock, and when it was found. */
    struct clock_model worst;
    bool is_synced;
    /* Leaders: what the model follows from, oldest first. */
    size_t n_points;
    struct clock_point points[CLOCK_MOST_POINTS];
};

void ranks_clock_open(struct ranks_clock *clock);
void ranks_clock_close(struct ranks_clock *clock);

/* Root: whether the bound has grown too much since the last time, or too much time has passed. */
bool ranks_clock_is_due(const struct ranks_clock *clock);

/* Takes about 20 ms for each doubling of the machines, and nothing on one. */
void ranks_clock_sync(struct ranks_clock *clock);

/* A reading of CLOCK_MONOTONIC of this machine as time of the root's, and back. */
uint64_t ranks_clock_to_root_ns(const struct ranks_clock *clock, uint64_t local_ns);
uint64_t ranks_clock_from_root_ns(const struct ranks_clock *clock, uint64_t root_ns);

/* Most that ranks_clock_to_root_ns is wrong by at this local time, as long as the clocks go on at
 * their rates. In the root: of any rank. */
uint64_t ranks_clock_error_ns(const struct ranks_clock *clock, uint64_t local_ns);

/* "", or what of the variables for tests is in force, as ", NAME=VALUE". */
void ranks_clock_describe(const struct ranks_clock *clock, char *buffer, size_t size);

#endif
