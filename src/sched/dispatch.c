/* Dispatch: see dispatch.h. */
#include "sched/dispatch.h"

#include "base/text.h"

#include <string.h>

enum { ANY_COUNTED = SCHED_CONSTANT | SCHED_SEQUENCE | SCHED_ADAPTIVE };

const struct dispatch_way dispatch_table[] = {
    {"none", "one worker, which takes all", ~0u},
    {"native", "the OpenMP runtime's own loops and tasks", SCHED_RUNTIMES},
    {"ticket", "chunks are claimed by atomics on memory that all workers share", ANY_COUNTED},
    {"ranges", "each worker has a range in shared memory; whoever is out steals", SCHED_RANGES},
    {"master", "rank 0 grants chunks by messages, and works too", ANY_COUNTED},
    {"master-only", "rank 0 grants chunks by messages and does nothing else", ANY_COUNTED},
    {"rma", "each rank takes from a counter of rank 0 by MPI_Fetch_and_op",
     SCHED_CONSTANT | SCHED_SEQUENCE},
    {"twolevel", "shared memory within a machine, larger shares by MPI_Fetch_and_op between them",
     ANY_COUNTED | SCHED_RANGES},
    {"static", "nobody asks: the chunks are known beforehand", SCHED_FIXED},
    {0},
};

enum { MOST_WAYS = 7 }; /* of a backend */

static const struct {
    const char *backend;
    const char *names[MOST_WAYS + 1];
} backends[] = {
    {"seq", {"none"}},
    {"procpool", {"ticket", "ranges", "static"}},
    {"openmp", {"native", "ticket", "ranges", "static"}},
    {"mpi", {"master", "master-only", "rma", "twolevel", "static"}},
    {"hybrid", {"master", "master-only", "rma", "twolevel", "static"}},
};

enum { N_BACKENDS = sizeof backends / sizeof *backends };

const char *const *dispatch_names(const char *backend)
{
    size_t length = strcspn(backend, ":");
    for (int i = 0; i < N_BACKENDS; i++)
        if (strlen(backends[i].backend) == length &&
            strncmp(backends[i].backend, backend, length) == 0)
            return backends[i].names;
    return NULL;
}

bool dispatch_carries(const char *name, const struct sched_rule *rule)
{
    if (strcmp(name, "native") == 0)
        return rule->in_openmp;
    for (const struct dispatch_way *way = dispatch_table; way->name; way++)
        if (strcmp(way->name, name) == 0)
            return way->carries & (unsigned)rule->class;
    return false;
}

const char *dispatch_choose(const char *backend, const char *asked, const struct sched_rule *rule,
                            struct err *err)
{
    const char *const *names = dispatch_names(backend);
    const char *fit[MOST_WAYS];
    size_t n_fit = 0, n = 0;
    bool is_known = false, any = !*asked || strcmp(asked, "auto") == 0;
    if (!names) {
        err_set(err, "the backend %s has no dispatch of ours", backend);
        return NULL;
    }
    for (; names[n]; n++) {
        bool is_it = strcmp(asked, names[n]) == 0;
        is_known = is_known || is_it;
        if (!dispatch_carries(names[n], rule))
            continue;
        if (any || is_it)
            return names[n];
        fit[n_fit++] = names[n];
    }
    struct text t = TEXT_INIT;
    if (!any && !is_known) {
        text_refuse(err, "unknown dispatch", asked, names, n);
    } else if (n_fit == 0) {
        text_addf(&t, "the backend %s has no dispatch that carries the schedule '%s'", backend,
                  rule->name);
    } else {
        text_addf(&t, "dispatch '%s' of %s cannot carry schedule '%s'; use 'auto' or '%s'", asked,
                  backend, rule->name, fit[0]);
        for (size_t i = 1; i < n_fit; i++)
            text_addf(&t, ", '%s'", fit[i]);
    }
    if (t.text)
        err_set(err, "%s", t.text);
    text_release(&t);
    return NULL;
}
