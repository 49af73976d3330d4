/* Schedules: the table, and the rules whose chunks are known beforehand. See sched.h.
 *
 * Formulas are in the symbols of sched.h; a fraction is rounded as the formula says. Divisions of
 * whole numbers are done in whole numbers, so that no size hangs on how a quotient is rounded.
 */
#include "sched/sched.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "sched/sched_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    H = SCHED_NEEDS_H,
    MEAN = SCHED_NEEDS_MEAN,
    SD = SCHED_NEEDS_SD,
};

const struct sched_rule sched_table[] = {
    {SCHED_STATIC, "static", "equal blocks, or blocks of the chunk in turn, fixed before the start",
     SCHED_FIXED, 0, true, true, ""},
    {SCHED_DYNAMIC, "dynamic", "the next chunk goes to whoever is free", SCHED_CONSTANT, 0, true,
     true, ""},
    {SCHED_POOL, "pool", "as dynamic with ceil(N/4P), the default of Python's Pool.map",
     SCHED_CONSTANT, 0, false, true, ""},
    {SCHED_GUIDED, "guided", "ceil(left/P), never below the chunk", SCHED_SEQUENCE, 0, true, true,
     ""},
    {SCHED_GUIDED_LLVM, "guided-llvm",
     "guided as in LLVM's libomp: half an equal share of the rest", SCHED_SEQUENCE, 0, true, false,
     ""},
    {SCHED_FSC, "fsc", "fixed-size chunks, the best size for h and sd (Kruskal & Weiss)",
     SCHED_CONSTANT, H | SD, true, false, "h mean sd"},
    {SCHED_MFSC, "mfsc", "fixed-size chunks without h and sd, as many as factoring makes",
     SCHED_CONSTANT, 0, true, false, ""},
    {SCHED_TSS, "tss", "trapezoid: chunks that shrink by a fixed step", SCHED_SEQUENCE, 0, true,
     false, ""},
    {SCHED_FAC, "fac", "factoring: batches of P equal chunks, sized by mean and sd", SCHED_SEQUENCE,
     MEAN | SD, true, false, "mean sd"},
    {SCHED_FAC2, "fac2", "factoring by halves: each batch is half of the rest", SCHED_SEQUENCE, 0,
     true, false, ""},
    {SCHED_TAP, "tap", "tapering: guided, less a margin for the spread of task times",
     SCHED_SEQUENCE, MEAN | SD, true, false, "mean sd alpha"},
    {SCHED_FISS, "fiss", "batches whose chunks grow by a fixed step", SCHED_SEQUENCE, 0, true,
     false, "stages"},
    {SCHED_VISS, "viss", "batches whose chunks grow by half the last step", SCHED_SEQUENCE, 0, true,
     false, "x"},
    {SCHED_TFSS, "tfss", "batches of P equal chunks, as large as P of tss", SCHED_SEQUENCE, 0, true,
     false, ""},
    {SCHED_PLS, "pls", "a share dealt out in equal blocks, the rest guided", SCHED_SEQUENCE, 0,
     true, false, "share"},
    {SCHED_RND, "rnd", "sizes at random between the chunk and an equal share", SCHED_SEQUENCE, 0,
     true, false, "seed"},
    {SCHED_WF, "wf", "fac2, each worker's chunk times its given weight", SCHED_ADAPTIVE, 0, true,
     false, "weights"},
    {SCHED_AWF_B, "awf-b", "fac2 by weights that are measured, renewed each batch", SCHED_ADAPTIVE,
     0, true, false, ""},
    {SCHED_AWF_C, "awf-c", "as awf-b, renewed each chunk", SCHED_ADAPTIVE, 0, true, false, ""},
    {SCHED_AWF_D, "awf-d", "as awf-b, with the time of claiming counted in", SCHED_ADAPTIVE, 0,
     true, false, ""},
    {SCHED_AWF_E, "awf-e", "as awf-c, with the time of claiming counted in", SCHED_ADAPTIVE, 0,
     true, false, ""},
    {SCHED_AF, "af", "adaptive factoring by each worker's measured mean and spread", SCHED_ADAPTIVE,
     0, true, false, ""},
    {SCHED_BOLD, "bold", "bold chunks by h, mean, sd and what is under way (Hagerup)",
     SCHED_ADAPTIVE, H | MEAN | SD, true, false, "h mean sd"},
    {SCHED_STEAL, "steal", "a block for each worker; whoever is out steals half of another's rest",
     SCHED_RANGES, 0, true, false, ""},
    {SCHED_AUTO, "auto", "whatever the OpenMP runtime chooses", SCHED_RUNTIMES, 0, false, true, ""},
    {SCHED_TASKLOOP, "taskloop", "OpenMP's taskloop; the chunk is its grainsize", SCHED_RUNTIMES, 0,
     true, true, ""},
    {SCHED_TASKS, "tasks", "OpenMP tasks, each of a chunk of the list", SCHED_RUNTIMES, 0, true,
     true, ""},
    {0},
};

