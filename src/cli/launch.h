/* What every command that starts cells does before it: shared by `run` and `where`. */
#ifndef POOLMARK_CLI_LAUNCH_H
#define POOLMARK_CLI_LAUNCH_H

#include "run/plan.h"
#include "topo/topo.h"

/* Checks each binding of the experiments on this machine. */
int launch_check_binding(const struct topo *topo, const struct experiments *experiments,
                         struct err *err);

/* Lets mpirun run as root when poolmark does and the plan has ranks, and says so on standard error;
 * OMPI_ALLOW_RUN_AS_ROOT, however set, is left as it is. */
void launch_allow_root(const struct plan *plan);

/* Says on standard error which backends are not available, from the number `first` of
 * plan->missing on. */
void launch_say_missing(const struct plan *plan, size_t first);

#endif
