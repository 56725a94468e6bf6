/* embedder.h - the inside of an embedder; private to this folder and its tests. */
#ifndef KIN_EMBED_EMBEDDER_H
#define KIN_EMBED_EMBEDDER_H

#include <stdbool.h>

#include "embed/embed.h"

enum { EMBED_FAMILIES_MAX = 64, EMBED_KIND_SIZE = 16 };

/* Where each family's floats lie in a descriptor, and how much it counts. */
struct embed_layout {
    size_t count;
    size_t first[EMBED_FAMILIES_MAX + 1]; /* family f is [first[f], first[f + 1]) */
    float weight[EMBED_FAMILIES_MAX];     /* kin_layout_part.weight (features.h) */
};

/* The whole of an embedder is
 *     y = projection (prepared(x) - mean), then y / |y|
 * where `prepared` scales each family to unit length for the bootstrap and changes nothing
 * otherwise; the families' weights and the learnt scales of families and components are folded into
 * the projection, so that a model in a file does not depend on the registry. */
struct kin_embedder {
    char kind[EMBED_KIND_SIZE];
    char id[KIN_EMBED_ID_SIZE];
    char *signature;
    struct embed_layout layout;
    size_t input, dim, rank; /* rank <= dim */
    size_t trained_on;
    bool unit_families;
    float *mean;       /* [input] */
    float *projection; /* [rank][input] */
};

#define EMBED_KIND_BOOTSTRAP "bootstrap"
#define EMBED_KIND_PCA       "pca-whitened"

/* Takes a signature apart; KIN_E_ARG when it is malformed or its lengths do not add up to input. */
kin_status kin_embed_layout_parse(const char *signature, size_t input, struct embed_layout *layout,
                                  kin_error *err);

/* An embedder of that shape with zero mean and an uninitialised projection.  dim 0 is the
 * default. */
kin_status kin_embedder_new(const char *kind, const char *signature, size_t input, size_t dim,
                            size_t rank, kin_embedder **out, kin_error *err);

/* Gives the embedder its id, once its parameters are final. */
kin_status kin_embedder_seal(kin_embedder *embedder, kin_error *err);

/* As kin_embedder_apply(), for at most EMBED_BATCH descriptors, without the last step: out = count
 * x rank. */
enum { EMBED_BATCH = 64 };
kin_status kin_embedder_project(const kin_embedder *embedder, const float *descriptors,
                                size_t count, float *out, kin_error *err);

#endif
