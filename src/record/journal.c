/* CSV files of records: see journal.h.
 *
 * Reading is the hot path of a summary (a million rows in a few seconds): the text of a row's point
 * columns, which come first and repeat, is looked up in a hash table, and only the sample's columns
 * are read cell by cell.
 */
#include "record/journal.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- writing ---------------------------------------------------------------------------------- */

enum { MOST_KEPT = 1 << 20 }; /* bytes of rows that wait for one write */

int journal_flush(struct journal *j, struct err *err)
{
    const char *at = j->line.text;
    size_t left = j->line.length;
    int status = 0;
    while (left > 0 && status == 0) {
        ssize_t n = write(j->fd, at, left);
        if (n < 0 && errno != EINTR)
            status = err_set(err, "%s cannot be written: %s", j->path, strerror(errno));
        at += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    text_clear(&j->line);
    return status;
}

static int write_line(struct journal *j, struct err *err)
{
    text_add(&j->line, "\n", 1);
    return journal_flush(j, err);
}

static void put_header(struct text *line, const struct field *fields, const struct field *more)
{
    text_clear(line);
    record_csv_header(line, fields);
    if (more) {
        text_add(line, ",", 1);
        record_csv_header(line, more);
    }
}

/* Compares the first line of the file with the header in j->line. */
static int check_header(struct journal *j, struct err *err)
{
    char *have = alloc_zeroed(1, j->line.length + 2);
    ssize_t n = pread(j->fd, have, j->line.length + 1, 0);
    bool same = n == (ssize_t)j->line.length + 1 && have[j->line.length] == '\n' &&
                memcmp(have, j->line.text, j->line.length) == 0;
    free(have);
    text_clear(&j->line);
    return same ? 0
                : err_set(err, "%s:1: the columns are those of another version of poolmark",
                          j->path);
}

int journal_open(struct journal *j, const char *path, const struct field *fields,
                 const struct field *more, struct err *err)
{
    *j = (struct journal)JOURNAL_INIT;
    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->fd < 0)
        return err_set(err, "%s cannot be written: %s", path, strerror(errno));
    j->path = alloc_text(path);
    put_header(&j->line, fields, more);
    struct stat st;
    int status =
        fstat(j->fd, &st) == 0 && st.st_size > 0 ? check_header(j, err) : write_line(j, err);
    if (status != 0)
        journal_close(j);
    return status;
}

int journal_append(struct journal *j, const struct field *fields, const void *record,
                   const struct field *more, const void *more_record, struct err *err)
{
    record_csv(&j->line, fields, record);
    if (more) {
        text_add(&j->line, ",", 1);
        record_csv(&j->line, more, more_record);
    }
    return write_line(j, err);
}

int journal_put(struct journal *j, const struct field *fields, const void *record, struct err *err)
{
    record_csv(&j->line, fields, record);
    text_add(&j->line, "\n", 1);
    return j->line.length < MOST_KEPT ? 0 : journal_flush(j, err);
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    free(j->path);
    text_release(&j->line);
    *j = (struct journal)JOURNAL_INIT;
}

int journal_mend(const char *path, size_t *cut, struct err *err)
{
    *cut = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set(err, "%s cannot be opened: %s", path, strerror(errno));
    off_t size = lseek(fd, 0, SEEK_END), end = size;
    char c = 0;
    while (end > 0 && pread(fd, &c, 1, end - 1) == 1 && c != '\n')
        end--;
    int status = 0;
    if (end != size && ftruncate(fd, end) != 0)
        status = err_set(err, "%s cannot be cut: %s", path, strerror(errno));
    else
        *cut = (size_t)(size - end);
    close(fd);
    return status;
}

/* Length of the text without the rows at its end that journal_cut cuts off. */
static size_t length_below(const char *text, size_t size, uint64_t least)
{
    while (size > 0) {
        const char *eol = memrchr(text, '\n', size - 1), *row = eol ? eol + 1 : text;
        char first[24];
        size_t n = (size_t)(text + size - row);
        snprintf(first, sizeof first, "%.*s", (int)(n < 23 ? n : 23), row);
        if (*first < '0' || *first > '9' || strtoull(first, NULL, 10) < least)
            break;
        size = (size_t)(row - text);
    }
    return size;
}

