/* How a rank comes into being: the team's memory, who shares memory with whom, which of the workers
 * are here and where they run. */
#include "cell/ranks_node.h"
#include "cell/ranks_own.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the team's memory ----------------------------------------------------------------------- */

/* Memory on cache lines of its own, zeroed. */
static void *alloc_lines(size_t n, size_t bytes)
{
    void *memory = NULL;
    if (posix_memalign(&memory, CLAIM_LINE, n * bytes) != 0)
        return alloc_grown(NULL, SIZE_MAX, 1); /* ends the program with its sentence */
    return memset(memory, 0, n * bytes);
}

struct team *ranks_team_new(const struct launch *launch, ranks_each *each)
{
    struct team *team = alloc_lines(1, sizeof *team);
    team->threads = launch->threads;
    team->each = each;
    team->topo = launch->topo;
    team->parent = getppid();
    pthread_mutex_init(&team->mpi, NULL);
    pthread_mutex_init(&team->deputy_lock, NULL);
    pthread_cond_init(&team->deputy_wake, NULL);
    return team;
}

void ranks_team_free(struct team *team)
{
    work_shelf_release(&team->works);
    outcome_room_release(&team->room);
    worker_desks_free(team->desks, team->rank == 0 ? team->workers : team->threads);
    for (uint32_t t = 0; t < team->threads; t++) {
        free(team->here[t].ranges);
        claim_view_release(&team->here[t].view);
    }
    free(team->here);
    free(team->placements);
    free(team->hands);
    free(team->claim);
    claim_view_release(&team->view);
    free(team->results.results);
    pthread_cond_destroy(&team->deputy_wake);
    pthread_mutex_destroy(&team->deputy_lock);
    pthread_mutex_destroy(&team->mpi);
    free(team);
}

/* --- among the ranks ------------------------------------------------------------------------- */

/* Numbers the groups that the ranks fall into by their lowest rank. Returns how many there are;
 * *mine is that of this rank, groups[n_ranks] those of all. Collective. */
static int number_groups(const struct team *team, MPI_Comm group, int *mine, int *groups)
{
    int leader = team->rank, n = 0;
    MPI_Bcast(&leader, 1, MPI_INT, 0, group);
    MPI_Allgather(&leader, 1, MPI_INT, groups, 1, MPI_INT, MPI_COMM_WORLD);
    for (int rank = 0; rank < team->n_ranks; rank++) /* a leader comes before its group */
        groups[rank] = groups[rank] == rank ? n++ : groups[groups[rank]];
    *mine = groups[team->rank];
    return n;
}

/* Who shares memory with whom. Returns the number of ranks on this machine. */
static int find_nodes(struct team *team)
{
    MPI_Comm machine;
    int *groups = alloc_zeroed((size_t)team->n_ranks, sizeof *groups), mine, ranks_here;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Comm_size(machine, &ranks_here);
    team->n_machines = number_groups(team, machine, &mine, groups);
    team->far_rank = team->n_ranks - 1;
    for (int rank = 0; rank < team->n_ranks; rank++)
        if (groups[rank] != groups[0])
            team->far_rank = rank;
    MPI_Comm_free(&machine);

    team->node_comm = ranks_node_comm();
    team->n_nodes = number_groups(team, team->node_comm, &team->node, groups);
    uint32_t *workers = alloc_zeroed((size_t)team->n_nodes, sizeof *workers);
    team->node_first = UINT32_MAX;
    for (int rank = 0; rank < team->n_ranks; rank++) {
        if (groups[rank] == team->node && team->node_first == UINT32_MAX)
            team->node_first = (uint32_t)rank * team->threads;
        workers[groups[rank]] += team->threads;
        if (workers[groups[rank]] > team->most_node_workers)
            team->most_node_workers = workers[groups[rank]];
    }
    team->node_workers = workers[team->node];
    free(workers);
    free(groups);
    return ranks_here;
}

