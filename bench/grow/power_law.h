/* power_law.h - how something grows: the exponent of a power of the size. */
#ifndef KIN_BENCH_POWER_LAW_H
#define KIN_BENCH_POWER_LAW_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bench_power_law {
    double factor, exponent; /* y = factor * x^exponent */
    double fit;              /* share of log y's variance that it explains (R squared) */
} bench_power_law;

/* Least squares on the logarithms.  false: fewer than two different x, or one of the x or y is not
 * above 0. */
bool bench_power_law_fit(const double *x, const double *y, size_t count, bench_power_law *out);

#endif
