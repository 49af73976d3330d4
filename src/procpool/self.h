/* What a process knows of itself: whether it is a worker of some pool, and what that allows. The
 * one thing of the library that belongs to a process and not to a pool. */
#ifndef PROCPOOL_SELF_H
#define PROCPOOL_SELF_H

#include "procpool/procpool.h"

/* This process, from now on, is worker `number` and may have pools with `nested` workers in all. */
void self_set_worker(int number, int nested);

/* Takes n workers out of what is allowed here; -1 with PROCPOOL_NESTED when that is not enough. */
int self_take(int n, struct procpool_error *error);
void self_give(int n);

#endif
