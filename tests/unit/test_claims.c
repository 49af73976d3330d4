/* Tickets and ranges, step by step: what each hands out, and what is known of it when the one who
 * was at it dies at any of its points. */
#include "claims.h"

/* --- tickets ---------------------------------------------------------------------------------- */

enum { DESK_WORKERS = 3 };

static const uint64_t sizes[] = {0, 1, 2, 4, 5, 7, 64, 65, 1001};

enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* A ticket and those who ask. */
struct desk {
    struct ticket ticket;
    struct ledger ledgers[DESK_WORKERS];
};

static struct desk *desk_of(uint64_t n)
{
    struct desk *desk = shared(sizeof *desk);
    ticket_init(&desk->ticket, n);
    for (int w = 0; w < DESK_WORKERS; w++)
        ledger_reset(&desk->ledgers[w]);
    return desk;
}

static void assert_is_given(struct desk *desk, int worker, uint64_t expected)
{
    uint64_t block = UINT64_MAX;
    struct ledger *ledger = &desk->ledgers[worker];
    ck_assert(ticket_next(&desk->ticket, ledger, &block));
    ck_assert_uint_eq(block, expected);
    ck_assert(!ledger_is_in_window(ledger));
    ck_assert_uint_eq(last_of(ledger), expected + 1);
}

static void assert_is_out(struct desk *desk, int worker)
{
    uint64_t block, last = last_of(&desk->ledgers[worker]);
    uint64_t given = ticket_given(&desk->ticket);
    ck_assert(ticket_is_out(&desk->ticket));
    ck_assert(!ticket_next(&desk->ticket, &desk->ledgers[worker], &block));
    ck_assert(!ledger_is_in_window(&desk->ledgers[worker]));
    ck_assert_uint_eq(last_of(&desk->ledgers[worker]), last);
    ck_assert_uint_eq(ticket_given(&desk->ticket), given);
}

/* The block that is in no ledger; UINT64_MAX where each is in one. */
static uint64_t missing(const struct desk *desk)
{
    static const bool skip[DESK_WORKERS];
    uint64_t block;
    enum ticket_search search =
        ticket_missing(&desk->ticket, desk->ledgers, sizeof desk->ledgers[0], DESK_WORKERS, skip,
                       ticket_given(&desk->ticket), &block);
    ck_assert_int_ne(search, TICKET_UNCERTAIN);
    return search == TICKET_FOUND ? block : UINT64_MAX;
}

/* Notes in the dead's place what it was given, which is `expected`. */
static void bury(struct desk *desk, int worker, uint64_t expected)
{
    struct ledger *ledger = &desk->ledgers[worker];
    uint64_t block = missing(desk);
    ck_assert_uint_eq(block, expected);
    if (block != UINT64_MAX)
        ledger_note(ledger, block);
    atomic_store(&ledger->begun, atomic_load(&ledger->count));
}

START_TEST(ticket_goes_in_order)
{
    uint64_t n = sizes[_i];
    struct desk *desk = desk_of(n);
    for (uint64_t k = 0; k < n; k++) {
        int w = (int)(k % DESK_WORKERS);
        ck_assert(!ticket_is_out(&desk->ticket));
        ck_assert_uint_eq(ticket_given(&desk->ticket), k);
        while (ledger_is_full(&desk->ledgers[w], &desk->ticket))
            ticket_account(&desk->ticket, k);
        assert_is_given(desk, w, k);
        ck_assert_uint_eq(missing(desk), UINT64_MAX);
    }
    for (int w = 0; w < DESK_WORKERS; w++)
        assert_is_out(desk, w);
    ticket_stop(&desk->ticket);
    ck_assert_uint_eq(ticket_given(&desk->ticket), n);
}
END_TEST

/* The last blocks of the longest list, before and after a stop: nothing spills. */
START_TEST(ticket_goes_to_the_end_of_the_longest_list)
{
    uint64_t n = TICKET_MOST_BLOCKS;
    for (int is_stopped = 0; is_stopped < 2; is_stopped++) {
        struct desk *desk = desk_of(n);
        atomic_store(&desk->ticket.next, n - 2);
        atomic_store(&desk->ticket.accounted, n - 2);
        assert_is_given(desk, 2, n - 2);
        if (is_stopped)
            ticket_stop(&desk->ticket);
        else
            assert_is_given(desk, 0, n - 1);
        for (int k = 0; k < TICKET_MOST_WORKERS; k++)
            assert_is_out(desk, 1);
        ck_assert_uint_eq(ticket_given(&desk->ticket), n - is_stopped);
        ck_assert_uint_eq(missing(desk), UINT64_MAX);
    }
}
END_TEST

