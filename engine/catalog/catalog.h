/*
 * catalog.h - the truth about an archive, in LMDB.
 *
 * A vector exists once a write transaction of the catalog names it: that commit is the receipt.
 * LMDB's write lock makes the one writer across processes (a killed writer's lock is recovered);
 * readers wait for no writer.  Default synchronous commits only; the map grows by itself, here and
 * when another process has grown it.
 *
 * Named databases
 *   meta      settings: schema version, rows, model, generation, …   key -> number (8 bytes, little
 *             endian) or text
 *   images    id (8 bytes, big endian) -> checksum (XXH3-64 seeded with the id) and packed
 *             kindred.store.v1.Image
 *   by_value  "name\0value" -> ids (4 bytes, sorted) of the live images that have it; of all fields
 *             (record.h; the file's digest in hexadecimal) and every label.  Values too long for
 *             LMDB's keys are cut and end in their digest.
 *   dead      the ids that were removed (4 bytes, sorted), under one key
 *   previews  id (8 bytes, big endian) -> checksum (XXH3-64 seeded with the id) and a small picture;
 *             absent until the first write to a catalog that was made before there were previews
 *   blocks    set name, NUL, block number (8 bytes, big endian) -> checksum (8 bytes,
 *             little endian)
 *
 * Threads and processes
 *   A kin_catalog may be shared by threads; a transaction is used by one thread at a time.  LMDB
 *   changes the size of its map only while this process has no transaction, which asks three things
 *   of callers:
 *   - A thread ends its snapshots before it writes (kin_catalog_write() refuses otherwise): were
 *     the map to grow, it would wait for itself.
 *   - Snapshots are short.  A growing writer waits for the other threads' snapshots to end; so does
 *     a reader who finds that another process has grown the map.  Newcomers are held back
 *     meanwhile, for a tenth of a second at most.
 *   - A thread that holds a snapshot and takes another may get KIN_E_BUSY, when another process has
 *     grown the map in between: it then ends the first.
 *   A process opens a catalog once (a second time is KIN_E_BUSY), and does not use it in a forked
 *   child, which may open it for itself.
 *
 * LMDB trusts the file that it maps: a changed page may be an error (KIN_E_CORRUPT) or worse.  What
 * the catalog detects by itself is a damaged record, a file that was cut, and index and records
 * that disagree.
 */
#ifndef KIN_CATALOG_CATALOG_H
#define KIN_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include <roaring/roaring.h>

#include "catalog/bitmap.h"
#include "catalog/record.h"

enum {
    KIN_CATALOG_SCHEMA_VERSION = 3,
    KIN_CATALOG_CACHE_BYTES = 64 << 20 /* of bitmaps that are kept, until another limit is set */
};

typedef struct kin_catalog kin_catalog;
typedef struct kin_txn kin_txn;

/*
 * Opens the catalog in folder `dir`; with `create` one is made, with its folder, where there is
 * none (otherwise KIN_E_NOT_FOUND).  An older schema is migrated, a newer one, or another program's
 * LMDB file, is KIN_E_UNSUPPORTED.  Stale readers are cleared.
 */
kin_status kin_catalog_open(const char *dir, bool create, kin_catalog **out, kin_error *err);

/* All transactions have ended.  NULL is allowed. */
void kin_catalog_close(kin_catalog *catalog);

/* A snapshot to read; ended by kin_txn_end().  KIN_E_BUSY: too many readers, or see above. */
kin_status kin_catalog_read(kin_catalog *catalog, kin_txn **out, kin_error *err);

/*
 * Runs body in a write transaction and commits, durably, when it returns KIN_OK.  When the map is
 * full it is grown and body runs again from the start, so body must be repeatable (it may have
 * appended rows to the store: they are simply written again).  Body's failure, or the commit's,
 * leaves nothing changed.  The transaction is body's only while it runs; body may read through it
 * what it has written.  KIN_E_ARG: the calling thread holds a snapshot, or is in a body already.
 */
kin_status kin_catalog_write(kin_catalog *catalog,
                             kin_status (*body)(kin_txn *txn, void *ctx, kin_error *err), void *ctx,
                             kin_error *err);

/* Ends a read transaction.  NULL is allowed. */
void kin_txn_end(kin_txn *txn);

/* --- settings: names of 1 to 511 bytes; "schema_version" and "rows" only the catalog sets --- */

/* `fallback` where absent; KIN_E_CORRUPT where the value is no number. */
kin_status kin_meta_get_u64(kin_txn *txn, const char *key, uint64_t fallback, uint64_t *out,
                            kin_error *err);
kin_status kin_meta_set_u64(kin_txn *txn, const char *key, uint64_t value, kin_error *err);
/* Text of at most size - 1 bytes into out, else KIN_E_LIMIT; "" where absent. */
kin_status kin_meta_get_text(kin_txn *txn, const char *key, char *out, size_t size, kin_error *err);
kin_status kin_meta_set_text(kin_txn *txn, const char *key, const char *value, kin_error *err);

/* --- images --- */

/* Committed rows of the store: every id ever given is below it.  Part of each snapshot. */
kin_status kin_catalog_rows(kin_txn *txn, uint64_t *out, kin_error *err);

/* Adds an image under the next id, which it writes to record->id, and counts the row.  KIN_E_LIMIT:
 * ids are below 2^32 - 1, since bitmaps hold 32 bits; or the record is too large. */
