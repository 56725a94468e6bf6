/* ngldm.c - the neighbouring grey level dependence matrix (REK0): how many neighbours have the
 * level of a voxel.  Sun, Wee: "Neighboring gray level dependence matrix for texture
 * classification" (1983).  Distance 1, coarseness 0; a dependence counts the voxel itself. */
#include "radiomics/aggregate.h"
#include "radiomics/level_size.h"

static const kin_feature features[KIN_LEVEL_SIZE_FEATURES_AND_ENERGY] = {
    {"low_dependence_emphasis", "SODN"},
    {"high_dependence_emphasis", "IMOQ"},
    {"low_grey_level_count_emphasis", "TL9H"},
    {"high_grey_level_count_emphasis", "OAE7"},
    {"low_dependence_low_grey_level_emphasis", "EQ3F"},
    {"low_dependence_high_grey_level_emphasis", "JA6D"},
    {"high_dependence_low_grey_level_emphasis", "NBZI"},
    {"high_dependence_high_grey_level_emphasis", "9QMG"},
    {"grey_level_non_uniformity", "FP8K"},
    {"grey_level_non_uniformity_normalised", "5SPA"},
    {"dependence_count_non_uniformity", "Z87G"},
    {"dependence_count_non_uniformity_normalised", "OKJI"},
    {"dependence_count_percentage", "6XV8"},
    {"grey_level_variance", "1PFV"},
    {"dependence_count_variance", "DNX2"},
    {"dependence_count_entropy", "FCBV"},
    {"dependence_count_energy", "CAS9"}};

static uint32_t dependence(const kin_roi *roi, int reach, int level, int i, int j, int k)
{
    uint32_t count = 0;
    for (int dk = -reach; dk <= reach; dk++)
        for (int dj = -1; dj <= 1; dj++)
            for (int di = -1; di <= 1; di++)
                count += kin_roi_level(roi, i + di, j + dj, k + dk) == level;
    return count;
}

static kin_status fill(const kin_roi *roi, const kin_part *part, kin_counts *counts, kin_error *err)
{
    kin_status status = KIN_OK;
    int reach = part->by_slice ? 0 : 1;
    for (int k = part->from_k; k < part->to_k; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; status == KIN_OK && i < roi->size[0]; i++) {
                int level = roi->level[kin_roi_at(roi, i, j, k)];
                if (level != 0)
                    status = kin_counts_add(counts, (uint32_t)level,
                                            dependence(roi, reach, level, i, j, k), 1.0, err);
            }
    return status;
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    static const kin_texture texture = {.fill = fill, .measure = kin_level_size_measure};
    return kin_texture_report(roi, &texture, report, err);
}

const kin_radiomics_family kin_radiomics_ngldm_family = {
    "ngldm", features, KIN_LEVEL_SIZE_FEATURES_AND_ENERGY, compute};
