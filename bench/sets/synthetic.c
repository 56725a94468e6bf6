#include "synthetic.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/checked.h"
#include "seeded.h"

enum { CLUSTERS_DEFAULT = 1000, INTRINSIC_DEFAULT = 24 };
#define NOISE_OF_CLUSTER  0.8
#define NOISE_OF_MANIFOLD 0.05

struct bench_synthetic {
    bench_synthetic_options options;
    float
        *parts; /* clustered: the centres; manifold: the map, 2 x intrinsic rows; dim floats each */
    float *spread; /* of the noise in each dimension */
};

const char *bench_shape_name(enum bench_shape shape)
{
    static const char *const names[] = {"clustered", "manifold"};
    return (size_t)shape < sizeof names / sizeof names[0] ? names[shape] : NULL;
}

/* Random directions, of about unit length. */
static void fill_directions(float *out, size_t count, size_t dim, uint64_t seed)
{
    uint64_t state = seed;
    double pair[2];
    for (size_t i = 0; i < count * dim; i += 2) {
        bench_random_normals(&state, pair);
        out[i] = (float)(pair[0] / sqrt((double)dim));
        if (i + 1 < count * dim)
            out[i + 1] = (float)(pair[1] / sqrt((double)dim));
    }
}

/* So that noise of unit variance a dimension, times it, has the length wanted. */
static void fill_spread(bench_synthetic *synthetic)
{
    size_t dim = synthetic->options.dim;
    bool clustered = synthetic->options.shape == BENCH_CLUSTERED;
    double length = clustered ? NOISE_OF_CLUSTER : NOISE_OF_MANIFOLD, sum = 0;
    for (size_t d = 0; d < dim; d++) {
        double share = clustered ? 1 / (1 + (double)d / 8) : 1;
        synthetic->spread[d] = (float)sqrt(share);
        sum += share;
    }
    for (size_t d = 0; d < dim; d++)
        synthetic->spread[d] *= (float)(length / sqrt(sum));
}

kin_status bench_synthetic_new(const bench_synthetic_options *options, bench_synthetic **out,
                               kin_error *err)
{
    size_t parts, numbers;
    *out = NULL;
    bench_synthetic *synthetic = calloc(1, sizeof *synthetic);
    if (synthetic == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for synthetic vectors");
    synthetic->options = *options;
    if (options->clusters == 0)
        synthetic->options.clusters = CLUSTERS_DEFAULT;
    if (options->intrinsic == 0)
        synthetic->options.intrinsic = INTRINSIC_DEFAULT;
    parts = options->shape == BENCH_CLUSTERED ? synthetic->options.clusters
                                              : 2 * synthetic->options.intrinsic;
    if (options->dim == 0 || !kin_mul_size(parts, options->dim, &numbers)) {
        free(synthetic);
        return kin_fail(err, KIN_E_ARG, NULL, "no such size of synthetic vectors");
    }
    synthetic->parts = calloc(numbers, sizeof *synthetic->parts);
    synthetic->spread = calloc(options->dim, sizeof *synthetic->spread);
    if (synthetic->parts == NULL || synthetic->spread == NULL) {
        bench_synthetic_free(synthetic);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for synthetic vectors");
    }
    fill_directions(synthetic->parts, parts, options->dim, bench_random_stream(options->seed, 1));
    fill_spread(synthetic);
    *out = synthetic;
    return KIN_OK;
}

void bench_synthetic_free(bench_synthetic *synthetic)
{
    if (synthetic == NULL)
        return;
    free(synthetic->parts);
    free(synthetic->spread);
    free(synthetic);
}

/* Nearly normal, of variance 1: four even numbers added up (Irwin and Hall), from one draw. */
static float quick_normal(uint64_t *state)
{
    uint64_t bits = bench_random_bits(state);
    int64_t sum = (int64_t)(bits & 0xFFFF) + (int64_t)(bits >> 16 & 0xFFFF) +
                  (int64_t)(bits >> 32 & 0xFFFF) + (int64_t)(bits >> 48);
    return (float)(sum - 2 * 0xFFFF) * (float)(1.7320508 / 0x10000);
}

static void add_scaled(float *out, const float *part, float factor, size_t dim)
{
    for (size_t d = 0; d < dim; d++)
        out[d] += factor * part[d];
}

void bench_make_unit(float *vector, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++)
        sum += (double)vector[d] * vector[d];
    float factor = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
    for (size_t d = 0; d < dim; d++)
        vector[d] *= factor;
}

void bench_synthetic_row(const bench_synthetic *synthetic, uint64_t row, float *out)
{
    const bench_synthetic_options *options = &synthetic->options;
    size_t dim = options->dim;
    uint64_t state = bench_random_stream(bench_random_stream(options->seed, 2), row);
    size_t cluster = (size_t)(bench_random_unit(&state) * (double)options->clusters);
    for (size_t d = 0; d < dim; d++)
        out[d] = synthetic->spread[d] * quick_normal(&state);
    if (options->shape == BENCH_CLUSTERED) {
        add_scaled(out, synthetic->parts + cluster * dim, 1, dim);
    } else {
        float scale = 1 / sqrtf((float)options->intrinsic);
        for (size_t i = 0; i < options->intrinsic; i++) {
            float at = quick_normal(&state);
            add_scaled(out, synthetic->parts + 2 * i * dim, scale * at, dim);
            add_scaled(out, synthetic->parts + (2 * i + 1) * dim, scale * sinf(2 * at), dim);
        }
    }
    bench_make_unit(out, dim);
}
