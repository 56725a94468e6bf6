/* slices.c - whether slices make a regular grid, and which. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "volume/series.h"

/* Decimal strings hold positions and directions to a few digits: what differs by less is alike. */
#define DIRECTION_TOLERANCE   1e-3 /* of a unit vector's components */
#define SPACING_TOLERANCE     1e-3 /* of a pixel's side, relative */
#define POSITION_TOLERANCE_MM 0.02
#define GAP_TOLERANCE         0.02 /* of the distance between slices, relative */

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double u[3], const double v[3], double out[3])
{
    for (int x = 0; x < 3; x++)
        out[x] = u[(x + 1) % 3] * v[(x + 2) % 3] - u[(x + 2) % 3] * v[(x + 1) % 3];
}

static bool same_direction(const double a[3], const double b[3])
{
    for (int x = 0; x < 3; x++)
        if (!(fabs(a[x] - b[x]) <= DIRECTION_TOLERANCE))
            return false;
    return true;
}

static bool same_length(double a, double b)
{
    return fabs(a - b) <= SPACING_TOLERANCE * b;
}

static kin_status check_plane(const kin_plane *plane, kin_error *err)
{
    if (!plane->known)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "a slice does not say where it lies (image position and orientation)");
    if (!(plane->spacing_x_mm > 0.0) || !(plane->spacing_y_mm > 0.0))
        return kin_fail(err, KIN_E_FORMAT, NULL, "a slice does not say how large its pixels are");
    if (fabs(dot(plane->along_row, plane->along_column)) > DIRECTION_TOLERANCE)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "a slice's rows and columns are not at right "
                        "angles");
    return KIN_OK;
}

static kin_status check_alike(const kin_slice *slice, const kin_slice *first, kin_error *err)
{
    const kin_plane *plane = &slice->plane, *other = &first->plane;
    if (slice->columns != first->columns || slice->rows != first->rows)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "its slices are of different sizes: %d x %d and %d x %d", first->columns,
                        first->rows, slice->columns, slice->rows);
    if (!same_direction(plane->along_row, other->along_row) ||
        !same_direction(plane->along_column, other->along_column))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "its slices have different orientations (a localizer, or several stacks)");
    if (!same_length(plane->spacing_x_mm, other->spacing_x_mm) ||
        !same_length(plane->spacing_y_mm, other->spacing_y_mm))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "its slices have pixels of different sizes");
    return KIN_OK;
}

/* A slice and its place along the normal. */
typedef struct kin_placed {
    double at;
    kin_slice slice;
} kin_placed;

static int by_place(const void *a, const void *b)
{
    double x = ((const kin_placed *)a)->at, y = ((const kin_placed *)b)->at;
    return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The distance that most neighbours keep: half of them are at most so far apart. */
static kin_status usual_gap(const kin_placed *placed, size_t count, double *out, kin_error *err)
{
    double *gaps = malloc((count - 1) * sizeof *gaps);
    if (gaps == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to order %zu slices", count);
    for (size_t i = 1; i < count; i++)
        gaps[i - 1] = placed[i].at - placed[i - 1].at;
    qsort(gaps, count - 1, sizeof *gaps, by_value);
    *out = gaps[(count - 2) / 2];
    free(gaps);
    return KIN_OK;
}

static kin_status check_gaps(const kin_placed *placed, size_t count, double *spacing,
                             kin_error *err)
{
    double usual = 0.0;
    for (size_t i = 1; i < count; i++)
        if (placed[i].at - placed[i - 1].at < POSITION_TOLERANCE_MM)
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                            "two of its slices lie at one place, %.2f mm along the stack (phases, "
                            "echoes, or a file twice?)",
                            placed[i].at - placed[0].at);
    kin_status status = usual_gap(placed, count, &usual, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 1; i < count; i++) {
        double gap = placed[i].at - placed[i - 1].at, times = gap / usual;
        double allowed = GAP_TOLERANCE * usual + POSITION_TOLERANCE_MM;
        if (fabs(gap - usual) <= allowed)
            continue;
        if (times > 1.5 && fabs(times - round(times)) * usual <= allowed)
            return kin_fail(err, KIN_E_FORMAT, NULL,
                            "slices are missing: %.0f between %.2f and %.2f mm along the stack",
                            round(times) - 1.0, placed[i - 1].at - placed[0].at,
                            placed[i].at - placed[0].at);
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "its slices are not evenly spaced: %.3f mm apart, then %.3f", usual, gap);
    }
    *spacing = (placed[count - 1].at - placed[0].at) / (double)(count - 1);
    return KIN_OK;
}

