/* Ticket: who was given which block, whoever dies whenever.
 *
 * Covers src/sched/ticket.h and ticket.c (ticket_next, ledger_is_in_window, ledger_is_full,
 * ledger_note, ticket_account, ticket_stop, ticket_missing); of src/procpool/worker.c settle,
 * next_block, leave_job; of seat.c seat_attach, others_are_noted, seat_unfinished as far as blocks
 * go; of zygote.c note_in_its_place and the order in recover.
 *
 *   workers   come to the job, each when it likes; take blocks until there are none; leave; may use
 *             their ledger for another job then (OTHER), and come back
 *   stopper   stops the ticket at some time, or never
 *   zygote    finds what a worker was given that died between any two of its steps, hands that to
 *             whoever runs it, and has a replacement take the seat over, or nobody
 *
 * Holds:
 *   - Every block that the ticket gave is run once: by the one that was given it, or on behalf of a
 *     dead one that had not opened it. None twice, none never.
 *   - Blocks are given in order, none after the ticket was stopped.
 *   - All come to rest: no deadlock, and under weak fairness no livelock (pan -l -f).
 *
 * Steps: accesses to next, accounted, begun, count, at and visits are steps of their own, but for
 * those that commute with all that others do meanwhile; a worker may die between any two (CRASH).
 * begun != count is looked at as one bit: begun is never behind count, so when it equals the count
 * that was read before, the worker was out of the window at that moment. The C needs no more than
 * release and acquire by way of `next` for the window: who reads a `next` that counts a block sees
 * that its claimer has begun. What is looked at twice (accounted; visits and at) needs them in the
 * order of the source.
 *
 * Defects that must be found (BUG):
 *   1  the zygote does not look for what is in no ledger
 *   2  a worker accounts without waiting for those in the window
 *   3  a worker leaves without having settled
 *   4  the zygote does not look again whether `accounted` has grown
 *   5  the zygote does not look again whether others are still at the job (with OTHER)
 *   6  the zygote does not wait for the living in the window
 *   7  `next` is read after the others were seen out of the window
 *   8  the zygote reads the entry that the dead was writing
 *   9  the zygote does not see that others have gone and come back meanwhile (with OTHER)
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef BLOCKS
#define BLOCKS 3
#endif
#ifndef ENTRIES
#define ENTRIES 1 /* of a ledger */
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef OTHER
#define OTHER 0
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef BUG
#define BUG 0
#endif

#define SEATS     3 /* of which WORKERS are used */
#define JOB       1
#define OTHER_JOB 2

byte next; /* what is more than BLOCKS is left out */
bool stopped;
byte accounted;

/* A seat and its ledger. */
byte at[SEATS]; /* 0: none */
byte visits[SEATS];
bool in_window[SEATS];           /* begun != count */
byte count[SEATS], oldest[SEATS]; /* both less ENTRIES where neither is needed */
byte entry[6];                   /* [SEATS * ENTRIES] */
bool opened[SEATS];              /* the block noted last; as in a new ledger */

byte deaths_left = DEATHS;
bool dead[SEATS];
byte deputies; /* replacements that may be made */

/* Ghost: what became of each block. */
bool ran[BLOCKS];

#define ENTRY(w, i)  entry[(w) * ENTRIES + (i) % ENTRIES]
#define IS_OUT       (stopped || next >= BLOCKS)
#define LAST(w)      ENTRY(w, count[w] - 1)

/* Between any two accesses of a worker: it is killed, or not. */
#define CRASH \
    if \
    :: deaths_left > 0 -> deaths_left--; dead[w] = true; goto gone \
    :: true \
    fi

/* Where v is in the window it is looked at again and again, so here that look waits. */
#define IS_NOTED(v) (at[v] != JOB || !in_window[v])

#define SEE_OTHERS \
    v = 0; \
    do \
    :: atomic { v < WORKERS && (v == w || BUG == 2 || IS_NOTED(v)) -> v++ } \
    :: atomic { v == WORKERS -> v = 0; break } \
    od

inline settle()
{
#if BUG == 7
    SEE_OTHERS;
    atomic { CRASH; given = next };
#else
    atomic { CRASH; given = next };
    SEE_OTHERS;
#endif
    atomic {
        if
        :: accounted < given -> accounted = given
        :: else
        fi;
        given = 0;
        CRASH
    }
}

#if OTHER
#define VISIT visits[w]++
#else
#define VISIT skip
#endif

/* Done on coming to a job in the C, when nobody looks at it any more either. */
#define LEDGER_RESET \
    d_step { \
        count[w] = 0; \
        oldest[w] = 0; \
        opened[w] = false; \
        ENTRY(w, 0) = 0; \
        ENTRY(w, 1) = 0; \
        out = false \
    }

