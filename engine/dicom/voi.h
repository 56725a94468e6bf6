/* voi.h - values to display grey: VOI LUT, windows (PS3.3 C.11.2), and a default range. */
#ifndef KIN_DICOM_VOI_H
#define KIN_DICOM_VOI_H

#include "dicom/lut.h"
#include "dicom/module.h"

typedef enum kin_voi_kind {
    KIN_VOI_NONE, /* the file states neither table nor window */
    KIN_VOI_LUT,
    KIN_VOI_LINEAR,       /* C.11.2.1.2.1 */
    KIN_VOI_LINEAR_EXACT, /* C.11.2.1.3.2 */
    KIN_VOI_SIGMOID       /* C.11.2.1.3.1 */
} kin_voi_kind;

typedef struct kin_voi {
    kin_voi_kind kind;
    double center, width;
    kin_lut lut;
} kin_voi;

/* The VOI transformation of a frame: its table, else its first window, else none.  A window whose
 * width is not allowed (below 1 for LINEAR, not above 0 for the others) counts as absent. */
void kin_dicom_voi_load(const kin_dicom *dicom, int frame, bool values_signed, kin_voi *out);
void kin_dicom_voi_release(kin_voi *voi);

/* Turns `count` values in place into grey from 0 to 1; kind must not be KIN_VOI_NONE. */
void kin_dicom_voi_apply(const kin_voi *voi, float *values, size_t count);

#endif