const struct sched_rule *sched_rule_of(enum sched_kind kind)
{
    const struct sched_rule *rule = sched_table;
    while (rule->name && rule->kind != kind)
        rule++;
    return rule;
}

/* --- CONSTANT --------------------------------------------------------------------------------- */

/* ceil(N/4P), as Pool.map computes it when it is given no chunk (CPython, Lib/multiprocessing/
 * pool.py). */
static uint64_t pool_size(uint64_t n, uint32_t workers)
{
    return divide_up(n, 4 * (uint64_t)workers);
}

/* ceil((√2 N h / (σ P √ln P))^(2/3)): Kruskal & Weiss, "Allocating Independent Subtasks on Parallel
 * Processors", 1985. At most an equal share, beyond which workers would be left without any: that
 * is the size where tasks do not differ (σ = 0) or there is one worker. 1 where handing out costs
 * nothing. */
static uint64_t fsc_size(uint64_t n, uint32_t workers, const struct sched_params *p)
{
    uint64_t share = divide_up(n, workers);
    if (p->h == 0)
        return 1;
    if (workers == 1 || p->sd == 0)
        return isnan(p->h) ? 1 : share;
    double P = workers;
    double ratio = sqrt(2) * (double)n * p->h / (p->sd * P * sqrt(log(P)));
    return ceil_within(pow(ratio, 2.0 / 3), share);
}

/* floor(0.55 + t ln 2 / ln t), t = ceil(N/P): about as many chunks as FAC2 makes (Banicescu,
 * Ciorba and others; the form is that of LB4OMP). 1 for t = 1, where ln t is 0. */
static uint64_t mfsc_size(uint64_t n, uint32_t workers)
{
    uint64_t t = divide_up(n, workers);
    return t < 2 ? 1 : (uint64_t)(0.55 + (double)t * log(2) / log((double)t));
}

/* --- SEQUENCE --------------------------------------------------------------------------------- */

/* ceil(R/P): guided self-scheduling, Polychronopoulos & Kuck 1987; libgomp's iter.c. */
static uint64_t guided_size(const struct sched *s, uint64_t i, uint64_t left)
{
    (void)i;
    return divide_up(left, s->workers);
}

/* floor(R/2P), and c once R < 2P(c+1); one worker takes all: libomp's kmp_dispatch.cpp
 * (kmp_sch_guided_iterative_chunked). The quotient is a product with 0.5/P there, which can be one
 * less where 2P divides R (first for P = 49), and so it is here. */
static uint64_t guided_llvm_size(const struct sched *s, uint64_t i, uint64_t left)
{
    (void)i;
    if (s->workers == 1)
        return left;
    if (left < 2 * s->workers * (s->chunk + 1))
        return s->chunk;
    return (uint64_t)((double)left * (0.5 / s->workers));
}

/* ceil(t + v²/2 - v √(2t + v²/4)), t = R/P, v = α σ/μ: tapering, Lucco 1992. */
static uint64_t tap_size(const struct sched *s, uint64_t i, uint64_t left)
{
    (void)i;
    double t = (double)left / s->workers, v = s->params.alpha * s->params.sd / s->params.mean;
    return ceil_within(t + v * v / 2 - v * sqrt(2 * t + v * v / 4), left);
}

/* Trapezoid self-scheduling, Tzen & Ni 1993: first f = ceil(N/2P), last l = c, n = ceil(2N/(f+l))
 * chunks, step δ = floor((f-l)/(n-1)). The paper's step is a fraction; implementations, and the
 * tables in the literature (125 117 109 ... for N = 1000, P = 4), round it down. */
struct trapezoid {
    uint64_t first, last, step;
    uint64_t full; /* chunks above `last`: f - iδ for i < full */
};

static struct trapezoid trapezoid_of(const struct sched *s)
{
    struct trapezoid t = {.first = divide_up(s->n, 2 * (uint64_t)s->workers)};
    t.last = s->chunk < t.first ? s->chunk : t.first;
    uint64_t chunks = divide_up(2 * s->n, t.first + t.last);
    t.step = chunks > 1 ? (t.first - t.last) / (chunks - 1) : 0;
    t.full = t.step ? divide_up(t.first - t.last, t.step) : 0;
    if (t.step == 0)
        t.last = t.first;
    return t;
}

