/* moments.h - what sorted values say by their distribution: shared by the statistics of intensities
 * and of grey levels. */
#ifndef KIN_RADIOMICS_MOMENTS_H
#define KIN_RADIOMICS_MOMENTS_H

#include <stddef.h>

typedef struct kin_moments {
    double mean, variance, skewness, kurtosis; /* kurtosis: excess, 0 for a normal distribution */
    double median, minimum, p10, p90, maximum;
    double interquartile_range, range;
    double mean_deviation, robust_mean_deviation, median_deviation; /* absolute */
    double variation, quartile_dispersion;                          /* coefficients */
    double energy, root_mean_square;
} kin_moments;

/* Of `count` >= 1 values, ascending.  Percentiles are interpolated between ranks. */
kin_moments kin_moments_of(const float *sorted, size_t count);

#endif
