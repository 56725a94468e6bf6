/* query.c - what to look for: a file's frame, a vector, or a stored image. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"

void kin_query_release(kin_query *query)
{
    free(query->name);
    free(query->patient_id);
    free(query->descriptor);
    free(query->embedding);
    memset(query, 0, sizeof *query);
}

/* A query of that name with room for `length` floats at *values, which is one of its fields. */
static kin_status query_init(kin_query *query, const char *name, float **values, size_t length,
                             kin_error *err)
{
    memset(query, 0, sizeof *query);
    query->self = KIN_QUERY_NOT_STORED;
    query->name = strdup(name);
    query->patient_id = strdup("");
    *values = calloc(length, sizeof **values);
    if (query->name == NULL || query->patient_id == NULL || *values == NULL)
        return kin_fail(err, KIN_E_NOMEM, name, "no memory for the query");
    return KIN_OK;
}

/* What is wanted of a file. */
struct wanted {
    kin_query *query;
    const kin_query_regions *regions; /* NULL: the whole */
    uint32_t frame;
    size_t length;
    bool found;
};

static kin_status take_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    struct wanted *wanted = ctx;
    return kin_record_set(&wanted->query->patient_id, header->patient_id, err);
}

/* The mean of the regions' descriptors: embeddings are linear before they are normalised, so its
 * similarity is the mean of theirs. */
static kin_status take_regions(struct wanted *wanted, const kin_decode_frame *frame, kin_error *err)
{
    kin_status status = kin_query_regions_check(wanted->regions, frame->width, frame->height, err);
    if (status != KIN_OK)
        return status;
    if (frame->region_count != wanted->regions->count)
        return kin_fail(err, KIN_E_ARG, NULL, "region: is not on the frame");
    float share = 1.0f / (float)frame->region_count;
    for (size_t i = 0; i < frame->region_count; i++)
        for (size_t k = 0; k < wanted->length; k++)
            wanted->query->descriptor[k] += share * frame->regions[i].descriptor[k];
    return KIN_OK;
}

static kin_status take_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    struct wanted *wanted = ctx;
    if (frame->index != wanted->frame)
        return KIN_OK;
    wanted->found = true;
    if (wanted->regions != NULL)
        return take_regions(wanted, frame, err);
    memcpy(wanted->query->descriptor, frame->descriptor, wanted->length * sizeof(float));
    return KIN_OK;
}

/* A file to ask with: at a path, or in memory. */
struct asked_file {
    const char *name; /* the path, where bytes is NULL */
    const void *bytes;
    size_t size;
};

static kin_status query_from(kin_archive *archive, kin_decoder *decoder,
                             const struct asked_file *file, uint32_t frame,
                             const kin_query_regions *regions, kin_query *out, kin_error *err)
{
    if (regions != NULL && regions->count == 0)
        regions = NULL;
    struct wanted wanted = {
        .query = out, .regions = regions, .frame = frame, .length = archive->features.length};
    const kin_decode_sink sink = {.header = take_header, .frame = take_frame, .ctx = &wanted};
    const kin_decode_wish wish = {.regions = regions != NULL ? regions->list : NULL,
                                  .region_count = regions != NULL ? regions->count : 0,
                                  .one_frame = true,
                                  .frame = frame};
    kin_status status = query_init(out, file->name, &out->descriptor, wanted.length, err);
    if (status == KIN_OK)
        status = file->bytes != NULL ? kin_decoder_run_bytes(decoder, file->bytes, file->size,
                                                             file->name, &wish, &sink, err)
                                     : kin_decoder_run(decoder, file->name, &wish, &sink, err);
    if (status == KIN_OK && !wanted.found)
        status =
            kin_fail(err, KIN_E_NOT_FOUND, file->name, "the file has no frame %u", (unsigned)frame);
    if (status != KIN_OK)
        kin_query_release(out);
    return status;
}

kin_status kin_query_from_file(kin_archive *archive, kin_decoder *decoder, const char *path,
                               uint32_t frame, const kin_query_regions *regions, kin_query *out,
                               kin_error *err)
{
    return query_from(archive, decoder, &(struct asked_file){.name = path}, frame, regions, out,
                      err);
}

kin_status kin_query_from_bytes(kin_archive *archive, kin_decoder *decoder, const void *bytes,
                                size_t size, const char *name, uint32_t frame,
                                const kin_query_regions *regions, kin_query *out, kin_error *err)
{
    /* No bytes at all are a file, too: an empty one. */
    const struct asked_file file = {name, size > 0 ? bytes : "", size};
    return query_from(archive, decoder, &file, frame, regions, out, err);
}

