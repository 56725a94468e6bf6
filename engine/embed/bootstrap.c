/*
 * The projection for an archive that has nothing to learn from yet: Gaussian random numbers keep
 * inner products to within about 1 / sqrt(dim) (Johnson and Lindenstrauss, "Extensions of Lipschitz
 * mappings into a Hilbert space", 1984).
 */
#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "embed/embedder.h"
#include "embed/random.h"

/* Normal to the eye, by the sum of the 64 bits' halves: 12 uniform numbers of 16 bits have variance
 * 1 (Irwin and Hall).  In integers but for the last step, so that every machine gives the same. */
static float normal(uint64_t *state)
{
    int64_t sum = 0;
    for (int i = 0; i < 3; i++)
        for (uint64_t bits = kin_random_next(state), part = 0; part < 4; part++, bits >>= 16)
            sum += (int64_t)(bits & 0xffff);
    return (float)(sum - 6 * 65535) / 65536.0f;
}

kin_status kin_embedder_bootstrap(const char *signature, size_t input, size_t dim,
                                  kin_embedder **out, kin_error *err)
{
    kin_embedder *embedder = NULL;
    if (dim == 0)
        dim = KIN_EMBED_DEFAULT_DIM;
    kin_status status =
        kin_embedder_new(EMBED_KIND_BOOTSTRAP, signature, input, dim, dim, NULL, &embedder, err);
    if (status != KIN_OK)
        return status;
    uint64_t state = XXH3_64bits(signature, strlen(signature));
    float scale = 1.0f / sqrtf((float)dim);
    const struct embed_layout *layout = &embedder->layout;
    float *to = embedder->projection;
    for (size_t k = 0; k < dim; k++)
        for (size_t f = 0; f < layout->count; f++)
            for (size_t i = layout->first[f]; i < layout->first[f + 1]; i++)
                *to++ = normal(&state) * scale * layout->weight[f];
    embedder->unit_families = true;
    status = kin_embedder_seal(embedder, err);
    if (status != KIN_OK) {
        kin_embedder_free(embedder);
        return status;
    }
    *out = embedder;
    return KIN_OK;
}
