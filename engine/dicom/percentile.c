#include "dicom/percentile.h"

#include <stdlib.h>

enum { BINS = 65536 };

static const double low_percentile = 0.005, high_percentile = 0.995;

static size_t rank_of(size_t n, double percentile)
{
    return (size_t)((double)(n - 1) * percentile);
}

/* The k-th smallest (from 0) of v[0 … n-1], which is reordered (Hoare's selection). */
static float select_kth(float *v, size_t n, size_t k)
{
    size_t left = 0, right = n - 1;
    while (left < right) {
        float pivot = v[left + (right - left) / 2];
        size_t i = left, j = right;
        for (;;) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            float t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        /* v[left … j] <= pivot <= v[j + 1 … right] */
        if (k <= j)
            right = j;
        else
            left = j + 1;
    }
    return v[k];
}

/* By selection among the values themselves. */
static kin_status by_selection(const float *values, const uint8_t *mask, size_t count, float *low,
                               float *high, kin_error *err)
{
    float *kept = calloc(count, sizeof *kept);
    if (kept == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (mask == NULL || !mask[i])
            kept[n++] = values[i];
    if (n > 0) {
        *low = select_kth(kept, n, rank_of(n, low_percentile));
        *high = select_kth(kept, n, rank_of(n, high_percentile));
    }
    free(kept);
    return KIN_OK;
}

#define COUNT(type, offset)                                                                        \
    for (size_t i = 0; i < count; i++)                                                             \
        bins[(int)((const type *)samples->data)[i] + (offset)] += mask == NULL || !mask[i];

/* Counts samples of up to 16 bits; returns what to add to a sample for its bin, -1 for other
 * types. */
static int count_samples(const kin_samples *samples, const uint8_t *mask, uint32_t *bins)
{
    size_t count = kin_samples_count(samples);
    switch (samples->type) {
    case KIN_SAMPLE_U8:
        COUNT(uint8_t, 0)
        return 0;
    case KIN_SAMPLE_S8:
        COUNT(int8_t, 128)
        return 128;
    case KIN_SAMPLE_U16:
        COUNT(uint16_t, 0)
        return 0;
    case KIN_SAMPLE_S16:
        COUNT(int16_t, 32768)
        return 32768;
    default:
        return -1;
    }
}

/* The bin that holds rank k, from the lowest bin up. */
static int bin_of_rank(const uint32_t *bins, size_t k)
{
    size_t below = 0;
    for (int i = 0; i < BINS; i++) {
        below += bins[i];
        if (k < below)
            return i;
    }
    return BINS - 1;
}

/* By counting stored samples: rescaling keeps their order, or reverses it. */
static void by_counting(const uint32_t *bins, int offset, const kin_modality *m, float *low,
                        float *high)
{
    size_t n = 0;
    for (int i = 0; i < BINS; i++)
        n += bins[i];
    if (n == 0)
        return;
    size_t low_rank = rank_of(n, low_percentile), high_rank = rank_of(n, high_percentile);
    if (m->slope < 0) {
        low_rank = n - 1 - low_rank;
        high_rank = n - 1 - high_rank;
    }
    *low = (float)((bin_of_rank(bins, low_rank) - offset) * m->slope + m->intercept);
    *high = (float)((bin_of_rank(bins, high_rank) - offset) * m->slope + m->intercept);
}

kin_status kin_dicom_percentiles(const kin_samples *samples, const kin_modality *modality,
                                 const float *values, const uint8_t *mask, float *low, float *high,
                                 kin_error *err)
{
    *low = *high = 0;
    uint32_t *bins = calloc(BINS, sizeof *bins);
    if (bins == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    int offset = modality->has_lut ? -1 : count_samples(samples, mask, bins);
    if (offset >= 0)
        by_counting(bins, offset, modality, low, high);
    free(bins);
    if (offset >= 0)
        return KIN_OK;
    return by_selection(values, mask, kin_samples_count(samples), low, high, err);
}
