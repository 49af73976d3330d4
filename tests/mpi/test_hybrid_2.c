/* ranks: 2 */
/* Conformance of the backend "hybrid" with 2 thread(s) a rank; of which each may be a node.
 *
 * ranks 2 with POOLMARK_RANKS_PER_NODE=1 --mca osc pt2pt,sm --mca pml ob1 --mca btl tcp,self: */
#include "conformance.h"

int main(void)
{
    return team_main(&backend_hybrid, 2, conform);
}
