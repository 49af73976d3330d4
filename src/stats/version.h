/* The library below stats, for records of what estimates were made with. */
#ifndef POOLMARK_STATS_VERSION_H
#define POOLMARK_STATS_VERSION_H

const char *stats_library_version(void); /* of GSL: "2.7.1" */

#endif
