/* discretise.c - which voxels' intensities count, and the grey levels that they become. */
#include <math.h>
#include <stdlib.h>

#include "radiomics/roi.h"

/* 7ACA: mean and deviation of the region before re-segmentation. */
static void outlier_bounds(const kin_roi *roi, double sigma, double *low, double *high)
{
    double sum = 0.0, squares = 0.0, n = (double)roi->shape_voxels;
    for (size_t v = 0; v < roi->count; v++)
        if (roi->shape[v])
            sum += roi->value[v];
    double mean = sum / n;
    for (size_t v = 0; v < roi->count; v++)
        if (roi->shape[v])
            squares += (roi->value[v] - mean) * (roi->value[v] - mean);
    double deviation = sqrt(squares / n);
    *low = fmax(*low, mean - sigma * deviation);
    *high = fmin(*high, mean + sigma * deviation);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

kin_status kin_roi_resegment(kin_roi *roi, kin_error *err)
{
    const kin_radiomics_settings *settings = roi->settings;
    double low = settings->has_range ? settings->low : -INFINITY;
    double high = settings->has_range ? settings->high : INFINITY;
    if (settings->outlier_sigma > 0.0)
        outlier_bounds(roi, settings->outlier_sigma, &low, &high);
    for (size_t v = 0; v < roi->count; v++) {
        roi->inside[v] = roi->shape[v] && roi->value[v] >= low && roi->value[v] <= high;
        roi->voxels += roi->inside[v];
    }
    if (roi->voxels == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "no voxel of the region is within the range");
    roi->sorted = malloc(roi->voxels * sizeof *roi->sorted);
    if (roi->sorted == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu intensities", roi->voxels);
    size_t n = 0;
    for (size_t v = 0; v < roi->count; v++)
        if (roi->inside[v])
            roi->sorted[n++] = roi->value[v];
    qsort(roi->sorted, n, sizeof *roi->sorted, by_value);
    return KIN_OK;
}

/* K15C */
static double fixed_number(double value, double low, double high, int bins)
{
    if (!(value < high))
        return bins;
    return floor(bins * (value - low) / (high - low)) + 1.0;
}

/* Q3RU */
static double first_bin(const kin_roi *roi)
{
    const kin_radiomics_settings *settings = roi->settings;
    if (settings->has_bin_from)
        return settings->bin_from;
    return settings->has_range && isfinite(settings->low) ? settings->low : roi->sorted[0];
}

kin_status kin_roi_discretise(kin_roi *roi, kin_error *err)
{
    const kin_radiomics_settings *settings = roi->settings;
    double low = roi->sorted[0], high = roi->sorted[roi->voxels - 1], from = first_bin(roi);
    int bins = settings->bins > 0 ? settings->bins : KIN_RADIOMICS_BINS_DEFAULT;
    for (size_t v = 0; v < roi->count; v++) {
        double value = roi->value[v], level;
        if (!roi->inside[v])
            continue;
        if (settings->discretisation == KIN_BINS_FIXED_NUMBER)
            level = high > low ? fixed_number(value, low, high, bins) : 1.0;
        else if (settings->discretisation == KIN_BINS_FIXED_SIZE)
            level = floor((value - from) / settings->bin_width) + 1.0;
        else
            level = value;
        if (level > KIN_RADIOMICS_LEVELS_MAX)
            return kin_fail(err, KIN_E_LIMIT, NULL,
                            "intensities from %g to %g make more than %d grey levels: take wider "
                            "bins",
                            low, high, KIN_RADIOMICS_LEVELS_MAX);
        if (!(level >= 1.0) || level != floor(level))
            return kin_fail(err, KIN_E_ARG, NULL,
                            settings->discretisation == KIN_BINS_NONE
                                ? "intensities are no grey levels: they must be put into bins"
                                : "intensities lie below the first bin");
        roi->level[v] = (uint16_t)level;
        roi->levels = (int)level > roi->levels ? (int)level : roi->levels;
    }
    return KIN_OK;
}
