/*
 * Histogram of oriented gradients (Dalal and Triggs, CVPR 2005): centred differences, 9 unsigned
 * orientations, votes of the gradient's length shared linearly between neighbouring orientations
 * and cells, blocks of 2 x 2 cells that overlap by one, normalised by L2-Hys (clipped at 0.2).
 */
#include <math.h>
#include <string.h>

#include "features/families.h"
#include "features/view.h"

enum {
    CELL = 16, /* pixels a side */
    CELLS = KIN_VIEW_SIDE / CELL,
    BINS = 9,
    BLOCK = 2, /* cells a side */
    BLOCKS = CELLS - BLOCK + 1,
    BLOCK_LENGTH = BLOCK * BLOCK * BINS
};

static const float CLIP = 0.2f, EPSILON = 1e-2f;

typedef float cells[CELLS][CELLS][BINS];

/* Shares one gradient between the four nearest cells' two nearest orientations. */
static void vote(cells histogram, int x, int y, float dx, float dy)
{
    float length = sqrtf(dx * dx + dy * dy);
    if (!(length > 0))
        return;
    float angle = atan2f(dy, dx); /* of the gradient, folded to [0, pi) */
    if (angle < 0)
        angle += (float)M_PI;
    float at = angle / (float)M_PI * BINS - 0.5f;
    float cx = ((float)x + 0.5f) / CELL - 0.5f, cy = ((float)y + 0.5f) / CELL - 0.5f;
    int bin = (int)floorf(at), column = (int)floorf(cx), row = (int)floorf(cy);
    float part = at - (float)bin, px = cx - (float)column, py = cy - (float)row;
    int first = (bin + BINS) % BINS, second = (bin + 1) % BINS;
    for (int k = 0; k < 4; k++) {
        int r = row + k / 2, c = column + k % 2;
        if (r < 0 || r >= CELLS || c < 0 || c >= CELLS)
            continue;
        float weight = length * (k / 2 ? py : 1 - py) * (k % 2 ? px : 1 - px);
        histogram[r][c][first] += weight * (1 - part);
        histogram[r][c][second] += weight * part;
    }
}

static void gather(const kin_raster *image, cells histogram)
{
    for (int y = 0; y < KIN_VIEW_SIDE; y++) {
        const float *row = image->px + (size_t)y * KIN_VIEW_SIDE;
        const float *above = y > 0 ? row - KIN_VIEW_SIDE : row;
        const float *below = y < KIN_VIEW_SIDE - 1 ? row + KIN_VIEW_SIDE : row;
        for (int x = 0; x < KIN_VIEW_SIDE; x++) {
            int left = x > 0 ? x - 1 : x, right = x < KIN_VIEW_SIDE - 1 ? x + 1 : x;
            vote(histogram, x, y, row[right] - row[left], below[x] - above[x]);
        }
    }
}

static void normalise(float block[BLOCK_LENGTH])
{
    for (int pass = 0; pass < 2; pass++) {
        float sum = EPSILON * EPSILON;
        for (int i = 0; i < BLOCK_LENGTH; i++)
            sum += block[i] * block[i];
        float scale = 1 / sqrtf(sum);
        for (int i = 0; i < BLOCK_LENGTH; i++) {
            block[i] *= scale;
            if (pass == 0 && block[i] > CLIP)
                block[i] = CLIP;
        }
    }
}

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    cells histogram;
    (void)err;
    memset(histogram, 0, sizeof histogram);
    gather(&view->square, histogram);
    for (int y = 0; y < BLOCKS; y++) {
        for (int x = 0; x < BLOCKS; x++, out += BLOCK_LENGTH) {
            for (int k = 0; k < BLOCK * BLOCK; k++)
                memcpy(out + k * BINS, histogram[y + k / BLOCK][x + k % BLOCK],
                       BINS * sizeof(float));
            normalise(out);
        }
    }
    return KIN_OK;
}

const kin_family kin_family_hog = {
    .name = "hog",
    .version = 1,
    .length = BLOCKS * BLOCKS * BLOCK_LENGTH,
    .weight = 0.7f,
    .describe = describe,
};