/* f - iδ, at least l: see above. */
static uint64_t tss_size(const struct sched *s, uint64_t i, uint64_t left)
{
    (void)left;
    struct trapezoid t = trapezoid_of(s);
    return i < t.full ? t.first - i * t.step : t.last;
}

/* floor of the mean of the chunks jP .. jP+P-1 of TSS: trapezoid factoring, Chronopoulos,
 * Andonie, Benche, Grosu 2001. */
static uint64_t tfss_size(const struct sched *s, uint64_t j, uint64_t left)
{
    (void)left;
    struct trapezoid t = trapezoid_of(s);
    uint64_t P = s->workers, from = j * P;
    uint64_t full = from >= t.full ? 0 : t.full - from < P ? t.full - from : P;
    uint64_t sum = (P - full) * t.last;
    if (full)
        sum += full * (t.first - from * t.step) - t.step * (full * (full - 1) / 2);
    return sum / P;
}

/* ceil(R_j/(x_j P)), b = Pσ/(2μ√R_j), x_0 = 1 + b² + b√(b²+2), x_j = 2 + b² + b√(b²+4): factoring,
 * Hummel, Schonberg, Flynn 1992. */
static uint64_t fac_size(const struct sched *s, uint64_t j, uint64_t left)
{
    double P = s->workers, R = (double)left;
    double b = P * s->params.sd / (2 * s->params.mean * sqrt(R));
    double least = j == 0 ? 1 : 2;
    double x = least + b * b + b * sqrt(b * b + 2 * least);
    return ceil_within(R / (x * P), left);
}

/* ceil(R_j/2P): factoring with x = 2, same source. */
static uint64_t fac2_size(const struct sched *s, uint64_t j, uint64_t left)
{
    (void)j;
    return divide_up(left, 2 * (uint64_t)s->workers);
}

/* K_0 + j δ, K_0 = floor(N/((2+B)P)), δ = floor(2N(1 - B/(2+B)) / (P B(B-1))), B stages: fixed
 * increase, Philip & Das 1997. */
static uint64_t fiss_size(const struct sched *s, uint64_t j, uint64_t left)
{
    (void)left;
    uint64_t B = s->params.stages, P = s->workers;
    return s->n / ((2 + B) * P) + j * (4 * s->n / ((2 + B) * P * B * (B - 1)));
}

/* floor(K_0 (1 - 0.5^(j+1)) / 0.5) = 2K_0 - ceil(K_0/2^j), K_0 = ceil(N/(X P)): variable increase,
 * same source. */
static uint64_t viss_size(const struct sched *s, uint64_t j, uint64_t left)
{
    (void)left;
    uint64_t first = divide_up(s->n, s->params.x * s->workers);
    return 2 * first - (j < 63 ? divide_up(first, UINT64_C(1) << j) : 1);
}

/* P chunks of ceil(share N/P), then ceil(R/P): performance-based loop scheduling, Shih, Yang,
 * Tseng 2007. */
static uint64_t pls_size(const struct sched *s, uint64_t i, uint64_t left)
{
    if (i < s->workers && s->params.share > 0)
        return ceil_within(s->params.share * (double)s->n / s->workers, left);
    return guided_size(s, i, left);
}

/* Uniform in [c, ceil(N/P)], by a hash of (seed, i), so that all workers see the same: random
 * self-scheduling, Ciorba, Iwainsky, Buder 2018, whose bounds are an option. */
static uint64_t rnd_size(const struct sched *s, uint64_t i, uint64_t left)
{
    (void)left;
    uint64_t low = s->chunk, high = divide_up(s->n, s->workers);
    if (high <= low)
        return low;
    return low + (uint64_t)(rng_mix_unit(s->params.seed, i) * (double)(high - low + 1));
}

/* The rules of SEQUENCE. `number` is i, or where all P chunks of a batch have one size j; `left` is
 * R, or where there are batches R when the batch begins. */
static const struct {
    uint64_t (*size)(const struct sched *s, uint64_t number, uint64_t left);
    bool in_batches;
} sequences[] = {
    [SCHED_GUIDED] = {guided_size, false}, [SCHED_GUIDED_LLVM] = {guided_llvm_size, false},
    [SCHED_TSS] = {tss_size, false},       [SCHED_FAC] = {fac_size, true},
    [SCHED_FAC2] = {fac2_size, true},      [SCHED_TAP] = {tap_size, false},
    [SCHED_FISS] = {fiss_size, true},      [SCHED_VISS] = {viss_size, true},
    [SCHED_TFSS] = {tfss_size, true},      [SCHED_PLS] = {pls_size, false},
    [SCHED_RND] = {rnd_size, false},
};

/* --- one list --------------------------------------------------------------------------------- */

