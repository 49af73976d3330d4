/* Points: named places in protocols between processes where a test may end, stop or delay the
 * process that comes by. Nothing in what users build; tests/faults compiles the same sources with
 * SCHED_POINTS and gives its own sched_point. */
#ifndef POOLMARK_SCHED_POINT_H
#define POOLMARK_SCHED_POINT_H

#ifdef SCHED_POINTS
void sched_point(const char *name);
#define POINT(name) sched_point(name)
#else
#define POINT(name) ((void)0)
#endif

#endif