int journal_cut(const char *path, uint64_t least, struct err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set(err, "%s cannot be opened: %s", path, strerror(errno));
    struct stat st;
    int status = fstat(fd, &st);
    size_t size = status == 0 ? (size_t)st.st_size : 0;
    const char *text = size ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    if (text == MAP_FAILED)
        status = -1;
    if (status == 0 && size) {
        size_t stays = length_below(text, size, least);
        munmap((void *)text, size);
        if (stays < size)
            status = ftruncate(fd, (off_t)stays);
    }
    if (status != 0)
        err_set(err, "%s cannot be cut: %s", path, strerror(errno));
    close(fd);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum {
    MOST_COLUMNS = 128,
    BLOCK_BYTES = 1 << 24, /* of the file, read and let go */
};

struct slot {
    char *key; /* text of a row's point columns */
    size_t length, number;
};

struct reading {
    const char *path;
    const struct journal_reader *reader;
    size_t line;
    size_t n_point_columns;
    struct field columns[MOST_COLUMNS + 1]; /* of the sample, as the file has them */
    struct sample sample;                   /* of the row; columns that the file lacks keep what
                                               they read as, all others are set by each row */
    struct slot *slots;                     /* open addressing; n_slots is a power of two */
    size_t n_slots, n_points;
    char *row; /* copy of a row, to be cut into cells */
    size_t row_capacity;
};

/* Takes the cell at *at, terminated in place without its quotes, and moves *at to where the next
 * one begins, NULL when this was the last. Returns the cell, or NULL when its quotes are not right.
 */
static char *cut_cell(char **at)
{
    char *cell = *at, *p = cell, *to = cell;
    if (*p != '"') {
        *at = strchr(p, ',');
        if (*at)
            *(*at)++ = '\0';
        return cell;
    }
    bool is_closed = false;
    for (p++; *p && !is_closed; p++) {
        is_closed = *p == '"' && p[1] != '"';
        p += *p == '"' && !is_closed;
        if (!is_closed)
            *to++ = *p;
    }
    if (!is_closed || (*p && *p != ','))
        return NULL;
    *at = *p ? p + 1 : NULL;
    *to = '\0';
    return cell;
}

/* Length of the first n cells of a row, without the comma behind them; 0 if there are fewer. */
static size_t prefix_length(const char *row, size_t length, size_t n)
{
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        if (row[i] == '"')
            quoted = !quoted;
        else if (row[i] == ',' && !quoted && --n == 0)
            return i;
    }
    return 0;
}

static uint64_t hash(const char *bytes, size_t n)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
    return h;
}

static struct slot *find_slot(struct reading *r, const char *key, size_t length)
{
    size_t i = hash(key, length) & (r->n_slots - 1);
    while (r->slots[i].key &&
           (r->slots[i].length != length || memcmp(r->slots[i].key, key, length) != 0))
        i = (i + 1) & (r->n_slots - 1);
    return &r->slots[i];
}

static void grow_slots(struct reading *r)
{
    struct slot *old = r->slots;
    size_t n = r->n_slots;
    r->n_slots = n ? n * 2 : 256;
    r->slots = alloc_zeroed(r->n_slots, sizeof *r->slots);
    for (size_t i = 0; i < n; i++)
        if (old[i].key)
            *find_slot(r, old[i].key, old[i].length) = old[i];
    free(old);
}

