/* Backend "mpi": one worker a rank. All it has is in ranks.c. */
#include "cell/ranks.h"

static uint32_t each_alone(uint32_t threads, void (*shift)(struct team *team, uint32_t thread),
                           struct team *team)
{
    for (uint32_t t = 0; t < threads; t++)
        shift(team, t);
    return 1;
}

static const char *mpi_unavailable(void)
{
    return NULL; /* a cell that was built with MPI has it */
}

static int mpi_open(struct team **team, const struct launch *launch, struct err *err)
{
    static const struct ranks_kind kind = {each_alone, 1, ""};
    return ranks_open(team, launch, &kind, err);
}

const struct backend backend_mpi = {
    .name = "mpi",
    .summary = "MPI ranks, one worker each; the root works too",
    .unavailable = mpi_unavailable,
    .open = mpi_open,
    .is_root = ranks_is_root,
    .serve = ranks_serve,
    .placements = ranks_placements,
    .runtime = ranks_runtime,
    .prepare = ranks_prepare,
    .map = ranks_map,
    .collect = ranks_collect,
    .sender = ranks_sender,
    .close = ranks_close,
};
