/* verify.c - every checksum and every cross-reference. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"
#include "archive/networks.h"
#include "archive/regions.h"

struct verify {
    kin_snapshot snapshot;
    void (*fault)(void *ctx, const char *text);
    void *ctx;
    uint64_t faults;
};

static void report(struct verify *verify, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void report(struct verify *verify, const char *fmt, ...)
{
    char text[KIN_ERROR_MESSAGE_MAX + KIN_ERROR_SUBJECT_MAX + 64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    verify->fault(verify->ctx, text);
    verify->faults++;
}

static void catalog_fault(void *ctx, const char *text)
{
    struct verify *verify = ctx;
    verify->fault(verify->ctx, text);
}

static void report_error(struct verify *verify, const char *what, const kin_error *err)
{
    report(verify, "%s: %s%s%s", what, err->subject, err->subject[0] != '\0' ? ": " : "",
           err->message);
}

/* Hashes every block of a set against the catalog, whether or not it was read before. */
static void verify_set(struct verify *verify, kin_segments *set, const char *name)
{
    uint64_t rows = verify->snapshot.rows;
    for (size_t block = 0; block < kin_blocks_of(rows); block++) {
        kin_error err;
        uint64_t expected, found;
        size_t filled = kin_block_filled(rows, block);
        kin_error_clear(&err);
        if (kin_block_get(verify->snapshot.txn, name, block, &expected, &err) != KIN_OK)
            report(verify, "set %s: no checksum is kept for block %zu", name, block);
        else if (kin_segments_block_hash(set, block, filled, &found, &err) != KIN_OK)
            report_error(verify, "rows cannot be read", &err);
        else if (found != expected)
            report(verify, "set %s: block %zu (rows %zu to %zu) fails its checksum", name, block,
                   block * KIN_BLOCK_ROWS, block * KIN_BLOCK_ROWS + filled - 1);
    }
}

/* The generation is read afresh from its file, since the one in memory was checked when it was
 * loaded. */
static void verify_generation(struct verify *verify)
{
    const kin_snapshot *snapshot = &verify->snapshot;
    char path[PATH_MAX];
    kin_error err;
    kin_index *index = NULL;
    uint64_t rows = 0;
    if (snapshot->state->generation == 0)
        return;
    kin_error_clear(&err);
    kin_status status =
        kin_path_of_generation(snapshot->archive, snapshot->state->generation, path, &err);
    if (status == KIN_OK)
        status = kin_index_load(snapshot->archive->fs, path, snapshot->state->model, &index, &rows,
                                &err);
    if (status != KIN_OK)
        report_error(verify, "index generation cannot serve (`kindred reindex` makes a new one)",
                     &err);
    else if (rows > snapshot->rows)
        report(verify,
               "index generation %" PRIu64 " is of %" PRIu64 " rows, the catalog of %" PRIu64,
               snapshot->state->generation, rows, snapshot->rows);
    kin_index_free(index);
}

/* The frames of one instance that are stored whole: regions of an instance mostly stand together. */
struct wholes {
    char *uid; /* NULL: none was read yet */
    roaring_bitmap_t *frames;
};

static kin_status read_wholes(kin_txn *txn, const char *uid, struct wholes *wholes, kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    if (wholes->uid != NULL && strcmp(wholes->uid, uid) == 0)
        return KIN_OK;
    kin_status status = kin_record_set(&wholes->uid, uid, err);
    if (status == KIN_OK)
        status = kin_catalog_with_value(txn, "sop_instance_uid", uid, &ids, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_clear(wholes->frames);
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        kin_record record;
        status = kin_catalog_get(txn, at->current_value, &record, err);
        if (status != KIN_OK)
            break;
        if (record.region == 0)
            roaring_bitmap_add(wholes->frames, record.frame);
        kin_record_release(&record);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    return status;
}

static kin_status verify_region(struct verify *verify, uint32_t id, struct wholes *wholes,
                                kin_error *err)
{
    kin_record record;
    kin_txn *txn = verify->snapshot.txn;
    kin_status status = kin_catalog_get(txn, id, &record, err);
    if (status != KIN_OK)
        return status;
    status = read_wholes(txn, record.sop_instance_uid, wholes, err);
    if (status == KIN_OK && !roaring_bitmap_contains(wholes->frames, record.frame))
        report(verify, "image %" PRIu32 ": a region of an image that is not stored", id);
    kin_record_release(&record);
    return status;
}

/* Every region lies on a stored image.  What the catalog has found to be damaged is not told again. */
static kin_status verify_regions(struct verify *verify, kin_error *err)
{
    kin_bitmap *regions = NULL;
    struct wholes wholes = {.frames = roaring_bitmap_create()};
    if (wholes.frames == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    kin_status status = kin_regions_all(verify->snapshot.txn, &regions, err);
    if (status == KIN_OK) {
        roaring_uint32_iterator_t *at = roaring_create_iterator(kin_bitmap_borrow(regions));
        for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
            status = verify_region(verify, at->current_value, &wholes, err);
            if (status == KIN_E_CORRUPT || status == KIN_E_NOT_FOUND)
                status = KIN_OK;
        }
        roaring_free_uint32_iterator(at);
    }
    kin_bitmap_free(regions);
    roaring_bitmap_free(wholes.frames);
    free(wholes.uid);
    return status;
}

static void network_fault(void *ctx, const kin_error *reason)
{
    report_error(ctx, "a network cannot describe new images", reason);
}

kin_status kin_archive_verify(kin_archive *archive, void (*fault)(void *ctx, const char *text),
                              void *ctx, uint64_t *faults, uint64_t *images, kin_error *err)
{
    struct verify verify = {.fault = fault, .ctx = ctx};
    uint64_t in_catalog = 0;
    *faults = *images = 0;
    kin_status status = kin_snapshot_open(archive, &verify.snapshot, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_t *live = NULL;
    status = kin_catalog_verify(verify.snapshot.txn, catalog_fault, &verify, &in_catalog, err);
    if (status == KIN_OK)
        status = verify_regions(&verify, err);
    if (status == KIN_OK)
        status = kin_catalog_live(verify.snapshot.txn, &live, err);
    if (status == KIN_OK) {
        *images = roaring_bitmap_get_cardinality(live);
        roaring_bitmap_free(live);
        verify_set(&verify, verify.snapshot.state->descriptors,
                   verify.snapshot.state->descriptors_name);
        verify_set(&verify, verify.snapshot.state->vectors, verify.snapshot.state->model);
        verify_generation(&verify);
        status = kin_networks_verify(archive, network_fault, &verify, err);
    }
    kin_snapshot_close(&verify.snapshot);
    *faults = verify.faults + in_catalog;
    return status;
}
