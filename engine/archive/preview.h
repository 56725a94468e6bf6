/* preview.h - a frame's small picture, as it is stored. */
#ifndef KIN_ARCHIVE_PREVIEW_H
#define KIN_ARCHIVE_PREVIEW_H

#include "archive/archive.h"

/* Encodes the frame's preview into item->preview; a frame without one, or one of noise that would
 * not fit, leaves it NULL. */
kin_status kin_item_set_preview(const kin_decode_frame *frame, kin_item *item, kin_error *err);

/* A stored preview's bytes as a picture, which the caller releases; KIN_E_CORRUPT when they are
 * none.  name: the error's subject. */
kin_status kin_preview_decode(const void *bytes, size_t size, const char *name, kin_raster *out,
                              kin_error *err);

/* The frame's preview, which it must have, as a raster. */
kin_status kin_preview_raster(const kin_decode_frame *frame, kin_raster *out, kin_error *err);

#endif
