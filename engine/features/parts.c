#include "features/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A region on its way through its parts. */
typedef struct kin_region_job {
    const kin_extractor *extractor;
    const kin_raster *raster;
    const kin_mask *mask;
    kin_box box;      /* around the lesion */
    double size;      /* the lesion's diameter, in heights of a pixel */
    double aspect;    /* width of a pixel over its height */
    float low, high;  /* the whole picture's levels */
    float *part;      /* room for a descriptor */
    float *out;       /* the sum so far */
    float weight_sum; /* of all parts */
} kin_region_job;

kin_part_weights kin_part_weights_default(void)
{
    return (kin_part_weights){.lesion = 1, .ring = 0, .whole = 0.5f};
}

static void add(kin_region_job *job, const float *descriptor, float weight)
{
    float share = weight / job->weight_sum;
    for (size_t i = 0, n = kin_extractor_length(job->extractor); i < n; i++)
        job->out[i] += share * descriptor[i];
}

/* [*start, *start + *length) grown by `by` at both ends, and to at least KIN_PART_SIDE_MIN, within
 * [0, limit). */
static void grow(int *start, int *length, double by, int limit)
{
    double lacking = (KIN_PART_SIDE_MIN - *length) / 2.0;
    double reach = round(fmax(fmax(by, 1), lacking));
    double low = fmax(0, *start - reach), high = fmin(limit, *start + *length + reach);
    *start = (int)low;
    *length = (int)(high - low);
}

/* The box around the lesion dilated by a share of its size.  (What a round brush adds to a shape
 * reaches its own radius beyond the shape's box, no more and no less.) */
static kin_box dilated_box(const kin_region_job *job, double share)
{
    kin_box box = job->box;
    grow(&box.x, &box.width, share * job->size / job->aspect, job->raster->width);
    grow(&box.y, &box.height, share * job->size, job->raster->height);
    return box;
}

/* Describes a part of a raster, the whole's or one of its crops, and adds it. */
static kin_status add_part(kin_region_job *job, const kin_raster *raster, kin_box box, float weight,
                           kin_error *err)
{
    const kin_view_focus focus = {.box = box, .low = job->low, .high = job->high};
    kin_status status = kin_extractor_describe_part(job->extractor, raster, &focus, job->part, err);
    if (status == KIN_OK)
        add(job, job->part, weight);
    return status;
}

/* Blanks the pixels of raster whose squared distance is 0 or beyond reach^2 to the others' mean. */
static void keep_ring(kin_raster *raster, const float *distance, double reach)
{
    size_t n = (size_t)raster->width * (size_t)raster->height;
    size_t channels = (size_t)raster->channels, kept = 0;
    double sum[3] = {0};
    for (size_t i = 0; i < n; i++) {
        if (distance[i] <= 0 || distance[i] > reach * reach)
            continue;
        for (size_t c = 0; c < channels; c++)
            sum[c] += raster->px[i * channels + c];
        kept++;
    }
    for (size_t i = 0; i < n; i++) {
        if (distance[i] > 0 && distance[i] <= reach * reach)
            continue;
        for (size_t c = 0; c < channels; c++)
            raster->px[i * channels + c] = kept > 0 ? (float)(sum[c] / (double)kept) : 0;
    }
}

static kin_status crop_mask(const kin_mask *mask, kin_box box, kin_mask *out, kin_error *err)
{
    kin_status status = kin_mask_init(out, box.width, box.height, err);
    for (int y = 0; status == KIN_OK && y < box.height; y++)
        memcpy(out->in + (size_t)y * (size_t)box.width,
               mask->in + (size_t)(box.y + y) * (size_t)mask->width + box.x, (size_t)box.width);
    return status;
}

