/* Sleeping and waking: whoever is needed is awake.
 *
 * Covers of src/procpool/worker.c worker_live, work, is_behind, any_is_open, spin,
 * sleep_until_called; of job.c publish; of shared.h bits_take, wake_workers; of seat.c finish as far
 * as it wakes workers; of pool.c set_phase; of zygote.c offer and what bury does before and after.
 *
 *   parent    submits jobs of one item, then closes the pool at some time, or never
 *   workers   look for work, spin, sleep; one dies between any two of its steps, or none
 *   zygote    puts what the dead had claimed and not begun back for others; calls all; makes a
 *             replacement, or none
 *
 * An item ends when the items of all jobs have begun: so the model comes to rest only if as many
 * workers are awake as there are jobs (but for MEET=0, and where too few are left).
 *
 * Holds:
 *   - No wake-up is lost: when all rest, every job is ready.
 *   - Two jobs are run at the same time, however they were submitted, if there are two workers.
 *   - Of a closed pool all workers leave, and none while a job is open.
 *   - Under weak fairness all come to rest (pan -l -f).
 *
 * Claiming is one step here (tests/models/ticket.pml), so is finishing (finish.pml). The kernel's
 * futex_wait compares and queues in one step. The C needs one order over all (seq_cst): generation
 * is added to before the bits are read, and a bit is set before generation is read; likewise state
 * and phase. Futexes do not time out here.
 *
 * Defects that must be found (BUG):
 *   1  a worker sleeps on the generation that it reads when it goes to sleep, not before its look
 *   2  the parent looks who sleeps before it changes the generation
 *   3  spinners are counted by each submission, not taken
 *   4  a death calls nobody
 *   5  the phase is read after the look for work
 *   6  who finishes a job of a closed pool calls nobody
 *   7  the epoch of `first` is not changed
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef JOBS
#define JOBS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef MEET
#define MEET 1
#endif
#ifndef BUG
#define BUG 0
#endif

#define SEATS 3 /* of which WORKERS are used */

/* The control block. Of `generation` it matters alone whether it has changed since a worker read it,
 * of the word {first, epoch} too. */
bool has_changed[SEATS]; /* generation, for each worker */
byte last, first;
bool has_moved[SEATS]; /* first or epoch, for each worker */
bool is_closed;
bool asleep[SEATS], spinning[SEATS];

/* Jobs. */
bool available[JOBS];     /* the ticket has its block */
bool is_over[JOBS];       /* not open any more */
bool has_leftovers[JOBS]; /* set once */
bool leftover[JOBS];      /* in a dead's range */

bool in_queue[SEATS]; /* the kernel's, of the futex `generation` */

byte deaths_left = DEATHS;
bool dead[SEATS];
byte claimed[SEATS]; /* 1 + the job whose item a worker has */
bool begun[JOBS];
bool few; /* fewer workers than items that meet */
byte here = WORKERS;

#define CRASH \
    if \
    :: deaths_left > 0 -> deaths_left--; dead[w] = true; in_queue[w] = false; goto gone \
    :: true \
    fi

#define ALL_BEGUN (!MEET || few || (begun[0] && begun[JOBS - 1]))

#define NEXT_GENERATION \
    d_step { \
        has_changed[0] = true; \
        has_changed[1] = true; \
        has_changed[2] = true \
    }

#define MOVE_FIRST(to) \
    d_step { \
        first = to; \
        has_moved[0] = true; \
        has_moved[1] = true; \
        has_moved[2] = true \
    }

#define WAKE_ALL \
    d_step { \
        in_queue[0] = false; \
        in_queue[1] = false; \
        in_queue[2] = false \
    }

/* Whether a job is open; the jobs that there are. */
#define ANY_IS_OPEN ((last > 0 && !is_over[0]) || (last > 1 && !is_over[JOBS - 1]))

