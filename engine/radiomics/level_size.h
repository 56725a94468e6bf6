/* level_size.h - the features that matrices of grey level and size have in common: runs (GLRLM),
 * zones (GLSZM), distances (GLDZM), dependences (NGLDM). */
#ifndef KIN_RADIOMICS_LEVEL_SIZE_H
#define KIN_RADIOMICS_LEVEL_SIZE_H

#include "radiomics/counts.h"

/* Their order, the manual's. */
enum {
    KIN_SMALL_EMPHASIS,
    KIN_LARGE_EMPHASIS,
    KIN_LOW_LEVEL_EMPHASIS,
    KIN_HIGH_LEVEL_EMPHASIS,
    KIN_SMALL_LOW_EMPHASIS,
    KIN_SMALL_HIGH_EMPHASIS,
    KIN_LARGE_LOW_EMPHASIS,
    KIN_LARGE_HIGH_EMPHASIS,
    KIN_LEVEL_NONUNIFORMITY,
    KIN_LEVEL_NONUNIFORMITY_NORMALISED,
    KIN_SIZE_NONUNIFORMITY,
    KIN_SIZE_NONUNIFORMITY_NORMALISED,
    KIN_PERCENTAGE,
    KIN_LEVEL_VARIANCE,
    KIN_SIZE_VARIANCE,
    KIN_ENTROPY,
    KIN_LEVEL_SIZE_FEATURES,
    KIN_ENERGY = KIN_LEVEL_SIZE_FEATURES, /* only of dependences */
    KIN_LEVEL_SIZE_FEATURES_AND_ENERGY
};

/* values: KIN_LEVEL_SIZE_FEATURES_AND_ENERGY of them, for kin_texture's measure(). */
void kin_level_size_measure(const kin_counts *counts, int levels, double voxels, double *values);

#endif
