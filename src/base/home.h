/* Paths without the name of a user, for files that travel: the home directory at the beginning of a
 * path stands as "~", and the login name as a component of a path likewise, "/data/~/cells". Text
 * around paths stays as it is. What was hidden is found again on the same machine by home_show. */
#ifndef POOLMARK_BASE_HOME_H
#define POOLMARK_BASE_HOME_H

#include "base/text.h"

/* Appends the text with all its paths hidden: of whoever this process is, by HOME, USER, LOGNAME
 * and its user ids, and whoever asked for it by sudo or doas. "root" names nobody and stays. */
void home_hide(struct text *to, const char *text);

/* The same in place; what does not fit into `size` bytes is cut off. */
void home_hide_in(char *text, size_t size);

/* Appends the path, or each path of a command's words, as it was: "~/cell" below the home directory
 * of who asks, and a component "~" as its login name (of whoever is behind sudo, for root). */
void home_show(struct text *to, const char *text);

#endif
