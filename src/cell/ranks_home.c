/* How sums and results come home at the end of a map.
 *
 * The sums are reduced by MPI_Ireduce, whose completion at the root says that all ranks are done.
 * Nobody waits inside of it: each rank looks for its part as for any message, and the root answers
 * what workers ask until then. Results travel beside it, from each rank to the root: one stretch as
 * it lies, since it is placed where it belongs without a copy; several packed into one message,
 * since a message a stretch would cost more than the copies. That holds for ranks on the root's
 * own node too: results in memory that they share would have to be there before the first job that
 * needs them, for all sizes, and the copy is all that it would save. */
#include "cell/ranks_own.h"
#include "cell/threads.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* --- the reduction ---------------------------------------------------------------------------- */

enum { ENDED_WORDS = sizeof(struct ended) / sizeof(uint64_t) };

static void reduce(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    const struct ended *from = in;
    struct ended *to = inout;
    for (int i = 0; i < *n; i++) {
        tally_add(&to[i].tally, &from[i].tally);
        if (from[i].came < to[i].came)
            to[i].came = from[i].came;
    }
}

void ranks_home_open(struct team *team)
{
    MPI_Comm_dup(MPI_COMM_WORLD, &team->comm);
    MPI_Type_contiguous(ENDED_WORDS, MPI_UINT64_T, &team->ended_type);
    MPI_Type_commit(&team->ended_type);
    MPI_Op_create(reduce, 1, &team->ended_op);
}

void ranks_home_close(struct team *team)
{
    MPI_Op_free(&team->ended_op);
    MPI_Type_free(&team->ended_type);
    MPI_Comm_free(&team->comm);
}

void ranks_begin_reduction(struct team *team, uint32_t came)
{
    team->own = (struct ended){.came = (uint64_t)came << 32 | (uint32_t)team->rank};
    for (uint32_t t = 0; t < team->threads; t++)
        tally_add(&team->own.tally, &team->desks[t].report.tally);
    pthread_mutex_lock(&team->mpi);
    MPI_Ireduce(&team->own, &team->total, 1, team->ended_type, team->ended_op, 0, team->comm,
                &team->reduction);
    pthread_mutex_unlock(&team->mpi);
}

bool ranks_is_reduced(struct team *team)
{
    int flag = 0;
    MPI_Test(&team->reduction, &flag, MPI_STATUS_IGNORE);
    return flag;
}

/* --- results ---------------------------------------------------------------------------------- */

void ranks_own_range(struct worker *me, uint64_t first, uint64_t count)
{
    if (me->n_ranges > 0) {
        struct stretch *last = &me->ranges[me->n_ranges - 1];
        if (last->first + last->count == first) {
            last->count += count;
            return;
        }
    }
    me->ranges = alloc_room(me->ranges, me->n_ranges, &me->ranges_room, sizeof *me->ranges);
    me->ranges[me->n_ranges++] = (struct stretch){first, count};
}

/* What goes before a rank's results. */
struct parcel {
    uint64_t n_ranges, tasks; /* tasks: of all ranges, which is what is packed */
    struct stretch range;     /* the single one */
};

/* All results of this rank behind the list of their ranges. */
static void send_packed(struct team *team, const struct parcel *parcel)
{
    size_t each = team->job.work->result_bytes, at = 0;
    size_t list = parcel->n_ranges * sizeof(struct stretch);
    char *pack = alloc_grown(NULL, 1, list + parcel->tasks * each);
    char *data = pack + list;
    for (uint32_t t = 0; t < team->threads; t++) {
        const struct worker *w = &team->here[t];
        for (size_t i = 0; i < w->n_ranges; i++) {
            const struct stretch *range = &w->ranges[i];
            memcpy(pack + at, range, sizeof *range);
            memcpy(data, ranks_result_of(team, range->first), range->count * each);
            at += sizeof *range;
            data += range->count * each;
        }
    }
    ranks_send(team, 0, TAG_HOME, pack, (size_t)(data - pack));
    free(pack);
}

static void send_results(struct team *team)
{
    struct parcel parcel = {0};
    for (uint32_t t = 0; t < team->threads; t++) {
        const struct worker *w = &team->here[t];
        parcel.n_ranges += w->n_ranges;
        for (size_t i = 0; i < w->n_ranges; i++)
            parcel.tasks += w->ranges[i].count;
        if (w->n_ranges > 0)
            parcel.range = w->ranges[0];
    }
    size_t each = team->job.work->result_bytes;
    ranks_send(team, 0, TAG_HOME, &parcel, sizeof parcel);
    if (parcel.n_ranges == 1)
        ranks_send(team, 0, TAG_HOME, ranks_result_of(team, parcel.range.first),
                   parcel.range.count * each);
    else if (parcel.n_ranges > 1)
        send_packed(team, &parcel);
}

void ranks_go_home(struct team *team)
{
    if (team->job.work->result_bytes > 0)
        send_results(team);
    ranks_await(team, &team->reduction, &wait_in_map);
}

/* The counterpart of send_results, for one rank. */
static void take_results(struct team *team, int from)
{
    struct parcel parcel;
    ranks_receive(team, from, TAG_HOME, &parcel, sizeof parcel);
    size_t each = team->job.work->result_bytes;
    if (parcel.n_ranges == 1)
        ranks_receive(team, from, TAG_HOME, ranks_result_of(team, parcel.range.first),
                      parcel.range.count * each);
    if (parcel.n_ranges <= 1)
        return;
    size_t list = parcel.n_ranges * sizeof(struct stretch), n = list + parcel.tasks * each;
    char *pack = alloc_grown(NULL, 1, n);
    ranks_receive(team, from, TAG_HOME, pack, n);
    const char *data = pack + list;
    for (uint64_t i = 0; i < parcel.n_ranges; i++) {
        struct stretch range;
        memcpy(&range, pack + i * sizeof range, sizeof range);
        memcpy(ranks_result_of(team, range.first), data, range.count * each);
        data += range.count * each;
    }
    free(pack);
}

int ranks_too_few(struct err *err, uint32_t came, uint32_t threads)
{
    return threads_check(came, threads, err);
}

int ranks_take_home(struct team *team, struct err *err)
{
    for (int rank = 1; team->job.work->result_bytes > 0 && rank < team->n_ranks; rank++)
        take_results(team, rank);
    uint32_t least = (uint32_t)(team->total.came >> 32), rank = (uint32_t)team->total.came;
    if (least >= team->threads)
        return 0;
    ranks_too_few(err, least, team->threads);
    return rank > 0 ? err_prefix(err, "rank %u", rank) : -1;
}
