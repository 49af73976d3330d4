/* The zygote: forked when the pool is made, before the parent goes on, with one thread. It makes
 * the workers and their replacements, so that all have the same snapshot, whatever the parent has
 * done meanwhile (threads, OpenMP, MPI); reaps the dead and puts in order what they left; ends
 * those that take too long; and ends all when the parent is gone.
 *
 * It sleeps in poll() on a signalfd (children; a nudge from the parent, who has written what it
 * wants into the control block) and on a pidfd of the parent. Where there is no pidfd it looks for
 * the parent five times a second. Descriptors of its own are closed in workers.
 *
 * Recovery, for a worker that was reaped (nobody else is in its seat then):
 *   1. its steal, if it was at one, is undone, and its locks are freed (range_undo);
 *   2. under the lock of its range: what is unfinished (seat_unfinished); the item that was being
 *      run is lost, unless its entry is in the log already (what was finished before a death
 *      counts), or it is to be run again;
 *   3. the rest becomes the seat's range, where a replacement goes on and others steal; where
 *      nothing is left the seat leaves the job.
 * A lock that is held, or a window that is kept open, by another dead worker is freed when that one
 * is reaped: until then step 2 is tried again each millisecond.
 *
 * Checked by tests/models: ticket.pml (the block), range.pml (the range), finish.pml (the job),
 * sleep.pml (who is called).
 */
#include "procpool/self.h"
#include "procpool/shared.h"

#include "base/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

enum {
    FAILURES_IN_A_ROW = 5, /* of replacements to start, before the pool is given up */
    PARENT_LOOK_MS = 200,
    RETRY_MS = 1,
};

/* What the zygote knows of a worker. */
struct ward {
    pid_t pid;       /* 0: none */
    bool is_dead;    /* reaped, not yet recovered */
    int status;      /* as from waitpid, then */
    bool is_decided; /* then: whether it is replaced is decided */
    bool is_replaced;
    bool is_given_up; /* there is none, and none will come */
    bool is_overdue;  /* killed by the time limit, at item `watched` */

    uint64_t watched_at, watched; /* job and item (1 + index) seen last; 0 in no task */
    uint64_t since_ns;
    uint64_t stopped_ns; /* since when it is stopped; 0: it is not */
};

struct retry {
    uint64_t serial, index;
    int count;
};

struct zygote {
    struct control *control;
    pid_t parent;
    int signals, parent_fd;
    struct ward *wards;
    struct retry *retries;
    size_t n_retries, retries_capacity;
    uint32_t alive, failures_in_a_row;
    bool is_ending;      /* no worker may be made any more */
    uint64_t kill_at_ns; /* when SIGKILL follows SIGTERM; 0: done, or not ending */
};

/* --- making workers --------------------------------------------------------------------------- */

static _Noreturn void be_worker(struct zygote *z, uint32_t w, pid_t zygote)
{
    struct control *control = z->control;
    /* The signal comes with the death of the zygote, unless that came first. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != zygote)
        _exit(EXIT_FAILURE);
    close(z->signals);
    if (z->parent_fd >= 0)
        close(z->parent_fd);
    atomic_store(&control->seats[w].pid, getpid());
    char name[16];
    snprintf(name, sizeof name, "pool-worker-%" PRIu32, w);
    prctl(PR_SET_NAME, name);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    worker_live(control, w);
}

static pid_t fork_worker(void)
{
#ifdef SCHED_POINTS
    errno = 0;
    POINT("zygote: fork"); /* a test makes the fork fail by setting errno */
    if (errno)
        return -1;
#endif
    return fork();
}

static int make_worker(struct zygote *z, uint32_t w)
{
    struct seat *seat = &z->control->seats[w];
    atomic_store(&seat->stage, SEAT_STARTING);
    seat->n_starts++;
    pid_t zygote = getpid(), pid = fork_worker();
    if (pid == 0)
        be_worker(z, w, zygote);
    if (pid < 0)
        return -1;
    atomic_store(&seat->pid, pid);
    z->wards[w] = (struct ward){.pid = pid, .since_ns = clock_now_ns()};
    z->alive++;
    return 0;
}

/* --- giving up -------------------------------------------------------------------------------- */

