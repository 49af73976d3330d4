/* The loops of the OpenMP runtime that this program is linked with, beside our rules.
 *
 * The runtime's entry points for `omp for schedule(runtime)` are called directly, as compiled loops
 * call them, since they show where each chunk begins and ends: those of libgomp, which LLVM's
 * libomp has too, and where clang compiles this, those of libomp. For many lists (kind, N, P, c)
 *
 *   static             each thread's chunks must be those of sched_static_chunk, in turn
 *   dynamic, guided    all threads' chunks in order must be those of sched_walk, whoever took them,
 *                      and each thread's must rise; libomp's guided is our guided-llvm
 *
 * A single thread gets the whole list at once under libgomp's static and under all of libomp's.
 *
 * Prints "N passed, N failed", lists counted.
 */
#include "base/rng.h"
#include "sched/sched.h"

#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_P = 16, ODD_P = 49, MOST_N = 6000, N_LISTS = 250, MOST_SHOWN = 10 };

struct list {
    enum sched_kind kind;
    uint64_t n, chunk; /* chunk 0: none is given */
    uint32_t workers;
};

/* What a thread got, in the order in which it got it. */
struct trace {
    long first[MOST_N], end[MOST_N];
    int n;
};

static struct trace traces[ODD_P];

static void note(struct trace *trace, long first, long end)
{
    if (trace->n < MOST_N) {
        trace->first[trace->n] = first;
        trace->end[trace->n] = end;
    }
    trace->n++;
}

/* --- doors to the runtime --------------------------------------------------------------------- */

bool GOMP_loop_maybe_nonmonotonic_runtime_start(long start, long end, long step, long *first,
                                                long *last);
bool GOMP_loop_maybe_nonmonotonic_runtime_next(long *first, long *last);
void GOMP_loop_end_nowait(void);

static void trace_gomp(struct trace *trace, const struct list *list)
{
    long first, end;
    bool more = GOMP_loop_maybe_nonmonotonic_runtime_start(0, (long)list->n, 1, &first, &end);
    for (; more; more = GOMP_loop_maybe_nonmonotonic_runtime_next(&first, &end))
        note(trace, first, end);
    GOMP_loop_end_nowait();
}

#ifdef __clang__
struct kmp_ident {
    int32_t reserved, flags, more[2];
    const char *source;
};

int32_t __kmpc_global_thread_num(struct kmp_ident *ident);
void __kmpc_dispatch_init_8(struct kmp_ident *ident, int32_t thread, int32_t schedule, int64_t low,
                            int64_t high, int64_t step, int64_t chunk);
int __kmpc_dispatch_next_8(struct kmp_ident *ident, int32_t thread, int32_t *is_last, int64_t *low,
                           int64_t *high, int64_t *step);

static void trace_kmpc(struct trace *trace, const struct list *list)
{
    enum { RUNTIME = 37, NONMONOTONIC = 1 << 30 }; /* as clang writes for schedule(runtime) */
    struct kmp_ident ident = {0, 2, {0, 0}, ";trace;trace;0;0;;"};
    int32_t thread = __kmpc_global_thread_num(&ident), is_last;
    int64_t low, high, step;
    __kmpc_dispatch_init_8(&ident, thread, RUNTIME | NONMONOTONIC, 0, (int64_t)list->n - 1, 1, 1);
    while (__kmpc_dispatch_next_8(&ident, thread, &is_last, &low, &high, &step))
        note(trace, low, high + 1);
}
#endif

static const struct door {
    const char *name;
    void (*trace)(struct trace *trace, const struct list *list);
} doors[] = {
    {"GOMP_loop", trace_gomp},
#ifdef __clang__
    {"__kmpc_dispatch", trace_kmpc},
#endif
};

/* --- our rules -------------------------------------------------------------------------------- */

#ifdef __clang__
static const bool is_libomp = true;
#else
static const bool is_libomp = false;
#endif

static bool is_static_as_ours(const struct sched *s)
{
    for (uint32_t w = 0; w < s->workers; w++) {
        uint64_t first, count, turn = 0;
        for (; sched_static_chunk(s, w, turn, &first, &count); turn++) {
            if (turn >= (uint64_t)traces[w].n || traces[w].first[turn] != (long)first ||
                traces[w].end[turn] != (long)(first + count))
                return false;
        }
        if (turn != (uint64_t)traces[w].n)
            return false;
    }
    return true;
}

