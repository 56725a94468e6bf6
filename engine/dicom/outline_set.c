#include "dicom/outline_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct kin_outline {
    kin_image_reference image; /* "" where none is named */
    double height;             /* of its plane above the origin, where no image is named */
    size_t order;              /* as it came */
    kin_shape shape;
};

/* Planes closer than this are one: coordinates are rounded decimals. */
static const double one_plane_mm = 0.01;

/* The height of a closed outline's plane over the origin: along its normal (Newell's method), whose
 * largest part counts as positive, so that the way it is wound does not matter. */
static double height_of(const double *points, size_t count)
{
    double normal[3] = {0}, middle[3] = {0};
    for (size_t i = 0; i < count; i++) {
        const double *a = points + 3 * i, *b = points + 3 * (i + 1 < count ? i + 1 : 0);
        for (int k = 0; k < 3; k++) {
            int u = (k + 1) % 3, v = (k + 2) % 3;
            normal[k] += (a[u] - b[u]) * (a[v] + b[v]);
            middle[k] += a[k] / (double)count;
        }
    }
    int largest = 0;
    for (int k = 1; k < 3; k++)
        if (fabs(normal[k]) > fabs(normal[largest]))
            largest = k;
    double length = sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
    double along = normal[0] * middle[0] + normal[1] * middle[1] + normal[2] * middle[2];
    double height = normal[largest] < 0 ? -along / length : along / length;
    return isfinite(height) ? height : 0; /* no plane at all: it has no area either */
}

kin_status kin_outline_add(kin_outline_set *set, kin_shape_kind kind, double *points, size_t count,
                           const kin_image_reference *image, kin_error *err)
{
    if (set->count == KIN_OUTLINES_MAX || set->points + count > KIN_ANNOTATION_POINTS_MAX) {
        free(points);
        return kin_fail(err, KIN_E_LIMIT, NULL, "a region of too many outlines or points");
    }
    if (set->count == set->room) {
        size_t room = set->room > 0 ? 2 * set->room : 16;
        kin_outline *list = realloc(set->list, room * sizeof *list);
        if (list == NULL) {
            free(points);
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for outlines");
        }
        set->list = list;
        set->room = room;
    }
    kin_outline *outline = &set->list[set->count];
    *outline = (kin_outline){.image = {.frame = KIN_REGION_ANY_FRAME},
                             .order = set->count++,
                             .shape = {.kind = kind, .points = points, .count = count}};
    set->points += count;
    if (image != NULL && image->sop_instance_uid[0] != '\0')
        outline->image = *image;
    else if (kind == KIN_SHAPE_OUTLINE_MM)
        outline->height = height_of(points, count);
    return KIN_OK;
}

static int compare(double a, double b)
{
    return a < b ? -1 : a > b;
}

static int by_place(const void *a, const void *b)
{
    const kin_outline *x = a, *y = b;
    int order = strcmp(x->image.sop_instance_uid, y->image.sop_instance_uid);
    if (order == 0)
        order = compare(x->image.frame, y->image.frame);
    if (order == 0)
        order = compare(x->height, y->height);
    return order != 0 ? order : compare((double)x->order, (double)y->order);
}

static bool is_one_place(const kin_outline *a, const kin_outline *b)
{
    return strcmp(a->image.sop_instance_uid, b->image.sop_instance_uid) == 0 &&
           a->image.frame == b->image.frame && fabs(a->height - b->height) <= one_plane_mm;
}

/* Moves `count` outlines into the region. */
static kin_status take_shapes(kin_outline *outlines, size_t count, kin_region *region,
                              kin_error *err)
{
    region->shapes = calloc(count, sizeof *region->shapes);
    if (region->shapes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    for (size_t i = 0; i < count; i++) {
        region->shapes[i] = outlines[i].shape;
        outlines[i].shape.points = NULL;
    }
    region->shape_count = count;
    return KIN_OK;
}

kin_status kin_outline_emit(kin_outline_set *set, kin_annotation_reader *reader,
                            const kin_finding *finding, const char *series_instance_uid,
                            const char *frame_of_reference_uid, kin_error *err)
{
    kin_status status = KIN_OK;
    if (set->count > 1)
        qsort(set->list, set->count, sizeof *set->list, by_place);
    for (size_t from = 0, to; status == KIN_OK && from < set->count; from = to) {
        kin_outline *first = &set->list[from];
        kin_region region;
        for (to = from + 1; to < set->count && is_one_place(&set->list[to - 1], &set->list[to]);)
            to++;
        status = kin_annotation_begin(finding, first->image.sop_instance_uid, series_instance_uid,
                                      frame_of_reference_uid, &region, err);
        if (status == KIN_OK)
            status = take_shapes(first, to - from, &region, err);
        region.frame = first->image.frame;
        if (status == KIN_OK)
            status = kin_annotation_emit(reader, &region, err);
        else
            kin_region_release(&region);
    }
    kin_outline_release(set);
    return status;
}

void kin_outline_release(kin_outline_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->list[i].shape.points);
    free(set->list);
    memset(set, 0, sizeof *set);
}
