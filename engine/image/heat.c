#include "image/heat.h"

#include <math.h>

/* How much of the picture is seen, and of the glow where it is hottest. */
static const float PICTURE_SHARE = 0.75f, GLOW_SHARE = 0.8f;

enum { COLOURS = 4 };
static const float colours[COLOURS][3] = {{0, 0, 0}, {0.6f, 0, 0.1f}, {1, 0.45f, 0}, {1, 1, 0.4f}};

/* Between which two of `side` cells a place in [0, 1] lies, and how far from the first. */
static void between(double place, int side, int *first, int *second, float *share)
{
    double at = fmin(fmax(place * side - 0.5, 0), side - 1);
    *first = (int)at;
    *second = *first + 1 < side ? *first + 1 : *first;
    *share = (float)(at - *first);
}

static float value_at(const kin_heat *heat, double across, double down)
{
    int left, right, top, bottom;
    float to_right, to_bottom;
    between(across, heat->side, &left, &right, &to_right);
    between(down, heat->side, &top, &bottom, &to_bottom);
    const float *upper = heat->values + (size_t)top * (size_t)heat->side;
    const float *lower = heat->values + (size_t)bottom * (size_t)heat->side;
    float above = upper[left] + to_right * (upper[right] - upper[left]);
    float below = lower[left] + to_right * (lower[right] - lower[left]);
    return above + to_bottom * (below - above);
}

/* Lays the glow of a value, as a share of the hottest, over a pixel. */
static void glow(float share, float px[3])
{
    share = share > 0 ? fminf(share, 1) : 0; /* nothing for NaN, too */
    float at = share * (COLOURS - 1), cover = GLOW_SHARE * share;
    int below = at < COLOURS - 1 ? (int)at : COLOURS - 2;
    for (int c = 0; c < 3; c++) {
        float colour =
            colours[below][c] + (at - (float)below) * (colours[below + 1][c] - colours[below][c]);
        px[c] += cover * (colour - px[c]);
    }
}

kin_status kin_heat_draw(const kin_raster *picture, const kin_heat *heat, kin_raster *out,
                         kin_error *err)
{
    kin_raster grey = {0};
    kin_status status = kin_raster_grey(picture, &grey, err);
    if (status == KIN_OK)
        status = kin_raster_init(out, picture->width, picture->height, 3, err);
    for (int y = 0; status == KIN_OK && y < out->height; y++) {
        double down = (y + 0.5 - heat->y) / heat->height;
        for (int x = 0; x < out->width; x++) {
            size_t at = (size_t)y * (size_t)out->width + (size_t)x;
            double across = (x + 0.5 - heat->x) / heat->width;
            for (int c = 0; c < 3; c++)
                out->px[3 * at + (size_t)c] = PICTURE_SHARE * grey.px[at];
            if (across >= 0 && across <= 1 && down >= 0 && down <= 1)
                glow(value_at(heat, across, down) / heat->hottest, out->px + 3 * at);
        }
    }
    kin_raster_release(&grey);
    return status;
}
