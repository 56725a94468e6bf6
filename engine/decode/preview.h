/* preview.h - a small picture of a frame, to be looked at. */
#ifndef KIN_DECODE_PREVIEW_H
#define KIN_DECODE_PREVIEW_H

#include "image/raster.h"

typedef struct kin_preview {
    uint8_t *samples;                 /* rows from the top, without padding; owned */
    uint32_t width, height, channels; /* 1: grey, 3: RGB */
} kin_preview;

/* Shrinks by area averaging until the longest side has at most `side` (at least 1) pixels; no axis
 * ever grows.  Pixels become square in space (see kin_raster_aspect()), as a viewer would show
 * them.  *out is zeroed on failure. */
kin_status kin_preview_make(const kin_raster *raster, uint32_t side, kin_preview *out,
                            kin_error *err);

/* A zeroed preview is fine. */
void kin_preview_release(kin_preview *preview);

#endif
