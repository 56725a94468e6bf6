/*
 * mask.h - which pixels of a picture belong to a lesion.
 *
 * A mask has the size of the raster it speaks of; rows from the top, pixels from the left.
 * Functions that fill a kin_mask *out leave it zeroed when they fail.
 */
#ifndef KIN_IMAGE_MASK_H
#define KIN_IMAGE_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/raster.h"

typedef struct kin_mask {
    int width, height;
    uint8_t *in; /* width * height: 1 inside, 0 outside; owned */
} kin_mask;

/* All outside; KIN_E_LIMIT for a size that is not positive or overflows. */
kin_status kin_mask_init(kin_mask *mask, int width, int height, kin_error *err);
void kin_mask_release(kin_mask *mask);

/* The smallest box around what is inside; false when nothing is. */
bool kin_mask_box(const kin_mask *mask, kin_box *out);
size_t kin_mask_area(const kin_mask *mask); /* pixels inside */

/* Marks the pixels inside box, clipped to the mask. */
void kin_mask_add_box(kin_mask *mask, kin_box box);

/*
 * Exchanges inside and outside for the pixels whose centres lie within the closed polygon of `count`
 * points (x, y pairs in pixels; the centre of the first pixel is (0.5, 0.5); the last point need
 * not repeat the first): the even-odd rule, so that a keyhole, or a second outline within the
 * first, makes a hole.  A centre on an edge belongs to the polygon on its right, or below it, so
 * polygons that share an edge share no pixel.  Nothing happens for fewer than 3 points, or when a
 * coordinate is not a number or beyond KIN_MASK_COORDINATE_MAX.
 */
enum { KIN_MASK_COORDINATE_MAX = 1 << 30 };
void kin_mask_add_polygon(kin_mask *mask, const double *xy, size_t count);

/* Squared distance, in mm^2 (pixels^2 where a spacing is 0), of every pixel's centre to the nearest
 * centre of a pixel inside (0 there; infinity when the mask is empty): the exact Euclidean transform
 * of Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions" (2012).  out has
 * width * height values. */
kin_status kin_mask_distance(const kin_mask *mask, double spacing_x_mm, double spacing_y_mm,
                             float *out, kin_error *err);

#endif
