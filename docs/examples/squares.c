/* The squares of many numbers, computed by a pool of worker processes: procpool_map.
 *
 *     cc squares.c $(pkg-config --cflags --libs procpool) -o squares
 *     ./squares 100000
 */
#include <procpool.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs in a worker, once for each item. */
static int square(struct procpool_task *task)
{
    const uint32_t *number = task->argument;
    uint64_t *result = task->result;
    *result = (uint64_t)*number * *number;
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    struct procpool_error error;

    /* Ended and freed at the end of the block, however that is left. */
    PROCPOOL_TERMINATING struct procpool *pool = procpool_new(NULL, &error);
    if (!pool) {
        fprintf(stderr, "squares: %s\n", error.text);
        return EXIT_FAILURE;
    }

    /* What procpool_alloc returns is seen by parent and workers alike, so nothing is copied. */
    uint32_t *numbers = procpool_alloc(pool, n * sizeof *numbers, &error);
    uint64_t *squares = numbers ? procpool_alloc(pool, n * sizeof *squares, &error) : NULL;
    if (!squares) {
        fprintf(stderr, "squares: %s\n", error.text);
        return EXIT_FAILURE;
    }
    for (uint64_t i = 0; i < n; i++)
        numbers[i] = (uint32_t)i;

    struct procpool_call call = {
        .function = square,
        .n = n,
        .arguments = numbers,
        .argument_bytes = sizeof *numbers,
        .results = squares,
        .result_bytes = sizeof *squares,
    };
    if (procpool_map(pool, &call, &error)) {
        fprintf(stderr, "squares: %s\n", error.text);
        return EXIT_FAILURE;
    }

    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum += squares[i];
    printf("%" PRIu64 " squares, sum %" PRIu64 "\n", n, sum);
    return EXIT_SUCCESS;
}
