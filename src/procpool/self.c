#include "procpool/self.h"

#include <stdatomic.h>
#include <stdio.h>

/* 1 + the number of the worker; 0 elsewhere. */
static _Atomic int worker_number;
static _Atomic int workers_allowed;

void self_set_worker(int number, int nested)
{
    atomic_store(&worker_number, number + 1);
    atomic_store(&workers_allowed, nested);
}

int procpool_self(void)
{
    return atomic_load(&worker_number) - 1;
}

int self_take(int n, struct procpool_error *error)
{
    if (atomic_load(&worker_number) == 0)
        return 0;
    int allowed = atomic_load(&workers_allowed);
    do {
        if (n > allowed) {
            if (error) {
                *error = (struct procpool_error){.code = PROCPOOL_NESTED};
                snprintf(error->text, sizeof error->text,
                         "a pool of %d workers inside worker %d: option 'nested' of the pool that "
                         "it belongs to allows %d more",
                         n, procpool_self(), allowed);
            }
            return -1;
        }
    } while (!atomic_compare_exchange_weak(&workers_allowed, &allowed, allowed - n));
    return 0;
}

void self_give(int n)
{
    if (atomic_load(&worker_number) != 0)
        atomic_fetch_add(&workers_allowed, n);
}
