/* query_set.c - several images to ask with: a file's, or stored ones. */
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"
#include "archive/regions.h"
#include "archive/search_set.h"

enum { ROOM_FIRST = 16 };

void kin_query_set_release(kin_query_set *set)
{
    free(set->name);
    free(set->patient_id);
    free(set->descriptors);
    free(set->ids);
    memset(set, 0, sizeof *set);
}

static kin_status set_init(kin_query_set *set, const char *name, kin_error *err)
{
    memset(set, 0, sizeof *set);
    set->name = strdup(name);
    set->patient_id = strdup("");
    return set->name != NULL && set->patient_id != NULL
               ? KIN_OK
               : kin_fail(err, KIN_E_NOMEM, name, "no memory for the query");
}

/* A file's frames on their way into a set. */
struct gathering {
    kin_query_set *set;
    size_t length, room;
    size_t stride; /* every stride-th frame is kept */
};

static kin_status take_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    struct gathering *gathering = ctx;
    size_t frames = header->frames > 0 ? (size_t)header->frames : 1;
    gathering->stride = (frames + KIN_QUERY_SET_MAX - 1) / KIN_QUERY_SET_MAX;
    return kin_record_set(&gathering->set->patient_id, header->patient_id, err);
}

static kin_status take_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    struct gathering *gathering = ctx;
    kin_query_set *set = gathering->set;
    if (frame->index % gathering->stride != 0)
        return KIN_OK;
    if (set->count == gathering->room) {
        size_t room = gathering->room > 0 ? 2 * gathering->room : ROOM_FIRST;
        float *more = reallocarray(set->descriptors, room, gathering->length * sizeof *more);
        if (more == NULL)
            return kin_fail(err, KIN_E_NOMEM, set->name, "no memory for the query");
        set->descriptors = more;
        gathering->room = room;
    }
    memcpy(set->descriptors + set->count++ * gathering->length, frame->descriptor,
           gathering->length * sizeof *set->descriptors);
    return KIN_OK;
}

kin_status kin_query_set_from_file(kin_archive *archive, kin_decoder *decoder, const char *path,
                                   kin_query_set *out, kin_error *err)
{
    struct gathering gathering = {.set = out, .length = archive->features.length, .stride = 1};
    const kin_decode_sink sink = {.header = take_header, .frame = take_frame, .ctx = &gathering};
    kin_status status = set_init(out, path, err);
    if (status == KIN_OK)
        status = kin_decoder_run(decoder, path, NULL, &sink, err);
    if (status != KIN_OK)
        kin_query_set_release(out);
    return status;
}

/* The whole images among ids, evenly spread where they are too many. */
static kin_status choose_ids(const roaring_bitmap_t *ids, kin_query_set *out, kin_error *err)
{
    size_t all = (size_t)roaring_bitmap_get_cardinality(ids), i = 0;
    size_t stride = (all + KIN_QUERY_SET_MAX - 1) / KIN_QUERY_SET_MAX;
    if (all == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, out->name, "no whole image of it is stored");
    out->ids = calloc(all, sizeof *out->ids);
    if (out->ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, out->name, "no memory for the query");
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; at->has_value; roaring_advance_uint32_iterator(at))
        if (i++ % stride == 0)
            out->ids[out->count++] = at->current_value;
    roaring_free_uint32_iterator(at);
    return KIN_OK;
}

/* The patient of the first image. */
static kin_status find_patient(kin_txn *txn, kin_query_set *out, kin_error *err)
{
    kin_record record;
    kin_status status = kin_catalog_get(txn, out->ids[0], &record, err);
    if (status != KIN_OK)
        return status;
    status = kin_record_set(&out->patient_id, record.patient_id, err);
    kin_record_release(&record);
    return status;
}

static kin_status find_ids(kin_txn *txn, const char *uid, kin_query_set *out, kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    kin_bitmap *regions = NULL;
    kin_level level;
    kin_status status = kin_ids_named(txn, uid, &ids, &level, err);
    if (status == KIN_OK)
        status = kin_regions_all(txn, &regions, err);
    if (status == KIN_OK) {
        roaring_bitmap_andnot_inplace(ids, kin_bitmap_borrow(regions));
        status = choose_ids(ids, out, err);
    }
    if (status == KIN_OK)
        status = find_patient(txn, out, err);
    if (ids != NULL)
        roaring_bitmap_free(ids);
    kin_bitmap_free(regions);
    return status;
}

static kin_status set_from_uid(kin_archive *archive, const char *uid, kin_query_set *out,
                               kin_error *err)
{
    kin_snapshot snapshot;
    size_t length = archive->features.length;
    kin_status status = set_init(out, uid, err);
    if (status == KIN_OK)
        status = kin_snapshot_open(archive, &snapshot, err);
    if (status != KIN_OK) {
        kin_query_set_release(out);
        return status;
    }
    status = find_ids(snapshot.txn, uid, out, err);
    if (status == KIN_OK) {
        out->descriptors = calloc(out->count, length * sizeof *out->descriptors);
        if (out->descriptors == NULL)
            status = kin_fail(err, KIN_E_NOMEM, uid, "no memory for the query");
    }
    if (status == KIN_OK)
        status =
            kin_read_rows(&snapshot, snapshot.state->descriptors, snapshot.state->descriptors_name,
                          out->ids, out->count, out->descriptors, err);
    kin_snapshot_close(&snapshot);
    if (status != KIN_OK)
        kin_query_set_release(out);
    return status;
}

kin_status kin_query_set_from_uid(kin_archive *archive, const char *uid, kin_query_set *out,
                                  kin_error *err)
{
    kin_status status = set_from_uid(archive, uid, out, err);
    if (status == KIN_E_CORRUPT)
        status = set_from_uid(archive, uid, out, err); /* see kin_archive_search() */
    return status;
}
