/* query.c - what to look for: a file's frame or a stored image. */
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"

void kin_query_release(kin_query *query)
{
    free(query->name);
    free(query->patient_id);
    free(query->descriptor);
    memset(query, 0, sizeof *query);
}

static kin_status query_init(kin_query *query, const char *name, size_t length, kin_error *err)
{
    memset(query, 0, sizeof *query);
    query->self = KIN_QUERY_NOT_STORED;
    query->name = strdup(name);
    query->patient_id = strdup("");
    query->descriptor = calloc(length, sizeof *query->descriptor);
    if (query->name == NULL || query->patient_id == NULL || query->descriptor == NULL)
        return kin_fail(err, KIN_E_NOMEM, name, "no memory for the query");
    return KIN_OK;
}

struct wanted {
    kin_query *query;
    uint32_t frame;
    size_t length;
    bool found;
};

static kin_status take_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    struct wanted *wanted = ctx;
    return kin_record_set(&wanted->query->patient_id, header->patient_id, err);
}

static kin_status take_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    struct wanted *wanted = ctx;
    (void)err;
    if (frame->index != wanted->frame)
        return KIN_OK;
    memcpy(wanted->query->descriptor, frame->descriptor, wanted->length * sizeof(float));
    wanted->found = true;
    return KIN_OK;
}

kin_status kin_query_from_file(kin_archive *archive, kin_decoder *decoder, const char *path,
                               uint32_t frame, kin_query *out, kin_error *err)
{
    struct wanted wanted = {.query = out, .frame = frame, .length = archive->descriptor_length};
    const kin_decode_sink sink = {take_header, take_frame, &wanted};
    kin_status status = query_init(out, path, archive->descriptor_length, err);
    if (status == KIN_OK)
        status = kin_decoder_run(decoder, path, NULL, &sink, err);
    if (status == KIN_OK && !wanted.found)
        status = kin_fail(err, KIN_E_NOT_FOUND, path, "the file has no frame %u", (unsigned)frame);
    if (status != KIN_OK)
        kin_query_release(out);
    return status;
}

/* Reads the verified descriptor of a stored image. */
static kin_status read_descriptor(const kin_snapshot *snapshot, uint64_t id, float *out,
                                  kin_error *err)
{
    kin_expected expected = {snapshot->txn, snapshot->state->descriptors_name};
    kin_rows *rows = NULL;
    const float *row;
    size_t count;
    kin_status status = kin_rows_open(snapshot->state->descriptors, snapshot->rows,
                                      kin_expected_hash, &expected, &rows, err);
    if (status != KIN_OK)
        return status;
    status = kin_rows_run(rows, id, 1, &row, &count, err);
    if (status == KIN_OK)
        memcpy(out, row, snapshot->archive->descriptor_length * sizeof *out);
    kin_rows_close(rows);
    return status;
}

kin_status kin_query_from_uid(kin_archive *archive, const char *uid, uint32_t frame, kin_query *out,
                              kin_error *err)
{
    kin_snapshot snapshot;
    kin_record *records = NULL;
    size_t count = 0, at = 0;
    kin_level level;
    kin_status status = kin_archive_find(archive, uid, SIZE_MAX, &records, &count, &level, err);
    if (status != KIN_OK)
        return status;
    status = query_init(out, uid, archive->descriptor_length, err);
    /* A series, study or patient stands for its first image. */
    while (status == KIN_OK && at < count && records[at].frame != frame)
        at++;
    if (status == KIN_OK && at == count)
        status =
            kin_fail(err, KIN_E_NOT_FOUND, uid, "no frame %u of it is stored", (unsigned)frame);
    if (status == KIN_OK)
        status = kin_record_set(&out->patient_id, records[at].patient_id, err);
    if (status == KIN_OK)
        status = kin_snapshot_open(archive, &snapshot, err);
    if (status == KIN_OK) {
        out->self = records[at].id;
        status = read_descriptor(&snapshot, out->self, out->descriptor, err);
        kin_snapshot_close(&snapshot);
    }
    kin_records_free(records, count);
    if (status != KIN_OK)
        kin_query_release(out);
    return status;
}
