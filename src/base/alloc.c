/* Memory that is there or the program ends: see alloc.h. */
#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *memory, size_t n, size_t bytes)
{
    if (!memory && n && bytes) {
        fprintf(stderr, "poolmark: no memory for %zu items of %zu bytes\n", n, bytes);
        abort();
    }
    return memory;
}

void *alloc_zeroed(size_t n, size_t bytes)
{
    return or_end(calloc(n ? n : 1, bytes ? bytes : 1), 1, 1);
}

void *alloc_grown(void *old, size_t n, size_t bytes)
{
    if (bytes && n > SIZE_MAX / bytes)
        return or_end(NULL, n, bytes);
    size_t total = n * bytes;
    return or_end(realloc(old, total > 0 ? total : 1), n, bytes);
}

char *alloc_text(const char *text)
{
    return or_end(strdup(text), strlen(text) + 1, 1);
}

void *alloc_room(void *items, size_t n, size_t *capacity, size_t bytes)
{
    if (n < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return alloc_grown(items, *capacity, bytes);
}