START_TEST(ticket_stops)
{
    struct desk *desk = desk_of(5);
    assert_is_given(desk, 1, 0);
    assert_is_given(desk, 0, 1);
    ticket_stop(&desk->ticket);
    ticket_stop(&desk->ticket);
    ck_assert_uint_eq(ticket_given(&desk->ticket), 2);
    assert_is_out(desk, 0);
    assert_is_out(desk, 2);
    ticket_stop(&desk->ticket);
    ck_assert_uint_eq(ticket_given(&desk->ticket), 2);
    ck_assert_uint_eq(missing(desk), UINT64_MAX);

    desk = desk_of(1);
    ticket_stop(&desk->ticket);
    assert_is_out(desk, 0);
    ck_assert_uint_eq(ticket_given(&desk->ticket), 0);
}
END_TEST

/* A ledger takes no more than it has room for until what it has is accounted, then all of it. */
START_TEST(ledger_is_full_until_accounted)
{
    struct desk *desk = desk_of(1000);
    struct ledger *ledger = &desk->ledgers[0];
    for (uint64_t k = 0; k < TICKET_ENTRIES; k++) {
        ck_assert(!ledger_is_full(ledger, &desk->ticket));
        assert_is_given(desk, 0, k);
    }
    ck_assert(ledger_is_full(ledger, &desk->ticket));
    ticket_account(&desk->ticket, 10);
    ticket_account(&desk->ticket, 4);
    ck_assert_uint_eq(atomic_load(&desk->ticket.accounted), 10);
    for (uint64_t k = 0; k < 10; k++) {
        ck_assert(!ledger_is_full(ledger, &desk->ticket));
        assert_is_given(desk, 0, TICKET_ENTRIES + k);
    }
    ck_assert(ledger_is_full(ledger, &desk->ticket));
    ck_assert_uint_eq(missing(desk), UINT64_MAX);
}
END_TEST

static const char *const ticket_points[] = {
    "ticket: about to claim",
    "ticket: claimed, not noted",
    "ticket: written, not counted",
    "ticket: claimed and noted",
};

/* Worker 0 dies at a point when it had `had` blocks, worker 1 having been there before and after:
 * exactly the block that 0 was given is found, be it at once or when all are given. */
static void dies_in_ticket(const char *point, uint64_t had, uint64_t n, bool is_buried_late)
{
    struct desk *volatile desk = desk_of(n);
    volatile uint64_t given = 0;
    while (given < had) {
        assert_is_given(desk, 0, given);
        given++;
    }
    if (n > had + 1) {
        assert_is_given(desk, 1, given);
        given++;
    }
    jmp_buf dead;
    die_at(point, &dead);
    if (setjmp(dead) == 0) {
        uint64_t block;
        ticket_next(&desk->ticket, &desk->ledgers[0], &block);
        ck_abort_msg("nobody came by %s", point);
    }
    bool is_claimed = strcmp(point, ticket_points[0]) != 0;
    bool is_noted = strcmp(point, ticket_points[3]) == 0;
    uint64_t its_own = is_claimed && !is_noted ? given : UINT64_MAX;
    given += is_claimed;
    ck_assert_uint_eq(ticket_given(&desk->ticket), given);
    ck_assert_int_eq(ledger_is_in_window(&desk->ledgers[0]), its_own != UINT64_MAX);
    if (!is_buried_late)
        bury(desk, 0, its_own);
    for (; given < n; given++)
        assert_is_given(desk, 1, given);
    assert_is_out(desk, 1);
    if (is_buried_late)
        bury(desk, 0, its_own);
    ck_assert_uint_eq(missing(desk), UINT64_MAX);
    ck_assert_uint_eq(last_of(&desk->ledgers[0]), its_own != UINT64_MAX     ? its_own + 1
                                                  : is_noted && n > had + 1 ? had + 2
                                                                            : had + is_noted);
}

