/* aggregate.h - from the texture matrices of slices and directions to figures (5QB6). */
#ifndef KIN_RADIOMICS_AGGREGATE_H
#define KIN_RADIOMICS_AGGREGATE_H

#include "radiomics/counts.h"
#include "radiomics/family.h"

/* Where a matrix is taken: a slice k, or the volume; and along which direction. */
typedef struct kin_part {
    int from_k, to_k; /* slices from_k to to_k - 1 */
    bool by_slice;    /* neighbours within a slice only */
    const int *step;  /* direction, as a step of 0 or 1 or -1 along i, j, k; NULL: none */
} kin_part;

/* A kind of texture matrix. */
typedef struct kin_texture {
    /* Adds the part's cells to counts. */
    kin_status (*fill)(const kin_roi *roi, const kin_part *part, kin_counts *counts,
                       kin_error *err);
    /* The features of a settled matrix that is not empty; voxels: how many of the region went into
     * it, once for every matrix that was merged. */
    void (*measure)(const kin_counts *counts, int levels, double voxels, double *values);
    bool directions; /* one matrix for each direction */
} kin_texture;

/* Reports what the settings ask for: 2D and 2.5D, or 3D. */
kin_status kin_texture_report(const kin_roi *roi, const kin_texture *texture, kin_report *report,
                              kin_error *err);

#endif
