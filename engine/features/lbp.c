/*
 * Local binary patterns (Ojala, Pietikainen and Maenpaa, PAMI 24, 2002): which of the 8 neighbours on
 * a circle of radius 1 are at least as bright as the centre.  The 58 patterns with at most two changes
 * around the circle have a bin each, all others share one (their "u2" mapping).  Histograms are taken
 * on a grid, at three scales, each a halving of the one before, and stored as Hellinger vectors.
 */
#include <math.h>
#include <string.h>

#include "features/families.h"
#include "features/lbp.h"
#include "features/scale.h"
#include "features/view.h"

enum { SCALES = 3, GRID = 3, LENGTH = SCALES * GRID * GRID * KIN_LBP_BINS };

static const int radii[SCALES] = {1, 2, 4};

/* Differences below this are equal: noise of 8-bit samples, not texture. */
static const float TOLERANCE = 0.004f;

void kin_lbp_u2_bins(uint8_t bins[256])
{
    uint8_t next = 0;
    for (unsigned code = 0; code < 256; code++) {
        unsigned turned = (code >> 1 | code << 7) & 255u;
        bool uniform = __builtin_popcount(code ^ turned) <= 2;
        bins[code] = uniform ? next++ : KIN_LBP_BINS - 1;
    }
}

/* Where the diagonal neighbours of a circle lie: whole pixels and the part towards the next. */
struct circle {
    ptrdiff_t radius, whole;
    float part;
};

static struct circle circle_of(int radius)
{
    double diagonal = radius * M_SQRT1_2, whole = floor(diagonal);
    return (struct circle){radius, (ptrdiff_t)whole, (float)(diagonal - whole)};
}

/* The value in the direction (dx, dy) on the circle's diagonal, by bilinear interpolation. */
static float diagonal(const float *at, ptrdiff_t stride, const struct circle *circle, int dx,
                      int dy)
{
    const float far = circle->part, near = 1 - far;
    const float *inner = at + (dy * stride + dx) * circle->whole;
    return near * near * inner[0] + near * far * (inner[dx] + inner[dy * stride]) +
           far * far * inner[dy * stride + dx];
}

static unsigned code_of(const float *at, ptrdiff_t stride, const struct circle *circle)
{
    float c = at[0];
    const float neighbours[8] = {
        at[circle->radius],           diagonal(at, stride, circle, 1, -1),
        at[-circle->radius * stride], diagonal(at, stride, circle, -1, -1),
        at[-circle->radius],          diagonal(at, stride, circle, -1, 1),
        at[circle->radius * stride],  diagonal(at, stride, circle, 1, 1),
    };
    unsigned code = 0;
    for (unsigned k = 0; k < 8; k++)
        code |= (unsigned)(neighbours[k] - c >= -TOLERANCE) << k;
    return code;
}

unsigned kin_lbp_code(const float *at, ptrdiff_t stride, int radius)
{
    struct circle circle = circle_of(radius);
    return code_of(at, stride, &circle);
}

/* Histograms of one radius into out (GRID x GRID x KIN_LBP_BINS). */
static void gather(const kin_raster *image, int radius, const uint8_t bins[256], float *out)
{
    const struct circle circle = circle_of(radius);
    for (int y = radius; y < image->height - radius; y++) {
        const float *row = image->px + (size_t)y * (size_t)image->width;
        float *band = out + (size_t)(y * GRID / image->height) * GRID * KIN_LBP_BINS;
        for (int x = radius; x < image->width - radius; x++) {
            unsigned code = code_of(row + x, image->width, &circle);
            band[(size_t)(x * GRID / image->width) * KIN_LBP_BINS + bins[code]] += 1;
        }
    }
}

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    uint8_t bins[256];
    (void)err;
    kin_lbp_u2_bins(bins);
    memset(out, 0, LENGTH * sizeof(float));
    for (int scale = 0; scale < SCALES; scale++) {
        gather(&view->texture, radii[scale], bins, out);
        for (int cell = 0; cell < GRID * GRID; cell++, out += KIN_LBP_BINS)
            kin_hellinger(out, KIN_LBP_BINS);
    }
    return KIN_OK;
}

const kin_family kin_family_lbp = {
    .name = "lbp",
    .version = 1,
    .length = LENGTH,
    .weight = 1.2f,
    .describe = describe,
};
