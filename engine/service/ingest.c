/*
 * ingest.c - Ingest: files in chunks, spooled to the disk, decoded and stored.
 *
 * A stream holds one file at a time in the spool and no decoder while it waits for its client, so
 * that slow clients cost little.  What has been decoded is committed by the upload when there is
 * much of it, and at the stream's end; only the response acknowledges.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/upload.h"
#include "kindred/v1/ingest.pb-c.h"
#include "service/arena.h"
#include "service/internal.h"
#include "service/spool.h"

enum { FILES_MAX = 10000, FIELDS_MAX = 256, REASON_SIZE = 256 };

/* A stream of files. */
struct receiving {
    kin_service *service;
    kin_rpc_call *call;
    kin_upload *upload;
    kin_spool spool;
    bool begun; /* a file is arriving … */
    char *name;
    uint64_t promised; /* its size, 0 where unknown */
    kin_label *fields;
    size_t field_count;
    char reason[REASON_SIZE]; /* why it cannot be stored, though its chunks still come; "" */
};

static void forget_file(struct receiving *in)
{
    for (size_t i = 0; i < in->field_count; i++) {
        free(in->fields[i].name);
        free(in->fields[i].value);
    }
    free(in->fields);
    free(in->name);
    in->fields = NULL;
    in->field_count = 0;
    in->name = NULL;
    in->begun = false;
    in->reason[0] = '\0';
    kin_spool_end(&in->spool);
}

/* --- a file's end --- */

static kin_status store_file(struct receiving *in, kin_error *err)
{
    kin_service *service = in->service;
    kin_decoder *decoder = NULL;
    kin_status status =
        kin_decoders_take(service->ingest_decoders, kin_rpc_call_is_over, in->call, &decoder, err);
    if (status != KIN_OK)
        return status;
    status = kin_upload_add(in->upload, decoder, in->spool.fd, in->name, in->fields,
                            in->field_count, err);
    kin_decoders_give_back(service->ingest_decoders, decoder);
    return status;
}

/* The file that was arriving is whole, or will never be. */
static kin_status end_file(struct receiving *in, kin_error *err)
{
    if (!in->begun)
        return KIN_OK;
    if (in->reason[0] == '\0' && in->promised > 0 && in->promised != in->spool.bytes)
        snprintf(in->reason, sizeof in->reason, "%llu bytes were promised, %llu came",
                 (unsigned long long)in->promised, (unsigned long long)in->spool.bytes);
    kin_status status = in->reason[0] != '\0'
                            ? kin_upload_add_failed(in->upload, in->name, in->reason, err)
                            : store_file(in, err);
    forget_file(in);
    return status;
}

/* --- a file's beginning and its chunks --- */

