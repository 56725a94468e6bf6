#include "service/asking.h"

#include <stdio.h>
#include <string.h>

#include "search/search.h"
#include "service/answer.h"

enum { UNKNOWN_NAMES_SIZE = 256 };

/* Names the field that an error is about, in the place of whatever it named. */
static kin_rpc_code fail_field(kin_rpc_call *call, const char *field, kin_error *err)
{
    snprintf(err->subject, sizeof err->subject, "%s", field);
    return kin_gate_fail(call, err);
}

/* --- the query --- */

/* Says what is wrong with a field's bytes. */
static kin_rpc_code fail_bytes(kin_rpc_call *call, const char *field, kin_error *err)
{
    /* decode.seconds is a bound as others are, and not the caller's deadline. */
    if (err->code == KIN_E_TIMEOUT)
        err->code = KIN_E_LIMIT;
    /* Whatever the bytes did to their decoder is the bytes' fault. */
    if (err->code == KIN_E_UNSUPPORTED || err->code == KIN_E_CRASHED || err->code == KIN_E_NO_IMAGE)
        err->code = KIN_E_FORMAT;
    return fail_field(call, field, err);
}

/* The lesions that are asked about. */
static kin_rpc_code read_regions(kin_decoder *decoder, kin_rpc_call *call,
                                 const Kindred__V1__SearchRequest *request,
                                 kin_query_regions *regions)
{
    kin_query_part parts[KIN_QUERY_PARTS_MAX];
    kin_error err = {0};
    size_t boxes = request->n_region, count = boxes + request->n_mask;
    if (boxes > KIN_QUERY_PARTS_MAX || request->n_mask > KIN_QUERY_PARTS_MAX - boxes)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "region: are at most %d",
                                 KIN_QUERY_PARTS_MAX);
    for (size_t i = 0; i < boxes; i++) {
        const Kindred__V1__Region *box = request->region[i];
        parts[i] = (kin_query_part){.box = {box->x, box->y, box->width, box->height}};
    }
    for (size_t i = 0; i < request->n_mask; i++) {
        const ProtobufCBinaryData *mask = &request->mask[i];
        parts[boxes + i] = (kin_query_part){.mask = "mask",
                                            .bytes = mask->len > 0 ? (const void *)mask->data : "",
                                            .size = mask->len};
    }
    kin_status status = kin_query_regions_read(decoder, parts, count, regions, &err);
    if (status == KIN_OK)
        return KIN_RPC_OK;
    if (status == KIN_E_ARG) /* the message says which field */
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "%s", err.message);
    return fail_bytes(call, "mask", &err);
}

static kin_rpc_code query_of_bytes(kin_service *service, kin_decoder *decoder, kin_rpc_call *call,
                                   const Kindred__V1__SearchRequest *request, const char *field,
                                   const ProtobufCBinaryData *bytes, kin_query *query)
{
    kin_query_regions regions = {0};
    kin_error err = {0};
    kin_rpc_code code = read_regions(decoder, call, request, &regions);
    if (code != KIN_RPC_OK)
        return code;
    kin_status status = kin_query_from_bytes(service->archive, decoder, bytes->data, bytes->len,
                                             "query", request->frame, &regions, query, &err);
    kin_query_regions_release(&regions);
    if (status == KIN_OK)
        return KIN_RPC_OK;
    if (status == KIN_E_ARG) /* a region is not on the picture */
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "%s", err.message);
    if (status == KIN_E_NOT_FOUND)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "frame: %s", err.message);
    return fail_bytes(call, field, &err);
}

static kin_rpc_code from_bytes(kin_service *service, kin_rpc_call *call,
                               const Kindred__V1__SearchRequest *request, kin_query *query)
{
    bool dicom = request->query_case == KINDRED__V1__SEARCH_REQUEST__QUERY_DICOM;
    const ProtobufCBinaryData *bytes = dicom ? &request->dicom : &request->image;
    const char *field = dicom ? "dicom" : "image";
    kin_decoder *decoder = NULL;
    kin_error err = {0};
    if (bytes->len == 0)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "%s: is empty", field);
    if (kin_decoders_take(service->query_decoders, kin_rpc_call_is_over, call, &decoder, &err) !=
        KIN_OK)
        return fail_field(call, field, &err);
    kin_rpc_code code = query_of_bytes(service, decoder, call, request, field, bytes, query);
    kin_decoders_give_back(service->query_decoders, decoder);
    return code;
}

