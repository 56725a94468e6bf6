#include "exact.h"

/* Taylor's series on [-pi/4, pi/4], where their first missing terms are below 1e-11. */
static double sin_core(double x)
{
    double s = x * x;
    return x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
}

static double cos_core(double x)
{
    double s = x * x;
    return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132)))));
}

double exact_sin(double x)
{
    double quarter = floor(x / (EXACT_PI / 2) + 0.5);
    double rest = x - quarter * (EXACT_PI / 2);
    switch ((int)(quarter - 4 * floor(quarter / 4))) {
    case 0:
        return sin_core(rest);
    case 1:
        return cos_core(rest);
    case 2:
        return -sin_core(rest);
    default:
        return -cos_core(rest);
    }
}

double exact_cos(double x)
{
    return exact_sin(x + EXACT_PI / 2);
}

double exact_exp(double x)
{
    if (x < -700.0) {
        return 0.0;
    }
    /* e^x = (e^(x / 2^n))^(2^n), with a series where the argument is small. */
    int halvings = 0;
    while (fabs(x) > 0.125) {
        x *= 0.5;
        halvings++;
    }
    double e =
        1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7))))));
    while (halvings-- > 0) {
        e *= e;
    }
    return e;
}

double exact_log(double x)
{
    double twos = 0.0;
    for (; x > 1.5; x *= 0.5) {
        twos += 1.0;
    }
    for (; x < 0.75; x *= 2.0) {
        twos -= 1.0;
    }
    /* log x = 2 artanh((x - 1) / (x + 1)), and |(x - 1) / (x + 1)| <= 0.2 */
    double t = (x - 1) / (x + 1), s = t * t;
    double series =
        1 + s * (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s / 13)))));
    return 2 * t * series + twos * 0.69314718055994530942;
}

/* atan on [0, 1]: the argument is halved twice, then the series. */
static double atan_core(double x)
{
    for (int i = 0; i < 2; i++) {
        x = x / (1 + sqrt(1 + x * x));
    }
    double s = x * x;
    return 4 * x * (1 - s * (1.0 / 3 - s * (1.0 / 5 - s * (1.0 / 7 - s * (1.0 / 9 - s / 11)))));
}

double exact_atan2(double y, double x)
{
    double ax = fabs(x), ay = fabs(y);
    if (ax == 0.0 && ay == 0.0) {
        return 0.0;
    }
    double angle = ay <= ax ? atan_core(ay / ax) : EXACT_PI / 2 - atan_core(ax / ay);
    if (x < 0.0) {
        angle = EXACT_PI - angle;
    }
    return y < 0.0 ? -angle : angle;
}
