/* The picture itself, coarsely: what every later finding has to beat (Torralba, Fergus and Freeman,
 * "80 million tiny images", PAMI 30, 2008). */
#include <string.h>

#include "features/families.h"
#include "features/view.h"

enum { SIDE = 16 };

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    kin_raster small;
    kin_status status = kin_raster_resample(&view->square, SIDE, SIDE, &small, err);
    if (status == KIN_OK)
        memcpy(out, small.px, SIDE * SIDE * sizeof(float));
    kin_raster_release(&small);
    return status;
}

const kin_family kin_family_pixels = {
    .name = "pixels",
    .version = 1,
    .length = SIDE * SIDE,
    .weight = 0.4f,
    .describe = describe,
};
