/* learn_space.h - the components that base and candidates alike stand on; private to this folder. */
#ifndef KIN_EMBED_LEARN_SPACE_H
#define KIN_EMBED_LEARN_SPACE_H

#include "embed/train.h"

/* Components of some rows, tempered as embed.h's training tempers those that it keeps. */
struct learn_space {
    const char *signature;
    struct embed_layout layout;
    struct spectrum spectrum;
    double *gain; /* [spectrum.rank] */
    size_t dim;   /* of embeddings */
};

/* rows: only those numbered in index[0..count), or those that are spread evenly over them when they
 * are very many.  KIN_E_ARG when they are all alike.  Release it also on failure. */
kin_status kin_learn_space_find(const char *signature, const kin_embed_rows *rows,
                                const size_t *index, size_t count, size_t components_max,
                                const kin_embed_options *options, struct learn_space *out,
                                kin_error *err);
void kin_learn_space_release(struct learn_space *space);

/* out = count x spectrum.rank tempered components of the rows numbered in index. */
kin_status kin_learn_space_project(const struct learn_space *space, const kin_embed_rows *rows,
                                   const size_t *index, size_t count, float *out, kin_error *err);

/* The embedder of a head over this space, which it takes over also on failure; trained_on: rows that
 * the head has seen. */
kin_status kin_learn_space_embedder(const struct learn_space *space, const char *kind,
                                    struct embed_head *head, size_t trained_on, kin_embedder **out,
                                    kin_error *err);

#endif
