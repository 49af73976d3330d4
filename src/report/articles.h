/* What the articles claim beside what was measured: a row a claim and point. */
#ifndef POOLMARK_REPORT_ARTICLES_H
#define POOLMARK_REPORT_ARTICLES_H

#include "record/claim.h"
#include "report/summary.h"

#define ARTICLE_FIELDS(F)                                                                          \
    F(text, row, "", "the claim, and what tells its rows apart: S29 c4")                           \
    F(text, claim, "", "identifier of the claim")                                                  \
    F(text, experiment, "", "section of the configuration")                                        \
    F(text, title, "", "what the experiment asks")                                                 \
    F(text, metric, "", "time, speedup, sum, chunks or share (tasks of the busiest worker)")       \
    F(text, unit, "", "s for times, else empty")                                                   \
    F(text, backend, "", "who ran it")                                                             \
    F(text, schedule, "", "rule that set the chunk sizes")                                         \
    F(count, chunk, "tasks", "chunk size")                                                         \
    F(flag, chunk_auto, "", "1 when the chunk size follows from the rule")                         \
    F(count, workers, "", "workers that compute")                                                  \
    F(count, ranks, "", "MPI ranks, 1 without MPI")                                                \
    F(count, threads, "", "threads of a rank or process")                                          \
    F(real, claimed, "", "as the article has it; times scaled like the experiment")                \
    F(real, bound, "", "what theory allows on this machine")                                       \
    F(real, measured, "", "median")                                                                \
    F(real, low, "", "lower end of the 95 % interval")                                             \
    F(real, high, "", "upper end of the 95 % interval")                                            \
    F(text, verdict, "",                                                                           \
      "holds, faster, slower, higher, lower, exact, wrong, differs, too few CPUs, "                \
      "not measured")                                                                              \
    F(text, source, "", "article and lines")

struct article_row {
    ARTICLE_FIELDS(RECORD_MEMBER)
};

extern const struct field article_fields[];

/* The claims of one experiment. */
struct article_claims {
    const char *experiment, *title, *source;
    const struct claim *claims;
    size_t n;
};

/* Makes the rows; a claim of a measured experiment that fits none of its points has one, without a
 * backend. *rows is to be freed with free(). */
size_t articles_make(const struct summary *summary, const struct article_claims *experiments,
                     size_t n, struct article_row **rows);

void articles_write_csv(const struct article_row *rows, size_t n, FILE *to);
void articles_write_text(const struct article_row *rows, size_t n, FILE *to, bool color);

#endif
