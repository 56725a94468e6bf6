/*
 * faiss_bridge.h - what Kindred needs of FAISS 1.7.3 beyond its C API; private to this folder.
 *
 * Indexes are made, trained, filled and freed through FAISS's own C API (FaissIndex is its opaque
 * type).  That API lacks parameters for a single search, selectors, and reading or writing other
 * than by FILE or name; these are here.  No C++ exception leaves the bridge, and none of its
 * functions changes an index that searches may be using.
 */
#ifndef KIN_INDEX_FAISS_BRIDGE_H
#define KIN_INDEX_FAISS_BRIDGE_H

#include <faiss/c_api/Index_c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/status.h"

/* Sets the number of OpenMP threads for parallel regions that the calling thread starts; returns
 * the one before. */
int kin_faiss_set_threads(int threads);

/* faiss_Index_train() with all threads given to matrix products and none to OpenMP.  Training is
 * k-means: large products (the coarse lists), which BLAS divides best, and thousands of tiny loops
 * (the product quantiser), which only wait for each other when divided.  BLAS's number of threads
 * belongs to the process; it is set back afterwards. */
int kin_faiss_train(FaissIndex *index, size_t count, const float *rows, int threads);

/* --- HNSW --- */

/* The beam width while building, and room for `count` vectors.  Before the first add. */
kin_status kin_faiss_hnsw_prepare(FaissIndex *index, int ef_construction, size_t count,
                                  kin_error *err);

/* The vectors that the graph's storage holds, packed; NULL when the index is no flat HNSW. */
const float *kin_faiss_hnsw_vectors(const FaissIndex *index);

/* Working memory that searches of one graph share: a free list of "visited" tables. */
typedef struct kin_faiss_scratch kin_faiss_scratch;
kin_status kin_faiss_scratch_new(kin_faiss_scratch **out, kin_error *err);
void kin_faiss_scratch_free(kin_faiss_scratch *scratch);

/* Searches the graph with a beam of `width`, by Kindred's own kernels.  Up to `width` nodes, in no
 * order, go to labels and scores (both of room width); *found is how many.  1.7.3's graph search
 * would take a selector after all, but it fills the answer with whatever allowed nodes it happens
 * to pass, however far away, and cannot tell whether nearer ones exist (measured: recall 0.82 at 1
 * allowed in 100). */
kin_status kin_faiss_hnsw_search(const FaissIndex *index, kin_faiss_scratch *scratch,
                                 const float *query, size_t width, int64_t *labels, float *scores,
                                 size_t *found, kin_error *err);

/* --- IVF with PQ fast scan --- */

/* Number of inverted lists; 0 when the index is of another kind. */
size_t kin_faiss_ivf_lists(const FaissIndex *index);

/* Scans the `probes` nearest lists for the best `count` codes; label -1 where there are no more.
 * Fast scan takes neither parameters nor a selector in 1.7.3, so this searches through a copy of
 * the index's outer object, which shares lists and centroids with it. */
kin_status kin_faiss_ivf_search(const FaissIndex *index, const float *query, size_t probes,
                                size_t count, int64_t *labels, float *scores, kin_error *err);

/* --- reading and writing --- */

/* Takes the next `size` bytes. */
typedef kin_status (*kin_faiss_sink)(void *ctx, const void *bytes, size_t size, kin_error *err);
kin_status kin_faiss_write(const FaissIndex *index, kin_faiss_sink sink, void *ctx, kin_error *err);

/* Gives the next `size` bytes; asked for no more than there are. */
typedef kin_status (*kin_faiss_origin)(void *ctx, void *bytes, size_t size, kin_error *err);

/* Reads an index of `size` bytes, which must be a flat HNSW graph (`hnsw`) or an IVF with PQ fast
 * scan, over inner product, of that dimension and count.  FAISS checks next to nothing, so that all
 * numbers by which a search would find its way are checked here afterwards: KIN_E_CORRUPT. */
kin_status kin_faiss_read(kin_faiss_origin origin, void *ctx, size_t size, bool hnsw, size_t dim,
                          size_t count, FaissIndex **out, kin_error *err);

#ifdef __cplusplus
}
#endif
#endif
