/*
 * Stain statistics: amounts of haematoxylin, eosin and DAB by colour deconvolution (Ruifrok and
 * Johnston, 2001), as histograms (Hellinger), moments, and moments of their gradients' length,
 * which tell crowded nuclei from smooth stroma.
 */
#include <math.h>
#include <string.h>

#include "features/families.h"
#include "features/scale.h"
#include "features/view.h"

enum { BINS = 16, MOMENTS = 3, STAIN_LENGTH = BINS + 2 * MOMENTS };

/* The lengths of one stain's gradients, from stain amounts interleaved as in a raster. */
static void gradient(const float *stains, int w, int h, size_t stain, float *out)
{
    for (int y = 0; y < h; y++) {
        int above = y > 0 ? y - 1 : y, below = y < h - 1 ? y + 1 : y;
        for (int x = 0; x < w; x++) {
            int left = x > 0 ? x - 1 : x, right = x < w - 1 ? x + 1 : x;
            float dx = stains[3 * ((size_t)y * (size_t)w + (size_t)right) + stain] -
                       stains[3 * ((size_t)y * (size_t)w + (size_t)left) + stain];
            float dy = stains[3 * ((size_t)below * (size_t)w + (size_t)x) + stain] -
                       stains[3 * ((size_t)above * (size_t)w + (size_t)x) + stain];
            out[(size_t)y * (size_t)w + (size_t)x] = sqrtf(dx * dx + dy * dy);
        }
    }
}

static void describe_stain(const kin_raster *stains, size_t stain, float *gradients, float *out)
{
    size_t n = (size_t)stains->width * (size_t)stains->height;
    for (size_t i = 0; i < n; i++)
        out[kin_stain_level(stains->px[3 * i + stain], BINS)] += 1;
    kin_hellinger(out, BINS);
    kin_moments(stains->px + stain, n, 3, out + BINS);
    gradient(stains->px, stains->width, stains->height, stain, gradients);
    kin_moments(gradients, n, 1, out + BINS + MOMENTS);
}

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    kin_raster gradients;
    kin_status status =
        kin_raster_init(&gradients, view->stains.width, view->stains.height, 1, err);
    if (status != KIN_OK)
        return status;
    memset(out, 0, KIN_STAINS * STAIN_LENGTH * sizeof(float));
    for (size_t s = 0; s < KIN_STAINS; s++)
        describe_stain(&view->stains, s, gradients.px, out + s * STAIN_LENGTH);
    kin_raster_release(&gradients);
    return KIN_OK;
}

const kin_family kin_family_stain = {
    .name = "stain",
    .version = 1,
    .length = KIN_STAINS * STAIN_LENGTH,
    .weight = 2.0f,
    .colour = true,
    .describe = describe,
};
