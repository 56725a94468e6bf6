/*
 * Which ids live.  An id, once given, lives until it is removed, and is then dead for ever; so the
 * dead ones are kept (database `dead`: sorted duplicates of 4 bytes under one key), usually few,
 * and the living are the rest of [0, rows).  Putting touches nothing here, removing one small
 * entry, and a snapshot of the living costs a read of the dead, whatever the number of images.
 */
#include <string.h>

#include "catalog/internal.h"

enum { ALIGNED_IDS = 512 };

/* All ids are duplicates of this one key. */
static char dead_key[] = "dead";

static MDB_val key_value(void)
{
    return (MDB_val){.mv_size = sizeof dead_key - 1, .mv_data = dead_key};
}

/* Visits a page's ids from `from` on.  Where LMDB keeps few of them it does so behind the key,
 * unaligned: those are visited by way of a copy. */
static kin_status visit_page(const MDB_val *page, uint32_t from, kin_ids_visitor *visit, void *ctx)
{
    uint32_t aligned[ALIGNED_IDS];
    const char *at = page->mv_data;
    size_t left = page->mv_size / sizeof aligned[0];
    for (; left > 0; left--, at += sizeof aligned[0]) {
        memcpy(aligned, at, sizeof aligned[0]);
        if (aligned[0] >= from)
            break;
    }
    if ((uintptr_t)at % _Alignof(uint32_t) == 0)
        return left > 0 ? visit(ctx, (const uint32_t *)(const void *)at, left) : KIN_OK;
    while (left > 0) {
        size_t count = left < ALIGNED_IDS ? left : ALIGNED_IDS;
        memcpy(aligned, at, count * sizeof aligned[0]);
        kin_status status = visit(ctx, aligned, count);
        if (status != KIN_OK)
            return status;
        at += count * sizeof aligned[0];
        left -= count;
    }
    return KIN_OK;
}

/* Moves the cursor within its key to the first id that is not below `from`; MDB_NOTFOUND where
 * there is none.  Mostly there is none: so the last one is looked at first. */
static int skip_to(MDB_cursor *cursor, uint32_t from, MDB_val *first)
{
    MDB_val key, last, wanted = {.mv_size = sizeof from, .mv_data = &from};
    uint32_t id;
    int rc = mdb_cursor_get(cursor, &key, first, MDB_GET_CURRENT);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &last, MDB_LAST_DUP);
    if (rc != 0 || last.mv_size != sizeof id) /* a wrong size is found by whoever visits it */
        return rc;
    memcpy(&id, last.mv_data, sizeof id);
    if (id < from)
        return MDB_NOTFOUND;
    rc = mdb_cursor_get(cursor, &key, &wanted, MDB_GET_BOTH_RANGE);
    *first = wanted;
    return rc;
}

static kin_status visit_pages(kin_txn *txn, MDB_cursor *cursor, const MDB_val *first, uint32_t from,
                              kin_ids_visitor *visit, void *ctx, kin_error *err)
{
    MDB_val key, page = *first;
    size_t count = 0;
    int rc = mdb_cursor_count(cursor, &count);
    /* Of a single duplicate LMDB gives no page, or that of the key where the cursor was before. */
    if (rc == 0 && count > 1)
        rc = mdb_cursor_get(cursor, &key, &page, MDB_GET_MULTIPLE);
    while (rc == 0) {
        if (page.mv_size % sizeof(uint32_t) != 0)
            return kin_fail(err, KIN_E_CORRUPT, txn->catalog->dir, "an id has a wrong size");
        kin_status status = visit_page(&page, from, visit, ctx);
        if (status != KIN_OK)
            return status;
        rc = count > 1 ? mdb_cursor_get(cursor, &key, &page, MDB_NEXT_MULTIPLE) : MDB_NOTFOUND;
    }
    return rc == MDB_NOTFOUND ? KIN_OK : kin_txn_fail(txn, rc, "cannot read ids", err);
}

