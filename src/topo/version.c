/* The library below topo: see version.h. */
#include "topo/version.h"

#include <hwloc.h>

const char *topo_library_version(void)
{
    return HWLOC_VERSION;
}
