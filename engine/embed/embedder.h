/* embedder.h - the inside of an embedder; private to this folder and its tests. */
#ifndef KIN_EMBED_EMBEDDER_H
#define KIN_EMBED_EMBEDDER_H

#include <stdbool.h>

#include "embed/embed.h"
#include "embed/head.h"

enum { EMBED_FAMILIES_MAX = 64, EMBED_KIND_SIZE = 16 };

/* Where each family's floats lie in a descriptor, and how much it counts. */
struct embed_layout {
    size_t count;
    size_t first[EMBED_FAMILIES_MAX + 1]; /* family f is [first[f], first[f + 1]) */
    float weight[EMBED_FAMILIES_MAX];     /* kin_layout_part.weight (features.h) */
};

/* The whole of an embedder is
 *     c = projection (prepared(x) - mean), y = head(c) or, without a head, y = c; then y / |y|
 * where `prepared` scales each family to unit length for the bootstrap and changes nothing
 * otherwise; the families' weights and the learnt scales of families and components are folded into
 * the projection, so that a model in a file does not depend on the registry.  A head (head.h) is
 * what was learnt from labels. */
struct kin_embedder {
    char kind[EMBED_KIND_SIZE];
    char id[KIN_EMBED_ID_SIZE];
    char *signature;
    struct embed_layout layout;
    size_t input, dim, rank; /* rank <= dim */
    size_t components;       /* rows of the projection: rank, without a head */
    size_t trained_on;
    bool unit_families;
    float *mean;             /* [input] */
    float *projection;       /* [components][input] */
    struct embed_head *head; /* owned; NULL: none */
};

#define EMBED_KIND_BOOTSTRAP "bootstrap"
#define EMBED_KIND_PCA       "pca-whitened"
#define EMBED_KIND_LDA       "lda"
#define EMBED_KIND_MLP       "mlp"

/* Takes a signature apart; KIN_E_ARG when it is malformed or its lengths do not add up to input. */
kin_status kin_embed_layout_parse(const char *signature, size_t input, struct embed_layout *layout,
                                  kin_error *err);

/* An embedder of that shape with zero mean and an uninitialised projection of `components` rows.
 * Without a head that is its rank.  With one, which fits components and dim, it is the embedder's
 * from then on, also on failure. */
kin_status kin_embedder_new(const char *kind, const char *signature, size_t input, size_t dim,
                            size_t components, struct embed_head *head, kin_embedder **out,
                            kin_error *err);

/* Gives the embedder its id, once its parameters are final. */
kin_status kin_embedder_seal(kin_embedder *embedder, kin_error *err);

/* The components of at most EMBED_BATCH descriptors: out = count x components. */
enum { EMBED_BATCH = 64 };
kin_status kin_embedder_project(const kin_embedder *embedder, const float *descriptors,
                                size_t count, float *out, kin_error *err);

#endif
