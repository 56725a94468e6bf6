#include "catalog/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum {
    ENTRY_OVERHEAD = 64, /* about what uthash and the bitmap's own structure take of memory */
    LARGEST_SHARE = 4    /* of the limit, for one bitmap */
};

struct entry {
    kin_cached cached;
    size_t bytes;
    size_t key_size;
    /* All entries, from the one that was asked for last. */
    struct entry *later, *earlier;
    UT_hash_handle hh;
    unsigned char key[];
};

struct kin_cache {
    pthread_mutex_t lock; /* over all below; nothing waits or computes under it */
    struct entry *by_key, *latest, *earliest;
    size_t bytes, limit;
};

kin_cache *kin_cache_new(size_t limit)
{
    kin_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    cache->limit = limit;
    return cache;
}

void kin_cache_free(kin_cache *cache)
{
    if (cache == NULL)
        return;
    kin_cache_set_limit(cache, 0);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* --- the order of their use; with the lock held --- */

static void unlink_entry(kin_cache *cache, struct entry *entry)
{
    *(entry->later != NULL ? &entry->later->earlier : &cache->latest) = entry->earlier;
    *(entry->earlier != NULL ? &entry->earlier->later : &cache->earliest) = entry->later;
}

static void link_latest(kin_cache *cache, struct entry *entry)
{
    entry->later = NULL;
    entry->earlier = cache->latest;
    *(cache->latest != NULL ? &cache->latest->later : &cache->earliest) = entry;
    cache->latest = entry;
}

static void drop(kin_cache *cache, struct entry *entry)
{
    unlink_entry(cache, entry);
    HASH_DEL(cache->by_key, entry);
    cache->bytes -= entry->bytes;
    kin_bitmap_free(entry->cached.bitmap);
    free(entry);
}

static void keep_to_limit(kin_cache *cache)
{
    while (cache->bytes > cache->limit)
        drop(cache, cache->earliest);
}

static struct entry *look_up(kin_cache *cache, const void *key, size_t size)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, cache->by_key, key, size, entry);
    return entry;
}

/* --- finding and keeping --- */

bool kin_cache_find(kin_cache *cache, const void *key, size_t size, kin_cached *out)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = look_up(cache, key, size);
    if (entry != NULL) {
        *out = entry->cached;
        kin_bitmap_share(out->bitmap);
        unlink_entry(cache, entry);
        link_latest(cache, entry);
    }
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL;
}

/* A new entry without a bitmap, or NULL where there is no memory. */
static struct entry *add(kin_cache *cache, const void *key, size_t size)
{
    struct entry *entry = malloc(sizeof *entry + size);
    if (entry == NULL)
        return NULL;
    memset(entry, 0, sizeof *entry);
    memcpy(entry->key, key, size);
    entry->key_size = size;
    HASH_ADD_KEYPTR(hh, cache->by_key, entry->key, size, entry);
    if (look_up(cache, key, size) != entry) { /* uthash had no memory for its table */
        free(entry);
        return NULL;
    }
    link_latest(cache, entry);
    return entry;
}

/* Counts what the entry holds, its bitmap having changed. */
static void weigh(kin_cache *cache, struct entry *entry)
{
    size_t ids = roaring_bitmap_portable_size_in_bytes(kin_bitmap_borrow(entry->cached.bitmap));
    cache->bytes -= entry->bytes;
    entry->bytes = sizeof *entry + ENTRY_OVERHEAD + entry->key_size + ids;
    cache->bytes += entry->bytes;
}

void kin_cache_keep(kin_cache *cache, const void *key, size_t size, const kin_cached *cached)
{
    size_t ids = roaring_bitmap_portable_size_in_bytes(kin_bitmap_borrow(cached->bitmap));
    kin_bitmap *former = NULL;
    pthread_mutex_lock(&cache->lock);
    if (ids < cache->limit / LARGEST_SHARE) {
        struct entry *entry = look_up(cache, key, size);
        if (entry == NULL)
            entry = add(cache, key, size);
        if (entry != NULL && entry->cached.stamp.commit <= cached->stamp.commit) {
            former = entry->cached.bitmap;
            entry->cached = *cached;
            kin_bitmap_share(cached->bitmap);
            weigh(cache, entry);
        }
        keep_to_limit(cache);
    }
    pthread_mutex_unlock(&cache->lock);
    kin_bitmap_free(former);
}

void kin_cache_set_limit(kin_cache *cache, size_t limit)
{
    pthread_mutex_lock(&cache->lock);
    cache->limit = limit;
    keep_to_limit(cache);
    pthread_mutex_unlock(&cache->lock);
}

void kin_cache_measure(kin_cache *cache, size_t *bytes, size_t *count)
{
    pthread_mutex_lock(&cache->lock);
    *bytes = cache->bytes;
    *count = HASH_COUNT(cache->by_key);
    pthread_mutex_unlock(&cache->lock);
}
