#include "features/scale.h"

#include <math.h>

void kin_hellinger(float *counts, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += counts[i];
    if (!(sum > 0))
        return;
    for (size_t i = 0; i < n; i++)
        counts[i] = sqrtf((float)(counts[i] / sum));
}

float kin_signed_sqrt(float v)
{
    return copysignf(sqrtf(fabsf(v)), v);
}

void kin_moments(const float *values, size_t n, size_t stride, float out[3])
{
    double mean = 0, second = 0, third = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i * stride];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = values[i * stride] - mean;
        second += d * d;
        third += d * d * d;
    }
    out[0] = (float)mean;
    out[1] = (float)sqrt(second / (double)n);
    out[2] = (float)cbrt(third / (double)n);
}
