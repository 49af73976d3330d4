/* Waiting in the team of ranks.
 *
 * A call of MPI that waits spins, which costs a CPU for as long as it lasts. Nothing here ever
 * waits inside of MPI: a look that returns at once, then a pause that grows. */
#include "cell/ranks_own.h"

#include "base/clock.h"

#include <sched.h>
#include <sys/prctl.h>

enum {
    PIECE_BYTES = 1 << 30, /* of one message: MPI counts in int */
    ALONE_NS = 30000,      /* spinning without giving the CPU away */
};

const struct patience wait_at_line = {20000000, 200000, 16, 20000, 200000};
const struct patience wait_in_map = {1000000, 60000, 16, 20000, 500000};
const struct patience wait_parked = {200000, 50000, 1, 100000, 10000000};

struct wait wait_begin(const struct team *team, const struct patience *patience)
{
    return (struct wait){patience, clock_now_ns(), -1, team->crowded};
}

void wait_nap(struct wait *wait, uint64_t ns)
{
    /* With the usual slack of 50 µs short naps would be mostly slack. It is put back by wait_end,
     * since a workload that sleeps sets its own. */
    if (wait->slack_ns < 0) {
        wait->slack_ns = prctl(PR_GET_TIMERSLACK, 0ul, 0ul, 0ul, 0ul);
        prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
    }
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    nanosleep(&t, NULL);
}

void wait_step(struct wait *wait)
{
    const struct patience *p = wait->patience;
    uint64_t waited = clock_now_ns() - wait->since_ns;
    if (waited < (wait->crowded ? p->crowded_ns : p->spin_ns)) {
        /* Even where there are CPUs for all, two ranks that are not bound may find themselves on
         * one. */
        if (wait->crowded || waited > ALONE_NS)
            sched_yield();
        return;
    }
    uint64_t ns = waited / p->share;
    wait_nap(wait, ns < p->least_ns ? p->least_ns : ns > p->most_ns ? p->most_ns : ns);
}

void wait_end(struct wait *wait)
{
    if (wait->slack_ns > 0)
        prctl(PR_SET_TIMERSLACK, (unsigned long)wait->slack_ns, 0ul, 0ul, 0ul);
}

static bool is_complete(struct team *team, MPI_Request *request)
{
    int flag = 0;
    pthread_mutex_lock(&team->mpi);
    MPI_Test(request, &flag, MPI_STATUS_IGNORE);
    pthread_mutex_unlock(&team->mpi);
    return flag;
}

bool ranks_await(struct team *team, MPI_Request *request, const struct patience *patience)
{
    if (is_complete(team, request))
        return false;
    struct wait wait = wait_begin(team, patience);
    while (!is_complete(team, request))
        wait_step(&wait);
    wait_end(&wait);
    return true;
}

void ranks_send(struct team *team, int to, int tag, const void *data, size_t n)
{
    for (size_t at = 0; at < n; at += PIECE_BYTES) {
        MPI_Request request;
        int piece = n - at < PIECE_BYTES ? (int)(n - at) : PIECE_BYTES;
        pthread_mutex_lock(&team->mpi);
        MPI_Isend((const char *)data + at, piece, MPI_BYTE, to, tag, MPI_COMM_WORLD, &request);
        pthread_mutex_unlock(&team->mpi);
        ranks_await(team, &request, &wait_in_map);
    }
}

void ranks_receive(struct team *team, int from, int tag, void *data, size_t n)
{
    for (size_t at = 0; at < n; at += PIECE_BYTES) {
        MPI_Request request;
        int piece = n - at < PIECE_BYTES ? (int)(n - at) : PIECE_BYTES;
        pthread_mutex_lock(&team->mpi);
        MPI_Irecv((char *)data + at, piece, MPI_BYTE, from, tag, MPI_COMM_WORLD, &request);
        pthread_mutex_unlock(&team->mpi);
        ranks_await(team, &request, &wait_in_map);
    }
}
