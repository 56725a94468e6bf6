/* heat.h - numbers of a grid laid over a picture as colours. */
#ifndef KIN_IMAGE_HEAT_H
#define KIN_IMAGE_HEAT_H

#include "image/raster.h"

/* side x side values, rows from the top, over a box of a picture, in pixels; it may lie between
 * them. */
typedef struct kin_heat {
    double x, y, width, height;
    int side;
    const float *values; /* borrowed */
    float hottest;       /* the value that is drawn hottest; above 0 */
} kin_heat;

/*
 * *out = the picture in grey and darkened, and over the box a glow from nothing (values of 0 and
 * below) by dark red and orange to yellow (heat->hottest and above).  Values stand at their cells'
 * centres, between which they are interpolated.
 */
kin_status kin_heat_draw(const kin_raster *picture, const kin_heat *heat, kin_raster *out,
                         kin_error *err);

#endif