START_TEST(ticket_tells_what_the_dead_was_given)
{
    const char *point = ticket_points[_i / 2];
    for (uint64_t had = 0; had < 3; had++)
        for (uint64_t n = had + 1; n < had + 6; n++)
            dies_in_ticket(point, had, n, _i % 2);
}
END_TEST

/* Whoever dies when nothing is left was given nothing. */
START_TEST(ticket_gives_nothing_to_one_who_dies_late)
{
    struct desk *volatile desk = desk_of(2);
    assert_is_given(desk, 0, 0);
    if (_i == 0)
        assert_is_given(desk, 1, 1);
    else
        ticket_stop(&desk->ticket);
    jmp_buf dead;
    die_at(ticket_points[1], &dead);
    if (setjmp(dead) == 0) {
        uint64_t block;
        ticket_next(&desk->ticket, &desk->ledgers[0], &block);
        ck_abort_msg("nobody came by");
    }
    ck_assert(ledger_is_in_window(&desk->ledgers[0]));
    bury(desk, 0, UINT64_MAX);
    ck_assert_uint_eq(last_of(&desk->ledgers[0]), 1);
    assert_is_out(desk, 0);
}
END_TEST

/* Two dead: both blocks are found, one a burial; the ledgers of others are not looked into where
 * they are to be skipped. */
START_TEST(ticket_tells_what_two_dead_were_given)
{
    struct desk *volatile desk = desk_of(20);
    jmp_buf dead;
    for (volatile int w = 0; w < 2; w++) {
        assert_is_given(desk, 2, 2 * (uint64_t)w);
        die_at(ticket_points[1], &dead);
        if (setjmp(dead) == 0) {
            uint64_t block;
            ticket_next(&desk->ticket, &desk->ledgers[w], &block);
            ck_abort_msg("nobody came by");
        }
    }
    static const bool skip[DESK_WORKERS] = {false, false, true};
    uint64_t block;
    ck_assert(ticket_missing(&desk->ticket, desk->ledgers, sizeof desk->ledgers[0], DESK_WORKERS,
                             skip, ticket_given(&desk->ticket), &block) == TICKET_FOUND);
    ck_assert_uint_eq(block, 0);
    bury(desk, 1, 1);
    bury(desk, 0, 3);
    bury(desk, 0, UINT64_MAX);
}
END_TEST

/* What was accounted is not missed, though the ledger that had it is another's by now. */
START_TEST(ticket_does_not_look_for_what_was_accounted)
{
    struct desk *desk = desk_of(9);
    for (uint64_t k = 0; k < 4; k++)
        assert_is_given(desk, 0, k);
    ledger_reset(&desk->ledgers[0]);
    ck_assert_uint_eq(missing(desk), 0);
    ticket_account(&desk->ticket, 4);
    ck_assert_uint_eq(missing(desk), UINT64_MAX);
    assert_is_given(desk, 0, 4);
    ck_assert_uint_eq(missing(desk), UINT64_MAX);
}
END_TEST

/* A block that is written into a ledger and not counted stands where an older one stood: it is
 * missed, and the older one is not. */
START_TEST(ticket_misses_what_is_written_and_not_counted)
{
    struct desk *desk = desk_of(1000);
    struct ledger *ledger = &desk->ledgers[0];
    for (uint64_t k = 0; k < TICKET_ENTRIES; k++)
        assert_is_given(desk, 0, k);
    ticket_account(&desk->ticket, (const uint64_t[]){1, 30, TICKET_ENTRIES}[_i]);
    uint64_t count = atomic_load(&ledger->count), block = atomic_fetch_add(&desk->ticket.next, 1);
    atomic_store(&ledger->begun, count + 1);
    atomic_store(&ledger->blocks[count % TICKET_ENTRIES], block);
    ck_assert(ledger_is_in_window(ledger));
    ck_assert_uint_eq(block, TICKET_ENTRIES);
    bury(desk, 0, block);
    ck_assert_uint_eq(last_of(ledger), block + 1);
    ck_assert_uint_eq(missing(desk), UINT64_MAX);
}
END_TEST

static struct desk *visited_desk;

static void be_given_first(void)
{
    assert_is_given(visited_desk, 1, 1);
}

static void stop_first(void)
{
    ticket_stop(&visited_desk->ticket);
}

