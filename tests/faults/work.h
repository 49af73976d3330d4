/* What the cells' pools do, and whether it came out right: items that count how often they are run,
 * and write an answer that can be checked. */
#ifndef POOLMARK_TESTS_FAULTS_WORK_H
#define POOLMARK_TESTS_FAULTS_WORK_H

#include "harness.h"
#include "procpool/procpool.h"
#include "stage.h"

#include <stdatomic.h>

/* The answer of an item. Long enough that a death may come in its midst. */
struct answer {
    uint64_t squares[16];
};

enum work_place {
    PLACE_NONE,    /* no item commits the fault by itself */
    PLACE_TASK,    /* item `faulty`, at once */
    PLACE_WRITING, /* when it has written half of its answer */
    PLACE_CLOSED,  /* when stage->is_closed */
};

/* The context of a call: in memory of procpool_alloc. */
struct work {
    uint64_t n;
    enum work_place place;
    uint64_t faulty;
    bool takes_pending; /* its items commit a fault that is pending */
    bool awaits_fault;  /* item 0 waits for the fault, so that others steal what is behind it */
    long item_us;       /* how long an item sleeps */
    _Atomic uint32_t ran[];
};

struct work *work_new(struct procpool *pool, uint64_t n);

/* The call that runs work_item for each of its items; results stay in shared memory. */
struct procpool_call work_call(struct work *work, enum procpool_engine engine, int64_t chunk);

int work_item(struct procpool_task *task);

/* Whether the answer is item `index`'s. */
bool answer_is_right(const struct answer *answer, uint64_t index);

/* Whether all of the job's items are done, were run once, and have answered right. */
enum cell_result work_is_done(struct procpool_job *job, const struct work *work);

/* Whether a map of squares over all workers comes out right. The code of its error where the pool
 * refuses it, PROCPOOL_OK otherwise. */
enum cell_result pool_works(struct procpool *pool, enum procpool_code *refused);

/* Whether the pool refuses a map with that code, and says why. */
enum cell_result pool_refuses(struct procpool *pool, enum procpool_code code);

#endif
