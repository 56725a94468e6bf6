/* near_set.c - pictures made comparable: perceptual hashes, of stored previews or others. */
#include <pthread.h>
#include <stdlib.h>

#include "archive/internal.h"
#include "archive/near_groups.h"
#include "archive/preview.h"
#include "base/parallel.h"

enum { GRAIN = 64 /* previews of one snapshot: none is held long */ };

kin_status kin_near_set_init(kin_near_set *set, size_t count, kin_error *err)
{
    *set = (kin_near_set){0};
    if (count > KIN_NEAR_IMAGES_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu pictures: at most %d are compared", count,
                        KIN_NEAR_IMAGES_MAX);
    set->pictures = calloc(count + 1, sizeof *set->pictures);
    if (set->pictures == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu hashes", count);
    set->count = count;
    return KIN_OK;
}

void kin_near_set_release(kin_near_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->pictures[i].thumb);
    free(set->pictures);
    *set = (kin_near_set){0};
}

/* What it takes to be compared at any angle. */
static kin_status add_thumb(kin_near_picture *to, const kin_raster *picture, kin_error *err)
{
    to->thumb = malloc(sizeof *to->thumb);
    if (to->thumb == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a picture");
    kin_status status = kin_phash_thumb_of(picture, to->thumb, err);
    if (status == KIN_OK)
        to->has_middle = kin_phash_middle(to->thumb, &to->middle);
    return status;
}

kin_status kin_near_set_add(kin_near_set *set, size_t number, const kin_raster *picture,
                            kin_near_turned turned, kin_error *err)
{
    kin_near_picture *to = &set->pictures[number];
    bool any_angle = turned == KIN_NEAR_TURNED_ALL ||
                     (turned == KIN_NEAR_TURNED_COLOUR && picture->channels == 3);
    kin_status status = any_angle ? kin_phash_forms(picture, to->forms, err)
                                  : kin_phash(picture, &to->forms[0], err);
    if (status == KIN_OK && any_angle)
        status = add_thumb(to, picture, err);
    to->known = status == KIN_OK;
    return status;
}

/* Reading under way, shared by its threads. */
struct reading {
    kin_archive *archive;
    const uint64_t *ids;
    kin_near_set *out;
    size_t first;
    kin_near_turned turned;
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
        status = kin_near_set_add(reading->out, reading->first + i, &picture, reading->turned, err);
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

kin_status kin_near_set_read(kin_near_set *set, size_t first, kin_archive *archive,
                             const uint64_t *ids, size_t count, const kin_near_options *options,
                             kin_error *err)
{
    const kin_near_options usual = {0};
    if (options == NULL)
        options = &usual;
    struct reading reading = {
        .archive = archive, .ids = ids, .out = set, .first = first, .turned = options->turned};
    kin_status status = kin_previews_find(archive->catalog, err);
    if (status == KIN_OK)
        status = require_live(archive, ids, count, err);
    if (status != KIN_OK)
        return status;
    pthread_mutex_init(&reading.lock, NULL);
    kin_parallel_for(count, GRAIN, options->threads, hash_range, &reading);
    pthread_mutex_destroy(&reading.lock);
    if (reading.status != KIN_OK && err != NULL)
        *err = reading.err;
    return reading.status;
}
