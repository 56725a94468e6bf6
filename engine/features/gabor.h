/* gabor.h - one Gabor filter over an image (private). */
#ifndef KIN_FEATURES_GABOR_H
#define KIN_FEATURES_GABOR_H

#include "image/raster.h"

enum { KIN_GABOR_RADIUS = 6 };

/* A separable complex filter: the product of a row's and a column's taps. */
typedef struct kin_gabor {
    float cos_x[2 * KIN_GABOR_RADIUS + 1], sin_x[2 * KIN_GABOR_RADIUS + 1];
    float cos_y[2 * KIN_GABOR_RADIUS + 1], sin_y[2 * KIN_GABOR_RADIUS + 1];
    float gauss[2 * KIN_GABOR_RADIUS + 1];
    float dc; /* response to a constant image of 1, taken off so that it becomes 0 */
} kin_gabor;

/* exp(-(x^2 + y^2) / 2 sigma^2) exp(2 pi i (x cos a + y sin a) / wavelength), angle a in radians,
 * lengths in pixels; the Gaussian sums to 1.  Isotropic, so that it splits into a row and a
 * column. */
void kin_gabor_init(kin_gabor *gabor, double wavelength, double sigma, double angle);

/* out = the magnitude of the filter's response at each pixel of a grey image (as many floats);
 * edges continue the outermost pixel.  scratch: 3 x width x height floats. */
void kin_gabor_magnitude(const kin_gabor *gabor, const kin_raster *image, float *scratch,
                         float *out);

#endif
