/* modality.h - stored values to values with a meaning (PS3.3 C.11.1). */
#ifndef KIN_DICOM_MODALITY_H
#define KIN_DICOM_MODALITY_H

#include "dicom/lut.h"
#include "dicom/module.h"

/* The modality transformation of one frame. */
typedef struct kin_modality {
    double slope, intercept; /* value = stored * slope + intercept */
    bool rescaled;           /* the file states them */
    bool has_lut;            /* then the table is used instead */
    kin_lut lut;
} kin_modality;

/* From the frame's functional groups, or the data set; identity where nothing is said. */
void kin_dicom_modality_load(const kin_dicom *dicom, int frame, kin_modality *out);
void kin_dicom_modality_release(kin_modality *modality);

/* Applies it to all samples of a monochrome frame. */
void kin_dicom_modality_apply(const kin_modality *modality, const kin_samples *samples, float *out);

/* True when the values are Hounsfield units. */
bool kin_dicom_is_hounsfield(const kin_dicom *dicom, const kin_modality *modality);

/* True when values may be below zero. */
bool kin_dicom_modality_may_be_negative(const kin_modality *modality, const kin_dicom *dicom);

#endif
