/* preview.h - a frame's small picture, as it is stored. */
#ifndef KIN_ARCHIVE_PREVIEW_H
#define KIN_ARCHIVE_PREVIEW_H

#include "archive/archive.h"

/* Encodes the frame's preview into item->preview; a frame without one, or one of noise that would
 * not fit, leaves it NULL. */
kin_status kin_item_set_preview(const kin_decode_frame *frame, kin_item *item, kin_error *err);

#endif
