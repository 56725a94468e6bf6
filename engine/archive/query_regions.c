#include "archive/query_regions.h"

#include <stdlib.h>
#include <string.h>

/* Pages of all masks together. */
enum { REGIONS_MAX = 1024 };

void kin_query_regions_release(kin_query_regions *regions)
{
    for (size_t i = 0; i < regions->count; i++)
        kin_region_release(&regions->list[i]);
    free(regions->list);
    *regions = (kin_query_regions){0};
}

/* Moves a region to the end of the list. */
static kin_status append(kin_query_regions *regions, kin_region *region, kin_error *err)
{
    if (regions->count == REGIONS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "region: masks have more than %d pages", REGIONS_MAX);
    kin_region *list = realloc(regions->list, (regions->count + 1) * sizeof *list);
    if (list == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for regions");
    regions->list = list;
    list[regions->count] = *region;
    list[regions->count++].frame = KIN_REGION_ANY_FRAME;
    *region = (kin_region){0};
    return KIN_OK;
}

static kin_status append_box(kin_query_regions *regions, const kin_decode_region *box,
                             kin_error *err)
{
    double left = box->x, top = box->y;
    double right = left + box->width, bottom = top + box->height;
    const double corners[] = {left, top, right, top, right, bottom, left, bottom};
    kin_region region = {.shape_count = 1};
    if (box->width == 0 || box->height == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "region: has no pixels");
    region.shapes = calloc(1, sizeof *region.shapes);
    double *points = malloc(sizeof corners);
    kin_status status = KIN_OK;
    if (region.shapes == NULL || points == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
        free(points);
        region.shape_count = 0;
    } else {
        memcpy(points, corners, sizeof corners);
        *region.shapes = (kin_shape){.kind = KIN_SHAPE_OUTLINE, .points = points, .count = 4};
        status = append(regions, &region, err);
    }
    kin_region_release(&region);
    return status;
}

static kin_status ignore_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)ctx;
    (void)header;
    (void)err;
    return KIN_OK;
}

static kin_status take_region(void *ctx, kin_region *region, kin_error *err)
{
    return append(ctx, region, err);
}

static kin_status append_mask(kin_decoder *decoder, const kin_query_part *part,
                              kin_query_regions *regions, kin_error *err)
{
    const kin_decode_wish wish = {.as_mask = true};
    const kin_decode_sink sink = {.header = ignore_header, .region = take_region, .ctx = regions};
    return part->bytes != NULL ? kin_decoder_run_bytes(decoder, part->bytes, part->size, part->mask,
                                                       &wish, &sink, err)
                               : kin_decoder_run(decoder, part->mask, &wish, &sink, err);
}

kin_status kin_query_regions_read(kin_decoder *decoder, const kin_query_part *parts, size_t count,
                                  kin_query_regions *out, kin_error *err)
{
    kin_status status = KIN_OK;
    *out = (kin_query_regions){0};
    if (count > KIN_QUERY_PARTS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "region: %zu are too many, %d the limit", count,
                        KIN_QUERY_PARTS_MAX);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = parts[i].mask != NULL ? append_mask(decoder, &parts[i], out, err)
                                       : append_box(out, &parts[i].box, err);
    if (status != KIN_OK)
        kin_query_regions_release(out);
    return status;
}

kin_status kin_query_regions_check(const kin_query_regions *regions, uint32_t width,
                                   uint32_t height, kin_error *err)
{
    for (size_t i = 0; i < regions->count; i++) {
        const kin_shape *shape = regions->list[i].shapes;
        /* Of a box the third corner is the farthest; masks of another size are told elsewhere. */
        if (shape->kind == KIN_SHAPE_OUTLINE &&
            (shape->points[4] > width || shape->points[5] > height))
            return kin_fail(err, KIN_E_ARG, NULL, "region: lies outside the frame of %u x %u",
                            (unsigned)width, (unsigned)height);
    }
    return KIN_OK;
}
