/* ranks: 1 */
/* Conformance of the backend "hybrid" with 4 thread(s) a rank. */
#include "conformance.h"

int main(void)
{
    return team_main(&backend_hybrid, 4, conform);
}
