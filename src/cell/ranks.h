/* What the backends "mpi" and "hybrid" share: a team whose workers live in MPI ranks. The backends
 * differ in one thing alone, how a rank sets its own threads to work (ranks_each).
 *
 * Ranks other than the root take orders: each waits for a message of the root, carries it out and
 * waits again, so that a failure in one rank is an answer to the root and never leaves the others
 * inside a call that nobody joins.
 */
#ifndef POOLMARK_CELL_RANKS_H
#define POOLMARK_CELL_RANKS_H

#include "cell/backend.h"

/* Calls shift(team, t) once for every t below `threads`, each in the thread that is to be worker t
 * of this rank, and returns how many threads took part. Fewer threads than asked still do all the
 * shifts; the caller makes an error of it. */
typedef uint32_t ranks_each(uint32_t threads, void (*shift)(struct team *team, uint32_t thread),
                            struct team *team);

/* What makes a backend of ranks. */
struct ranks_kind {
    ranks_each *each;
    uint32_t most_threads; /* of a rank; 0: any number */
    const char *runtime;   /* what it uses beside MPI, ", name"; copied */
};

/* The hooks of struct backend; all but ranks_open can be put into it as they are. MPI is
 * initialised by ranks_open and finalised by ranks_close: one team in the life of a process. Where
 * it fails in any rank, the root has the sentence and the other ranks a team that ranks_serve
 * leaves at once. */
int ranks_open(struct team **team, const struct launch *launch, const struct ranks_kind *kind,
               struct err *err);
bool ranks_is_root(const struct team *team);
int ranks_serve(struct team *team, struct err *err);
const struct placement *ranks_placements(struct team *team);
const char *ranks_runtime(const struct team *team); /* which MPI library, and that of ranks_kind */
int ranks_prepare(struct team *team, const struct job *job, struct err *err);
int ranks_map(struct team *team, const struct job *job, struct err *err);
int ranks_collect(struct team *team, const struct job *job, struct outcome *outcome,
                  struct err *err);
int ranks_sender(struct team *team, uint64_t index);
void ranks_close(struct team *team);

#endif
