/* Binding: which worker goes where, and going there. See topo.h.
 *
 * A plan is an order of the allowed PUs, and worker w gets the w-th of them. The order does not
 * depend on the number of workers, under any policy: more workers only add places, so the curve
 * over worker counts compares like with like. (hwloc_distrib spaces each n anew and would move
 * everybody.)
 *
 * `close` and `spread` are the same walk over the tree of the machine and differ in how the orders
 * of an object's children become the order of the object: one after the other, or in turn. Both
 * walk once for the first allowed PU of each core, then for the second ones and so on, since a
 * core's second PU adds little while another core is idle. Where cores are of several kinds each
 * round uses the fastest up before the next: an efficient core does less than a performance core
 * and more than the second PU of one that is busy, so that the curve over worker counts bends where
 * the kinds change and nowhere else. Where nothing says which are faster a list does. */
#include "topo/topo.h"

#include "base/alloc.h"
#include "base/units.h"
#include "topo/topo_private.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------------------- */

static const char *const policies[] = {
    [TOPO_NONE] = "none",
    [TOPO_CLOSE] = "close",
    [TOPO_SPREAD] = "spread",
    [TOPO_LIST] = "a list of PUs (as 0,2,4..7)",
};

enum { N_POLICIES = sizeof policies / sizeof *policies };

/* "binding 'TEXT' COMPLAINT; allowed: …"; `word` is what may be a slip for one of those. */
static int refuse(const char *text, const char *complaint, const char *word, struct err *err)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "binding '%s' %s", text, complaint);
    text_add_choices(&t, word, policies, N_POLICIES);
    err_set(err, "%s", t.text);
    text_release(&t);
    return -1;
}

/* Adds the PUs of "4", "4..7", "0..8*2" or "4-7" (as the kernel, taskset and topo_current_set write
 * it). Unlike in other lists a PU may come twice: it then gets two workers. */
static int add_word(struct topo_bind *bind, const char *word, struct err *err)
{
    struct text range = TEXT_INIT;
    const char *dash = strchr(word, '-');
    if (dash)
        text_addf(&range, "%.*s..%s", (int)(dash - word), word, dash + 1);
    uint64_t *values;
    size_t n;
    int status = units_list(dash ? range.text : word, 0, INT_MAX, NULL, &values, &n, err);
    text_release(&range);
    if (status != 0)
        return -1;
    bind->pus = alloc_grown(bind->pus, bind->n_pus + n, sizeof *bind->pus);
    for (size_t i = 0; i < n; i++)
        bind->pus[bind->n_pus++] = (int)values[i];
    free(values);
    return 0;
}

static int add_words(struct topo_bind *bind, const char *text, char **words, size_t n,
                     struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!words[i][0] && n > 1)
            return refuse(text, "has an empty item", "", err);
        if (!isdigit((unsigned char)words[i][0]))
            return refuse(text, n > 1 ? "has an item that is not a PU number" : "is unknown",
                          words[i], err);
        if (add_word(bind, words[i], err) != 0)
            return err_prefix(err, "binding '%s'", text);
    }
    return 0;
}

int topo_bind_parse(const char *text, struct topo_bind *bind, struct err *err)
{
    struct topo_bind read = {TOPO_LIST, NULL, 0};
    size_t n;
    char **words = text_words(text, ",", &n);
    int status = 0;
    for (int p = 0; p < TOPO_LIST && n == 1; p++)
        if (strcmp(words[0], policies[p]) == 0)
            read.policy = (enum topo_policy)p;
    if (read.policy == TOPO_LIST)
        status = add_words(&read, text, words, n, err);
    text_words_free(words);
    if (status == 0)
        *bind = read;
    else
        topo_bind_release(&read);
    return status;
}

void topo_bind_release(struct topo_bind *bind)
{
    free(bind->pus);
    *bind = (struct topo_bind){TOPO_NONE, NULL, 0};
}

/* --- planning --------------------------------------------------------------------------------- */

/* An order of PUs; as long as the allowed PUs that it can ever hold. */
struct order {
    int *pus;
    size_t n;
};

/* The PU of a set with the number `turn` (from 0) among those below an object, or -1. Counts *turn
 * down by the ones that it passes. */
static int nth_of(hwloc_const_bitmap_t pus, hwloc_obj_t object, unsigned *turn)
{
    if (object->type == HWLOC_OBJ_PU) {
        if (!hwloc_bitmap_isset(pus, object->os_index))
            return -1;
        return (*turn)-- == 0 ? (int)object->os_index : -1;
    }
    int pu = -1;
    for (unsigned i = 0; i < object->arity && pu < 0; i++)
        pu = nth_of(pus, object->children[i], turn);
    return pu;
}

/* Appends the order of one round: of every core below the object that has more than `turn` PUs of a
 * set, the one with this number. */
