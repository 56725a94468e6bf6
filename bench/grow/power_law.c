#include "power_law.h"

#include <math.h>

bool bench_power_law_fit(const double *x, const double *y, size_t count, bench_power_law *out)
{
    double x_mean = 0, y_mean = 0, xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(x[i] > 0) || !(y[i] > 0) || !isfinite(x[i]) || !isfinite(y[i]))
            return false;
        x_mean += log(x[i]) / (double)count;
        y_mean += log(y[i]) / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        double dx = log(x[i]) - x_mean, dy = log(y[i]) - y_mean;
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    if (count < 2 || xx <= 0)
        return false;
    out->exponent = xy / xx;
    out->factor = exp(y_mean - out->exponent * x_mean);
    out->fit = yy > 0 ? xy * xy / (xx * yy) : 1;
    return true;
}
