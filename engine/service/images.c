/* images.c - Get, Thumbnail, Delete and SetOutcome. */
#include <stdlib.h>

#include "base/checked.h"
#include "image/raster.h"
#include "image/write.h"
#include "kindred/v1/manage.pb-c.h"
#include "service/answer.h"
#include "service/internal.h"

enum { GET_DEFAULT = 1000, GET_MAX = 10000, GET_EMBEDDINGS_MAX = 1000, THUMBNAIL_SIDE = 128 };

static kin_rpc_code fail_uid(kin_rpc_call *call, const char *uid, kin_error *err)
{
    kin_error_name(err, uid);
    return kin_gate_fail(call, err);
}

/* A request's UID, noted for the audit trail; an empty one is the caller's slip. */
static kin_rpc_code take_uid(kin_rpc_call *call, const char *field, const char *uid)
{
    if (uid[0] == '\0')
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "%s: is empty", field);
    kin_gate_asked(call, field, uid);
    return KIN_RPC_OK;
}

/* Notes whose images a UID stands for, for calls that do not read their records: an instance, a
 * series and a study are one patient's.  Before a deletion, as nobody can tell afterwards. */
static void note_patient(kin_service *service, kin_rpc_call *call, const char *uid)
{
    kin_record *records = NULL;
    size_t count = 0;
    kin_level level;
    if (!service->audits ||
        kin_archive_find(service->archive, uid, 1, &records, &count, &level, NULL) != KIN_OK)
        return; /* the call itself says what is wrong */
    if (count > 0)
        kin_gate_answered(call, "patient_id", records[0].patient_id);
    kin_records_free(records, count);
}

/* --- Get --- */

static kin_rpc_code add_embeddings(kin_service *service, kin_rpc_call *call, kin_arena *arena,
                                   const kin_record *records, Kindred__V1__GetResponse *response)
{
    size_t count = response->n_images, dim = kin_archive_dim(service->archive), size;
    uint64_t *ids = kin_arena_new(arena, count, sizeof *ids);
    char *model = kin_arena_new(arena, 17, 1);
    Kindred__V1__Embedding *items = kin_arena_new(arena, count, sizeof *items);
    response->embeddings = kin_arena_new(arena, count, sizeof(void *));
    float *values =
        kin_mul_size(count, dim, &size) ? kin_arena_new(arena, size, sizeof *values) : NULL;
    kin_error err = {0};
    if (arena->failed || values == NULL)
        return kin_gate_no_memory(call);
    for (size_t i = 0; i < count; i++)
        ids[i] = records[i].id;
    if (kin_archive_embeddings(service->archive, ids, count, values, model, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    for (size_t i = 0; i < count; i++) {
        kindred__v1__embedding__init(&items[i]);
        items[i].values = values + i * dim;
        items[i].n_values = dim;
        response->embeddings[i] = &items[i];
    }
    response->n_embeddings = count;
    response->model = model;
    return KIN_RPC_OK;
}

static kin_rpc_code answer_get(kin_service *service, kin_rpc_call *call,
                               const Kindred__V1__GetRequest *request, size_t limit,
                               const kin_record *records, size_t count, kin_level level)
{
    Kindred__V1__GetResponse response = KINDRED__V1__GET_RESPONSE__INIT;
    kin_arena arena = {0};
    kin_error err = {0};
    kin_rpc_code code = KIN_RPC_OK;
    response.level = kin_answer_level(level);
    response.truncated = count > limit;
    response.n_images = count > limit ? limit : count;
    response.images = kin_arena_new(&arena, response.n_images, sizeof(void *));
    for (size_t i = 0; !arena.failed && i < response.n_images; i++) {
        response.images[i] = kin_answer_image(&arena, &records[i]);
        kin_gate_answered_record(call, &records[i]);
    }
    if (arena.failed)
        code = kin_gate_no_memory(call);
    if (code == KIN_RPC_OK && request->include_embeddings)
        code = add_embeddings(service, call, &arena, records, &response);
    if (code == KIN_RPC_OK && kin_rpc_call_send(call, &response.base, &err) != KIN_OK)
        code = kin_gate_fail(call, &err);
    kin_arena_release(&arena);
    return code;
}

kin_rpc_code kin_method_get(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *message;
    kin_record *records = NULL;
    size_t count = 0;
    kin_level level = KIN_LEVEL_IMAGE;
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    const Kindred__V1__GetRequest *request = (const Kindred__V1__GetRequest *)message;
    size_t most = request->include_embeddings ? GET_EMBEDDINGS_MAX : GET_MAX;
    size_t limit = request->limit > 0 ? request->limit : GET_DEFAULT;
    if (limit > most)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "limit: is at most %zu", most);
    kin_rpc_code code = take_uid(call, "uid", request->uid);
    if (code != KIN_RPC_OK)
        return code;
    /* One more than wanted tells whether there are more. */
    if (kin_archive_find(service->archive, request->uid, limit + 1, &records, &count, &level,
                         &err) != KIN_OK)
        return fail_uid(call, request->uid, &err);
    code = answer_get(service, call, request, limit, records, count, level);
    kin_records_free(records, count);
    return code;
}

/* --- Thumbnail --- */

/* Shrinks a preview, whose longest side is over `side`, and encodes it. */
static kin_status make_png(const kin_raster *preview, int side, kin_raster *small, void **png,
                           size_t *size, kin_error *err)
{
    int longest = preview->width > preview->height ? preview->width : preview->height;
    if (longest <= side)
        return kin_image_encode_png(preview, png, size, err);
    int width = (int)((int64_t)preview->width * side / longest);
    int height = (int)((int64_t)preview->height * side / longest);
    kin_status status =
        kin_raster_resample(preview, width > 0 ? width : 1, height > 0 ? height : 1, small, err);
    return status == KIN_OK ? kin_image_encode_png(small, png, size, err) : status;
}

static kin_rpc_code answer_thumbnail(kin_rpc_call *call, const kin_raster *preview, int side)
{
    Kindred__V1__ThumbnailResponse response = KINDRED__V1__THUMBNAIL_RESPONSE__INIT;
    kin_raster small = {0};
    void *png = NULL;
    size_t size = 0;
    kin_error err = {0};
    kin_rpc_code code = KIN_RPC_OK;
    kin_status status = make_png(preview, side, &small, &png, &size, &err);
    if (status == KIN_OK) {
        const kin_raster *shown = small.px != NULL ? &small : preview;
        response.png.data = png;
        response.png.len = size;
        response.width = (uint32_t)shown->width;
        response.height = (uint32_t)shown->height;
        status = kin_rpc_call_send(call, &response.base, &err);
    }
    if (status != KIN_OK)
        code = kin_gate_fail(call, &err);
    free(png);
    kin_raster_release(&small);
    return code;
}

kin_rpc_code kin_method_thumbnail(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *message;
    kin_raster preview = {0};
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    const Kindred__V1__ThumbnailRequest *request = (const Kindred__V1__ThumbnailRequest *)message;
    if (request->max_side > KIN_DECODE_PREVIEW_MAX)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "max_side: is at most %d",
                                 KIN_DECODE_PREVIEW_MAX);
    kin_rpc_code code = take_uid(call, "sop_instance_uid", request->sop_instance_uid);
    if (code != KIN_RPC_OK)
        return code;
    if (kin_archive_preview(service->archive, request->sop_instance_uid, request->frame, &preview,
                            &err) != KIN_OK)
        return fail_uid(call, request->sop_instance_uid, &err);
    kin_gate_answered(call, "sop_instance_uid", request->sop_instance_uid);
    note_patient(service, call, request->sop_instance_uid);
    code = answer_thumbnail(call, &preview,
                            request->max_side > 0 ? (int)request->max_side : THUMBNAIL_SIDE);
    kin_raster_release(&preview);
    return code;
}

