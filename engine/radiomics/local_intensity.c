/* local_intensity.c - local intensity peaks (9ST6): the mean of a sphere of 1 cm^3 about a voxel of
 * the region, in which all voxels of the image count. */
#include <math.h>
#include <stdlib.h>

#include "radiomics/family.h"

static const kin_feature features[] = {{"local_peak", "VJGA"}, {"global_peak", "0F91"}};
enum { LOCAL, GLOBAL, FEATURE_COUNT };

/* Sums along rows up to each voxel, so that a sphere is a few differences. */
static double *sum_rows(const kin_roi *roi)
{
    size_t row = (size_t)roi->size[0] + 1, rows = roi->count / (size_t)roi->size[0];
    double *sums = malloc(rows * row * sizeof *sums);
    for (size_t r = 0; sums != NULL && r < rows; r++) {
        double sum = 0.0;
        sums[r * row] = 0.0;
        for (size_t i = 0; i + 1 < row; i++) {
            sum += roi->value[r * (row - 1) + i];
            sums[r * row + i + 1] = sum;
        }
    }
    return sums;
}

static double peak(const kin_roi *roi, const double *sums, int i, int j, int k)
{
    double sum = 0.0, radius2 = KIN_PEAK_RADIUS_MM * KIN_PEAK_RADIUS_MM;
    long count = 0;
    int reach_k = (int)(KIN_PEAK_RADIUS_MM / roi->spacing[2]);
    int reach_j = (int)(KIN_PEAK_RADIUS_MM / roi->spacing[1]);
    for (int z = k - reach_k; z <= k + reach_k; z++)
        for (int y = j - reach_j; y <= j + reach_j; y++) {
            double dz = (z - k) * roi->spacing[2], dy = (y - j) * roi->spacing[1];
            double left = radius2 - dz * dz - dy * dy;
            if (left < 0.0 || z < 0 || y < 0 || z >= roi->size[2] || y >= roi->size[1])
                continue;
            int reach = (int)(sqrt(left) / roi->spacing[0]);
            int from = i - reach < 0 ? 0 : i - reach;
            int to = i + reach >= roi->size[0] ? roi->size[0] : i + reach + 1;
            const double *row =
                sums + ((size_t)z * (size_t)roi->size[1] + (size_t)y) * ((size_t)roi->size[0] + 1);
            sum += row[to] - row[from];
            count += to - from;
        }
    return sum / (double)count;
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    double values[FEATURE_COUNT] = {[LOCAL] = -INFINITY, [GLOBAL] = -INFINITY};
    float highest = roi->sorted[roi->voxels - 1];
    double *sums = sum_rows(roi);
    if (sums == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for local intensities");
    for (int k = 0; k < roi->size[2]; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; i < roi->size[0]; i++) {
                size_t v = kin_roi_at(roi, i, j, k);
                if (!roi->inside[v])
                    continue;
                double mean = peak(roi, sums, i, j, k);
                values[GLOBAL] = fmax(values[GLOBAL], mean);
                if (roi->value[v] == highest)
                    values[LOCAL] = fmax(values[LOCAL], mean);
            }
    free(sums);
    for (int f = 0; f < FEATURE_COUNT; f++) /* where the surroundings are no numbers */
        values[f] = isfinite(values[f]) ? values[f] : NAN;
    return kin_report_add(report, KIN_AGGREGATION_NONE, values, err);
}

const kin_radiomics_family kin_radiomics_local_intensity_family = {"local_intensity", features,
                                                                   FEATURE_COUNT, compute};
