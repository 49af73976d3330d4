/* Schedules whose next chunk depends on who asks and on what was measured. See sched.h.
 *
 * Each is a function of what all workers have reported, so that nothing but these reports and the
 * count of tasks handed out need be shared. What is not measured yet is taken to be as the average
 * of what is; times of zero, which a coarse clock gives, count as not measured.
 */
#include "sched/sched.h"
#include "sched/sched_private.h"

#include <stdlib.h>

/* --- weighted factoring ----------------------------------------------------------------------- */

/* K_j = ceil(0.5^(j+1) n/P), FAC2's chunk in closed form (distributed chunk calculation: Eleliemy &
 * Ciorba, arXiv 2101.07050). The closed form supposes that each batch hands out half of the rest,
 * which with weights holds only as long as the workers ask in turn: so the chunk is held between
 * what FAC2 gives at the beginning and at the end of a batch, ceil(R/2P) and ceil(R/P). */
static uint64_t batch_chunk(const struct sched *s, uint64_t n, uint64_t j, uint64_t left)
{
    uint64_t P = s->workers;
    uint64_t size = j < 40 ? divide_up(n, P << (j + 1)) : 1;
    return clamp_size(size, divide_up(left, 2 * P), divide_up(left, P));
}

static uint64_t weighted(double weight, uint64_t size, uint64_t left)
{
    return ceil_within(weight * (double)size, left);
}

/* The given weights, repeated over the workers and scaled so that they sum to P. */
static double given_weight(const struct sched *s, uint32_t worker)
{
    const struct sched_params *p = &s->params;
    if (p->n_weights == 0)
        return 1;
    double sum = 0;
    for (uint32_t k = 0; k < p->n_weights; k++) {
        uint32_t holders = s->workers / p->n_weights + (k < s->workers % p->n_weights);
        sum += holders * p->weights[k];
    }
    return s->workers * p->weights[worker % p->n_weights] / sum;
}

/* ceil(w_p K_j): weighted factoring, Hummel, Schmidt, Uma, Wein 1996. */
static uint64_t wf_size(const struct sched *s, uint32_t worker, uint64_t i, uint64_t left)
{
    return weighted(given_weight(s, worker), batch_chunk(s, s->n, i / s->workers, left), left);
}

/* Tasks per ns, later chunks counting for more: 1/π_p, π_p = Σ k t_pk / Σ k n_pk. 0: not measured.
 */
static double awf_rate(const struct sched *s, const struct sched_past *past)
{
    bool with_claims = s->kind == SCHED_AWF_D || s->kind == SCHED_AWF_E;
    double ns = with_claims ? past->weighted_total_ns : past->weighted_ns;
    return ns > 0 ? past->weighted_tasks / ns : 0;
}

/* w_p = M ρ_p / Σρ, ρ_p = mean(π)/π_p over the M workers that are measured; the mean cancels. */
static double awf_weight(const struct sched *s, uint32_t worker, const struct sched_past *pasts)
{
    double own = awf_rate(s, &pasts[worker]), sum = 0;
    uint32_t measured = 0;
    for (uint32_t q = 0; q < s->workers; q++) {
        double rate = awf_rate(s, &pasts[q]);
        sum += rate;
        measured += rate > 0;
    }
    return own > 0 ? measured * own / sum : 1;
}

/* Adaptive weighted factoring, Banicescu, Velusamy, Devaprasad 2003; variants B to E by Cariño &
 * Banicescu 2008. Everybody's first chunk is ceil(0.1 N/P). Then B and D: ceil(w_p K_j) with the
 * K_j of FAC2 for what the first chunks have left, the weight renewed each batch; C and E: ceil(w_p
 * ceil(R/2P)), the weight renewed each chunk. D and E count the time of claiming in. */