kin_status kin_catalog_put(kin_txn *txn, kin_record *record, kin_error *err);

/* Replaces the record of a live id (labels, path, …); its row stays.  KIN_E_NOT_FOUND for a dead
 * one. */
kin_status kin_catalog_update(kin_txn *txn, const kin_record *record, kin_error *err);

/* Takes an image out: its record, values and preview go, its id is dead for ever.
 * KIN_E_NOT_FOUND. */
kin_status kin_catalog_remove(kin_txn *txn, uint64_t id, kin_error *err);

/* The record of a live id, to be released; KIN_E_NOT_FOUND, KIN_E_CORRUPT. */
kin_status kin_catalog_get(kin_txn *txn, uint64_t id, kin_record *out, kin_error *err);

/* The ids of all live images; freed with roaring_bitmap_free(). */
kin_status kin_catalog_live(kin_txn *txn, roaring_bitmap_t **out, kin_error *err);

/* The ids that were removed, shared: of [0, rows) the others live.  Read anew only when some were
 * removed since it was last asked for. */
kin_status kin_catalog_dead(kin_txn *txn, kin_bitmap **out, kin_error *err);

/* The ids whose field or label `name` equals `value`, byte by byte; freed with
 * roaring_bitmap_free(). */
kin_status kin_catalog_with_value(kin_txn *txn, const char *name, const char *value,
                                  roaring_bitmap_t **out, kin_error *err);

/* Calls visit for each distinct value of `name` in byte order with the number of images that have
 * it; a nonzero return stops.  Values that were cut (see above) are read from the records.  without:
 * ids that are not counted (NULL: none; a value that no other has is passed over), which takes a look at
 * every id that is. */
kin_status kin_catalog_each_value(kin_txn *txn, const char *name, const roaring_bitmap_t *without,
                                  int (*visit)(void *ctx, const char *value, uint64_t images),
                                  void *ctx, kin_error *err);

/* Calls visit for each distinct field or label name that any live image has, in byte order; a
 * nonzero return stops. */
kin_status kin_catalog_each_name(kin_txn *txn, int (*visit)(void *ctx, const char *name), void *ctx,
                                 kin_error *err);

/*
 * Checks every cross-reference: each row has a record or was removed, each record is whole and all
 * its values are in by_value, which has nothing else; each preview is whole and belongs to a live
 * image.  Calls report (may be NULL) for each fault,
 * with text that names images by their ids and holds no values; *faults counts them.  KIN_OK
 * whether or not there are faults; other codes mean that the check could not be finished.
 */
kin_status kin_catalog_verify(kin_txn *txn, void (*report)(void *ctx, const char *fault), void *ctx,
                              uint64_t *faults, kin_error *err);

/* --- previews: a small picture of an image, bytes that the catalog only keeps --- */

/* Gives a live image (else KIN_E_NOT_FOUND) a preview; one that it has stays. */
kin_status kin_preview_add(kin_txn *txn, uint64_t id, const void *bytes, size_t size,
                           kin_error *err);

/* Into memory from malloc, which the caller frees.  KIN_E_NOT_FOUND: it has none; KIN_E_CORRUPT. */
kin_status kin_preview_get(kin_txn *txn, uint64_t id, void **out, size_t *size, kin_error *err);

/* How many there are, and the bytes of their pages. */
kin_status kin_previews_measure(kin_txn *txn, uint64_t *count, uint64_t *bytes, kin_error *err);

/* Makes snapshots begun from now on see the previews that another process was the first to add,
 * since this catalog was opened.  KIN_E_ARG: the calling thread holds a snapshot. */
kin_status kin_previews_find(kin_catalog *catalog, kin_error *err);

/* --- checksums of the store's blocks (segments.h); a set's name has 1 to 200 bytes --- */

kin_status kin_block_put(kin_txn *txn, const char *set, uint64_t block, uint64_t hash,
                         kin_error *err);
/* KIN_E_NOT_FOUND where the catalog has none. */
kin_status kin_block_get(kin_txn *txn, const char *set, uint64_t block, uint64_t *hash,
                         kin_error *err);
/* Forgets all blocks of a set. */
kin_status kin_block_drop_set(kin_txn *txn, const char *set, kin_error *err);

/* --- the bitmaps that are kept in memory: of conditions that were asked (condition.h), of the dead
 * --- */

/* At most so many bytes, where what was asked for longest ago gives way; 0 keeps none.  The answers
 * are the same. */
void kin_catalog_limit_cache(kin_catalog *catalog, size_t bytes);

/* What is kept now. */
void kin_catalog_measure_cache(kin_catalog *catalog, size_t *bytes, size_t *bitmaps);

/* --- whole catalog --- */

/*
 * Copies a consistent snapshot into folder `dir` (which must exist and be empty, else KIN_E_EXISTS)
 * with LMDB's own copier, durably, while others write.  Its rows are what kin_catalog_rows() says
 * when the copy is opened.  It counts as a snapshot of the calling thread while it runs (see
 * above), and waits for the writer of the moment: KIN_E_ARG in the body of a write.
 */
kin_status kin_catalog_backup(kin_catalog *catalog, const char *dir, kin_error *err);

/* Bytes of LMDB's pages, free ones among them, and the map's size. */
kin_status kin_catalog_size(kin_catalog *catalog, uint64_t *used, uint64_t *map, kin_error *err);

#endif