struct sched sched_make(const struct sched_spec *spec, uint64_t n, uint32_t workers, uint64_t chunk)
{
    enum sched_kind kind = spec->rule->kind;
    assert(workers >= 1 && spec->params.stages >= 2 && spec->params.x >= 1);
    struct sched s = {.kind = kind,
                      .class = spec->rule->class,
                      .n = n,
                      .workers = workers,
                      .chunk = spec->rule->takes_chunk ? chunk : 0,
                      .params = spec->params};
    uint64_t own = 0;
    if (kind == SCHED_POOL)
        own = pool_size(n, workers);
    else if (kind == SCHED_FSC)
        own = fsc_size(n, workers, &s.params);
    else if (kind == SCHED_MFSC)
        own = mfsc_size(n, workers);
    else if (kind == SCHED_STATIC && chunk == 0) {
        own = divide_up(n, workers);
        s.blocks = true;
    } else if (kind == SCHED_TASKLOOP && chunk == 0)
        s.blocks = true;
    if (s.chunk < own)
        s.chunk = own;
    /* A chunk beyond n is one chunk of n; clamping it keeps the shared counter far from overflow.
     */
    if (s.chunk > n)
        s.chunk = n;
    if (s.chunk == 0)
        s.chunk = 1;
    return s;
}

struct sched sched_resolve(enum sched_kind kind, uint64_t n, uint32_t workers, uint64_t chunk)
{
    struct sched_spec spec = sched_spec_default(kind);
    return sched_make(&spec, n, workers, chunk);
}

bool sched_is_known(const struct sched *s)
{
    struct sched_spec spec = {sched_rule_of(s->kind), s->params};
    return (s->class & (SCHED_FIXED | SCHED_CONSTANT | SCHED_SEQUENCE)) &&
           sched_spec_check_complete(&spec, NULL) == 0;
}

/* --- chunks ----------------------------------------------------------------------------------- */

uint64_t sched_size(const struct sched *s, uint64_t left)
{
    uint64_t size = s->class == SCHED_SEQUENCE ? sequences[s->kind].size(s, 0, left) : s->chunk;
    return clamp_size(size, s->chunk, left);
}

static uint64_t batch_size(const struct sched *s, struct sched_walk *walk, uint64_t left)
{
    if (walk->in_batch == 0) {
        walk->in_batch = s->workers;
        walk->size = sequences[s->kind].size(s, walk->i / s->workers, left);
    }
    walk->in_batch--;
    return walk->size;
}

bool sched_walk(const struct sched *s, struct sched_walk *walk, uint64_t *first, uint64_t *count)
{
    if (walk->next >= s->n)
        return false;
    uint64_t left = s->n - walk->next, size = s->chunk;
    if (s->class == SCHED_SEQUENCE)
        size = sequences[s->kind].in_batches ? batch_size(s, walk, left)
                                             : sequences[s->kind].size(s, walk->i, left);
    *first = walk->next;
    *count = clamp_size(size, s->chunk, left);
    walk->next += *count;
    walk->i++;
    return true;
}

int sched_table_fill(struct sched_table *table, const struct sched *s, struct err *err)
{
    struct sched_walk walk = {0};
    uint64_t first, count;
    table->n_chunks = 0;
    for (;;) {
        bool more = sched_walk(s, &walk, &first, &count);
        table->starts =
            alloc_room(table->starts, table->n_chunks, &table->capacity, sizeof *table->starts);
        table->starts[table->n_chunks] = more ? first : s->n;
        if (!more)
            return 0;
        if (++table->n_chunks > SCHED_MOST_CHUNKS)
            return err_set(err,
                           "schedule %s cuts %" PRIu64 " tasks into more than %d chunks; give a "
                           "larger chunk",
                           sched_rule_of(s->kind)->name, s->n, SCHED_MOST_CHUNKS);
    }
}

void sched_table_release(struct sched_table *table)
{
    free(table->starts);
    *table = (struct sched_table){0};
}

bool sched_static_chunk(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t *first,
                        uint64_t *count)
{
    if (s->blocks) {
        /* libgomp's split (iter.c): the first n mod P workers get floor(n/P) + 1. */
        uint64_t share = s->n / s->workers, more = s->n % s->workers;
        *first = share * worker + (worker < more ? worker : more);
        *count = share + (worker < more);
        return turn == 0 && *count > 0;
    }
    uint64_t n_chunks = divide_up(s->n, s->chunk);
    if (worker >= n_chunks || turn > (n_chunks - 1 - worker) / s->workers)
        return false;
    *first = (turn * s->workers + worker) * s->chunk;
    *count = s->n - *first < s->chunk ? s->n - *first : s->chunk;
    return true;
}
