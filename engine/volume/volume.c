#include "volume/volume.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked.h"

kin_status kin_volume_init(kin_volume *volume, const int size[3], kin_error *err)
{
    size_t count = 1;
    *volume = (kin_volume){0};
    for (int a = 0; a < 3; a++)
        if (size[a] < 1 || !kin_mul_size(count, (size_t)size[a], &count) ||
            count > KIN_VOLUME_VOXELS_MAX)
            return kin_fail(err, KIN_E_LIMIT, NULL,
                            "a volume of %d x %d x %d voxels: at most %zu are possible", size[0],
                            size[1], size[2], KIN_VOLUME_VOXELS_MAX);
    volume->voxels = calloc(count, sizeof *volume->voxels);
    if (volume->voxels == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a volume of %zu voxels", count);
    for (int a = 0; a < 3; a++) {
        volume->size[a] = size[a];
        volume->spacing[a] = 1.0;
        volume->direction[a][a] = 1.0;
    }
    return KIN_OK;
}

void kin_volume_release(kin_volume *volume)
{
    free(volume->voxels);
    *volume = (kin_volume){0};
}

void kin_volume_centre(const kin_volume *volume, const int voxel[3], double out[3])
{
    for (int x = 0; x < 3; x++) {
        out[x] = volume->origin[x];
        for (int a = 0; a < 3; a++)
            out[x] += voxel[a] * volume->spacing[a] * volume->direction[a][x];
    }
}

/* How a grid's indices follow from another's, both along their own axes: index[a] of the source is
 * sign[a] * index[axis[a]] of the other + offset[a]. */
typedef struct kin_grid_map {
    int axis[3], sign[3];
    long offset[3];
} kin_grid_map;

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* The step along source's axis a when `like` goes one voxel along its axis b. */
static double step_of(const kin_volume *source, int a, const kin_volume *like, int b)
{
    return dot(source->direction[a], like->direction[b]) * like->spacing[b] / source->spacing[a];
}

/* False where the grids' voxels do not coincide all over `like`. */
static bool map_axis(const kin_volume *source, int a, const kin_volume *like, kin_grid_map *map)
{
    double shift[3];
    bool found = false;
    for (int b = 0; b < 3; b++) {
        double step = step_of(source, a, like, b), whole = round(step);
        /* What is off adds up from voxel to voxel. */
        if (!(fabs(step - whole) * (like->size[b] - 1) < KIN_VOLUME_GRID_TOLERANCE) ||
            (whole != 0.0 && (fabs(whole) != 1.0 || found)))
            return false;
        if (whole != 0.0) {
            found = true;
            map->axis[a] = b;
            map->sign[a] = (int)whole;
        }
    }
    for (int x = 0; x < 3; x++)
        shift[x] = like->origin[x] - source->origin[x];
    double offset = dot(shift, source->direction[a]) / source->spacing[a];
    if (!found || !(fabs(offset) < 1e6) || fabs(offset - round(offset)) > KIN_VOLUME_GRID_TOLERANCE)
        return false;
    map->offset[a] = lround(offset);
    return true;
}

static void copy_voxels(const kin_volume *source, const kin_grid_map *map, kin_volume *out)
{
    int at[3];
    float *to = out->voxels;
    for (at[2] = 0; at[2] < out->size[2]; at[2]++)
        for (at[1] = 0; at[1] < out->size[1]; at[1]++)
            for (at[0] = 0; at[0] < out->size[0]; at[0]++, to++) {
                long from[3];
                bool within = true;
                for (int a = 0; a < 3; a++) {
                    from[a] = map->sign[a] * (long)at[map->axis[a]] + map->offset[a];
                    within = within && from[a] >= 0 && from[a] < source->size[a];
                }
                if (within)
                    *to = source->voxels[kin_volume_at(source, (int)from[0], (int)from[1],
                                                       (int)from[2])];
            }
}

kin_status kin_volume_onto(const kin_volume *source, const kin_volume *like, kin_volume *out,
                           kin_error *err)
{
    kin_grid_map map = {0};
    bool coincide = true;
    *out = (kin_volume){0};
    for (int a = 0; a < 3; a++)
        coincide = coincide && map_axis(source, a, like, &map);
    coincide = coincide && map.axis[0] != map.axis[1] && map.axis[0] != map.axis[2] &&
               map.axis[1] != map.axis[2];
    if (!coincide)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "its voxels do not lie on the image's: %d x %d x %d of %.4g x %.4g x %.4g "
                        "mm against %d x %d x %d of %.4g x %.4g x %.4g mm, or elsewhere",
                        source->size[0], source->size[1], source->size[2], source->spacing[0],
                        source->spacing[1], source->spacing[2], like->size[0], like->size[1],
                        like->size[2], like->spacing[0], like->spacing[1], like->spacing[2]);
    kin_status status = kin_volume_init(out, like->size, err);
    if (status != KIN_OK)
        return status;
    for (int a = 0; a < 3; a++) {
        out->spacing[a] = like->spacing[a];
        out->origin[a] = like->origin[a];
        for (int x = 0; x < 3; x++)
            out->direction[a][x] = like->direction[a][x];
    }
    copy_voxels(source, &map, out);
    return KIN_OK;
}
