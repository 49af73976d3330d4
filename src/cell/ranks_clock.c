/* Synchronised clocks of MPI ranks: see ranks_clock.h.
 *
 * One rank of each machine, its leader, learns the root's time; the others of the machine get its
 * model. Leaders learn hierarchically: in round k those numbered below 2^k, who know the root's
 * time already, serve one of the next 2^k each. Who serves answers with the root's time by its own
 * model, so models compose along the tree by themselves, and with the bound on its error at that
 * moment. This is HCA3 (S. Hunold, A. Carpen-Amarie: Hierarchical clock synchronization in MPI,
 * CLUSTER 2018), but for the fit, which here comes with bounds that hold, and uses earlier rounds
 * too.
 *
 * An exchange: sent at local time a, stamped r by the server, back at local time b. So the root's
 * time was r at some local time between a and b: its offset is r - (a+b)/2, wrong by at most
 * (b-a)/2 + the server's own bound, however unlike the ways there and back are. Of a burst the
 * exchange with the least bound counts. A line through bursts at several moments, by least squares
 * with weights 1/bound², is the model. No line outside of [lo, hi] meets the bounds of every two
 * bursts, which bounds the drift; the offset is bounded by one more burst after the fit, or by an
 * earlier one if that is better: |model - seen| + its bound. The longer the time that the bursts
 * span the narrower the drift's, so those of earlier calls are kept, and calls become rare as the
 * drift becomes known. Where no line meets all bounds, a clock has changed its rate: what was seen
 * before is forgotten. */
#include "cell/ranks_clock.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "cell/ranks_node.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BURSTS = 8,
    EXCHANGES = 10,         /* of a burst */
    BURST_NAP_NS = 2000000, /* between two bursts */
    SPIN_NS = 30000,        /* a wait spins, */
    YIELD_NS = 3000000,     /* then gives the CPU away, */
    NAP_NS = 50000,         /* then naps */
};

static const uint64_t DUE_NS = 5000000000u, DUE_LEAST_NS = 100000000;
static const uint64_t OLD_NS = 60000000000u; /* a clock's rate may have changed since */
static const double MOST_DRIFT = 1e-3;       /* of two clocks that work; NTP allows 500 ppm */

/* --- local time ------------------------------------------------------------------------------- */

/* The clock of this machine as a reading of CLOCK_MONOTONIC gives it: the same but in tests. */
static uint64_t skewed(const struct ranks_clock *clock, uint64_t ns)
{
    return ns + (uint64_t)clock->skew_ns + (uint64_t)(int64_t)(clock->skew_rate * (double)ns);
}

static uint64_t unskewed(const struct ranks_clock *clock, uint64_t ns)
{
    if (clock->skew_rate == 0)
        return ns - (uint64_t)clock->skew_ns;
    return (uint64_t)((double)(ns - (uint64_t)clock->skew_ns) / (1 + clock->skew_rate));
}

static uint64_t local_now(const struct ranks_clock *clock)
{
    return skewed(clock, clock_now_ns());
}

static void read_skew(struct ranks_clock *clock)
{
    const char *text = getenv("POOLMARK_CLOCK_SKEW");
    double offset_ns = 0, drift_ppm = 0;
    if (text && sscanf(text, "%lf,%lf", &offset_ns, &drift_ppm) == 2) {
        clock->skew_ns = (int64_t)(offset_ns * clock->number);
        clock->skew_rate = drift_ppm * 1e-6 * clock->number;
    }
}

/* --- models ----------------------------------------------------------------------------------- */

static double since_anchor(const struct clock_model *model, uint64_t local_ns)
{
    return (double)(int64_t)(local_ns - model->anchor_ns);
}

static int64_t model_offset(const struct clock_model *model, uint64_t local_ns)
{
    return model->offset_ns + (int64_t)(model->drift * since_anchor(model, local_ns));
}

static uint64_t model_error(const struct clock_model *model, uint64_t local_ns)
{
    double age = since_anchor(model, local_ns);
    return model->error_ns + (uint64_t)(model->drift_error * (age < 0 ? -age : age));
}

/* Narrows [*lo, *hi] to the drifts that two points allow. */
static void bound_drift(const struct clock_point *a, const struct clock_point *b, double *lo,
                        double *hi)
{
    double ns = (double)(b->local_ns - a->local_ns);
    double rise = (double)(b->offset_ns - a->offset_ns), half = (double)(a->half_ns + b->half_ns);
    if (ns <= 0)
        return;
    if ((rise - half) / ns > *lo)
        *lo = (rise - half) / ns;
    if ((rise + half) / ns < *hi)
        *hi = (rise + half) / ns;
}

/* The line through n points, anchored at the last one; its error is still to be found. Returns
 * false when no line meets the bounds of all. */
