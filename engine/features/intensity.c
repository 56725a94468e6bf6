/* How bright, how often: histograms of normalised grey levels, of the whole and of its quarters, as
 * Hellinger vectors, and the first three moments (Stricker and Orengo, 1995). */
#include <string.h>

#include "features/families.h"
#include "features/scale.h"
#include "features/view.h"

enum { BINS = 32, REGIONS = 5, MOMENTS = 3, REGION_LENGTH = BINS + MOMENTS };

static void describe_region(const kin_raster *image, kin_box box, float *out)
{
    float values[KIN_VIEW_SIDE * KIN_VIEW_SIDE];
    size_t n = 0;
    for (int y = box.y; y < box.y + box.height; y++) {
        const float *row = image->px + (size_t)y * KIN_VIEW_SIDE;
        for (int x = box.x; x < box.x + box.width; x++) {
            int bin = (int)(row[x] * BINS);
            out[bin < BINS ? bin : BINS - 1] += 1;
            values[n++] = row[x];
        }
    }
    kin_hellinger(out, BINS);
    kin_moments(values, n, 1, out + BINS);
}

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    enum { WHOLE = KIN_VIEW_SIDE, HALF = KIN_VIEW_SIDE / 2 };
    static const kin_box regions[REGIONS] = {
        {0, 0, WHOLE, WHOLE},  {0, 0, HALF, HALF},       {HALF, 0, HALF, HALF},
        {0, HALF, HALF, HALF}, {HALF, HALF, HALF, HALF},
    };
    (void)err;
    memset(out, 0, REGIONS * REGION_LENGTH * sizeof(float));
    for (int r = 0; r < REGIONS; r++)
        describe_region(&view->square, regions[r], out + r * REGION_LENGTH);
    return KIN_OK;
}

const kin_family kin_family_intensity = {
    .name = "intensity",
    .version = 1,
    .length = REGIONS * REGION_LENGTH,
    .weight = 0.5f,
    .describe = describe,
};