void ranks_join(struct team *team, const char *runtime)
{
    int length;
    char version[MPI_MAX_LIBRARY_VERSION_STRING], nodes[64] = "";
    struct topo_counts counts;
    MPI_Comm_rank(MPI_COMM_WORLD, &team->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &team->n_ranks);
    ranks_home_open(team);
    int ranks_here = find_nodes(team);
    if (team->n_nodes > team->n_machines)
        snprintf(nodes, sizeof nodes, ", %d nodes simulated", team->n_nodes);
    MPI_Get_library_version(version, &length);
    version[strcspn(version, ",\n")] = '\0';
    char tests[96];
    ranks_clock_open(&team->clock);
    ranks_clock_describe(&team->clock, tests, sizeof tests);
    snprintf(team->runtime, sizeof team->runtime, "%.100s%s%s%s", version, runtime, nodes, tests);
    topo_count(team->topo, &counts);
    team->crowded = (uint64_t)ranks_here * team->threads > (uint64_t)counts.usable;

    bool is_root = team->rank == 0;
    team->workers = (uint32_t)team->n_ranks * team->threads;
    team->desks = worker_desks_new(is_root ? team->workers : team->threads);
    team->here = alloc_lines(team->threads, sizeof *team->here);
    for (uint32_t t = 0; t < team->threads; t++) {
        team->here[t].number = (uint32_t)team->rank * team->threads + t;
        team->here[t].desk = &team->desks[t];
    }
    atomic_store(&team->has_workers, true);
    if (!is_root)
        return;
    team->placements = alloc_zeroed(team->workers, sizeof *team->placements);
    team->hands = alloc_zeroed(team->workers, sizeof *team->hands);
    team->claim = alloc_lines(1, claim_bytes(team->workers));
    ranks_post_note(team);
}

/* --- at its place ---------------------------------------------------------------------------- */

int ranks_start_thread(pthread_t *thread, void *(*run)(void *), struct team *team, struct err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(thread, NULL, run, team);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error ? err_set(err, "cannot start a thread: %s", strerror(error)) : 0;
}

/* The first shift: every worker goes to its place and says where it is. */
static void shift_place(struct team *team, uint32_t thread)
{
    struct worker *me = &team->here[thread];
    struct placement *placement = &me->desk->placement;
    topo_bind_self(team->topo, me->pu, &me->desk->error);
    worker_place(placement, me->pu);
    placement->worker = me->number;
    placement->rank = (uint32_t)team->rank;
    placement->thread = thread;
}

int ranks_take_place(struct team *team, const struct launch *launch, const struct ranks_kind *kind,
                     int provided, struct err *err)
{
    if (kind->most_threads > 0 && team->threads > kind->most_threads)
        return err_set(err, "a rank of this backend runs %u thread, not %u; hybrid runs more",
                       kind->most_threads, team->threads);
    if (provided < MPI_THREAD_SERIALIZED)
        return err_set(err, "this MPI library gives no MPI_THREAD_SERIALIZED");
    uint32_t needed = launch->workers / team->threads;
    if ((uint32_t)team->n_ranks != needed || team->workers != launch->workers)
        return err_set(err, "%u workers with %u a rank need mpirun -np %u; it started %d ranks",
                       launch->workers, team->threads, needed, team->n_ranks);
    int *pus = alloc_zeroed(team->workers, sizeof *pus);
    int status = topo_plan(team->topo, launch->bind, team->workers, pus, err);
    for (uint32_t t = 0; t < team->threads; t++)
        team->here[t].pu = pus[team->here[t].number];
    free(pus);
    if (status != 0)
        return -1;
    /* The deputy before the binding, which it would inherit: it floats. */
    if (team->rank == 0 && team->n_ranks > 1) {
        if (ranks_start_thread(&team->deputy, ranks_deputy, team, err) != 0)
            return -1;
        team->has_deputy = true;
    }
    uint32_t came = team->each(team->threads, shift_place, team);
    if (came < team->threads)
        return ranks_too_few(err, came, team->threads);
    for (uint32_t t = 0; t < team->threads; t++)
        if (team->here[t].desk->error.text[0])
            return err_set(err, "%s", team->here[t].desk->error.text);
    return 0;
}
