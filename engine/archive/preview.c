/* preview.c - small pictures of images: made at ingest, given back for looking at. */
#include "archive/preview.h"

#include <stdlib.h>

#include "archive/internal.h"
#include "image/read.h"
#include "image/write.h"

/* Of 100: what a diagnosis would not hang on, and the eye sees little of. */
enum { PREVIEW_QUALITY = 88 };

kin_status kin_preview_raster(const kin_decode_frame *frame, kin_raster *out, kin_error *err)
{
    kin_status status = kin_raster_init(out, (int)frame->preview_width, (int)frame->preview_height,
                                        (int)frame->preview_channels, err);
    if (status != KIN_OK)
        return status;
    size_t count = (size_t)frame->preview_width * frame->preview_height * frame->preview_channels;
    for (size_t i = 0; i < count; i++)
        out->px[i] = (float)frame->preview[i] / 255.0f;
    return KIN_OK;
}

kin_status kin_item_set_preview(const kin_decode_frame *frame, kin_item *item, kin_error *err)
{
    kin_raster raster;
    if (frame->preview == NULL)
        return KIN_OK;
    kin_status status = kin_preview_raster(frame, &raster, err);
    if (status != KIN_OK)
        return status;
    status =
        kin_image_encode_jpeg(&raster, PREVIEW_QUALITY, &item->preview, &item->preview_size, err);
    kin_raster_release(&raster);
    if (status == KIN_OK && item->preview_size > KIN_PREVIEW_MAX) {
        free(item->preview); /* noise of the worst kind: better without than not stored */
        item->preview = NULL;
        item->preview_size = 0;
    }
    return status;
}

static kin_status find_frame(kin_txn *txn, const char *uid, uint32_t frame, uint64_t *id,
                             kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    bool found = false;
    kin_status status =
        kin_catalog_with_value(txn, kin_level_field(KIN_LEVEL_IMAGE), uid, &ids, err);
    if (status != KIN_OK)
        return status;
    if (roaring_bitmap_is_empty(ids))
        status = kin_fail(err, KIN_E_NOT_FOUND, uid, "no image of this UID is stored");
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && !found && at->has_value; roaring_advance_uint32_iterator(at)) {
        kin_record record;
        status = kin_catalog_get(txn, at->current_value, &record, err);
        if (status != KIN_OK)
            break;
        found = record.frame == frame && record.region == 0;
        *id = record.id;
        kin_record_release(&record);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    if (status == KIN_OK && !found)
        status =
            kin_fail(err, KIN_E_NOT_FOUND, uid, "no frame %u of it is stored", (unsigned)frame);
    return status;
}

/* The preview's bytes, from malloc. */
static kin_status read_preview(kin_archive *archive, const char *uid, uint32_t frame, void **bytes,
                               size_t *size, kin_error *err)
{
    uint64_t id = 0;
    kin_txn *txn = NULL;
    kin_status status = kin_previews_find(archive->catalog, err);
    if (status == KIN_OK)
        status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = find_frame(txn, uid, frame, &id, err);
    if (status == KIN_OK) {
        status = kin_preview_get(txn, id, bytes, size, err);
        if (status == KIN_E_NOT_FOUND)
            kin_fail(err, status, uid, "the image was stored without a preview");
    }
    kin_txn_end(txn);
    return status;
}

kin_status kin_preview_decode(const void *bytes, size_t size, const char *name, kin_raster *out,
                              kin_error *err)
{
    static const kin_image_limits limits = {.max_frame_bytes = 16 << 20,
                                            .max_total_bytes = 16 << 20};
    kin_status status = KIN_OK;
    const kin_image_format *format = kin_image_format_of(bytes, size);
    if (format != NULL)
        status = format->read(bytes, size, 0, &limits, out, err);
    if (format == NULL || status == KIN_E_FORMAT)
        status = kin_fail(err, KIN_E_CORRUPT, name, "the stored preview is no picture");
    return status;
}

kin_status kin_archive_preview(kin_archive *archive, const char *sop_instance_uid, uint32_t frame,
                               kin_raster *out, kin_error *err)
{
    void *bytes = NULL;
    size_t size = 0;
    kin_status status = read_preview(archive, sop_instance_uid, frame, &bytes, &size, err);
    if (status != KIN_OK)
        return status;
    status = kin_preview_decode(bytes, size, sop_instance_uid, out, err);
    free(bytes);
    return status;
}
