#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "embed/allocate.h"
#include "embed/train.h"

/* Measured; see embed.h. */
static const double default_whitening = 0.5, default_damping = 3.0;

/* An option's value: 0 is the default, KIN_EMBED_NONE is 0. */
static double choose(double asked, double otherwise)
{
    return asked == 0 ? otherwise : asked < 0 ? 0 : asked;
}

kin_status kin_embed_check(const kin_embed_rows *rows, const kin_embed_options *options,
                           kin_error *err)
{
    if (rows->count < 2)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "an embedding needs at least 2 descriptors to learn from");
    if (rows->input == 0 || rows->input > KIN_EMBED_INPUT_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "descriptors of %zu floats cannot be learnt from",
                        rows->input);
    if (options->dim > KIN_EMBED_DIM_MAX || options->sample_max == 1 ||
        options->sample_max > KIN_EMBED_SAMPLE_MAX || !(options->whitening <= 1) ||
        !isfinite(options->whitening) || !isfinite(options->damping))
        return kin_fail(err, KIN_E_ARG, NULL, "options of learning are out of range");
    return KIN_OK;
}

void kin_embed_gains(const struct spectrum *s, size_t kept, const kin_embed_options *options,
                     double *gain)
{
    double whitening = choose(options->whitening, default_whitening);
    double damping = choose(options->damping, default_damping), mean = 0;
    kept = kept < s->rank ? kept : s->rank;
    for (size_t k = 0; k < kept; k++)
        mean += s->variance[k] / (double)kept;
    for (size_t k = 0; k < s->rank; k++)
        gain[k] = pow(s->variance[k] + damping * mean, -whitening / 2);
}

void kin_embed_fold(const struct spectrum *s, const struct embed_layout *layout, const double *gain,
                    kin_embedder *embedder)
{
    for (size_t k = 0; k < embedder->components; k++) {
        const float *from = s->directions + k * embedder->input;
        float *to = embedder->projection + k * embedder->input;
        for (size_t f = 0; f < layout->count; f++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++)
                to[i] = (float)(from[i] * s->scale[f] * gain[k]);
    }
    memcpy(embedder->mean, s->mean, embedder->input * sizeof *s->mean);
}

void kin_embed_blas_begin(const kin_embed_options *options)
{
    openblas_set_num_threads(options->threads > 0 ? options->threads : kin_cpu_count());
}

void kin_embed_blas_end(void)
{
    openblas_set_num_threads(1);
}

static kin_status learn(const char *signature, const struct sample *sample,
                        const kin_embed_options *options, kin_embedder **out, kin_error *err)
{
    struct embed_layout layout;
    struct spectrum spectrum = {0};
    kin_embedder *embedder = NULL;
    size_t input = sample->rows->input;
    size_t dim = options->dim > 0 ? options->dim : KIN_EMBED_DEFAULT_DIM;
    kin_status status = kin_embed_layout_parse(signature, input, &layout, err);
    if (status == KIN_OK)
        status = kin_spectrum_find(sample, &layout, dim, &spectrum, err);
    if (status == KIN_OK && spectrum.rank == 0)
        status = kin_fail(err, KIN_E_ARG, NULL, "descriptors are all alike: nothing to learn");
    if (status == KIN_OK)
        status = kin_embedder_new(EMBED_KIND_PCA, signature, input, dim, spectrum.rank, NULL,
                                  &embedder, err);
    double *gain = kin_embed_allocate(spectrum.rank, 1, sizeof *gain);
    if (status == KIN_OK && gain == NULL)
        status = kin_embed_no_memory(err);
    if (status == KIN_OK) {
        kin_embed_gains(&spectrum, spectrum.rank, options, gain);
        kin_embed_fold(&spectrum, &layout, gain, embedder);
        embedder->trained_on = sample->count;
        status = kin_embedder_seal(embedder, err);
    }
    free(gain);
    kin_spectrum_free(&spectrum);
    if (status != KIN_OK) {
        kin_embedder_free(embedder);
        return status;
    }
    *out = embedder;
    return KIN_OK;
}

kin_status kin_embedder_train(const char *signature, const kin_embed_rows *rows,
                              const kin_embed_options *options, kin_embedder **out, kin_error *err)
{
    static const kin_embed_options defaults = {0};
    kin_error own = {0}; /* rows report through it, whatever the caller wants to know */
    if (options == NULL)
        options = &defaults;
    if (err == NULL)
        err = &own;
    kin_status status = kin_embed_check(rows, options, err);
    if (status != KIN_OK)
        return status;
    size_t most = options->sample_max > 0 ? options->sample_max : KIN_EMBED_DEFAULT_SAMPLE;
    struct sample sample = {.rows = rows, .count = rows->count < most ? rows->count : most};
    kin_embed_blas_begin(options);
    status = learn(signature, &sample, options, out, err);
    kin_embed_blas_end();
    return status;
}
