/* ranks: 1 2 3 */
/* Conformance of the backend "hybrid" with 3 thread(s) a rank. */
#include "conformance.h"

int main(void)
{
    return team_main(&backend_hybrid, 3, conform);
}
