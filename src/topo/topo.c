/* The machine: loading it, counting it, and where the calling thread is. See topo.h.
 *
 * The topology is loaded with the PUs that this process may not use, so that a record can say "2 of
 * 64"; what may be used is kept apart, in struct topo. */
#include "topo/topo.h"

#include "base/alloc.h"
#include "topo/topo_private.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hwloc_bitmap_t topo_affinity(void)
{
    /* The kernel refuses a mask that is too short for the CPUs it could have; how many those are
     * can only be found by trying. */
    for (int n = CPU_SETSIZE; n <= 1 << 20; n *= 2) {
        size_t bytes = CPU_ALLOC_SIZE(n);
        cpu_set_t *mask = alloc_zeroed(1, bytes);
        int status = sched_getaffinity(0, bytes, mask), cause = errno;
        hwloc_bitmap_t set = status == 0 ? hwloc_bitmap_alloc() : NULL;
        for (int pu = 0; set && pu < n; pu++)
            if (CPU_ISSET_S(pu, bytes, mask))
                hwloc_bitmap_set(set, (unsigned)pu);
        free(mask);
        if (status == 0 || cause != EINVAL)
            return set;
    }
    return NULL;
}

void topo_add_set(struct text *t, hwloc_const_bitmap_t set)
{
    int n = hwloc_bitmap_list_snprintf(NULL, 0, set);
    char *list = alloc_zeroed((size_t)n + 1, 1);
    hwloc_bitmap_list_snprintf(list, (size_t)n + 1, set);
    text_add(t, list, (size_t)n);
    free(list);
}

/* A variable of the environment, NULL also where it is empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* hwloc reads these variables too, but when it does not understand one it loads this machine
 * instead and says nothing; a plan for the wrong machine would follow. */
static int choose_source(hwloc_topology_t hwloc, struct err *err)
{
    const char *synthetic = variable("HWLOC_SYNTHETIC"), *file = variable("HWLOC_XMLFILE");
    if (synthetic && file)
        return err_set(err, "HWLOC_SYNTHETIC and HWLOC_XMLFILE are both set; unset one of them");
    if (synthetic && hwloc_topology_set_synthetic(hwloc, synthetic) != 0)
        return err_set(
            err, "HWLOC_SYNTHETIC='%s' does not describe a topology (as 'pack:2 core:4 pu:2')",
            synthetic);
    if (file && hwloc_topology_set_xml(hwloc, file) != 0)
        return err_set(err, "HWLOC_XMLFILE='%s' cannot be read as the XML of a topology", file);
    return 0;
}

static int load(struct topo *topo, struct err *err)
{
    if (hwloc_topology_init(&topo->hwloc) != 0) {
        topo->hwloc = NULL;
        return err_set(err, "hwloc cannot be initialised: %s", strerror(errno));
    }
    if (choose_source(topo->hwloc, err) != 0)
        return -1;
    hwloc_topology_set_flags(topo->hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    if (hwloc_topology_load(topo->hwloc) == 0)
        return 0;
    if (variable("HWLOC_XMLFILE"))
        return err_set(err, "HWLOC_XMLFILE='%s' cannot be read as the XML of a topology",
                       getenv("HWLOC_XMLFILE"));
    return err_set(err, "hwloc cannot load the topology of this machine: %s", strerror(errno));
}

/* The topology of another machine has no affinity: all that it calls allowed may be planned on. */
static int find_allowed(struct topo *topo, struct err *err)
{
    hwloc_bitmap_t affinity =
        topo_is_this_machine(topo)
            ? topo_affinity()
            : hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topo->hwloc));
    topo->allowed = hwloc_bitmap_alloc();
    if (!affinity || !topo->allowed) {
        hwloc_bitmap_free(affinity);
        return err_set(err, "the CPU affinity of this process cannot be read: %s", strerror(errno));
    }
    hwloc_const_bitmap_t group = hwloc_topology_get_allowed_cpuset(topo->hwloc);
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(topo->hwloc, HWLOC_OBJ_PU, o));)
        if (hwloc_bitmap_isset(affinity, o->os_index) && hwloc_bitmap_isset(group, o->os_index))
            hwloc_bitmap_set(topo->allowed, o->os_index);
    int status = 0;
    if (hwloc_bitmap_iszero(topo->allowed)) {
        struct text t = TEXT_INIT;
        text_addf(&t, "hwloc knows none of the PUs that this process may run on: affinity ");
        topo_add_set(&t, affinity);
        text_addf(&t, ", allowed by hwloc '");
        topo_add_set(&t, group);
        status = err_set(err, "%s'", t.text);
        text_release(&t);
    }
    hwloc_bitmap_free(affinity);
    return status;
}

