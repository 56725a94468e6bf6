#include "decode/preview.h"

#include <math.h>
#include <stdlib.h>

#include "image/write.h"

/* `length` shrunk by scale, at least one pixel, at most `most`. */
static int shrunk(double length, double scale, int most)
{
    double rounded = round(length * scale);
    return rounded < 1 ? 1 : rounded > most ? most : (int)rounded;
}

/* The size that a preview has. */
static void fit(const kin_raster *raster, uint32_t side, int *width, int *height)
{
    double wide = raster->width, high = raster->height, aspect = kin_raster_aspect(raster);
    /* The axis with the smaller pixels gives way, so that neither grows. */
    if (aspect > 1)
        high /= aspect;
    else
        wide *= aspect;
    double scale = fmin(1, side / fmax(wide, high));
    *width = shrunk(wide, scale, raster->width);
    *height = shrunk(high, scale, raster->height);
}

kin_status kin_preview_make(const kin_raster *raster, uint32_t side, kin_preview *out,
                            kin_error *err)
{
    kin_raster small = {0};
    int width, height;
    *out = (kin_preview){0};
    fit(raster, side, &width, &height);
    kin_status status = kin_raster_resample(raster, width, height, &small, err);
    if (status != KIN_OK)
        return status;
    kin_raster_collapse_grey(&small);
    size_t count = (size_t)small.width * (size_t)small.height * (size_t)small.channels;
    out->samples = malloc(count);
    if (out->samples == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a preview");
    } else {
        kin_image_quantise(small.px, count, out->samples);
        out->width = (uint32_t)small.width;
        out->height = (uint32_t)small.height;
        out->channels = (uint32_t)small.channels;
    }
    kin_raster_release(&small);
    return status;
}

void kin_preview_release(kin_preview *preview)
{
    free(preview->samples);
    *preview = (kin_preview){0};
}
