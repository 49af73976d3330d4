/* The version, in one place; the Makefile reads it from here too. */
#ifndef POOLMARK_BASE_VERSION_H
#define POOLMARK_BASE_VERSION_H

#define POOLMARK_VERSION "0.1.0"

#endif
