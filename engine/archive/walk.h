/*
 * walk.h - the files under a list of paths, one at a time, in name order.
 *
 * Symbolic links are followed; a folder that leads back to itself is reported, not entered. Several
 * threads may ask: each file is handed out once.
 */
#ifndef KIN_ARCHIVE_WALK_H
#define KIN_ARCHIVE_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct kin_walk kin_walk;

/* except: a folder that is passed over wherever the walk meets it (the archive that is written to: to
 * open and close LMDB's lock file once more would let its locks go), or NULL. */
kin_status kin_walk_new(const char *const *paths, size_t count, const char *except, kin_walk **out,
                        kin_error *err);
void kin_walk_free(kin_walk *walk);

/* The next file, absolute with links resolved, into path.  false at the end.  *status is not KIN_OK
 * when this entry cannot be ingested (unreadable folder, loop, broken link), with *err saying why.
 */
bool kin_walk_next(kin_walk *walk, char path[PATH_MAX], kin_status *status, kin_error *err);

/* Entries handed out so far, and whether the walk has ended. */
uint64_t kin_walk_found(kin_walk *walk, bool *ended);

#endif
