#include "image/colour.h"

#include <math.h>

void kin_rgb_to_hsv(const float rgb[3], float hsv[3])
{
    float r = rgb[0], g = rgb[1], b = rgb[2];
    float high = fmaxf(r, fmaxf(g, b)), low = fminf(r, fminf(g, b)), range = high - low;
    float hue = 0;
    if (range > 0) {
        if (high == r)
            hue = (g - b) / range;
        else if (high == g)
            hue = (b - r) / range + 2;
        else
            hue = (r - g) / range + 4;
        hue /= 6;
        if (hue < 0)
            hue += 1;
    }
    hsv[0] = hue;
    hsv[1] = high > 0 ? range / high : 0;
    hsv[2] = high;
}

static float linear_light(float v)
{
    return v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
}

static float lab_root(float t)
{
    const float threshold = 216.0f / 24389.0f, slope = 24389.0f / 27.0f;
    return t > threshold ? cbrtf(t) : (slope * t + 16) / 116;
}

void kin_rgb_to_lab(const float rgb[3], float lab[3])
{
    float r = linear_light(rgb[0]), g = linear_light(rgb[1]), b = linear_light(rgb[2]);
    /* Rows of IEC 61966-2-1's matrix, divided by the D65 white (0.95047, 1, 1.08883). */
    float x = lab_root((0.4124564f * r + 0.3575761f * g + 0.1804375f * b) / 0.95047f);
    float y = lab_root(0.2126729f * r + 0.7151522f * g + 0.0721750f * b);
    float z = lab_root((0.0193339f * r + 0.1191920f * g + 0.9503041f * b) / 1.08883f);
    lab[0] = 116 * y - 16;
    lab[1] = 500 * (x - y);
    lab[2] = 200 * (y - z);
}

void kin_rgb_to_stains(const float rgb[3], float stains[3])
{
    /* The inverse of the matrix whose rows are the three unit stain vectors. */
    static const float unmix[3][3] = {
        {1.88000259f, -1.01536655f, -0.55496979f},
        {-0.07359820f, 1.13316777f, -0.12641597f},
        {-0.59521871f, -0.48168478f, 1.57247275f},
    };
    float density[3];
    for (int c = 0; c < 3; c++)
        density[c] = -log10f(fmaxf(rgb[c], KIN_OD_FLOOR));
    for (int s = 0; s < 3; s++)
        stains[s] = density[0] * unmix[0][s] + density[1] * unmix[1][s] + density[2] * unmix[2][s];
}
