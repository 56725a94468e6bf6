/* spatial.h - how alike intensities are that lie near each other. */
#ifndef KIN_RADIOMICS_SPATIAL_H
#define KIN_RADIOMICS_SPATIAL_H

#include "radiomics/roi.h"

/* Moran's I (N365) and Geary's C (NPT7), every pair of voxels weighted by the inverse of its
 * distance; NaN for more than KIN_RADIOMICS_SPATIAL_MAX voxels, for fewer than two, and where all
 * are the same. */
kin_status kin_spatial_measure(const kin_roi *roi, double mean, double *moran, double *geary,
                               kin_error *err);

#endif
