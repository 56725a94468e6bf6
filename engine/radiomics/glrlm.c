/* glrlm.c - the grey level run length matrix (TP0I): how long runs of one level are, along a
 * direction.  Galloway: "Texture analysis using gray level run lengths" (1975). */
#include "radiomics/aggregate.h"
#include "radiomics/level_size.h"

static const kin_feature features[KIN_LEVEL_SIZE_FEATURES] = {
    {"short_runs_emphasis", "22OV"},
    {"long_runs_emphasis", "W4KF"},
    {"low_grey_level_run_emphasis", "V3SW"},
    {"high_grey_level_run_emphasis", "G3QZ"},
    {"short_run_low_grey_level_emphasis", "HTZT"},
    {"short_run_high_grey_level_emphasis", "GD3A"},
    {"long_run_low_grey_level_emphasis", "IVPO"},
    {"long_run_high_grey_level_emphasis", "3KUM"},
    {"grey_level_non_uniformity", "R5YN"},
    {"grey_level_non_uniformity_normalised", "OVBL"},
    {"run_length_non_uniformity", "W92Y"},
    {"run_length_non_uniformity_normalised", "IC23"},
    {"run_percentage", "9ZK5"},
    {"grey_level_variance", "8CE5"},
    {"run_length_variance", "SXLW"},
    {"run_entropy", "HJ9O"}};

/* The length of the run that begins here; 0 where none does. */
static uint32_t run_from(const kin_roi *roi, const int step[3], int i, int j, int k)
{
    int level = roi->level[kin_roi_at(roi, i, j, k)];
    uint32_t length = 1;
    if (level == 0 || kin_roi_level(roi, i - step[0], j - step[1], k - step[2]) == level)
        return 0;
    while (kin_roi_level(roi, i + step[0], j + step[1], k + step[2]) == level) {
        i += step[0];
        j += step[1];
        k += step[2];
        length++;
    }
    return length;
}

static kin_status fill(const kin_roi *roi, const kin_part *part, kin_counts *counts, kin_error *err)
{
    kin_status status = KIN_OK;
    for (int k = part->from_k; k < part->to_k; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; status == KIN_OK && i < roi->size[0]; i++) {
                uint32_t length = run_from(roi, part->step, i, j, k);
                if (length > 0)
                    status = kin_counts_add(counts, roi->level[kin_roi_at(roi, i, j, k)], length,
                                            1.0, err);
            }
    return status;
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
    static const kin_texture texture = {.fill = fill, .measure = measure, .directions = true};
    return kin_texture_report(roi, &texture, report, err);
}

const kin_radiomics_family kin_radiomics_glrlm_family = {"glrlm", features, KIN_LEVEL_SIZE_FEATURES,
                                                         compute};
