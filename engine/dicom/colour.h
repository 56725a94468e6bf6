/* colour.h - YCbCr to RGB as DICOM defines it (PS3.3 C.7.6.3.1.2). */
#ifndef KIN_DICOM_COLOUR_H
#define KIN_DICOM_COLOUR_H

#include "dicom/module.h"

/*
 * Samples of three channels to RGB in [0, 1].  YBR_FULL and YBR_FULL_422 (and YBR_ICT, where a
 * codec has not undone it) use the full range: R = Y + 1.402 (Cr - half), G = Y - 0.344136 (Cb -
 * half) - 0.714136 (Cr - half), B = Y + 1.772 (Cb - half), with half = 2^(bits - 1); YBR_PARTIAL
 * the range of ITU-R BT.601: Y from 16 to 235, Cb and Cr from 16 to 240 (for 8 bits).
 */
void kin_dicom_colour_apply(const kin_samples *samples, kin_photometric photometric, int bits,
                            float *out);

#endif
