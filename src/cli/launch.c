/* What comes before cells are started: see launch.h. */
#include "cli/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int launch_check_binding(const struct topo *topo, const struct experiments *experiments,
                         struct err *err)
{
    for (size_t i = 0; i < experiments->n; i++) {
        const struct experiment *e = &experiments->items[i];
        for (size_t b = 0; b < e->n_binds; b++) {
            struct topo_bind bind = {0};
            int status = topo_bind_parse(e->binds[b], &bind, err);
            if (status == 0)
                status = topo_plan(topo, &bind, 0, NULL, err);
            topo_bind_release(&bind);
            if (status != 0)
                return err_prefix(err, "%s", e->places[OPTION_BIND]);
        }
    }
    return 0;
}

/* Open MPI refuses root unless told twice. Whoever runs poolmark as root runs its cells as root
 * too, and they run nothing but our own program: so it is allowed for them, said, and can be
 * forbidden. */
void launch_allow_root(const struct plan *plan)
{
    bool uses_ranks = false;
    for (size_t i = 0; i < plan->n_cells; i++)
        uses_ranks = uses_ranks || (plan->cells[i].kind->uses_ranks && !plan->cells[i].unavailable);
    if (!uses_ranks || geteuid() != 0 || getenv("OMPI_ALLOW_RUN_AS_ROOT"))
        return;
    fprintf(stderr, "poolmark: running as root: OMPI_ALLOW_RUN_AS_ROOT=1 is set for mpirun (export "
                    "OMPI_ALLOW_RUN_AS_ROOT=0 forbids it)\n");
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
}

void launch_say_missing(const struct plan *plan, size_t first)
{
    for (size_t i = first; i < plan->n_missing; i++)
        fprintf(stderr, "poolmark: the backend %s is not available: %s\n", plan->missing[i].name,
                plan->missing[i].reason);
}