kin_status kin_ids_visit(kin_txn *txn, MDB_cursor *cursor, const MDB_val *first, uint32_t from,
                         kin_ids_visitor *visit, void *ctx, kin_error *err)
{
    MDB_val start = *first;
    int rc = from > 0 ? skip_to(cursor, from, &start) : 0;
    if (rc == MDB_NOTFOUND)
        return KIN_OK;
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot read ids", err);
    return visit_pages(txn, cursor, &start, from, visit, ctx, err);
}

kin_status kin_ids_add_to_bitmap(void *ctx, const uint32_t *ids, size_t count)
{
    roaring_bitmap_add_many(ctx, count, ids);
    return KIN_OK;
}

kin_status kin_dead_add(kin_txn *txn, uint64_t id, kin_error *err)
{
    uint32_t number = (uint32_t)id;
    MDB_val key = key_value(), data = {.mv_size = sizeof number, .mv_data = &number};
    int rc = mdb_put(txn->mdb, txn->catalog->dead, &key, &data, MDB_NODUPDATA);
    if (rc == MDB_KEYEXIST)
        return kin_fail(err, KIN_E_CORRUPT, txn->catalog->dir, "a live image's id counts as dead");
    return rc == 0 ? KIN_OK : kin_txn_fail(txn, rc, "cannot remove an image", err);
}

kin_status kin_dead_all(kin_txn *txn, roaring_bitmap_t **out, kin_error *err)
{
    MDB_cursor *cursor;
    MDB_val key = key_value(), first;
    kin_status status = KIN_OK;
    roaring_bitmap_t *dead = roaring_bitmap_create();
    if (dead == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->dead, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &first, MDB_SET_KEY);
        if (rc == 0)
            status = kin_ids_visit(txn, cursor, &first, 0, kin_ids_add_to_bitmap, dead, err);
        mdb_cursor_close(cursor);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        status = kin_txn_fail(txn, rc, "cannot read the removed images", err);
    if (status != KIN_OK) {
        roaring_bitmap_free(dead);
        return status;
    }
    *out = dead;
    return KIN_OK;
}

kin_status kin_dead_count(kin_txn *txn, uint64_t *out, kin_error *err)
{
    MDB_stat stat;
    int rc = mdb_stat(txn->mdb, txn->catalog->dead, &stat);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot count the removed images", err);
    *out = stat.ms_entries;
    return KIN_OK;
}

static kin_status read_dead(kin_txn *txn, kin_bitmap **out, kin_error *err)
{
    roaring_bitmap_t *dead;
    kin_status status = kin_dead_all(txn, &dead, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_shrink_to_fit(dead);
    return kin_bitmap_new(dead, out, err);
}

/* None comes to life again: as many dead are the same dead. */
kin_status kin_catalog_dead(kin_txn *txn, kin_bitmap **out, kin_error *err)
{
    static const char key[] = "dead"; /* no condition's begins like this: condition_key.c */
    kin_cache *cache = txn->catalog->cache;
    kin_cached known = {0};
    kin_stamp stamp = {.commit = kin_txn_commit_number(txn)};
    if (txn->writing)
        return read_dead(txn, out, err);
    kin_status status = kin_dead_count(txn, &stamp.dead, err);
    if (status != KIN_OK)
        return status;
    if (kin_cache_find(cache, key, sizeof key, &known) && known.stamp.dead == stamp.dead) {
        *out = known.bitmap;
        return KIN_OK;
    }
    kin_bitmap_free(known.bitmap);
    status = read_dead(txn, out, err);
    if (status == KIN_OK)
        kin_cache_keep(cache, key, sizeof key, &(kin_cached){.bitmap = *out, .stamp = stamp});
    return status;
}

kin_status kin_catalog_live(kin_txn *txn, roaring_bitmap_t **out, kin_error *err)
{
    uint64_t rows;
    kin_bitmap *dead = NULL;
    kin_status status = kin_catalog_rows(txn, &rows, err);
    if (status == KIN_OK)
        status = kin_catalog_dead(txn, &dead, err);
    if (status != KIN_OK)
        return status;
    const roaring_bitmap_t *ids = kin_bitmap_borrow(dead);
    *out = rows > 0 ? roaring_bitmap_flip(ids, 0, rows) : roaring_bitmap_copy(ids);
    kin_bitmap_free(dead);
    return *out != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
}
