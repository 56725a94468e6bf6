#include "embed/embedder.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simd/kernels.h"

/* Shorter batches are products of the projection with single vectors, which BLAS does no faster. */
enum { BLAS_ROWS_MIN = 8 };

/* A projection shorter than this is rounding error: the components of a typical one are about 1. */
static const float norm_min = 1e-6f;

kin_status kin_embedder_new(const char *kind, const char *signature, size_t input, size_t dim,
                            size_t components, struct embed_head *head, kin_embedder **out,
                            kin_error *err)
{
    struct embed_layout layout;
    size_t rank = head != NULL ? head->learnt + head->plain : components;
    kin_status status =
        input == 0 || input > KIN_EMBED_INPUT_MAX || dim == 0 || dim > KIN_EMBED_DIM_MAX ||
                components > KIN_EMBED_DIM_MAX || rank > dim
            ? kin_fail(err, KIN_E_ARG, NULL, "no embedder maps %zu floats to %zu", input, dim)
            : kin_embed_layout_parse(signature, input, &layout, err);
    kin_embedder *embedder = status == KIN_OK ? calloc(1, sizeof *embedder) : NULL;
    if (embedder == NULL) {
        kin_embed_head_free(head);
        return status != KIN_OK ? status
                                : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an embedder");
    }
    embedder->head = head;
    snprintf(embedder->kind, sizeof embedder->kind, "%s", kind);
    embedder->signature = strdup(signature);
    embedder->layout = layout;
    embedder->input = input;
    embedder->dim = dim;
    embedder->rank = rank;
    embedder->components = components;
    embedder->mean = calloc(input, sizeof(float));
    embedder->projection =
        malloc((components > 0 ? components : 1) * input * sizeof(float)); /* at most 256 MiB */
    if (embedder->signature == NULL || embedder->mean == NULL || embedder->projection == NULL) {
        kin_embedder_free(embedder);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an embedder");
    }
    openblas_set_num_threads(1); /* see embed.h */
    *out = embedder;
    return KIN_OK;
}

void kin_embedder_free(kin_embedder *embedder)
{
    if (embedder == NULL)
        return;
    free(embedder->signature);
    free(embedder->mean);
    free(embedder->projection);
    kin_embed_head_free(embedder->head);
    free(embedder);
}

/* Scales each family of a descriptor to unit length; one of zeros (colour in a grey image)
 * stays. */
static void unit_families(const struct embed_layout *layout, float *x)
{
    const kin_kernels *kernels = kin_kernels_best();
    for (size_t f = 0; f < layout->count; f++) {
        float *family = x + layout->first[f];
        size_t length = layout->first[f + 1] - layout->first[f];
        float largest = 0;
        for (size_t i = 0; i < length; i++)
            largest = fmaxf(largest, fabsf(family[i]));
        if (largest == 0)
            continue;
        for (size_t i = 0; i < length; i++) /* so that the squares neither overflow nor vanish */
            family[i] /= largest;
        float norm = sqrtf(kernels->dot(family, family, length));
        for (size_t i = 0; i < length; i++)
            family[i] /= norm;
    }
}

/* Copies descriptors to `to`, prepared and centred. */
static kin_status prepare(const kin_embedder *embedder, const float *descriptors, size_t count,
                          float *to, kin_error *err)
{
    const size_t input = embedder->input;
    for (size_t r = 0; r < count; r++, to += input, descriptors += input) {
        for (size_t i = 0; i < input; i++)
            if (!isfinite(to[i] = descriptors[i]))
                return kin_fail(err, KIN_E_ARG, NULL, "descriptor is not finite");
        if (embedder->unit_families)
            unit_families(&embedder->layout, to);
        for (size_t i = 0; i < input; i++)
            to[i] -= embedder->mean[i];
    }
    return KIN_OK;
}