static void kill_all(struct zygote *z, int signal)
{
    for (uint32_t w = 0; w < z->control->workers; w++)
        if (z->wards[w].pid)
            kill(z->wards[w].pid, signal);
}

static void describe_end(char *text, size_t size, uint32_t w, pid_t pid, int status)
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        format_text(text, size, "worker %" PRIu32 " (pid %d) was killed by signal %d (SIG%s)", w,
                    (int)pid, WTERMSIG(status), name ? name : "?");
    } else {
        format_text(text, size, "worker %" PRIu32 " (pid %d) ended with status %d", w, (int)pid,
                    WEXITSTATUS(status));
    }
}

/* No worker is to be made any more; why is in control->reason where it is the pool's fault. */
static void end_all(struct zygote *z)
{
    z->is_ending = true;
    kill_all(z, SIGKILL);
}

static void break_pool(struct zygote *z)
{
    atomic_store(&z->control->is_broken, 1);
    end_all(z);
}

static void fail_start(struct zygote *z, int error_number)
{
    z->control->start_error = error_number;
    atomic_store(&z->control->start_failed, 1);
    atomic_fetch_add(&z->control->starts, 1);
    futex_wake(&z->control->starts, INT_MAX);
    end_all(z);
}

/* --- recovery --------------------------------------------------------------------------------- */

/* Whether the item may be run again after this death; counts it. */
static bool may_retry(struct zygote *z, uint64_t serial, uint64_t index)
{
    if (z->control->retries <= 0 || z->is_ending)
        return false;
    for (size_t i = 0; i < z->n_retries; i++)
        if (z->retries[i].serial == serial && z->retries[i].index == index)
            return ++z->retries[i].count <= z->control->retries;
    if (z->n_retries == z->retries_capacity) {
        size_t capacity = z->retries_capacity ? 2 * z->retries_capacity : 64;
        struct retry *more = realloc(z->retries, capacity * sizeof *more);
        if (!more)
            return false;
        z->retries = more;
        z->retries_capacity = capacity;
    }
    z->retries[z->n_retries++] = (struct retry){serial, index, 1};
    return true;
}

static void log_death(struct zygote *z, struct job *job, uint32_t w, uint64_t index)
{
    const struct ward *ward = &z->wards[w];
    bool is_overdue = ward->is_overdue && ward->watched == index + 1;
    bool is_terminated = atomic_load(&z->control->phase) == PHASE_TERMINATED;
    enum procpool_state state = is_overdue      ? PROCPOOL_OVERDUE
                                : is_terminated ? PROCPOOL_TERMINATED
                                                : PROCPOOL_LOST;
    struct log_entry *entry = log_reserve(job);
    if (!entry) {
        log_overflow(job, index, 1);
        return;
    }
    entry->state = (int32_t)state;
    entry->first = index;
    entry->count = 1;
    entry->code = entry->error_number = 0;
    entry->pid = ward->pid;
    entry->signal = WIFSIGNALED(ward->status) ? WTERMSIG(ward->status) : 0;
    entry->exit_status = WIFEXITED(ward->status) ? WEXITSTATUS(ward->status) : 0;
    if (is_overdue)
        format_text(entry->text, sizeof entry->text,
                    "over the time limit of %.3g s: worker %" PRIu32 " (pid %d) was killed",
                    (double)z->control->time_limit_ns / 1e9, w, (int)ward->pid);
    else
        describe_end(entry->text, sizeof entry->text, w, ward->pid, ward->status);
    log_commit(entry);
}

/* Lets idle workers look again from this job on. */
static void offer(struct control *control, uint64_t serial)
{
    uint64_t first = atomic_load(&control->first), back;
    do {
        uint64_t epoch = (first + 1) & (((uint64_t)1 << FIRST_EPOCH_BITS) - 1);
        uint64_t at = first_serial(first) < serial ? first_serial(first) : serial;
        back = at << FIRST_EPOCH_BITS | epoch;
    } while (!atomic_compare_exchange_weak(&control->first, &first, back));
    atomic_fetch_add(&control->generation, 1);
    futex_wake(&control->generation, INT_MAX);
}

