/* ranks: 1 2 3 5 */
/* Conformance of the backend "mpi". */
#include "conformance.h"

int main(void)
{
    return team_main(&backend_mpi, 1, conform);
}
