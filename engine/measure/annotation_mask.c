#include "measure/annotation_mask.h"

#include <math.h>
#include <stdlib.h>

#include "volume/series.h"

/* Where regions are drawn. */
typedef struct kin_drawing {
    const kin_volume *image;
    kin_volume *to;
    int label;
    size_t drawn;
} kin_drawing;

/* A point of the shape's plane, mm; false where none is known. */
static bool shape_place(const kin_shape *shape, double out[3])
{
    const double *from = NULL;
    if (shape->kind == KIN_SHAPE_MASK && shape->plane.known)
        from = shape->plane.origin;
    else if (shape->kind == KIN_SHAPE_OUTLINE_MM && shape->count > 0)
        from = shape->points;
    for (int x = 0; from != NULL && x < 3; x++)
        out[x] = from[x];
    return from != NULL;
}

/* The slice that the region lies in; -1 for none. */
static int slice_of(const kin_region *region, const kin_volume *image)
{
    double place[3], along = 0.0;
    if (region->shape_count == 0 || !shape_place(&region->shapes[0], place))
        return -1;
    for (int x = 0; x < 3; x++)
        along += (place[x] - image->origin[x]) * image->direction[2][x];
    double slice = round(along / image->spacing[2]);
    return slice >= 0.0 && slice < image->size[2] ? (int)slice : -1;
}

static void mark(kin_drawing *drawing, const kin_mask *mask, int k, uint32_t number)
{
    size_t each = (size_t)mask->width * (size_t)mask->height;
    float *to = drawing->to->voxels + (size_t)k * each;
    bool wanted = (int64_t)number == drawing->label;
    for (size_t v = 0; v < each; v++)
        if (mask->in[v] && (wanted || (int)to[v] != drawing->label))
            to[v] = (float)number;
}

static kin_status draw(void *ctx, kin_region *region, kin_error *err)
{
    kin_drawing *drawing = ctx;
    kin_plane plane;
    kin_mask mask = {0};
    bool empty = false;
    int k = slice_of(region, drawing->image);
    if (k < 0)
        return KIN_OK;
    kin_volume_plane(drawing->image, k, &plane);
    kin_status status = kin_region_draw(region, &plane, drawing->image->size[0],
                                        drawing->image->size[1], &mask, &empty, err);
    if (status == KIN_OK && !empty) {
        mark(drawing, &mask, k, region->number);
        drawing->drawn++;
    }
    kin_mask_release(&mask);
    return status;
}

static kin_status lay_out(const kin_volume *image, kin_volume *out, kin_error *err)
{
    kin_status status = kin_volume_init(out, image->size, err);
    for (int a = 0; status == KIN_OK && a < 3; a++) {
        out->spacing[a] = image->spacing[a];
        out->origin[a] = image->origin[a];
        for (int x = 0; x < 3; x++)
            out->direction[a][x] = image->direction[a][x];
    }
    return status;
}

kin_status kin_annotation_mask(kin_dicom *annotation, const kin_volume *image, int label,
                               kin_volume *out, kin_error *err)
{
    kin_drawing drawing = {.image = image, .to = out, .label = label};
    const kin_region_sink sink = {.region = draw, .ctx = &drawing};
    *out = (kin_volume){0};
    kin_status status = lay_out(image, out, err);
    if (status == KIN_OK)
        status = kin_dicom_annotations_read(annotation, &sink, NULL, err);
    if (status == KIN_OK && drawing.drawn == 0)
        status = kin_fail(err, KIN_E_NOT_FOUND, NULL, "none of its regions lies on the image");
    if (status != KIN_OK)
        kin_volume_release(out);
    return status;
}
