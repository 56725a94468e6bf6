#include "image/normalise.h"

#include <math.h>

static const double LOW_FRACTION = 0.01, HIGH_FRACTION = 0.99;

/* v in [0, 1]; NaN becomes 0. */
static float clamp(float v)
{
    return v > 0 ? (v < 1 ? v : 1) : 0;
}

static float value_at(const size_t *histogram, size_t rank)
{
    size_t below = 0;
    int bin = 0;
    while (bin < KIN_PERCENTILE_BINS - 1 && below + histogram[bin] <= rank)
        below += histogram[bin++];
    return ((float)bin + 0.5f) / KIN_PERCENTILE_BINS;
}

void kin_percentiles(const kin_raster *grey, double low, double high, float *low_value,
                     float *high_value)
{
    size_t histogram[KIN_PERCENTILE_BINS] = {0};
    size_t n = (size_t)grey->width * (size_t)grey->height;
    for (size_t i = 0; i < n; i++) {
        int bin = (int)(clamp(grey->px[i]) * KIN_PERCENTILE_BINS);
        histogram[bin < KIN_PERCENTILE_BINS ? bin : KIN_PERCENTILE_BINS - 1]++;
    }
    *low_value = value_at(histogram, (size_t)(low * (double)(n - 1)));
    *high_value = value_at(histogram, (size_t)(high * (double)(n - 1)));
}

void kin_normalise_levels(const kin_raster *grey, float *low, float *high)
{
    kin_percentiles(grey, LOW_FRACTION, HIGH_FRACTION, low, high);
}

void kin_normalise_between(kin_raster *grey, float low, float high)
{
    size_t n = (size_t)grey->width * (size_t)grey->height;
    if (high - low < KIN_FLAT_RANGE) {
        for (size_t i = 0; i < n; i++)
            grey->px[i] = 0.5f;
        return;
    }
    float scale = 1 / (high - low);
    for (size_t i = 0; i < n; i++)
        grey->px[i] = clamp((clamp(grey->px[i]) - low) * scale);
}

void kin_normalise(kin_raster *grey)
{
    float low, high;
    kin_normalise_levels(grey, &low, &high);
    kin_normalise_between(grey, low, high);
}