START_TEST(ticket_gives_way_to_the_quicker)
{
    visited_desk = desk_of(3);
    assert_is_given(visited_desk, 0, 0);
    give_way_at(ticket_points[0], be_given_first);
    assert_is_given(visited_desk, 0, 2);

    visited_desk = desk_of(3);
    uint64_t block;
    give_way_at(ticket_points[0], stop_first);
    ck_assert(!ticket_next(&visited_desk->ticket, &visited_desk->ledgers[0], &block));
    ck_assert_uint_eq(ticket_given(&visited_desk->ticket), 0);
    ck_assert_uint_eq(missing(visited_desk), UINT64_MAX);
    ck_assert(!ledger_is_in_window(&visited_desk->ledgers[0]));
}
END_TEST

/* --- ranges ----------------------------------------------------------------------------------- */

/* Owner 0 and thief 1. */
struct pair {
    struct range ranges[2];
};

static struct pair *pair_of(uint64_t first, uint64_t end)
{
    struct pair *pair = shared(sizeof *pair);
    range_lock(&pair->ranges[0], 0);
    range_open(&pair->ranges[0], first, end);
    range_unlock(&pair->ranges[0]);
    return pair;
}

static void assert_chunk(struct pair *pair, uint32_t worker, uint64_t from, uint64_t to)
{
    uint64_t first, end;
    ck_assert(range_take(&pair->ranges[worker], worker, CHUNK, &first, &end));
    ck_assert_uint_eq(first, from);
    ck_assert_uint_eq(end, to);
}

static void assert_empty(struct pair *pair, uint32_t worker)
{
    uint64_t first, end;
    ck_assert(range_looks_empty(&pair->ranges[worker]));
    ck_assert(!range_take(&pair->ranges[worker], worker, CHUNK, &first, &end));
}

/* What is done after a death; whether a steal was undone. The lock of the dead's own range is not
 * free before it is taken over, and then only once. */
static bool undo(struct pair *pair, uint32_t dead)
{
    bool held = atomic_load(&pair->ranges[dead].lock) == dead + 1;
    bool is_undone = range_undo(pair->ranges, sizeof(struct range), 2, dead);
    ck_assert_int_eq(atomic_load(&pair->ranges[dead].lock) == dead + 1, held);
    ck_assert(range_inherit_lock(&pair->ranges[dead], dead, 9));
    ck_assert(!range_inherit_lock(&pair->ranges[dead], dead, 8));
    range_unlock(&pair->ranges[dead]);
    return is_undone;
}

static void assert_unlocked(struct pair *pair)
{
    for (uint32_t w = 0; w < 2; w++) {
        ck_assert(range_try_lock(&pair->ranges[w], 7));
        range_unlock(&pair->ranges[w]);
    }
}

/* The whole of a steal by worker 1 from worker 0; whether it has brought something. */
static bool steal(struct pair *pair, uint64_t *mid, uint64_t *end)
{
    struct range *own = &pair->ranges[1], *victim = &pair->ranges[0];
    range_lock(own, 1);
    bool cut = range_cut(own, victim, 1, 0, CHUNK, mid, end);
    if (cut)
        range_keep(own, victim, *mid, *end);
    range_unlock(own);
    return cut;
}

START_TEST(range_gives_chunks_to_its_owner)
{
    struct pair *pair = pair_of(5, 12);
    assert_chunk(pair, 0, 5, 8);
    assert_chunk(pair, 0, 8, 11);
    assert_chunk(pair, 0, 11, 12);
    assert_empty(pair, 0);
    assert_empty(pair, 1);
    assert_unlocked(pair);
}
END_TEST

START_TEST(range_chunk_may_be_larger_than_all)
{
    struct pair *pair = pair_of(0, 2);
    uint64_t first, end;
    ck_assert(range_take(&pair->ranges[0], 0, UINT64_MAX / 2, &first, &end));
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(end, 2);
    assert_empty(pair, 0);
}
END_TEST

