/*
 * index.h - an index generation: immutable, built over a snapshot of vectors, kept in one file that
 * is mapped into memory.
 *
 * A generation proposes candidates; exact scores come from the store.  Kinds are const tables in a
 * registry (kinds.h); each holds its vectors as int8 codes (store/codec.h), by which it ranks:
 *   flat    codes alone: the caller scans them, then ranks the best exactly (small archives, and
 *           wherever few rows may be answers)
 *   hnsw    a navigable small-world graph (Malkov and Yashunin, 2018), built by FAISS over the
 *           codes, then laid out for searching in place: 1 byte a dimension and 8 M bytes of links
 *   ivfpq   FAISS inverted lists with 4-bit product quantisation, fast scan (André et al., 2017);
 *           its candidates are ranked by the codes
 *
 * Similarity is the inner product; for the unit vectors of an embedder that is the cosine.
 *
 * Nothing in a file is believed before its checksum has been verified; what is searched in place is
 * searched so that no number in it can lead outside the mapping, even should the file change
 * afterwards.
 *
 * Building uses options.threads of OpenMP's threads, a search none but the caller's.
 */
#ifndef KIN_INDEX_INDEX_H
#define KIN_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/status.h"
#include "index/members.h"
#include "simd/topk.h"

enum {
    KIN_INDEX_DIM_MAX = 1 << 16,
    KIN_INDEX_COUNT_MAX = INT32_MAX, /* FAISS numbers a graph's nodes in 32 bits */
    KIN_INDEX_KIND_SIZE = 16,        /* a kind's name and NUL */
    KIN_INDEX_MODEL_SIZE = 64,       /* a model's id and NUL */
    KIN_INDEX_TUNINGS_MAX = 8
};

typedef struct kin_index kin_index;

/* --- building --- */

/* Where the vectors to index are read from: vector(ctx, i) for i in [0, count) has dim floats,
 * valid until the next call, or is NULL with *err set.  ids[i] is the row it is known by; strictly
 * ascending.  Called from the building thread alone; each vector may be asked for more than
 * once. */
typedef struct kin_index_source {
    size_t count, dim;
    const uint64_t *ids;
    const float *(*vector)(void *ctx, size_t i, kin_error *err);
    void *ctx;
} kin_index_source;

typedef struct kin_index_options {
    const char *kind;  /* "auto" (or NULL), "flat", "hnsw", "ivfpq" */
    int threads;       /* 0: all */
    size_t memory_max; /* bytes that building may take at its peak: "auto" keeps below it where any
                          kind does, a named kind that cannot is KIN_E_LIMIT.  0: half of the
                          machine's memory */
    /* A generation over an earlier snapshot of the same vectors (same ids, same model), or NULL.
     * Where its kind is the wanted one it is extended by what is new, without training again; what
     * has gone from the source stays as a stepping stone that no search returns.  Not extended when
     * more than KIN_INDEX_GONE_MAX of it have gone, or when kin_index_drift() asks for training. */
    const kin_index *previous;
    /* Called now and then with the share done in [0, 1], never decreasing; a nonzero return cancels
     * (KIN_E_CANCELLED) within a second or so.  May be NULL. */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
} kin_index_options;

/* Share of a generation that may have gone before it is built anew. */
#define KIN_INDEX_GONE_MAX 0.25

/* True for a name that kin_index_options.kind may have. */
bool kin_index_is_kind(const char *name);

/* What a build over count vectors will take.  Peak: bytes of memory that building allocates beyond
 * what the source holds, which the build keeps to; file: bytes of the generation's file, all of
 * which a search may touch. */
typedef struct kin_index_forecast {
    const char *kind; /* that "auto" stands for */
    uint64_t peak_bytes, file_bytes;
} kin_index_forecast;
kin_status kin_index_forecast_build(size_t count, size_t dim, const kin_index_options *options,
                                    kin_index_forecast *out, kin_error *err);

/* How far the vectors that came after a generation's snapshot have moved from those it was trained
 * on.  Error: mean squared distance of a vector to what its code (ivfpq: list centre and product
 * code; others: int8 code) makes of it, over that vector's mean square; measured on up to 4096 rows
 * of each part.  Training is asked for, by ivfpq alone since the others learn nothing, when the newer
 * rows' error exceeds the older ones' by more than KIN_INDEX_DRIFT_MAX of it, or when there would be
 * twice as many vectors as it was trained for (its lists would be too long). */
#define KIN_INDEX_DRIFT_MAX 0.15
typedef struct kin_index_drift_report {
    double old_error, new_error;
    size_t old_rows, new_rows;
    bool retrain;
} kin_index_drift_report;
kin_status kin_index_drift(const kin_index *previous, const kin_index_source *source,
                           kin_index_drift_report *out, kin_error *err);

