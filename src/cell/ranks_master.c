/* Who gets which chunk: the dispatches "master" and "master-only" of the team of ranks.
 *
 * Under "master" the root holds the claim. Its own workers take from it by atomics; the others ask
 * by a note and are granted [first, count). The root's workers look for notes between their chunks;
 * when they have not for a while, because a task is long, a deputy thread of the root does. In a
 * list of short chunks a worker asks for the next one before it runs the one in hand, or it would
 * wait for half of the root's chunk each time (see asked_ahead). Under ADAPTIVE rules it does not,
 * since its next chunk is sized by what the last one took, which the note tells.
 *
 * Under "master-only" the root runs no task and answers at once: P - 1 of P workers compute. */
#include "cell/ranks_own.h"

#include "base/clock.h"

#include <string.h>

enum {
    LOOK_NS = 1000,           /* the root's workers look for notes at most this often */
    DEPUTY_NS = 1000000,      /* the deputy takes over when none of them has for this long, */
    DEPUTY_SOON_NS = 200000,  /* where the others cannot ask ahead for this long */
    DEPUTY_SHARE = 3,         /* then its naps are this part of the time since the last note, */
    DEPUTY_LEAST_NS = 20000,  /* not below this, */
    DEPUTY_MOST_NS = 1000000, /* nor above this */
    AHEAD_NS = 20000000,      /* chunks below this are asked for ahead, one at a time */
    FAR_AHEAD_NS = 1000000,   /* and below this several, as many as it takes not to wait */
    IN_TIME = 64,             /* so many grants that were there in time say that fewer will do */
};

/* --- the root answers ------------------------------------------------------------------------ */

void ranks_post_note(struct team *team)
{
    MPI_Irecv(&team->note, sizeof team->note, MPI_BYTE, MPI_ANY_SOURCE, TAG_NOTE, MPI_COMM_WORLD,
              &team->note_request);
}

static struct grant grant_chunk(struct team *team, const struct note *note)
{
    struct grant grant = {0, 0, 0};
    struct claim_hand *hand = &team->hands[note->worker];
    if (note->past.parts.n > 0)
        claim_report_parts(hand, &note->past.parts, note->past.run_ns, note->past.claim_ns);
    if (claim_next(hand, &grant.first, &grant.count)) {
        /* The same or too many where others have claimed since, which does no harm. */
        grant.left = team->job.sched.n - grant.first - grant.count;
    }
    return grant;
}

static void answer(struct team *team, const struct note *note)
{
    struct grant grant = team->dispatch->answer(team, note);
    /* Below the eager limit and a few a worker at most: it is on its way when MPI_Send returns. */
    MPI_Send(&grant, sizeof grant, MPI_BYTE, (int)note->rank,
             TAG_GRANT + (int)(note->worker % team->threads), MPI_COMM_WORLD);
}

/* Answers the notes that have arrived, and not for ever, so that the caller gets back to its
 * own chunks; returns how many. With team->mpi held. */
static uint32_t answer_notes(struct team *team)
{
    uint32_t n = 0;
    while (n < team->workers * MOST_ASKED) {
        int has_come = 0;
        MPI_Test(&team->note_request, &has_come, MPI_STATUS_IGNORE);
        if (!has_come)
            break;
        answer(team, &team->note);
        ranks_post_note(team);
        n++;
    }
    return n;
}

uint64_t ranks_look_in_passing(struct team *team)
{
    uint64_t now = clock_now_ns();
    uint64_t looked = atomic_load_explicit(&team->looked_ns, memory_order_relaxed);
    if ((int64_t)(now - looked) < LOOK_NS || pthread_mutex_trylock(&team->mpi) != 0)
        return 0;
    atomic_store_explicit(&team->looked_ns, now, memory_order_relaxed);
    answer_notes(team);
    pthread_mutex_unlock(&team->mpi);
    return clock_now_ns() - now;
}

void ranks_answer_to_the_end(struct team *team)
{
    struct wait wait = wait_begin(team, &wait_in_map);
    for (bool is_over = false; !is_over;) {
        atomic_store_explicit(&team->looked_ns, clock_now_ns(), memory_order_relaxed);
        pthread_mutex_lock(&team->mpi);
        uint32_t n = answer_notes(team);
        is_over = ranks_is_reduced(team);
        pthread_mutex_unlock(&team->mpi);
        if (n > 0)
            wait.since_ns = clock_now_ns();
        else if (!is_over)
            wait_step(&wait);
    }
    wait_end(&wait);
}

