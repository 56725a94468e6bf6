#include "dicom/modality.h"

#include <stdlib.h>
#include <string.h>

enum {
    TAG_VALUE_TRANSFORMATION = 0x00289145,
    TAG_INTERCEPT = 0x00281052,
    TAG_SLOPE = 0x00281053,
    TAG_MODALITY_LUT = 0x00283000,
    TAG_LUT_DESCRIPTOR = 0x00283002,
    TAG_LUT_DATA = 0x00283006
};

void kin_dicom_modality_load(const kin_dicom *dicom, int frame, kin_modality *out)
{
    memset(out, 0, sizeof *out);
    out->slope = 1;
    kin_item *lut = kin_dicom_item_at(dicom->root, TAG_MODALITY_LUT, 0);
    out->has_lut = lut != NULL && kin_dicom_lut_load(lut, TAG_LUT_DESCRIPTOR, TAG_LUT_DATA,
                                                     dicom->header.is_signed, &out->lut);
    kin_item *item = kin_dicom_frame_group(dicom, frame, TAG_VALUE_TRANSFORMATION);
    if (item == NULL)
        item = dicom->root;
    double slope, intercept;
    /* A slope of 0 would leave nothing of the image: it counts as not stated. */
    if (kin_dicom_item_number(item, TAG_SLOPE, 0, &slope) && slope != 0 &&
        kin_dicom_item_number(item, TAG_INTERCEPT, 0, &intercept)) {
        out->slope = slope;
        out->intercept = intercept;
        out->rescaled = true;
    }
}

void kin_dicom_modality_release(kin_modality *modality)
{
    kin_dicom_lut_release(&modality->lut);
}

bool kin_dicom_modality_may_be_negative(const kin_modality *modality, const kin_dicom *dicom)
{
    if (modality->has_lut)
        return false;
    return dicom->header.is_signed || modality->intercept < 0 || modality->slope < 0;
}

/* One loop per type: value = table[stored] or stored * slope + intercept, computed in double. */
#define APPLY(type)                                                                                \
    do {                                                                                           \
        const type *stored = samples->data;                                                        \
        if (m->has_lut)                                                                            \
            for (size_t i = 0; i < count; i++)                                                     \
                out[i] = (float)kin_lut_at(&m->lut, (long)stored[i]);                              \
        else                                                                                       \
            for (size_t i = 0; i < count; i++)                                                     \
                out[i] = (float)((double)stored[i] * m->slope + m->intercept);                     \
    } while (0)

/* Floating-point pixels have no modality LUT (PS3.3 C.7.6.24). */
#define APPLY_RESCALE(type)                                                                        \
    do {                                                                                           \
        const type *stored = samples->data;                                                        \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = (float)((double)stored[i] * m->slope + m->intercept);                         \
    } while (0)

void kin_dicom_modality_apply(const kin_modality *m, const kin_samples *samples, float *out)
{
    size_t count = kin_samples_count(samples);
    switch (samples->type) {
    case KIN_SAMPLE_U8:
        APPLY(uint8_t);
        break;
    case KIN_SAMPLE_S8:
        APPLY(int8_t);
        break;
    case KIN_SAMPLE_U16:
        APPLY(uint16_t);
        break;
    case KIN_SAMPLE_S16:
        APPLY(int16_t);
        break;
    case KIN_SAMPLE_U32:
        APPLY(uint32_t);
        break;
    case KIN_SAMPLE_S32:
        APPLY(int32_t);
        break;
    case KIN_SAMPLE_F32:
        APPLY_RESCALE(float);
        break;
    case KIN_SAMPLE_F64:
        APPLY_RESCALE(double);
        break;
    }
}

kin_status kin_dicom_read_values(kin_dicom *dicom, int frame, float *out, kin_error *err)
{
    kin_samples samples;
    kin_modality modality;
    if (dicom->header.kind != KIN_DICOM_NO_PIXELS && !kin_is_monochrome(dicom))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "%s pixels have no modality values",
                        dicom->header.photometric_interpretation);
    kin_status status = kin_dicom_read_samples(dicom, frame, &samples, err);
    if (status != KIN_OK)
        return status;
    kin_dicom_modality_load(dicom, frame, &modality);
    kin_dicom_modality_apply(&modality, &samples, out);
    kin_dicom_modality_release(&modality);
    free(samples.data);
    return KIN_OK;
}
