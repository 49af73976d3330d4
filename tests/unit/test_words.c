/* What mpirun and ranks leave on standard error, as it was seen. */
#include "run/words.h"
#include "unit.h"

#include <string.h>

#define RULER "--------------------------------------------------------------------------\n"

static const char signalled[] =
    "[node07:19765] *** Process received signal ***\n"
    "[node07:19765] Signal: Aborted (6)\n"
    "out of paper\n"
    "in drawer 2\n" RULER "Primary job  terminated normally, but 1 process returned\n"
    "a non-zero exit code. Per user-direction, the job has been aborted.\n" RULER RULER
    "mpirun noticed that process rank 12 with PID 0 on node node07 exited on signal 6 "
    "(Aborted).\n" RULER;

static const char exited[] =
    RULER "mpirun detected that one or more processes exited with non-zero status, thus causing\n"
          "the job to be terminated. The first process to do so was:\n\n"
          "  Process name: [[8671,1],3]\n"
          "  Exit code:    7\n" RULER;

static const char unfinalised[] =
    RULER "mpirun has exited due to process rank 1 with PID 0 on\n"
          "node node07 exiting improperly. There are three reasons this could occur:\n" RULER;

static const char no_slots[] =
    RULER "There are not enough slots available in the system to satisfy the 9\n"
          "slots that were requested by the application:\n\n  ./cell\n\n"
          "Either request fewer slots for your application, or make more slots\n"
          "available for use.\n\n"
          "A \"slot\" is the Open MPI term for an allocatable unit\n" RULER;

static const char answers[] =
    "mpirun: Forwarding signal 10 to job\n"
    "poolmark-cell-mpi: rank 2 on b was in tasks 8..9 and 12..12, 0.70 s after its start\n"
    "poolmark-cell-mpi: rank 0 on a was in no task\n"
    "poolmark-cell-mpi: rank 1 on a was in tasks 5..7, 0.70 s after its start\n";

static void check_end(const char *words, int rank, const char *sentence)
{
    struct rank_end end;
    char buffer[160];
    ck_assert(words_rank_end(words, &end));
    ck_assert_int_eq(end.rank, rank);
    words_describe_rank_end(&end, buffer, sizeof buffer);
    ck_assert_str_eq(buffer, sentence);
}

START_TEST(finds_the_rank)
{
    struct rank_end end;
    check_end(signalled, 12, "rank 12 on node07 was killed by signal 6 (SIGABRT)");
    check_end(exited, 3, "rank 3 ended with exit status 7");
    check_end(unfinalised, 1, "rank 1 on node07 ended without finalising MPI");
    ck_assert(!words_rank_end(no_slots, &end));
    ck_assert(!words_rank_end("", &end));
    ck_assert(!words_rank_end("process rank of the third kind", &end));
}
END_TEST

START_TEST(keeps_own_words)
{
    char words[2048];
    strcpy(words, signalled);
    words_keep_own(words, 100);
    ck_assert_str_eq(words, "out of paper in drawer 2");
    strcpy(words, signalled);
    words_keep_own(words, 8);
    ck_assert_str_eq(words, "drawer 2");
    strcpy(words, answers);
    words_keep_own(words, 100);
    ck_assert_str_eq(words, "");
    strcpy(words, "caf\xc3\xa9");
    words_keep_own(words, 1); /* half a character is none */
    ck_assert_str_eq(words, "");
}
END_TEST

START_TEST(tidies)
{
    char words[2048];
    strcpy(words, no_slots);
    words_tidy(words, 400);
    ck_assert_str_eq(words, "There are not enough slots available in the system to satisfy the 9 "
                            "slots that were requested by the application: ./cell Either request "
                            "fewer slots for your...");
    strcpy(words, RULER "No slots.\nTry again.\nOr not at all\n" RULER);
    words_tidy(words, 23);
    ck_assert_str_eq(words, "No slots. Try again.");
    strcpy(words, no_slots);
    words_tidy(words, 30); /* no sentence is as short */
    ck_assert_str_eq(words, "There are not enough slots...");
    strcpy(words, "out of paper\nin drawer 2\n");
    words_tidy(words, 8);
    ck_assert_str_eq(words, "drawer 2");
    strcpy(words, signalled);
    words_tidy(words, 400);
    ck_assert_str_eq(words, "mpirun noticed that process rank 12 with PID 0 exited on signal 6 "
                            "(Aborted).");
    strcpy(words, answers);
    words_tidy(words, 400);
    ck_assert_str_eq(words, "");
}
END_TEST

START_TEST(reads_places)
{
    struct text places = TEXT_INIT;
    ck_assert_uint_eq(words_places(answers, &places), 3);
    ck_assert_str_eq(places.text, "rank 2 on b was in tasks 8..9 and 12..12, 0.70 s after its "
                                  "start; rank 1 on a was in tasks 5..7, 0.70 s after its start");
    struct text many = TEXT_INIT;
    for (int rank = 0; rank < 5; rank++)
        text_addf(&many, "poolmark-cell-mpi: rank %d on a was in tasks 1..1, 1 s\n", rank);
    ck_assert_uint_eq(words_places(many.text, &places), 5);
    ck_assert(strstr(places.text, "rank 2 on a") && !strstr(places.text, "rank 3 on a"));
    ck_assert(strstr(places.text, "; and 2 ranks more"));
    ck_assert_uint_eq(words_places("rank 1 was in tasks\n", &places), 0);
    ck_assert_uint_eq(places.length, 0);
    text_release(&many);
    text_release(&places);
}
END_TEST

UNIT_MAIN("words", finds_the_rank, keeps_own_words, tidies, reads_places)
