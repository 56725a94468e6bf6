/* normalise.h - intensities that do not depend on a scanner's gain and offset. */
#ifndef KIN_IMAGE_NORMALISE_H
#define KIN_IMAGE_NORMALISE_H

#include "image/raster.h"

/*
 * The values at fractions low and high (0 to 1) of a grey raster's sorted pixels, from a histogram
 * of KIN_PERCENTILE_BINS bins over [0, 1]: each is the centre of its bin.  Values outside [0, 1]
 * and NaN count as the nearer end (NaN as 0).
 */
enum { KIN_PERCENTILE_BINS = 1024 };
void kin_percentiles(const kin_raster *grey, double low, double high, float *low_value,
                     float *high_value);

/*
 * Stretches a grey raster in place so that its 1st percentile becomes 0 and its 99th 1, and clamps
 * to [0, 1] (after Nyul and Udupa, 1999, with two landmarks).  A range below KIN_FLAT_RANGE is
 * noise and is not blown up: such an image becomes the constant 0.5.  The result is finite.
 */
#define KIN_FLAT_RANGE 0.004f
void kin_normalise(kin_raster *grey);

/* The two halves of kin_normalise(), for a picture of which a part is stretched as the whole is:
 * the percentiles of a grey raster, and stretching one in place so that `low` becomes 0 and `high`
 * 1. */
void kin_normalise_levels(const kin_raster *grey, float *low, float *high);
void kin_normalise_between(kin_raster *grey, float low, float high);

#endif
