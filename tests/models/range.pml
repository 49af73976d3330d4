/* Range stealing: every item in exactly one place, whoever dies whenever.
 *
 * Covers src/sched/range.h (range_lock, range_open, range_take, range_cut, range_keep, range_undo);
 * of src/procpool/worker.c what surrounds them (open_range, take_in_hand, run_items, has_prey,
 * steal_once, steal, next_chunk); of seat.c seat_unfinished; of zygote.c recover, settle_rest,
 * tend_ghosts.
 *
 *   workers   worker w has claimed a block of its own and not yet opened it; runs its items, steals
 *             others', and rests when it sees nothing until the generation changes
 *   zygote    reaps a worker that dies between any two of its steps, undoes its steal, makes what is
 *             left the seat's range, and has a replacement go on there or none (a ghost seat)
 *
 * Holds:
 *   - No item is begun twice.
 *   - When all rest, every item was run to its end, but for the one that a dead worker was at.
 *   - A worker never gets items of a job that it is not at (OTHER=1: a victim changes jobs).
 *   - All come to rest: no deadlock, and under weak fairness no livelock (pan -l -f).
 *
 * Steps: what only the lock's holder reads and writes, and what of a seat nobody but the zygote reads
 * after its worker's death, commutes with all that others do meanwhile; such accesses are one step
 * with the access beside them that does not (Lipton 1975), but a worker may die between any two
 * (CRASH). What does not commute is a step of its own: `taken` stored, `back` read by the owner;
 * `back` stored, `taken` read by the thief; `back` restored. Looks without a lock may be wrong about
 * a living owner in the C, and here say what they like of one. The C relies on one order over all
 * (seq_cst) in those four accesses alone; everything else is ordered by the locks and by waitpid.
 *
 * Defects that must be found (BUG):
 *   1  a thief cuts without the victim's lock
 *   2  a thief does not look at `taken` again when it has cut
 *   3  the owner does not look at `back` again when it has taken
 *   4  range_undo is left out but for the locks
 *   5  the loot changes hands before it is the thief's range
 *   6  a steal that is undone wakes nobody
 *   7  a thief does not look again which job its victim is at (with OTHER=1)
 *   8  the locks of a dead worker are not freed
 *   9  range_undo frees the dead's own lock before what is left there is settled
 *  10  a thief has its loot in its range alone, and nothing of it in hand (a livelock)
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef OTHER
#define OTHER 0
#endif
#ifndef BUG
#define BUG 0
#endif

/* Blocks: worker 0 has the first items, worker 1 the rest, others come to steal. */
#ifndef FIRST_BLOCK
#define FIRST_BLOCK 2
#endif
#ifndef ITEMS
#define ITEMS 3
#endif
#define BLOCK_FIRST(w) (w == 0 -> 0 : (w == 1 -> FIRST_BLOCK : ITEMS))
#define BLOCK_END(w)   (w == 0 -> FIRST_BLOCK : ITEMS)
#define ALL_ITEMS      (ITEMS + OTHER) /* the other job's item is the last */

#define JOB       1
#define OTHER_JOB 2

#define SEATS 3 /* of which WORKERS are used */

#define FREE   0
#define ZYGOTE 255

/* A seat, its range first. */
byte taken[SEATS], back[SEATS], lock[SEATS];
byte loot_from[SEATS], loot_end[SEATS];
byte at[SEATS]; /* 0: none */
byte started[SEATS], done[SEATS], end[SEATS];
bool in_range[SEATS], opened[SEATS];

byte generation;

byte deaths_left;
bool dead[SEATS];
bool ghost[SEATS]; /* dead, and not replaced */

/* Ghosts of the proof: what became of each item. */
bool begun[ALL_ITEMS];
byte in_flight[SEATS]; /* 1 + the item that a worker is at */

/* Between any two accesses of a worker: it is killed, or not. */
#define CRASH \
    if \
    :: deaths_left > 0 -> deaths_left--; dead[w] = true; goto gone \
    :: true \
    fi

/* What only the zygote reads, after a death, is of no account when nobody dies any more. */
#define NOTE(word, value) word = (deaths_left > 0 -> value : 0)

/* --- a worker ------------------------------------------------------------------------------------ */

/* Waits for its own lock. */
#define OWN_LOCK lock[w] == FREE -> lock[w] = w + 1; CRASH

/* take_in_hand of [f, h), and [h, e) becomes the range. */
inline take_range(f, h, e)
{
    NOTE(started[w], f);
    CRASH;
    NOTE(done[w], f);
    CRASH;
    NOTE(end[w], h);
    CRASH;
    in_range[w] = true;
    CRASH;
#if BUG == 5
    loot_from[w] = 0;
    CRASH;
#endif
    taken[w] = h;
    CRASH;
    back[w] = e;
    CRASH
}

