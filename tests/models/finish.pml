/* Coming to a job, leaving it, and finishing it once.
 *
 * Covers of src/procpool/seat.c seat_attach, seat_leave, job_look, finish; of job.c wait_for and the
 * release of a job's memory (the slot is emptied, then no seat may be at it); of zygote.c what recover
 * and tend_ghosts do with a seat's `at`.
 *
 *   workers   come to the job when they like, and again; take what the ticket has, steal from one
 *             another, leave; one dies between any two of its steps, or none
 *   zygote    a dead worker's item in flight is final; what else it had stays in its seat, for a
 *             replacement or for thieves, until it is empty; then it leaves in the dead's place
 *   parent    waits for the job, then takes it out of the ring and frees its memory
 *
 * Holds:
 *   - The job becomes ready once, after all its items are final, and always.
 *   - The parent wakes. (After a death its futex may time out: a finisher that was killed between
 *     the change of state and the wake is covered by that alone.)
 *   - Nobody reads the job's memory once it is freed.
 *   - Under weak fairness all come to rest (pan -l -f), unless workers take the same item from one
 *     another for ever, which range.pml looks into.
 *
 * Who has which items is one step here (tests/models/ticket.pml, range.pml). One look at one seat is
 * a step. The C needs one order over all (seq_cst): at is stored before slot, attaches, state and
 * the other seats are read; the slot is emptied before the seats are read.
 *
 * Defects that must be found (BUG):
 *   1  the seats are looked at once, without asking whether somebody came meanwhile
 *   2  a worker says that it leaves after its look and not before
 *   3  a worker that leaves is at no job while it looks
 *   4  who comes does not look again whether the job is still there
 *   5  the zygote does not leave for a dead worker that was not replaced
 *   6  the parent goes to sleep without comparing the state
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef BLOCKS
#define BLOCKS 1
#endif
#ifndef BLOCK
#define BLOCK 2 /* items of a block */
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef COMINGS
#define COMINGS 1 /* how often a worker may come again */
#endif
#ifndef BUG
#define BUG 0
#endif

#define SEATS 3 /* of which WORKERS are used */
#define ZYGOTE SEATS
#define ITEMS (BLOCKS * BLOCK)

#define NOWHERE 0
#define AT_JOB  1
#define LEAVING 2

/* The job. */
bool in_ring = true;
bool is_ready;
bool has_come[SEATS + 1]; /* attaches: whether it has changed, for each that looks at it */
byte blocks = BLOCKS; /* that the ticket has */
bool waiters;
bool freed;

byte at[SEATS];
byte items[SEATS];  /* in hand or range, not begun */
bool flying[SEATS]; /* one is being run */

byte deaths_left = DEATHS;
bool dead[SEATS], ghost[SEATS];
bool called[SEATS]; /* by the zygote: look again */
bool any_death;

bool parent_sleeps;

/* Ghosts of the proof. */
byte final, finished;

#define CRASH \
    if \
    :: deaths_left > 0 -> deaths_left--; any_death = true; dead[w] = true; goto gone \
    :: true \
    fi

#define OTHER_IS_AT(v) (v < WORKERS && v != w && at[v] == AT_JOB)
#define GHOST_HAS(v)   (v < WORKERS && ghost[v] && at[v] == AT_JOB && items[v] > 0)

/* job_look: goes on to `nothing` where the job is not to be finished by this one. DIE is CRASH, or
 * nothing for the zygote. */
#define JOB_LOOK(WHO, look, nothing, DIE) \
look: \
    atomic { assert(!freed); has_come[WHO] = false; DIE }; \
    if \
    :: blocks > 0 -> goto nothing \
    :: else \
    fi; \
    v = 0; \
    do \
    :: atomic { v < WORKERS && OTHER_IS_AT(v) -> v = 0; DIE; goto nothing } \
    :: atomic { v < WORKERS && !OTHER_IS_AT(v) -> v++ } \
    :: v == WORKERS -> v = 0; break \
    od; \
    if \
    :: atomic { has_come[WHO] && BUG != 1 -> DIE; goto look } \
    :: atomic { !has_come[WHO] || BUG == 1 -> DIE } \
    fi; \
    /* finish */ \
    atomic { \
        assert(!freed); \
        if \
        :: is_ready -> goto nothing \
        :: else -> is_ready = true; finished++; assert(final == ITEMS) \
        fi; \
        DIE \
    }; \
    if \
    :: atomic { waiters -> parent_sleeps = false; DIE } \
    :: atomic { !waiters -> DIE } \
    fi

