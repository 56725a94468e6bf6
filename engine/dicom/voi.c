#include "dicom/voi.h"

#include <math.h>
#include <string.h>

enum {
    TAG_FRAME_VOI = 0x00289132,
    TAG_CENTER = 0x00281050,
    TAG_WIDTH = 0x00281051,
    TAG_FUNCTION = 0x00281056,
    TAG_VOI_LUT = 0x00283010,
    TAG_LUT_DESCRIPTOR = 0x00283002,
    TAG_LUT_DATA = 0x00283006
};

static kin_voi_kind function_of(kin_item *item)
{
    const char *text;
    size_t length;
    if (!kin_dicom_item_text(item, TAG_FUNCTION, &text, &length))
        return KIN_VOI_LINEAR;
    if (strncmp(text, "LINEAR_EXACT", 12) == 0)
        return KIN_VOI_LINEAR_EXACT;
    if (strncmp(text, "SIGMOID", 7) == 0)
        return KIN_VOI_SIGMOID;
    return KIN_VOI_LINEAR;
}

static bool load_window(kin_item *item, kin_voi *out)
{
    if (!kin_dicom_item_number(item, TAG_CENTER, 0, &out->center) ||
        !kin_dicom_item_number(item, TAG_WIDTH, 0, &out->width))
        return false;
    kin_voi_kind kind = function_of(item);
    if (kind == KIN_VOI_LINEAR ? out->width < 1 : out->width <= 0)
        return false;
    out->kind = kind;
    return true;
}

static bool load_lut(kin_item *item, bool values_signed, kin_voi *out)
{
    kin_item *lut = kin_dicom_item_at(item, TAG_VOI_LUT, 0);
    if (lut == NULL ||
        !kin_dicom_lut_load(lut, TAG_LUT_DESCRIPTOR, TAG_LUT_DATA, values_signed, &out->lut))
        return false;
    out->kind = KIN_VOI_LUT;
    return true;
}

void kin_dicom_voi_load(const kin_dicom *dicom, int frame, bool values_signed, kin_voi *out)
{
    memset(out, 0, sizeof *out);
    kin_item *group = kin_dicom_frame_group(dicom, frame, TAG_FRAME_VOI);
    if (group != NULL && (load_lut(group, values_signed, out) || load_window(group, out)))
        return;
    if (!load_lut(dicom->root, values_signed, out))
        load_window(dicom->root, out);
}

void kin_dicom_voi_release(kin_voi *voi)
{
    kin_dicom_lut_release(&voi->lut);
}

static float clamp(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* y = x * scale + offset, cut to [0, 1]: both linear functions in between their ends. */
static void apply_line(float *values, size_t count, double scale, double offset)
{
    for (size_t i = 0; i < count; i++)
        values[i] = clamp((float)((double)values[i] * scale + offset));
}

/* LINEAR: y = (x - (c - 0.5)) / (w - 1) + 0.5 between c - 0.5 -+ (w - 1) / 2; with w 1, a step. */
static void apply_linear(const kin_voi *voi, float *values, size_t count)
{
    if (voi->width > 1) {
        double scale = 1 / (voi->width - 1);
        apply_line(values, count, scale, 0.5 - (voi->center - 0.5) * scale);
        return;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = (double)values[i] <= voi->center - 0.5 ? 0 : 1;
}

static void apply_sigmoid(const kin_voi *voi, float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(1 / (1 + exp(-4 * ((double)values[i] - voi->center) / voi->width)));
}

static void apply_lut(const kin_lut *lut, float *values, size_t count)
{
    float scale = 1.0f / (float)((1 << lut->bits) - 1);
    for (size_t i = 0; i < count; i++) {
        /* Beyond these every table has ended; the cast needs a number that fits. */
        float v = values[i] < -1e6f ? -1e6f : values[i] > 1e6f ? 1e6f : values[i];
        values[i] = clamp((float)kin_lut_at(lut, lrintf(v)) * scale);
    }
}

void kin_dicom_voi_apply(const kin_voi *voi, float *values, size_t count)
{
    switch (voi->kind) {
    case KIN_VOI_LUT:
        apply_lut(&voi->lut, values, count);
        break;
    case KIN_VOI_LINEAR:
        apply_linear(voi, values, count);
        break;
    case KIN_VOI_LINEAR_EXACT:
        apply_line(values, count, 1 / voi->width, 0.5 - voi->center / voi->width);
        break;
    case KIN_VOI_SIGMOID:
        apply_sigmoid(voi, values, count);
        break;
    case KIN_VOI_NONE:
        break;
    }
}
