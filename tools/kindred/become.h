/* become.h - going on as another of Kindred's programs. */
#ifndef KINDRED_BECOME_H
#define KINDRED_BECOME_H

/*
 * Replaces this program by the one that is found first: beside it under one of the `beside` paths
 * (relative to its own folder, ended by NULL), or at `installed`.  Returns only when none could be
 * run, with errno set: ENOENT when there is none.
 */
void kin_become(const char *const *beside, const char *installed, char **argv);

#endif
