/* Shared by the files of topo; nobody else includes this or hwloc.h. */
#ifndef POOLMARK_TOPO_TOPO_PRIVATE_H
#define POOLMARK_TOPO_TOPO_PRIVATE_H

#include "base/text.h"
#include "topo/topo.h"

#include <hwloc.h>

struct topo {
    hwloc_topology_t hwloc;
    hwloc_bitmap_t allowed; /* PUs that may be used; never empty, never changed after topo_new, so
                               that plans stay the same in a thread that has been bound meanwhile */
    hwloc_bitmap_t kinds[TOPO_MOST_KINDS]; /* the allowed PUs by the speed of their cores, fastest
                                              first; one set where they are alike or nothing says */
    int n_kinds;
};

/* The PUs that the calling thread may run on (to be freed with hwloc_bitmap_free), or NULL. */
hwloc_bitmap_t topo_affinity(void);

/* Appends a set as a list of PUs: "0-3,8". */
void topo_add_set(struct text *t, hwloc_const_bitmap_t set);

/* The quota of this process, as topo_quota computes it from the files of /proc. */
double topo_quota_here(void);

#endif