/* What a worker that was told to stop the job had noted before it died is final already. */
static void trim_noted(const struct job *job, uint32_t stopping, struct piece *rest)
{
    uint64_t n = atomic_load(&job->n_logged);
    for (uint64_t k = 0; k < n && k < job->log_capacity; k++) {
        const struct log_entry *entry = &job->log[k];
        if (atomic_load(&entry->is_valid) && (uint32_t)entry->state == stopping &&
            entry->first >= rest->first && entry->first < rest->end)
            rest->end = entry->first;
    }
}

static uint32_t stop_job(struct job *job)
{
    uint32_t none = 0;
    atomic_compare_exchange_strong(&job->stopping, &none, PROCPOOL_CANCELLED);
    ticket_stop(&job->ticket);
    return atomic_load(&job->stopping);
}

/* Step 2 and 3: decides on what is unfinished; returns what is still to be run. */
static struct piece settle_rest(struct zygote *z, struct job *job, uint32_t w, struct piece rest,
                                bool may_run)
{
    struct seat *seat = &z->control->seats[w];
    bool is_ours = rest.first == atomic_load(&seat->done);
    uint32_t stopping = atomic_load(&job->stopping);
    if (stopping)
        trim_noted(job, stopping, &rest);
    if (rest.first < rest.end && is_ours && atomic_load(&seat->started) == rest.first + 1) {
        if (log_find(job, rest.first) || log_is_undetailed(job, rest.first)) {
            rest.first++;
        } else if (z->wards[w].is_overdue || !may_retry(z, job->serial, rest.first)) {
            log_death(z, job, w, rest.first);
            rest.first++;
            if (job->is_fail_fast)
                stopping = stop_job(job);
        }
    }
    if (rest.first < rest.end && (stopping || !may_run)) {
        bool is_terminated = atomic_load(&z->control->phase) == PHASE_TERMINATED;
        enum procpool_state state = stopping        ? (enum procpool_state)stopping
                                    : is_terminated ? PROCPOOL_TERMINATED
                                                    : PROCPOOL_LOST;
        log_range(job, state, rest.first, rest.end - rest.first,
                  state == PROCPOOL_LOST ? "no worker is left to run it" : "not started");
        rest.first = rest.end;
    }
    return rest;
}

/* A worker that died in the window of the ticket may have been given a block that it has not noted:
 * notes it in its place. False: not yet, somebody who lives is in the window, or came or went
 * while the ledgers were read. */
static bool note_in_its_place(struct zygote *z, struct job *job, uint32_t w)
{
    struct control *control = z->control;
    struct ledger *ledger = &control->seats[w].ledger;
    uint64_t given = ticket_given(&job->ticket), block;
    if (!ledger_is_in_window(ledger))
        return true;
    bool *skip = calloc(control->workers, sizeof *skip);
    uint64_t *visits = calloc(control->workers, sizeof *visits);
    bool is_certain = skip && visits;
    for (uint32_t v = 0; is_certain && v < control->workers; v++) {
        struct seat *seat = &control->seats[v];
        visits[v] = atomic_load(&seat->visits);
        skip[v] = atomic_load(&seat->at) != job->serial + 1;
        is_certain = skip[v] || z->wards[v].is_dead || !ledger_is_in_window(&seat->ledger);
    }
    enum ticket_search search = TICKET_UNCERTAIN;
    if (is_certain)
        search = ticket_missing(&job->ticket, &control->seats[0].ledger, sizeof *control->seats,
                                control->workers, skip, given, &block);
    atomic_thread_fence(memory_order_acquire);
    is_certain = search != TICKET_UNCERTAIN;
    /* Those whose ledgers were read were at this job all along. */
    for (uint32_t v = 0; is_certain && v < control->workers; v++) {
        struct seat *seat = &control->seats[v];
        is_certain = skip[v] || (atomic_load(&seat->at) == job->serial + 1 &&
                                 atomic_load(&seat->visits) == visits[v]);
    }
    if (is_certain && search == TICKET_FOUND)
        ledger_note(ledger, block);
    if (is_certain)
        atomic_store(&ledger->begun, ledger_count(ledger));
    free(visits);
    free(skip);
    return is_certain;
}

