/* sweep.h - files of models and generations that no catalog names any more. */
#ifndef KIN_ARCHIVE_SWEEP_H
#define KIN_ARCHIVE_SWEEP_H

#include "archive/internal.h"

/*
 * Removes what lies under models/, vectors/, descriptors/ and generations/ and is named by the catalog neither as
 * serving nor, when keep_previous, as the one before: leavings of a reindex that was killed, and
 * what is two steps old.  The one before stays after a swap for readers that began with it; it goes
 * before the next build, whose files might bear its name (the same images teach the same model).
 * The caller holds the reindex lock.
 */
kin_status kin_archive_sweep(kin_archive *archive, bool keep_previous, kin_error *err);

#endif
