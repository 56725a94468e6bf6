/*
 * Local binary patterns (Ojala, Pietikainen and Maenpaa, PAMI 24, 2002): which of the 8 neighbours
 * on a circle are at least as bright as the centre.  The 58 patterns with at most two changes
 * around the circle have a bin each, all others share one (their "u2" mapping).  Histograms are
 * taken on a grid, with circles of three sizes, and stored as Hellinger vectors.
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

/* A neighbour on the circle as the four pixels around it and their bilinear weights. */
struct neighbour {
    ptrdiff_t at[4]; /* relative to the centre, in floats */
    float weight[4];
};

static void place_neighbours(int radius, ptrdiff_t stride, struct neighbour neighbours[8])
{
    static const int across[8] = {1, 1, 0, -1, -1, -1, 0, 1};
    static const int down[8] = {0, -1, -1, -1, 0, 1, 1, 1};
    for (int k = 0; k < 8; k++) {
        /* Those on the axes lie on pixels, the diagonal ones at cos 45 degrees of the radius. */
        double distance = k % 2 ? radius * M_SQRT1_2 : radius, whole = floor(distance);
        float far = (float)(distance - whole), near = 1 - far;
        ptrdiff_t x = across[k], y = down[k] * stride, inner = (x + y) * (ptrdiff_t)whole;
        bool exact = k % 2 == 0;
        neighbours[k] = (struct neighbour){
            {inner, exact ? inner : inner + x, exact ? inner : inner + y,
             exact ? inner : inner + x + y},
            {near * near, near * far, near * far, far * far},
        };
    }
}

/* Sets one bit in the codes of n pixels from *at on.  Written for the compiler to vectorise, which
 * GCC does only while this is a function of its own. */
__attribute__((noinline)) static void set_bit(const float *restrict at, int n,
                                              const struct neighbour *neighbour, int32_t bit,
                                              int32_t *restrict codes)
{
    const float *a = at + neighbour->at[0], *b = at + neighbour->at[1];
    const float *c = at + neighbour->at[2], *d = at + neighbour->at[3];
    float wa = neighbour->weight[0], wb = neighbour->weight[1];
    float wc = neighbour->weight[2], wd = neighbour->weight[3];
    for (int x = 0; x < n; x++) {
        float difference = wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x] - at[x];
        codes[x] += difference >= -TOLERANCE ? bit : 0;
    }
}

/* The codes of n pixels from *at on. */
static void codes_of(const float *at, int n, const struct neighbour neighbours[8], int32_t *codes)
{
    memset(codes, 0, (size_t)n * sizeof *codes);
    for (int k = 0; k < 8; k++)
        set_bit(at, n, &neighbours[k], 1 << k, codes);
}

unsigned kin_lbp_code(const float *at, ptrdiff_t stride, int radius)
{
    struct neighbour neighbours[8];
    int32_t code;
    place_neighbours(radius, stride, neighbours);
    codes_of(at, 1, neighbours, &code);
    return (unsigned)code;
}

/* Histograms of one radius into out (GRID x GRID x KIN_LBP_BINS). */
static void gather(const kin_raster *image, int radius, const uint8_t bins[256], float *out)
{
    struct neighbour neighbours[8];
    int32_t codes[KIN_VIEW_TEXTURE_SIDE];
    int width = image->width;
    place_neighbours(radius, width, neighbours);
    for (int y = radius; y < image->height - radius && width > 2 * radius; y++) {
        const float *row = image->px + (size_t)y * (size_t)width;
        float *band = out + (size_t)(y * GRID / image->height) * GRID * KIN_LBP_BINS;
        codes_of(row + radius, width - 2 * radius, neighbours, codes);
        for (int x = radius; x < width - radius; x++)
            band[(size_t)(x * GRID / width) * KIN_LBP_BINS + bins[codes[x - radius]]] += 1;
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
    .weight = 1.5f,
    .describe = describe,
};