static bool fit(const struct clock_point *points, size_t n, struct clock_model *model)
{
    const struct clock_point *last = &points[n - 1];
    double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, lo = -MOST_DRIFT, hi = MOST_DRIFT;
    for (size_t i = 0; i < n; i++) {
        const struct clock_point *p = &points[i];
        double x = -(double)(last->local_ns - p->local_ns);
        double y = (double)(p->offset_ns - last->offset_ns);
        double w = 1 / ((double)p->half_ns * (double)p->half_ns);
        sw += w, sx += w * x, sy += w * y, sxx += w * x * x, sxy += w * x * y;
        for (size_t j = i + 1; j < n; j++)
            bound_drift(p, &points[j], &lo, &hi);
    }
    double spread = sw * sxx - sx * sx;
    double drift = spread > 0 ? (sw * sxy - sx * sy) / spread : 0;
    drift = drift < lo ? lo : drift > hi ? hi : drift;
    *model = (struct clock_model){
        .anchor_ns = last->local_ns,
        .offset_ns = last->offset_ns + (int64_t)((sy - drift * sx) / sw),
        .drift = drift,
        .drift_error = drift - lo > hi - drift ? drift - lo : hi - drift,
    };
    return lo <= hi;
}

/* --- exchanges -------------------------------------------------------------------------------- */

struct stamp {
    uint64_t root_ns, error_ns;
};

enum { TAG_PING, TAG_STAMP };
enum { PING_STAMP, PING_END };

/* Waits outside of MPI, where a wait would spin for as long as it lasts. */
static void await(MPI_Request *request)
{
    uint64_t since = clock_now_ns();
    for (;;) {
        int is_done = 0;
        MPI_Test(request, &is_done, MPI_STATUS_IGNORE);
        if (is_done)
            return;
        uint64_t waited = clock_now_ns() - since;
        if (waited > YIELD_NS)
            clock_sleep_ns(NAP_NS);
        else if (waited > SPIN_NS)
            sched_yield();
    }
}

static void receive(MPI_Comm comm, int from, int tag, void *data, int bytes)
{
    MPI_Request request;
    MPI_Irecv(data, bytes, MPI_BYTE, from, tag, comm, &request);
    await(&request);
}

static struct clock_point exchange(const struct ranks_clock *clock, int server)
{
    char ping = PING_STAMP;
    struct stamp stamp;
    uint64_t sent = local_now(clock);
    MPI_Send(&ping, 1, MPI_BYTE, server, TAG_PING, clock->leaders);
    receive(clock->leaders, server, TAG_STAMP, &stamp, sizeof stamp);
    uint64_t half = (local_now(clock) - sent + 1) / 2;
    return (struct clock_point){
        .local_ns = sent + half,
        .offset_ns = (int64_t)(stamp.root_ns - (sent + half)),
        .half_ns = half + stamp.error_ns + 1, /* of rounding */
    };
}

static struct clock_point best_of_burst(const struct ranks_clock *clock, int server)
{
    struct clock_point best = exchange(clock, server);
    for (int i = 1; i < EXCHANGES; i++) {
        struct clock_point point = exchange(clock, server);
        if (point.half_ns < best.half_ns)
            best = point;
    }
    return best;
}

static void add_point(struct ranks_clock *clock, const struct clock_point *point)
{
    size_t drop = clock->n_points == CLOCK_MOST_POINTS;
    while (drop < clock->n_points && point->local_ns - clock->points[drop].local_ns > OLD_NS)
        drop++;
    clock->n_points -= drop;
    for (size_t i = 0; i < clock->n_points; i++)
        clock->points[i] = clock->points[i + drop];
    clock->points[clock->n_points++] = *point;
}

/* The bound on the offset at the anchor: what the model misses a point by, and the point's own, at
 * most; carried from there to the anchor. Each point gives a bound that holds; the least counts. */
static uint64_t error_by(const struct ranks_clock *clock)
{
    const struct clock_model *model = &clock->model;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < clock->n_points; i++) {
        const struct clock_point *p = &clock->points[i];
        int64_t off = model_offset(model, p->local_ns) - p->offset_ns;
        double carried = model->drift_error * -since_anchor(model, p->local_ns);
        uint64_t error = (uint64_t)(off < 0 ? -off : off) + p->half_ns + (uint64_t)carried;
        least = error < least ? error : least;
    }
    return least;
}

/* Learns the root's time from a leader that knows it. */
static void learn(struct ranks_clock *clock, int server)
{
    struct clock_point point;
    struct clock_model model;
    for (int i = 0; i < BURSTS; i++) {
        point = best_of_burst(clock, server);
        add_point(clock, &point);
        clock_sleep_ns(BURST_NAP_NS);
    }
    if (!fit(clock->points, clock->n_points, &model)) {
        for (size_t i = 0; i < BURSTS; i++)
            clock->points[i] = clock->points[clock->n_points - BURSTS + i];
        clock->n_points = BURSTS;
        fit(clock->points, clock->n_points, &model);
    }
    point = best_of_burst(clock, server);
    add_point(clock, &point);
    clock->model = model;
    clock->model.offset_ns = model_offset(&model, point.local_ns);
    clock->model.anchor_ns = point.local_ns;
    clock->model.error_ns = error_by(clock);
    char end = PING_END;
    MPI_Send(&end, 1, MPI_BYTE, server, TAG_PING, clock->leaders);
}

