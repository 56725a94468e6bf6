/* view.h - what the families look at (private to engine/features and its tests). */
#ifndef KIN_FEATURES_VIEW_H
#define KIN_FEATURES_VIEW_H

#include "features/features.h"
#include "image/colour.h"

enum {
    KIN_VIEW_SIDE = 128,         /* pixels a side of `square` */
    KIN_VIEW_TEXTURE_SIDE = 256, /* pixels of the longer side of `texture`, at most */
    KIN_VIEW_COLOUR_SIDE = 128   /* pixels of the longer side of `colour`, at most */
};

/* All of the foreground's box, widened towards a square; finite and within [0, 1]. */
struct kin_view {
    kin_raster square;  /* grey, KIN_VIEW_SIDE x KIN_VIEW_SIDE: where things are */
    kin_raster texture; /* grey, in proportion, never enlarged: what surfaces look like */
    kin_raster tissue;  /* RGB, levels as stored, of texture's size; px is NULL for a grey image */
    kin_raster colour;  /* RGB, levels as stored, in proportion; px is NULL for a grey image */
    kin_raster stains;  /* of colour's pixels: kin_rgb_to_stains(), so beyond [0, 1] too */
};

/* The amounts of stain that the levels 0 to `levels` - 1 of kin_stain_level() are spread over:
 * unmixing takes noise below zero, and beyond the upper end slides are opaque. */
#define KIN_STAIN_LOW  (-0.25f)
#define KIN_STAIN_HIGH 1.75f
int kin_stain_level(float amount, int levels);

#endif
