#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "embed/spectrum.h"

/* Measured; see embed.h. */
static const double default_whitening = 0.5, default_damping = 3.0;

/* An option's value: 0 is the default, KIN_EMBED_NONE is 0. */
static double choose(double asked, double otherwise)
{
    return asked == 0 ? otherwise : asked < 0 ? 0 : asked;
}

static kin_status check(const kin_embed_rows *rows, const kin_embed_options *options,
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

/* Folds the families' and the components' scales into the directions. */
static void fold(const struct spectrum *s, const struct embed_layout *layout, double whitening,
                 double damping, kin_embedder *embedder)
{
    double mean_variance = 0;
    for (size_t k = 0; k < s->rank; k++)
        mean_variance += s->variance[k] / (double)s->rank;
    for (size_t k = 0; k < s->rank; k++) {
        double gain = pow(s->variance[k] + damping * mean_variance, -whitening / 2);
        const float *from = s->directions + k * embedder->input;
        float *to = embedder->projection + k * embedder->input;
        for (size_t f = 0; f < layout->count; f++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++)
                to[i] = (float)(from[i] * s->scale[f] * gain);
    }
    memcpy(embedder->mean, s->mean, embedder->input * sizeof *s->mean);
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
        status =
            kin_embedder_new(EMBED_KIND_PCA, signature, input, dim, spectrum.rank, &embedder, err);
    if (status == KIN_OK) {
        fold(&spectrum, &layout, choose(options->whitening, default_whitening),
             choose(options->damping, default_damping), embedder);
        embedder->trained_on = sample->count;
        status = kin_embedder_seal(embedder, err);
    }
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
    kin_status status = check(rows, options, err);
    if (status != KIN_OK)
        return status;
    size_t most = options->sample_max > 0 ? options->sample_max : KIN_EMBED_DEFAULT_SAMPLE;
    struct sample sample = {.rows = rows, .count = rows->count < most ? rows->count : most};
    openblas_set_num_threads(options->threads > 0 ? options->threads : kin_cpu_count());
    status = learn(signature, &sample, options, out, err);
    openblas_set_num_threads(1); /* see embed.h */
    return status;
}
