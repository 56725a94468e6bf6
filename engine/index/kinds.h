/* kinds.h - the registry of index kinds; private to this folder. */
#ifndef KIN_INDEX_KINDS_H
#define KIN_INDEX_KINDS_H

#include "index/generation.h"
#include "index/index.h"

/* A build under way. */
struct index_build {
    const kin_index_source *source;
    const kin_index_options *options;
    int threads;
    const kin_index *previous; /* to be extended; NULL: from nothing */
    size_t kept;               /* of the source's vectors, the first so many are in `previous` */
};

struct index_query {
    const float *vector;
    kin_index_setting setting; /* candidates > 0 */
    const kin_members *members;
    size_t budget; /* > 0 */
    size_t unseen; /* a position, or SIZE_MAX */
};

/* What a build takes: bytes beyond the ids and codes. */
struct index_needs {
    uint64_t structure; /* in the file, and after the build in memory */
    uint64_t building;  /* at the build's peak, the structure included */
};

struct index_kind {
    const char *name;
    size_t count_min; /* fewest vectors that it can be built over */
    /* Positions of what has gone stay; otherwise an extension leaves them out. */
    bool keeps_gone;
    bool trains;
    struct index_needs (*needs)(size_t count, size_t dim, int threads);
    /* Makes the codes and the structure of a generation whose ids are there. */
    kin_status (*build)(kin_index *index, const struct index_build *build, kin_error *err);
    /* Makes ready for searching what was loaded; the sections' sizes are right. */
    kin_status (*attach)(kin_index *index, kin_error *err);
    /* Frees what attach() and build() made beyond the sections; NULL: nothing. */
    void (*drop)(kin_index *index);
    /* Sizes of the kind's own sections by the header's numbers; false where they cannot be. */
    bool (*sizes_are_right)(const kin_index *index);
    kin_status (*search)(const kin_index *index, const struct index_query *query, kin_hit *hits,
                         size_t *found, kin_index_work *work, kin_error *err);
    bool (*setting_at)(const kin_index *index, size_t k, size_t i, kin_index_setting *out);
    /* Sums of the squared errors and squares of count vectors, packed (kin_index_drift()). */
    kin_status (*errors)(const kin_index *index, const float *vectors, size_t count, double *error,
                         double *square, kin_error *err);
};

extern const struct index_kind kin_index_flat, kin_index_hnsw, kin_index_ivfpq;

/* The kind of that name, or NULL. */
const struct index_kind *kin_index_kind_named(const char *name);

/* Encodes the source's vectors [from, to) to the codes at position `at` and after; progress is told
 * from `done` to `done` + `share`. */
kin_status kin_build_encode(kin_index *index, const struct index_build *build, size_t from,
                            size_t to, size_t at, double done, double share, kin_error *err);

/* The i-th vector, checked to be finite; NULL with *err set. */
const float *kin_build_vector(const struct index_build *build, size_t i, kin_error *err);

/* Tells how much is done; KIN_E_CANCELLED when the caller wants no more. */
kin_status kin_build_report(const struct index_build *build, double done, kin_error *err);

/* errors() of the kinds that have nothing but int8 codes. */
kin_status kin_code_errors(const kin_index *index, const float *vectors, size_t count,
                           double *error, double *square, kin_error *err);

#endif
