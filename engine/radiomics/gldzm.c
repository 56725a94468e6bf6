/* gldzm.c - the grey level distance zone matrix (VMDZ): how far from the region's edge zones of one
 * level begin.  Thibault et al.: "Advanced statistical matrices for texture characterization"
 * (2014).  Distances are those of the morphological mask. */
#include "radiomics/level_size.h"
#include "radiomics/zones.h"

static const kin_feature features[KIN_LEVEL_SIZE_FEATURES] = {
    {"small_distance_emphasis", "0GBI"},
    {"large_distance_emphasis", "MB4I"},
    {"low_grey_level_zone_emphasis", "S1RA"},
    {"high_grey_level_zone_emphasis", "K26C"},
    {"small_distance_low_grey_level_emphasis", "RUVG"},
    {"small_distance_high_grey_level_emphasis", "DKNJ"},
    {"large_distance_low_grey_level_emphasis", "A7WM"},
    {"large_distance_high_grey_level_emphasis", "KLTH"},
    {"grey_level_non_uniformity", "VFT7"},
    {"grey_level_non_uniformity_normalised", "7HP3"},
    {"zone_distance_non_uniformity", "V294"},
    {"zone_distance_non_uniformity_normalised", "IATH"},
    {"zone_percentage", "VIWW"},
    {"grey_level_variance", "QK93"},
    {"zone_distance_variance", "7WT1"},
    {"zone_distance_entropy", "GBDU"}};

static kin_status take_zone(void *ctx, uint32_t level, uint32_t voxels, uint32_t distance,
                            kin_error *err)
{
    (void)voxels;
    return kin_counts_add(ctx, level, distance, 1.0, err);
}

static kin_status fill(const kin_roi *roi, const kin_part *part, kin_counts *counts, kin_error *err)
{
    return kin_zones_find(roi, part, true, take_zone, counts, err);
}

static void measure(const kin_counts *counts, int levels, double voxels, double *values)
{
    double all[KIN_LEVEL_SIZE_FEATURES_AND_ENERGY] = {0};
    kin_level_size_measure(counts, levels, voxels, all);
    for (int i = 0; i < KIN_LEVEL_SIZE_FEATURES; i++)
        values[i] = all[i];
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    static const kin_texture texture = {.fill = fill, .measure = measure};
    return kin_texture_report(roi, &texture, report, err);
}

const kin_radiomics_family kin_radiomics_gldzm_family = {"gldzm", features, KIN_LEVEL_SIZE_FEATURES,
                                                         compute};