kin_status kin_embedder_project(const kin_embedder *embedder, const float *descriptors,
                                size_t count, float *out, kin_error *err)
{
    const size_t input = embedder->input, components = embedder->components;
    float *prepared = malloc(count * input * sizeof(float)); /* at most EMBED_BATCH rows: 4 MiB */
    if (prepared == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to embed");
    kin_status status = prepare(embedder, descriptors, count, prepared, err);
    if (status != KIN_OK) {
        free(prepared);
        return status;
    }
    if (count < BLAS_ROWS_MIN) {
        const kin_kernels *kernels = kin_kernels_best();
        for (size_t r = 0; r < count; r++)
            kernels->dot_rows(prepared + r * input, embedder->projection, input, components, input,
                              out + r * components);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)components,
                    (int)input, 1.0f, prepared, (int)input, embedder->projection, (int)input, 0.0f,
                    out, (int)components);
    }
    free(prepared);
    return KIN_OK;
}

/* Writes the projection y as a unit vector of `dim` floats. */
static kin_status normalise(const kin_embedder *embedder, const float *y, float *out,
                            kin_error *err)
{
    float norm = sqrtf(kin_kernels_best()->dot(y, y, embedder->rank));
    if (!isfinite(norm))
        return kin_fail(err, KIN_E_ARG, NULL, "descriptor's values are out of range");
    for (size_t i = 0; i < embedder->dim; i++)
        out[i] = i < embedder->rank && norm > norm_min ? y[i] / norm : 0.0f;
    return KIN_OK;
}

/* Embeds at most EMBED_BATCH descriptors; projected and learnt are room for their components and
 * for what the head makes of them. */
static kin_status apply_batch(const kin_embedder *embedder, const float *descriptors, size_t count,
                              float *projected, float *learnt, float *out, kin_error *err)
{
    const float *y = embedder->head != NULL ? learnt : projected;
    kin_status status = kin_embedder_project(embedder, descriptors, count, projected, err);
    if (status == KIN_OK && embedder->head != NULL)
        status = kin_embed_head_apply(embedder->head, projected, embedder->components, count,
                                      learnt, err);
    for (size_t r = 0; r < count && status == KIN_OK; r++)
        status = normalise(embedder, y + r * embedder->rank, out + r * embedder->dim, err);
    return status;
}

kin_status kin_embedder_apply(const kin_embedder *embedder, const float *descriptors, size_t count,
                              float *out, kin_error *err)
{
    float *projected = malloc((size_t)EMBED_BATCH * (embedder->components + 1) * sizeof(float));
    float *learnt = malloc((size_t)EMBED_BATCH * (embedder->rank + 1) * sizeof(float));
    kin_status status = KIN_OK;
    if (projected == NULL || learnt == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to embed");
    for (size_t done = 0; done < count && status == KIN_OK;) {
        size_t n = count - done < EMBED_BATCH ? count - done : EMBED_BATCH;
        status = apply_batch(embedder, descriptors + done * embedder->input, n, projected, learnt,
                             out + done * embedder->dim, err);
        done += n;
    }
    free(projected);
    free(learnt);
    return status;
}

size_t kin_embedder_dim(const kin_embedder *embedder)
{
    return embedder->dim;
}

size_t kin_embedder_input(const kin_embedder *embedder)
{
    return embedder->input;
}

size_t kin_embedder_rank(const kin_embedder *embedder)
{
    return embedder->rank;
}

const char *kin_embedder_id_borrow(const kin_embedder *embedder)
{
    return embedder->id;
}

const char *kin_embedder_signature_borrow(const kin_embedder *embedder)
{
    return embedder->signature;
}

const char *kin_embedder_kind_borrow(const kin_embedder *embedder)
{
    return embedder->kind;
}

bool kin_embedder_is_supervised(const kin_embedder *embedder)
{
    return embedder->head != NULL;
}

size_t kin_embedder_trained_on(const kin_embedder *embedder)
{
    return embedder->trained_on;
}
