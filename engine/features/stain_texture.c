/*
 * How nuclei and stroma are arranged: co-occurrence statistics (Haralick, Shanmugam and Dinstein,
 * 1973) of the amounts of haematoxylin and of eosin (Ruifrok and Johnston, 2001), not of their
 * mixture in grey; of absolute amounts, so that pale and dark tissue differ.
 */
#include <stdlib.h>

#include "features/families.h"
#include "features/glcm.h"
#include "features/view.h"

enum { STAINS = 2, DISTANCES = 3, LENGTH = STAINS * DISTANCES * KIN_HARALICK_COUNT };

static const size_t stains[STAINS] = {KIN_STAIN_HAEMATOXYLIN, KIN_STAIN_EOSIN};
static const int distances[DISTANCES] = {1, 2, 4};

static kin_status describe(const kin_view *view, float *out, kin_error *err)
{
    const kin_raster *amounts = &view->stains;
    size_t n = (size_t)amounts->width * (size_t)amounts->height;
    uint8_t *image = malloc(n);
    if (image == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for co-occurrences");
    for (int s = 0; s < STAINS; s++) {
        for (size_t i = 0; i < n; i++)
            image[i] = (uint8_t)kin_stain_level(amounts->px[3 * i + stains[s]], KIN_GLCM_LEVELS);
        for (int d = 0; d < DISTANCES; d++, out += KIN_HARALICK_COUNT)
            kin_glcm_describe(image, amounts->width, amounts->height, distances[d], out, NULL);
    }
    free(image);
    return KIN_OK;
}

const kin_family kin_family_stain_texture = {
    .name = "stain-texture",
    .version = 1,
    .length = LENGTH,
    .weight = 2.5f,
    .colour = true,
    .describe = describe,
};
