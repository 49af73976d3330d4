/* ranks: 1 2 3 4 */
/* Conformance of the backend "mpi"; on nodes of two ranks, of which one may be alone, too. Their
 * window is that of a transport that needs the root.
 *
 * ranks 4,5 with POOLMARK_RANKS_PER_NODE=2 --mca osc pt2pt,sm --mca pml ob1 --mca btl tcp,self: */
#include "conformance.h"

int main(void)
{
    return team_main(&backend_mpi, 1, conform);
}
