/*
 * embed.h - from descriptors to embeddings: a learnt projection, L2-normalised.
 *
 * An embedder maps a descriptor of length `input` to a unit vector of length `dim`; the inner product
 * of two embeddings is their similarity (cosine).  Two makers: `bootstrap` needs no data (every family
 * scaled to equal weight, then a seeded random projection after Johnson and Lindenstrauss, 1984), for an
 * archive too young to learn from; `train` learns PCA with whitening from the archive's descriptors.
 *
 * An embedder is immutable.  Its id is a digest of its parameters in hexadecimal: a vector's set names
 * the id of the model that made it.
 */
#ifndef KIN_EMBED_EMBED_H
#define KIN_EMBED_EMBED_H

#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/status.h"

enum { KIN_EMBED_DEFAULT_DIM = 256, KIN_EMBED_ID_SIZE = 17 /* 16 hex digits and NUL */ };

typedef struct kin_embedder kin_embedder;

/* Rows to learn from: row(ctx, i) is a descriptor of `input` floats, valid until the next call of the
 * same thread, or NULL with *err set when it cannot be read. */
typedef struct kin_embed_rows {
    size_t count, input;
    const float *(*row)(void *ctx, size_t i, kin_error *err);
    void *ctx;
} kin_embed_rows;

typedef struct kin_embed_options {
    size_t dim;         /* at most this many dimensions; 0: KIN_EMBED_DEFAULT_DIM */
    size_t sample_max;  /* learn from at most this many rows, evenly spread; 0: default */
    int threads;        /* 0: all */
} kin_embed_options;

/* signature: the layout of the descriptors (features.h); dim as in the options. */
kin_status kin_embedder_bootstrap(const char *signature, size_t input, size_t dim, kin_embedder **out,
                                  kin_error *err);

/* Learns from rows.  With fewer independent rows than dim the result has fewer learnt directions; its
 * dim stays as asked (the rest is zero), so that one store layout serves.  At least 2 rows. */
kin_status kin_embedder_train(const char *signature, const kin_embed_rows *rows,
                              const kin_embed_options *options, kin_embedder **out, kin_error *err);
void kin_embedder_free(kin_embedder *embedder);

/* out = count x dim unit vectors from count x input descriptors.  A descriptor that projects to nothing
 * becomes the zero vector (similar to none).  Safe from several threads. */
kin_status kin_embedder_apply(const kin_embedder *embedder, const float *descriptors, size_t count,
                              float *out, kin_error *err);

size_t kin_embedder_dim(const kin_embedder *embedder);
size_t kin_embedder_input(const kin_embedder *embedder);
const char *kin_embedder_id_borrow(const kin_embedder *embedder);
const char *kin_embedder_signature_borrow(const kin_embedder *embedder);
const char *kin_embedder_kind_borrow(const kin_embedder *embedder); /* "bootstrap", "pca-whitened" */
size_t kin_embedder_trained_on(const kin_embedder *embedder);       /* rows it has seen */

/* A file with a versioned header and a checksum over everything; written atomically and durably.
 * Loading verifies the checksum, every size and that all parameters are finite: KIN_E_CORRUPT. */
kin_status kin_embedder_save(const kin_embedder *embedder, const kin_fs *fs, const char *path,
                             kin_error *err);
kin_status kin_embedder_load(const kin_fs *fs, const char *path, kin_embedder **out, kin_error *err);

#endif