/* Of 1, 2, 3 … chunks the thief gets the larger half, and borders stay multiples of the chunk. */
START_TEST(range_thief_gets_the_larger_half)
{
    static const struct {
        uint64_t items, mid;
    } cases[] = {{1, 0}, {3, 0}, {4, 3}, {6, 3}, {7, 3}, {10, 6}, {12, 6}, {13, 6}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct pair *pair = pair_of(30, 30 + cases[c].items);
        uint64_t mid, end;
        ck_assert(steal(pair, &mid, &end));
        ck_assert_uint_eq(mid, 30 + cases[c].mid);
        ck_assert_uint_eq(end, 30 + cases[c].items);
        for (uint64_t k = 30; k < mid; k += CHUNK)
            assert_chunk(pair, 0, k, k + CHUNK);
        for (uint64_t k = mid; k < end; k += CHUNK)
            assert_chunk(pair, 1, k, end - k < CHUNK ? end : k + CHUNK);
        assert_empty(pair, 0);
        assert_empty(pair, 1);
        assert_unlocked(pair);
    }
}
END_TEST

START_TEST(range_thief_leaves_empty_and_locked_victims)
{
    uint64_t mid, end;
    struct pair *pair = pair_of(4, 4);
    ck_assert(!steal(pair, &mid, &end));
    pair = pair_of(0, 9);
    range_lock(&pair->ranges[0], 5);
    ck_assert(!steal(pair, &mid, &end));
    range_unlock(&pair->ranges[0]);
    ck_assert(steal(pair, &mid, &end));
    assert_unlocked(pair);
}
END_TEST

static const struct {
    const char *point;
    bool undone; /* the steal had begun and had not changed hands */
    bool kept;   /* the loot is the dead's own */
} thief_points[] = {
    {"range: victim locked", false, false}, {"range: loot noted", true, false},
    {"range: back cut", true, false},       {"range: loot opened", true, false},
    {"range: loot kept", false, true},
};

/* The thief dies at each step: after range_undo every item is where it was, or the thief's. */
START_TEST(range_thief_dies)
{
    struct pair *volatile pair = pair_of(0, 12);
    assert_chunk(pair, 0, 0, 3);
    jmp_buf dead;
    die_at(thief_points[_i].point, &dead);
    uint64_t mid, end;
    if (setjmp(dead) == 0) {
        steal(pair, &mid, &end);
        ck_abort_msg("nobody came by %s", thief_points[_i].point);
    }
    ck_assert(!range_try_lock(&pair->ranges[0], 0));
    ck_assert(!range_try_lock(&pair->ranges[1], 0));
    ck_assert_int_eq(undo(pair, 1), thief_points[_i].undone);
    assert_unlocked(pair);
    ck_assert_int_eq(undo(pair, 1), false);
    assert_chunk(pair, 0, 3, 6);
    if (thief_points[_i].kept) {
        assert_chunk(pair, 1, 6, 9);
        assert_chunk(pair, 1, 9, 12);
    } else {
        assert_chunk(pair, 0, 6, 9);
        assert_chunk(pair, 0, 9, 12);
    }
    assert_empty(pair, 0);
    assert_empty(pair, 1);
}
END_TEST

static const struct {
    const char *point;
    uint64_t had, taken; /* chunks that it had before; what is taken when it has died */
} owner_points[] = {
    {"range: owner has looked", 1, 3},
    {"range: taken, not checked", 1, 6},
    {"range: owner has its lock", 3, 9},
};

/* The owner dies inside range_take: what it had taken is [its last chunk, min(taken, back)), and
 * the rest can be stolen. */
START_TEST(range_owner_dies)
{
    struct pair *volatile pair = pair_of(0, 9);
    for (uint64_t k = 0; k < owner_points[_i].had; k++)
        assert_chunk(pair, 0, k * CHUNK, (k + 1) * CHUNK);
    jmp_buf dead;
    die_at(owner_points[_i].point, &dead);
    uint64_t first, end;
    if (setjmp(dead) == 0) {
        range_take(&pair->ranges[0], 0, CHUNK, &first, &end);
        ck_abort_msg("nobody came by %s", owner_points[_i].point);
    }
    ck_assert(!undo(pair, 0));
    assert_unlocked(pair);
    ck_assert_uint_eq(atomic_load(&pair->ranges[0].taken), owner_points[_i].taken);
    ck_assert_uint_eq(atomic_load(&pair->ranges[0].back), 9);
    for (uint64_t at = 9; at > owner_points[_i].taken; at -= CHUNK) {
        ck_assert(steal(pair, &first, &end));
        assert_chunk(pair, 1, at - CHUNK, at);
    }
    ck_assert(!steal(pair, &first, &end));
    assert_empty(pair, 1);
}
END_TEST

