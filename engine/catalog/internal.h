/* internal.h - what the catalog's files share. */
#ifndef KIN_CATALOG_INTERNAL_H
#define KIN_CATALOG_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/cache.h"
#include "catalog/catalog.h"

enum {
    KIN_LMDB_MAX_KEY = 511, /* mdb_env_get_maxkeysize() of Debian's build; open checks it */
    KIN_LMDB_MAX_READERS = 1024,
    KIN_LMDB_DATABASES = 6
};

/* Past this size of the map something has gone astray: growing stops with KIN_E_LIMIT. */
#define KIN_CATALOG_MAX_MAP ((size_t)1 << 44)

/* Bitmaps hold 32 bits, and CRoaring's half-open ranges need the end to fit. */
#define KIN_CATALOG_MAX_ROWS UINT64_C(0xFFFFFFFF)

/* Keys of `meta` that kin_meta_set_*() leaves to the catalog itself. */
#define KIN_META_SCHEMA  "schema_version"
#define KIN_META_ROWS    "rows"
#define KIN_META_CHANGES "changes" /* and "changes:<name>": see changes.c */

struct kin_txn {
    kin_catalog *catalog;
    MDB_txn *mdb;
    bool writing;
    bool map_full;   /* an operation met MDB_MAP_FULL: the map must grow and the body run again */
    bool previews;   /* the handle of `previews` was there when it began, and may be used */
    uint64_t change; /* of a write that has changed values: its number, see changes.c */
    /* Kept by gate.c. */
    pthread_t thread;
    kin_txn *next, *previous;
};

struct kin_catalog {
    char *dir;
    MDB_env *env;
    MDB_dbi meta, images, by_value, dead, blocks;
    MDB_dbi previews;              /* the database `previews`, once has_previews is set */
    atomic_bool has_previews;      /* see previews.c */
    pthread_mutex_t previews_lock; /* over the opening of it; taken before write_lock */
    pthread_mutex_t write_lock; /* one writer in this process; LMDB sees to the other processes */
    bool registered;            /* with open_once.c */
    dev_t device;
    ino_t inode;
    /* Kept by gate.c. */
    pthread_mutex_t gate;
    pthread_cond_t gate_changed;
    kin_txn *active;
    unsigned remaps_waiting;
    bool remapping, map_lost;
    kin_cache *cache;
};

/* --- gate.c: transactions on one side, changes of the map's size on the other --- */

kin_status kin_gate_init(kin_catalog *catalog, kin_error *err);
void kin_gate_destroy(kin_catalog *catalog);

/* Counts txn as active, waiting while the map changes. */
kin_status kin_gate_enter(kin_txn *txn, kin_error *err);
void kin_gate_leave(kin_txn *txn);

/* True when the calling thread began a transaction that has not ended. */
bool kin_gate_thread_is_inside(kin_catalog *catalog);

/* True when the calling thread is in the body of a write. */
bool kin_gate_thread_is_writing(kin_catalog *catalog);

/*
 * Waits until no transaction is active and sets the map's size: `size` bytes, at least as many as
 * it has; 0 takes over what another process has made it.  KIN_E_BUSY when the calling thread itself
 * holds a transaction, which would never end.
 */
kin_status kin_gate_remap(kin_catalog *catalog, size_t size, kin_error *err);

/* --- transaction.c --- */

typedef kin_status kin_txn_body(kin_txn *txn, void *ctx, kin_error *err);

/* Begins a transaction in *txn, which is the caller's, whatever the schema. */
kin_status kin_txn_begin(kin_catalog *catalog, bool writing, kin_txn *txn, kin_error *err);
/* Ends it without a trace. */
void kin_txn_abandon(kin_txn *txn);
/* Ends it for good; a reader's too, which keeps the handles that it opened. */
kin_status kin_txn_commit(kin_txn *txn, kin_error *err);

/* LMDB's number of the last commit that a reader sees; the same for the same snapshot, and larger
 * for a later one, in whatever process. */
uint64_t kin_txn_commit_number(const kin_txn *txn);

/* kin_catalog_write(), whatever the schema. */
kin_status kin_txn_run(kin_catalog *catalog, kin_txn_body *body, void *ctx, kin_error *err);

/* --- lmdb_error.c --- */

/* kin_fail() for an LMDB return code: "what: LMDB's text". */
kin_status kin_fail_lmdb(kin_error *err, int rc, const char *dir, const char *what);

/* The same within a transaction; notes MDB_MAP_FULL there. */
kin_status kin_txn_fail(kin_txn *txn, int rc, const char *what, kin_error *err);

/* KIN_E_ARG for a transaction that only reads. */
kin_status kin_txn_check_writing(const kin_txn *txn, kin_error *err);

/* --- meta.c --- */

/* As kin_meta_set_u64(), for the catalog's own keys. */
kin_status kin_meta_store_u64(kin_txn *txn, const char *key, uint64_t value, kin_error *err);

/* --- changes.c: which names' values changed of images that were there before --- */

/* Of a write: an image's value of `name` became another.  (What is put or removed is no change: the
 * number of rows and the dead tell of it.) */
kin_status kin_changes_note(kin_txn *txn, const char *name, kin_error *err);

/* How many writes changed any values; and the number, from 1, of the last that changed those of
 * `name`, 0 if none has. */
kin_status kin_changes_count(kin_txn *txn, uint64_t *out, kin_error *err);
kin_status kin_changes_last(kin_txn *txn, const char *name, uint64_t *out, kin_error *err);

