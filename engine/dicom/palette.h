/* palette.h - PALETTE COLOR pixels to RGB (PS3.3 C.7.6.3.1.5 and .6, segmented data C.7.9.2). */
#ifndef KIN_DICOM_PALETTE_H
#define KIN_DICOM_PALETTE_H

#include "dicom/lut.h"
#include "dicom/module.h"

typedef struct kin_palette {
    kin_lut channel[3]; /* red, green, blue */
} kin_palette;

/* KIN_E_FORMAT where a table is missing or broken. */
kin_status kin_dicom_palette_load(const kin_dicom *dicom, kin_palette *out, kin_error *err);
void kin_dicom_palette_release(kin_palette *palette);

/* Samples of one channel to count * 3 values in [0, 1]. */
void kin_dicom_palette_apply(const kin_palette *palette, const kin_samples *samples, float *out);

/* Expands segmented table data, one unit of `unit_bytes` bytes (1 or 2) in each of `units`, to
 * exactly `count` entries; false where they give fewer, or refer to what is not there. */
bool kin_dicom_palette_expand(const uint16_t *units, size_t unit_count, size_t unit_bytes,
                              uint16_t *entries, size_t count);

#endif
