/*
 * foreground.h - where in an image the body is.
 *
 * Radiological images lie on an empty background (air, collimated borders, a scanner's black
 * frame), slides on white glass.  The frame of pixels along the image's edge tells: where most of
 * it has one level, that level is background, and what differs from it, less specks, is the
 * foreground.  A patch of tissue that fills its frame has no such level and is kept whole.
 */
#ifndef KIN_IMAGE_FOREGROUND_H
#define KIN_IMAGE_FOREGROUND_H

#include "image/raster.h"

/*
 * *box = the box around the foreground of a raster (judged by its luminance): the largest connected
 * part and every other part at least a tenth as large (letters and markers are smaller), with a
 * small margin.  The whole image where no background is found, or where the foreground would be
 * next to nothing.
 */
kin_status kin_foreground_box(const kin_raster *raster, kin_box *box, kin_error *err);

/*
 * The box widened about its centre towards a square, as far as an image of width x height pixels
 * has room: what is made of it then keeps its proportions wherever it can.  aspect is the width of
 * a pixel over its height.
 */
kin_box kin_box_towards_square(kin_box box, int width, int height, double aspect);

#endif
