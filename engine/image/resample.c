/* Separable resampling: each axis has a table of taps, made once, then applied row by row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "image/raster.h"

/* The source samples that make up one output sample: count weights (summing to 1) from first on. */
struct taps {
    int first, count;
    size_t weights; /* where they begin in axis.weights */
};

struct axis {
    struct taps *taps; /* one per output sample */
    float *weights;
};

static void axis_release(struct axis *axis)
{
    free(axis->taps);
    free(axis->weights);
}

/* Output i covers [i s, (i + 1) s) of the source, s = from / to >= 1: weights are the overlaps. */
static struct taps area_taps(int i, int from, double scale, float *weights)
{
    double begin = i * scale, end = (i + 1) * scale;
    struct taps taps = {.first = (int)begin};
    int last = (int)ceil(end) - 1;
    if (taps.first > from - 1)
        taps.first = from - 1;
    if (last > from - 1)
        last = from - 1;
    if (last < taps.first)
        last = taps.first;
    taps.count = last - taps.first + 1;
    double sum = 0;
    for (int k = 0; k < taps.count; k++) {
        double low = fmax(begin, taps.first + k), high = fmin(end, taps.first + k + 1);
        weights[k] = (float)fmax(high - low, 0);
        sum += weights[k];
    }
    for (int k = 0; k < taps.count; k++)
        weights[k] = sum > 0 ? (float)(weights[k] / sum) : 1.0f / (float)taps.count;
    return taps;
}

/* Linear interpolation between the two source centres around the output's centre; edges repeat. */
static struct taps linear_taps(int i, int from, double scale, float *weights)
{
    double at = (i + 0.5) * scale - 0.5;
    if (at < 0)
        at = 0;
    if (at > from - 1)
        at = from - 1;
    struct taps taps = {.first = (int)at, .count = 2};
    float part = (float)(at - taps.first);
    if (taps.first >= from - 1) {
        taps.count = 1;
        part = 0;
    }
    weights[0] = 1 - part;
    weights[1] = part;
    return taps;
}

static kin_status axis_init(struct axis *axis, int from, int to, kin_error *err)
{
    double scale = (double)from / to;
    size_t most = (size_t)ceil(scale) + 2, total;
    if (!kin_mul_size(most, (size_t)to, &total) || total > SIZE_MAX / sizeof(float))
        return kin_fail(err, KIN_E_LIMIT, NULL, "resampling %d to %d samples", from, to);
    axis->taps = malloc((size_t)to * sizeof *axis->taps);
    axis->weights = malloc(total * sizeof(float));
    if (axis->taps == NULL || axis->weights == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to resample");
    for (int i = 0; i < to; i++) {
        size_t at = (size_t)i * most;
        axis->taps[i] = from > to ? area_taps(i, from, scale, axis->weights + at)
                                  : linear_taps(i, from, scale, axis->weights + at);
        axis->taps[i].weights = at;
    }
    return KIN_OK;
}

static void resample_row(const float *row, const struct axis *axis, int to, int channels,
                         float *out)
{
    for (int i = 0; i < to; i++) {
        struct taps taps = axis->taps[i];
        const float *w = axis->weights + taps.weights;
        const float *p = row + (size_t)taps.first * (size_t)channels;
        for (int c = 0; c < channels; c++) {
            float sum = 0;
            for (int k = 0; k < taps.count; k++)
                sum += w[k] * p[(size_t)k * (size_t)channels + (size_t)c];
            out[(size_t)i * (size_t)channels + (size_t)c] = sum;
        }
    }
}

/* Sums whole rows, so the inner loop runs along memory. */
static void resample_column(const float *rows, const struct taps *taps, const float *weights,
                            size_t stride, float *out)
{
    memset(out, 0, stride * sizeof(float));
    for (int k = 0; k < taps->count; k++) {
        const float *row = rows + ((size_t)taps->first + (size_t)k) * stride;
        float w = weights[k];
        for (size_t x = 0; x < stride; x++)
            out[x] += w * row[x];
    }
}

kin_status kin_raster_resample(const kin_raster *source, int width, int height, kin_raster *out,
                               kin_error *err)
{
    kin_raster narrow = {0};
    struct axis across = {0}, down = {0};
    memset(out, 0, sizeof *out);
    kin_status status = KIN_OK;
    if (width <= 0 || height <= 0)
        return kin_fail(err, KIN_E_ARG, NULL, "resampling to %d x %d pixels", width, height);
    if (width == source->width && height == source->height)
        return kin_raster_crop(source, (kin_box){0, 0, width, height}, out, err);

    if ((status = kin_raster_init(&narrow, width, source->height, source->channels, err)) !=
            KIN_OK ||
        (status = axis_init(&across, source->width, width, err)) != KIN_OK ||
        (status = axis_init(&down, source->height, height, err)) != KIN_OK ||
        (status = kin_raster_init(out, width, height, source->channels, err)) != KIN_OK)
        goto end;
    size_t from_stride = (size_t)source->width * (size_t)source->channels;
    size_t stride = (size_t)width * (size_t)source->channels;
    for (int y = 0; y < source->height; y++)
        resample_row(source->px + (size_t)y * from_stride, &across, width, source->channels,
                     narrow.px + (size_t)y * stride);
    for (int y = 0; y < height; y++)
        resample_column(narrow.px, &down.taps[y], down.weights + down.taps[y].weights, stride,
                        out->px + (size_t)y * stride);
    out->spacing_x_mm = source->spacing_x_mm * source->width / width;
    out->spacing_y_mm = source->spacing_y_mm * source->height / height;
end:
    axis_release(&across);
    axis_release(&down);
    kin_raster_release(&narrow);
    return status;
}