/* Reads the cells at `row` (changed) into the record's fields; all must be there. */
static int read_cells(struct reading *r, char *row, const struct field *fields, void *record,
                      struct err *err)
{
    char *at = row, *cell;
    for (const struct field *f = fields; f->name; f++) {
        if (!at)
            return err_set(err, "%s:%zu: the row has too few cells", r->path, r->line);
        cell = cut_cell(&at);
        if (!cell)
            return err_set(err, "%s:%zu: %s: a quote is missing, or one too many", r->path, r->line,
                           f->name);
        if (record_read_cell(f, record, cell, err) != 0)
            return err_prefix(err, "%s:%zu", r->path, r->line);
    }
    if (at)
        return err_set(err, "%s:%zu: the row has too many cells", r->path, r->line);
    return 0;
}

static int point_number(struct reading *r, const char *row, size_t length, size_t *number,
                        struct err *err)
{
    if (r->n_points * 2 >= r->n_slots)
        grow_slots(r);
    struct slot *slot = find_slot(r, row, length);
    if (slot->key) {
        *number = slot->number;
        return 0;
    }
    slot->key = alloc_zeroed(1, length + 1);
    memcpy(slot->key, row, length);
    slot->length = length;
    *number = slot->number = r->n_points++;
    struct point point = {0};
    char *cells = alloc_text(slot->key);
    int status = read_cells(r, cells, point_fields, &point, err);
    free(cells);
    if (status == 0 && r->reader->on_point)
        status = r->reader->on_point(r->reader->user, *number, &point, err);
    return status;
}

/* Launch, pass and group are counted up to this: more would wrap where they are compared. */
enum { MOST_COUNTED = INT32_MAX };

/* What a sample must be beyond the types of its fields. */
static int check_sample(const struct reading *r, const struct sample *s, struct err *err)
{
    const struct {
        const char *name;
        uint64_t value;
    } counted[] = {
        {"launch", s->launch}, {"pass", s->pass}, {"group", s->group}, {"retake", s->retake}};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (counted[i].value > MOST_COUNTED)
            return err_set(err, "%s:%zu: %s: %llu is above %d", r->path, r->line, counted[i].name,
                           (unsigned long long)counted[i].value, MOST_COUNTED);
    size_t n = 0;
    for (; record_statuses[n]; n++)
        if (strcmp(s->status, record_statuses[n]) == 0)
            return 0;
    char word[32];
    text_copy(word, sizeof word, s->status);
    text_refuse(err, "status: unknown word", word, record_statuses, n);
    return err_prefix(err, "%s:%zu", r->path, r->line);
}

static int read_row(struct reading *r, const char *row, size_t length, struct err *err)
{
    if (memchr(row, '\0', length))
        return err_set(err, "%s:%zu: the row holds a zero byte", r->path, r->line);
    size_t prefix = prefix_length(row, length, r->n_point_columns), number;
    if (prefix == 0)
        return err_set(err, "%s:%zu: the row has too few cells", r->path, r->line);
    if (point_number(r, row, prefix, &number, err) != 0)
        return -1;
    size_t rest = length - prefix - 1;
    if (rest + 1 > r->row_capacity) {
        r->row_capacity = rest + 256;
        r->row = alloc_grown(r->row, r->row_capacity, 1);
    }
    memcpy(r->row, row + prefix + 1, rest);
    r->row[rest] = '\0';
    if (read_cells(r, r->row, r->columns, &r->sample, err) != 0 ||
        check_sample(r, &r->sample, err) != 0)
        return -1;
    return r->reader->on_sample ? r->reader->on_sample(r->reader->user, number, &r->sample, err)
                                : 0;
}

/* The names of a header, one after the other. */
struct header {
    const char *at, *end; /* what is left; at is NULL when nothing is */
    const char *name;
    size_t length;
};

static void next_name(struct header *h)
{
    h->name = h->at;
    if (!h->at)
        return;
    const char *comma = memchr(h->at, ',', (size_t)(h->end - h->at));
    h->length = (size_t)((comma ? comma : h->end) - h->at);
    h->at = comma ? comma + 1 : NULL;
}

static bool is_named(const struct header *h, const char *name)
{
    return h->name && strlen(name) == h->length && memcmp(h->name, name, h->length) == 0;
}