/* What the dead had in hand of an open job; the range of its seat is locked. */
static struct piece settle_seat(struct zygote *z, struct job *job, uint32_t w, bool may_run)
{
    struct seat *seat = &z->control->seats[w];
    struct piece rest = seat_unfinished(seat, w, job);
    rest = settle_rest(z, job, w, rest, may_run);
    uint64_t ended = atomic_load(&seat->done) + atomic_load(&seat->ended_bias);
    bool is_shared = job->kind == JOB_MAP && rest.first < rest.end;
    if (job->kind == JOB_MAP)
        atomic_store(&seat->opened, ledger_count(&seat->ledger));
    atomic_store(&seat->ended_bias, ended - rest.first);
    atomic_store(&seat->started, rest.first);
    atomic_store(&seat->done, rest.first);
    atomic_store(&seat->end, job->kind == JOB_EACH ? rest.end : rest.first);
    atomic_store(&seat->in_range, is_shared);
    range_open(&seat->range, is_shared ? rest.first : 0, is_shared ? rest.end : 0);
    if (is_shared)
        atomic_store(&job->has_leftovers, 1);
    return rest;
}

/* Sees to it that the dead's ledger is complete, and that it is not needed any more. */
static bool account_for(struct zygote *z, struct job *job, uint32_t w)
{
    struct control *control = z->control;
    uint64_t given = ticket_given(&job->ticket);
    if (!note_in_its_place(z, job, w) || !others_are_noted(control, &control->seats[w], job))
        return false;
    ticket_account(&job->ticket, given);
    return true;
}

/* Puts the seat of a dead worker in order. False: not yet, its range is locked by another, or
 * somebody is in the window of the ticket. */
static bool recover(struct zygote *z, uint32_t w, bool may_run)
{
    struct control *control = z->control;
    struct seat *seat = &control->seats[w];
    if (range_undo(&control->seats[0].range, sizeof *seat, control->workers, w)) {
        atomic_store(&seat->end, atomic_load(&seat->done));
        atomic_store(&seat->in_range, 0);
    }
    bits_clear(&control->asleep, w);
    bits_clear(&control->spinning, w);
    uint64_t at = atomic_load(&seat->at);
    struct job *job = at ? seat_job(control, at) : NULL;
    bool is_at_it = job && !(at & AT_LEAVING) && atomic_load(&job->state) == JOB_OPEN;
    /* The ticket before the range, whose lock stays the dead's until all of it can be settled. */
    if (is_at_it && !account_for(z, job, w))
        return false;
    if (!range_inherit_lock(&seat->range, w, ZYGOTE))
        return false;
    struct piece rest = {0, 0};
    if (is_at_it)
        rest = settle_seat(z, job, w, may_run);
    range_unlock(&seat->range);
    if (is_at_it && rest.first >= rest.end)
        seat_leave(control, seat, job);
    if (!is_at_it && job)
        job_look(control, seat, job);
    if (!is_at_it)
        atomic_store(&seat->at, 0);
    return true;
}

/* --- deaths ----------------------------------------------------------------------------------- */

/* Whether a worker that has ended is to be replaced; counts. */
static bool may_replace(struct zygote *z, uint32_t w)
{
    struct control *control = z->control;
    struct ward *ward = &z->wards[w];
    uint32_t stage = atomic_load(&control->seats[w].stage);
    if (z->is_ending)
        return false;
    if (stage == SEAT_STARTING) {
        describe_end(control->reason, sizeof control->reason, w, ward->pid, ward->status);
        if (ward->is_overdue)
            format_text(control->reason, sizeof control->reason,
                        "the initializer of worker %" PRIu32 " (pid %d) took longer than %.3g s", w,
                        (int)ward->pid, (double)control->time_limit_ns / 1e9);
        else if (WIFEXITED(ward->status) && WEXITSTATUS(ward->status) == STATUS_START_FAILED)
            format_text(control->reason, sizeof control->reason,
                        "the initializer of worker %" PRIu32 " (pid %d) failed", w, (int)ward->pid);
        if (atomic_load(&control->phase) == PHASE_STARTING) {
            fail_start(z, 0);
            return false;
        }
        if (++z->failures_in_a_row >= FAILURES_IN_A_ROW) {
            break_pool(z);
            return false;
        }
    }
    bool is_planned =
        stage == SEAT_RECYCLING ||
        (stage == SEAT_READY && WIFEXITED(ward->status) && WEXITSTATUS(ward->status) == 0 &&
         atomic_load(&control->seats[w].at) == 0 && atomic_load(&control->phase) == PHASE_CLOSED);
    if (is_planned) {
        atomic_fetch_add(&control->n_recycled, stage == SEAT_RECYCLING);
    } else {
        if (control->restarts >= 0 &&
            atomic_load(&control->n_restarts) >= (uint64_t)control->restarts) {
            describe_end(control->reason, sizeof control->reason, w, ward->pid, ward->status);
            return false;
        }
        atomic_fetch_add(&control->n_restarts, 1);
    }
    return atomic_load(&control->phase) == PHASE_RUNNING || atomic_load(&control->seats[w].at) ||
           any_is_open(control);
}

