/* Any CSV file of a run's folder: see csv.h. */
#include "record/csv.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Cuts off the cell at `p`, in place; returns where the next one begins, or NULL. */
static char *cut(char *p, char **cell)
{
    *cell = p;
    if (*p != '"') {
        char *comma = strchr(p, ',');
        if (comma)
            *comma++ = '\0';
        return comma;
    }
    char *to = p;
    for (p++; *p; p++) {
        if (*p == '"' && *++p != '"')
            break;
        *to++ = *p;
    }
    bool more = *p == ',';
    *to = '\0';
    return more ? p + 1 : NULL;
}

/* Reads a whole line into csv->row, without its end. */
static bool read_line(struct csv *csv)
{
    ssize_t n = getline(&csv->row, &csv->capacity, csv->file);
    if (n <= 0 || csv->row[n - 1] != '\n')
        return false;
    csv->row[--n] = '\0';
    if (n > 0 && csv->row[n - 1] == '\r')
        csv->row[n - 1] = '\0';
    csv->line++;
    return true;
}

int csv_open(struct csv *csv, const char *path, struct err *err)
{
    *csv = (struct csv){.file = fopen(path, "re")};
    if (!csv->file)
        return err_set(err, "%s cannot be read: %s", path, strerror(errno));
    if (!read_line(csv)) {
        csv_close(csv);
        return err_set(err, "%s has no header line", path);
    }
    csv->header = alloc_text(csv->row);
    size_t most = 1;
    for (const char *p = csv->header; *p; p++)
        most += *p == ',';
    csv->cells = alloc_zeroed(most * 2, sizeof *csv->cells); /* of rows, then of the header */
    csv->n_columns = most;
    char **names = csv->cells + most;
    size_t n = 0;
    for (char *at = csv->header; at && n < most;)
        at = cut(at, &names[n++]);
    while (n < most)
        names[n++] = csv->header + strlen(csv->header);
    return 0;
}

void csv_close(struct csv *csv)
{
    if (csv->file)
        fclose(csv->file);
    free(csv->header);
    free(csv->row);
    free(csv->cells);
    *csv = (struct csv){.file = NULL};
}

size_t csv_column(const struct csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->n_columns; i++)
        if (strcmp(csv->cells[csv->n_columns + i], name) == 0)
            return i;
    return SIZE_MAX;
}

bool csv_next(struct csv *csv)
{
    csv->n_cut = 0;
    csv->rest = NULL;
    if (!read_line(csv))
        return false;
    csv->rest = csv->row;
    return true;
}

const char *csv_cell(struct csv *csv, size_t column)
{
    if (column >= csv->n_columns)
        return "";
    while (csv->n_cut <= column && csv->rest) {
        csv->rest = cut(csv->rest, &csv->cells[csv->n_cut]);
        csv->n_cut++;
    }
    return column < csv->n_cut ? csv->cells[column] : "";
}
