/* Which ranks share a machine: see ranks_node.h. */
#include "cell/ranks_node.h"

#include <stdlib.h>

int ranks_per_node(void)
{
    const char *text = getenv("POOLMARK_RANKS_PER_NODE");
    int k = text ? atoi(text) : 0;
    return k > 0 ? k : 0;
}

MPI_Comm ranks_node_comm(void)
{
    MPI_Comm machine, node;
    int rank, k = ranks_per_node();
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine);
    if (k == 0)
        return machine;
    MPI_Comm_split(machine, rank / k, rank, &node);
    MPI_Comm_free(&machine);
    return node;
}
