/* near_hashes.c - perceptual hashes of stored previews. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"
#include "archive/near_groups.h"
#include "archive/preview.h"
#include "base/parallel.h"

enum { GRAIN = 64 /* previews of one snapshot: none is held long */ };

kin_status kin_near_hashes_init(kin_near_hashes *hashes, size_t count, bool turned, kin_error *err)
{
    *hashes = (kin_near_hashes){.count = count, .turned = turned};
    if (count > KIN_NEAR_IMAGES_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu pictures: at most %d are compared", count,
                        KIN_NEAR_IMAGES_MAX);
    hashes->forms = calloc(count + 1, sizeof *hashes->forms);
    hashes->known = calloc(count + 1, sizeof *hashes->known);
    if (hashes->forms != NULL && hashes->known != NULL)
        return KIN_OK;
    kin_near_hashes_release(hashes);
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu hashes", count);
}

kin_status kin_near_hashes_set(kin_near_hashes *hashes, size_t number, const kin_raster *picture,
                               kin_error *err)
{
    kin_status status = hashes->turned ? kin_phash_forms(picture, hashes->forms[number], err)
                                       : kin_phash(picture, &hashes->forms[number][0], err);
    hashes->known[number] = status == KIN_OK;
    return status;
}

void kin_near_hashes_release(kin_near_hashes *hashes)
{
    free(hashes->forms);
    free(hashes->known);
    memset(hashes, 0, sizeof *hashes);
}

/* Reading under way, shared by its threads. */
struct reading {
    kin_archive *archive;
    const uint64_t *ids;
    kin_near_hashes *out;
    pthread_mutex_t lock; /* over what follows: the first failure */
    kin_status status;
    kin_error err;
};

static kin_status hash_one(struct reading *reading, kin_txn *txn, size_t i, kin_error *err)
{
    void *bytes = NULL;
    size_t size = 0;
    kin_raster picture = {0};
    kin_status status = kin_preview_get(txn, reading->ids[i], &bytes, &size, err);
    if (status == KIN_E_NOT_FOUND)
        return KIN_OK; /* stored without one */
    if (status == KIN_OK)
        status = kin_preview_decode(bytes, size, "", &picture, err);
    if (status == KIN_OK)
        status = kin_near_hashes_set(reading->out, i, &picture, err);
    kin_raster_release(&picture);
    free(bytes);
    return status;
}

static void hash_range(void *ctx, size_t from, size_t to)
{
    struct reading *reading = ctx;
    kin_txn *txn = NULL;
    kin_error err = {0};
    kin_status status = kin_catalog_read(reading->archive->catalog, &txn, &err);
    for (size_t i = from; status == KIN_OK && i < to; i++)
        status = hash_one(reading, txn, i, &err);
    if (txn != NULL)
        kin_txn_end(txn);
    if (status == KIN_OK)
        return;
    pthread_mutex_lock(&reading->lock);
    if (reading->status == KIN_OK) {
        reading->status = status;
        reading->err = err;
    }
    pthread_mutex_unlock(&reading->lock);
}

/* Else a deleted image would pass for one without a preview. */
static kin_status require_live(kin_archive *archive, const uint64_t *ids, size_t count,
                               kin_error *err)
{
    kin_txn *txn = NULL;
    roaring_bitmap_t *live = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_catalog_live(txn, &live, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        if (ids[i] > UINT32_MAX || !roaring_bitmap_contains(live, (uint32_t)ids[i]))
            status = kin_fail(err, KIN_E_NOT_FOUND, NULL, "image number %zu is not stored", i);
    if (live != NULL)
        roaring_bitmap_free(live);
    kin_txn_end(txn);
    return status;
}

kin_status kin_near_hashes_read(kin_archive *archive, const uint64_t *ids, size_t count,
                                const kin_near_options *options, kin_near_hashes *out,
                                kin_error *err)
{
    struct reading reading = {.archive = archive, .ids = ids, .out = out};
    kin_status status = kin_near_hashes_init(out, count, options != NULL && options->turned, err);
    if (status == KIN_OK)
        status = kin_previews_find(archive->catalog, err);
    if (status == KIN_OK)
        status = require_live(archive, ids, count, err);
    if (status == KIN_OK) {
        pthread_mutex_init(&reading.lock, NULL);
        kin_parallel_for(count, GRAIN, options != NULL ? options->threads : 0, hash_range,
                         &reading);
        pthread_mutex_destroy(&reading.lock);
        status = reading.status;
        if (status != KIN_OK && err != NULL)
            *err = reading.err;
    }
    if (status != KIN_OK)
        kin_near_hashes_release(out);
    return status;
}