/* Whether some worker lives that can take what is left over. */
static bool someone_lives(const struct zygote *z)
{
    return z->alive > 0 && !z->is_ending;
}

/* Whether nobody lives or will be made. */
static bool is_the_last(const struct zygote *z, uint32_t w)
{
    for (uint32_t v = 0; v < z->control->workers; v++)
        if (v != w && z->wards[v].is_dead && (!z->wards[v].is_decided || z->wards[v].is_replaced))
            return false;
    return z->alive == 0 && !z->wards[w].is_replaced;
}

/* Deals with one that was reaped; true when that is done. */
static bool bury(struct zygote *z, uint32_t w)
{
    struct control *control = z->control;
    struct ward *ward = &z->wards[w];
    struct seat *seat = &control->seats[w];
    uint32_t stage = atomic_load(&seat->stage);
    if (stage == SEAT_READY || stage == SEAT_RECYCLING)
        z->failures_in_a_row = 0;
    if (!ward->is_decided) {
        ward->is_decided = true;
        ward->is_replaced = may_replace(z, w);
        atomic_store(&seat->pid, 0);
        if (is_the_last(z, w) && atomic_load(&control->phase) == PHASE_RUNNING)
            atomic_store(&control->is_broken, 1); /* before a job of its can become ready */
    }
    bool is_replaced = ward->is_replaced && !z->is_ending;
    uint64_t at = atomic_load(&seat->at);
    struct job *job = at ? seat_job(control, at) : NULL;
    bool is_for_it_alone = job && job->kind == JOB_EACH;
    uint64_t serial = job ? (at & ~AT_LEAVING) - 1 : UINT64_MAX;
    if (!recover(z, w, is_replaced || (someone_lives(z) && !is_for_it_alone)))
        return false;
    *ward = (struct ward){.is_given_up = !is_replaced};
    atomic_store(&seat->stage, SEAT_EMPTY);
    if (!is_replaced)
        atomic_store(&control->has_given_up, 1);
    /* Whatever it was called for, and whatever it left, is for others now. */
    offer(control, serial);
    if (is_replaced && make_worker(z, w) != 0) {
        ward->is_given_up = true;
        format_text(control->reason, sizeof control->reason,
                    "worker %" PRIu32 " could not be forked again: %s", w, strerror(errno));
        break_pool(z);
    }
    return true;
}

static void reap(struct zygote *z)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        for (uint32_t w = 0; w < z->control->workers; w++) {
            struct ward *ward = &z->wards[w];
            if (ward->pid != pid || ward->is_dead)
                continue;
            if (WIFSTOPPED(status)) {
                ward->stopped_ns = clock_now_ns();
            } else if (WIFCONTINUED(status)) {
                ward->stopped_ns = 0;
            } else {
                ward->is_dead = true;
                ward->status = status;
                z->alive--;
            }
        }
    }
}

/* Returns whether one has to be tried again. */
static bool bury_all(struct zygote *z)
{
    bool again = false;
    for (uint32_t w = 0; w < z->control->workers; w++)
        if (z->wards[w].is_dead && !bury(z, w))
            again = true;
    return again;
}

/* Seats that have nobody any more, whose items others are to steal, leave their job when it is
 * done; returns whether there are any. */
