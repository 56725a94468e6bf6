#include "radiomics/moments.h"

#include <math.h>

static double percentile(const float *sorted, size_t count, double share)
{
    double rank = share * (double)(count - 1), low = floor(rank);
    size_t at = (size_t)low;
    if (at + 1 >= count)
        return sorted[count - 1];
    return sorted[at] + (rank - low) * ((double)sorted[at + 1] - sorted[at]);
}

/* The mean distance to the mean of the values from low to high. */
static double mean_deviation(const float *sorted, size_t count, double low, double high)
{
    double sum = 0.0, deviation = 0.0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (sorted[i] >= low && sorted[i] <= high) {
            sum += sorted[i];
            n++;
        }
    for (size_t i = 0; i < count; i++)
        if (sorted[i] >= low && sorted[i] <= high)
            deviation += fabs(sorted[i] - sum / (double)n);
    return n > 0 ? deviation / (double)n : 0.0;
}

/* NaN where there is nothing to divide by: the coefficient is not defined then. */
static double ratio(double a, double b)
{
    return b != 0.0 ? a / b : NAN;
}

kin_moments kin_moments_of(const float *sorted, size_t count)
{
    kin_moments m = {0};
    double n = (double)count, third = 0.0, fourth = 0.0;
    for (size_t i = 0; i < count; i++) {
        m.mean += sorted[i] / n;
        m.energy += (double)sorted[i] * sorted[i];
    }
    m.median = percentile(sorted, count, 0.5);
    for (size_t i = 0; i < count; i++) {
        double d = sorted[i] - m.mean;
        m.variance += d * d / n;
        third += d * d * d / n;
        fourth += d * d * d * d / n;
        m.median_deviation += fabs(sorted[i] - m.median) / n;
    }
    m.skewness = m.variance > 0.0 ? third / pow(m.variance, 1.5) : 0.0;
    m.kurtosis = m.variance > 0.0 ? fourth / (m.variance * m.variance) - 3.0 : 0.0;
    m.minimum = sorted[0];
    m.maximum = sorted[count - 1];
    m.range = m.maximum - m.minimum;
    m.p10 = percentile(sorted, count, 0.10);
    m.p90 = percentile(sorted, count, 0.90);
    double p25 = percentile(sorted, count, 0.25), p75 = percentile(sorted, count, 0.75);
    m.interquartile_range = p75 - p25;
    m.mean_deviation = mean_deviation(sorted, count, m.minimum, m.maximum);
    m.robust_mean_deviation = mean_deviation(sorted, count, m.p10, m.p90);
    m.variation = ratio(sqrt(m.variance), m.mean);
    m.quartile_dispersion = ratio(p75 - p25, p75 + p25);
    m.root_mean_square = sqrt(m.energy / n);
    return m;
}