/* --- the deputy ------------------------------------------------------------------------------ */

/* One map's watch. It naps while the root's workers look, and answers in their place while they do
 * not, at a pace that follows the notes: one of them may be computing on the same CPU. */
static void deputy_watch(struct team *team)
{
    struct wait naps = wait_begin(team, &wait_in_map);
    const uint64_t patience_ns = team->dispatch == &ranks_master ? DEPUTY_NS : DEPUTY_SOON_NS;
    uint64_t ns = patience_ns, last_note_ns = clock_now_ns();
    while (atomic_load(&team->deputy_may)) {
        wait_nap(&naps, ns);
        uint64_t now = clock_now_ns();
        uint64_t looked = atomic_load_explicit(&team->looked_ns, memory_order_relaxed);
        if ((int64_t)(now - looked) < (int64_t)patience_ns) {
            ns = patience_ns;
            last_note_ns = now;
            continue;
        }
        pthread_mutex_lock(&team->mpi);
        if (atomic_load(&team->deputy_may) && answer_notes(team) > 0)
            last_note_ns = now;
        pthread_mutex_unlock(&team->mpi);
        ns = (now - last_note_ns) / DEPUTY_SHARE;
        ns = ns < DEPUTY_LEAST_NS ? DEPUTY_LEAST_NS : ns > DEPUTY_MOST_NS ? DEPUTY_MOST_NS : ns;
    }
    wait_end(&naps);
}

void *ranks_deputy(void *argument)
{
    struct team *team = argument;
    pthread_mutex_lock(&team->deputy_lock);
    for (;;) {
        while (!team->deputy_on && !team->deputy_stop)
            pthread_cond_wait(&team->deputy_wake, &team->deputy_lock);
        if (team->deputy_stop)
            break;
        team->deputy_on = false;
        pthread_mutex_unlock(&team->deputy_lock);
        deputy_watch(team);
        pthread_mutex_lock(&team->deputy_lock);
    }
    pthread_mutex_unlock(&team->deputy_lock);
    return NULL;
}

void ranks_deputy_rise(struct team *team)
{
    if (!team->has_deputy)
        return;
    atomic_store(&team->deputy_may, true);
    pthread_mutex_lock(&team->deputy_lock);
    team->deputy_on = true;
    pthread_cond_signal(&team->deputy_wake);
    pthread_mutex_unlock(&team->deputy_lock);
}

void ranks_deputy_stand_down(struct team *team)
{
    pthread_mutex_lock(&team->mpi);
    atomic_store(&team->deputy_may, false);
    pthread_mutex_unlock(&team->mpi);
}

void ranks_deputy_end(struct team *team)
{
    pthread_mutex_lock(&team->deputy_lock);
    team->deputy_stop = true;
    pthread_cond_signal(&team->deputy_wake);
    pthread_mutex_unlock(&team->deputy_lock);
    pthread_join(team->deputy, NULL);
}

/* --- a worker's shift ------------------------------------------------------------------------ */

void ranks_ask(struct team *team, struct worker *me)
{
    struct note note = {.worker = me->number,
                        .rank = (uint32_t)team->rank,
                        .node = (uint32_t)team->node,
                        .past = me->past,
                        .turn = me->turn_asked};
    me->past.parts.n = 0;
    uint64_t at = me->n_asked++ % MOST_ASKED;
    me->asked_after[at] = me->n_run;
    meter_slow(&me->meter); /* where claims are sampled */
    pthread_mutex_lock(&team->mpi);
    MPI_Irecv(&me->grants[at], sizeof me->grants[at], MPI_BYTE, 0,
              TAG_GRANT + (int)(me->number % team->threads), MPI_COMM_WORLD, &me->asked[at]);
    MPI_Send(&note, sizeof note, MPI_BYTE, 0, TAG_NOTE, MPI_COMM_WORLD);
    pthread_mutex_unlock(&team->mpi);
}

/* How many chunks to have asked for while this one runs. They are taken from the others then, so
 * only while chunks are short (a worker that gets stuck keeps little from the rest) and while there
 * are as many for everybody (the end stays balanced). What the grant says is left is as old as its
 * asking: since then the others have run as many chunks as this worker. */
