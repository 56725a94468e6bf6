/* render.c - a frame as a reader sees it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/colour.h"
#include "dicom/modality.h"
#include "dicom/palette.h"
#include "dicom/percentile.h"
#include "dicom/voi.h"

enum {
    TAG_PADDING = 0x00280120,
    TAG_PADDING_LIMIT = 0x00280121,
    TAG_FLOAT_PADDING = 0x00280122,
    TAG_FLOAT_PADDING_LIMIT = 0x00280124,
    TAG_DOUBLE_PADDING = 0x00280123,
    TAG_DOUBLE_PADDING_LIMIT = 0x00280125
};

/* The display range of a CT whose file states none. */
static const double ct_center = 40, ct_width = 400; /* soft tissue, in Hounsfield units */

/* Stored values from low to high are padding (PS3.3 C.7.5.1.1.2); none when low > high. */
typedef struct padding {
    double low, high;
} padding;

/* A padding value is coded as a pixel is, but some files give it the other sign's VR. */
static double as_stored(double value, const kin_dicom_header *h)
{
    double range = ldexp(1, h->bits_stored);
    if (h->is_signed && value >= range / 2 && value < ldexp(1, h->bits_allocated)) {
        double wrapped = value - ldexp(1, h->bits_allocated);
        return wrapped >= -range / 2 ? wrapped : value - range;
    }
    return !h->is_signed && value < 0 ? value + ldexp(1, h->bits_allocated) : value;
}

static padding load_padding(const kin_dicom *dicom)
{
    const kin_dicom_header *h = &dicom->header;
    padding p = {1, 0};
    unsigned which = dicom->layout.pixel_tag & 0xffff;
    kin_tag tag = which == 0x08   ? TAG_FLOAT_PADDING
                  : which == 0x09 ? TAG_DOUBLE_PADDING
                                  : TAG_PADDING;
    kin_tag limit_tag = which == 0x08   ? TAG_FLOAT_PADDING_LIMIT
                        : which == 0x09 ? TAG_DOUBLE_PADDING_LIMIT
                                        : TAG_PADDING_LIMIT;
    double value, limit;
    if (!kin_dicom_item_number(dicom->root, tag, 0, &value))
        return p;
    if (!kin_dicom_item_number(dicom->root, limit_tag, 0, &limit))
        limit = value;
    if (tag == TAG_PADDING) {
        value = as_stored(value, h);
        limit = as_stored(limit, h);
    }
    p.low = value < limit ? value : limit;
    p.high = value < limit ? limit : value;
    return p;
}

#define MARK(type)                                                                                 \
    for (size_t i = 0; i < count; i++) {                                                           \
        double v = (double)((const type *)samples->data)[i];                                       \
        mask[i] = v >= p->low && v <= p->high;                                                     \
    }

#define MARK_FLOAT(type)                                                                           \
    for (size_t i = 0; i < count; i++) {                                                           \
        double v = (double)((const type *)samples->data)[i];                                       \
        mask[i] = !isfinite(v) || (v >= p->low && v <= p->high);                                   \
    }

/* One byte for each sample, nonzero for padding; what is no number counts as padding too. */
static void mark_padding(const kin_samples *samples, const padding *p, uint8_t *mask)
{
    size_t count = kin_samples_count(samples);
    switch (samples->type) {
    case KIN_SAMPLE_U8:
        MARK(uint8_t)
        break;
    case KIN_SAMPLE_S8:
        MARK(int8_t)
        break;
    case KIN_SAMPLE_U16:
        MARK(uint16_t)
        break;
    case KIN_SAMPLE_S16:
        MARK(int16_t)
        break;
    case KIN_SAMPLE_U32:
        MARK(uint32_t)
        break;
    case KIN_SAMPLE_S32:
        MARK(int32_t)
        break;
    case KIN_SAMPLE_F32:
        MARK_FLOAT(float)
        break;
    case KIN_SAMPLE_F64:
        MARK_FLOAT(double)
        break;
    }
}

/* Stretches from low to high; where they are equal, what is above is white and the rest black. */
static void stretch(float *values, size_t count, float low, float high)
{
    double range = (double)high - low;
    if (range <= 0) {
        for (size_t i = 0; i < count; i++)
            values[i] = values[i] > high ? 1 : 0;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float v = (float)(((double)values[i] - low) / range);
        values[i] = v < 0 ? 0 : v > 1 ? 1 : v;
    }
}

