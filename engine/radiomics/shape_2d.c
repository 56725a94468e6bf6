/*
 * shape_2d.c - the shape of the region within its largest slice (k constant).
 *
 * The manual defines shapes in space only.  These are PyRadiomics' features of the same names (van
 * Griethuysen et al., Cancer Research 77 (2017) e104): the outline by marching squares, half-way
 * between pixels inside and outside, the axes from the pixels' centres.
 */
#include <math.h>
#include <stdlib.h>

#include "radiomics/axes.h"
#include "radiomics/family.h"

enum {
    SURFACE_MESH,
    SURFACE_PIXELS,
    PERIMETER,
    PERIMETER_TO_SURFACE,
    SPHERICITY,
    SPHERICAL_DISPROPORTION,
    MAXIMUM_DIAMETER,
    MAJOR_AXIS,
    MINOR_AXIS,
    ELONGATION,
    FEATURE_COUNT
};

static const kin_feature features[FEATURE_COUNT] = {
    [SURFACE_MESH] = {"mesh_surface", ""},
    [SURFACE_PIXELS] = {"pixel_surface", ""},
    [PERIMETER] = {"perimeter", ""},
    [PERIMETER_TO_SURFACE] = {"perimeter_surface_ratio", ""},
    [SPHERICITY] = {"sphericity", ""},
    [SPHERICAL_DISPROPORTION] = {"spherical_disproportion", ""},
    [MAXIMUM_DIAMETER] = {"maximum_diameter", ""},
    [MAJOR_AXIS] = {"major_axis_length", ""},
    [MINOR_AXIS] = {"minor_axis_length", ""},
    [ELONGATION] = {"elongation", ""}};

static bool is_inside(const kin_roi *roi, int i, int j, int k)
{
    return i >= 0 && j >= 0 && i < roi->size[0] && j < roi->size[1] &&
           roi->shape[kin_roi_at(roi, i, j, k)] != 0;
}

static int largest_slice(const kin_roi *roi, size_t *pixels)
{
    size_t each = (size_t)roi->size[0] * (size_t)roi->size[1];
    int largest = 0;
    *pixels = 0;
    for (int k = 0; k < roi->size[2]; k++) {
        size_t count = 0;
        for (size_t v = 0; v < each; v++)
            count += roi->shape[(size_t)k * each + v];
        if (count > *pixels) {
            *pixels = count;
            largest = k;
        }
    }
    return largest;
}

/* One square between four pixels: what of it is inside (in pixels), and the outline across it (mm).
 * Two pixels inside that face each other across it belong together. */
static void march(const kin_roi *roi, int i, int j, int k, double *surface, double *outline)
{
    bool a = is_inside(roi, i, j, k), b = is_inside(roi, i + 1, j, k);
    bool c = is_inside(roi, i + 1, j + 1, k), d = is_inside(roi, i, j + 1, k);
    double corner = 0.5 * hypot(roi->spacing[0], roi->spacing[1]);
    switch (a + b + c + d) {
    case 1:
        *surface += 0.125;
        *outline += corner;
        break;
    case 2:
        *surface += a == c ? 0.75 : 0.5;
        *outline += a == c ? 2.0 * corner : a == b ? roi->spacing[0] : roi->spacing[1];
        break;
    case 3:
        *surface += 0.875;
        *outline += corner;
        break;
    case 4:
        *surface += 1.0;
        break;
    default:
        break;
    }
}

typedef struct kin_point {
    double x, y; /* mm */
} kin_point;

/* The outline's first and last point on one line of pixels, along axis 0 (a row) or 1 (a column);
 * false where the line misses the region. */
