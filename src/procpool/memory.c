/* The pool's shared memory: pieces of pages, first fit by address, and below that powers of two
 * from 128 bytes in stacks. All bookkeeping is in the parent's own memory. What is handed out is
 * zero: small pieces are cleared, large ones are pages that were never touched or were given back
 * to the system when they became free. */
#include "procpool/pool.h"

#include <sched.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGE = 65536, /* unit of extents: a multiple of every page size */
    SMALLEST = 128,
    LARGEST_SMALL = SMALLEST << (MEMORY_CLASSES - 1),
};

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

void memory_init(struct memory *memory, char *start, size_t bytes)
{
    *memory = (struct memory){.start = start, .bytes = bytes / PAGE * PAGE};
    memory->free = malloc(sizeof *memory->free);
    if (memory->free)
        *memory->free = (struct extent){start, memory->bytes, NULL};
}

/* --- what procpool_alloc has given ------------------------------------------------------------ */

struct owned {
    const void *memory;
    size_t bytes;
};

static int compare_owned(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    return (x->memory > y->memory) - (x->memory < y->memory);
}

void memory_release(struct memory *memory)
{
    for (struct extent *e = memory->free, *next; e; e = next) {
        next = e->next;
        free(e);
    }
    for (int c = 0; c < MEMORY_CLASSES; c++)
        free(memory->cached[c]);
    while (memory->owned) {
        struct owned *owned = *(struct owned **)memory->owned;
        tdelete(owned, &memory->owned, compare_owned);
        free(owned);
    }
}

/* --- extents ---------------------------------------------------------------------------------- */

static void *take_extent(struct memory *memory, size_t bytes)
{
    for (struct extent **at = &memory->free; *at; at = &(*at)->next) {
        struct extent *e = *at;
        if (e->bytes < bytes)
            continue;
        char *start = e->start;
        e->start += bytes;
        e->bytes -= bytes;
        if (e->bytes == 0) {
            *at = e->next;
            free(e);
        }
        return start;
    }
    return NULL;
}

static void join_next(struct extent *e)
{
    struct extent *next = e->next;
    if (next && e->start + e->bytes == next->start) {
        e->bytes += next->bytes;
        e->next = next->next;
        free(next);
    }
}

static void give_extent(struct memory *memory, char *start, size_t bytes)
{
    if (madvise(start, bytes, MADV_REMOVE) != 0)
        memset(start, 0, bytes);
    struct extent *before = NULL, *after = memory->free;
    while (after && after->start < start) {
        before = after;
        after = after->next;
    }
    if (before && before->start + before->bytes == start) {
        before->bytes += bytes;
        join_next(before);
        return;
    }
    struct extent *e = malloc(sizeof *e);
    if (!e)
        return; /* the pages are not found again in this pool's life; they hold no memory */
    *e = (struct extent){start, bytes, after};
    *(before ? &before->next : &memory->free) = e;
    join_next(e);
}

/* --- small pieces ----------------------------------------------------------------------------- */

static int class_of(size_t bytes)
{
    int c = 0;
    while (((size_t)SMALLEST << c) < bytes)
        c++;
    return c;
}

static bool push(struct memory *memory, int c, void *piece)
{
    if (memory->n_cached[c] == memory->cached_capacity[c]) {
        size_t capacity = memory->cached_capacity[c] ? 2 * memory->cached_capacity[c] : 64;
        void **more = realloc(memory->cached[c], capacity * sizeof *more);
        if (!more)
            return false;
        memory->cached[c] = more;
        memory->cached_capacity[c] = capacity;
    }
    memory->cached[c][memory->n_cached[c]++] = piece;
    return true;
}

static void *take_small(struct memory *memory, int c)
{
    size_t bytes = (size_t)SMALLEST << c;
    if (memory->n_cached[c] == 0) {
        char *slab = take_extent(memory, PAGE);
        for (size_t at = PAGE; slab && at >= bytes; at -= bytes)
            push(memory, c, slab + at - bytes);
    }
    if (memory->n_cached[c] == 0)
        return NULL;
    void *piece = memory->cached[c][--memory->n_cached[c]];
    memset(piece, 0, bytes);
    return piece;
}

static int compare_pieces(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    return (x > y) - (x < y);
}

