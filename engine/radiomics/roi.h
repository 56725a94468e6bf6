/* roi.h - a region made ready for measuring: cut out, interpolated, re-segmented, discretised. */
#ifndef KIN_RADIOMICS_ROI_H
#define KIN_RADIOMICS_ROI_H

#include "radiomics/radiomics.h"

/* Radius of a sphere of 1 cm^3, whose mean is a local intensity peak: the box reaches so far
 * beyond the region. */
#define KIN_PEAK_RADIUS_MM 6.2035049089940009

/* A box of voxels around the region; index (k * size[1] + j) * size[0] + i. */
typedef struct kin_roi {
    int size[3];
    double spacing[3];
    size_t count;    /* voxels of the box */
    float *value;    /* intensities, outside the region too */
    uint8_t *shape;  /* morphological mask (G5KJ) */
    uint8_t *inside; /* intensity mask (SEFI) */
    uint16_t *level; /* grey levels from 1 inside the intensity mask, 0 outside */
    int levels;
    size_t shape_voxels, voxels; /* in the two masks */
    float *sorted;               /* the intensities inside, ascending: `voxels` of them */
    const kin_radiomics_settings *settings;
} kin_roi;

kin_status kin_roi_make(const kin_volume *image, const kin_volume *mask, int label,
                        const kin_radiomics_settings *settings, kin_roi *out, kin_error *err);
void kin_roi_release(kin_roi *roi);

static inline size_t kin_roi_at(const kin_roi *roi, int i, int j, int k)
{
    return ((size_t)k * (size_t)roi->size[1] + (size_t)j) * (size_t)roi->size[0] + (size_t)i;
}

/* The grey level at a place that may lie outside the box; 0 outside the region. */
static inline int kin_roi_level(const kin_roi *roi, int i, int j, int k)
{
    if (i < 0 || j < 0 || k < 0 || i >= roi->size[0] || j >= roi->size[1] || k >= roi->size[2])
        return 0;
    return roi->level[kin_roi_at(roi, i, j, k)];
}

/* The steps of re-segmentation and discretisation (discretise.c): fill inside, level, sorted. */
kin_status kin_roi_resegment(kin_roi *roi, kin_error *err);
kin_status kin_roi_discretise(kin_roi *roi, kin_error *err);

#endif