static void forget_kinds(struct topo *topo)
{
    while (topo->n_kinds > 0)
        hwloc_bitmap_free(topo->kinds[--topo->n_kinds]);
}

/* Sorts the allowed PUs by the kind of their cores. hwloc ranks kinds from the slowest to the
 * fastest; where it cannot, or leaves out a PU, all are one kind. */
static void sort_by_kind(struct topo *topo)
{
    int n = hwloc_cpukinds_get_nr(topo->hwloc, 0), efficiency = -1;
    hwloc_bitmap_t kind = hwloc_bitmap_alloc(), rest = hwloc_bitmap_dup(topo->allowed);
    bool ranked = kind && rest && n > 0;
    for (int k = n - 1; k >= 0 && ranked; k--) {
        ranked = hwloc_cpukinds_get_info(topo->hwloc, (unsigned)k, kind, &efficiency, NULL, NULL,
                                         0) == 0 &&
                 efficiency >= 0;
        hwloc_bitmap_and(kind, kind, rest);
        hwloc_bitmap_andnot(rest, rest, kind);
        if (!ranked || hwloc_bitmap_iszero(kind))
            continue;
        if (topo->n_kinds == TOPO_MOST_KINDS)
            hwloc_bitmap_or(topo->kinds[TOPO_MOST_KINDS - 1], topo->kinds[TOPO_MOST_KINDS - 1],
                            kind);
        else
            topo->kinds[topo->n_kinds++] = hwloc_bitmap_dup(kind);
    }
    if (!ranked || !hwloc_bitmap_iszero(rest)) {
        forget_kinds(topo);
        topo->kinds[topo->n_kinds++] = hwloc_bitmap_dup(topo->allowed);
    }
    hwloc_bitmap_free(kind);
    hwloc_bitmap_free(rest);
}

struct topo *topo_new(struct err *err)
{
    struct topo *topo = alloc_zeroed(1, sizeof *topo);
    if (load(topo, err) != 0 || find_allowed(topo, err) != 0) {
        topo_free(topo);
        return NULL;
    }
    sort_by_kind(topo);
    return topo;
}

void topo_free(struct topo *topo)
{
    if (!topo)
        return;
    forget_kinds(topo);
    hwloc_bitmap_free(topo->allowed);
    if (topo->hwloc)
        hwloc_topology_destroy(topo->hwloc);
    free(topo);
}

bool topo_is_this_machine(const struct topo *topo)
{
    return hwloc_topology_is_thissystem(topo->hwloc) == 1;
}

/* --- counts ----------------------------------------------------------------------------------- */

int topo_usable(int affinity, double quota_cpus)
{
    /* Compared before the conversion: a quota may be larger than any int. */
    if (quota_cpus > 0 && ceil(quota_cpus) < affinity)
        return (int)ceil(quota_cpus);
    return affinity > 1 ? affinity : 1;
}

/* Zero where the topology has none, or has them at several depths (which only Groups do). */
static int count_of(const struct topo *topo, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type(topo->hwloc, type);
    return n > 0 ? n : 0;
}

/* Of how many PUs both sets have. */
static int weight_within(hwloc_const_bitmap_t a, hwloc_const_bitmap_t b)
{
    hwloc_bitmap_t both = hwloc_bitmap_alloc();
    hwloc_bitmap_and(both, a, b);
    int n = hwloc_bitmap_weight(both);
    hwloc_bitmap_free(both);
    return n;
}

void topo_count(const struct topo *topo, struct topo_counts *counts)
{
    hwloc_const_bitmap_t online = hwloc_topology_get_topology_cpuset(topo->hwloc);
    *counts = (struct topo_counts){
        .packages = count_of(topo, HWLOC_OBJ_PACKAGE),
        .numa_nodes = count_of(topo, HWLOC_OBJ_NUMANODE),
        .pus = count_of(topo, HWLOC_OBJ_PU),
        .in_cpuset = weight_within(hwloc_topology_get_allowed_cpuset(topo->hwloc), online),
        .offline = hwloc_bitmap_weight(hwloc_topology_get_complete_cpuset(topo->hwloc)) -
                   weight_within(hwloc_topology_get_complete_cpuset(topo->hwloc), online),
        .affinity = hwloc_bitmap_weight(topo->allowed),
        .n_kinds = topo->n_kinds,
        .quota_cpus = topo_is_this_machine(topo) ? topo_quota_here() : 0,
    };
    /* Some virtual machines have no cores: there each PU is one. */
    hwloc_obj_type_t core = count_of(topo, HWLOC_OBJ_CORE) ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    counts->cores = count_of(topo, core);
    counts->usable = topo_usable(counts->affinity, counts->quota_cpus);
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(topo->hwloc, core, o));) {
        int kind = 0; /* the fastest of its PUs, should they ever differ */
        while (kind < topo->n_kinds && !hwloc_bitmap_intersects(o->cpuset, topo->kinds[kind]))
            kind++;
        if (kind == topo->n_kinds)
            continue;
        counts->usable_cores++;
        counts->kind_cores[kind]++;
    }
    if (counts->usable_cores > counts->usable)
        counts->usable_cores = counts->usable;
}

