#include "embed/learn_space.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "embed/allocate.h"

enum {
    BLOCK_ROWS = 256,
    /* Rows whose components are found: the matrix of their products is of this many squared, and
     * more of them hardly move the first thousand directions. */
    SAMPLE_MAX = 4096
};

struct subset {
    const kin_embed_rows *rows;
    const size_t *index;
};

static const float *subset_row(void *ctx, size_t i, kin_error *err)
{
    const struct subset *subset = ctx;
    return subset->rows->row(subset->rows->ctx, subset->index[i], err);
}

kin_status kin_learn_space_find(const char *signature, const kin_embed_rows *rows,
                                const size_t *index, size_t count, size_t components_max,
                                const kin_embed_options *options, struct learn_space *out,
                                kin_error *err)
{
    struct subset subset = {rows, index};
    kin_embed_rows source = {count, rows->input, subset_row, &subset};
    struct sample sample = {&source, count < SAMPLE_MAX ? count : SAMPLE_MAX};
    *out = (struct learn_space){.signature = signature};
    out->dim = options->dim > 0 ? options->dim : KIN_EMBED_DEFAULT_DIM;
    kin_status status = kin_embed_check(&source, options, err);
    if (status == KIN_OK)
        status = kin_embed_layout_parse(signature, rows->input, &out->layout, err);
    if (status == KIN_OK)
        status = kin_spectrum_find(&sample, &out->layout, components_max, &out->spectrum, err);
    if (status == KIN_OK && out->spectrum.rank == 0)
        status = kin_fail(err, KIN_E_ARG, NULL, "descriptors are all alike: nothing to learn");
    if (status != KIN_OK)
        return status;
    out->gain = kin_embed_allocate(out->spectrum.rank, 1, sizeof *out->gain);
    if (out->gain == NULL)
        return kin_embed_no_memory(err);
    kin_embed_gains(&out->spectrum, out->dim, options, out->gain);
    return KIN_OK;
}

void kin_learn_space_release(struct learn_space *space)
{
    kin_spectrum_free(&space->spectrum);
    free(space->gain);
    space->gain = NULL;
}

/* A row centred, its families scaled. */
static kin_status read_row(const struct learn_space *space, const kin_embed_rows *rows, size_t at,
                           float *to, kin_error *err)
{
    const struct embed_layout *layout = &space->layout;
    const float *row = rows->row(rows->ctx, at, err);
    if (row == NULL)
        return err->code != KIN_OK ? err->code : KIN_E_IO;
    for (size_t f = 0; f < layout->count; f++)
        for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++) {
            to[i] = (row[i] - space->spectrum.mean[i]) * (float)space->spectrum.scale[f];
            if (!isfinite(to[i]))
                return kin_fail(err, KIN_E_CORRUPT, NULL, "descriptor %zu is not finite", at);
        }
    return KIN_OK;
}

kin_status kin_learn_space_project(const struct learn_space *space, const kin_embed_rows *rows,
                                   const size_t *index, size_t count, float *out, kin_error *err)
{
    const size_t input = rows->input, rank = space->spectrum.rank;
    float *block = kin_embed_allocate(BLOCK_ROWS, input, sizeof *block);
    kin_status status = block != NULL ? KIN_OK : kin_embed_no_memory(err);
    for (size_t done = 0; done < count && status == KIN_OK;) {
        size_t n = count - done < BLOCK_ROWS ? count - done : BLOCK_ROWS;
        for (size_t r = 0; r < n && status == KIN_OK; r++)
            status = read_row(space, rows, index[done + r], block + r * input, err);
        if (status == KIN_OK)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)rank, (int)input,
                        1.0f, block, (int)input, space->spectrum.directions, (int)input, 0.0f,
                        out + done * rank, (int)rank);
        for (size_t r = done; r < done + n && status == KIN_OK; r++)
            for (size_t k = 0; k < rank; k++)
                out[r * rank + k] *= (float)space->gain[k];
        done += n;
    }
    free(block);
    return status;
}

kin_status kin_learn_space_embedder(const struct learn_space *space, const char *kind,
                                    struct embed_head *head, size_t trained_on, kin_embedder **out,
                                    kin_error *err)
{
    kin_embedder *embedder = NULL;
    kin_status status =
        kin_embedder_new(kind, space->signature, space->layout.first[space->layout.count],
                         space->dim, head->components, head, &embedder, err);
    if (status != KIN_OK)
        return status;
    kin_embed_fold(&space->spectrum, &space->layout, space->gain, embedder);
    embedder->trained_on = trained_on;
    status = kin_embedder_seal(embedder, err);
    if (status != KIN_OK) {
        kin_embedder_free(embedder);
        return status;
    }
    *out = embedder;
    return KIN_OK;
}
