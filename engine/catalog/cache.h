/*
 * cache.h - the bitmaps that were asked for lately (internal to the catalog).
 *
 * Each is exact for one snapshot and says for which, so that it can be brought to another by what
 * happened between the two: commits make nothing here void.  The cache holds references: what it
 * lets go of to stay within its limit lives on with those who use it.  Shared by threads.
 */
#ifndef KIN_CATALOG_CACHE_H
#define KIN_CATALOG_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/bitmap.h"

typedef struct kin_cache kin_cache;

/* What a snapshot of the catalog holds, as far as bitmaps ask. */
typedef struct kin_stamp {
    uint64_t commit;  /* LMDB's number of the last commit in it: the rest follows from that */
    uint64_t rows;    /* ids given */
    uint64_t dead;    /* how many of them are */
    uint64_t changes; /* writes that changed values (kin_changes_count()) */
    uint64_t touched; /* the last of these that touched a name which the bitmap is about */
} kin_stamp;

typedef struct kin_cached {
    kin_bitmap *bitmap;
    kin_stamp stamp;
    uint64_t keys; /* of the index by_value that were looked at to make it */
} kin_cached;

/* NULL without memory. */
kin_cache *kin_cache_new(size_t limit);
void kin_cache_free(kin_cache *cache);

/* False where there is nothing under the key; else a reference for the caller to free. */
bool kin_cache_find(kin_cache *cache, const void *key, size_t size, kin_cached *out);

/* Keeps a reference of its own, unless it has one of a later snapshot, or no memory, or the bitmap
 * alone is more than a quarter of the limit; those that were asked for longest ago give way. */
void kin_cache_keep(kin_cache *cache, const void *key, size_t size, const kin_cached *cached);

/* Bytes it may hold; 0 empties it, and keeps it so. */
void kin_cache_set_limit(kin_cache *cache, size_t limit);

/* Bytes it holds, its own bookkeeping among them, and bitmaps. */
void kin_cache_measure(kin_cache *cache, size_t *bytes, size_t *count);

#endif
