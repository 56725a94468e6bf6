/* learn_work.h - supervised learning as a reindex needs it. */
#ifndef KIN_ARCHIVE_LEARN_WORK_H
#define KIN_ARCHIVE_LEARN_WORK_H

#include "archive/reindex_work.h"

/* Learns the serving metric anew, from the live images, by the method and the label that it was learnt
 * by, without a validation.  Where labels no longer suffice it stays, and the report says that it is
 * due. */
kin_status kin_learn_again(kin_reindex *re, kin_error *err);

#endif