/* Builds a generation in memory.  options may be NULL.  *extended (may be NULL) tells whether
 * options.previous was.  KIN_E_ARG: no such kind, ids out of order, or (for ivfpq) too few vectors
 * to train on; KIN_E_CORRUPT: a vector is not finite. */
kin_status kin_index_build(const kin_index_source *source, const kin_index_options *options,
                           kin_index **out, bool *extended, kin_error *err);
void kin_index_free(kin_index *index);

/* --- searching --- */

/* How hard a search looks.  width: of the beam (hnsw), lists probed (ivfpq), 0 for flat; candidates:
 * how many to hand out for the exact ranking (flat: that a two-stage scan keeps). */
typedef struct kin_index_setting {
    uint32_t width, candidates;
} kin_index_setting;

/* The settings worth trying for answers of k, cheapest first: the i-th into *out; false past the
 * last. */
bool kin_index_setting_at(const kin_index *index, size_t k, size_t i, kin_index_setting *out);

typedef struct kin_index_query {
    const float *vector; /* finite, else KIN_E_ARG */
    kin_index_setting setting;
    const kin_members *members; /* NULL: all */
    size_t budget;              /* codes it may score before it gives up; 0: no bound */
    /* An id that a graph's beam goes by as though it were not there (NULL: none): a vector that is
     * itself a node would find its neighbours by its own links, which no other query can. */
    const uint64_t *unseen;
} kin_index_query;

typedef struct kin_index_work {
    size_t scored; /* codes compared with the query (ivfpq: as many as its lists hold on average) */
    bool gave_up;  /* the budget ended before the search did: what was found is not to be trusted */
} kin_index_work;

/* Up to query->setting.candidates members, best first by the codes' scores, into hits (room for as
 * many); *found is how many.  Only members enter the beam's results, while the beam passes through
 * others: it goes on until `width` members have been met that nothing near can better, so filters
 * cost work and not recall; the budget bounds the work.  The flat kind finds none.  Safe from
 * several threads. */
kin_status kin_index_search(const kin_index *index, const kin_index_query *query, kin_hit *hits,
                            size_t *found, kin_index_work *work, kin_error *err);

/* The codes, for scanning: count rows in the order of ids, int8 rows as store/codec.h has them.
 * rows is NULL where a generation has none.  Borrowed. */
typedef struct kin_index_codes {
    const void *rows;
    const uint64_t *ids; /* ascending */
    size_t count, dim;
} kin_index_codes;
kin_index_codes kin_index_codes_borrow(const kin_index *index);

/* Position of an id among the codes; false when the generation has not got it. */
bool kin_index_position(const kin_index *index, uint64_t id, size_t *position);

/* --- tuning: what reindex found out, kept with the generation --- */

/* The cheapest setting whose recall@k (k = 10) on the archive's own vectors reaches a target. */
typedef struct kin_index_tuning {
    double target;       /* 0.90, 0.95, 0.99, 0.999 */
    double recall;       /* measured */
    double microseconds; /* of one query, on the machine that measured */
    double scored;       /* codes scored by one query, on average */
    kin_index_setting setting;
} kin_index_tuning;

/* Before saving; count <= KIN_INDEX_TUNINGS_MAX, targets ascending. */
void kin_index_set_tunings(kin_index *index, const kin_index_tuning *tunings, size_t count);
const kin_index_tuning *kin_index_tunings_borrow(const kin_index *index, size_t *count);

/* --- what it is --- */

bool kin_index_is_flat(const kin_index *index);
const char *kin_index_kind_borrow(const kin_index *index);
size_t kin_index_count(const kin_index *index); /* those that have gone among them */
size_t kin_index_gone(const kin_index *index);  /* those that have gone */
size_t kin_index_dim(const kin_index *index);

/* --- files --- */

/* Writes the generation durably to path (temporary sibling, sync, rename, sync of the folder).
 * `model` is the embedder's id; `rows` the store's committed rows at the snapshot (what lies past
 * is the tail).  On failure the file that was there stays, and the temporary one is removed. */
kin_status kin_index_save(const kin_index *index, const kin_fs *fs, const char *path,
                          const char *model, uint64_t rows, kin_error *err);

/* Maps and verifies (on all processors, at the memory's or the disk's speed); the file must be for
 * `model`.  *rows receives the snapshot's rows.  Any damage is KIN_E_CORRUPT, as is a file of
 * another version or model: all of them are cured by a rebuild.  The file may be unlinked while the
 * generation is in use. */
kin_status kin_index_load(const kin_fs *fs, const char *path, const char *model, kin_index **out,
                          uint64_t *rows, kin_error *err);

#endif
