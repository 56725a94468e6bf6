/* internal.h - what the archive's files share: its paths, and the model, vectors and generation
 * that serve. */
#ifndef KIN_ARCHIVE_INTERNAL_H
#define KIN_ARCHIVE_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "archive/archive.h"
#include "catalog/catalog.h"
#include "embed/embed.h"
#include "features/features.h"
#include "index/index.h"
#include "search/search.h"
#include "store/segments.h"

/* Keys of the catalog's settings. */
#define KIN_META_LAYOUT               "layout"         /* signature of the descriptors */
#define KIN_META_DIM                  "dim"            /* of embeddings */
#define KIN_META_CODEC                "codec"          /* of embeddings; absent: fp32 */
#define KIN_META_MODEL                "model"          /* id of the embedder that serves */
#define KIN_META_PREVIOUS_MODEL       "previous_model" /* kept for readers of an older snapshot */
#define KIN_META_GENERATION           "generation" /* number of the index generation, 0 for none */
#define KIN_META_LAST_GENERATION      "last_generation" /* highest number ever taken */
#define KIN_META_PREVIOUS_GENERATION  "previous_generation"
#define KIN_META_DESCRIPTORS          "descriptors" /* name of the set of descriptors that serves */
#define KIN_META_PREVIOUS_DESCRIPTORS "previous_descriptors"
#define KIN_META_SCRUBBED             "scrubbed" /* dead rows of which that set has nothing left */
#define KIN_META_GENERATION_TIME      "generation_time"
#define KIN_META_GENERATION_RECALL    "generation_recall"
#define KIN_META_MODEL_ROWS           "model_rows" /* of the store when the model was learnt */
#define KIN_META_LEARNT               "learnt"     /* archive/learn_note.h, of a supervised model */
#define KIN_META_COSTS                "costs" /* search/costs.h, as the last reindex measured them */

enum {
    KIN_LAYOUT_TAG_SIZE = 17,
    KIN_SET_NAME_SIZE = 32 /* a set's name in the catalog's blocks: a model's id, or d000007 */
};

/*
 * What serves: the rows, the model, its vectors, and the index generation over them.  Shared by
 * reference: a query keeps the one it began with, while a reindex elsewhere puts another into the
 * archive's place.
 */
typedef struct kin_state {
    atomic_int references;
    char model[KIN_EMBED_ID_SIZE];
    char descriptors_name[KIN_SET_NAME_SIZE];
    uint64_t generation;
    kin_embedder *embedder;
    kin_segments *descriptors, *vectors;
    kin_index *index;    /* NULL: no generation yet, or one that cannot be trusted (see doubt) */
    uint64_t index_rows; /* rows of the store when the generation was built; 0 without one */
    kin_costs costs;     /* of searches on this machine */
    kin_error doubt;     /* why the generation named by the catalog does not serve */
} kin_state;

/* What the catalog says should serve, and what searches were found to cost. */
typedef struct kin_state_names {
    char model[KIN_EMBED_ID_SIZE];
    char descriptors[KIN_SET_NAME_SIZE];
    uint64_t generation; /* never goes back */
    char costs[KIN_COSTS_TEXT_SIZE];
} kin_state_names;

struct kin_archive {
    const kin_fs *fs;
    char dir[PATH_MAX];
    size_t dim;
    kin_decode_features features; /* spec and signature from malloc */
    const kin_codec *codec;       /* of embeddings; descriptors are fp32 */
    char layout_tag[KIN_LAYOUT_TAG_SIZE];
    kin_catalog *catalog;
    pthread_mutex_t state_lock; /* over what follows; never held while something is loaded */
    pthread_cond_t state_changed;
    kin_state *state; /* the newest one loaded, or NULL */
    bool loading;     /* a thread is loading what loading_names says */
    kin_state_names loading_names;
};

/* As callers of archive.h see them. */
static inline void kin_tunings_copy(const kin_index_tuning *from, size_t count, kin_tuning *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (kin_tuning){from[i].target, from[i].recall, from[i].microseconds,
                             from[i].setting.width, from[i].setting.candidates};
}
_Static_assert((int)KIN_TUNINGS_MAX == (int)KIN_INDEX_TUNINGS_MAX, "one table of tunings");

