/* ranks: 4 */
/* Conformance of the backend "hybrid" with 1 thread(s) a rank. */
#include "conformance.h"

int main(void)
{
    return team_main(&backend_hybrid, 1, conform);
}
