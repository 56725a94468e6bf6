#include "decode/wish.h"

#include "features/occlude.h"

kin_status kin_wish_check(const kin_decode_wish *wish, kin_error *err)
{
    if (wish == NULL)
        return KIN_OK;
    if (wish->region != NULL && (wish->region->width == 0 || wish->region->height == 0))
        return kin_fail(err, KIN_E_ARG, NULL, "region: has no pixels");
    if (wish->preview_side > KIN_DECODE_PREVIEW_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "preview: a side of %u is over the limit of %d",
                        (unsigned)wish->preview_side, KIN_DECODE_PREVIEW_MAX);
    if (wish->occlude != 0 && (wish->occlude < 2 || wish->occlude > KIN_OCCLUDE_SIDE_MAX))
        return kin_fail(err, KIN_E_ARG, NULL, "occlude: a grid has 2 to %d cells a side",
                        KIN_OCCLUDE_SIDE_MAX);
    if (wish->occlude != 0 && (!wish->one_frame || wish->region != NULL))
        return kin_fail(err, KIN_E_ARG, NULL, "occlude: of one whole frame only");
    if (wish->region_count > KIN_DECODE_REGIONS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "regions: %zu are over the limit of %d",
                        wish->region_count, (int)KIN_DECODE_REGIONS_MAX);
    if (wish->region_count > 0 && wish->region != NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "regions: not together with one that is cut out");
    if (wish->marked_only && wish->region_count == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "marked_only: nothing is marked");
    if (wish->marked_only && wish->occlude != 0)
        return kin_fail(err, KIN_E_ARG, NULL, "marked_only: not while places are hidden");
    if (wish->as_mask && (wish->region_count > 0 || wish->region != NULL))
        return kin_fail(err, KIN_E_ARG, NULL, "mask: has no regions");
    return KIN_OK;
}

kin_decode_wish kin_wish_effective(const kin_decode_wish *wish)
{
    return wish != NULL ? *wish : (kin_decode_wish){0};
}

kin_status kin_wish_frames(const kin_decode_wish *wish, int frames, int *first, int *count,
                           kin_error *err)
{
    *first = 0;
    *count = frames;
    if (!wish->one_frame)
        return KIN_OK;
    *count = 0;
    if (frames < 1 || wish->frame >= (uint32_t)frames)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "the file has no frame %u",
                        (unsigned)wish->frame);
    *first = (int)wish->frame;
    *count = 1;
    return KIN_OK;
}

bool kin_wish_fits(const kin_decode_wish *wish, uint32_t width, uint32_t height)
{
    const kin_decode_region *region = wish->region;
    return region == NULL || ((uint64_t)region->x + region->width <= width &&
                              (uint64_t)region->y + region->height <= height);
}
