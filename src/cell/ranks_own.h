/* Inside the team of ranks: what ranks.c (orders, open, close), ranks_join.c (a rank's place among
 * them), ranks_start.c (the common start), ranks_guard.c (the thread that watches), ranks_hand.c,
 * ranks_master.c, ranks_rma.c and ranks_twolevel.c (who gets which chunk), ranks_home.c (how sums
 * and results come home) and ranks_wait.c (waiting) share. For those files alone; ranks.c says how
 * it all works. */
#ifndef POOLMARK_CELL_RANKS_OWN_H
#define POOLMARK_CELL_RANKS_OWN_H

#include "cell/ranks.h"
#include "cell/ranks_clock.h"
#include "cell/worker.h"

#include <mpi.h>
#include <pthread.h>

/* TAG_GRANT + t is for thread t of a rank. */
enum ranks_tag { TAG_ORDER, TAG_READY, TAG_NOTE, TAG_HOME, TAG_GRANT };

struct stretch {
    uint64_t first, count;
};

/* What the last finished chunk took: for claim_report_parts. parts.n 0: none yet. */
struct chunk_past {
    struct claim_parts parts;
    uint64_t run_ns, claim_ns;
};

/* What comes to the root during a map: a worker asks for a chunk, or for what its node has next. */
struct note {
    uint32_t worker, rank, node;
    struct chunk_past past;
    uint64_t turn; /* twolevel: for which slot of the node's queue */
};

struct grant {
    uint64_t first, count; /* count 0: no chunk left */
    uint64_t left;         /* tasks not handed out after it; 0: the worker need not ask again */
};

enum { MOST_ASKED = 16 }; /* of one worker at a time */

/* Where a worker is, for who asks while it is there (the guardian): relaxed stores to a line of its
 * own. In a map since since_ns, 0 outside of one; in tasks first.., or in none when count is 0. */
struct whereabouts {
    _Atomic uint64_t since_ns, first, count;
};

static inline void whereabouts_note(struct whereabouts *at, uint64_t first, uint64_t count)
{
    atomic_store_explicit(&at->first, first, memory_order_relaxed);
    atomic_store_explicit(&at->count, count, memory_order_relaxed);
}

/* One worker of this rank, beside its desk. Written by its own thread during a map, by the first
 * thread of the rank at other times. */
struct worker {
    alignas(CLAIM_LINE) struct worker_desk *desk;
    uint32_t number; /* rank × threads + thread */
    int pu;
    uint64_t arrived_ns; /* at the line, on this machine's clock */
    struct whereabouts at;
    struct stretch *ranges; /* of the results written here; neighbours are joined */
    size_t n_ranges, ranges_room;
    struct meter meter; /* of this map; who waits or enters MPI for a chunk says meter_slow */
    /* The chunks asked for in this map, in a ring: grants arrive in the order of the asking. */
    uint64_t n_asked;
    MPI_Request asked[MOST_ASKED];
    struct grant grants[MOST_ASKED];
    uint64_t asked_after[MOST_ASKED]; /* what n_run was */
    uint64_t n_run, run_ns;           /* chunks run in this map, and what they took */
    uint64_t depth;                   /* how many to ask for ahead, as it has turned out so far */
    uint64_t in_time;                 /* grants in a row that were there when they were wanted */
    /* Where it claims by itself, */
    struct claim_hand hand;
    struct claim_view view; /* ADAPTIVE; else that of the team, which is only read, serves all */
    struct chunk_past past; /* of the last chunk, until it is reported */
    /* and where it keeps count. */
    uint64_t turn;       /* FIXED: chunks had; twolevel: its slot in the node's queue, */
    uint64_t turn_asked; /* the slot that it has asked for, */
    bool is_asking;      /* and has not heard of yet */
};

/* A mechanism by which workers get their chunks. What is NULL is not needed. */
struct dispatch {
    const char *name;
    /* Root, before any rank is woken: refuses the job by a sentence. */
    int (*check)(const struct team *team, const struct job *job, struct err *err);
    /* All ranks together, which makes it the one place for collective calls; fails in all or in
     * none. May put another dispatch in the place of this (team->dispatch). */
    int (*open)(struct team *team, struct err *err);
    /* Each rank by itself, before each map. */
    int (*prepare)(struct team *team, struct err *err);
    /* Whether the root must enter MPI again and again during the map; after prepare. */
    bool (*needs_root)(const struct team *team);
    /* Root: what is granted to a note. With team->mpi held. */
    struct grant (*answer)(struct team *team, const struct note *note);
    /* One worker's map; returns the time spent on getting chunks. */
    uint64_t (*shift)(struct team *team, struct worker *me, struct tally *tally);
};