static bool tend_ghosts(struct zygote *z)
{
    bool any = false;
    struct control *control = z->control;
    for (uint32_t w = 0; w < control->workers; w++) {
        struct seat *seat = &control->seats[w];
        if (!z->wards[w].is_given_up || z->wards[w].pid || !atomic_load(&seat->at))
            continue;
        struct job *job = seat_job(control, atomic_load(&seat->at));
        any = true;
        if (!range_try_lock(&seat->range, ZYGOTE))
            continue;
        bool may_run = someone_lives(z);
        if (job && (!may_run || atomic_load(&job->stopping))) {
            struct piece rest = {atomic_load(&seat->range.taken), atomic_load(&seat->range.back)};
            settle_rest(z, job, w, rest, may_run);
            range_open(&seat->range, 0, 0);
        }
        bool is_empty = range_looks_empty(&seat->range);
        range_unlock(&seat->range);
        if (is_empty && job)
            seat_leave(control, seat, job);
    }
    return any;
}

/* A job that each worker runs once cannot have the items of seats that have nobody any more. */
static void lose_each(struct zygote *z)
{
    struct control *control = z->control;
    if (!atomic_load(&control->has_given_up) || !someone_lives(z))
        return;
    for (uint32_t i = 0; i < used_slots(control); i++) {
        struct job *job = job_pin(control, i);
        for (uint32_t w = 0; job && job->kind == JOB_EACH && w < control->workers; w++)
            if (z->wards[w].is_given_up && !atomic_exchange(&job->visited[w], 1))
                log_range(job, PROCPOOL_LOST, w, 1, "this worker died and was not replaced");
        if (job && job->kind == JOB_EACH)
            job_look(control, NULL, job);
        if (job)
            job_unpin(control);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

static void overdue(struct ward *ward)
{
    ward->is_overdue = true;
    kill(ward->pid, SIGKILL);
}

/* Ends workers that have been too long at one item, in the initializer, or stopped. */
static void hold_limits(struct zygote *z)
{
    struct control *control = z->control;
    uint64_t limit = control->time_limit_ns, now = clock_now_ns();
    for (uint32_t w = 0; limit && w < control->workers; w++) {
        struct ward *ward = &z->wards[w];
        struct seat *seat = &control->seats[w];
        if (!ward->pid || ward->is_dead || ward->is_overdue)
            continue;
        uint64_t at = atomic_load(&seat->at), started = atomic_load(&seat->started);
        bool is_starting = atomic_load(&seat->stage) == SEAT_STARTING;
        bool is_in_task = at && !(at & AT_LEAVING) && started == atomic_load(&seat->done) + 1;
        if (!is_starting && (!is_in_task || ward->watched_at != at || ward->watched != started)) {
            ward->watched_at = is_in_task ? at : 0;
            ward->watched = is_in_task ? started : 0;
            ward->since_ns = now;
        } else if (now - ward->since_ns >= limit) {
            overdue(ward);
        }
        if (ward->stopped_ns && now - ward->stopped_ns >= limit && !ward->is_overdue)
            overdue(ward);
    }
}

static void hold_grace(struct zygote *z)
{
    if (z->kill_at_ns && clock_now_ns() >= z->kill_at_ns) {
        kill_all(z, SIGKILL);
        z->kill_at_ns = 0;
    }
}

static void begin_termination(struct zygote *z)
{
    struct control *control = z->control;
    for (uint32_t i = 0; i < used_slots(control); i++) {
        struct job *job = job_pin(control, i);
        uint32_t none = 0;
        if (!job)
            continue;
        atomic_compare_exchange_strong(&job->stopping, &none, PROCPOOL_TERMINATED);
        ticket_stop(&job->ticket);
        job_unpin(control);
    }
    z->is_ending = true;
    if (control->no_term) {
        kill_all(z, SIGKILL);
    } else {
        kill_all(z, SIGTERM);
        uint64_t now = clock_now_ns();
        z->kill_at_ns = control->grace_ns < INT64_MAX - now ? now + control->grace_ns : INT64_MAX;
    }
}

/* --- life ------------------------------------------------------------------------------------- */

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

/* The zygote does nothing of what the parent's handlers do, and outlives what a terminal sends. */
static void set_signals(struct zygote *z)
{
    struct sigaction standard = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};
    for (int s = 1; s < NSIG; s++) {
        struct sigaction old;
        if (sigaction(s, NULL, &old) == 0 && old.sa_handler != SIG_DFL &&
            (old.sa_handler != SIG_IGN || s == SIGCHLD))
            sigaction(s, &standard, NULL);
    }
    sigaction(SIGINT, &ignored, NULL); /* also of workers: the parent decides what follows */
    sigset_t all, some;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&some);
    sigaddset(&some, SIGCHLD);
    sigaddset(&some, SIGUSR1);
    z->signals = signalfd(-1, &some, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool parent_is_gone(const struct zygote *z, const struct pollfd *fd)
{
    return (z->parent_fd >= 0 && fd->revents) || getppid() != z->parent;
}

static int next_timeout(const struct zygote *z, bool again, bool has_ghosts)
{
    int64_t ms = z->parent_fd >= 0 && z->signals >= 0 ? -1 : PARENT_LOOK_MS;
    if (z->control->time_limit_ns && z->alive) {
        int64_t step = (int64_t)(z->control->time_limit_ns / 8000000) + 1;
        ms = ms < 0 || step < ms ? step : ms;
    }
    if (z->kill_at_ns) {
        int64_t left = ((int64_t)z->kill_at_ns - (int64_t)clock_now_ns()) / 1000000 + 1;
        ms = ms < 0 || left < ms ? (left > 0 ? left : 0) : ms;
    }
    if (again || has_ghosts)
        ms = RETRY_MS;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void wait_for_event(struct zygote *z, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = z->signals, .events = POLLIN},
                            {.fd = z->parent_fd, .events = POLLIN}};
    poll(fds, 2, timeout_ms);
    if (parent_is_gone(z, &fds[1])) {
        if (getenv("PROCPOOL_DEBUG") && atomic_load(&z->control->phase) == PHASE_RUNNING)
            dprintf(STDERR_FILENO,
                    "procpool: process %d ended with its pool of %" PRIu32
                    " workers running; procpool_free was not called\n",
                    (int)z->parent, z->control->workers);
        kill_all(z, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
            ;
        _exit(EXIT_SUCCESS);
    }
    struct signalfd_siginfo info[8];
    while (read(z->signals, info, sizeof info) > 0)
        ;
}

static void make_all(struct zygote *z)
{
    for (uint32_t w = 0; w < z->control->workers; w++) {
        if (make_worker(z, w) != 0) {
            int error_number = errno;
            format_text(z->control->reason, sizeof z->control->reason,
                        "worker %" PRIu32 " of %" PRIu32 " could not be forked: %s", w,
                        z->control->workers, strerror(error_number));
            fail_start(z, error_number);
            return;
        }
    }
}

/* Whether nothing is left to be done; also settles what only the end can settle. */
static bool is_at_the_end(struct zygote *z)
{
    struct control *control = z->control;
    if (z->alive)
        return false;
    for (uint32_t w = 0; w < control->workers; w++)
        if (z->wards[w].is_dead)
            return false;
    uint32_t phase = atomic_load(&control->phase);
    if (phase == PHASE_STARTING)
        return atomic_load(&control->start_failed);
    if (phase == PHASE_CLOSED && !z->is_ending && !any_is_open(control))
        return true;
    if (!atomic_load(&control->is_broken) && phase != PHASE_TERMINATED)
        atomic_store(&control->is_broken, 1);
    settle_jobs(control, phase == PHASE_TERMINATED ? PROCPOOL_TERMINATED : PROCPOOL_LOST);
    return phase >= PHASE_CLOSED;
}

_Noreturn void zygote_live(struct control *control, pid_t parent)
{
    struct zygote z = {.control = control, .parent = parent};
    prctl(PR_SET_NAME, "pool-zygote");
    prctl(PR_SET_PDEATHSIG, 0);
    set_signals(&z);
    z.parent_fd = open_pidfd(parent);
    z.wards = calloc(control->workers, sizeof *z.wards);
    if (getppid() != parent || !z.wards)
        _exit(EXIT_FAILURE);
    make_all(&z);
    bool again = false, has_ghosts = false;
    while (!is_at_the_end(&z)) {
        wait_for_event(&z, next_timeout(&z, again, has_ghosts));
        if (atomic_load(&control->phase) == PHASE_TERMINATED && !z.is_ending)
            begin_termination(&z);
        hold_limits(&z);
        hold_grace(&z);
        reap(&z);
        again = bury_all(&z);
        has_ghosts = tend_ghosts(&z);
        lose_each(&z);
    }
    _exit(EXIT_SUCCESS);
}
