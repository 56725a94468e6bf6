#include "radiomics/aggregate.h"

#include <math.h>

enum { DIRECTIONS_2D = 4, DIRECTIONS_3D = 13 };

/* One of each pair of opposite neighbours; those within a slice first. */
static const int directions[DIRECTIONS_3D][3] = {
    {1, 0, 0}, {0, 1, 0},  {1, 1, 0}, {-1, 1, 0}, {0, 0, 1},  {1, 0, 1},  {-1, 0, 1},
    {0, 1, 1}, {0, -1, 1}, {1, 1, 1}, {-1, 1, 1}, {1, -1, 1}, {-1, -1, 1}};

/* Figures of several matrices on their way to an average. */
typedef struct kin_average {
    double sum[KIN_FEATURES_MAX];
    int count;
} kin_average;

/* A matrix and the voxels that went into it. */
typedef struct kin_matrix {
    kin_counts counts;
    double voxels;
} kin_matrix;

/* One run over a region. */
typedef struct kin_textures {
    const kin_roi *roi;
    const kin_texture *texture;
    kin_report *report;
    kin_matrix one, slice, all, along[DIRECTIONS_2D];
} kin_textures;

/* Adds a matrix' figures to an average; an empty one has none. */
static void take(kin_textures *run, kin_matrix *matrix, kin_average *average)
{
    double values[KIN_FEATURES_MAX] = {0};
    if (matrix->counts.count == 0)
        return;
    kin_counts_settle(&matrix->counts);
    run->texture->measure(&matrix->counts, run->roi->levels, matrix->voxels, values);
    for (size_t i = 0; i < run->report->features; i++)
        average->sum[i] += values[i];
    average->count++;
}

static kin_status report(kin_textures *run, kin_aggregation aggregation, const kin_average *average,
                         kin_error *err)
{
    double values[KIN_FEATURES_MAX];
    for (size_t i = 0; i < run->report->features; i++)
        values[i] = average->count > 0 ? average->sum[i] / average->count : NAN;
    return kin_report_add(run->report, aggregation, values, err);
}

static kin_status report_one(kin_textures *run, kin_aggregation aggregation, kin_matrix *matrix,
                             kin_error *err)
{
    kin_average average = {0};
    take(run, matrix, &average);
    return report(run, aggregation, &average, err);
}

static kin_status merge(kin_matrix *into, const kin_matrix *matrix, kin_error *err)
{
    into->voxels += matrix->voxels;
    return kin_counts_merge(&into->counts, &matrix->counts, err);
}

static void clear(kin_matrix *matrix)
{
    kin_counts_clear(&matrix->counts);
    matrix->voxels = 0.0;
}

static kin_status fill(kin_textures *run, const kin_part *part, double voxels, kin_error *err)
{
    clear(&run->one);
    run->one.voxels = voxels;
    kin_status status = run->texture->fill(run->roi, part, &run->one.counts, err);
    kin_counts_settle(&run->one.counts);
    return status;
}

static double voxels_of_slice(const kin_roi *roi, int k)
{
    size_t each = (size_t)roi->size[0] * (size_t)roi->size[1], voxels = 0;
    for (size_t v = 0; v < each; v++)
        voxels += roi->inside[(size_t)k * each + v];
    return (double)voxels;
}

static kin_status volume(kin_textures *run, kin_error *err)
{
    kin_average average = {0};
    kin_status status = KIN_OK;
    double voxels = (double)run->roi->voxels;
    kin_part part = {.from_k = 0, .to_k = run->roi->size[2]};
    if (!run->texture->directions) {
        status = fill(run, &part, voxels, err);
        return status == KIN_OK ? report_one(run, KIN_AGGREGATION_3D, &run->one, err) : status;
    }
    for (int d = 0; status == KIN_OK && d < DIRECTIONS_3D; d++) {
        part.step = directions[d];
        status = fill(run, &part, voxels, err);
        take(run, &run->one, &average);
        if (status == KIN_OK)
            status = merge(&run->all, &run->one, err);
    }
    if (status == KIN_OK)
        status = report(run, KIN_AGGREGATION_3D_AVERAGE, &average, err);
    if (status == KIN_OK)
        status = report_one(run, KIN_AGGREGATION_3D_MERGED, &run->all, err);
    return status;
}

static kin_status slices(kin_textures *run, kin_error *err)
{
    kin_average average = {0};
    kin_status status = KIN_OK;
    for (int k = 0; status == KIN_OK && k < run->roi->size[2]; k++) {
        const kin_part part = {.from_k = k, .to_k = k + 1, .by_slice = true};
        double voxels = voxels_of_slice(run->roi, k);
        if (voxels > 0.0)
            status = fill(run, &part, voxels, err);
        if (voxels > 0.0 && status == KIN_OK) {
            take(run, &run->one, &average);
            status = merge(&run->all, &run->one, err);
        }
    }
    if (status == KIN_OK)
        status = report(run, KIN_AGGREGATION_2D, &average, err);
    if (status == KIN_OK)
        status = report_one(run, KIN_AGGREGATION_25D, &run->all, err);
    return status;
}

/* One slice's directions: each by itself, merged, and into the merged slices. */
static kin_status slice_directions(kin_textures *run, int k, kin_average *average, kin_error *err)
{
    kin_status status = KIN_OK;
    double voxels = voxels_of_slice(run->roi, k);
    clear(&run->slice);
    for (int d = 0; status == KIN_OK && voxels > 0.0 && d < DIRECTIONS_2D; d++) {
        const kin_part part = {.from_k = k, .to_k = k + 1, .by_slice = true, .step = directions[d]};
        status = fill(run, &part, voxels, err);
        take(run, &run->one, average);
        if (status == KIN_OK)
            status = merge(&run->slice, &run->one, err);
        if (status == KIN_OK)
            status = merge(&run->along[d], &run->one, err);
        if (status == KIN_OK)
            status = merge(&run->all, &run->one, err);
    }
    return status;
}

static kin_status slices_and_directions(kin_textures *run, kin_error *err)
{
    kin_average average = {0}, by_slice = {0}, by_direction = {0};
    kin_status status = KIN_OK;
    for (int k = 0; status == KIN_OK && k < run->roi->size[2]; k++) {
        status = slice_directions(run, k, &average, err);
        take(run, &run->slice, &by_slice);
    }
    for (int d = 0; d < DIRECTIONS_2D; d++)
        take(run, &run->along[d], &by_direction);
    if (status == KIN_OK)
        status = report(run, KIN_AGGREGATION_2D_AVERAGE, &average, err);
    if (status == KIN_OK)
        status = report(run, KIN_AGGREGATION_2D_MERGED, &by_slice, err);
    if (status == KIN_OK)
        status = report(run, KIN_AGGREGATION_25D_AVERAGE, &by_direction, err);
    if (status == KIN_OK)
        status = report_one(run, KIN_AGGREGATION_25D_MERGED, &run->all, err);
    return status;
}

kin_status kin_texture_report(const kin_roi *roi, const kin_texture *texture, kin_report *to,
                              kin_error *err)
{
    kin_textures run = {.roi = roi, .texture = texture, .report = to};
    kin_status status;
    if (!roi->settings->by_slice)
        status = volume(&run, err);
    else if (texture->directions)
        status = slices_and_directions(&run, err);
    else
        status = slices(&run, err);
    kin_counts_release(&run.one.counts);
    kin_counts_release(&run.slice.counts);
    kin_counts_release(&run.all.counts);
    for (int d = 0; d < DIRECTIONS_2D; d++)
        kin_counts_release(&run.along[d].counts);
    return status;
}
