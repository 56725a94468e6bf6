#include "radiomics/roi.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* A partial volume of one half must not be lost to rounding. */
#define PARTIAL_VOLUME_MIN (0.5 - 1e-6)

/* How one axis is resampled: output voxel `from + n` lies between the source voxels low[n] and
 * low[n] + 1 (or at the edge), at share[n] of the way. */
typedef struct kin_axis {
    int source_size;
    int from, count;    /* of the output grid: the box */
    double first, step; /* position of output voxel 0 and the distance between two, in source
                           voxels */
    int output_size;
} kin_axis;

/* QCY4, 026Q: grids aligned at their centres, sizes rounded up. */
static kin_axis make_axis(int size, double spacing, double wanted)
{
    double exact = size * spacing / wanted;
    int output = (int)ceil(exact - 1e-6);
    double step = wanted / spacing;
    output = output < 1 ? 1 : output;
    return (kin_axis){.source_size = size,
                      .first = 0.5 * (size - 1 - step * (output - 1)),
                      .step = step,
                      .output_size = output};
}

/* Limits the axis to output voxels within reach of the source voxels low to high, and margin more. */
static void limit_axis(kin_axis *axis, int low, int high, int margin)
{
    int from = (int)floor((low - 1 - axis->first) / axis->step) - margin;
    int to = (int)ceil((high + 1 - axis->first) / axis->step) + margin;
    from = from < 0 ? 0 : from;
    to = to >= axis->output_size ? axis->output_size - 1 : to;
    axis->from = from;
    axis->count = to - from + 1;
}

/* The two source voxels around an output voxel, and the share of the upper one.  Beyond the edge
 * the edge goes on. */
static double between(const kin_axis *axis, int output, int *low, int *high)
{
    double at = axis->first + output * axis->step;
    at = at < 0.0 ? 0.0 : at > axis->source_size - 1 ? axis->source_size - 1 : at;
    double floor_at = floor(at + 1e-9), share = at - floor_at;
    *low = (int)floor_at;
    *high = *low + 1 < axis->source_size ? *low + 1 : *low;
    return share < 1e-9 ? 0.0 : share;
}

static double mix(double a, double b, double share)
{
    return share > 0.0 ? a + (b - a) * share : a; /* what is not used may be no number */
}

/* Trilinear interpolation of the intensities, or of the share of `label`, at one output voxel. */
typedef struct kin_sampler {
    const kin_volume *image, *mask;
    float label;
    kin_axis axis[3];
} kin_sampler;

static void sample(const kin_sampler *s, const int at[3], double *value, double *part)
{
    int edge[3][2];
    double share[3], values[8], parts[8];
    for (int a = 0; a < 3; a++)
        share[a] = between(&s->axis[a], at[a], &edge[a][0], &edge[a][1]);
    for (int corner = 0; corner < 8; corner++) {
        size_t from = kin_volume_at(s->image, edge[0][corner & 1], edge[1][corner >> 1 & 1],
                                    edge[2][corner >> 2 & 1]);
        values[corner] = s->image->voxels[from];
        parts[corner] = s->mask->voxels[from] == s->label ? 1.0 : 0.0;
    }
    for (int a = 0, left = 4; a < 3; a++, left /= 2)
        for (int n = 0; n < left; n++) {
            values[n] = mix(values[2 * n], values[2 * n + 1], share[a]);
            parts[n] = mix(parts[2 * n], parts[2 * n + 1], share[a]);
        }
    *value = values[0];
    *part = parts[0];
}

static void label_missing(const kin_volume *mask, int label, kin_error *err)
{
    enum { NAMED_MAX = 8 };
    float named[NAMED_MAX];
    char text[96] = "";
    int count = 0;
    size_t length = 0;
    for (size_t v = 0; v < kin_volume_count(mask) && count < NAMED_MAX; v++) {
        float value = mask->voxels[v];
        bool known = value == 0.0f;
        for (int n = 0; n < count && !known; n++)
            known = named[n] == value;
        if (known)
            continue;
        named[count++] = value;
        int written = snprintf(text + length, sizeof text - length, " %g", (double)value);
        if (written < 0 || length + (size_t)written >= sizeof text)
            break;
        length += (size_t)written;
    }
    kin_fail(err, KIN_E_NOT_FOUND, NULL, "no voxel has the label %d; there %s%s", label,
             count == 0   ? "is none at all"
             : count == 1 ? "is"
                          : "are",
             text);
}

/* The box of the source voxels that have the label; false when none has. */
static bool find_box(const kin_volume *mask, float label, int low[3], int high[3])
{
    bool found = false;
    for (int a = 0; a < 3; a++) {
        low[a] = mask->size[a];
        high[a] = -1;
    }
    size_t v = 0;
    for (int k = 0; k < mask->size[2]; k++)
        for (int j = 0; j < mask->size[1]; j++)
            for (int i = 0; i < mask->size[0]; i++, v++) {
                if (mask->voxels[v] != label)
                    continue;
                const int at[3] = {i, j, k};
                for (int a = 0; a < 3; a++) {
                    low[a] = at[a] < low[a] ? at[a] : low[a];
                    high[a] = at[a] > high[a] ? at[a] : high[a];
                }
                found = true;
            }
    return found;
}