/* Values in px, made from samples, to grey: by the file's transformation or a default range. */
static kin_status apply_voi(const kin_dicom *dicom, int frame, const kin_samples *samples,
                            const kin_modality *modality, const uint8_t *mask, float *px,
                            kin_error *err)
{
    kin_voi voi;
    size_t count = kin_samples_count(samples);
    kin_status status = KIN_OK;
    kin_dicom_voi_load(dicom, frame, kin_dicom_modality_may_be_negative(modality, dicom), &voi);
    if (voi.kind == KIN_VOI_NONE && kin_dicom_is_hounsfield(dicom, modality))
        voi = (kin_voi){.kind = KIN_VOI_LINEAR, .center = ct_center, .width = ct_width};
    if (voi.kind != KIN_VOI_NONE) {
        kin_dicom_voi_apply(&voi, px, count);
    } else {
        float low, high;
        status = kin_dicom_percentiles(samples, modality, px, mask, &low, &high, err);
        if (status == KIN_OK)
            stretch(px, count, low, high);
    }
    kin_dicom_voi_release(&voi);
    return status;
}

static kin_status render_monochrome(const kin_dicom *dicom, int frame, const kin_samples *samples,
                                    float *px, kin_error *err)
{
    size_t count = kin_samples_count(samples);
    padding p = load_padding(dicom);
    bool floating = samples->type == KIN_SAMPLE_F32 || samples->type == KIN_SAMPLE_F64;
    uint8_t *mask = NULL;
    kin_modality modality;
    if (p.low <= p.high || floating) {
        mask = malloc(count);
        if (mask == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
        mark_padding(samples, &p, mask);
    }
    kin_dicom_modality_load(dicom, frame, &modality);
    kin_dicom_modality_apply(&modality, samples, px);
    for (size_t i = 0; mask != NULL && i < count; i++)
        if (mask[i])
            px[i] = 0; /* so that nothing below meets what is no number */
    kin_status status = apply_voi(dicom, frame, samples, &modality, mask, px, err);
    if (dicom->photometric == KIN_PHOTO_MONOCHROME1)
        for (size_t i = 0; i < count; i++)
            px[i] = 1 - px[i];
    for (size_t i = 0; mask != NULL && i < count; i++)
        if (mask[i])
            px[i] = 0;
    kin_dicom_modality_release(&modality);
    free(mask);
    return status;
}

static kin_status render_palette(const kin_dicom *dicom, const kin_samples *samples, float *px,
                                 kin_error *err)
{
    kin_palette palette;
    kin_status status = kin_dicom_palette_load(dicom, &palette, err);
    if (status != KIN_OK)
        return status;
    kin_dicom_palette_apply(&palette, samples, px);
    kin_dicom_palette_release(&palette);
    return KIN_OK;
}

/* What the samples are: the label, unless the codec has said otherwise. */
static kin_photometric colour_of(const kin_dicom *dicom, kin_codec_colour decoded)
{
    if (decoded == KIN_COLOUR_RGB)
        return KIN_PHOTO_RGB;
    if (decoded == KIN_COLOUR_YBR_FULL)
        return KIN_PHOTO_YBR_FULL;
    return dicom->photometric;
}

static kin_status render_samples(const kin_dicom *dicom, int frame, const kin_samples *samples,
                                 kin_codec_colour decoded, kin_raster *out, kin_error *err)
{
    if (kin_is_monochrome(dicom))
        return render_monochrome(dicom, frame, samples, out->px, err);
    if (dicom->photometric == KIN_PHOTO_PALETTE)
        return render_palette(dicom, samples, out->px, err);
    kin_dicom_colour_apply(samples, colour_of(dicom, decoded), dicom->header.bits_stored, out->px);
    return KIN_OK;
}

kin_status kin_dicom_render(kin_dicom *dicom, int frame, kin_raster *out, kin_error *err)
{
    kin_samples samples;
    kin_codec_colour colour;
    memset(out, 0, sizeof *out);
    kin_status status = kin_dicom_frame_decode(dicom, frame, &samples, &colour, err);
    if (status != KIN_OK)
        return status;
    status =
        kin_raster_init(out, samples.width, samples.height, kin_is_monochrome(dicom) ? 1 : 3, err);
    if (status == KIN_OK)
        status = render_samples(dicom, frame, &samples, colour, out, err);
    free(samples.data);
    if (status != KIN_OK) {
        kin_raster_release(out);
        return status;
    }
    kin_dicom_frame_spacing(dicom, frame, &out->spacing_x_mm, &out->spacing_y_mm);
    return KIN_OK;
}
