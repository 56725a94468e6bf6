/* What the tests of embeddings share: made-up descriptors. */
#ifndef KIN_TEST_DESCRIPTORS_SUPPORT_H
#define KIN_TEST_DESCRIPTORS_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "embed/embedder.h"
#include "random.h"

struct descriptors {
    size_t count, input;
    float *data;
};

/* About normal with variance 1: the sum of 12 uniform numbers. */
static inline double random_normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_bits(state) >> 11) / (double)(UINT64_C(1) << 53);
    return sum;
}

static inline struct descriptors descriptors_new(size_t count, size_t input)
{
    struct descriptors d = {count, input, calloc(count * input, sizeof(float))};
    assert_non_null(d.data);
    return d;
}

/* Descriptors of images as they are in the main: a few factors with falling influence, each spread
 * over all floats, on a mean, with noise. */
static inline struct descriptors descriptors_of_images(size_t count, size_t input, uint64_t seed)
{
    enum { FACTORS = 24 };
    struct descriptors d = descriptors_new(count, input);
    uint64_t shape = 99, state = seed * 2 + 1; /* the same factors for every seed */
    double *factors = malloc((FACTORS + 1) * input * sizeof *factors);
    assert_non_null(factors);
    for (size_t i = 0; i < (FACTORS + 1) * input; i++)
        factors[i] = random_normal(&shape);
    for (size_t r = 0; r < count; r++) {
        double strength[FACTORS];
        for (size_t f = 0; f < FACTORS; f++)
            strength[f] = random_normal(&state) / sqrt((double)f + 1);
        for (size_t i = 0; i < input; i++) {
            double x = 5 + factors[FACTORS * input + i] + 0.2 * random_normal(&state);
            for (size_t f = 0; f < FACTORS; f++)
                x += strength[f] * factors[f * input + i];
            d.data[r * input + i] = (float)x;
        }
    }
    free(factors);
    return d;
}

static inline const float *descriptors_row(void *ctx, size_t i, kin_error *err)
{
    const struct descriptors *d = ctx;
    (void)err;
    return d->data + i * d->input;
}

static inline kin_status train(struct descriptors *d, const char *signature,
                               const kin_embed_options *options, kin_embedder **out, kin_error *err)
{
    kin_embed_rows rows = {d->count, d->input, descriptors_row, d};
    *out = NULL;
    return kin_embedder_train(signature, &rows, options, out, err);
}

static inline kin_embedder *must_train(struct descriptors *d, const char *signature,
                                       const kin_embed_options *options)
{
    kin_embedder *embedder;
    kin_error err = {0};
    if (train(d, signature, options, &embedder, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return embedder;
}

static inline double inner(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

#endif