static uint64_t asked_ahead(const struct team *team, const struct worker *me, uint64_t at)
{
    const struct grant *grant = &me->grants[at];
    uint64_t most = me->depth, mean_ns = me->n_run > 0 ? me->run_ns / me->n_run : 0;
    if (me->n_run == 0 || mean_ns >= AHEAD_NS || team->job.sched.class == SCHED_ADAPTIVE)
        most = 0;
    else if (mean_ns >= FAR_AHEAD_NS || mean_ns < LOOK_NS)
        most = 1; /* the deputy answers soon enough; the root would do little else than answer */
    uint64_t rounds = grant->left / team->workers / grant->count;
    uint64_t past = me->n_run - me->asked_after[at];
    rounds = rounds > past ? rounds - past : 0;
    return rounds < most ? rounds : most;
}

/* Waits for the grant. Where it was not there in time, more are asked for ahead from now on; where
 * it always is, less and less: the depth follows from how long the root leaves its notes alone. */
static void await_grant(struct team *team, struct worker *me, uint64_t at)
{
    if (ranks_await(team, &me->asked[at], &wait_in_map)) {
        me->depth = me->depth * 2 < MOST_ASKED ? me->depth * 2 : MOST_ASKED;
        me->in_time = 0;
    } else if (++me->in_time == IN_TIME && me->depth > 1) {
        me->depth--;
        me->in_time = 0;
    }
}

/* Each claim is timed: two readings of the clock are nothing beside a message, and most grants are
 * there at once while one in tens is waited for, so that none stands for the others. */
static uint64_t shift_asking(struct team *team, struct worker *me, struct tally *tally)
{
    bool is_over = false;
    meter_start(&me->meter);
    me->n_asked = me->n_run = me->run_ns = me->in_time = 0;
    me->depth = 1;
    me->past = (struct chunk_past){.run_ns = 0};
    uint64_t asked = clock_now_ns();
    ranks_ask(team, me);
    for (uint64_t n_taken = 0; n_taken < me->n_asked;) {
        uint64_t at = n_taken++ % MOST_ASKED;
        await_grant(team, me, at);
        const struct grant grant = me->grants[at];
        is_over = is_over || grant.left == 0;
        if (grant.count == 0)
            continue; /* the answers to what was asked ahead are still to come */
        uint64_t ahead = is_over ? 0 : asked_ahead(team, me, at);
        while (me->n_asked - n_taken < ahead)
            ranks_ask(team, me);
        asked = ranks_run_timed(team, me, grant.first, grant.count, tally, asked);
        me->n_run++;
        me->run_ns += me->past.run_ns;
        if (!is_over && me->n_asked == n_taken)
            ranks_ask(team, me);
    }
    meter_timed(&me->meter, asked, clock_now_ns());
    return me->meter.claim_ns;
}

static uint64_t shift_master(struct team *team, struct worker *me, struct tally *tally)
{
    return team->rank == 0 ? ranks_drain_claim(team, me, team->claim, tally)
                           : shift_asking(team, me, tally);
}

static uint64_t shift_master_only(struct team *team, struct worker *me, struct tally *tally)
{
    return team->rank == 0 ? 0 : shift_asking(team, me, tally);
}

/* --- dispatches ------------------------------------------------------------------------------ */

static int check_others(const struct team *team, const struct job *job, struct err *err)
{
    (void)job;
    if (team->n_ranks > 1)
        return 0;
    return err_set(err, "dispatch 'master-only' needs at least 2 ranks, since rank 0 runs no task; "
                        "use 'master'");
}

static int prepare_master(struct team *team, struct err *err)
{
    if (team->rank > 0)
        return 0;
    claim_init(team->claim, &team->job.sched);
    if (ranks_open_views(team, err) != 0)
        return -1;
    for (uint32_t w = 0; w < team->workers; w++)
        team->hands[w] = claim_hand_of(team->claim, &team->view, w);
    return 0;
}

static bool has_others(const struct team *team)
{
    return team->n_ranks > 1;
}

const struct dispatch ranks_master = {
    .name = "master",
    .prepare = prepare_master,
    .needs_root = has_others,
    .answer = grant_chunk,
    .shift = shift_master,
};

const struct dispatch ranks_master_only = {
    .name = "master-only",
    .check = check_others,
    .prepare = prepare_master,
    .answer = grant_chunk,
    .shift = shift_master_only,
};
