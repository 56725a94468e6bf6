/* histogram.c - intensity histogram features (ZVCW): of grey levels. */
#include <math.h>
#include <stdlib.h>

#include "radiomics/family.h"
#include "radiomics/moments.h"

static const kin_feature features[] = {{"mean", "X6K6"},
                                       {"variance", "CH89"},
                                       {"skewness", "88K1"},
                                       {"excess_kurtosis", "C3I7"},
                                       {"median", "WIFQ"},
                                       {"minimum", "1PR8"},
                                       {"percentile_10", "GPMT"},
                                       {"percentile_90", "OZ0C"},
                                       {"maximum", "3NCY"},
                                       {"mode", "AMMC"},
                                       {"interquartile_range", "WR0O"},
                                       {"range", "5Z3W"},
                                       {"mean_absolute_deviation", "D2ZX"},
                                       {"robust_mean_absolute_deviation", "WRZB"},
                                       {"median_absolute_deviation", "4RNL"},
                                       {"coefficient_of_variation", "CWYJ"},
                                       {"quartile_coefficient_of_dispersion", "SLWD"},
                                       {"entropy", "TLU2"},
                                       {"uniformity", "BJ5W"},
                                       {"maximum_gradient", "12CE"},
                                       {"maximum_gradient_level", "8E6O"},
                                       {"minimum_gradient", "VQB3"},
                                       {"minimum_gradient_level", "RHQZ"}};
enum { FEATURE_COUNT = sizeof features / sizeof features[0] };

/* Voxels of each level, from index 1. */
typedef struct kin_histogram {
    double n[KIN_RADIOMICS_LEVELS_MAX + 2];
    int levels;
} kin_histogram;

/* The level that most voxels have; of several the one nearest to the mean. */
static double mode_of(const kin_histogram *h, double mean)
{
    int mode = 1;
    for (int i = 2; i <= h->levels; i++)
        if (h->n[i] > h->n[mode] || (h->n[i] == h->n[mode] && fabs(i - mean) < fabs(mode - mean)))
            mode = i;
    return mode;
}

static double gradient(const kin_histogram *h, int i)
{
    if (h->levels < 2)
        return 0.0;
    if (i == 1)
        return h->n[2] - h->n[1];
    if (i == h->levels)
        return h->n[i] - h->n[i - 1];
    return (h->n[i + 1] - h->n[i - 1]) / 2.0;
}

static kin_status report_all(const kin_histogram *h, const kin_moments *m, double voxels,
                             kin_report *report, kin_error *err)
{
    double entropy = 0.0, uniformity = 0.0;
    int steepest_up = 1, steepest_down = 1;
    for (int i = 1; i <= h->levels; i++) {
        double p = h->n[i] / voxels;
        entropy -= p > 0.0 ? p * log2(p) : 0.0;
        uniformity += p * p;
        steepest_up = gradient(h, i) > gradient(h, steepest_up) ? i : steepest_up;
        steepest_down = gradient(h, i) < gradient(h, steepest_down) ? i : steepest_down;
    }
    const double values[FEATURE_COUNT] = {m->mean,
                                          m->variance,
                                          m->skewness,
                                          m->kurtosis,
                                          m->median,
                                          m->minimum,
                                          m->p10,
                                          m->p90,
                                          m->maximum,
                                          mode_of(h, m->mean),
                                          m->interquartile_range,
                                          m->range,
                                          m->mean_deviation,
                                          m->robust_mean_deviation,
                                          m->median_deviation,
                                          m->variation,
                                          m->quartile_dispersion,
                                          entropy,
                                          uniformity,
                                          gradient(h, steepest_up),
                                          steepest_up,
                                          gradient(h, steepest_down),
                                          steepest_down};
    return kin_report_add(report, KIN_AGGREGATION_NONE, values, err);
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    kin_histogram h = {.levels = roi->levels};
    float *sorted = calloc(roi->voxels, sizeof *sorted);
    if (sorted == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu grey levels", roi->voxels);
    for (size_t v = 0; v < roi->count; v++)
        if (roi->level[v] != 0)
            h.n[roi->level[v]] += 1.0;
    size_t at = 0;
    for (int i = 1; i <= h.levels; i++)
        for (size_t n = 0; n < (size_t)h.n[i]; n++)
            sorted[at++] = (float)i;
    kin_moments m = kin_moments_of(sorted, at);
    kin_status status = report_all(&h, &m, (double)at, report, err);
    free(sorted);
    return status;
}

const kin_radiomics_family kin_radiomics_histogram_family = {"intensity_histogram", features,
                                                             FEATURE_COUNT, compute};