inline run_item()
{
    NOTE(end[w], item + 1);
    CRASH;
    assert(!begun[item]);
    assert((at[w] == OTHER_JOB) == (item >= ITEMS));
    begun[item] = true;
    in_flight[w] = item + 1;
    NOTE(started[w], item + 1);
    CRASH;
    in_flight[w] = 0;
    NOTE(done[w], item + 1);
    CRASH;
    item = 0;
    seen = 0
}

#define LOOKS_EMPTY(v) (taken[v] >= back[v])
/* A thief that finds a lock held comes again and has changed nothing, so here it waits. */
#define MAY_TRY(v)     (OTHER || (lock[w] == FREE && (lock[v] == FREE || BUG == 1)))
#define IS_PREY(v)     (v < WORKERS && v != w && at[w] == JOB && at[v] == JOB && !LOOKS_EMPTY(v))

proctype worker(byte w)
{
    byte item, seen, mid, v, g;

    g = generation;
    if
    :: at[w] == 0 -> goto attach
    :: else -> goto next_chunk
    fi;

next_chunk:
    if
    :: atomic { in_range[w] ->
        /* range_take; chunks are of one item */
        item = taken[w];
        seen = back[w];
        CRASH
    }
        if
        :: atomic { item < seen -> taken[w] = item + 1; CRASH }
            /* taken, not checked */
            if
            :: atomic { back[w] >= item + 1 || BUG == 3 -> run_item() }
                goto next_chunk
            :: atomic { back[w] < item + 1 && BUG != 3 -> skip }
            fi
        :: atomic { item >= seen -> skip }
        fi;
        atomic {
            OWN_LOCK;
            seen = back[w];
            taken[w] = (item < seen -> item + 1 : item);
            CRASH;
            lock[w] = FREE;
            CRASH;
            if
            :: item < seen -> run_item()
            :: else ->
                in_range[w] = false;
                taken[w] = 0; /* as good as anything empty */
                back[w] = 0;
                item = 0;
                seen = 0;
                CRASH
            fi
        }
        goto next_chunk
    :: atomic { !in_range[w] && !opened[w] && at[w] == JOB ->
        /* open_range of what the ticket gave */
        OWN_LOCK;
        take_range(BLOCK_FIRST(w), BLOCK_FIRST(w), BLOCK_END(w));
        opened[w] = true;
        CRASH;
        lock[w] = FREE;
        CRASH
    }
        goto next_chunk
    :: atomic { !in_range[w] && opened[w] && at[w] == OTHER_JOB -> skip }
    :: atomic { !in_range[w] && opened[w] && IS_PREY(0) && MAY_TRY(0) -> v = 0; goto steal_once }
    :: atomic { !in_range[w] && opened[w] && IS_PREY(1) && MAY_TRY(1) -> v = 1; goto steal_once }
    :: atomic { !in_range[w] && opened[w] && IS_PREY(2) && MAY_TRY(2) -> v = 2; goto steal_once }
    :: atomic { !in_range[w] && opened[w] && !(ghost[0] && IS_PREY(0)) && !(ghost[1] && IS_PREY(1)) &&
                !(ghost[2] && IS_PREY(2)) -> skip }
    fi;
    atomic {
        at[w] = 0;
        CRASH;
#if OTHER
        if
        :: w == 0 && !begun[ITEMS] ->
            started[w] = 0;
            done[w] = 0;
            end[w] = 0;
            opened[w] = true;
            at[w] = OTHER_JOB;
            CRASH
        :: else -> goto end_rest
        fi
    }
    atomic {
        OWN_LOCK;
        take_range(ITEMS, ITEMS, ITEMS + 1);
        lock[w] = FREE
    }
    goto next_chunk;
#else
    }
#endif
end_rest:
    g != generation;
attach:
    atomic {
        g = generation;
        started[w] = 0;
        done[w] = 0;
        end[w] = 0;
        at[w] = JOB;
        CRASH;
        goto next_chunk
    }

#if OTHER
steal_once:
    atomic {
#else
    atomic {
        skip; /* only jumped into, from another atomic */
steal_once:
#endif
        OWN_LOCK;
        /* range_cut */
        if
        :: !LOOKS_EMPTY(v) && (lock[v] == FREE || BUG == 1) ->
            lock[v] = w + 1;
            CRASH;
            seen = back[v];
            mid = taken[v]
        :: else -> mid = seen
        fi;
        if
        :: mid < seen ->
            mid = mid + (seen - mid) / 2;
            NOTE(loot_end[w], seen);
            NOTE(loot_from[w], v + 1);
            /* loot noted */
            CRASH
        :: else ->
            if
            :: lock[v] == w + 1 -> lock[v] = FREE; CRASH
            :: else
            fi;
            lock[w] = FREE;
            CRASH;
            d_step {
                seen = 0;
                mid = 0;
                v = 0
            }
            goto next_chunk
        fi
    }
    atomic {
        back[v] = mid;
        /* back cut */
        CRASH
    }
    if
    :: atomic { (taken[v] <= mid || BUG == 2) && (at[v] == JOB || BUG == 7) ->
        take_range(mid, mid + (BUG != 10), seen);
        /* loot opened */
        loot_from[w] = 0;
        /* loot kept */
        CRASH;
        lock[v] = FREE;
        CRASH;
        lock[w] = FREE;
        CRASH;
        item = mid;
        seen = 0;
        mid = 0;
        v = 0;
        if
        :: BUG != 10 -> run_item()
        :: BUG == 10 -> item = 0
        fi
    }
        goto next_chunk
    :: atomic { (taken[v] > mid && BUG != 2) || (at[v] != JOB && BUG != 7) ->
        back[v] = seen;
        /* back restored */
        CRASH;
        loot_from[w] = 0;
        CRASH;
        lock[v] = FREE;
        CRASH;
        lock[w] = FREE;
        CRASH;
        seen = 0;
        mid = 0;
        v = 0
    }
        goto next_chunk
    fi;

gone:
    atomic {
        item = 0;
        seen = 0;
        mid = 0;
        v = 0;
        g = 0
    }
}

