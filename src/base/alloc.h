/* Memory that is there or the program ends: a driver or a cell without memory cannot go on, and a
 * half-run that pretends to would be worse. Not used by libprocpool, whose callers may. */
#ifndef POOLMARK_BASE_ALLOC_H
#define POOLMARK_BASE_ALLOC_H

#include <stddef.h>

void *alloc_zeroed(size_t n, size_t bytes); /* like calloc; ends the program without memory */
void *alloc_grown(void *old, size_t n, size_t bytes); /* like reallocarray; ditto */
char *alloc_text(const char *text);                   /* like strdup; ditto */

/* Makes room for one more item in a growing array of *capacity items that holds n. */
void *alloc_room(void *items, size_t n, size_t *capacity, size_t bytes);

#endif
