/* Cell processes: starting them, asking for samples, ending them (docs/protocol.md).
 *
 * Steps: cell_start; cell_greet (waits for the hello); cell_ask as often as wanted; cell_stop.
 * Whatever goes wrong with a cell is told as a sample whose status is not ok, never as an error of
 * the run.
 */
#ifndef POOLMARK_RUN_CELLS_H
#define POOLMARK_RUN_CELLS_H

#include "base/child.h"
#include "record/record.h"
#include "run/plan.h"

#include <jansson.h>

struct cell {
    const struct cell_spec *spec;
    struct child child;
    struct text input; /* what was read and is not a whole line yet */
    bool started, ready;
    uint64_t open_ns;
    char runtime[256];
    struct placement_row *placements; /* [n_placements], as told by the hello */
    size_t n_placements;
    char (*hosts)[64]; /* [n_placements]: machines, "" where the cell does not say */
    uint64_t next_id;
};

/* Called about every 100 ms while the driver waits; returns true to give up. */
struct cell_wait {
    bool (*tick)(void *user);
    void *user;
};

/* Writes the launch line as an argument list (NULL-terminated, to be freed with cell_command_free).
 */
char **cell_command(const struct cell_spec *spec);
void cell_command_free(char **argv);

/* Starts the program; does not wait. */
int cell_start(struct cell *cell, const struct cell_spec *spec, struct err *err);

/* Waits for the hello. On failure the sentence holds exit status or signal and the last words;
 * *missing (may be NULL) tells that the cell says this machine lacks something. The cell is then
 * ended. */
int cell_greet(struct cell *cell, const struct cell_wait *wait, bool *missing, struct err *err);

/* Numbers of a worker in an answer: tasks, chunks, start_ns, end_ns, busy_ns, claim_ns. */
enum { WORKER_NUMBERS = 6 };

enum cell_state {
    CELL_GOES_ON,     /* may be asked again */
    CELL_ENDED,       /* it died, hung or talked nonsense, and has been ended */
    CELL_INTERRUPTED, /* tick said so; the cell has been ended, the sample is worth nothing */
};

/* Asks for one sample of the point. With `last` the cell closes its workers first and takes no
 * further request: the caller stops it. *answer gets the whole answer when it is a good one, with
 * its members `workers` (checked: one array a worker, as in docs/protocol.md, or absent), `events`
 * and `events_dropped`; a new reference, or NULL. */
enum cell_state cell_ask(struct cell *cell, const struct plan_point *point, bool trace, bool last,
                         const struct cell_wait *wait, struct sample *sample, json_t **answer);

/* Whether a worker that was asked to run on one PU was seen on another: before the first sample as
 * its hello tells (`answer` NULL), after one as the sample and the answer's `misplacements` do. If
 * so, the sentence names the first of them, the PU asked for and the one seen, and how many they
 * are.
 */
bool cell_is_misplaced(const struct cell *cell, const json_t *answer, const struct sample *sample,
                       char *sentence, size_t size);

/* Ends the cell and frees all; harmless for one that never started. */
void cell_stop(struct cell *cell);

#endif
