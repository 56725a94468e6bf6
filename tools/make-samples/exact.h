/*
 * exact.h - arithmetic that gives the same bits on every machine.
 *
 * C libraries differ in the last bit of sin or exp, and a last bit decides now and then how a pixel
 * is rounded.  These use only +, -, *, / and sqrt, which IEEE 754 defines exactly, and are built
 * without fused multiply-add (see CMakeLists.txt); they are good to about 1e-9, plenty for
 * pictures.
 */
#ifndef SAMPLES_EXACT_H
#define SAMPLES_EXACT_H

#include <math.h> /* only floor, fabs and sqrt, which are exact */

#define EXACT_PI 3.14159265358979323846

double exact_sin(double x);
double exact_cos(double x);
double exact_exp(double x);
double exact_log(double x);             /* x > 0 */
double exact_atan2(double y, double x); /* (-pi, pi] */

static inline double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static inline double mix(double a, double b, double t)
{
    return a + (b - a) * t;
}

/* 0 below from, 1 above to, smooth between; from may be the larger. */
static inline double smooth_step(double from, double to, double x)
{
    double t = clamp((x - from) / (to - from), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

#endif
