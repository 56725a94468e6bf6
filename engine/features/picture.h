/* picture.h - what is described: a picture, and what more is known of it than how it looks. */
#ifndef KIN_FEATURES_PICTURE_H
#define KIN_FEATURES_PICTURE_H

#include "image/raster.h"

/* A part of an image that is to be looked at as it is, without a search for its foreground, in the
 * levels of the whole: a lesion brighter than its surroundings stays so. */
typedef struct kin_view_focus {
    kin_box box;     /* within the raster; widened towards a square where there is room */
    float low, high; /* luminances that become black and white: kin_view_levels() of the whole */
} kin_view_focus;

typedef struct kin_picture {
    const kin_raster *display;
    const kin_raster *hounsfield; /* the same pixels of a CT in Hounsfield units, grey, or NULL */
    const kin_view_focus *focus;  /* NULL: the whole */
} kin_picture;

#endif
