#include "decode/regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/parts.h"

static kin_status append(kin_marked_list *marked, kin_decode_marked one, kin_error *err)
{
    if (marked->count == marked->room) {
        size_t room = marked->room > 0 ? 2 * marked->room : 8;
        kin_decode_marked *list = realloc(marked->list, room * sizeof *list);
        if (list == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for regions");
        marked->list = list;
        marked->room = room;
    }
    marked->list[marked->count++] = one;
    return KIN_OK;
}

void kin_marked_release(kin_marked_list *marked)
{
    for (size_t i = 0; i < marked->count; i++)
        free((void *)(uintptr_t)marked->list[i].descriptor);
    free(marked->list);
    *marked = (kin_marked_list){0};
}

static kin_status describe_one(const kin_extractor *extractor, const kin_raster *raster,
                               const kin_mask *mask, const float *whole, kin_decode_marked one,
                               kin_marked_list *out, kin_error *err)
{
    kin_box box;
    float *descriptor = calloc(kin_extractor_length(extractor), sizeof *descriptor);
    if (descriptor == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a descriptor");
    kin_status status = kin_describe_region(extractor, raster, mask, kin_part_weights_default(),
                                            whole, descriptor, err);
    kin_mask_box(mask, &box);
    one.x = (uint32_t)box.x;
    one.y = (uint32_t)box.y;
    one.width = (uint32_t)box.width;
    one.height = (uint32_t)box.height;
    one.area = kin_mask_area(mask);
    one.descriptor = descriptor;
    if (status == KIN_OK)
        status = append(out, one, err);
    if (status != KIN_OK)
        free(descriptor);
    return status;
}

/* Whether a region is for the frame of that number. */
static bool is_for(const kin_region *region, uint32_t index)
{
    return region->frame == index || region->frame == KIN_REGION_ANY_FRAME;
}

kin_status kin_marked_any(const kin_decode_wish *wish, uint32_t index, int width, int height,
                          const kin_plane *plane, bool *any, kin_error *err)
{
    kin_status status = KIN_OK;
    *any = false;
    for (size_t i = 0; status == KIN_OK && !*any && i < wish->region_count; i++) {
        const kin_region *region = &wish->regions[i];
        kin_mask mask;
        bool empty = false;
        if (!is_for(region, index))
            continue;
        if (width > 0) {
            status = kin_region_draw(region, plane, width, height, &mask, &empty, err);
            kin_mask_release(&mask);
        }
        *any = status == KIN_OK && !empty;
    }
    return status;
}

kin_status kin_marked_describe(const kin_extractor *extractor, const kin_decode_wish *wish,
                               uint32_t index, const kin_raster *raster, const kin_plane *plane,
                               const float *whole, kin_marked_list *out, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < wish->region_count; i++) {
        const kin_region *region = &wish->regions[i];
        kin_mask mask;
        bool empty = true;
        if (!is_for(region, index))
            continue;
        status = kin_region_draw(region, plane, raster->width, raster->height, &mask, &empty, err);
        if (status == KIN_OK && !empty)
            status =
                describe_one(extractor, raster, &mask, whole,
                             (kin_decode_marked){.index = i, .number = region->number}, out, err);
        kin_mask_release(&mask);
    }
    return status;
}

/* Marks the bright half; KIN_E_FORMAT where nothing is bright. */
static kin_status mark_bright(const kin_raster *grey, kin_mask *mask, kin_error *err)
{
    size_t n = (size_t)grey->width * (size_t)grey->height;
    float brightest = 0;
    for (size_t i = 0; i < n; i++)
        brightest = fmaxf(brightest, grey->px[i]);
    if (!(brightest > 0))
        return kin_fail(err, KIN_E_FORMAT, NULL, "a mask that marks nothing");
    for (size_t i = 0; i < n; i++)
        mask->in[i] = grey->px[i] >= brightest / 2;
    return KIN_OK;
}

kin_status kin_region_of_raster(const kin_raster *raster, uint32_t index, kin_region *out,
                                kin_error *err)
{
    kin_raster grey = {0};
    *out = (kin_region){.frame = index};
    kin_status status = kin_raster_grey(raster, &grey, err);
    if (status == KIN_OK) {
        out->shapes = calloc(1, sizeof *out->shapes);
        if (out->shapes == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a mask");
    }
    if (status == KIN_OK) {
        out->shape_count = 1;
        out->shapes[0].kind = KIN_SHAPE_MASK;
        status = kin_mask_init(&out->shapes[0].mask, grey.width, grey.height, err);
    }
    if (status == KIN_OK)
        status = mark_bright(&grey, &out->shapes[0].mask, err);
    kin_raster_release(&grey);
    if (status != KIN_OK)
        kin_region_release(out);
    return status;
}
