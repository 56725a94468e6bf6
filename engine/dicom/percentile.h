/* percentile.h - the range of values to show where a file does not state one. */
#ifndef KIN_DICOM_PERCENTILE_H
#define KIN_DICOM_PERCENTILE_H

#include "dicom/modality.h"

/*
 * The 0.5th and the 99.5th percentile of a frame's `values` (those of the rank rounded down, of n
 * values counted from 0 to n - 1), without the ones that `mask` marks (may be NULL); 0 and 0 where
 * nothing is left.  `samples` are what the values were made from by `modality`.
 */
kin_status kin_dicom_percentiles(const kin_samples *samples, const kin_modality *modality,
                                 const float *values, const uint8_t *mask, float *low, float *high,
                                 kin_error *err);

#endif