/* " on 5 cores, 1 performance and 4 efficient"; nothing where each core has one usable CPU and all
 * are alike. Under a quota nobody knows which cores will be used. */
static void explain_cores(const struct topo_counts *counts, struct text *t)
{
    int cores = 0;
    for (int k = 0; k < counts->n_kinds; k++)
        cores += counts->kind_cores[k];
    bool by_kind = counts->n_kinds > 1 && cores == counts->usable_cores;
    if (counts->usable_cores == counts->usable && !by_kind)
        return;
    text_addf(t, " on %d core%s", counts->usable_cores, counts->usable_cores == 1 ? "" : "s");
    if (!by_kind)
        return;
    if (counts->n_kinds == 2) {
        text_addf(t, ", %d performance and %d efficient", counts->kind_cores[0],
                  counts->kind_cores[1]);
        return;
    }
    for (int k = 0; k < counts->n_kinds; k++)
        text_addf(t, "%s%d", k == 0 ? ", from the fastest kind to the slowest " : " + ",
                  counts->kind_cores[k]);
}

/* "4 of 64 allowed by affinity, within a cpuset of 8, 2 more are offline, quota of 2.5 CPUs, …" */
static void explain_limits(const struct topo_counts *counts, struct text *t)
{
    bool by_group = counts->in_cpuset > 0 && counts->in_cpuset < counts->pus;
    text_addf(t, "%d", counts->affinity);
    if (counts->affinity < counts->pus)
        text_addf(t, " of %d", counts->pus);
    text_addf(t, " allowed by %s",
              by_group && counts->affinity == counts->in_cpuset ? "cpuset" : "affinity");
    if (by_group && counts->affinity < counts->in_cpuset)
        text_addf(t, " within a cpuset of %d", counts->in_cpuset);
    if (counts->offline > 0)
        text_addf(t, ", %d more offline", counts->offline);
    if (counts->quota_cpus <= 0) {
        text_addf(t, ", no quota");
        return;
    }
    text_addf(t, ", quota of %.4g CPU%s", counts->quota_cpus, counts->quota_cpus == 1 ? "" : "s");
    if (counts->quota_cpus < counts->usable)
        text_addf(t, ", which throttles %d busy worker%s", counts->usable,
                  counts->usable == 1 ? "" : "s");
}

char *topo_explain(const struct topo_counts *counts, char *buffer, size_t size)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "%d usable CPU%s", counts->usable, counts->usable == 1 ? "" : "s");
    explain_cores(counts, &t);
    text_addf(&t, " (");
    explain_limits(counts, &t);
    text_addf(&t, ")");
    text_copy(buffer, size, t.text);
    text_release(&t);
    return buffer;
}

char *topo_xml(const struct topo *topo, struct err *err)
{
    char *xml;
    int length;
    if (hwloc_topology_export_xmlbuffer(topo->hwloc, &xml, &length, 0) != 0) {
        err_set(err, "hwloc cannot write the topology as XML: %s", strerror(errno));
        return NULL;
    }
    char *copy = alloc_text(xml);
    hwloc_free_xmlbuffer(topo->hwloc, xml);
    return copy;
}

/* --- the calling thread ----------------------------------------------------------------------- */

int topo_current_pu(void)
{
    return sched_getcpu();
}

char *topo_current_set(char *buffer, size_t size)
{
    static const char more[] = ",...";
    if (size == 0)
        return buffer;
    buffer[0] = '\0';
    hwloc_bitmap_t set = topo_affinity();
    if (!set)
        return buffer;
    struct text t = TEXT_INIT;
    topo_add_set(&t, set);
    hwloc_bitmap_free(set);
    if (!text_copy(buffer, size, t.text)) {
        /* Half a number would name another PU: cut after the last item that leaves room for the
         * mark. */
        size_t end = size > sizeof more ? size - sizeof more : 0;
        while (end > 0 && buffer[end] != ',')
            end--;
        text_copy(buffer + end, end ? size - end : 1, more);
    }
    text_release(&t);
    return buffer;
}
