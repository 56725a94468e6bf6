/* fold.h - the best row of each image, series, study or patient. */
#ifndef KIN_ARCHIVE_FOLD_H
#define KIN_ARCHIVE_FOLD_H

#include "archive/internal.h"

/*
 * Takes hits best first, keeps the best of each group at `level` (at most k), and loads their
 * records into items (room for k); *kept is how many.  At region level every hit is its own group,
 * as is an image whose group is unknown (an empty patient id, say).  After a failure the *kept records
 * are the caller's to release.
 */
kin_status kin_fold(kin_txn *txn, const kin_hit *hits, size_t count, kin_level level, size_t k,
                    kin_result *items, size_t *kept, kin_error *err);

#endif
