/*
 * occlude.h - what each place of a picture adds to its descriptor: how it reads with one place
 * after another hidden.
 *
 * Whatever made the descriptor, classic families or a network, and whatever model embeds it, the
 * fall of a similarity when a place is hidden tells what the place had to do with it (occlusion
 * sensitivity: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV
 * 2014).  A place is hidden by what it looks like from far off (the picture reduced to few pixels
 * and enlarged again), faded in and out: a grey square would have edges of its own, and be
 * striking on black (Fong and Vedaldi, "Interpretable explanations of black boxes by meaningful
 * perturbation", ICCV 2017).
 */
#ifndef KIN_FEATURES_OCCLUDE_H
#define KIN_FEATURES_OCCLUDE_H

#include "features/features.h"
#include "image/mask.h"

enum { KIN_OCCLUDE_SIDE_MAX = 16 };

/* Receives the descriptor of the picture with a cell hidden: cell = row * side + column.  A failure
 * ends the work and is returned. */
typedef kin_status kin_occluded_fn(void *ctx, int cell, const float *descriptor, kin_error *err);

/*
 * Describes raster, or where mask is not NULL the region that it marks (parts.h, default weights),
 * once with every cell hidden of a grid of side x side cells (2 to KIN_OCCLUDE_SIDE_MAX) over *box:
 * the foreground, or the lesion with as much again around it, in pixels of the raster.  What the
 * picture shows and in which levels is settled before anything is hidden.  KIN_E_ARG as
 * kin_describe_region().
 */
kin_status kin_describe_occluded(const kin_extractor *extractor, const kin_raster *raster,
                                 const kin_mask *mask, int side, kin_box *box, kin_occluded_fn *fn,
                                 void *ctx, kin_error *err);

#endif
