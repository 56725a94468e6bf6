#include "image/read_tiff_samples.h"

#include <math.h>
#include <string.h>

bool kin_tiff_sample_supported(kin_tiff_sample sample)
{
    switch (sample.number) {
    case KIN_TIFF_UNSIGNED:
        return (sample.bits >= 1 && sample.bits <= 16) || sample.bits == 32;
    case KIN_TIFF_SIGNED:
        return sample.bits == 8 || sample.bits == 16 || sample.bits == 32;
    case KIN_TIFF_FLOAT:
        return sample.bits == 32 || sample.bits == 64;
    }
    return false;
}

bool kin_tiff_sample_has_scale(kin_tiff_sample sample)
{
    return sample.number == KIN_TIFF_UNSIGNED && sample.bits <= 16;
}

uint32_t kin_tiff_index_at(const uint8_t *row, size_t i, int bits)
{
    if (bits == 8)
        return row[i];
    if (bits == 16) {
        uint16_t value;
        memcpy(&value, row + 2 * i, sizeof value);
        return value;
    }
    /* Other widths are packed, the most significant bit first (TIFF 6.0, "FillOrder" 1, to which
     * libtiff brings every file). */
    uint32_t value = 0;
    size_t at = i * (size_t)bits;
    for (int k = 0; k < bits; k++, at++)
        value = value << 1 | (row[at / 8] >> (7 - at % 8) & 1u);
    return value;
}

static float signed_at(const uint8_t *row, size_t i, int bits)
{
    int8_t byte;
    int16_t word;
    int32_t dword;
    switch (bits) {
    case 8:
        memcpy(&byte, row + i, sizeof byte);
        return byte;
    case 16:
        memcpy(&word, row + 2 * i, sizeof word);
        return word;
    default:
        memcpy(&dword, row + 4 * i, sizeof dword);
        return (float)dword;
    }
}

static float real_at(const uint8_t *row, size_t i, int bits)
{
    float single;
    double real;
    if (bits == 32) {
        memcpy(&single, row + 4 * i, sizeof single);
        return single;
    }
    memcpy(&real, row + 8 * i, sizeof real);
    /* A double beyond float's range has no defined conversion in C. */
    return (float)fmin(fmax(real, -3.4e38), 3.4e38);
}

float kin_tiff_sample_at(const uint8_t *row, size_t i, kin_tiff_sample sample)
{
    uint32_t dword;
    if (sample.number == KIN_TIFF_FLOAT)
        return real_at(row, i, sample.bits);
    if (sample.number == KIN_TIFF_SIGNED)
        return signed_at(row, i, sample.bits);
    if (sample.bits == 32) {
        memcpy(&dword, row + 4 * i, sizeof dword);
        return (float)dword;
    }
    return (float)kin_tiff_index_at(row, i, sample.bits) / (float)((1u << sample.bits) - 1);
}

void kin_tiff_stretch(float *values, size_t n)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i])) {
            low = fminf(low, values[i]);
            high = fmaxf(high, values[i]);
        }
    }
    /* In double: the range of two floats may overflow a float. */
    double base = 0, range = 1;
    if (low < 0 || high > 1) {
        base = low;
        range = high > low ? (double)high - (double)low : 1;
    }
    for (size_t i = 0; i < n; i++) {
        double v = isnan(values[i]) ? 0 : ((double)values[i] - base) / range;
        values[i] = (float)fmin(fmax(v, 0), 1);
    }
}
