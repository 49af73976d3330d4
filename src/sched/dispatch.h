/* Dispatch: the mechanisms by which a worker gets its next chunk, by name, and which backend has
 * which. Declared once for the driver, which plans, and the cells, which carry it out. */
#ifndef POOLMARK_SCHED_DISPATCH_H
#define POOLMARK_SCHED_DISPATCH_H

#include "sched/sched.h"

struct dispatch_way {
    const char *name;
    const char *summary;
    unsigned carries; /* classes of rules: bits of sched_class */
};

/* All of them; ends with a NULL name. */
extern const struct dispatch_way dispatch_table[];

/* Those of a built-in backend, the most suitable first; ends with NULL. What follows a colon in the
 * backend's name ("openmp:llvm") makes no difference. NULL for other backends. */
const char *const *dispatch_names(const char *backend);

/* Whether the named way carries the rule. "native" carries those that OpenMP has. */
bool dispatch_carries(const char *name, const struct sched_rule *rule);

/* The way that `asked` ("auto", "" or a name) stands for under a rule: auto is the first of the
 * backend's that carries it. NULL with a sentence that names those that can; also for a backend
 * that is not built in. */
const char *dispatch_choose(const char *backend, const char *asked, const struct sched_rule *rule,
                            struct err *err);

#endif