/* --- the zygote ---------------------------------------------------------------------------------- */

#define LAST_ALIVE (ghost[0] + ghost[1] + ghost[2] == WORKERS - 1)

active proctype zygote()
{
    byte w, v, first, last;
    bool undone;

end_wait:
    do
    :: atomic { dead[0] -> w = 0 } goto recover
    :: atomic { dead[1] -> w = 1 } goto recover
    :: atomic { dead[2] -> w = 2 } goto recover
    :: atomic { ghost[0] && at[0] && lock[0] == FREE && taken[0] >= back[0] -> at[0] = 0 }
    :: atomic { ghost[1] && at[1] && lock[1] == FREE && taken[1] >= back[1] -> at[1] = 0 }
    :: atomic { ghost[2] && at[2] && lock[2] == FREE && taken[2] >= back[2] -> at[2] = 0 }
    od;

recover:
    /* range_undo */
    if
    :: loot_from[w] && BUG != 4 ->
        atomic {
            undone = true;
            back[loot_from[w] - 1] = loot_end[w];
            taken[w] = 0;
            back[w] = 0;
            loot_from[w] = 0;
            end[w] = done[w];
            in_range[w] = false
        }
    :: else
    fi;
    d_step {
        do
        :: v < WORKERS ->
            if
            :: BUG != 8 && lock[v] == w + 1 && (v != w || BUG == 9) -> lock[v] = FREE
            :: else
            fi;
            v++
        :: else -> break
        od;
        v = 0
    }
    if
    :: at[w] == 0 -> skip
    :: at[w] != 0 && lock[w] != FREE && lock[w] != w + 1 -> goto end_wait /* and again */
    :: d_step { at[w] != 0 && (lock[w] == FREE || lock[w] == w + 1) ->
        lock[w] = FREE;
        /* seat_unfinished, settle_rest: under the lock */
        if
        :: !opened[w] && at[w] == JOB ->
            first = BLOCK_FIRST(w);
            last = BLOCK_END(w)
        :: else ->
            first = done[w];
            if
            :: undone -> last = first
            :: !undone && in_range[w] -> last = back[w]
            :: else -> last = end[w]
            fi;
            if
            :: first < last && started[w] > first ->
                assert(in_flight[w] == first + 1);
                in_flight[w] = 0;
                first++
            :: else
            fi
        fi;
        assert(in_flight[w] == 0);
        if
        :: first >= last ->
            first = 0;
            last = 0;
            at[w] = 0
        :: else
        fi;
        opened[w] = true;
        started[w] = first;
        done[w] = first;
        end[w] = first;
        in_range[w] = (first < last);
        taken[w] = first;
        back[w] = last;
        do
        :: deaths_left == 0 && v < WORKERS ->
            if
            :: !dead[v] || v == w ->
                started[v] = 0;
                done[v] = 0;
                end[v] = 0;
                loot_from[v] = 0;
                loot_end[v] = 0
            :: else
            fi;
            v++
        :: else -> break
        od;
        v = 0
    }
    fi;
    /* Everybody looks again. */
    atomic {
        if
        :: BUG == 6 && (undone || first >= last) -> skip
        :: else -> generation++
        fi;
        dead[w] = false;
        undone = false;
        first = 0;
        last = 0;
        if
        :: run worker(w)
        :: !LAST_ALIVE -> ghost[w] = true
        fi;
        w = 0
    }
    goto end_wait
}

/* Looks when all rest. */
active proctype judge()
{
    byte i;

    timeout;
    d_step {
        do
        :: i < ALL_ITEMS ->
            assert(begun[i]);
            i++
        :: else -> break
        od
    }
}

init
{
    byte w;

    atomic {
        if
        :: deaths_left = 0
        :: deaths_left = DEATHS
        fi;
        do
        :: w < WORKERS ->
            opened[w] = (BLOCK_FIRST(w) == BLOCK_END(w));
            at[w] = JOB;
            run worker(w);
            w++
        :: else -> break
        od
    }
}
