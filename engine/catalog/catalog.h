/*
 * catalog.h - the truth about an archive, in LMDB.
 *
 * A vector exists once a write transaction of the catalog names it: that commit is the receipt.  LMDB's
 * write lock makes the one writer across processes (a killed writer's lock is recovered); readers never
 * wait.  Default synchronous commits only; the map grows by itself, here and when another process
 * has grown it.
 *
 * Named databases
 *   meta        settings: schema version, rows, model, generation, …      key -> bytes
 *   images      id (8 bytes, big endian) -> kindred.store.v1.Image
 *   by_value    "name\0value" -> ids of the live images that have it (sorted duplicates); holds the built-in
 *               fields (UIDs, patient, modality, dates, path, frame, outcome, …), every label, and the file's digest.
 *               Values longer than LMDB's key bound are cut and end in their digest.
 *   blocks      set name + block number -> checksum and number of rows it covers
 *
 * Thread safety: a kin_catalog may be shared; each transaction belongs to one thread at a time.
 */
#ifndef KIN_CATALOG_CATALOG_H
#define KIN_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include <roaring/roaring.h>

#include "catalog/record.h"

enum { KIN_CATALOG_SCHEMA_VERSION = 1 };

typedef struct kin_catalog kin_catalog;
typedef struct kin_txn kin_txn;

/* Opens the environment in folder `dir`; makes it when absent and `create`.  A schema newer than this program
 * knows is KIN_E_UNSUPPORTED.  Stale readers are cleared. */
kin_status kin_catalog_open(const char *dir, bool create, kin_catalog **out, kin_error *err);
void kin_catalog_close(kin_catalog *catalog);

/* A snapshot to read; ended by kin_txn_end(). */
kin_status kin_catalog_read(kin_catalog *catalog, kin_txn **out, kin_error *err);

/*
 * Runs body in a write transaction and commits.  When the map is full it is grown and body runs again
 * from the start, so body must be repeatable (it may have appended rows to the store: they are simply
 * written again).  Body's failure, or the commit's, leaves nothing changed.
 */
kin_status kin_catalog_write(kin_catalog *catalog,
                             kin_status (*body)(kin_txn *txn, void *ctx, kin_error *err), void *ctx,
                             kin_error *err);

/* Ends a read transaction. */
void kin_txn_end(kin_txn *txn);

/* --- settings --- */
kin_status kin_meta_get_u64(kin_txn *txn, const char *key, uint64_t fallback, uint64_t *out,
                            kin_error *err);
kin_status kin_meta_set_u64(kin_txn *txn, const char *key, uint64_t value, kin_error *err);
/* Text of at most size - 1 bytes into out; "" where absent. */
kin_status kin_meta_get_text(kin_txn *txn, const char *key, char *out, size_t size, kin_error *err);
kin_status kin_meta_set_text(kin_txn *txn, const char *key, const char *value, kin_error *err);

/* --- images --- */

/* Committed rows of the store: every id ever given is below it.  Part of each snapshot. */
kin_status kin_catalog_rows(kin_txn *txn, uint64_t *out, kin_error *err);

/* Adds an image under the next id, which it writes to record->id, and counts the row. */
kin_status kin_catalog_put(kin_txn *txn, kin_record *record, kin_error *err);

/* Replaces the record of a live id (labels, path, …); its row stays. */
kin_status kin_catalog_update(kin_txn *txn, const kin_record *record, kin_error *err);

/* Takes an image out: its record and values go, its id is dead for ever. KIN_E_NOT_FOUND for a dead one. */
kin_status kin_catalog_remove(kin_txn *txn, uint64_t id, kin_error *err);

/* The record of a live id; KIN_E_NOT_FOUND. */
kin_status kin_catalog_get(kin_txn *txn, uint64_t id, kin_record *out, kin_error *err);

/* The ids of all live images; freed with roaring_bitmap_free().  Ids are below 2^32 - 1, since the bitmaps hold
 * 32 bits: put refuses more with KIN_E_LIMIT. */
kin_status kin_catalog_live(kin_txn *txn, roaring_bitmap_t **out, kin_error *err);

/* The ids whose field or label `name` equals `value`. */
kin_status kin_catalog_with_value(kin_txn *txn, const char *name, const char *value,
                                  roaring_bitmap_t **out, kin_error *err);

/* Calls visit for each distinct value of `name` in byte order with the number of images that have it;
 * a nonzero return stops.  Values that were cut (see above) are read back in full from a record. */
kin_status kin_catalog_each_value(kin_txn *txn, const char *name,
                                  int (*visit)(void *ctx, const char *value, uint64_t images),
                                  void *ctx, kin_error *err);

/* Calls visit for each distinct field or label name that any live image has. */
kin_status kin_catalog_each_name(kin_txn *txn, int (*visit)(void *ctx, const char *name), void *ctx,
                                 kin_error *err);

/* Checks every cross-reference: each live record's values are in by_value and the other way round, counters
 * agree; calls report for each fault (text without patient data).  *faults counts them. */
kin_status kin_catalog_verify(kin_txn *txn, void (*report)(void *ctx, const char *fault), void *ctx,
                              uint64_t *faults, kin_error *err);

/* --- checksums of the store's blocks (segments.h) --- */
kin_status kin_block_put(kin_txn *txn, const char *set, uint64_t block, uint64_t hash,
                         kin_error *err);
kin_status kin_block_get(kin_txn *txn, const char *set, uint64_t block, uint64_t *hash,
                         kin_error *err);
/* Forgets all blocks of a set. */
kin_status kin_block_drop_set(kin_txn *txn, const char *set, kin_error *err);

/* --- whole catalog --- */

/* Copies a consistent snapshot into folder `dir` (which must exist and be empty) with LMDB's own copier,
 * durably, while others write.  The snapshot's rows are what kin_catalog_rows() says when the copy is opened. */
kin_status kin_catalog_backup(kin_catalog *catalog, const char *dir, kin_error *err);

/* Bytes in use by LMDB pages, and the map's size. */
kin_status kin_catalog_size(kin_catalog *catalog, uint64_t *used, uint64_t *map, kin_error *err);

#endif
