/*
 * volume_histogram.c - intensity-volume histogram features (P88C): how much of the region has at
 * least an intensity.
 *
 * Intensities that are whole numbers (CT, and grey levels) are taken as they are; they range as
 * far as the re-segmentation does, or else as far as they do.  Others get 1000 bins of their range,
 * the manual's way for arbitrary units: intensities at a fraction of the volume are bin numbers
 * then.  With a bin width of its own the histogram is that of continuous calibrated intensities: in
 * bins of that width, for which their middles stand.
 */
#include <math.h>

#include "radiomics/family.h"

enum { ARBITRARY_BINS = 1000 };

#define ROUNDING 1e-9

static const kin_feature features[] = {
    {"volume_at_intensity_10", "BC2M"},  {"volume_at_intensity_90", "BC2M"},
    {"intensity_at_volume_10", "GBPN"},  {"intensity_at_volume_90", "GBPN"},
    {"volume_difference_10_90", "DDTU"}, {"intensity_difference_10_90", "CNV2"}};
enum { FEATURE_COUNT = sizeof features / sizeof features[0] };

/* The sorted intensities, and the steps that they are counted by. */
typedef struct kin_ivh {
    const float *sorted;
    size_t voxels;
    enum { WHOLE, BINS, WIDTH } way;
    double from, step; /* the first intensity that is told apart, and how far apart the next is */
    double low, high;  /* total range G */
} kin_ivh;

static double discrete(const kin_ivh *ivh, size_t v)
{
    double value = ivh->sorted[v];
    if (ivh->way == WHOLE)
        return value;
    if (ivh->way == WIDTH) /* the middle of its bin */
        return ivh->from + floor((value - (ivh->from - 0.5 * ivh->step)) / ivh->step) * ivh->step;
    double least = ivh->sorted[0], most = ivh->sorted[ivh->voxels - 1];
    if (!(value < most))
        return ARBITRARY_BINS;
    return floor(ARBITRARY_BINS * (value - least) / (most - least)) + 1.0;
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
    double wanted = ivh->low + share * (ivh->high - ivh->low);
    return fraction(ivh, ivh->from + ceil((wanted - ivh->from) / ivh->step - ROUNDING) * ivh->step);
}

/* The least intensity of all that are told apart that at most `share` of the volume reaches: the
 * one above some voxel's. */
static double intensity_at(const kin_ivh *ivh, double share)
{
    double allowed = share * (double)ivh->voxels + ROUNDING;
    size_t reaching = ivh->voxels; /* by at least i */
    double i = ivh->low;
    while ((double)reaching > allowed && reaching > 0) {
        i = discrete(ivh, ivh->voxels - reaching) + ivh->step;
        reaching = ivh->voxels - below(ivh, i);
    }
    return i;
}

static bool are_whole(const float *values, size_t count)
{
    bool whole = true;
    for (size_t v = 0; v < count && whole; v++)
        whole = values[v] == floorf(values[v]);
    return whole;
}

static kin_ivh make_ivh(const kin_roi *roi)
{
    const kin_radiomics_settings *settings = roi->settings;
    kin_ivh ivh = {.sorted = roi->sorted, .voxels = roi->voxels, .way = BINS, .step = 1.0};
    double low = settings->has_range && isfinite(settings->low) ? settings->low : roi->sorted[0];
    double high = settings->has_range && isfinite(settings->high) ? settings->high
                                                                  : roi->sorted[roi->voxels - 1];
    if (settings->ivh_bin_width > 0.0) {
        ivh.way = WIDTH;
        ivh.step = settings->ivh_bin_width;
        ivh.from = ivh.low = low + 0.5 * ivh.step;
        ivh.high = high - 0.5 * ivh.step;
    } else if (are_whole(roi->sorted, roi->voxels)) {
        ivh.way = WHOLE;
        ivh.from = ivh.low = low;
        ivh.high = high;
    } else {
        ivh.from = ivh.low = 1.0;
        ivh.high = ARBITRARY_BINS;
    }
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