static bool is_shared_as_ours(const struct sched *s)
{
    struct sched_walk walk = {0};
    uint64_t first, count;
    int at[ODD_P] = {0};
    while (sched_walk(s, &walk, &first, &count)) {
        uint32_t w = 0;
        while (w < s->workers && (at[w] == traces[w].n || traces[w].first[at[w]] != (long)first))
            w++;
        if (w == s->workers || traces[w].end[at[w]++] != (long)(first + count))
            return false;
    }
    for (uint32_t w = 0; w < s->workers; w++)
        if (at[w] != traces[w].n)
            return false;
    return true;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void show(const struct door *door, const struct list *list)
{
    printf("not ok: %s, %s, N %" PRIu64 ", P %" PRIu32 ", c %" PRIu64 ":\n", door->name,
           sched_rule_of(list->kind)->name, list->n, list->workers, list->chunk);
    for (uint32_t w = 0; w < list->workers; w++) {
        printf("  thread %" PRIu32 ":", w);
        for (int k = 0; k < traces[w].n && k < MOST_SHOWN; k++)
            printf(" [%ld, %ld)", traces[w].first[k], traces[w].end[k]);
        printf("%s\n", traces[w].n > MOST_SHOWN ? " ..." : "");
    }
}

static bool is_all_at_once(const struct sched *s)
{
    return s->workers == 1 && (is_libomp || s->kind == SCHED_STATIC) && traces[0].n == (s->n > 0) &&
           (s->n == 0 || (traces[0].first[0] == 0 && traces[0].end[0] == (long)s->n));
}

static bool check(const struct door *door, const struct list *list)
{
    static const omp_sched_t kinds[] = {[SCHED_STATIC] = omp_sched_static,
                                        [SCHED_DYNAMIC] = omp_sched_dynamic,
                                        [SCHED_GUIDED] = omp_sched_guided};
    bool is_guided = list->kind == SCHED_GUIDED;
    struct sched s = sched_resolve(is_guided && is_libomp ? SCHED_GUIDED_LLVM : list->kind, list->n,
                                   list->workers, list->chunk);
    omp_set_schedule(kinds[list->kind], (int)list->chunk);
    for (int w = 0; w < ODD_P; w++)
        traces[w].n = 0;
    int threads = 0;
#pragma omp parallel num_threads(list->workers)
    {
        int w = omp_get_thread_num();
        door->trace(&traces[w], list);
        if (w == 0)
            threads = omp_get_num_threads();
    }
    return threads == (int)list->workers &&
           (is_all_at_once(&s) ||
            (s.class == SCHED_FIXED ? is_static_as_ours(&s) : is_shared_as_ours(&s)));
}

static struct list draw_list(struct rng *rng, uint32_t workers)
{
    static const enum sched_kind kinds[] = {SCHED_STATIC, SCHED_DYNAMIC, SCHED_GUIDED};
    struct list list = {.kind = kinds[rng_below(rng, 3)], .workers = workers};
    uint64_t most = rng_below(rng, 3) ? 60 : MOST_N;
    list.n = rng_below(rng, most);
    list.chunk = rng_below(rng, rng_below(rng, 2) ? 8 : list.n + 10);
    return list;
}

struct count {
    int passed, failed;
};

static void try(struct count *count, const struct list *list)
{
    for (size_t d = 0; d < sizeof doors / sizeof *doors; d++) {
        bool good = check(&doors[d], list);
        if (!good && count->failed < MOST_SHOWN)
            show(&doors[d], list);
        count->passed += good;
        count->failed += !good;
    }
}

int main(void)
{
    struct count count = {0, 0};
    struct rng rng;
    rng_seed(&rng, 1);
    omp_set_dynamic(0);
#ifdef __clang__
    kmp_set_blocktime(0);
#endif
    for (uint32_t workers = 1; workers <= MOST_P; workers++) {
        for (int k = 0; k < N_LISTS; k++) {
            struct list list = draw_list(&rng, workers);
            try(&count, &list);
        }
    }
    /* Quotients R/2P that libomp's product with 0.5/P falls short of. */
    for (uint64_t k = 1; k <= 40; k++) {
        struct list list = {SCHED_GUIDED, k * 2 * ODD_P, 1, ODD_P};
        try(&count, &list);
    }
    printf("%d passed, %d failed\n", count.passed, count.failed);
    return count.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