/* --- Delete, SetOutcome --- */

kin_rpc_code kin_method_delete(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *message;
    Kindred__V1__DeleteResponse response = KINDRED__V1__DELETE_RESPONSE__INIT;
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    const Kindred__V1__DeleteRequest *request = (const Kindred__V1__DeleteRequest *)message;
    kin_rpc_code code = take_uid(call, "uid", request->uid);
    if (code != KIN_RPC_OK)
        return code;
    note_patient(service, call, request->uid);
    if (kin_archive_delete(service->archive, request->uid, &response.images, &response.regions,
                           &err) != KIN_OK)
        return fail_uid(call, request->uid, &err);
    if (kin_rpc_call_send(call, &response.base, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    return KIN_RPC_OK;
}

kin_rpc_code kin_method_set_outcome(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *message;
    Kindred__V1__SetOutcomeResponse response = KINDRED__V1__SET_OUTCOME_RESPONSE__INIT;
    kin_level level = KIN_LEVEL_IMAGE;
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    const Kindred__V1__SetOutcomeRequest *request = (const Kindred__V1__SetOutcomeRequest *)message;
    kin_rpc_code code = take_uid(call, "uid", request->uid);
    if (code != KIN_RPC_OK)
        return code;
    kin_gate_asked(call, "outcome", request->outcome);
    note_patient(service, call, request->uid);
    kin_status status = kin_archive_set_outcome(service->archive, request->uid, request->outcome,
                                                &response.changed, &response.images, &level, &err);
    if (status == KIN_E_ARG)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "outcome: %s", err.message);
    if (status != KIN_OK)
        return fail_uid(call, request->uid, &err);
    response.level = kin_answer_level(level);
    if (kin_rpc_call_send(call, &response.base, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    return KIN_RPC_OK;
}
