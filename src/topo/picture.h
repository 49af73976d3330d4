/* A small picture of a machine, for people: packages, the caches that cores share, cores and their
 * PUs, with those that may not be used marked. */
#ifndef POOLMARK_TOPO_PICTURE_H
#define POOLMARK_TOPO_PICTURE_H

#include "base/text.h"
#include "topo/topo.h"

struct topo_picture {
    int columns; /* at least 40 */
    bool utf8;   /* boxes of box-drawing characters, else of + - | */
};

/* Appends the picture, lines that end in a newline. Up to 64 cores are drawn one by one; the rows
 * of larger machines tell ranges. No line is wider than `columns` unless a list of ranges is. */
void topo_draw(const struct topo *topo, const struct topo_picture *picture, struct text *out);

#endif
