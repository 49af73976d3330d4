/* What the shared library shows. The sources of libprocpool are compiled with everything hidden and
 * this header before them, so that the functions of procpool.h are visible and nothing else is. */
#ifndef POOLMARK_PROCPOOL_EXPORT_H
#define POOLMARK_PROCPOOL_EXPORT_H

#pragma GCC visibility push(default)
#include "procpool/procpool.h"
#pragma GCC visibility pop

#endif
