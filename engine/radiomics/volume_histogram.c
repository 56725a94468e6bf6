/*
 * volume_histogram.c - intensity-volume histogram features (P88C): how much of the region has at
 * least an intensity.
 *
 * Intensities that are whole numbers (CT, and grey levels) are taken as they are; they range as
 * far as the re-segmentation does, or else as far as they do.  Others get 1000 bins of their range,
 * the manual's way for arbitrary units: intensities at a fraction of the volume are bin numbers
 * then.
 */
#include <math.h>

#include "radiomics/family.h"

enum { ARBITRARY_BINS = 1000 };

static const kin_feature features[] = {
    {"volume_at_intensity_10", "BC2M"},  {"volume_at_intensity_90", "BC2M"},
    {"intensity_at_volume_10", "GBPN"},  {"intensity_at_volume_90", "GBPN"},
    {"volume_difference_10_90", "DDTU"}, {"intensity_difference_10_90", "CNV2"}};
enum { FEATURE_COUNT = sizeof features / sizeof features[0] };

/* The sorted intensities, and the whole numbers that they stand for. */
typedef struct kin_ivh {
    const float *sorted;
    size_t voxels;
    bool whole;
    double low, high; /* total range G */
} kin_ivh;

static double discrete(const kin_ivh *ivh, size_t v)
{
    if (ivh->whole)
        return ivh->sorted[v];
    double least = ivh->sorted[0], most = ivh->sorted[ivh->voxels - 1];
    if (!(ivh->sorted[v] < most))
        return ARBITRARY_BINS;
    return floor(ARBITRARY_BINS * (ivh->sorted[v] - least) / (most - least)) + 1.0;
}

/* Voxels below i: sorted, so by halving. */
static size_t below(const kin_ivh *ivh, double i)
{
    size_t low = 0, high = ivh->voxels;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (discrete(ivh, middle) < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double fraction(const kin_ivh *ivh, double i)
{
    return 1.0 - (double)below(ivh, i) / (double)ivh->voxels;
}

/* The volume with an intensity fraction of at least `share`. */
static double volume_at(const kin_ivh *ivh, double share)
{
    return fraction(ivh, ceil(ivh->low + share * (ivh->high - ivh->low) - 1e-9));
}

/* The least whole number that at most `share` of the volume reaches: one above some intensity. */
static double intensity_at(const kin_ivh *ivh, double share)
{
    double allowed = share * (double)ivh->voxels + 1e-9;
    size_t reaching = ivh->voxels; /* by at least i */
    double i = ivh->low;
    while ((double)reaching > allowed && reaching > 0) {
        i = discrete(ivh, ivh->voxels - reaching) + 1.0;
        reaching = ivh->voxels - below(ivh, i);
    }
    return i;
}

static kin_ivh make_ivh(const kin_roi *roi)
{
    const kin_radiomics_settings *settings = roi->settings;
    kin_ivh ivh = {.sorted = roi->sorted, .voxels = roi->voxels, .whole = true};
    for (size_t v = 0; v < roi->voxels && ivh.whole; v++)
        ivh.whole = roi->sorted[v] == floorf(roi->sorted[v]);
    bool ranged = settings->has_range && ivh.whole;
    ivh.low = !ivh.whole ? 1.0 : ranged && isfinite(settings->low) ? settings->low : roi->sorted[0];
    ivh.high = !ivh.whole                           ? ARBITRARY_BINS
               : ranged && isfinite(settings->high) ? settings->high
                                                    : roi->sorted[roi->voxels - 1];
    return ivh;
}

static kin_status compute(const kin_roi *roi, kin_report *report, kin_error *err)
{
    kin_ivh ivh = make_ivh(roi);
    double v10 = volume_at(&ivh, 0.10), v90 = volume_at(&ivh, 0.90);
    double i10 = intensity_at(&ivh, 0.10), i90 = intensity_at(&ivh, 0.90);
    const double values[FEATURE_COUNT] = {v10, v90, i10, i90, v10 - v90, i10 - i90};
    return kin_report_add(report, KIN_AGGREGATION_NONE, values, err);
}

const kin_radiomics_family kin_radiomics_volume_histogram_family = {
    "intensity_volume_histogram", features, FEATURE_COUNT, compute};