extern const struct dispatch ranks_static;                    /* ranks_hand.c */
extern const struct dispatch ranks_master, ranks_master_only; /* ranks_master.c */
extern const struct dispatch ranks_rma;                       /* ranks_rma.c */
extern const struct dispatch ranks_twolevel;                  /* ranks_twolevel.c */

/* The counter at the root, made when the first job wants it. NO_PROGRESS: there is no window, since
 * operations complete only while the root is inside MPI. */
struct counter {
    enum { NOT_MADE, MADE, NO_PROGRESS, CANNOT_BE_MADE } state;
    MPI_Win window;
    uint64_t *own;  /* root: its memory, where that is on the heap */
    struct err why; /* CANNOT_BE_MADE */
};

struct super_given {
    uint64_t turn, super; /* in which slot of the node's queue it belongs */
};

/* How the list is cut into what nodes take at a time, the same in all ranks. */
struct supers {
    uint64_t n;
    struct sched_table bounds; /* the s-th is [starts[s], starts[s+1]) of the tasks */
    uint64_t *chunk_at;        /* SEQUENCE: [n+1], its first chunk in `chunks` */
    struct sched_table chunks, scratch;
    /* Root, where notes are answered: the next that no node has, and each node's last. */
    uint64_t next;
    struct super_given *given; /* [nodes] */
};

struct node_queue;

/* The memory that the ranks of a node share, made when the first job wants it. */
struct hall {
    bool is_made;
    struct err why; /* not "": it cannot be made */
    MPI_Win window;
    struct claim *claim;      /* one node: for all workers */
    struct node_queue *queue; /* several */
};

/* What a rank says at the end of its map, reduced to one for all. All members are uint64_t. */
struct ended {
    struct tally tally;
    uint64_t came; /* (threads that took part) << 32 | rank; the least counts */
};

struct team {
    /* Fixed by open. */
    int rank, n_ranks;
    uint32_t threads, workers;
    bool crowded; /* more workers on this machine than usable CPUs: waiting must yield */
    ranks_each *each;
    const struct topo *topo;
    pid_t parent;
    int questions;            /* signalfd of SIGUSR1; -1: none */
    _Atomic bool has_workers; /* from here on the guardian may look at them */
    pthread_t guardian, deputy;
    bool has_guardian, has_deputy;
    char runtime[256];
    struct placement *placements; /* root: [workers] */
    struct ranks_clock clock;
    MPI_Comm comm; /* all ranks: for windows and for the reduction */
    MPI_Datatype ended_type;
    MPI_Op ended_op;

    /* A node is what shares memory: a machine, or a part of one that plays at being one. */
    MPI_Comm node_comm;
    int node, n_nodes, n_machines, far_rank; /* far_rank: on another machine than the root */
    uint32_t node_first, node_workers;       /* its first worker's number among all, how many */
    uint32_t most_node_workers;              /* of any node */

    /* Of the job; written by the first thread, between maps. */
    struct job job; /* its work is this process's own */
    struct work_shelf works;
    const struct dispatch *dispatch;
    struct results_room results; /* of all tasks; other ranks than the root write theirs alone */
    struct worker_desk
        *desks;          /* root: [workers]; others: [threads]. Those of this rank come first */
    struct worker *here; /* [threads] */
    struct outcome_room room;
    struct counter counter;
    struct hall hall;
    struct supers supers;
    bool root_looks;    /* the root's workers and the deputy enter MPI during the map */
    const char *remark; /* what a reader of the sample should know; "" when nothing */

    /* Of the map, on the root's clock. Written by the first thread before its workers start. */
    uint64_t start_ns;
    uint64_t ordered_ns; /* root: when the order was sent */
    uint64_t way_ns;     /* root: from there to the last worker's arrival, of late; 0: unknown */

    /* During a map MPI is called with this mutex held, by any thread; between maps by the first
     * thread alone. It guards the members up to the next comment too. */
    pthread_mutex_t mpi;
    struct note note;
    MPI_Request note_request; /* root: posted from open to close */
    struct claim_hand *hands; /* root: [workers], of the workers in other ranks */
    struct ended own, total;  /* of this rank; root: of all */
    MPI_Request reduction;

