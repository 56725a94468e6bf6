#include "image/raster.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

static const size_t DEFAULT_FRAME_BYTES = (size_t)1 << 30;
static const size_t DEFAULT_TOTAL_BYTES = (size_t)1 << 34;
static const int DEFAULT_FRAMES = 65536;

/* Pixel sizes closer than this ratio count as square: spacings come as rounded decimals. */
static const double SQUARE_TOLERANCE = 0.01;

kin_image_limits kin_image_limits_effective(const kin_image_limits *limits)
{
    kin_image_limits out = {0};
    if (limits != NULL)
        out = *limits;
    if (out.max_frame_bytes == 0)
        out.max_frame_bytes = DEFAULT_FRAME_BYTES;
    if (out.max_total_bytes == 0)
        out.max_total_bytes = DEFAULT_TOTAL_BYTES;
    if (out.max_frames <= 0)
        out.max_frames = DEFAULT_FRAMES;
    return out;
}

/* *bytes of a frame of float samples; false when they do not fit a size_t. */
static bool frame_bytes(size_t width, size_t height, size_t channels, size_t *bytes)
{
    return kin_mul_size(width, height, bytes) && kin_mul_size(*bytes, channels, bytes) &&
           kin_mul_size(*bytes, sizeof(float), bytes);
}

kin_status kin_image_check_frame(uint64_t width, uint64_t height, uint64_t channels,
                                 const kin_image_limits *limits, kin_error *err)
{
    size_t bytes;
    if (width == 0 || height == 0 || channels == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "image without pixels");
    if (width > INT32_MAX || height > INT32_MAX || !frame_bytes(width, height, channels, &bytes) ||
        bytes > limits->max_frame_bytes)
        return kin_fail(err, KIN_E_LIMIT, NULL,
                        "image of %llu x %llu x %llu samples is over the limit of %zu bytes",
                        (unsigned long long)width, (unsigned long long)height,
                        (unsigned long long)channels, limits->max_frame_bytes);
    return KIN_OK;
}

kin_status kin_raster_init(kin_raster *raster, int width, int height, int channels, kin_error *err)
{
    size_t bytes;
    memset(raster, 0, sizeof *raster);
    if (channels != 1 && channels != 3)
        return kin_fail(err, KIN_E_ARG, NULL, "a raster has 1 or 3 channels, not %d", channels);
    if (width <= 0 || height <= 0 ||
        !frame_bytes((size_t)width, (size_t)height, (size_t)channels, &bytes))
        return kin_fail(err, KIN_E_LIMIT, NULL, "raster of %d x %d pixels", width, height);
    raster->px = calloc(bytes, 1);
    if (raster->px == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %d x %d pixels", width, height);
    raster->width = width;
    raster->height = height;
    raster->channels = channels;
    return KIN_OK;
}

void kin_raster_release(kin_raster *raster)
{
    free(raster->px);
    memset(raster, 0, sizeof *raster);
}

kin_status kin_raster_grey(const kin_raster *source, kin_raster *out, kin_error *err)
{
    kin_status status = kin_raster_init(out, source->width, source->height, 1, err);
    if (status != KIN_OK)
        return status;
    out->spacing_x_mm = source->spacing_x_mm;
    out->spacing_y_mm = source->spacing_y_mm;
    size_t n = (size_t)source->width * (size_t)source->height;
    if (source->channels == 1) {
        memcpy(out->px, source->px, n * sizeof(float));
        return KIN_OK;
    }
    const float *rgb = source->px;
    for (size_t i = 0; i < n; i++, rgb += 3)
        out->px[i] = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    return KIN_OK;
}

kin_status kin_raster_crop(const kin_raster *source, kin_box box, kin_raster *out, kin_error *err)
{
    memset(out, 0, sizeof *out);
    if (box.x < 0 || box.y < 0 || box.width <= 0 || box.height <= 0 || box.width > source->width ||
        box.height > source->height || box.x > source->width - box.width ||
        box.y > source->height - box.height)
        return kin_fail(err, KIN_E_ARG, NULL, "crop of %d x %d at %d, %d from %d x %d pixels",
                        box.width, box.height, box.x, box.y, source->width, source->height);
    kin_status status = kin_raster_init(out, box.width, box.height, source->channels, err);
    if (status != KIN_OK)
        return status;
    out->spacing_x_mm = source->spacing_x_mm;
    out->spacing_y_mm = source->spacing_y_mm;
    size_t row = (size_t)box.width * (size_t)source->channels;
    size_t stride = (size_t)source->width * (size_t)source->channels;
    const float *from =
        source->px + (size_t)box.y * stride + (size_t)box.x * (size_t)source->channels;
    for (int y = 0; y < box.height; y++, from += stride)
        memcpy(out->px + (size_t)y * row, from, row * sizeof(float));
    return KIN_OK;
}

void kin_raster_collapse_grey(kin_raster *raster)
{
    size_t n = (size_t)raster->width * (size_t)raster->height;
    if (raster->channels != 3 || n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        const float *rgb = raster->px + 3 * i;
        if (rgb[0] != rgb[1] || rgb[0] != rgb[2])
            return;
    }
    for (size_t i = 0; i < n; i++)
        raster->px[i] = raster->px[3 * i];
    float *smaller = realloc(raster->px, n * sizeof(float));
    if (smaller != NULL) /* a failure to shrink leaves a larger buffer, which serves as well */
        raster->px = smaller;
    raster->channels = 1;
}

double kin_raster_aspect(const kin_raster *raster)
{
    double sx = raster->spacing_x_mm, sy = raster->spacing_y_mm;
    /* All comparisons are false for NaN. */
    if (!(sx > 0) || !(sy > 0) || !isfinite(sx) || !isfinite(sy))
        return 1;
    double ratio = sx / sy, stretch = ratio > 1 ? ratio : 1 / ratio;
    return stretch > 1 + SQUARE_TOLERANCE && stretch <= KIN_RASTER_STRETCH_MAX ? ratio : 1;
}

kin_status kin_raster_square_pixels(const kin_raster *source, kin_raster *out, kin_error *err)
{
    double width = source->width, height = source->height, aspect = kin_raster_aspect(source);
    if (aspect > 1)
        width = fmin(round(width * aspect), INT32_MAX);
    else
        height = fmin(round(height / aspect), INT32_MAX);
    return kin_raster_resample(source, (int)width, (int)height, out, err);
}