static bool is_field(const struct header *h, const struct field *fields)
{
    for (const struct field *f = fields; f->name; f++)
        if (is_named(h, f->name))
            return true;
    return false;
}

/* `wanted` is the column that should stand there; NULL: none. */
static int refuse_columns(const struct reading *r, const struct header *h, const char *wanted,
                          struct err *err)
{
    char name[32] = "", why[128];
    if (h->name)
        snprintf(name, sizeof name, "%.*s", h->length < 24 ? (int)h->length : 24, h->name);
    for (char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
            *p = '?';
    if (!h->name)
        snprintf(why, sizeof why, "'%s' is missing", wanted);
    else if (!is_field(h, point_fields) && !is_field(h, sample_fields))
        snprintf(why, sizeof why, "'%s' is none", name);
    else if (wanted)
        snprintf(why, sizeof why, "'%s' stands where '%s' is expected", name, wanted);
    else
        snprintf(why, sizeof why, "'%s' stands too late, or twice", name);
    return err_set(err,
                   "%s:1: the columns are not those of this version's samples.csv: %s (`poolmark "
                   "list fields` shows them)",
                   r->path, why);
}

/* Takes the columns in the order of their tables: all of the point; of the sample, those behind
 * wall_ns may be absent. */
static int check_columns(struct reading *r, const char *row, size_t length, struct err *err)
{
    struct header h = {.at = row, .end = row + length};
    next_name(&h);
    for (const struct field *f = point_fields; f->name; f++) {
        if (!is_named(&h, f->name))
            return refuse_columns(r, &h, f->name, err);
        r->n_point_columns++;
        next_name(&h);
    }
    size_t n = 0;
    for (const struct field *f = sample_fields; f->name; f++) {
        if (is_named(&h, f->name)) {
            r->columns[n++] = *f;
            next_name(&h);
        } else if (f->offset <= offsetof(struct sample, wall_ns)) {
            return refuse_columns(r, &h, f->name, err);
        } else if (f->type == FIELD_real) {
            record_read_cell(f, &r->sample, "", NULL);
        }
    }
    return h.name ? refuse_columns(r, &h, NULL, err) : 0;
}

/* Gives back the memory of what has been read of the file, a whole block at a time, so that a file
 * does not have to fit into memory. Returns where the rest begins. */
static const char *let_go(const char *held, const char *done)
{
    size_t n = (size_t)(done - held) & ~(size_t)(BLOCK_BYTES - 1);
    if (n > 0)
        madvise((void *)held, n, MADV_DONTNEED);
    return held + n;
}

static int read_lines(struct reading *r, const char *text, size_t size, bool *cut_off,
                      struct err *err)
{
    const char *end = text + size, *held = text;
    for (const char *row = text; row < end;) {
        const char *eol = memchr(row, '\n', (size_t)(end - row));
        if (!eol) {
            *cut_off = true;
            break;
        }
        r->line++;
        size_t length = (size_t)(eol - row);
        if (length > 0 && row[length - 1] == '\r')
            length--;
        if ((r->line == 1 ? check_columns(r, row, length, err) : read_row(r, row, length, err)) !=
            0)
            return -1;
        row = eol + 1;
        held = let_go(held, row);
    }
    if (r->line == 0)
        return err_set(err, "%s has no header line", r->path);
    return 0;
}

int journal_read(const char *path, const struct journal_reader *reader, bool *cut_off,
                 struct err *err)
{
    *cut_off = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is refused, not waited for */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        err_set(err, "%s cannot be read: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    size_t size = (size_t)st.st_size;
    char *text =
        S_ISREG(st.st_mode) && size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (text == MAP_FAILED)
        return err_set(err, "%s is %s", path, S_ISREG(st.st_mode) ? "empty" : "not a file");
    struct reading r = {.path = path, .reader = reader};
    int status = read_lines(&r, text, size, cut_off, err);
    munmap(text, size);
    for (size_t i = 0; i < r.n_slots; i++)
        free(r.slots[i].key);
    free(r.slots);
    free(r.row);
    return status;
}
