#include "dicom/region.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

static void release_shape(kin_shape *shape)
{
    kin_mask_release(&shape->mask);
    free(shape->points);
}

void kin_region_release(kin_region *region)
{
    for (size_t i = 0; i < region->shape_count; i++)
        release_shape(&region->shapes[i]);
    free(region->shapes);
    free(region->sop_instance_uid);
    free(region->series_instance_uid);
    free(region->frame_of_reference_uid);
    free(region->label);
    free(region->code);
    free(region->site);
    free(region->tracking_uid);
    free(region->segmentation_uid);
    memset(region, 0, sizeof *region);
}

/* A copy of `bytes` bytes; NULL stays NULL.  False when memory is gone. */
static bool copy_bytes(const void *from, size_t bytes, void **out)
{
    *out = NULL;
    if (from == NULL || bytes == 0)
        return true;
    *out = malloc(bytes);
    if (*out != NULL)
        memcpy(*out, from, bytes);
    return *out != NULL;
}

static bool copy_text(const char *from, char **out)
{
    void *copy;
    bool done = copy_bytes(from, from != NULL ? strlen(from) + 1 : 0, &copy);
    *out = copy;
    return done;
}

static bool copy_shape(const kin_shape *from, kin_shape *out)
{
    void *in, *points;
    size_t numbers = from->kind == KIN_SHAPE_OUTLINE_MM ? 3 : 2, bytes;
    *out = (kin_shape){.kind = from->kind, .plane = from->plane, .of_frame = from->of_frame};
    if (!copy_bytes(from->mask.in, (size_t)from->mask.width * (size_t)from->mask.height, &in))
        return false;
    out->mask = (kin_mask){from->mask.width, from->mask.height, in};
    if (!kin_mul_size(from->count, numbers * sizeof(double), &bytes) ||
        !copy_bytes(from->points, bytes, &points))
        return false;
    out->points = points;
    out->count = from->count;
    return true;
}

static bool copy_shapes(const kin_region *from, kin_region *out)
{
    if (from->shape_count == 0)
        return true;
    out->shapes = calloc(from->shape_count, sizeof *out->shapes);
    if (out->shapes == NULL)
        return false;
    for (size_t i = 0; i < from->shape_count; i++) {
        out->shape_count++; /* what is half made is released, too */
        if (!copy_shape(&from->shapes[i], &out->shapes[i]))
            return false;
    }
    return true;
}

kin_status kin_region_copy(const kin_region *region, kin_region *out, kin_error *err)
{
    *out =
        (kin_region){.frame = region->frame, .number = region->number, .segment = region->segment};
    if (copy_text(region->sop_instance_uid, &out->sop_instance_uid) &&
        copy_text(region->series_instance_uid, &out->series_instance_uid) &&
        copy_text(region->frame_of_reference_uid, &out->frame_of_reference_uid) &&
        copy_text(region->label, &out->label) && copy_text(region->code, &out->code) &&
        copy_text(region->site, &out->site) &&
        copy_text(region->tracking_uid, &out->tracking_uid) &&
        copy_text(region->segmentation_uid, &out->segmentation_uid) && copy_shapes(region, out))
        return KIN_OK;
    kin_region_release(out);
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
}