static kin_rpc_code make_query(kin_service *service, kin_rpc_call *call,
                               const Kindred__V1__SearchRequest *request, kin_query *query)
{
    const Kindred__V1__Vector *vector;
    kin_error err = {0};
    bool has_picture = request->query_case == KINDRED__V1__SEARCH_REQUEST__QUERY_DICOM ||
                       request->query_case == KINDRED__V1__SEARCH_REQUEST__QUERY_IMAGE;
    if ((request->n_region > 0 || request->n_mask > 0) && !has_picture)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "%s: needs a query of `dicom` or `image`",
                                 request->n_region > 0 ? "region" : "mask");
    if (request->stored_region > 0 && request->query_case != KINDRED__V1__SEARCH_REQUEST__QUERY_UID)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "stored_region: needs a query of `uid`");
    if (request->query_case != KINDRED__V1__SEARCH_REQUEST__QUERY_UID)
        kin_gate_asked(call, "query", request->name);
    switch (request->query_case) {
    case KINDRED__V1__SEARCH_REQUEST__QUERY_DICOM:
    case KINDRED__V1__SEARCH_REQUEST__QUERY_IMAGE:
        return from_bytes(service, call, request, query);
    case KINDRED__V1__SEARCH_REQUEST__QUERY_UID:
        if (request->uid[0] == '\0')
            return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "uid: is empty");
        kin_gate_asked(call, "uid", request->uid);
        if (kin_query_from_uid(service->archive, request->uid, request->frame,
                               request->stored_region, query, &err) != KIN_OK)
            return kin_gate_fail(call, &err);
        return KIN_RPC_OK;
    case KINDRED__V1__SEARCH_REQUEST__QUERY_VECTOR:
        vector = request->vector;
        if (kin_query_from_vector(service->archive, vector->values, vector->n_values, vector->model,
                                  query, &err) != KIN_OK)
            return fail_field(call, "vector", &err);
        return KIN_RPC_OK;
    default:
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "query: none is set");
    }
}

/* The names that the request gives to the query. */
static kin_rpc_code name_query(kin_rpc_call *call, const Kindred__V1__SearchRequest *request,
                               kin_query *query)
{
    kin_error err = {0};
    kin_status status = KIN_OK;
    if (request->query_case != KINDRED__V1__SEARCH_REQUEST__QUERY_UID)
        status = kin_record_set(&query->name, request->name, &err);
    if (status == KIN_OK && request->patient_id[0] != '\0')
        status = kin_record_set(&query->patient_id, request->patient_id, &err);
    kin_gate_asked(call, "patient_id", query->patient_id);
    return status == KIN_OK ? KIN_RPC_OK : kin_gate_fail(call, &err);
}

/* --- the options --- */

static bool is_way(const char *name)
{
    for (size_t i = 0; kin_way_name(i) != NULL; i++)
        if (strcmp(kin_way_name(i), name) == 0)
            return true;
    return false;
}

static kin_rpc_code read_options(kin_service *service, kin_rpc_call *call,
                                 const Kindred__V1__SearchRequest *request,
                                 kin_search_options *options, kin_condition **where)
{
    kin_error err = {0};
    if (request->k > service->config.search_k_max)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "k: is at most %u",
                                 service->config.search_k_max);
    if (!(request->recall >= 0 && request->recall <= 1))
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "recall: is above 0 to 1, or 0 for the default");
    if (request->way[0] != '\0' && !is_way(request->way))
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "way: is one of the plans' methods");
    if (kin_answer_level_parse(request->by, &options->fold, &err) != KIN_OK)
        return fail_field(call, "by", &err);
    if (request->where[0] != '\0') {
        kin_gate_asked(call, "condition", request->where);
        if (kin_condition_parse(request->where, where, &err) != KIN_OK) {
            if (err.code == KIN_E_LIMIT) /* too long or too deep: the condition's fault, not ours */
                err.code = KIN_E_ARG;
            return fail_field(call, "where", &err);
        }
    }
    options->k = request->k;
    options->where = *where;
    options->not_same_patient = request->not_same_patient;
    options->exact = request->exact;
    options->recall = request->recall > 0 ? request->recall : service->config.search_recall;
    options->way = request->way[0] != '\0' ? request->way : NULL;
    options->stop = kin_rpc_call_is_over;
    options->stop_ctx = call;
    return KIN_RPC_OK;
}

