/*
 * What small places look like in grey, and where: Fisher vectors (fisher.h) of patches of 9 x 9
 * pixels of the square view, at full and at half size.
 */
#include "features/families.h"
#include "features/fisher.h"
#include "features/view.h"

enum { COARSE_SIDE = KIN_VIEW_SIDE / 2, LENGTH = KIN_FISHER_LENGTH(32, 20 + 2) };

static void encode(const kin_dictionary *dictionary, const kin_raster *grey, float *out)
{
    kin_fisher_encode(dictionary, &(kin_field){grey->px, grey->width, grey->height, 1}, out);
}

static kin_status describe_fine(const kin_view *view, float *out, kin_error *err)
{
    (void)err;
    encode(&kin_dictionary_fine, &view->square, out);
    return KIN_OK;
}

static kin_status describe_coarse(const kin_view *view, float *out, kin_error *err)
{
    kin_raster half = {0};
    kin_status status = kin_raster_resample(&view->square, COARSE_SIDE, COARSE_SIDE, &half, err);
    if (status == KIN_OK)
        encode(&kin_dictionary_coarse, &half, out);
    kin_raster_release(&half);
    return status;
}

const kin_family kin_family_fisher_fine = {
    .name = "fisher-fine",
    .version = 1,
    .length = LENGTH,
    .weight = 3,
    .since_classic = true,
    .describe = describe_fine,
};

const kin_family kin_family_fisher_coarse = {
    .name = "fisher-coarse",
    .version = 1,
    .length = LENGTH,
    .weight = 3,
    .since_classic = true,
    .describe = describe_coarse,
};
