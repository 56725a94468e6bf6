/* residual.c - what an embedder leaves out of what it is shown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "embed/embedder.h"
#include "simd/kernels.h"

enum { SAMPLE = 512 };

/* A family of which the known rows vary by less than this does not count. */
static const double variance_min = 1e-30;

struct residual {
    const kin_embedder *embedder;
    const kin_embed_rows *rows;
    double scale[EMBED_FAMILIES_MAX];
    float *directions; /* components x input, unit length */
    float *row;        /* input */
    float *parts;      /* components */
};

/* The i-th of `sample` rows spread evenly over [first, first + count). */
static const float *sampled(const struct residual *residual, size_t first, size_t count,
                            size_t sample, size_t i, kin_error *err)
{
    size_t at = first + (size_t)((double)i / (double)sample * (double)count);
    return residual->rows->row(residual->rows->ctx, at, err);
}

static size_t sample_of(size_t count)
{
    return count < SAMPLE ? count : SAMPLE;
}

/* Each family's scale, by its total variance over the known rows. */
static kin_status find_scales(struct residual *residual, size_t known, kin_error *err)
{
    const struct embed_layout *layout = &residual->embedder->layout;
    double variance[EMBED_FAMILIES_MAX] = {0};
    size_t sample = sample_of(known);
    for (size_t r = 0; r < sample; r++) {
        const float *row = sampled(residual, 0, known, sample, r, err);
        if (row == NULL)
            return err->code;
        for (size_t f = 0; f < layout->count; f++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++) {
                double away = (double)row[i] - residual->embedder->mean[i];
                variance[f] += away * away / (double)sample;
            }
    }
    for (size_t f = 0; f < layout->count; f++)
        residual->scale[f] = variance[f] > variance_min ? layout->weight[f] / sqrt(variance[f]) : 0;
    return KIN_OK;
}

/* The components themselves: the projection without the scales that are folded into it. */
static void find_directions(struct residual *residual)
{
    const kin_embedder *embedder = residual->embedder;
    const struct embed_layout *layout = &embedder->layout;
    for (size_t k = 0; k < embedder->components; k++) {
        const float *from = embedder->projection + k * embedder->input;
        float *to = residual->directions + k * embedder->input;
        double square = 0;
        for (size_t f = 0; f < layout->count; f++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++) {
                to[i] = residual->scale[f] > 0 ? (float)(from[i] / residual->scale[f]) : 0.0f;
                square += (double)to[i] * to[i];
            }
        for (size_t i = 0; square > 0 && i < embedder->input; i++)
            to[i] /= (float)sqrt(square);
    }
}

/* The share of one row that lies outside the components. */
static double share_of(struct residual *residual, const float *row)
{
    const kin_embedder *embedder = residual->embedder;
    const struct embed_layout *layout = &embedder->layout;
    const kin_kernels *kernels = kin_kernels_best();
    double total = 0, kept = 0;
    for (size_t f = 0; f < layout->count; f++)
        for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++) {
            residual->row[i] = (float)((row[i] - embedder->mean[i]) * residual->scale[f]);
            total += (double)residual->row[i] * residual->row[i];
        }
    kernels->dot_rows(residual->row, residual->directions, embedder->input, embedder->components,
                      embedder->input, residual->parts);
    for (size_t k = 0; k < embedder->components; k++)
        kept += (double)residual->parts[k] * residual->parts[k];
    if (!isfinite(total))
        return NAN;
    return total > 0 && kept < total ? 1 - kept / total : 0;
}

static kin_status mean_share(struct residual *residual, size_t first, size_t count, double *share,
                             kin_error *err)
{
    size_t sample = sample_of(count);
    *share = 0;
    for (size_t r = 0; r < sample; r++) {
        const float *row = sampled(residual, first, count, sample, r, err);
        if (row == NULL)
            return err->code;
        *share += share_of(residual, row) / (double)sample;
    }
    return isfinite(*share) ? KIN_OK
                            : kin_fail(err, KIN_E_CORRUPT, NULL, "descriptor is not finite");
}

kin_status kin_embedder_residuals(const kin_embedder *embedder, const kin_embed_rows *rows,
                                  size_t known, double *known_share, double *newer_share,
                                  kin_error *err)
{
    struct residual residual = {.embedder = embedder, .rows = rows};
    kin_error own = {0}; /* rows report through it, whatever the caller wants to know */
    if (err == NULL)
        err = &own;
    if (strcmp(embedder->kind, EMBED_KIND_BOOTSTRAP) == 0 || rows->input != embedder->input ||
        known == 0 || known >= rows->count)
        return kin_fail(err, KIN_E_ARG, NULL, "there is nothing to compare the model with");
    residual.directions =
        reallocarray(NULL, embedder->components * embedder->input, sizeof *residual.directions);
    residual.row = reallocarray(NULL, embedder->input, sizeof *residual.row);
    residual.parts = reallocarray(NULL, embedder->components, sizeof *residual.parts);
    kin_status status = KIN_OK;
    if (residual.directions == NULL || residual.row == NULL || residual.parts == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to judge the model");
    if (status == KIN_OK)
        status = find_scales(&residual, known, err);
    if (status == KIN_OK) {
        find_directions(&residual);
        status = mean_share(&residual, 0, known, known_share, err);
    }
    if (status == KIN_OK)
        status = mean_share(&residual, known, rows->count - known, newer_share, err);
    free(residual.directions);
    free(residual.row);
    free(residual.parts);
    return status;
}
