/* train.h - what unsupervised and supervised training share; private to this folder. */
#ifndef KIN_EMBED_TRAIN_H
#define KIN_EMBED_TRAIN_H

#include "embed/spectrum.h"

/* KIN_E_ARG unless such rows can be learnt from with such options. */
kin_status kin_embed_check(const kin_embed_rows *rows, const kin_embed_options *options,
                           kin_error *err);

/* What each component is multiplied by, (variance + damping * mean)^(-whitening / 2) with the mean
 * over the first `kept` of them: gain[spectrum->rank]. */
void kin_embed_gains(const struct spectrum *spectrum, size_t kept, const kin_embed_options *options,
                     double *gain);

/* Folds the families' and the components' scales into the embedder's components. */
void kin_embed_fold(const struct spectrum *spectrum, const struct embed_layout *layout,
                    const double *gain, kin_embedder *embedder);

/* Gives BLAS the options' threads; afterwards it has one again (embed.h). */
void kin_embed_blas_begin(const kin_embed_options *options);
void kin_embed_blas_end(void);

#endif