proctype worker(byte w)
{
    byte v, given, k;
    bool out;

    if
    :: at[w] == JOB -> goto next_block
    :: else
    fi;
attach:
    atomic { VISIT; at[w] = JOB; CRASH };
next_block:
    atomic {
        if
        :: count[w] - oldest[w] == ENTRIES && ENTRY(w, oldest[w]) < accounted ->
            oldest[w]++;
            if
            :: oldest[w] > ENTRIES -> oldest[w] = oldest[w] - ENTRIES; count[w] = count[w] - ENTRIES
            :: else
            fi
        :: else
        fi;
        if
        :: count[w] - oldest[w] == ENTRIES -> goto no_room
        :: else
        fi;
        in_window[w] = true;
        /* about to claim */
        CRASH
    }
    atomic {
        if
        :: IS_OUT -> k = BLOCKS
        :: else -> k = next; next++
        fi;
        CRASH
    }
    /* claimed, not noted */
    atomic {
        if
        :: k == BLOCKS ->
            in_window[w] = false;
            out = true;
            k = 0;
            CRASH;
            goto leave
        :: else ->
            ENTRY(w, count[w]) = k;
            CRASH;
            count[w]++;
            in_window[w] = false;
            opened[w] = false;
            /* claimed and noted */
            CRASH;
            opened[w] = true;
            assert(!ran[k]);
            ran[k] = true;
            k = 0;
            CRASH;
            goto next_block
        fi
    }
leave:
    /* leave_job */
    if
    :: count[w] > 0 && BUG != 3 -> goto no_room
    :: else -> goto away
    fi;
no_room:
    settle();
    if
    :: out -> skip
    :: else -> goto next_block
    fi;
away:
    atomic {
        at[w] = 0;
        CRASH;
        LEDGER_RESET
    }
#if OTHER
    if
    :: true
    :: true ->
        atomic { VISIT; at[w] = OTHER_JOB };
        /* notes whichever block of that */
        atomic {
            if
            :: ENTRY(w, 0) = 0
            :: ENTRY(w, 0) = 1
            :: ENTRY(w, 0) = 2
            fi;
            count[w] = 1
        }
        atomic {
            at[w] = 0;
            LEDGER_RESET
        }
        if
        :: true
        :: visits[w] == 2 -> goto attach /* comes back */
        fi
    fi;
#endif
gone:
    atomic {
        v = 0;
        given = 0;
        k = 0;
        out = false
    }
}

#if STOPS
active proctype stopper()
{
end:
    next < BLOCKS -> stopped = true
}
#endif

/* Since its ledger began to be read. */
#define HAS_GONE(v) \
    (v < WORKERS && !away[v] && (at[v] != JOB || (BUG != 9 && visits[v] != saw[v])))

active proctype zygote()
{
    byte w, v, i, given, first;
    byte saw[SEATS];
    bool away[SEATS], noted[BLOCKS];

again:
    atomic {
        v = 0;
        i = 0;
        given = 0;
        first = 0;
        saw[0] = 0;
        saw[1] = 0;
        saw[2] = 0;
        away[0] = false;
        away[1] = false;
        away[2] = false;
        noted[0] = false;
        noted[1] = false;
        noted[BLOCKS - 1] = false
    }
end_wait:
    if
    :: atomic { dead[0] -> w = 0 }
    :: atomic { dead[1] -> w = 1 }
    :: atomic { dead[2] -> w = 2 }
    fi;
    if
    :: at[w] != JOB -> goto buried
    :: else
    fi;
    given = next;
    /* note_in_its_place */
    if
    :: atomic { !in_window[w] || BUG == 1 -> in_window[w] = false }
    :: else ->
        do
        :: atomic { v < WORKERS ->
            saw[v] = visits[v];
            away[v] = (at[v] != JOB);
            if
            :: !IS_NOTED(v) && !dead[v] && BUG != 6 -> goto again
            :: else -> v++
            fi
        }
        :: atomic { v == WORKERS -> v = 0; break }
        od;
#if BUG == 7
        given = next;
#endif
        /* ticket_missing */
        first = accounted;
        do
        :: atomic { v < WORKERS ->
            /* the slot that one in the window may be writing to is none of its entries */
            i = (count[v] < ENTRIES -> 0 : count[v] - ENTRIES + (in_window[v] && BUG != 8));
            do
            :: !away[v] && i < count[v] -> noted[ENTRY(v, i)] = true; i++
            :: else -> break
            od;
            i = 0;
            v++
        }
        :: atomic { v == WORKERS -> v = 0; break }
        od;
        /* What was accounted meanwhile may have been dropped before it was looked at. */
        if
        :: BUG != 4 -> first = accounted
        :: else
        fi;
        /* Were those whose ledgers were read at this job all along? */
        atomic {
            if
            :: BUG != 5 && (HAS_GONE(0) || HAS_GONE(1) || HAS_GONE(2)) -> goto again
            :: else
            fi;
            do
            :: first < given && noted[first] -> first++
            :: else -> break
            od
        }
        atomic {
            if
            :: first < given ->
                ENTRY(w, count[w]) = first;
                count[w]++;
                opened[w] = false
            :: else
            fi;
            in_window[w] = false
        }
    fi;
    /* others_are_noted */
    do
    :: atomic { v < WORKERS ->
        if
        :: v != w && !IS_NOTED(v) && BUG != 6 -> goto again
        :: else -> v++
        fi
    }
    :: atomic { v == WORKERS -> v = 0; break }
    od;
    atomic {
        if
        :: accounted < given -> accounted = given
        :: else
        fi
    }
    /* seat_unfinished */
    atomic {
        if
        :: count[w] > 0 && !opened[w] ->
            assert(!ran[LAST(w)]);
            ran[LAST(w)] = true;
            opened[w] = true
        :: else
        fi
    }
buried:
    atomic {
        dead[w] = false;
        if
        :: run worker(w)
        :: w > 0 -> at[w] = 0 /* some worker is always there */
        fi;
        w = 0
    }
    goto again
}

/* Looks when all rest. */
active proctype judge()
{
    byte k;

    timeout;
    d_step {
        assert(next == BLOCKS || stopped);
        do
        :: k < BLOCKS ->
            assert(ran[k] == (k < next));
            k++
        :: else -> break
        od
    }
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
