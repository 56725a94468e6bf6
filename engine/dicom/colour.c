#include "dicom/colour.h"

typedef struct matrix {
    float luma_scale, luma_zero;               /* of Y: (Y - zero) * scale */
    float red_cr, green_cb, green_cr, blue_cb; /* of the centred chroma */
} matrix;

/* Coefficients for samples divided by 2^bits - 1; zero points are then 2^(bits - 1) and 16 /
 * 255. */
static const matrix full_range = {1, 0, 1.402f, -0.344136f, -0.714136f, 1.772f};
static const matrix partial_range = {255.0f / 219.0f,
                                     16.0f / 255.0f,
                                     1.402f * 255.0f / 224.0f,
                                     -0.344136f * 255.0f / 224.0f,
                                     -0.714136f * 255.0f / 224.0f,
                                     1.772f * 255.0f / 224.0f};

static float clamp(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* All channels to fractions of the largest value. */
static void scale_samples(const kin_samples *samples, float scale, float *out)
{
    size_t count = kin_samples_count(samples);
    switch (samples->type) {
    case KIN_SAMPLE_U8:
        for (size_t i = 0; i < count; i++)
            out[i] = (float)((const uint8_t *)samples->data)[i] * scale;
        break;
    case KIN_SAMPLE_U16:
        for (size_t i = 0; i < count; i++)
            out[i] = (float)((const uint16_t *)samples->data)[i] * scale;
        break;
    case KIN_SAMPLE_U32:
        for (size_t i = 0; i < count; i++)
            out[i] = clamp((float)((const uint32_t *)samples->data)[i] * scale);
        break;
    case KIN_SAMPLE_S8:
        for (size_t i = 0; i < count; i++)
            out[i] = clamp((float)((const int8_t *)samples->data)[i] * scale);
        break;
    case KIN_SAMPLE_S16:
        for (size_t i = 0; i < count; i++)
            out[i] = clamp((float)((const int16_t *)samples->data)[i] * scale);
        break;
    case KIN_SAMPLE_S32:
        for (size_t i = 0; i < count; i++)
            out[i] = clamp((float)((const int32_t *)samples->data)[i] * scale);
        break;
    default: /* floating-point pixels have one channel: pixels.c */
        break;
    }
}

static void convert(const matrix *m, float half, float *px, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, px += 3) {
        float y = (px[0] - m->luma_zero) * m->luma_scale, cb = px[1] - half, cr = px[2] - half;
        px[0] = clamp(y + m->red_cr * cr);
        px[1] = clamp(y + m->green_cb * cb + m->green_cr * cr);
        px[2] = clamp(y + m->blue_cb * cb);
    }
}

void kin_dicom_colour_apply(const kin_samples *samples, kin_photometric photometric, int bits,
                            float *out)
{
    double largest = (double)(((uint64_t)1 << bits) - 1);
    float half = (float)((double)((uint64_t)1 << (bits - 1)) / largest);
    size_t pixels = (size_t)samples->width * (size_t)samples->height;
    scale_samples(samples, (float)(1 / largest), out);
    switch (photometric) {
    case KIN_PHOTO_YBR_FULL:
    case KIN_PHOTO_YBR_FULL_422:
    case KIN_PHOTO_YBR_ICT:
        convert(&full_range, half, out, pixels);
        break;
    case KIN_PHOTO_YBR_PARTIAL:
        convert(&partial_range, half, out, pixels);
        break;
    default:
        break;
    }
}
