/*
 * radiomics.h - figures that describe a region of a volume, by the definitions of the Image
 * Biomarker Standardisation Initiative (IBSI): Zwanenburg et al., "The Image Biomarker
 * Standardization Initiative", Radiology 295 (2020) 328-338, and its reference manual,
 * arXiv:1612.07003.  Each feature carries the manual's four-letter code, under which its formula is
 * found there.
 *
 * The region is worked on as the manual's scheme says: interpolation to isotropic voxels (trilinear,
 * grids aligned at their centres, 3WE3; a voxel is inside from a partial volume of 0.5 on),
 * rounding of intensities, re-segmentation by a range and by outliers (the shape stays), and
 * discretisation.  Texture matrices take neighbours at Chebyshev distance 1, without weighting, in
 * the region only; the dependence coarseness is 0.
 *
 * Families: morphology, local intensity, intensity statistics, intensity histogram,
 * intensity-volume histogram, GLCM, GLRLM, GLSZM, GLDZM, NGTDM, NGLDM, and the shape of the largest
 * slice (which the manual does not define: by PyRadiomics' names and formulas, without codes).
 */
#ifndef KIN_RADIOMICS_RADIOMICS_H
#define KIN_RADIOMICS_RADIOMICS_H

#include <stdint.h>

#include "volume/volume.h"

enum {
    KIN_RADIOMICS_LEVELS_MAX = 4096,    /* grey levels after discretisation */
    KIN_RADIOMICS_SPATIAL_MAX = 150000, /* voxels for Moran's I and Geary's C, which compare all */
    KIN_RADIOMICS_BINS_DEFAULT = 32
};

typedef enum kin_discretisation {
    KIN_BINS_FIXED_NUMBER, /* K15C */
    KIN_BINS_FIXED_SIZE,   /* Q3RU */
    KIN_BINS_NONE          /* intensities are grey levels already: whole numbers from 1 */
} kin_discretisation;

typedef struct kin_radiomics_settings {
    double spacing_mm;    /* side of the voxels to interpolate to; 0: none */
    bool round_values;    /* interpolated intensities to whole numbers (68QD), as for CT */
    bool by_slice;        /* interpolate and look for texture within slices (k constant) only */
    bool has_range;       /* re-segmentation by range (USB3) */
    double low, high;     /* both may be infinite */
    double outlier_sigma; /* re-segmentation by outliers (7ACA), usually 3; 0: none */
    kin_discretisation discretisation;
    int bins;         /* fixed number; 0: KIN_RADIOMICS_BINS_DEFAULT */
    double bin_width; /* fixed size */
    bool has_bin_from;
    double
        ivh_bin_width; /* of the intensity-volume histogram, for continuous calibrated intensities
                             (PET); 0: see volume_histogram.c */
    double bin_from; /* where the first bin of a fixed size begins; else the range's lower bound, or
                        without one the region's least intensity */
} kin_radiomics_settings;

/* How matrices of slices and directions became one figure: section "feature aggregation", 5QB6. */
typedef enum kin_aggregation {
    KIN_AGGREGATION_NONE,        /* DHQ4: of the volume as such */
    KIN_AGGREGATION_2D_AVERAGE,  /* BTW3: over slices and directions */
    KIN_AGGREGATION_2D_MERGED,   /* SUJT: directions merged in each slice, averaged over slices */
    KIN_AGGREGATION_25D_AVERAGE, /* JJUI: slices merged for each direction, averaged over those */
    KIN_AGGREGATION_25D_MERGED,  /* ZW7Z: all merged */
    KIN_AGGREGATION_3D_AVERAGE,  /* ITBB: over directions */
    KIN_AGGREGATION_3D_MERGED,   /* IAZD: directions merged */
    KIN_AGGREGATION_2D,          /* 8QNN: without directions, averaged over slices */
    KIN_AGGREGATION_25D,         /* 62GR: slices merged */
    KIN_AGGREGATION_3D,          /* KOBO: one matrix */
    KIN_AGGREGATION_SLICE        /* of the slice where the region is largest */
} kin_aggregation;

/* One figure.  Small and plain, so that it can travel between processes: what it means is told by
 * kin_radiomics_describe(). */
typedef struct kin_radiomics_value {
    uint16_t family, feature;
    uint32_t aggregation;
    double value; /* NaN: not defined for this region */
} kin_radiomics_value;

typedef struct kin_radiomics_description {
    const char *family;           /* "glcm" */
    const char *name;             /* "joint_maximum" */
    const char *code;             /* "GYBY"; "" where the manual has none */
    const char *aggregation;      /* "3D merged"; "" for the volume as such */
    const char *aggregation_code; /* "IAZD" */
} kin_radiomics_description;

/* False when there is no such feature. */
bool kin_radiomics_describe(const kin_radiomics_value *value, kin_radiomics_description *out);

typedef struct kin_radiomics {
    kin_radiomics_value *values; /* owned */
    size_t count;
    /* What was measured. */
    size_t voxels, shape_voxels; /* of the intensity mask and the morphological one */
    int levels;                  /* grey levels */
    double spacing[3];           /* mm, after interpolation */
} kin_radiomics;

/*
 * Measures the voxels of `image` where `mask`, on the same grid (kin_volume_onto()), is `label`.
 * KIN_E_NOT_FOUND: no such voxels (*err names the labels that there are); KIN_E_ARG: settings that
 * make no sense; KIN_E_FORMAT: intensities that are no numbers; KIN_E_LIMIT: too many grey levels.
 */
kin_status kin_radiomics_compute(const kin_volume *image, const kin_volume *mask, int label,
                                 const kin_radiomics_settings *settings, kin_radiomics *out,
                                 kin_error *err);
void kin_radiomics_release(kin_radiomics *radiomics);

#endif
