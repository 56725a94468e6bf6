/*
 * volume.h - a picture in space: voxels, how large they are, and where they lie in the patient.
 *
 * Coordinates are DICOM's: millimetres in the patient, x to the left, y to the back, z to the head
 * (LPS).  Voxel (i, j, k) has its centre at
 *   origin + i * spacing[0] * direction[0] + j * spacing[1] * direction[1]
 *          + k * spacing[2] * direction[2]
 * and its value in voxels[(k * size[1] + j) * size[0] + i].  The three directions are orthogonal
 * unit vectors.
 *
 * Functions that fill a kin_volume *out leave it zeroed when they fail.
 */
#ifndef KIN_VOLUME_VOLUME_H
#define KIN_VOLUME_VOLUME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* The most voxels of a volume: 1 GiB of floats. */
#define KIN_VOLUME_VOXELS_MAX ((size_t)1 << 28)

typedef struct kin_volume {
    int size[3];            /* voxels along i, j, k, each at least 1 */
    double spacing[3];      /* mm, above 0 */
    double origin[3];       /* centre of voxel (0, 0, 0), mm */
    double direction[3][3]; /* direction[a]: where axis a runs */
    float *voxels;          /* owned */
} kin_volume;

/* Voxels of 0, spacing 1 mm, origin at 0, axes along the patient's.  KIN_E_LIMIT for a size that is
 * not positive or too large. */
kin_status kin_volume_init(kin_volume *volume, const int size[3], kin_error *err);

/* Frees the voxels and zeroes the fields; a zeroed volume is fine. */
void kin_volume_release(kin_volume *volume);

static inline size_t kin_volume_count(const kin_volume *volume)
{
    return (size_t)volume->size[0] * (size_t)volume->size[1] * (size_t)volume->size[2];
}

static inline size_t kin_volume_at(const kin_volume *volume, int i, int j, int k)
{
    return ((size_t)k * (size_t)volume->size[1] + (size_t)j) * (size_t)volume->size[0] + (size_t)i;
}

/* The centre of a voxel in the patient, mm. */
void kin_volume_centre(const kin_volume *volume, const int voxel[3], double out[3]);

/*
 * Lays source over the grid of `like`: the same voxels, in that grid's order, 0 where source has
 * none.  The grids may run along other axes, the other way, or have other extents, as programs that
 * write masks have it; but voxel must lie on voxel (within KIN_VOLUME_GRID_TOLERANCE of a voxel).
 * KIN_E_FORMAT where they do not: to interpolate labels would be to guess.
 */
#define KIN_VOLUME_GRID_TOLERANCE 0.05
kin_status kin_volume_onto(const kin_volume *source, const kin_volume *like, kin_volume *out,
                           kin_error *err);

#endif
