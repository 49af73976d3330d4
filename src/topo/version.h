/* The library below topo, for records of what a measurement was made with. */
#ifndef POOLMARK_TOPO_VERSION_H
#define POOLMARK_TOPO_VERSION_H

const char *topo_library_version(void); /* of hwloc: "2.9.0" */

#endif