/* --- previews.c --- */

#define KIN_PREVIEWS_DATABASE "previews"

/* Opens `previews`, and with `create` makes it, in a transaction of its own; without it none may be
 * there.  KIN_E_ARG: the calling thread holds a transaction. */
kin_status kin_previews_open(kin_catalog *catalog, bool create, kin_error *err);

/* Takes an image's preview out, if it has one. */
kin_status kin_preview_remove(kin_txn *txn, uint64_t id, kin_error *err);

/* KIN_E_CORRUPT unless the value, under its key, passes its checksum; *bytes and *size are what it
 * holds, borrowed. */
kin_status kin_preview_check(const MDB_val *key, const MDB_val *data, const void **bytes,
                             size_t *size, kin_error *err);

/* --- images.c --- */

/* The key of an id; *big is what it points at. */
MDB_val kin_id_key(uint64_t id, uint64_t *big);

/* Reads the record of a key and value of `images`, checksum first; *out needs no release on
 * failure. */
kin_status kin_image_decode(const MDB_val *key, const MDB_val *data, kin_record *out,
                            kin_error *err);

/* Writes a record under its id, where one is already or none is; its values are the caller's to
 * see to.  flags as mdb_put()'s. */
kin_status kin_image_store(kin_txn *txn, const kin_record *record, unsigned flags, kin_error *err);

/* --- values.c: the index by_value --- */

/* A key of by_value: "name\0value", or, when that is too long, its beginning and its digest. */
typedef struct kin_value_key {
    size_t size;
    bool cut;
    char bytes[KIN_LMDB_MAX_KEY];
} kin_value_key;

void kin_value_key_make(kin_value_key *key, const char *name, const char *value);

/* How many bytes of a value of `name` a cut key has before its digest. */
size_t kin_value_cut_length(const char *name);

/* Adds the record's values under its id, or takes them away. */
kin_status kin_values_add(kin_txn *txn, const kin_record *record, kin_error *err);
kin_status kin_values_drop(kin_txn *txn, const kin_record *record, kin_error *err);

/* Brings the index from the former record of an id to the new one, touching only what differs. */
kin_status kin_values_change(kin_txn *txn, const kin_record *from, const kin_record *to,
                             kin_error *err);

/* Visits ids, ascending, in one or more calls; a status other than KIN_OK stops, and is returned. */
typedef kin_status kin_ids_visitor(void *ctx, const uint32_t *ids, size_t count);

/* Visits the ids from `from` on of the images whose field or label `name` is `value`. */
kin_status kin_values_look_up(kin_txn *txn, const char *name, const char *value, uint32_t from,
                              kin_ids_visitor *visit, void *ctx, kin_error *err);

/* The ids that have a value, for a visitor of kin_values_walk() to ask for. */
typedef struct kin_value_ids kin_value_ids;

/* How many there are: all, whatever `from` was. */
kin_status kin_value_ids_count(const kin_value_ids *ids, uint64_t *out);
kin_status kin_value_ids_visit(const kin_value_ids *ids, kin_ids_visitor *visit, void *ctx);

typedef kin_status kin_value_visitor(void *ctx, const char *value, const kin_value_ids *ids);

/*
 * Calls visit for all values of `name`, in the order of the keys (that of the bytes, except among
 * values that were cut and begin alike), to ask for the ids from `from` on that have them.  Of a
 * value that was cut they come one at a time, in as many calls.  Stops at the first status other
 * than KIN_OK, and returns it.
 */
kin_status kin_values_walk(kin_txn *txn, const char *name, uint32_t from, kin_value_visitor *visit,
                           void *ctx, kin_error *err);

/* Does any image have a value of that name? */
kin_status kin_values_name_exists(kin_txn *txn, const char *name, bool *out, kin_error *err);

/* --- liveness.c: the ids that are dead for ever --- */

kin_status kin_dead_add(kin_txn *txn, uint64_t id, kin_error *err);
/* How many there are. */
kin_status kin_dead_count(kin_txn *txn, uint64_t *out, kin_error *err);
/* All of them, freed with roaring_bitmap_free(). */
kin_status kin_dead_all(kin_txn *txn, roaring_bitmap_t **out, kin_error *err);

/*
 * Calls visit for the ids from `from` on at the cursor's key in a database of sorted ids, a page at
 * a time; `first` is the data at the cursor, which stands on the key's first.  Stops at the first
 * status other than KIN_OK.
 */
kin_status kin_ids_visit(kin_txn *txn, MDB_cursor *cursor, const MDB_val *first, uint32_t from,
                         kin_ids_visitor *visit, void *ctx, kin_error *err);

/* Visitor of kin_ids_visit(): ctx is the roaring_bitmap_t that the ids are added to. */
kin_status kin_ids_add_to_bitmap(void *ctx, const uint32_t *ids, size_t count);

/* --- migrate_regions.c --- */

/* From schema 2 to 3: every image of the catalog is a whole one, region 0. */
kin_status kin_migrate_regions(kin_txn *txn, kin_error *err);

/* --- environment.c --- */

/* KIN_E_UNSUPPORTED when the schema is not the one this program knows. */
kin_status kin_catalog_check_schema(kin_txn *txn, kin_error *err);

/* --- open_once.c --- */

/* KIN_E_BUSY when this process has the catalog in `dir` open already. */
kin_status kin_open_once_enter(kin_catalog *catalog, kin_error *err);
void kin_open_once_leave(kin_catalog *catalog);

#endif
