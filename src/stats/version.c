/* The library below stats: see version.h. */
#include "stats/version.h"

#include <gsl/gsl_version.h>

const char *stats_library_version(void)
{
    return gsl_version;
}