static uint64_t awf_size(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t i,
                         uint64_t left, const struct sched_past *pasts, struct sched_own *own)
{
    uint64_t P = s->workers, first = divide_up(s->n, 10 * P);
    if (turn == 0)
        return first;
    if (s->kind == SCHED_AWF_C || s->kind == SCHED_AWF_E)
        return weighted(awf_weight(s, worker, pasts), divide_up(left, 2 * P), left);
    uint64_t j = i / P, rest = s->n > P * first ? s->n - P * first : 0;
    if (own->weight == 0 || own->batch != j)
        *own = (struct sched_own){awf_weight(s, worker, pasts), j};
    return weighted(own->weight, batch_chunk(s, rest, j ? j - 1 : 0, left), left);
}

/* --- adaptive factoring ----------------------------------------------------------------------- */

/* Means and variances of a task's time. That of a worker is Σ n (x - mean)² / (parts - 1), which
 * estimates σ² without bias whatever the lengths n of the parts: the mean x of n tasks has variance
 * σ²/n. */
struct estimates {
    double mean;     /* of the worker that asks; where it has none, of all */
    double variance; /* the same; below 0: of nobody */
};

static bool has_mean(const struct sched_past *past)
{
    return past->parts > 0 && past->task_mean_ns > 0;
}

static double variance_of(const struct sched_past *past, double otherwise)
{
    return past->parts > 1 ? past->task_m2 / (double)(past->parts - 1) : otherwise;
}

static struct estimates estimate(const struct sched *s, const struct sched_past *pasts,
                                 uint32_t worker)
{
    double rates = 0, squares = 0, freedom = 0;
    uint32_t measured = 0;
    for (uint32_t q = 0; q < s->workers; q++) {
        if (!has_mean(&pasts[q]))
            continue;
        measured++;
        rates += 1 / pasts[q].task_mean_ns;
        squares += pasts[q].task_m2;
        freedom += (double)pasts[q].parts - 1;
    }
    struct estimates e = {measured ? measured / rates : 0, freedom > 0 ? squares / freedom : -1};
    if (has_mean(&pasts[worker])) {
        e.mean = pasts[worker].task_mean_ns;
        e.variance = variance_of(&pasts[worker], e.variance);
    }
    return e;
}

/* ceil((D + 2TR - √(D² + 4DTR)) / 2μ_p), D = Σ σ_q²/μ_q, T = 1/Σ(1/μ_q): Banicescu & Liu 2000;
 * written as 2T²R² / (μ_p (D + 2TR + √(D² + 4DTR))), which does not cancel. Everybody's first chunk
 * is ceil(0.1 N/P), and so are all until a time is known. A worker without a past is taken to be as
 * the one that asks. As long as nobody knows a spread, half of the proportional share T R/μ_p is
 * handed out, as in FAC2: without a spread the formula would hand out all that is left. */
static uint64_t af_size(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t left,
                        const struct sched_past *pasts)
{
    struct estimates own = estimate(s, pasts, worker);
    if (turn == 0 || own.mean == 0)
        return divide_up(s->n, 10 * (uint64_t)s->workers);
    double D = 0, rates = 0, R = (double)left;
    for (uint32_t q = 0; q < s->workers; q++) {
        bool known = has_mean(&pasts[q]);
        double mean = known ? pasts[q].task_mean_ns : own.mean;
        rates += 1 / mean;
        D += (known ? variance_of(&pasts[q], own.variance) : own.variance) / mean;
    }
    double TR = R / rates;
    if (own.variance < 0)
        return ceil_within(TR / (2 * own.mean), left);
    return ceil_within(2 * TR * TR / (own.mean * (D + 2 * TR + sqrt(D * D + 4 * D * TR))), left);
}

/* --- bold ------------------------------------------------------------------------------------- */

/* Tasks that are not done: `whole` counts a chunk until it is finished (M in the paper), `passing`
 * takes off what the workers should have done of theirs by now, a chunk of k tasks running at
 * k/(kμ + h) a ns (N in the paper). */
struct undone {
    double whole, passing;
};