static void serve(const struct ranks_clock *clock, int learner)
{
    for (;;) {
        char ping;
        receive(clock->leaders, learner, TAG_PING, &ping, 1);
        if (ping == PING_END)
            return;
        uint64_t now = local_now(clock);
        struct stamp stamp = {now + (uint64_t)model_offset(&clock->model, now),
                              model_error(&clock->model, now)};
        MPI_Send(&stamp, sizeof stamp, MPI_BYTE, learner, TAG_STAMP, clock->leaders);
    }
}

/* Tells the root how wrong the worst of all leaders may be. */
static void gather_worst(struct ranks_clock *clock)
{
    struct clock_model mine = clock->model, *all = NULL;
    mine.anchor_ns += (uint64_t)mine.offset_ns; /* on the root's clock */
    if (clock->number == 0)
        all = alloc_zeroed((size_t)clock->nodes, sizeof *all);
    MPI_Request request;
    MPI_Igather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, 0, clock->leaders,
                &request);
    await(&request);
    if (!all)
        return;
    clock->worst = (struct clock_model){.anchor_ns = local_now(clock)};
    for (int n = 0; n < clock->nodes; n++) {
        uint64_t error = model_error(&all[n], clock->worst.anchor_ns);
        if (error > clock->worst.error_ns)
            clock->worst.error_ns = error;
        if (all[n].drift_error > clock->worst.drift_error)
            clock->worst.drift_error = all[n].drift_error;
    }
    free(all);
}

/* --- for the team ----------------------------------------------------------------------------- */

void ranks_clock_open(struct ranks_clock *clock)
{
    int rank, rank_here;
    *clock = (struct ranks_clock){.node = ranks_node_comm(), .leaders = MPI_COMM_NULL};
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_rank(clock->node, &rank_here);
    MPI_Comm_split(MPI_COMM_WORLD, rank_here == 0 ? 0 : MPI_UNDEFINED, rank, &clock->leaders);
    if (rank_here == 0) {
        MPI_Comm_size(clock->leaders, &clock->nodes);
        MPI_Comm_rank(clock->leaders, &clock->number);
    }
    int told[2] = {clock->nodes, clock->number};
    MPI_Bcast(told, 2, MPI_INT, 0, clock->node);
    clock->nodes = told[0];
    clock->number = told[1];
    clock->is_root = rank == 0;
    read_skew(clock);
}

void ranks_clock_close(struct ranks_clock *clock)
{
    if (clock->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&clock->leaders);
    MPI_Comm_free(&clock->node);
}

bool ranks_clock_is_due(const struct ranks_clock *clock)
{
    if (clock->nodes == 1 || !clock->is_synced)
        return clock->nodes > 1;
    uint64_t now = local_now(clock), age = now - clock->worst.anchor_ns;
    return age > DUE_NS ||
           (age > DUE_LEAST_NS && model_error(&clock->worst, now) > 2 * clock->worst.error_ns);
}

void ranks_clock_sync(struct ranks_clock *clock)
{
    clock->is_synced = true;
    if (clock->nodes == 1)
        return;
    if (clock->leaders != MPI_COMM_NULL) {
        for (int known = 1; known < clock->nodes; known *= 2) {
            if (clock->number < known && clock->number + known < clock->nodes)
                serve(clock, clock->number + known);
            else if (clock->number >= known && clock->number < 2 * known)
                learn(clock, clock->number - known);
        }
        gather_worst(clock);
    }
    MPI_Request request;
    MPI_Ibcast(&clock->model, sizeof clock->model, MPI_BYTE, 0, clock->node, &request);
    await(&request);
}

uint64_t ranks_clock_to_root_ns(const struct ranks_clock *clock, uint64_t local_ns)
{
    if (clock->nodes == 1)
        return local_ns;
    uint64_t ns = skewed(clock, local_ns);
    return ns + (uint64_t)model_offset(&clock->model, ns);
}

uint64_t ranks_clock_from_root_ns(const struct ranks_clock *clock, uint64_t root_ns)
{
    if (clock->nodes == 1)
        return root_ns;
    const struct clock_model *m = &clock->model;
    double since = (double)(int64_t)(root_ns - (uint64_t)m->offset_ns - m->anchor_ns);
    return unskewed(clock, m->anchor_ns + (uint64_t)(int64_t)(since / (1 + m->drift)));
}

uint64_t ranks_clock_error_ns(const struct ranks_clock *clock, uint64_t local_ns)
{
    if (clock->nodes == 1)
        return 0;
    return model_error(clock->is_root ? &clock->worst : &clock->model, skewed(clock, local_ns));
}

void ranks_clock_describe(const struct ranks_clock *clock, char *buffer, size_t size)
{
    int k = ranks_per_node();
    const char *skew = getenv("POOLMARK_CLOCK_SKEW");
    (void)clock;
    char per_node[48] = "";
    if (k > 0)
        snprintf(per_node, sizeof per_node, ", POOLMARK_RANKS_PER_NODE=%d", k);
    snprintf(buffer, size, "%s%s%.40s", per_node, skew ? ", POOLMARK_CLOCK_SKEW=" : "",
             skew ? skew : "");
}
