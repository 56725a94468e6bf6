/*
 * embed.h - from descriptors to embeddings: a learnt projection, L2-normalised.
 *
 * An embedder maps a descriptor of length `input` to a unit vector of length `dim`; the inner
 * product of two embeddings is their similarity (cosine).  Three makers:
 *
 *   bootstrap  needs no data: every family scaled to its weight (features.h) as length, then a
 *              seeded random projection (Johnson and Lindenstrauss, 1984; Gaussian, after Indyk and
 *              Motwani, 1998), for an archive too young to learn from.
 *   train      learns from the archive's descriptors: each family is centred and scaled to its
 *              weight's square as total variance (multiple factor analysis: Escofier and Pagès,
 *              1994), principal components of the whole are found, and component i is multiplied by
 *              (variance_i + damping)^(-whitening / 2).
 *   learn      (learn.h) learns from labels as well, on top of such components: a metric under which
 *              images of one class are near to each other.
 *
 * whitening = 1 without damping is PCA whitening, which gives every component unit variance.  It
 * also blows up the last components, which are mostly noise, and in an archive with fewer images
 * than dimensions it makes all of them equidistant.  So the default is tempered: whitening 1/2,
 * damping by three times the mean variance of the components kept.  P@1 / mAP at 256 dimensions,
 * leaving out the query (brain MRI, 2,777 slices; lung histology) or its whole patient (breast
 * histology):
 *
 *                          brain         breast        lung
 *     whitening none       .956 / .428   .810 / .773   .957 / .771
 *     1/2, damping 3       .967 / .432   .795 / .745   .957 / .748
 *     1,   damping 3       .969 / .417   .790 / .656   .954 / .620
 *
 * Without damping, full whitening falls to chance on archives of some dozen images.
 *
 * An embedder is immutable.  Its id is a digest of its parameters in hexadecimal: a vector's set
 * names the id of the model that made it.
 *
 * Threads: making or loading an embedder sets BLAS to one thread for the whole process, because
 * Kindred's own threads, each with an image, are the better use of the cores and BLAS's fight them.
 * Training gives BLAS options.threads while it lasts.
 */
#ifndef KIN_EMBED_EMBED_H
#define KIN_EMBED_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/status.h"

enum {
    KIN_EMBED_DEFAULT_DIM = 256,
    KIN_EMBED_DIM_MAX = 4096,
    KIN_EMBED_INPUT_MAX = 16384, /* training holds a matrix of input x input doubles: 2 GiB */
    KIN_EMBED_DEFAULT_SAMPLE = 20000,
    KIN_EMBED_SAMPLE_MAX = 1000000,
    KIN_EMBED_SIGNATURE_MAX = 4096,
    KIN_EMBED_ID_SIZE = 17 /* 16 hex digits and NUL */
};

/* For kin_embed_options: none at all, where 0 means the default. */
#define KIN_EMBED_NONE (-1.0)

typedef struct kin_embedder kin_embedder;

/* Rows to learn from: row(ctx, i) is a descriptor of `input` floats, valid until the next call of
 * the same thread, or NULL with *err set when it cannot be read.  Each row is read up to twice. */
typedef struct kin_embed_rows {
    size_t count, input;
    const float *(*row)(void *ctx, size_t i, kin_error *err);
    void *ctx;
} kin_embed_rows;

typedef struct kin_embed_options {
    size_t dim;        /* at most this many dimensions; 0: KIN_EMBED_DEFAULT_DIM */
    size_t sample_max; /* learn from at most this many rows, evenly spread; 0: the default */
    int threads;       /* 0: all */
    double whitening;  /* in (0, 1]; 0: the default (1/2), or KIN_EMBED_NONE */
    double damping;    /* times the kept components' mean variance; 0: the default (3), or NONE */
} kin_embed_options;

/* signature: the layout of the descriptors (features.h), whose lengths add up to input (else
 * KIN_E_ARG); dim as in the options.  The same arguments give the same embedder, on every
 * machine. */
kin_status kin_embedder_bootstrap(const char *signature, size_t input, size_t dim,
                                  kin_embedder **out, kin_error *err);

/* Learns from rows.  With fewer independent rows than dim the result has fewer learnt directions;
 * its dim stays as asked (the rest is zero), so that one store layout serves.  At least 2 rows, not
 * all alike (KIN_E_ARG); a value that is not finite is KIN_E_CORRUPT.  options may be NULL.  The
 * same rows give the same embedder on the same machine with the same number of threads. */
kin_status kin_embedder_train(const char *signature, const kin_embed_rows *rows,
                              const kin_embed_options *options, kin_embedder **out, kin_error *err);
void kin_embedder_free(kin_embedder *embedder);

/* out = count x dim unit vectors from count x input descriptors.  A descriptor that projects to
 * nothing becomes the zero vector (similar to none); one that is not finite is KIN_E_ARG.  Safe
 * from several threads.  A vector does not depend on what else is in the batch, but to rounding. */
kin_status kin_embedder_apply(const kin_embedder *embedder, const float *descriptors, size_t count,
                              float *out, kin_error *err);

/* How much a learnt embedder leaves out of what it is shown, of the first `known` rows and of those
 * after them: the share of a descriptor's squared distance from the embedder's mean that lies
 * outside its components, each family scaled to unit variance over the known rows (embed.h's
 * training scales them so); the mean over up to 512 rows of either part, spread evenly.  Drift shows
 * as a larger share among newer images.  KIN_E_ARG: a bootstrap embedder, or a part without rows. */
kin_status kin_embedder_residuals(const kin_embedder *embedder, const kin_embed_rows *rows,
                                  size_t known, double *known_share, double *newer_share,
                                  kin_error *err);

size_t kin_embedder_dim(const kin_embedder *embedder);
size_t kin_embedder_input(const kin_embedder *embedder);
size_t kin_embedder_rank(const kin_embedder *embedder); /* dimensions that are not always zero */
const char *kin_embedder_id_borrow(const kin_embedder *embedder);
const char *kin_embedder_signature_borrow(const kin_embedder *embedder);
/* "bootstrap", "pca-whitened", "lda", "mlp" */
const char *kin_embedder_kind_borrow(const kin_embedder *embedder);
bool kin_embedder_is_supervised(const kin_embedder *embedder); /* learnt from labels (learn.h) */
size_t kin_embedder_trained_on(const kin_embedder *embedder);  /* rows it has seen */

/* A file with a versioned header and a checksum over everything; written atomically and durably.
 * Loading verifies the checksum, every size and that all parameters are finite: KIN_E_CORRUPT. */
kin_status kin_embedder_save(const kin_embedder *embedder, const kin_fs *fs, const char *path,
                             kin_error *err);
kin_status kin_embedder_load(const kin_fs *fs, const char *path, kin_embedder **out,
                             kin_error *err);

#endif
