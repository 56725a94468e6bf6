/*
 * ngtdm.c - the neighbourhood grey tone difference matrix (IPET): how much voxels of a level differ
 * from the mean of their neighbours.  Amadasun, King: "Textural features corresponding to textural
 * properties" (1989), with the manual's neighbourhoods, which end at the region's edge.
 *
 * The matrix has two columns: COUNT, the voxels of a level that have neighbours, and DIFFERENCE,
 * the sum of their differences.
 */
#include <math.h>
#include <stdlib.h>

#include "radiomics/aggregate.h"

enum { COARSENESS, CONTRAST, BUSYNESS, COMPLEXITY, STRENGTH, FEATURE_COUNT };
enum { COUNT, DIFFERENCE };

/* What coarseness cannot exceed, by the manual. */
#define COARSENESS_MAX 1e6

static const kin_feature features[FEATURE_COUNT] = {[COARSENESS] = {"coarseness", "QCDE"},
                                                    [CONTRAST] = {"contrast", "65HE"},
                                                    [BUSYNESS] = {"busyness", "NQ30"},
                                                    [COMPLEXITY] = {"complexity", "HDEZ"},
                                                    [STRENGTH] = {"strength", "1X9X"}};

/* The mean level of a voxel's neighbours; false when it has none. */
static bool neighbourhood(const kin_roi *roi, int reach, int i, int j, int k, double *mean)
{
    long sum = -roi->level[kin_roi_at(roi, i, j, k)];
    int count = -1;
    for (int dk = -reach; dk <= reach; dk++)
        for (int dj = -1; dj <= 1; dj++)
            for (int di = -1; di <= 1; di++) {
                int level = kin_roi_level(roi, i + di, j + dj, k + dk);
                sum += level;
                count += level != 0;
            }
    *mean = count > 0 ? (double)sum / count : 0.0;
    return count > 0;
}

static kin_status fill(const kin_roi *roi, const kin_part *part, kin_counts *counts, kin_error *err)
{
    kin_status status = KIN_OK;
    int reach = part->by_slice ? 0 : 1;
    for (int k = part->from_k; k < part->to_k; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; i < roi->size[0]; i++) {
                uint32_t level = roi->level[kin_roi_at(roi, i, j, k)];
                double mean;
                if (level == 0 || !neighbourhood(roi, reach, i, j, k, &mean))
                    continue;
                status = kin_counts_add(counts, level, COUNT, 1.0, err);
                if (status == KIN_OK)
                    status = kin_counts_add(counts, level, DIFFERENCE, fabs(level - mean), err);
                if (status != KIN_OK)
                    return status;
            }
    return status;
}

/* Sums over all pairs of levels. */
typedef struct kin_pair_sums {
    double contrast, busyness, complexity, strength;
} kin_pair_sums;

static kin_pair_sums sum_pairs(const kin_counts *counts, double voxels)
{
    kin_pair_sums sums = {0};
    for (size_t a = 0; a + 1 < counts->count; a += 2)
        for (size_t b = 0; b + 1 < counts->count; b += 2) {
            double i = counts->items[a].row, j = counts->items[b].row;
            double pi = counts->items[a].n / voxels, pj = counts->items[b].n / voxels;
            double si = counts->items[a + 1].n, sj = counts->items[b + 1].n;
            sums.contrast += pi * pj * (i - j) * (i - j);
            sums.busyness += fabs(i * pi - j * pj);
            sums.complexity += fabs(i - j) * (pi * si + pj * sj) / (pi + pj);
            sums.strength += (pi + pj) * (i - j) * (i - j);
        }
    return sums;
}

static void measure(const kin_counts *counts, int levels, double all_voxels, double *values)
{
    double voxels = 0.0, difference = 0.0, weighted = 0.0;
    size_t present = counts->count / 2; /* every level has both columns */
    (void)levels;
    (void)all_voxels;
    for (size_t c = 0; c + 1 < counts->count; c += 2)
        voxels += counts->items[c].n;
    for (size_t c = 0; c + 1 < counts->count; c += 2) {
        difference += counts->items[c + 1].n;
        weighted += counts->items[c].n / voxels * counts->items[c + 1].n;
    }
    kin_pair_sums sums = sum_pairs(counts, voxels);
    values[COARSENESS] = weighted > 0.0 ? fmin(1.0 / weighted, COARSENESS_MAX) : COARSENESS_MAX;
    values[CONTRAST] = present > 1 ? sums.contrast / ((double)present * (double)(present - 1)) *
                                         difference / voxels
                                   : 0.0;
    values[BUSYNESS] = present > 1 && sums.busyness > 0.0 ? weighted / sums.busyness : 0.0;
    values[COMPLEXITY] = sums.complexity / voxels;
    values[STRENGTH] = difference > 0.0 ? sums.strength / difference : 0.0;
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    static const kin_texture texture = {.fill = fill, .measure = measure};
    return kin_texture_report(roi, &texture, report, err);
}

const kin_radiomics_family kin_radiomics_ngtdm_family = {"ngtdm", features, FEATURE_COUNT, compute};
