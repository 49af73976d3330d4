/* Inside the team of ranks: what ranks.c (orders, open, close), ranks_start.c (the common start),
 * ranks_master.c (who gets which chunk) and ranks_wait.c (waiting) share. For those files alone;
 * ranks.c says how it all works. */
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

enum note_kind { NOTE_ASK, NOTE_DONE };

/* What comes to the root during a map: a worker asks for a chunk, or all of a rank is done. */
struct note {
    uint32_t kind, worker, rank;
    uint32_t came;        /* DONE: the threads that took part */
    struct tally tally;   /* DONE: sum over the rank's workers */
    uint64_t n_ranges;    /* DONE: of results that follow; a single one goes straight into place */
    struct stretch range; /* DONE: the single one */
};

struct grant {
    uint64_t first, count; /* count 0: no chunk left */
    uint64_t left;         /* tasks not handed out after it; 0: the worker need not ask again */
};

enum { MOST_ASKED = 3 }; /* of one worker at a time */

/* One worker of this rank, beside its desk. Written by its own thread during a map, by the first
 * thread of the rank at other times. */
struct worker {
    alignas(CLAIM_LINE) struct worker_desk *desk;
    uint32_t number; /* rank × threads + thread */
    int pu;
    uint64_t arrived_ns;    /* at the line, on this machine's clock */
    struct stretch *ranges; /* of the results written here; neighbours are joined */
    size_t n_ranges, ranges_room;
    /* The chunks asked for in this map, in a ring: grants arrive in the order of the asking. */
    uint64_t n_asked;
    MPI_Request asked[MOST_ASKED];
    struct grant grants[MOST_ASKED];
    uint64_t chunk_ns; /* moving mean of its chunks in this map; 0: none yet */
};

/* A mechanism by which workers get their chunks. */
struct dispatch {
    const char *name;
    bool shared; /* carries the rules whose chunks are claimed while running; else the others */
    void (*shift)(struct team *team, struct worker *me, struct tally *tally); /* one worker's map */
};

struct team {
    /* Fixed by open. */
    int rank, n_ranks;
    uint32_t threads, workers;
    bool crowded; /* more workers on this machine than usable CPUs: waiting must yield */
    ranks_each *each;
    const struct topo *topo;
    pid_t parent;
    pthread_t guardian, deputy;
    bool has_guardian, has_deputy;
    char runtime[256];
    struct placement *placements; /* root: [workers] */
    struct ranks_clock clock;

    /* Of the job; written by the first thread, between maps. */
    struct job job; /* its work is this process's own */
    struct work_shelf works;
    const struct dispatch *dispatch;
    struct results_room results; /* of all tasks; other ranks than the root write theirs alone */
    struct worker_desk
        *desks;          /* root: [workers]; others: [threads]. Those of this rank come first */
    struct worker *here; /* [threads] */
    struct tally total;
    struct outcome_room room;

    /* Of the map, on the root's clock. Written by the first thread before its workers start. */
    uint64_t start_ns;
    uint64_t ordered_ns; /* root: when the order was sent */
    uint64_t way_ns;     /* root: from there to the last worker's arrival, of late; 0: unknown */

    /* During a map MPI is called with this mutex held, by any thread; between maps by the first
     * thread alone. It guards the members up to the next comment too. */
    pthread_mutex_t mpi;
    struct note note;
    MPI_Request note_request; /* root: posted from open to close */
    int n_done;
    struct note *done;        /* root: [n_ranks] */
    struct claim_hand *hands; /* root: [workers], of the workers in other ranks */

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

/* Waits for one request of MPI. Any thread. */
void ranks_await(struct team *team, MPI_Request *request, const struct patience *patience);

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

/* --- ranks_master.c -------------------------------------------------------------------------- */

/* The dispatch of that name. */
const struct dispatch *ranks_find_dispatch(const char *name, struct err *err);

void ranks_post_note(struct team *team);

/* Root: answers notes until all other ranks are done. */
void ranks_answer_to_the_end(struct team *team);

/* The thread of the deputy, for one team. */
void *ranks_deputy(void *team);
void ranks_deputy_rise(struct team *team);       /* before a map; not timed */
void ranks_deputy_stand_down(struct team *team); /* from here on it does not call MPI */
void ranks_deputy_end(struct team *team);

#endif