/* Between the thief's look and its cut the owner takes what is to be cut, so that the thief puts it
 * back, or dies before or after it has. */
static struct pair *visited_pair;
static const char *const conflict_points[] = {"", "range: back cut", "range: back restored"};
static int conflict;

static void owner_takes_two(void)
{
    assert_chunk(visited_pair, 0, 0, 3);
    assert_chunk(visited_pair, 0, 3, 6);
    script.point = conflict_points[conflict];
    script.passing = 1;
    script.visit = NULL;
}

START_TEST(range_thief_puts_back_what_the_owner_took)
{
    jmp_buf dead;
    conflict = _i;
    visited_pair = pair_of(0, 9);
    script.out = &dead;
    give_way_at("range: loot noted", owner_takes_two);
    if (setjmp(dead) == 0) {
        uint64_t mid, end;
        ck_assert(!steal(visited_pair, &mid, &end));
        ck_assert_int_eq(conflict, 0);
    } else {
        ck_assert(undo(visited_pair, 1));
    }
    assert_unlocked(visited_pair);
    assert_chunk(visited_pair, 0, 6, 9);
    assert_empty(visited_pair, 0);
    assert_empty(visited_pair, 1);
}
END_TEST

static void thief_takes_half(void)
{
    uint64_t mid, end;
    ck_assert(steal(visited_pair, &mid, &end));
}

/* The owner has looked, then a thief is quicker: it has taken the last chunk, or one behind it. */
START_TEST(range_owner_is_slower)
{
    uint64_t first, end;
    visited_pair = pair_of(0, _i == 0 ? CHUNK : 2 * CHUNK);
    give_way_at("range: owner has looked", thief_takes_half);
    bool has_taken = range_take(&visited_pair->ranges[0], 0, CHUNK, &first, &end);
    ck_assert_int_eq(has_taken, _i == 1);
    if (_i == 0) {
        assert_chunk(visited_pair, 1, 0, 3);
    } else {
        ck_assert_uint_eq(end, 3);
        assert_chunk(visited_pair, 1, 3, 6);
    }
    assert_empty(visited_pair, 0);
    assert_empty(visited_pair, 1);
    assert_unlocked(visited_pair);
}
END_TEST

/* A steal that turns out not to be for the thief. */
START_TEST(range_thief_drops)
{
    struct pair *pair = pair_of(0, 12);
    uint64_t mid, end;
    range_lock(&pair->ranges[1], 1);
    ck_assert(range_cut(&pair->ranges[1], &pair->ranges[0], 1, 0, CHUNK, &mid, &end));
    range_drop(&pair->ranges[1], &pair->ranges[0], end);
    range_unlock(&pair->ranges[1]);
    assert_unlocked(pair);
    ck_assert(!undo(pair, 1));
    for (uint64_t k = 0; k < 12; k += CHUNK)
        assert_chunk(pair, 0, k, k + CHUNK);
    assert_empty(pair, 0);
    assert_empty(pair, 1);
}
END_TEST

UNIT_MAIN("claims", UNIT_LOOP(ticket_goes_in_order, 0, N_SIZES),
          ticket_goes_to_the_end_of_the_longest_list, ticket_stops, ledger_is_full_until_accounted,
          UNIT_LOOP(ticket_tells_what_the_dead_was_given, 0, 8),
          UNIT_LOOP(ticket_gives_nothing_to_one_who_dies_late, 0, 2),
          ticket_tells_what_two_dead_were_given, ticket_does_not_look_for_what_was_accounted,
          ticket_gives_way_to_the_quicker,
          UNIT_LOOP(ticket_misses_what_is_written_and_not_counted, 0, 3),
          range_gives_chunks_to_its_owner, range_chunk_may_be_larger_than_all,
          range_thief_gets_the_larger_half, range_thief_leaves_empty_and_locked_victims,
          range_thief_drops, UNIT_LOOP(range_thief_dies, 0, 5), UNIT_LOOP(range_owner_dies, 0, 3),
          UNIT_LOOP(range_owner_is_slower, 0, 2),
          UNIT_LOOP(range_thief_puts_back_what_the_owner_took, 0, 3))