static void add_round(hwloc_const_bitmap_t pus, hwloc_obj_t object, enum topo_policy policy,
                      unsigned turn, struct order *order)
{
    if (object->type == HWLOC_OBJ_CORE || object->type == HWLOC_OBJ_PU) {
        int pu = nth_of(pus, object, &turn);
        if (pu >= 0)
            order->pus[order->n++] = pu;
        return;
    }
    size_t first = order->n, *ends = alloc_zeroed(object->arity, sizeof *ends);
    for (unsigned i = 0; i < object->arity; i++) {
        add_round(pus, object->children[i], policy, turn, order);
        ends[i] = order->n;
    }
    size_t n = order->n - first;
    if (policy == TOPO_SPREAD && n > 1) {
        /* In turn: the first of each child, the second of each, … until all are used up. */
        int *mixed = alloc_zeroed(n, sizeof *mixed);
        size_t n_mixed = 0;
        for (size_t k = 0; n_mixed < n; k++)
            for (unsigned i = 0; i < object->arity; i++) {
                size_t start = i ? ends[i - 1] : first;
                if (k < ends[i] - start)
                    mixed[n_mixed++] = order->pus[start + k];
            }
        memcpy(order->pus + first, mixed, n * sizeof *mixed);
        free(mixed);
    }
    free(ends);
}

/* All allowed PUs in the order of a policy; pus is to be freed. */
static struct order order_of(const struct topo *topo, enum topo_policy policy)
{
    size_t n_allowed = (size_t)hwloc_bitmap_weight(topo->allowed);
    struct order order = {alloc_zeroed(n_allowed, sizeof *order.pus), 0};
    for (unsigned turn = 0; order.n < n_allowed; turn++) {
        size_t before = order.n;
        for (int k = 0; k < topo->n_kinds; k++)
            add_round(topo->kinds[k], hwloc_get_root_obj(topo->hwloc), policy, turn, &order);
        assert(order.n > before); /* every allowed PU is in the tree: see find_allowed in topo.c */
        (void)before;
    }
    return order;
}

/* 0 when workers may be bound to the PU, else a sentence that names the allowed ones. */
static int check_pu(const struct topo *topo, int pu, struct err *err)
{
    if (pu >= 0 && hwloc_bitmap_isset(topo->allowed, (unsigned)pu))
        return 0;
    bool exists = pu >= 0 && hwloc_get_pu_obj_by_os_index(topo->hwloc, (unsigned)pu);
    struct text t = TEXT_INIT;
    text_addf(&t, "PU %d %s; allowed: ", pu,
              exists ? "may not be used by this process" : "does not exist");
    topo_add_set(&t, topo->allowed);
    err_set(err, "%s", t.text);
    text_release(&t);
    return -1;
}

int topo_plan(const struct topo *topo, const struct topo_bind *bind, size_t n, int *pus,
              struct err *err)
{
    struct order order = {NULL, 0};
    switch (bind->policy) {
    case TOPO_NONE:
        for (size_t w = 0; w < n; w++)
            pus[w] = -1;
        return 0;
    case TOPO_CLOSE:
    case TOPO_SPREAD:
        order = order_of(topo, bind->policy);
        break;
    case TOPO_LIST:
        assert(bind->n_pus > 0);
        /* All of the list, also what n workers leave unused: a slip shows before the first point.
         */
        for (size_t i = 0; i < bind->n_pus; i++)
            if (check_pu(topo, bind->pus[i], err) != 0)
                return -1;
        order.pus = alloc_grown(NULL, bind->n_pus, sizeof *order.pus);
        memcpy(order.pus, bind->pus, bind->n_pus * sizeof *order.pus);
        order.n = bind->n_pus;
        break;
    }
    for (size_t w = 0; w < n; w++)
        pus[w] = order.pus[w % order.n];
    free(order.pus);
    return 0;
}

/* --- binding ---------------------------------------------------------------------------------- */

int topo_bind_self(const struct topo *topo, int pu, struct err *err)
{
    if (pu < 0)
        return 0;
    if (!topo_is_this_machine(topo))
        return err_set(err,
                       "cannot bind to PU %d: the topology is not this machine's "
                       "(HWLOC_SYNTHETIC or HWLOC_XMLFILE is set), so it can only be planned on",
                       pu);
    if (check_pu(topo, pu, err) != 0)
        return err_prefix(err, "cannot bind to PU %d", pu);
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    int status = set ? hwloc_bitmap_only(set, (unsigned)pu) : -1;
    if (status == 0)
        status = hwloc_set_cpubind(topo->hwloc, set, HWLOC_CPUBIND_THREAD | HWLOC_CPUBIND_STRICT);
    int cause = errno;
    hwloc_bitmap_free(set);
    if (status != 0)
        return err_set(err, "cannot bind to PU %d: %s", pu, strerror(cause));
    return 0;
}