static kin_status allocate(kin_roi *roi, kin_error *err)
{
    roi->count = 1;
    for (int a = 0; a < 3; a++)
        if (!kin_mul_size(roi->count, (size_t)roi->size[a], &roi->count) ||
            roi->count > KIN_VOLUME_VOXELS_MAX)
            return kin_fail(err, KIN_E_LIMIT, NULL,
                            "the region takes %d x %d x %d voxels at this spacing: too many",
                            roi->size[0], roi->size[1], roi->size[2]);
    roi->value = calloc(roi->count, sizeof *roi->value);
    roi->shape = calloc(roi->count, sizeof *roi->shape);
    roi->inside = calloc(roi->count, sizeof *roi->inside);
    roi->level = calloc(roi->count, sizeof *roi->level);
    if (roi->value == NULL || roi->shape == NULL || roi->inside == NULL || roi->level == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region of %zu voxels", roi->count);
    return KIN_OK;
}

/* Fills intensities and the morphological mask. */
static kin_status fill(kin_roi *roi, const kin_sampler *sampler, kin_error *err)
{
    size_t v = 0;
    bool round_values = roi->settings->round_values;
    for (int k = 0; k < roi->size[2]; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; i < roi->size[0]; i++, v++) {
                const int at[3] = {sampler->axis[0].from + i, sampler->axis[1].from + j,
                                   sampler->axis[2].from + k};
                double value, part;
                sample(sampler, at, &value, &part);
                roi->value[v] = (float)(round_values ? round(value) : value);
                roi->shape[v] = part >= PARTIAL_VOLUME_MIN;
                if (roi->shape[v] && !isfinite(roi->value[v]))
                    return kin_fail(err, KIN_E_FORMAT, NULL,
                                    "the region has intensities that are no numbers");
                roi->shape_voxels += roi->shape[v];
            }
    if (roi->shape_voxels == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL,
                        "the region is too small for voxels of %g mm: none is left",
                        roi->settings->spacing_mm);
    return KIN_OK;
}

static kin_status check_settings(const kin_radiomics_settings *settings, kin_error *err)
{
    if (!(settings->spacing_mm >= 0.0) || isinf(settings->spacing_mm))
        return kin_fail(err, KIN_E_ARG, NULL, "the spacing must be above 0");
    if (settings->discretisation == KIN_BINS_FIXED_SIZE &&
        (!(settings->bin_width > 0.0) || isinf(settings->bin_width)))
        return kin_fail(err, KIN_E_ARG, NULL, "the bin width must be above 0");
    if (settings->discretisation == KIN_BINS_FIXED_NUMBER &&
        (settings->bins < 0 || settings->bins > KIN_RADIOMICS_LEVELS_MAX))
        return kin_fail(err, KIN_E_ARG, NULL, "the number of bins must be from 1 to %d",
                        KIN_RADIOMICS_LEVELS_MAX);
    if (settings->has_range && !(settings->low <= settings->high))
        return kin_fail(err, KIN_E_ARG, NULL, "the range of intensities is empty");
    if (!(settings->ivh_bin_width >= 0.0) || isinf(settings->ivh_bin_width))
        return kin_fail(err, KIN_E_ARG, NULL, "the histogram's bin width must be above 0");
    if (!(settings->outlier_sigma >= 0.0))
        return kin_fail(err, KIN_E_ARG, NULL, "outliers lie beyond 0 or more deviations");
    return KIN_OK;
}

static kin_status make_axes(const kin_volume *image, const kin_radiomics_settings *settings,
                            const int low[3], const int high[3], kin_sampler *sampler, kin_roi *roi,
                            kin_error *err)
{
    for (int a = 0; a < 3; a++) {
        bool resampled = settings->spacing_mm > 0.0 && !(settings->by_slice && a == 2);
        double spacing = resampled ? settings->spacing_mm : image->spacing[a];
        if (image->size[a] * image->spacing[a] / spacing > 1e6)
            return kin_fail(err, KIN_E_LIMIT, NULL, "voxels of %g mm are too small for this image",
                            spacing);
        sampler->axis[a] = make_axis(image->size[a], image->spacing[a], spacing);
        limit_axis(&sampler->axis[a], low[a], high[a],
                   1 + (int)fmin(KIN_PEAK_RADIUS_MM / spacing, 1e6));
        roi->size[a] = sampler->axis[a].count;
        roi->spacing[a] = spacing;
    }
    return KIN_OK;
}

kin_status kin_roi_make(const kin_volume *image, const kin_volume *mask, int label,
                        const kin_radiomics_settings *settings, kin_roi *out, kin_error *err)
{
    kin_sampler sampler = {.image = image, .mask = mask, .label = (float)label};
    int low[3], high[3];
    *out = (kin_roi){.settings = settings};
    kin_status status = check_settings(settings, err);
    if (status != KIN_OK)
        return status;
    if (memcmp(image->size, mask->size, sizeof image->size) != 0)
        return kin_fail(err, KIN_E_ARG, NULL, "the mask is not of the image's size");
    if (!find_box(mask, sampler.label, low, high)) {
        label_missing(mask, label, err);
        return KIN_E_NOT_FOUND;
    }
    status = make_axes(image, settings, low, high, &sampler, out, err);
    if (status == KIN_OK)
        status = allocate(out, err);
    if (status == KIN_OK)
        status = fill(out, &sampler, err);
    if (status == KIN_OK)
        status = kin_roi_resegment(out, err);
    if (status == KIN_OK)
        status = kin_roi_discretise(out, err);
    if (status != KIN_OK)
        kin_roi_release(out);
    return status;
}

void kin_roi_release(kin_roi *roi)
{
    free(roi->value);
    free(roi->shape);
    free(roi->inside);
    free(roi->level);
    free(roi->sorted);
    *roi = (kin_roi){0};
}