/* Makes pages of which all pieces are free extents again. */
static void give_slabs(struct memory *memory)
{
    for (int c = 0; c < MEMORY_CLASSES; c++) {
        size_t whole = PAGE / ((size_t)SMALLEST << c), n = memory->n_cached[c], kept = 0;
        char **pieces = (char **)memory->cached[c];
        if (n)
            qsort(pieces, n, sizeof *pieces, compare_pieces);
        for (size_t first = 0, end; first < n; first = end) {
            char *slab = memory->start + (pieces[first] - memory->start) / PAGE * PAGE;
            for (end = first; end < n && pieces[end] < slab + PAGE;)
                end++;
            if (end - first == whole) {
                give_extent(memory, slab, PAGE);
                continue;
            }
            for (size_t i = first; i < end; i++)
                pieces[kept++] = pieces[i];
        }
        memory->n_cached[c] = kept;
    }
}

/* --- both ------------------------------------------------------------------------------------- */

static size_t size_taken(size_t bytes)
{
    return bytes <= LARGEST_SMALL ? (size_t)SMALLEST << class_of(bytes) : round_up(bytes, PAGE);
}

static void *try_take(struct memory *memory, size_t bytes)
{
    return bytes <= LARGEST_SMALL ? take_small(memory, class_of(bytes))
                                  : take_extent(memory, round_up(bytes, PAGE));
}

void *memory_take(struct memory *memory, size_t bytes)
{
    if (bytes > memory->bytes)
        return NULL;
    void *piece = try_take(memory, bytes);
    if (!piece) {
        give_slabs(memory);
        piece = try_take(memory, bytes);
    }
    if (piece)
        memory->used += size_taken(bytes);
    return piece;
}

void memory_give(struct memory *memory, void *piece, size_t bytes)
{
    if (!piece)
        return;
    memory->used -= size_taken(bytes);
    if (bytes <= LARGEST_SMALL)
        push(memory, class_of(bytes), piece);
    else
        give_extent(memory, piece, round_up(bytes, PAGE));
}

/* --- the public functions --------------------------------------------------------------------- */

void *procpool_alloc(struct procpool *pool, size_t bytes, struct procpool_error *error)
{
    if (check_owner(pool, error) != 0)
        return NULL;
    pthread_mutex_lock(&pool->lock);
    struct owned *owned = malloc(sizeof *owned);
    void *piece = owned ? take_memory(pool, bytes ? bytes : 1) : NULL;
    if (piece) {
        *owned = (struct owned){piece, bytes ? bytes : 1};
        if (!tsearch(owned, &pool->memory.owned, compare_owned)) {
            memory_give(&pool->memory, piece, owned->bytes);
            piece = NULL;
        }
    }
    if (!piece)
        free(owned);
    pthread_mutex_unlock(&pool->lock);
    if (!piece)
        error_set(error, PROCPOOL_NO_MEMORY,
                  "%zu bytes do not fit in the pool's shared memory of %zu bytes (memory_bytes)",
                  bytes, pool->memory.bytes);
    return piece;
}

void procpool_release(struct procpool *pool, void *memory)
{
    if (!memory || check_owner(pool, NULL) != 0)
        return;
    pthread_mutex_lock(&pool->lock);
    struct owned key = {.memory = memory},
                 **found = tfind(&key, &pool->memory.owned, compare_owned);
    if (found) {
        struct owned *owned = *found;
        tdelete(owned, &pool->memory.owned, compare_owned);
        memory_give(&pool->memory, memory, owned->bytes);
        free(owned);
    }
    pthread_mutex_unlock(&pool->lock);
}

bool procpool_shares(const struct procpool *pool, const void *memory, size_t bytes)
{
    uintptr_t at = (uintptr_t)memory, start = (uintptr_t)pool->memory.start;
    return at >= start && at - start <= pool->memory.bytes &&
           bytes <= pool->memory.bytes - (at - start);
}

size_t procpool_memory_used(const struct procpool *pool)
{
    struct procpool *p = (struct procpool *)pool;
    if (check_owner(pool, NULL) != 0)
        return 0;
    pthread_mutex_lock(&p->lock);
    /* Jobs that were freed a moment ago are given back when the last worker has left them. */
    sweep(p);
    for (int i = 0; p->limbo && i < SWEEPS; i++) {
        pthread_mutex_unlock(&p->lock);
        sched_yield();
        pthread_mutex_lock(&p->lock);
        sweep(p);
    }
    size_t used = p->memory.used;
    pthread_mutex_unlock(&p->lock);
    return used;
}
