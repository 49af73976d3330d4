/* Rows of whole numbers: see rows.h. */
#include "report/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WIDTH = (int)(sizeof((struct rows *)0)->wanted / sizeof(int)) };

/* Ends the cell that begins at *at, and moves *at to the next one, to NULL behind the last. Texts
 * in quotes are passed over whole, quotes and all: nobody asks for them here. */
static char *take_cell(char **at)
{
    char *cell = *at, *end = cell;
    for (int quoted = 0; *end && (quoted || *end != ','); end++)
        if (*end == '"')
            quoted = !quoted;
    *at = *end ? end + 1 : NULL;
    *end = '\0';
    return cell;
}

/* Whether there is a whole line; its end is cut off. */
static int read_line(struct rows *r)
{
    ssize_t n = getline(&r->line, &r->capacity, r->file);
    if (n < 1 || r->line[n - 1] != '\n')
        return 0;
    r->line[n - 1] = '\0';
    if (n > 1 && r->line[n - 2] == '\r')
        r->line[n - 2] = '\0';
    r->number++;
    return 1;
}

static int read_header(struct rows *r, const char *const *names, int n, struct err *err)
{
    int found = 0, place = 0;
    for (int i = 0; i < MOST_WIDTH; i++)
        r->wanted[i] = -1;
    for (char *at = r->line; at && place < MOST_WIDTH; place++) {
        const char *cell = take_cell(&at);
        for (int i = 0; i < n; i++)
            if (strcmp(cell, names[i]) == 0 && !(found >> i & 1)) {
                found |= 1 << i;
                r->wanted[place] = i;
                r->width = place + 1;
            }
    }
    for (int i = 0; i < n; i++)
        if (!(found >> i & 1))
            return err_set(err, "%s:1: the column '%s' is not there", r->path, names[i]);
    return 0;
}

int rows_open(struct rows *r, const char *path, const char *const *names, int n, struct err *err)
{
    *r = (struct rows){.path = path, .n_wanted = n, .file = fopen(path, "r")};
    if (!r->file)
        return errno == ENOENT ? 1 : err_set(err, "%s cannot be read: %s", path, strerror(errno));
    memcpy(r->names, names, (size_t)n * sizeof *names);
    int status = read_line(r) ? read_header(r, names, n, err) : err_set(err, "%s is empty", path);
    if (status == 0)
        return 0;
    rows_close(r);
    return -1;
}

int rows_next(struct rows *r, uint64_t *values, struct err *err)
{
    if (!read_line(r))
        return 0;
    char *at = r->line;
    for (int place = 0; place < r->width; place++) {
        const char *cell = at ? take_cell(&at) : "";
        int i = r->wanted[place];
        if (i < 0)
            continue;
        char *end = NULL;
        errno = 0;
        values[i] = strtoull(cell, &end, 10);
        if (*cell < '0' || *cell > '9' || *end || errno)
            return err_set(err, "%s:%zu: %s: '%s' is no whole number", r->path, r->number,
                           r->names[i], cell);
    }
    return 1;
}

void rows_close(struct rows *r)
{
    if (r->file)
        fclose(r->file);
    free(r->line);
    r->file = NULL;
    r->line = NULL;
}