proctype worker(byte w)
{
    byte v, comings;

    if
    :: at[w] == AT_JOB -> goto work /* take_over */
    :: else
    fi;
attach:
    atomic {
        called[w] = false;
        CRASH
    }
    if
    :: in_ring
    :: else -> goto end_rest
    fi;
    atomic { at[w] = AT_JOB; CRASH };
    if
    :: atomic { !in_ring && BUG != 4 -> at[w] = NOWHERE; CRASH } goto end_rest
    :: in_ring || BUG == 4
    fi;
    atomic {
        assert(!freed);
        has_come[0] = true; /* attaches + 1 */
        has_come[1] = true;
        has_come[2] = true;
        has_come[ZYGOTE] = true;
        CRASH
    };
    if
    :: atomic { is_ready -> assert(!freed); at[w] = NOWHERE; CRASH } goto end_rest
    :: atomic { !is_ready -> assert(!freed) }
    fi;
work:
    do
    :: atomic { items[w] > 0 -> items[w]--; flying[w] = true; CRASH };
        atomic { assert(!freed && !is_ready); flying[w] = false; final++; CRASH }
    :: atomic { items[w] == 0 && blocks > 0 -> assert(!freed); blocks--; items[w] = BLOCK; CRASH }
    :: atomic { items[w] == 0 && blocks == 0 && OTHER_IS_AT(0) && items[0] > 0 ->
        items[0]--; items[w]++; CRASH };
progress_0:
        skip
    :: atomic { items[w] == 0 && blocks == 0 && OTHER_IS_AT(1) && items[1] > 0 ->
        items[1]--; items[w]++; CRASH };
progress_1:
        skip
    :: atomic { items[w] == 0 && blocks == 0 && OTHER_IS_AT(2) && items[2] > 0 ->
        items[2]--; items[w]++; CRASH };
progress_2:
        skip
    :: atomic { items[w] == 0 && blocks == 0 && !GHOST_HAS(0) && !GHOST_HAS(1) && !GHOST_HAS(2) ->
        break }
    od;
    /* seat_leave */
#if BUG != 2
    atomic { at[w] = (BUG == 3 -> NOWHERE : LEAVING); CRASH };
#endif
    JOB_LOOK(w, look, left, CRASH);
left:
    atomic { at[w] = NOWHERE; CRASH };
    if
    :: comings < COMINGS -> comings++; goto attach
    :: true
    fi;
end_rest:
    called[w];
    comings = COMINGS;
    goto attach;
gone:
    atomic {
        v = 0;
        comings = 0
    }
}

active proctype zygote()
{
    byte w, v;

end_wait:
    if
    :: atomic { dead[0] -> w = 0 }
    :: atomic { dead[1] -> w = 1 }
    :: atomic { dead[2] -> w = 2 }
    :: atomic { BUG != 5 && ghost[0] && at[0] == AT_JOB && items[0] == 0 -> w = 0 } goto leave
    :: atomic { BUG != 5 && ghost[1] && at[1] == AT_JOB && items[1] == 0 -> w = 1 } goto leave
    :: atomic { BUG != 5 && ghost[2] && at[2] == AT_JOB && items[2] == 0 -> w = 2 } goto leave
    fi;
    /* recover */
    if
    :: at[w] == NOWHERE || !in_ring -> at[w] = NOWHERE
    :: else ->
        if
        :: at[w] == LEAVING && !is_ready -> goto look
        :: is_ready -> at[w] = NOWHERE
        :: at[w] == AT_JOB && !is_ready ->
            atomic {
                if
                :: flying[w] -> flying[w] = false; final++
                :: else
                fi
            };
            if
            :: items[w] == 0 -> goto leave
            :: else
            fi
        fi
    fi;
    goto bury;
leave:
    at[w] = LEAVING;
    JOB_LOOK(ZYGOTE, look, left, skip);
left:
    at[w] = NOWHERE;
bury:
    if
    :: atomic { ghost[w] -> w = 0 }
    :: atomic { !ghost[w] ->
        called[0] = true;
        called[1] = true;
        called[2] = true;
        dead[w] = false;
        if
        :: run worker(w)
        :: ghost[w] = true
        fi;
        w = 0
    }
    fi;
    goto end_wait
}

active proctype parent()
{
    /* wait_for */
    waiters = true;
    do
    :: is_ready -> break
    :: else ->
        if
        :: atomic { !is_ready || BUG == 6 -> parent_sleeps = true };
            !parent_sleeps || (any_death && is_ready) /* or the time runs out in vain */
        :: is_ready
        fi
    od;
    /* try_release */
    in_ring = false;
    atomic { at[0] == NOWHERE -> skip };
    atomic { at[1] == NOWHERE -> skip };
    atomic { at[2] == NOWHERE -> freed = true }
}

/* Looks when all rest. */
active proctype judge()
{
    timeout;
    assert(is_ready && finished == 1 && final == ITEMS && freed)
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
