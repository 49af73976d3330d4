/* A progress line while results come in, in whatever order they are ready: procpool_imap_unordered.
 *
 *     cc progress.c $(pkg-config --cflags --libs procpool) -o progress
 *     ./progress
 */
#include <procpool.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_FILES = 60 };

/* Stands for work whose length is not known beforehand: reading a file, asking a server. */
static int visit(struct procpool_task *task)
{
    struct timespec nap = {0, (long)(1 + procpool_random(task, 0) % 20) * 1000000};
    nanosleep(&nap, NULL);
    *(int *)task->result = (int)task->index + 1;
    return 0;
}

int main(void)
{
    struct procpool_error error;
    PROCPOOL_TERMINATING struct procpool *pool =
        procpool_new(&(struct procpool_options){.processes = 8}, &error);
    if (!pool) {
        fprintf(stderr, "progress: %s\n", error.text);
        return EXIT_FAILURE;
    }
    struct procpool_iterator *results = procpool_imap_unordered(
        pool, &(struct procpool_call){.function = visit, .n = N_FILES, .result_bytes = sizeof(int)},
        &error);
    if (!results) {
        fprintf(stderr, "progress: %s\n", error.text);
        return EXIT_FAILURE;
    }

    int seen = 0, failed = 0, lines = 0;
    for (;;) {
        /* Comes back after 100 ms without a result too, to show that the program is alive. */
        struct procpool_item item;
        int64_t patience_ns = 100000000;
        bool done = procpool_next(results, patience_ns, &item, &error) == 0;
        if (done)
            lines += *(const int *)item.result;
        else if (error.code == PROCPOOL_ITEMS)
            failed++; /* this one alone: the iterator goes on */
        else if (error.code != PROCPOOL_TIMEOUT)
            break;
        if (done || error.code == PROCPOOL_ITEMS)
            seen++;
        fprintf(stderr, "\r%d of %d, %d failed ", seen, N_FILES, failed);
    }
    fputc('\n', stderr);
    procpool_iterator_free(results);
    if (error.code != PROCPOOL_END) {
        fprintf(stderr, "progress: %s\n", error.text);
        return EXIT_FAILURE;
    }
    printf("%d files, %d lines, %d failed\n", seen, lines, failed);
    return EXIT_SUCCESS;
}