proctype worker(byte w)
{
    byte f, l, s;
    bool closed;

    if
    :: claimed[w] > 0 -> s = claimed[w] - 1; goto run_job /* take_over */
    :: else
    fi;
look:
    atomic {
        f = 0;
        l = 0;
        s = 0;
        closed = false;
        has_changed[w] = false;
        CRASH
    }
    if
    :: atomic { BUG != 5 -> closed = is_closed }
    :: BUG == 5
    fi;
    /* work */
    atomic { f = first; has_moved[w] = false; s = f; CRASH };
    l = last;
    do
    :: s >= l -> break
    :: else ->
        if
        :: atomic { available[s] ->
            available[s] = false;
            claimed[w] = s + 1;
            CRASH;
            goto run_job
        }
        :: atomic { !available[s] && leftover[s] ->
            leftover[s] = false;
            claimed[w] = s + 1;
            CRASH;
            goto run_job
        }
        :: atomic { !available[s] && !leftover[s] -> CRASH }
        fi;
        /* is_behind */
        if
        :: atomic { s == f && (is_over[s] || (!available[s] && !has_leftovers[s])) -> skip }
            atomic {
                if
                :: !has_moved[w] || (BUG == 7 && first == f) -> MOVE_FIRST(f + 1)
                :: else
                fi;
                f = first;
                has_moved[w] = false;
                CRASH
            }
        :: else
        fi;
        s++
    od;
    if
    :: atomic { BUG == 5 -> closed = is_closed }
    :: BUG != 5
    fi;
    if
    :: atomic { closed && (BUG == 5 || !ANY_IS_OPEN) ->
        assert(BUG == 5 || last == 0 || !ANY_IS_OPEN);
        here--;
        goto gone
    }
    :: else
    fi;
    /* spin, or not */
    if
    :: true
    :: true ->
        atomic { spinning[w] = true; CRASH };
        if
        :: atomic { has_changed[w] -> spinning[w] = false; CRASH } goto look
        :: atomic { true -> spinning[w] = false; CRASH }
        fi
    fi;
    /* sleep_until_called */
    atomic { asleep[w] = true; CRASH };
    if
    :: BUG == 1 -> has_changed[w] = false
    :: else
    fi;
    do
    :: atomic { !has_changed[w] -> in_queue[w] = true };
end_asleep:
        atomic {
            !in_queue[w];
            CRASH
        }
    :: atomic { has_changed[w] -> break }
    od;
    atomic { asleep[w] = false; CRASH };
    goto look;

run_job:
    atomic { begun[s] = true; CRASH };
end_meet:
    atomic { ALL_BEGUN; CRASH };
    /* seat_leave, finish */
    atomic { claimed[w] = 0; is_over[s] = true; CRASH };
    if
    :: atomic { is_closed && BUG != 6 -> CRASH }
        atomic { NEXT_GENERATION; CRASH };
        if
        :: atomic { asleep[0] || asleep[1] || asleep[2] -> skip }
            atomic { WAKE_ALL; CRASH }
        :: else
        fi
    :: else
    fi;
    goto look;
gone:
    atomic {
        f = 0;
        l = 0;
        s = 0;
        closed = false
    }
}

active proctype parent()
{
    byte s, n;

    do
    :: s == JOBS -> break
    :: else ->
        /* publish */
        atomic { available[s] = true; last = s + 1 };
#if BUG == 2
        n = (asleep[0] || asleep[1] || asleep[2]);
#endif
        NEXT_GENERATION;
#if BUG == 2
        if
        :: n == 0 -> goto next
        :: else -> n = 0
        fi;
#endif
        /* bits_take, of one */
        atomic {
            if
            :: spinning[0] -> n = 1; spinning[0] = (BUG == 3)
            :: spinning[1] -> n = 1; spinning[1] = (BUG == 3)
            :: spinning[2] -> n = 1; spinning[2] = (BUG == 3)
            :: else
            fi
        }
        /* wake_workers, one */
        if
        :: n == 1 -> skip
        :: atomic { n == 0 && BUG != 2 && !asleep[0] && !asleep[1] && !asleep[2] -> skip }
        :: atomic { n == 0 && (BUG == 2 || asleep[0] || asleep[1] || asleep[2]) -> skip }
            atomic {
                if
                :: in_queue[0] -> in_queue[0] = false
                :: in_queue[1] -> in_queue[1] = false
                :: in_queue[2] -> in_queue[2] = false
                :: !in_queue[0] && !in_queue[1] && !in_queue[2] -> skip
                fi
            }
        fi;
next:
        atomic {
            n = 0;
            s++
        }
    od;
    /* procpool_close, or not */
    if
    :: true
    :: true ->
        is_closed = true;
        NEXT_GENERATION;
        WAKE_ALL
    fi
}

active proctype zygote()
{
    byte w, at;

end_wait:
    if
    :: atomic { dead[0] -> w = 0 }
    :: atomic { dead[1] -> w = 1 }
    :: atomic { dead[2] -> w = 2 }
    fi;
    d_step {
        asleep[w] = false;
        spinning[w] = false;
        has_changed[w] = false;
        has_moved[w] = false
    }
    /* recover: the item in hand is lost, one not begun is left over */
    at = claimed[w];
    if
    :: at > 0 && begun[at - 1] -> atomic { claimed[w] = 0; is_over[at - 1] = true }
    :: at > 0 && !begun[at - 1] ->
        if
        :: true -> has_leftovers[at - 1] = true; atomic { claimed[w] = 0; leftover[at - 1] = true }
        :: true /* the replacement goes on with it */
        fi
    :: else
    fi;
    if
    :: BUG == 4
    :: else ->
        /* offer */
        atomic {
            if
            :: at > 0 && at - 1 < first -> MOVE_FIRST(at - 1)
            :: else -> MOVE_FIRST(first)
            fi
        }
        NEXT_GENERATION;
        WAKE_ALL
    fi;
    atomic {
        dead[w] = false;
        at = 0;
        if
        :: run worker(w)
        :: claimed[w] == 0 && here > 1 -> here--; few = (here < JOBS) /* some worker is always there */
        fi;
        w = 0
    }
    goto end_wait
}

/* Looks when all rest. */
active proctype judge()
{
    timeout;
    assert(last == JOBS && is_over[0] && is_over[JOBS - 1]);
    assert(!is_closed || here == 0)
}

init
{
    byte w;

    atomic {
        do
        :: w < WORKERS ->
            run worker(w);
            w++
        :: else -> break
        od
    }
}
