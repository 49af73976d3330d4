/* What a cell of ranks leaves on its standard error: see words.h. */
#include "run/words.h"

#include "base/alloc.h"
#include "base/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    MOST_PLACES = 3,
    MESSAGE_BYTES = 160, /* of mpirun's words; a sample's error has room for no more */
};

/* --- the end of a rank ------------------------------------------------------------------------ */

/* Blanks in these formats stand for line breaks too. */
bool words_rank_end(const char *words, struct rank_end *end)
{
    *end = (struct rank_end){.rank = -1};
    const char *told = strstr(words, "process rank ");
    if (told) {
        int n = sscanf(told, "process rank %d with PID %*d on node %63s exited on signal %d",
                       &end->rank, end->host, &end->signal);
        if (n == 2)
            end->status = -1;
        return n >= 2;
    }
    told = strstr(words, "Process name: [[");
    return told && sscanf(told, "Process name: [[%*d,%*d],%d] Exit code: %d", &end->rank,
                          &end->status) == 2;
}

void words_describe_rank_end(const struct rank_end *end, char *buffer, size_t size)
{
    char how[64] = "without finalising MPI", who[96];
    snprintf(who, sizeof who, "rank %d%s%s", end->rank, *end->host ? " on " : "", end->host);
    if (end->signal > 0 || end->status >= 0)
        child_describe_status(end->signal > 0 ? end->signal : W_EXITCODE(end->status, 0), how,
                              sizeof how);
    snprintf(buffer, size, "%s %s%s", who,
             end->signal > 0    ? "was killed by "
             : end->status >= 0 ? "ended with "
                                : "ended ",
             how);
}

/* --- lines ------------------------------------------------------------------------------------ */

static bool is_ruler(const char *line)
{
    size_t n = strspn(line, "-");
    return n >= 8 && line[n] == '\0';
}

/* "[host:12345] …", as Open MPI's own code writes it. */
static bool is_of_library(const char *line)
{
    const char *colon = *line == '[' ? strchr(line, ':') : NULL;
    return colon && colon[1 + strspn(colon + 1, "0123456789")] == ']';
}

/* The answer of a rank, or NULL. */
static const char *answer_in(const char *line)
{
    static const char name[] = "poolmark-cell-mpi: ";
    const char *answer = strncmp(line, name, strlen(name)) == 0 ? line + strlen(name) : NULL;
    return answer && strncmp(answer, "rank ", 5) == 0 && strstr(answer, " was in ") ? answer : NULL;
}

static bool is_of_question(const char *line)
{
    return answer_in(line) || strncmp(line, "mpirun: Forwarding signal", 25) == 0;
}

static void drop_node(char *line)
{
    char *node = strstr(line, " on node ");
    if (!node)
        return;
    char *rest = node + 9 + strcspn(node + 9, " ");
    memmove(node, rest, strlen(rest) + 1);
}

/* What mpirun has to say comes first, and an essay on it follows: keeps whole sentences from the
 * start, or whole words where the first one is too long. */
static void keep_first(char *words, size_t most)
{
    size_t sentence = 0, word = 0;
    if (strlen(words) <= most)
        return;
    for (size_t i = 1; i <= most; i++) {
        if (words[i] == ' ' && i + 3 <= most)
            word = i;
        if (words[i] == ' ' && words[i - 1] == '.')
            sentence = i;
    }
    strcpy(words + (sentence ? sentence : word), sentence ? "" : "...");
}

static void keep_last(char *words, size_t most)
{
    size_t length = strlen(words), from = length > most ? length - most : 0;
    while (from && ((unsigned char)words[from] & 0xC0) == 0x80)
        from++; /* not within a character */
    memmove(words, words + from, length - from + 1);
}

void words_tidy(char *words, size_t most)
{
    char *save = NULL;
    bool in_message = false, is_message = false;
    struct text kept = TEXT_INIT;
    text_add(&kept, "", 0);
    for (char *line = strtok_r(words, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        line = text_trim(line);
        bool rules = is_ruler(line);
        if (rules)
            in_message = !in_message;
        if (rules && save && *save)
            text_clear(&kept);
        drop_node(line);
        if (*line && !rules && !is_of_question(line)) {
            text_addf(&kept, "%s%s", kept.length ? " " : "", line);
            is_message = in_message;
        }
    }
    strcpy(words, kept.text ? kept.text : ""); /* never longer than it was */
    text_release(&kept);
    if (is_message)
        keep_first(words, most < MESSAGE_BYTES ? most : MESSAGE_BYTES);
    else
        keep_last(words, most);
}

void words_keep_own(char *words, size_t most)
{
    char *save = NULL;
    bool in_message = false;
    struct text kept = TEXT_INIT;
    text_add(&kept, "", 0);
    for (char *line = strtok_r(words, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        line = text_trim(line);
        if (is_ruler(line))
            in_message = !in_message;
        else if (*line && !in_message && !is_of_library(line) && !is_of_question(line))
            text_addf(&kept, "%s%s", kept.length ? " " : "", line);
    }
    strcpy(words, kept.text);
    text_release(&kept);
    keep_last(words, most);
}

size_t words_places(const char *words, struct text *places)
{
    size_t n = 0, n_busy = 0;
    char *copy = alloc_text(words), *save = NULL;
    text_clear(places);
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *answer = answer_in(line);
        n += answer != NULL;
        if (!answer || !strstr(answer, " was in tasks "))
            continue;
        if (++n_busy <= MOST_PLACES)
            text_addf(places, "%s%s", n_busy > 1 ? "; " : "", answer);
    }
    if (n_busy > MOST_PLACES)
        text_addf(places, "; and %zu ranks more", n_busy - MOST_PLACES);
    free(copy);
    return n;
}
