/* The request loop of a cell: one request in, one sample out (docs/protocol.md). In the root. */
#ifndef POOLMARK_CELL_SAMPLER_H
#define POOLMARK_CELL_SAMPLER_H

#include "cell/calibrate.h"
#include "cell/noise.h"

#include <jansson.h>
#include <stdio.h>

/* How a cell ends. */
enum { CELL_DONE = 0, CELL_USAGE = 2, CELL_UNAVAILABLE = 3, CELL_DIED = 4 };

enum { PROTOCOL = 1 };

/*   1. Fill backend, team, workers, topo and out; zero the rest.
 *   2. sampler_warm(), before the hello.
 *   3. sampler_serve(), until the input ends, the driver quits, or the team is lost.
 *   4. sampler_release(), which closes the team if that has not been done. */
struct sampler {
    const struct backend *backend;
    struct team *team; /* owned from the start; NULL once closed */
    uint32_t workers;
    const struct topo *topo; /* NULL: how many CPUs are usable is unknown */
    FILE *out;               /* of answers */
    struct work_shelf works; /* opened in this process */
    struct calibration known;
    struct noise *noise; /* owned; made for the first sample */
    uint64_t last_wall_ns;
    int root_pu; /* where the root was before the map */
};

/* Runs a list of null tasks once, so that no sample pays for what happens but once. */
int sampler_warm(struct sampler *sampler, struct err *err);

/* Answers the requests read from `in`; returns how the cell ends. */
int sampler_serve(struct sampler *sampler, FILE *in);

void sampler_release(struct sampler *sampler);

/* Writes one object as a line and flushes it. Takes the reference. */
void sampler_write(FILE *out, json_t *object);

/* A JSON string of a text that may repeat bytes which are not UTF-8: those become "?". */
json_t *sampler_sentence(const char *text);

#endif