/* Slices must lie straight above each other: what is shifted is a tilted gantry's stack. */
static kin_status check_straight(const kin_placed *placed, size_t count, const double normal[3],
                                 kin_error *err)
{
    for (size_t i = 1; i < count; i++) {
        double off = 0.0, along = placed[i].at - placed[0].at;
        for (int x = 0; x < 3; x++) {
            double shift = placed[i].slice.plane.origin[x] - placed[0].slice.plane.origin[x] -
                           along * normal[x];
            off += shift * shift;
        }
        double allowed = POSITION_TOLERANCE_MM + DIRECTION_TOLERANCE * along;
        if (sqrt(off) > allowed)
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                            "its slices are shifted against each other (a tilted gantry): %.2f mm "
                            "over %.2f mm, %.1f degrees",
                            sqrt(off), along, atan2(sqrt(off), along) * 180.0 / M_PI);
    }
    return KIN_OK;
}

static kin_status single_slice(const kin_placed *placed, double *spacing, kin_error *err)
{
    *spacing = placed[0].slice.plane.thickness_mm;
    if (!(*spacing > 0.0))
        return kin_fail(err, KIN_E_FORMAT, NULL, "its only slice does not say how thick it is");
    return KIN_OK;
}

static kin_status order(kin_placed *placed, size_t count, kin_slice *slices, kin_volume *out,
                        kin_error *err)
{
    double normal[3], spacing = 0.0;
    cross(slices[0].plane.along_row, slices[0].plane.along_column, normal);
    for (size_t i = 0; i < count; i++)
        placed[i] = (kin_placed){.at = dot(slices[i].plane.origin, normal), .slice = slices[i]};
    qsort(placed, count, sizeof *placed, by_place);
    kin_status status =
        count == 1 ? single_slice(placed, &spacing, err) : check_gaps(placed, count, &spacing, err);
    if (status == KIN_OK)
        status = check_straight(placed, count, normal, err);
    if (status != KIN_OK)
        return status;
    const kin_slice *first = &placed[0].slice;
    *out = (kin_volume){.size = {first->columns, first->rows, (int)count},
                        .spacing = {first->plane.spacing_x_mm, first->plane.spacing_y_mm, spacing}};
    memcpy(out->origin, first->plane.origin, sizeof out->origin);
    memcpy(out->direction[0], first->plane.along_row, sizeof out->direction[0]);
    memcpy(out->direction[1], first->plane.along_column, sizeof out->direction[1]);
    memcpy(out->direction[2], normal, sizeof out->direction[2]);
    for (size_t i = 0; i < count; i++)
        slices[i] = placed[i].slice;
    return KIN_OK;
}

kin_status kin_slices_order(kin_slice *slices, size_t count, kin_volume *out, kin_error *err)
{
    *out = (kin_volume){0};
    if (count == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "there are no slices");
    if (count > KIN_VOLUME_VOXELS_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu slices are too many", count);
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        status = check_plane(&slices[i].plane, err);
        if (status == KIN_OK)
            status = check_alike(&slices[i], &slices[0], err);
    }
    if (status != KIN_OK)
        return status;
    kin_placed *placed = calloc(count, sizeof *placed);
    if (placed == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to order %zu slices", count);
    status = order(placed, count, slices, out, err);
    free(placed);
    return status;
}

void kin_volume_plane(const kin_volume *volume, int k, kin_plane *out)
{
    const int corner[3] = {0, 0, k};
    *out = (kin_plane){.known = true,
                       .spacing_x_mm = volume->spacing[0],
                       .spacing_y_mm = volume->spacing[1],
                       .thickness_mm = volume->spacing[2]};
    kin_volume_centre(volume, corner, out->origin);
    memcpy(out->along_row, volume->direction[0], sizeof out->along_row);
    memcpy(out->along_column, volume->direction[1], sizeof out->along_column);
}
