/* Backend "hybrid": OpenMP threads in every MPI rank. Each rank opens one parallel region a map;
 * between regions its threads sleep as the OpenMP runtime lets them (OMP_WAIT_POLICY is the
 * user's).
 *
 * The threads claim, ask and answer for themselves, so MPI is called by any of them, one at a time
 * (see the mutex in ranks.c): MPI_THREAD_SERIALIZED. */
#include "cell/ranks.h"

#include <dlfcn.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

static uint32_t each_thread(uint32_t threads, void (*shift)(struct team *team, uint32_t thread),
                            struct team *team)
{
    uint32_t came = 0;
#pragma omp parallel num_threads((int)threads) shared(came)
    {
        uint32_t here = (uint32_t)omp_get_num_threads();
        uint32_t me = (uint32_t)omp_get_thread_num();
        if (me == 0)
            came = here; /* read by the caller alone, after the region */
        for (uint32_t t = me; t < threads; t += here)
            shift(team, t);
    }
    return came;
}

static const char *hybrid_unavailable(void)
{
    return NULL; /* a cell that was built with MPI and OpenMP has them */
}

static int hybrid_open(struct team **team, const struct launch *launch, struct err *err)
{
    omp_set_dynamic(0); /* as many threads as asked for, or an error */
    /* The library that this program found at run time. */
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    const char *library = symbol && dladdr(symbol, &info) ? info.dli_fname : "OpenMP runtime";
    const char *slash = strrchr(library, '/');
    char runtime[128];
    snprintf(runtime, sizeof runtime, ", %s, OpenMP %d", slash ? slash + 1 : library, _OPENMP);
    struct ranks_kind kind = {each_thread, 0, runtime};
    return ranks_open(team, launch, &kind, err);
}

const struct backend backend_hybrid = {
    .name = "hybrid",
    .summary = "MPI ranks with OpenMP threads in each; the root works too",
    .unavailable = hybrid_unavailable,
    .open = hybrid_open,
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