/* A consistent view for one query: a catalog snapshot and the state that it names. */
typedef struct kin_snapshot {
    kin_archive *archive;
    kin_txn *txn;
    kin_state *state;
    uint64_t rows;
} kin_snapshot;

kin_status kin_snapshot_open(kin_archive *archive, kin_snapshot *out, kin_error *err);
void kin_snapshot_close(kin_snapshot *snapshot);

/* The state that txn's settings name; returned with kin_state_return(). */
kin_status kin_state_borrow(kin_archive *archive, kin_txn *txn, kin_state **out, kin_error *err);
void kin_state_return(kin_state *state);

/* Makes the next borrower load everything anew: after a failed write the sets take no more. */
void kin_state_forget(kin_archive *archive);

/* Checksums of a set's blocks as the catalog holds them, for kin_rows_open(). */
typedef struct kin_expected {
    kin_txn *txn;
    const char *set;
} kin_expected;
kin_status kin_expected_hash(void *expected, uint64_t block, uint64_t *hash, kin_error *err);

/* The same checksums in memory, for work too long to hold a transaction over. */
typedef struct kin_hashes {
    uint64_t *values;
    size_t count;
} kin_hashes;
kin_status kin_hashes_load(kin_txn *txn, const char *set, uint64_t rows, kin_hashes *out,
                           kin_error *err);
kin_status kin_hashes_expected(void *hashes, uint64_t block, uint64_t *hash, kin_error *err);

/* Blocks that `rows` rows lie in. */
static inline size_t kin_blocks_of(uint64_t rows)
{
    return (size_t)((rows + KIN_BLOCK_ROWS - 1) / KIN_BLOCK_ROWS);
}

/* Of `rows` rows those that lie in a block. */
static inline size_t kin_block_filled(uint64_t rows, uint64_t block)
{
    uint64_t left = rows - block * KIN_BLOCK_ROWS;
    return left > KIN_BLOCK_ROWS ? KIN_BLOCK_ROWS : (size_t)left;
}

/* Puts the checksums of the blocks that rows [first, end) lie in into the catalog. */
kin_status kin_blocks_record(kin_txn *txn, kin_segments *set, const char *name, uint64_t first,
                             uint64_t end, kin_error *err);

/* The verified rows of ids in a set of the snapshot (which the catalog's blocks know as `name`),
 * decoded and packed into out. */
kin_status kin_read_rows(const kin_snapshot *snapshot, kin_segments *set, const char *name,
                         const uint64_t *ids, size_t count, float *out, kin_error *err);

/* The field whose value names all images of a level. */
const char *kin_level_field(kin_level level);

/* The ids that uid names, regions of images among them, at the first level that knows it;
 * KIN_E_NOT_FOUND when none does. */
kin_status kin_ids_named(kin_txn *txn, const char *uid, roaring_bitmap_t **ids, kin_level *level,
                         kin_error *err);

/* KIN_E_EXISTS unless dir is absent or has no entries. */
kin_status kin_archive_require_empty(const char *dir, kin_error *err);

/* Makes an archive's empty folders in dir. */
kin_status kin_archive_make_folders(const kin_fs *fs, const char *dir, kin_error *err);

/* Paths into buf[PATH_MAX]; KIN_E_ARG when too long. */
kin_status kin_archive_path(const char *dir, const char *folder, const char *name,
                            const char *ending, char buf[PATH_MAX], kin_error *err);
kin_status kin_path_of_model(const kin_archive *archive, const char *model, char buf[PATH_MAX],
                             kin_error *err);
kin_status kin_path_of_descriptors(const kin_archive *archive, const char *name, char buf[PATH_MAX],
                                   kin_error *err);
kin_status kin_path_of_vectors(const kin_archive *archive, const char *model, char buf[PATH_MAX],
                               kin_error *err);
kin_status kin_path_of_generation(const kin_archive *archive, uint64_t generation,
                                  char buf[PATH_MAX], kin_error *err);

/* Takes the archive's reindex lock, shared (backup) or alone (reindex); KIN_E_BUSY when it cannot
 * be had at once and wait is false.  The descriptor is closed to let it go. */
kin_status kin_reindex_lock(const kin_archive *archive, bool alone, bool wait, int *fd,
                            kin_error *err);

#endif