    /* Whether the deputy may call MPI. Set false under `mpi` and read again under it. */
    _Atomic bool deputy_may;
    pthread_mutex_t deputy_lock; /* deputy_on and deputy_stop, which deputy_wake tells of */
    pthread_cond_t deputy_wake;
    bool deputy_on, deputy_stop;

    /* Root: when one of its workers last looked for notes. Then the claim, from which its workers
     * take by themselves, and whoever answers notes takes for the others. */
    alignas(CLAIM_LINE) _Atomic uint64_t looked_ns;
    struct claim *claim; /* root: for all workers */
    struct claim_view view;
};

/* --- ranks_wait.c ---------------------------------------------------------------------------- */

/* How a wait goes on: first spinning (where workers are more than CPUs: giving the CPU away), then
 * in naps of a share of the time waited so far, so that the delay stays in proportion to the wait.
 */
struct patience {
    uint64_t spin_ns, crowded_ns, share, least_ns, most_ns;
};

extern const struct patience wait_at_line; /* the order to go is due any moment */
extern const struct patience wait_in_map;  /* for a chunk, for other ranks to end */
extern const struct patience wait_parked;  /* nothing may come for hours: below 1 % of a CPU */

struct wait {
    const struct patience *patience;
    uint64_t since_ns;
    int slack_ns; /* of this thread before its first nap; -1: no nap yet */
    bool crowded;
};

struct wait wait_begin(const struct team *team, const struct patience *patience);
void wait_step(struct wait *wait);             /* after each look that found nothing */
void wait_nap(struct wait *wait, uint64_t ns); /* a nap of this length, whatever the patience */
void wait_end(struct wait *wait);

/* Waits for one request of MPI. Returns whether it had to. Any thread. */
bool ranks_await(struct team *team, MPI_Request *request, const struct patience *patience);

/* Sends or receives any number of bytes. Any thread. */
void ranks_send(struct team *team, int to, int tag, const void *data, size_t n);
void ranks_receive(struct team *team, int from, int tag, void *data, size_t n);

/* --- ranks_start.c --------------------------------------------------------------------------- */

/* Root: sets start_ns of the map that is about to be ordered. */
void ranks_set_start(struct team *team);

/* Waits for start_ns; returns at once when it is past. In the worker's thread. */
void ranks_wait_start(struct team *team, struct worker *me);

/* Root, after the map: when the last worker came to the line, on the root's clock. */
void ranks_learn_way(struct team *team, uint64_t last_arrival_ns);

/* --- ranks_guard.c --------------------------------------------------------------------------- */

/* Makes SIGUSR1 something to be looked for: before any thread is there, which would inherit it. */
void ranks_take_questions(struct team *team);

/* The guardian's thread, for one team. */
void *ranks_guard(void *team);

/* --- ranks.c --------------------------------------------------------------------------------- */

/* The dispatch of that name. */
const struct dispatch *ranks_find_dispatch(const char *name, struct err *err);

/* --- ranks_join.c ---------------------------------------------------------------------------- */

struct team *ranks_team_new(const struct launch *launch, ranks_each *each);
void ranks_team_free(struct team *team);

/* Finds this rank's place among the others, once MPI is there. Collective. */
void ranks_join(struct team *team, const char *runtime);

/* All that can fail in one rank alone: is it what was launched, do its workers get to their places?
 */
int ranks_take_place(struct team *team, const struct launch *launch, const struct ranks_kind *kind,
                     int provided, struct err *err);

/* A thread of ours that takes no signals. */
int ranks_start_thread(pthread_t *thread, void *(*run)(void *), struct team *team, struct err *err);

/* --- ranks_home.c ---------------------------------------------------------------------------- */

void ranks_home_open(struct team *team);
void ranks_home_close(struct team *team);

static inline char *ranks_result_of(const struct team *team, uint64_t index)
{
    return (char *)team->results.results + index * team->job.work->result_bytes;
}

/* After the shifts of this rank, of whose threads so many came: its part in the reduction begins.
 * The root goes on answering until ranks_is_reduced; the others do ranks_go_home. */
void ranks_begin_reduction(struct team *team, uint32_t came);
bool ranks_is_reduced(struct team *team); /* with team->mpi held */
void ranks_go_home(struct team *team);