static struct undone count_undone(const struct sched *s, const struct sched_past *pasts,
                                  double now_ns)
{
    struct undone u = {(double)s->n, (double)s->n};
    for (uint32_t q = 0; q < s->workers; q++) {
        const struct sched_past *past = &pasts[q];
        double running = past->assigned > past->tasks ? (double)(past->assigned - past->tasks) : 0;
        u.whole -= (double)past->tasks;
        u.passing -= (double)past->tasks;
        double needs_ns = running * s->params.mean + s->params.h, since = now_ns - past->asked_ns;
        if (running > 0 && needs_ns > 0 && since > 0)
            u.passing -= running * since / needs_ns;
    }
    return u;
}

/* The bold strategy: Hagerup, "Allocating Independent Tasks to Parallel Processors: An Experimental
 * Study", 1997. With Q = R/P and
 *
 *     a = 2(σ/μ)²   b = 8a ln 8a   c1 = h/(μ ln 2)   c2 = √(2π) c1   c3 = ln c2
 *     r = max(R, N)   t = r/P   v = Q/(b + Q)   d = R/(1 + 1/ln Q - v)
 *
 * the chunk is 1 where Q <= 1, ceil(t) where d <= c2, and else the lesser of t and
 *
 *     t + s/2 - √(s(t + s/4)) + max(0, c1 w)
 *     s = a (ln d - c3)(1 + M/(r P))   w = ln(v ln Q) + ln b, or ln ln Q where b <= 0
 *
 * rounded up (LB4OMP rounds down). t + s/2 - √(s(t + s/4)) is written as
 * t²/(t + s/2 + √(s(t + s/4))), which does not cancel. The paper keeps N and M up to date at each
 * request; here they follow from the reports, to the same effect. Where tasks do not differ,
 * a = b = s = 0; where handing out costs nothing, s is infinite and the chunk 1. */
static uint64_t bold_size(const struct sched *s, uint64_t left, const struct sched_past *pasts,
                          double now_ns)
{
    const struct sched_params *p = &s->params;
    double P = s->workers, R = (double)left, Q = R / P, ratio = p->sd / p->mean;
    if (Q <= 1)
        return 1;
    double a = 2 * ratio * ratio, b = a > 0 ? 8 * a * log(8 * a) : 0;
    double c1 = p->h / (p->mean * log(2)), c2 = sqrt(2 * acos(-1)) * c1;
    struct undone u = count_undone(s, pasts, now_ns);
    double r = u.passing > R ? u.passing : R, t = r / P;
    double v = Q / (b + Q), d = R / (1 + 1 / log(Q) - v);
    if (d <= c2)
        return ceil_within(t, left);
    double spread = a > 0 ? a * (log(d) - log(c2)) * (1 + u.whole / (r * P)) : 0;
    double w = b > 0 ? log(v * log(Q)) + log(b) : log(log(Q));
    double size = t * t / (t + spread / 2 + sqrt(spread * (t + spread / 4)));
    if (c1 > 0 && w > 0)
        size += c1 * w;
    return ceil_within(size < t ? size : t, left);
}

/* ---------------------------------------------------------------------------------------------- */

uint64_t sched_adaptive_size(const struct sched *s, uint32_t worker, uint64_t turn, uint64_t i,
                             uint64_t left, const struct sched_past *pasts, struct sched_own *own,
                             double now_ns)
{
    uint64_t size;
    switch (s->kind) {
    case SCHED_WF:
        size = wf_size(s, worker, i, left);
        break;
    case SCHED_AWF_B:
    case SCHED_AWF_C:
    case SCHED_AWF_D:
    case SCHED_AWF_E:
        size = awf_size(s, worker, turn, i, left, pasts, own);
        break;
    case SCHED_AF:
        size = af_size(s, worker, turn, left, pasts);
        break;
    case SCHED_BOLD:
        size = bold_size(s, left, pasts, now_ns);
        break;
    default:
        size = s->chunk;
    }
    return clamp_size(size, s->chunk, left);
}
