/* statistics.c - intensity-based statistical features (UHIW): of intensities as they are. */
#include "radiomics/family.h"
#include "radiomics/moments.h"

static const kin_feature features[] = {{"mean", "Q4LE"},
                                       {"variance", "ECT3"},
                                       {"skewness", "KE2A"},
                                       {"excess_kurtosis", "IPH6"},
                                       {"median", "Y12H"},
                                       {"minimum", "1GSF"},
                                       {"percentile_10", "QG58"},
                                       {"percentile_90", "8DWT"},
                                       {"maximum", "84IY"},
                                       {"interquartile_range", "SALO"},
                                       {"range", "2OJQ"},
                                       {"mean_absolute_deviation", "4FUA"},
                                       {"robust_mean_absolute_deviation", "1128"},
                                       {"median_absolute_deviation", "N72L"},
                                       {"coefficient_of_variation", "7TET"},
                                       {"quartile_coefficient_of_dispersion", "9S40"},
                                       {"energy", "N8CA"},
                                       {"root_mean_square", "5ZWQ"}};
enum { FEATURE_COUNT = sizeof features / sizeof features[0] };

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    kin_moments m = kin_moments_of(roi->sorted, roi->voxels);
    const double values[FEATURE_COUNT] = {m.mean,
                                          m.variance,
                                          m.skewness,
                                          m.kurtosis,
                                          m.median,
                                          m.minimum,
                                          m.p10,
                                          m.p90,
                                          m.maximum,
                                          m.interquartile_range,
                                          m.range,
                                          m.mean_deviation,
                                          m.robust_mean_deviation,
                                          m.median_deviation,
                                          m.variation,
                                          m.quartile_dispersion,
                                          m.energy,
                                          m.root_mean_square};
    return kin_report_add(report, KIN_AGGREGATION_NONE, values, err);
}

const kin_radiomics_family kin_radiomics_statistics_family = {"statistics", features, FEATURE_COUNT,
                                                              compute};
