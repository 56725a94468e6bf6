/* region_draw.c - shapes onto the pixels of a frame (PS3.3 C.7.6.2.1.1). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "dicom/region.h"

/* Planes whose normals differ by more are not parallel: the cosine of one and a half degrees. */
static const double parallel_cosine = 0.99966;

/* Distances in mm come out of decimals that were rounded. */
static const double rounding_mm = 1e-3;

/* The frame that is drawn on. */
typedef struct kin_canvas {
    const kin_plane *plane; /* NULL where unknown */
    int matrix_column, matrix_row;
    int width, height;
} kin_canvas;

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void normal_of(const kin_plane *plane, double out[3])
{
    const double *a = plane->along_row, *b = plane->along_column;
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

/* How far a point is from the plane, along its normal. */
static double distance_to(const kin_plane *plane, const double point[3])
{
    double normal[3], away[3];
    normal_of(plane, normal);
    for (int i = 0; i < 3; i++)
        away[i] = point[i] - plane->origin[i];
    return dot(normal, away);
}

/* Whether what is that far from a plane lies in it. */
static bool is_near(double distance_mm, double thickness_mm)
{
    double half = fmax(thickness_mm / 2, KIN_PLANE_APART_MAX_MM);
    return fabs(distance_mm) <= half + rounding_mm;
}

/* (column, row) of a point in a frame's pixels, 0.5 at the centre of the first one. */
static void to_pixels(const kin_plane *plane, const double point[3], double out[2])
{
    double away[3];
    for (int i = 0; i < 3; i++)
        away[i] = point[i] - plane->origin[i];
    out[0] = dot(away, plane->along_row) / plane->spacing_x_mm + 0.5;
    out[1] = dot(away, plane->along_column) / plane->spacing_y_mm + 0.5;
}

/* The point at (x, y) of a frame's pixels. */
static void to_space(const kin_plane *plane, double x, double y, double out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = plane->origin[i] + (x - 0.5) * plane->spacing_x_mm * plane->along_row[i] +
                 (y - 0.5) * plane->spacing_y_mm * plane->along_column[i];
}

/* From a frame's pixels to a grid's: x' = at[0] + x * by_x[0] + y * by_y[0], y' likewise. */
typedef struct kin_grid_map {
    double at[2], by_x[2], by_y[2];
} kin_grid_map;

static kin_grid_map map_between(const kin_plane *from, const kin_plane *to)
{
    kin_grid_map map;
    double origin[3], right[3], down[3], x[2], y[2];
    to_space(from, 0, 0, origin);
    to_space(from, 1, 0, right);
    to_space(from, 0, 1, down);
    to_pixels(to, origin, map.at);
    to_pixels(to, right, x);
    to_pixels(to, down, y);
    for (int i = 0; i < 2; i++) {
        map.by_x[i] = x[i] - map.at[i];
        map.by_y[i] = y[i] - map.at[i];
    }
    return map;
}

/* Whether mask's grid lies in the frame's plane and reaches into the frame. */
static bool grids_meet(const kin_canvas *canvas, const kin_shape *shape)
{
    double ours[3], theirs[3], corner[2];
    const kin_plane *plane = canvas->plane;
    normal_of(plane, ours);
    normal_of(&shape->plane, theirs);
    if (fabs(dot(ours, theirs)) < parallel_cosine ||
        !is_near(distance_to(plane, shape->plane.origin),
                 fmax(plane->thickness_mm, shape->plane.thickness_mm)))
        return false;
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    kin_grid_map map = map_between(&shape->plane, plane);
    for (int k = 0; k < 4; k++) {
        double x = k % 2 == 0 ? 0 : shape->mask.width, y = k < 2 ? 0 : shape->mask.height;
        for (int i = 0; i < 2; i++) {
            corner[i] = map.at[i] + x * map.by_x[i] + y * map.by_y[i];
            low[i] = fmin(low[i], corner[i]);
            high[i] = fmax(high[i], corner[i]);
        }
    }
    return low[0] < canvas->width && high[0] > 0 && low[1] < canvas->height && high[1] > 0;
}

/* Marks the frame's pixels whose centres lie in marked pixels of the mask. */
static void sample_mask(const kin_plane *plane, const kin_shape *shape, kin_mask *out)
{
    const kin_mask *mask = &shape->mask;
    kin_grid_map map = map_between(plane, &shape->plane);
    for (int y = 0; y < out->height; y++) {
        uint8_t *row = out->in + (size_t)y * (size_t)out->width;
        for (int x = 0; x < out->width; x++) {
            double u = map.at[0] + (x + 0.5) * map.by_x[0] + (y + 0.5) * map.by_y[0];
            double v = map.at[1] + (x + 0.5) * map.by_x[1] + (y + 0.5) * map.by_y[1];
            if (u >= 0 && v >= 0 && u < mask->width && v < mask->height)
                row[x] |= mask->in[(size_t)v * (size_t)mask->width + (size_t)u];
        }
    }
}

/* The outline's points in the frame's pixels, from malloc. */
static kin_status project(const kin_canvas *canvas, const kin_shape *shape, double **out,
                          kin_error *err)
{
    double *xy = calloc(shape->count, 2 * sizeof *xy);
    *out = xy;
    if (xy == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an outline");
    for (size_t i = 0; i < shape->count; i++, xy += 2) {
        if (shape->kind == KIN_SHAPE_OUTLINE_MM) {
            to_pixels(canvas->plane, shape->points + 3 * i, xy);
            continue;
        }
        xy[0] = shape->points[2 * i] - canvas->matrix_column;
        xy[1] = shape->points[2 * i + 1] - canvas->matrix_row;
    }
    return KIN_OK;
}

/* Whether all of an outline in mm lies in the frame's plane. */
static bool lies_in_plane(const kin_plane *plane, const kin_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++)
        if (!is_near(distance_to(plane, shape->points + 3 * i), plane->thickness_mm))
            return false;
    return true;
}

static kin_status draw_outline(const kin_canvas *canvas, const kin_shape *shape, kin_mask *out,
                               kin_error *err)
{
    double *xy = NULL;
    if (shape->kind == KIN_SHAPE_OUTLINE) {
        kin_mask_add_polygon(out, shape->points, shape->count);
        return KIN_OK;
    }
    kin_status status = project(canvas, shape, &xy, err);
    if (status == KIN_OK)
        kin_mask_add_polygon(out, xy, shape->count);
    free(xy);
    return status;
}

/* Whether a mask is to be placed by the planes. */
static bool has_plane(const kin_canvas *canvas, const kin_shape *shape)
{
    bool one_grid = shape->of_frame && shape->mask.width == canvas->width &&
                    shape->mask.height == canvas->height;
    return canvas->plane != NULL && shape->plane.known && !one_grid;
}

/* Whether anything of a shape can be on the frame; KIN_E_ARG where nobody could say. */
static kin_status meets(const kin_canvas *canvas, const kin_shape *shape, bool *out, kin_error *err)
{
    const kin_mask *mask = &shape->mask;
    *out = true;
    if (shape->kind == KIN_SHAPE_MASK && has_plane(canvas, shape)) {
        *out = grids_meet(canvas, shape);
    } else if (shape->kind == KIN_SHAPE_MASK) {
        if (mask->width != canvas->width || mask->height != canvas->height)
            return kin_fail(err, KIN_E_ARG, NULL,
                            "region: a mask of %d x %d does not fit a frame of %d x %d",
                            mask->width, mask->height, canvas->width, canvas->height);
    } else if (shape->kind == KIN_SHAPE_OUTLINE_MM) {
        if (canvas->plane == NULL)
            return kin_fail(err, KIN_E_ARG, NULL,
                            "a region in space cannot be drawn on a frame without a position");
        *out = lies_in_plane(canvas->plane, shape);
    }
    return KIN_OK;
}

static kin_status draw_shape(const kin_canvas *canvas, const kin_shape *shape, kin_mask *out,
                             kin_error *err)
{
    size_t n = (size_t)out->width * (size_t)out->height;
    if (shape->kind != KIN_SHAPE_MASK)
        return draw_outline(canvas, shape, out, err);
    if (has_plane(canvas, shape))
        sample_mask(canvas->plane, shape, out);
    else
        for (size_t i = 0; i < n; i++)
            out->in[i] |= shape->mask.in[i];
    return KIN_OK;
}

kin_status kin_region_draw(const kin_region *region, const kin_plane *plane, int width, int height,
                           kin_mask *out, bool *empty, kin_error *err)
{
    const kin_canvas canvas = {.plane = plane != NULL && plane->known ? plane : NULL,
                               .matrix_column = plane != NULL ? plane->matrix_column : 0,
                               .matrix_row = plane != NULL ? plane->matrix_row : 0,
                               .width = width,
                               .height = height};
    kin_status status = KIN_OK;
    kin_box box;
    memset(out, 0, sizeof *out);
    *empty = true;
    for (size_t i = 0; status == KIN_OK && i < region->shape_count; i++) {
        bool there;
        status = meets(&canvas, &region->shapes[i], &there, err);
        if (status != KIN_OK || !there)
            continue;
        if (out->in == NULL)
            status = kin_mask_init(out, width, height, err);
        if (status == KIN_OK)
            status = draw_shape(&canvas, &region->shapes[i], out, err);
    }
    if (status == KIN_OK && out->in != NULL)
        *empty = !kin_mask_box(out, &box);
    if (status != KIN_OK || *empty)
        kin_mask_release(out);
    return status;
}