/* Root, after the reduction: takes the results in; fails when threads were missing somewhere. */
int ranks_take_home(struct team *team, struct err *err);

int ranks_too_few(struct err *err, uint32_t came, uint32_t threads);

/* Notes where results of this rank are. */
void ranks_own_range(struct worker *me, uint64_t first, uint64_t count);

/* --- ranks_master.c -------------------------------------------------------------------------- */

void ranks_post_note(struct team *team);

/* Sends a note; the grant comes to me->grants[(me->n_asked - 1) % MOST_ASKED], by the request there
 * in me->asked. */
void ranks_ask(struct team *team, struct worker *me);

/* Root: between two chunks of one of its workers, and again and again until all ranks are done.
 * The first returns how long it took, 0 when it was too early to look. */
uint64_t ranks_look_in_passing(struct team *team);
void ranks_answer_to_the_end(struct team *team);

/* The thread of the deputy, for one team. */
void *ranks_deputy(void *team);
void ranks_deputy_rise(struct team *team);       /* before a map; not timed */
void ranks_deputy_stand_down(struct team *team); /* from here on it does not call MPI */
void ranks_deputy_end(struct team *team);

/* --- ranks_hand.c ---------------------------------------------------------------------------- */

/* Makes the views fit the job: of the team, and under ADAPTIVE rules of each worker here. */
int ranks_open_views(struct team *team, struct err *err);

/* The shift of a worker that claims from memory that it shares with the others. */
uint64_t ranks_drain_claim(struct team *team, struct worker *me, struct claim *claim,
                           struct tally *tally);

static inline void ranks_chunk_is_done(struct team *team, struct worker *me, uint64_t first,
                                       uint64_t count)
{
    whereabouts_note(&me->at, first, 0);
    if (team->rank > 0 && team->job.work->result_bytes > 0)
        ranks_own_range(me, first, count);
}

static inline struct event_log *ranks_log_of(const struct team *team, const struct worker *me)
{
    return team->job.trace ? &me->desk->log : NULL;
}

static inline void ranks_run_chunk(struct team *team, struct worker *me, uint64_t first,
                                   uint64_t count, struct tally *tally)
{
    whereabouts_note(&me->at, first, count);
    worker_run_chunk(team->job.work, me->number, first, count, team->results.results, tally,
                     ranks_log_of(team, me));
    ranks_chunk_is_done(team, me, first, count);
}

/* The same where each chunk and each claim is timed, this one from `asked` on: adds to the meter
 * and fills me->past. Returns when the chunk ended. */
uint64_t ranks_run_timed(struct team *team, struct worker *me, uint64_t first, uint64_t count,
                         struct tally *tally, uint64_t asked);

/* Whether this worker has to look into MPI between its chunks. */
static inline bool ranks_must_look(const struct team *team)
{
    return team->root_looks && team->rank == 0;
}

typedef bool ranks_next(struct team *team, struct worker *me, uint64_t *first, uint64_t *count);

/* The shift of a worker that gets its chunks by `next`. Inlined into each, so that `next` is too.
 * What the root does for others between its chunks is part of getting the next, not of the last. */
__attribute__((always_inline)) static inline uint64_t
ranks_drain(struct team *team, struct worker *me, struct tally *tally, ranks_next *next)
{
    const bool looks = ranks_must_look(team);
    uint64_t first, count;
    meter_start(&me->meter);
    for (;;) {
        meter_ask(&me->meter);
        if (looks)
            meter_apart(&me->meter, ranks_look_in_passing(team));
        bool got = next(team, me, &first, &count);
        meter_got(&me->meter);
        if (!got)
            return meter_end(&me->meter);
        ranks_run_chunk(team, me, first, count, tally);
    }
}

/* --- ranks_rma.c ----------------------------------------------------------------------------- */

/* Makes the counter if it is not there, and says in the remark when it cannot be used because the
 * transport makes no progress of its own. All ranks together. */
int ranks_counter_open(struct team *team, struct err *err);
void ranks_counter_close(struct team *team); /* likewise */

/* state MADE. */
void ranks_counter_set(struct team *team, uint64_t value);     /* root, between maps */
uint64_t ranks_counter_fetch(struct team *team, uint64_t add); /* returns what it was before */

/* --- ranks_twolevel.c ------------------------------------------------------------------------ */

void ranks_hall_close(struct team *team); /* all ranks together */

#endif
