/* What a cell of ranks leaves on its standard error, read: mpirun's own messages, the ranks'
 * answers to where they are, and what is left as their own words. Pure functions of text. */
#ifndef POOLMARK_RUN_WORDS_H
#define POOLMARK_RUN_WORDS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* By which rank a job ended. */
struct rank_end {
    int rank;
    int signal;    /* 0: by itself, */
    int status;    /* with this exit status; -1: without having finalised MPI */
    char host[64]; /* "" when mpirun does not say */
};

/* Finds what Open MPI's mpirun says of it; false when it says nothing of the kind. */
bool words_rank_end(const char *words, struct rank_end *end);

/* "rank 1 on HOST was killed by signal 9 (SIGKILL)", "rank 1 on HOST ended with exit status 3". */
void words_describe_rank_end(const struct rank_end *end, char *buffer, size_t size);

/* Makes the words one line: the last paragraph, without answers to where ranks are. mpirun puts
 * rulers of dashes around what it says, and the host's name, which is nobody's business, into it.
 * At most `most` bytes: of mpirun's messages the first words, of all else the end. */
void words_tidy(char *words, size_t most);

/* Makes the words one line of at most `most` bytes, the last ones: those that are the ranks' own,
 * without mpirun's messages, traces of Open MPI's signal handler and answers to where they are. */
void words_keep_own(char *words, size_t most);

/* Counts the ranks' answers to where they are, and joins those of ranks that are in tasks in
 * `places` (which is emptied first): "rank 1 on HOST was in tasks 5..9, 0.70 s after its start". */
size_t words_places(const char *words, struct text *places);

#endif