/* A lesion that fills its picture has no ring: its part then is one blank picture. */
static kin_status add_ring(kin_region_job *job, float weight, kin_error *err)
{
    kin_box box = dilated_box(job, KIN_PART_RING);
    kin_raster around = {0};
    kin_mask mask = {0};
    float *distance = NULL;
    kin_status status = kin_raster_crop(job->raster, box, &around, err);
    if (status == KIN_OK)
        status = crop_mask(job->mask, box, &mask, err);
    if (status == KIN_OK) {
        distance = malloc((size_t)box.width * (size_t)box.height * sizeof *distance);
        if (distance == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a lesion's ring");
    }
    if (status == KIN_OK)
        status = kin_mask_distance(&mask, job->aspect, 1, distance, err);
    if (status == KIN_OK) {
        keep_ring(&around, distance, fmax(1, KIN_PART_RING * job->size));
        status = add_part(job, &around, (kin_box){0, 0, box.width, box.height}, weight, err);
    }
    free(distance);
    kin_mask_release(&mask);
    kin_raster_release(&around);
    return status;
}

static kin_status add_whole(kin_region_job *job, const float *whole, float weight, kin_error *err)
{
    kin_status status = KIN_OK;
    if (whole == NULL)
        status = kin_extractor_describe(job->extractor, job->raster, job->part, err);
    if (status == KIN_OK)
        add(job, whole != NULL ? whole : job->part, weight);
    return status;
}

static kin_status check_weights(kin_part_weights weights, kin_error *err)
{
    float sum = weights.lesion + weights.ring + weights.whole;
    if (weights.lesion >= 0 && weights.ring >= 0 && weights.whole >= 0 && sum > 0 && isfinite(sum))
        return KIN_OK;
    return kin_fail(err, KIN_E_ARG, NULL, "weights of parts are negative or all 0");
}

/* Where the lesion is, and how large. */
static kin_status measure(kin_region_job *job, kin_error *err)
{
    const kin_raster *raster = job->raster;
    const kin_mask *mask = job->mask;
    if (mask->width != raster->width || mask->height != raster->height)
        return kin_fail(err, KIN_E_ARG, NULL, "a mask of %d x %d on a picture of %d x %d",
                        mask->width, mask->height, raster->width, raster->height);
    if (!kin_mask_box(mask, &job->box))
        return kin_fail(err, KIN_E_ARG, NULL, "the region has no pixels");
    job->aspect = kin_raster_aspect(raster);
    job->size = 2 * sqrt((double)kin_mask_area(mask) * job->aspect / M_PI);
    return KIN_OK;
}

static kin_status add_parts(kin_region_job *job, kin_part_weights weights, const float *whole,
                            kin_error *err)
{
    kin_status status = KIN_OK;
    if (weights.lesion > 0 || weights.ring > 0)
        status = kin_view_levels(job->raster, &job->low, &job->high, err);
    if (status == KIN_OK && weights.lesion > 0)
        status = add_part(job, job->raster, dilated_box(job, KIN_PART_MARGIN), weights.lesion, err);
    if (status == KIN_OK && weights.ring > 0)
        status = add_ring(job, weights.ring, err);
    if (status == KIN_OK && weights.whole > 0)
        status = add_whole(job, whole, weights.whole, err);
    return status;
}

kin_status kin_describe_region(const kin_extractor *extractor, const kin_raster *raster,
                               const kin_mask *mask, kin_part_weights weights, const float *whole,
                               float *out, kin_error *err)
{
    kin_region_job job = {.extractor = extractor, .raster = raster, .mask = mask, .out = out};
    size_t bytes = kin_extractor_length(extractor) * sizeof *out;
    kin_status status = check_weights(weights, err);
    if (status == KIN_OK)
        status = measure(&job, err);
    if (status != KIN_OK)
        return status;
    job.weight_sum = weights.lesion + weights.ring + weights.whole;
    job.part = malloc(bytes);
    if (job.part == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to describe a region");
    memset(out, 0, bytes);
    status = add_parts(&job, weights, whole, err);
    free(job.part);
    return status;
}

kin_status kin_region_surroundings(const kin_raster *raster, const kin_mask *mask, kin_box *out,
                                   kin_error *err)
{
    kin_region_job job = {.raster = raster, .mask = mask};
    kin_status status = measure(&job, err);
    *out = status == KIN_OK ? dilated_box(&job, KIN_PART_RING) : (kin_box){0};
    return status;
}
