/* Which ranks share a machine. */
#ifndef POOLMARK_CELL_RANKS_NODE_H
#define POOLMARK_CELL_RANKS_NODE_H

#include <mpi.h>

/* The ranks of this machine, in the order of MPI_COMM_WORLD; the caller frees it. Collective over
 * MPI_COMM_WORLD. For tests of several machines on one, POOLMARK_RANKS_PER_NODE=k makes k
 * consecutive ranks a machine (ranks_per_node; 0 when it is not set or no number above 0). */
MPI_Comm ranks_node_comm(void);
int ranks_per_node(void);

#endif