/* The length of a vector in space; KIN_E_ARG where a value is not finite or all are 0. */
static kin_status measure(const float *values, size_t count, double *norm, kin_error *err)
{
    double sum = 0; /* of squares of floats: in double they can neither overflow nor vanish */
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return kin_fail(err, KIN_E_ARG, NULL, "value %zu of the vector is not finite", i);
        sum += (double)values[i] * (double)values[i];
    }
    if (sum == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "all values of the vector are 0");
    *norm = sqrt(sum);
    return KIN_OK;
}

/* An embedding as the model makes its own: of length 1. */
static kin_status take_embedding(const float *values, size_t count, double norm, const char *model,
                                 kin_query *out, kin_error *err)
{
    kin_status status = query_init(out, "vector", &out->embedding, count, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        out->embedding[i] = (float)((double)values[i] / norm);
    memcpy(out->model, model, strlen(model) + 1);
    return KIN_OK;
}

static kin_status take_descriptor(const float *values, size_t count, kin_query *out, kin_error *err)
{
    kin_status status = query_init(out, "vector", &out->descriptor, count, err);
    if (status == KIN_OK)
        memcpy(out->descriptor, values, count * sizeof *values);
    return status;
}

kin_status kin_query_from_vector(kin_archive *archive, const float *values, size_t count,
                                 const char *model, kin_query *out, kin_error *err)
{
    double norm = 0;
    memset(out, 0, sizeof *out);
    if (model == NULL)
        model = "";
    if (count != archive->dim && count != archive->features.length)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "the vector has %zu values; an embedding has %zu, a descriptor %zu", count,
                        archive->dim, archive->features.length);
    if (strlen(model) >= sizeof out->model)
        return kin_fail(err, KIN_E_ARG, NULL, "no model has an id of %zu characters",
                        strlen(model));
    kin_status status = measure(values, count, &norm, err);
    if (status != KIN_OK)
        return status;
    /* Where the two are of one length the model tells: a descriptor has none. */
    bool embedding =
        count == archive->dim && (count != archive->features.length || model[0] != '\0');
    status = embedding ? take_embedding(values, count, norm, model, out, err)
                       : take_descriptor(values, count, out, err);
    if (status != KIN_OK)
        kin_query_release(out);
    return status;
}

/* Which row of those that a UID names is meant. */
struct meant {
    uint32_t frame, region;
    bool any; /* the first one, whichever it is */
};

static kin_status fail_not_stored(const char *uid, const struct meant *meant, kin_error *err)
{
    if (meant->region > 0)
        return kin_fail(err, KIN_E_NOT_FOUND, uid, "no region %u of its frame %u is stored",
                        (unsigned)meant->region, (unsigned)meant->frame);
    return kin_fail(err, KIN_E_NOT_FOUND, uid, "no frame %u of it is stored",
                    (unsigned)meant->frame);
}

/* The first row that uid names and that is meant: its id and its patient go to the query. */
static kin_status find_stored(kin_txn *txn, const char *uid, struct meant meant, kin_query *out,
                              kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    kin_level level;
    kin_status status = kin_ids_named(txn, uid, &ids, &level, err);
    if (status != KIN_OK)
        return status;
    meant.any = level == KIN_LEVEL_REGION;
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    while (status == KIN_OK && out->self == KIN_QUERY_NOT_STORED && at->has_value) {
        kin_record record;
        status = kin_catalog_get(txn, at->current_value, &record, err);
        if (status != KIN_OK)
            break;
        if (meant.any || (record.frame == meant.frame && record.region == meant.region)) {
            out->self = record.id;
            status = kin_record_set(&out->patient_id, record.patient_id, err);
        }
        kin_record_release(&record);
        roaring_advance_uint32_iterator(at);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    if (status == KIN_OK && out->self == KIN_QUERY_NOT_STORED)
        status = fail_not_stored(uid, &meant, err);
    return status;
}

static kin_status query_from_uid(kin_archive *archive, const char *uid, struct meant meant,
                                 kin_query *out, kin_error *err)
{
    kin_snapshot snapshot = {0};
    kin_status status = query_init(out, uid, &out->descriptor, archive->features.length, err);
    if (status == KIN_OK)
        status = kin_snapshot_open(archive, &snapshot, err);
    if (status == KIN_OK) {
        status = find_stored(snapshot.txn, uid, meant, out, err);
        if (status == KIN_OK)
            status = kin_read_rows(&snapshot, snapshot.state->descriptors,
                                   snapshot.state->descriptors_name, &out->self, 1, out->descriptor,
                                   err);
        kin_snapshot_close(&snapshot);
    }
    if (status != KIN_OK)
        kin_query_release(out);
    return status;
}

kin_status kin_query_from_uid(kin_archive *archive, const char *uid, uint32_t frame,
                              uint32_t region, kin_query *out, kin_error *err)
{
    const struct meant meant = {.frame = frame, .region = region};
    kin_status status = query_from_uid(archive, uid, meant, out, err);
    if (status == KIN_E_CORRUPT)
        status = query_from_uid(archive, uid, meant, out, err); /* see kin_archive_search() */
    return status;
}
