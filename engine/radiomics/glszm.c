/* glszm.c - the grey level size zone matrix (9SAK): how large connected zones of one level are.
 * Thibault et al.: "Advanced statistical matrices for texture characterization" (2014). */
#include "radiomics/level_size.h"
#include "radiomics/zones.h"

static const kin_feature features[KIN_LEVEL_SIZE_FEATURES] = {
    {"small_zone_emphasis", "5QRC"},
    {"large_zone_emphasis", "48P8"},
    {"low_grey_level_zone_emphasis", "XMSY"},
    {"high_grey_level_zone_emphasis", "5GN9"},
    {"small_zone_low_grey_level_emphasis", "5RAI"},
    {"small_zone_high_grey_level_emphasis", "HW1V"},
    {"large_zone_low_grey_level_emphasis", "YH51"},
    {"large_zone_high_grey_level_emphasis", "J17V"},
    {"grey_level_non_uniformity", "JNSA"},
    {"grey_level_non_uniformity_normalised", "Y1RO"},
    {"zone_size_non_uniformity", "4JP3"},
    {"zone_size_non_uniformity_normalised", "VB3A"},
    {"zone_percentage", "P30P"},
    {"grey_level_variance", "BYLV"},
    {"zone_size_variance", "3NSA"},
    {"zone_size_entropy", "GU8N"}};

static kin_status take_zone(void *ctx, uint32_t level, uint32_t voxels, uint32_t distance,
                            kin_error *err)
{
    (void)distance;
    return kin_counts_add(ctx, level, voxels, 1.0, err);
}

static kin_status fill(const kin_roi *roi, const kin_part *part, kin_counts *counts, kin_error *err)
{
    return kin_zones_find(roi, part, false, take_zone, counts, err);
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

const kin_radiomics_family kin_radiomics_glszm_family = {"glszm", features, KIN_LEVEL_SIZE_FEATURES,
                                                         compute};
