/* Tasks that crash cost themselves and nothing else: the rest is done, and each has its status.
 *
 *     cc survivor.c $(pkg-config --cflags --libs procpool) -o survivor
 *     ./survivor
 */
#include <procpool.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 12 };

static int risky(struct procpool_task *task)
{
    volatile int *volatile nowhere = NULL;
    switch (task->index) {
    case 2:
    case 7:
        *nowhere = 1; /* a segmentation fault */
        break;
    case 4:
        _exit(3);
    case 9:
        return procpool_fail(task, 5, "no such row: %" PRIu64, task->index);
    default:
        break;
    }
    *(uint64_t *)task->result = 10 * task->index;
    return 0;
}

int main(void)
{
    struct procpool_error error;
    PROCPOOL_TERMINATING struct procpool *pool =
        procpool_new(&(struct procpool_options){.processes = 2}, &error);
    if (!pool) {
        fprintf(stderr, "survivor: %s\n", error.text);
        return EXIT_FAILURE;
    }

    uint64_t results[N] = {0};
    struct procpool_call call = {
        .function = risky,
        .n = N,
        .results = results,
        .result_bytes = sizeof *results,
    };
    struct procpool_job *job = procpool_map_async(pool, &call, &error);
    if (!job) {
        fprintf(stderr, "survivor: %s\n", error.text);
        return EXIT_FAILURE;
    }
    int failed = procpool_get(job, PROCPOOL_FOREVER, &error);

    for (uint64_t i = 0; i < N; i++) {
        struct procpool_status status;
        procpool_status(job, i, &status, NULL);
        printf("item %2" PRIu64 ": %s", i, procpool_state_name(status.state));
        if (status.state == PROCPOOL_DONE)
            printf(", result %" PRIu64, results[i]);
        else if (status.signal)
            printf(", %s", strsignal(status.signal));
        else if (status.exit_status)
            printf(", exit status %d", status.exit_status);
        else
            printf(", code %d: %s", status.code, status.text);
        putchar('\n');
    }
    printf("%" PRIu64 " of %d failed\n", failed ? error.n_failed : 0, N);
    procpool_job_free(job);
    return EXIT_SUCCESS;
}
