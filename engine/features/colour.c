/*
 * Colour: a histogram of hue, saturation and value, and moments of L*a*b* (Stricker and Orengo,
 * SPIE 2420, 1995), on the colours as stored: a stain's or a flow map's colour is its meaning.
 */
#include "image/colour.h"

#include <string.h>

#include "features/families.h"
#include "features/scale.h"
#include "features/view.h"

enum { HUES = 16, SATURATIONS = 4, VALUES = 4, HSV_BINS = HUES * SATURATIONS * VALUES };
enum { LAB_MOMENTS = 9, LENGTH = HSV_BINS + LAB_MOMENTS };

/* L*a*b* in hundreds, so that moments and histogram are of one size. */
static const float LAB_UNIT = 100;

static int bin_of(float v, int bins)
{
    int bin = (int)(v * (float)bins);
    return bin < bins ? bin : bins - 1;
}

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    size_t n = (size_t)view->colour.width * (size_t)view->colour.height;
    kin_raster lab;
    kin_status status = kin_raster_init(&lab, view->colour.width, view->colour.height, 3, err);
    if (status != KIN_OK)
        return status;
    memset(out, 0, LENGTH * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        float hsv[3];
        kin_rgb_to_hsv(view->colour.px + 3 * i, hsv);
        kin_rgb_to_lab(view->colour.px + 3 * i, lab.px + 3 * i);
        int hue = bin_of(hsv[0], HUES), saturation = bin_of(hsv[1], SATURATIONS);
        out[(hue * SATURATIONS + saturation) * VALUES + bin_of(hsv[2], VALUES)] += 1;
    }
    kin_hellinger(out, HSV_BINS);
    for (size_t c = 0; c < 3; c++) {
        float *moments = out + HSV_BINS + 3 * c;
        kin_moments(lab.px + c, n, 3, moments);
        for (int k = 0; k < 3; k++)
            moments[k] /= LAB_UNIT;
    }
    kin_raster_release(&lab);
    return KIN_OK;
}

const kin_family kin_family_colour = {
    .name = "colour",
    .version = 1,
    .length = LENGTH,
    .weight = 2.0f,
    .colour = true,
    .describe = describe,
};