static kin_status copy_fields(struct receiving *in, const Kindred__V1__FileStart *start,
                              kin_error *err)
{
    if (start->n_fields == 0)
        return KIN_OK;
    in->fields = calloc(start->n_fields, sizeof *in->fields);
    if (in->fields == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu fields", start->n_fields);
    for (; in->field_count < start->n_fields; in->field_count++) {
        kin_label *field = &in->fields[in->field_count];
        field->name = strdup(start->fields[in->field_count]->name);
        field->value = strdup(start->fields[in->field_count]->value);
        if (field->name == NULL || field->value == NULL) {
            in->field_count++; /* what it has is freed with the others */
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a field");
        }
    }
    return KIN_OK;
}

static kin_rpc_code begin_file(struct receiving *in, const Kindred__V1__FileStart *start)
{
    kin_error err = {0};
    const kin_config *config = &in->service->config;
    kin_rpc_code code = kin_gate_check_again(in->call);
    if (code != KIN_RPC_OK)
        return code;
    kin_status status = end_file(in, &err);
    if (status != KIN_OK)
        return kin_gate_fail(in->call, &err);
    if (kin_upload_count(in->upload) >= FILES_MAX)
        return kin_rpc_call_fail(in->call, KIN_RPC_RESOURCE_EXHAUSTED,
                                 "start: at most %d files in one stream", FILES_MAX);
    if (start->name[0] == '\0')
        return kin_rpc_call_fail(in->call, KIN_RPC_INVALID_ARGUMENT, "start.name: is empty");
    if (start->n_fields > FIELDS_MAX)
        return kin_rpc_call_fail(in->call, KIN_RPC_INVALID_ARGUMENT, "start.fields: at most %d",
                                 FIELDS_MAX);
    in->begun = true;
    in->promised = start->size;
    in->name = strdup(start->name);
    status = in->name != NULL ? copy_fields(in, start, &err)
                              : kin_fail(&err, KIN_E_NOMEM, NULL, "no memory for a name");
    if (status == KIN_OK)
        status =
            kin_spool_begin(&in->spool, config->archive_spool, config->decode_file_bytes, &err);
    if (err.code == KIN_E_NOT_FOUND) /* our folder, no UID of theirs */
        err.code = KIN_E_IO;
    return status == KIN_OK ? KIN_RPC_OK : kin_gate_fail(in->call, &err);
}

static kin_rpc_code take_chunk(struct receiving *in, const ProtobufCBinaryData *chunk)
{
    kin_error err = {0};
    if (!in->begun)
        return kin_rpc_call_fail(in->call, KIN_RPC_INVALID_ARGUMENT,
                                 "chunk: comes before any file's start");
    if (in->reason[0] != '\0')
        return KIN_RPC_OK;
    kin_status status = kin_spool_append(&in->spool, chunk->data, chunk->len, &err);
    if (status == KIN_E_LIMIT) {
        snprintf(in->reason, sizeof in->reason, "%s", err.message);
        kin_spool_end(&in->spool); /* gives its place back; the rest of the file runs past */
        return KIN_RPC_OK;
    }
    return status == KIN_OK ? KIN_RPC_OK : kin_gate_fail(in->call, &err);
}

static kin_rpc_code take_part(struct receiving *in, const Kindred__V1__IngestRequest *request)
{
    switch (request->part_case) {
    case KINDRED__V1__INGEST_REQUEST__PART_START:
        return begin_file(in, request->start);
    case KINDRED__V1__INGEST_REQUEST__PART_CHUNK:
        return take_chunk(in, &request->chunk);
    default:
        return kin_rpc_call_fail(in->call, KIN_RPC_INVALID_ARGUMENT, "part: is not set");
    }
}

/* --- the receipt --- */

static Kindred__V1__IngestOutcome outcome_of(kin_ingest_event event)
{
    static const Kindred__V1__IngestOutcome outcomes[] = {
        [KIN_INGEST_STORED] = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_STORED,
        [KIN_INGEST_DUPLICATE] = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_DUPLICATE,
        [KIN_INGEST_UPDATED] = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_UPDATED,
        [KIN_INGEST_REPLACED] = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_REPLACED,
        [KIN_INGEST_SKIPPED] = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_SKIPPED,
        [KIN_INGEST_FAILED] = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_FAILED,
    };
    return outcomes[event];
}

/* Notes every file for the audit trail, and in the metrics. */
static void note_files(struct receiving *in)
{
    for (size_t i = 0; i < kin_upload_count(in->upload); i++) {
        kin_uploaded file = kin_upload_outcome(in->upload, i);
        kin_gate_asked(in->call, "file", file.name);
        kin_gate_answered(in->call, "sop_instance_uid", file.sop_instance_uid);
        kin_metrics_ingested(in->service->metrics, (int)file.event, 1);
    }
}

static kin_rpc_code acknowledge(struct receiving *in)
{
    Kindred__V1__IngestResponse response = KINDRED__V1__INGEST_RESPONSE__INIT;
    size_t count = kin_upload_count(in->upload);
    kin_arena arena = {0};
    kin_error err = {0};
    kin_rpc_code code = KIN_RPC_OK;
    Kindred__V1__IngestedFile *files = kin_arena_new(&arena, count, sizeof *files);
    response.files = kin_arena_new(&arena, count, sizeof(void *));
    for (size_t i = 0; !arena.failed && i < count; i++) {
        kin_uploaded file = kin_upload_outcome(in->upload, i);
        kindred__v1__ingested_file__init(&files[i]);
        files[i].name = kin_arena_utf8(&arena, file.name);
        files[i].outcome = outcome_of(file.event);
        files[i].images = file.images;
        files[i].reason = kin_arena_utf8(&arena, file.reason);
        files[i].sop_instance_uid = kin_arena_utf8(&arena, file.sop_instance_uid);
        response.files[i] = &files[i];
    }
    response.n_files = count;
    response.images = kin_upload_images(in->upload);
    if (arena.failed)
        code = kin_gate_no_memory(in->call);
    else if (kin_rpc_call_send(in->call, &response.base, &err) != KIN_OK)
        code = kin_gate_fail(in->call, &err);
    kin_arena_release(&arena);
    return code;
}

static kin_rpc_code receive_files(struct receiving *in)
{
    const ProtobufCMessage *request;
    kin_error err = {0};
    for (;;) {
        if (kin_rpc_call_receive(in->call, &request, &err) != KIN_OK)
            return kin_gate_fail(in->call, &err);
        if (request == NULL)
            break;
        kin_rpc_code code = take_part(in, (const Kindred__V1__IngestRequest *)request);
        if (code != KIN_RPC_OK)
            return code;
    }
    kin_status status = end_file(in, &err);
    return status == KIN_OK ? KIN_RPC_OK : kin_gate_fail(in->call, &err);
}

/* Annotations are decoded at the end, which takes a decoder; without one they are not stored, and say so. */
static kin_status finish(struct receiving *in, kin_error *err)
{
    kin_decoder *decoder = NULL;
    if (kin_upload_annotations(in->upload) > 0)
        kin_decoders_take(in->service->ingest_decoders, kin_rpc_call_is_over, in->call, &decoder,
                          NULL);
    kin_status status = kin_upload_finish(in->upload, decoder, err);
    if (decoder != NULL)
        kin_decoders_give_back(in->service->ingest_decoders, decoder);
    return status;
}

kin_rpc_code kin_method_ingest(kin_rpc_call *call, void *ctx)
{
    struct receiving in = {.service = ctx, .call = call, .spool = {.fd = -1}};
    kin_error err = {0};
    if (kin_upload_new(in.service->archive, &in.upload, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    kin_rpc_code code = receive_files(&in);
    /* Whole files that came before a stream broke are stored all the same: their decoding is paid
     * for, and the client, who got no receipt, will find them known when it sends them again. */
    kin_status finished = finish(&in, &err);
    if (code == KIN_RPC_OK && finished != KIN_OK)
        code = kin_gate_fail(call, &err);
    else if (finished != KIN_OK)
        kin_log_error(&in.service->log, KIN_LOG_ERROR, "what a broken upload left", &err);
    note_files(&in);
    if (code == KIN_RPC_OK)
        code = acknowledge(&in);
    forget_file(&in);
    kin_upload_free(in.upload);
    return code;
}
