/*
 * tissue.h - where on a slide there is tissue.
 *
 * Stained tissue is coloured, glass is not: cells are told apart by the saturation of their mean
 * colour (HSV), at Otsu's threshold (IEEE Trans SMC 9, 1979), kept within bounds, because it
 * divides a slide that is all glass, or all tissue, too.  Cells that are as good as black (what a
 * scanner fills in) are none.  On a grey slide the brightness tells, and which side of it the
 * slide's background is on: bright glass, or the dark field of fluorescence.
 *
 * Then each cell goes with the majority of the three by three around it, and parts smaller than a
 * quarter of a tile go, unless nothing else is left.
 */
#ifndef KIN_SLIDE_TISSUE_H
#define KIN_SLIDE_TISSUE_H

#include "slide/survey.h"

/* Bounds of the saturation that divides tissue from glass, and of the difference of brightness on
 * grey slides. */
#define KIN_TISSUE_SATURATION_MIN 0.06f
#define KIN_TISSUE_SATURATION_MAX 0.12f
#define KIN_TISSUE_CONTRAST_MIN   0.05f
#define KIN_TISSUE_BLACK          0.12f /* the largest channel of a cell that is no tissue */

/* Otsu's threshold of values in [0, 1] (others count as the nearer end), by a histogram of 256
 * bins: values above it are of the upper class.  0 when all are in one bin, or count is 0. */
float kin_otsu(const float *values, size_t count);

/* *out = one byte for each cell of the survey, row by row: 1 tissue, 0 none; from malloc. */
kin_status kin_tissue_find(const kin_survey *survey, uint8_t **out, kin_error *err);

#endif
