/* What this machine gives, where workers should run, and where they do.
 *
 * hwloc stays inside src/topo. PUs (processing units: what the operating system calls a CPU) are
 * named by their operating-system index. A topology from HWLOC_SYNTHETIC or HWLOC_XMLFILE can be
 * planned on, and refuses binding (topo_is_this_machine is false).
 *
 *   1. topo_new()          before any thread binds itself: what this thread may run on now is what
 *                          plans may use, and it is not asked again
 *   2. topo_count()        how many workers can compute at once
 *   3. topo_bind_parse(), topo_plan()  which worker goes where
 *   4. topo_bind_self()    in each worker, also in one forked since step 1
 *   5. topo_bind_release(), topo_free()
 *
 * A loaded topology is never changed, so threads may share it.
 */
#ifndef POOLMARK_TOPO_TOPO_H
#define POOLMARK_TOPO_TOPO_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct topo; /* a loaded topology */

/* NULL on failure; a variable that names no topology is one (hwloc alone would ignore it). */
struct topo *topo_new(struct err *err);
void topo_free(struct topo *topo); /* NULL is fine */

/* False for a synthetic topology or one read from a file. */
bool topo_is_this_machine(const struct topo *topo);

/* Kinds of cores that are told apart; what is slower counts to the last. */
enum { TOPO_MOST_KINDS = 4 };

/* The numbers behind "how many workers can compute at once". */
struct topo_counts {
    int packages, numa_nodes, cores, pus; /* of the topology, offline parts left out; 0 where it
                                             does not say (packages), a PU where it has no cores */
    int offline;       /* PUs that are there and switched off; in no other number */
    int in_cpuset;     /* PUs that the cpuset of this process's cgroup grants */
    int affinity;      /* PUs that this process may run on; all allowed ones of another machine */
    double quota_cpus; /* the tightest cgroup quota (v1 cpu.cfs_quota_us or v2 cpu.max) on the way
                          to the root, in CPUs; 0 when there is none, and on another machine */
    int usable;        /* max(1, min(affinity, quota rounded up)) */
    int usable_cores;  /* cores that hold at least one usable PU, at most `usable` */
    int n_kinds;       /* of cores that hold one, by speed: 2 are performance and efficient cores; 1
                          where they are alike, or nothing says that they are not */
    int kind_cores[TOPO_MOST_KINDS]; /* of each kind, fastest first, whatever the quota */
};

/* Reads the quota anew at each call; the rest is as topo_new found it. */
void topo_count(const struct topo *topo, struct topo_counts *counts);

/* The rule for `usable`, pure. quota_cpus 0: none. */
int topo_usable(int affinity, double quota_cpus);

/* The directories of the cgroups that bound this process by a quota now, from its own group up; *n
 * may be 0. To be freed with text_words_free. */
char **topo_quota_groups(size_t *n);

/* One line that explains `usable`: "2 usable CPUs (2 allowed by affinity, no quota)",
 * "6 usable CPUs on 5 cores, 1 performance and 4 efficient (6 of 8 allowed by cpuset, no quota)",
 * "1 usable CPU (2 allowed by affinity, quota of 0.5 CPUs, which throttles 1 busy worker)". A quota
 * that is no whole number throttles as many workers as it makes usable. Returns buffer. */
char *topo_explain(const struct topo_counts *counts, char *buffer, size_t size);

/* The whole topology as hwloc XML, to be freed with free(); NULL on failure. */
char *topo_xml(const struct topo *topo, struct err *err);

/* --- quota: pure parts, for tests ------------------------------------------------------------- */

/* The tightest quota in CPUs for a process whose /proc/self/cgroup and /proc/self/mountinfo have
 * this text; files are read below `root` ("" for the real ones). 0: none. */
double topo_quota(const char *cgroup_text, const char *mountinfo_text, const char *root);

/* --- binding ---------------------------------------------------------------------------------- */

/* Where cores differ, both `close` and `spread` use those of the fastest kind up, then those of the
 * next, and SMT siblings last. */
enum topo_policy {
    TOPO_NONE,   /* workers float over all allowed PUs */
    TOPO_CLOSE,  /* core after core in topology order, so that neighbours share caches: one PU of
                    each core first, SMT siblings when the cores are used up */
    TOPO_SPREAD, /* as far apart as the machine allows: packages, then caches, then cores in turn;
                    SMT siblings last, too */
    TOPO_LIST,   /* "0,2,4..7": worker w on the (w mod length)-th PU of the list */
};

struct topo_bind {
    enum topo_policy policy;
    int *pus; /* TOPO_LIST: the list; owned */
    size_t n_pus;
};

/* Reads "none", "close", "spread" or a list of PU numbers, in which "4-7" may be written for "4..7"
 * and a PU may come twice. *bind is overwritten on success alone; release it then. */
int topo_bind_parse(const char *text, struct topo_bind *bind, struct err *err);
void topo_bind_release(struct topo_bind *bind);

/* Writes the PU of each of n workers into pus[n], -1 where the worker floats. Pure in (topology,
 * bind, n), and no worker's place depends on n: more workers only add places. More workers than PUs
 * start again from the first. A listed PU that does not exist or is not allowed is an error that
 * names it and the allowed ones, whatever n is: n = 0 checks a binding. */
int topo_plan(const struct topo *topo, const struct topo_bind *bind, size_t n, int *pus,
              struct err *err);

/* Binds the calling thread to one PU (strictly); pu < 0 does nothing. In the thread itself. */
int topo_bind_self(const struct topo *topo, int pu, struct err *err);

/* The PU that the calling thread runs on at this moment (-1 unknown), and the set that it is bound
 * to as a list ("0", "0-1,8"; "" unknown). A list that is too long for the buffer is cut after an
 * item and ends in ",...". Callable in any thread of any process; needs no topology. */
int topo_current_pu(void);
char *topo_current_set(char *buffer, size_t size);

#endif
