/*
 * faiss_ivf_bridge.h - FAISS 1.7.3's inverted lists with 4-bit product quantisation, fast scan, over
 * inner product; private to this folder.
 *
 * No C++ exception leaves the bridge, and what a search may be using is never changed.
 */
#ifndef KIN_INDEX_FAISS_IVF_BRIDGE_H
#define KIN_INDEX_FAISS_IVF_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/status.h"

typedef struct kin_ivf kin_ivf;

/* Untrained: `lists` lists, and `subspaces` (a divisor of dim) codes of 4 bits for each vector. */
kin_status kin_ivf_new(size_t dim, size_t lists, size_t subspaces, kin_ivf **out, kin_error *err);
/* One that holds the same. */
kin_status kin_ivf_copy(const kin_ivf *from, kin_ivf **out, kin_error *err);
void kin_ivf_free(kin_ivf *ivf);
size_t kin_ivf_lists(const kin_ivf *ivf);

/* Trains on count packed vectors, at most rows_per_list of them for a list and `iterations` rounds
 * of k-means.  asked(ctx) is called some times a second from the calling thread; nonzero cancels:
 * KIN_E_CANCELLED, and what there is can only be freed. */
kin_status kin_ivf_train(kin_ivf *ivf, size_t count, const float *rows, int iterations,
                         int rows_per_list, int threads, int (*asked)(void *ctx), void *ctx,
                         kin_error *err);

/* Adds count packed vectors, numbered from where the last ones ended. */
kin_status kin_ivf_add(kin_ivf *ivf, size_t count, const float *rows, int threads, kin_error *err);

/* Scans the `probes` nearest lists for the best `count` codes; label -1 where there are no more. */
kin_status kin_ivf_search(kin_ivf *ivf, const float *query, size_t probes, size_t count,
                          int64_t *labels, float *scores, kin_error *err);

/* Sums over count packed vectors of the squared distance to what list centre and code make of
 * them, and of their squares. */
kin_status kin_ivf_errors(const kin_ivf *ivf, size_t count, const float *rows, double *error,
                          double *square, kin_error *err);

/* Takes the next `size` bytes. */
typedef kin_status (*kin_faiss_sink)(void *ctx, const void *bytes, size_t size, kin_error *err);
kin_status kin_ivf_write(const kin_ivf *ivf, kin_faiss_sink sink, void *ctx, kin_error *err);

/* Reads `size` bytes, of an index of that dimension and count.  FAISS checks next to nothing, so
 * that all numbers by which a search would find its way are checked here: KIN_E_CORRUPT. */
kin_status kin_ivf_read(const void *bytes, size_t size, size_t dim, size_t count, kin_ivf **out,
                        kin_error *err);

#ifdef __cplusplus
}
#endif
#endif