static kin_rpc_code search(kin_service *service, kin_rpc_call *call,
                           const Kindred__V1__SearchRequest *request,
                           const kin_search_options *options, kin_asking *out)
{
    kin_error err = {0};
    if (options->not_same_patient && out->query.patient_id[0] == '\0')
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "not_same_patient: the query's patient is not known");
    kin_status status =
        kin_archive_search(service->archive, &out->query, options, &out->results, &err);
    if (status == KIN_E_EXISTS) /* the vector's model serves no more */
        return kin_rpc_call_fail(call, KIN_RPC_FAILED_PRECONDITION, "vector.model: %s",
                                 err.message);
    if (status == KIN_E_ARG && options->way != NULL)
        return fail_field(call, "way", &err);
    if (status != KIN_OK)
        return kin_gate_fail(call, &err);
    kin_metrics_search(service->metrics, out->results.plan.milliseconds / 1e3);
    for (size_t i = 0; i < out->results.count; i++)
        kin_gate_answered_record(call, &out->results.items[i].record);
    out->response = kin_answer_search(&out->arena, &out->results, request->explain);
    return out->response != NULL ? KIN_RPC_OK : kin_gate_no_memory(call);
}

/* What the answer says of the query itself. */
static kin_rpc_code echo(kin_service *service, kin_rpc_call *call,
                         const Kindred__V1__SearchRequest *request, const kin_condition *where,
                         kin_asking *out)
{
    Kindred__V1__QueryEcho *query = kin_arena_new(&out->arena, 1, sizeof *query);
    char *names = kin_arena_new(&out->arena, UNKNOWN_NAMES_SIZE, 1);
    kin_error err = {0};
    if (query == NULL || names == NULL)
        return kin_gate_no_memory(call);
    if (where != NULL && kin_archive_unknown_names(service->archive, where, names,
                                                   UNKNOWN_NAMES_SIZE, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    kindred__v1__query_echo__init(query);
    query->name = kin_arena_utf8(&out->arena, out->query.name);
    query->frame = request->frame;
    query->stored_region = request->stored_region;
    query->patient_id = kin_arena_utf8(&out->arena, out->query.patient_id);
    query->stored = out->query.self != KIN_QUERY_NOT_STORED;
    out->response->query = query;
    out->response->unknown_names = kin_arena_utf8(&out->arena, names);
    return out->arena.failed ? kin_gate_no_memory(call) : KIN_RPC_OK;
}

kin_rpc_code kin_asking_answer(kin_service *service, kin_rpc_call *call,
                               const Kindred__V1__SearchRequest *request, kin_asking *out)
{
    kin_search_options options = {0};
    kin_condition *where = NULL;
    memset(out, 0, sizeof *out);
    kin_rpc_code code = read_options(service, call, request, &options, &where);
    if (code == KIN_RPC_OK)
        code = make_query(service, call, request, &out->query);
    if (code == KIN_RPC_OK)
        code = name_query(call, request, &out->query);
    if (code == KIN_RPC_OK)
        code = search(service, call, request, &options, out);
    if (code == KIN_RPC_OK)
        code = echo(service, call, request, where, out);
    kin_condition_free(where);
    return code;
}

void kin_asking_release(kin_asking *asking)
{
    kin_arena_release(&asking->arena);
    kin_results_release(&asking->results);
    kin_query_release(&asking->query);
}