static bool ends_of_line(const kin_roi *roi, int k, int axis, int line, kin_point ends[2])
{
    int low = -1, high = -1;
    for (int p = 0; p < roi->size[axis]; p++) {
        if (!is_inside(roi, axis == 0 ? p : line, axis == 0 ? line : p, k))
            continue;
        low = low < 0 ? p : low;
        high = p;
    }
    for (int e = 0; e < 2; e++) {
        double along = (e == 0 ? low - 0.5 : high + 0.5) * roi->spacing[axis];
        double across = line * roi->spacing[1 - axis];
        ends[e] = (kin_point){axis == 0 ? along : across, axis == 0 ? across : along};
    }
    return low >= 0;
}

/* Between the two points of the outline that are farthest from each other: both are ends of a row
 * or of a column. */
static kin_status measure_diameter(const kin_roi *roi, int k, double *out, kin_error *err)
{
    size_t count = 0;
    kin_point *points = malloc(2 * ((size_t)roi->size[0] + (size_t)roi->size[1]) * sizeof *points);
    *out = 0.0;
    if (points == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slice's outline");
    for (int axis = 0; axis < 2; axis++)
        for (int line = 0; line < roi->size[1 - axis]; line++)
            if (ends_of_line(roi, k, axis, line, points + count))
                count += 2;
    for (size_t p = 0; p < count; p++)
        for (size_t q = p + 1; q < count; q++)
            *out = fmax(*out, hypot(points[p].x - points[q].x, points[p].y - points[q].y));
    free(points);
    return KIN_OK;
}

static void measure_axes(const kin_roi *roi, int k, size_t pixels, double *values)
{
    double mean[2] = {0}, covariance[3][3] = {0}, eigenvalue[3], n = (double)pixels;
    for (int j = 0; j < roi->size[1]; j++)
        for (int i = 0; i < roi->size[0]; i++)
            if (is_inside(roi, i, j, k)) {
                mean[0] += i * roi->spacing[0] / n;
                mean[1] += j * roi->spacing[1] / n;
            }
    for (int j = 0; j < roi->size[1]; j++)
        for (int i = 0; i < roi->size[0]; i++)
            if (is_inside(roi, i, j, k)) {
                double x = i * roi->spacing[0] - mean[0], y = j * roi->spacing[1] - mean[1];
                covariance[0][0] += x * x / n;
                covariance[1][1] += y * y / n;
                covariance[0][1] += x * y / n;
            }
    covariance[1][0] = covariance[0][1];
    kin_symmetric_eigenvalues(covariance, eigenvalue);
    values[MAJOR_AXIS] = 4.0 * sqrt(eigenvalue[0]);
    values[MINOR_AXIS] = 4.0 * sqrt(eigenvalue[1]);
    values[ELONGATION] = eigenvalue[0] > 0.0 ? sqrt(eigenvalue[1] / eigenvalue[0]) : NAN;
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    double values[FEATURE_COUNT] = {0}, surface = 0.0, outline = 0.0;
    double pixel = roi->spacing[0] * roi->spacing[1];
    size_t pixels;
    int k = largest_slice(roi, &pixels);
    for (int j = -1; j < roi->size[1]; j++)
        for (int i = -1; i < roi->size[0]; i++)
            march(roi, i, j, k, &surface, &outline);
    values[SURFACE_MESH] = surface * pixel;
    values[SURFACE_PIXELS] = (double)pixels * pixel;
    values[PERIMETER] = outline;
    values[PERIMETER_TO_SURFACE] = outline / values[SURFACE_MESH];
    values[SPHERICITY] = 2.0 * sqrt(M_PI * values[SURFACE_MESH]) / outline;
    values[SPHERICAL_DISPROPORTION] = 1.0 / values[SPHERICITY];
    measure_axes(roi, k, pixels, values);
    kin_status status = measure_diameter(roi, k, &values[MAXIMUM_DIAMETER], err);
    return status == KIN_OK ? kin_report_add(report, KIN_AGGREGATION_SLICE, values, err) : status;
}

const kin_radiomics_family kin_radiomics_shape_2d_family = {"shape_2d", features, FEATURE_COUNT,
                                                            compute};
