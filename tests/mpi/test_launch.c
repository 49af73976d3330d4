/* ranks: 2 */
/* A launch that does not fit the ranks that there are: a sentence at the root, and all ranks end.
 */
#include "team.h"

int main(void)
{
    struct err err = {""};
    struct topo *topo = topo_new(&err);
    struct topo_bind bind = {.policy = TOPO_NONE};
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    bool is_root = !rank || strcmp(rank, "0") == 0;
    launch = (struct launch){.workers = 6, .ranks = 3, .threads = 2, .topo = topo, .bind = &bind};
    int status = backend_hybrid.open(&team, &launch, &err);
    if (!is_root) {
        check(status == 0 && !backend_hybrid.is_root(team), "status %d", status);
        check(backend_hybrid.serve(team, &err) == 0, "%s", err.text);
        backend_hybrid.close(team);
    } else {
        check(status != 0 && strstr(err.text, "-np 3"), "status %d, '%s'", status, err.text);
        printf("%d passed, %d failed\n", n_passed, n_failed);
    }
    topo_free(topo);
    return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
