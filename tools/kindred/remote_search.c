/* remote_search.c - a search at a server: the query's file goes along, its results come back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/utf8.h"
#include "decode/source_file.h"
#include "remote.h"
#include "remote_records.h"

enum {
    QUERY_BYTES_MAX = 1 << 30, /* of a file to search for; the server takes far less */
    GRPC_INVALID_ARGUMENT = 3, /* https://grpc.io/docs/guides/status-codes/ */
    DICOM_MAGIC_AT = 128       /* PS3.10 section 7.1 */
};

static bool is_dicom(const uint8_t *bytes, size_t size)
{
    static const char magic[] = "DICM";
    return size >= DICOM_MAGIC_AT + strlen(magic) &&
           memcmp(bytes + DICOM_MAGIC_AT, magic, strlen(magic)) == 0;
}

/* Is it one of the picture formats, by its first bytes?  DICOM without its preamble has none. */
static bool is_picture(const uint8_t *bytes, size_t size)
{
    static const char *const beginnings[] = {"\x89PNG", "\xFF\xD8\xFF", "II", "MM"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (size >= strlen(beginnings[i]) &&
            memcmp(bytes, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* A regular file's bytes, from malloc. */
static kin_status read_file(const char *path, void **bytes, size_t *size, kin_error *err)
{
    struct stat st;
    int fd;
    kin_status status = kin_source_open(path, QUERY_BYTES_MAX, &fd, err);
    if (status != KIN_OK)
        return status;
    *size = fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 0;
    *bytes = malloc(*size > 0 ? *size : 1);
    status = *bytes != NULL
                 ? kin_fs_read_all(kin_fs_posix(), fd, path, *bytes, *size, 0, err)
                 : kin_fail(err, KIN_E_NOMEM, path, "no memory for a file of %zu bytes", *size);
    close(fd);
    return status;
}

/* Puts the query's bytes into the message; the memory is the caller's to free. */
static kin_status read_query(const char *path, Kindred__V1__SearchRequest *message, void **bytes,
                             kin_error *err)
{
    size_t size;
    kin_status status = read_file(path, bytes, &size, err);
    if (status != KIN_OK)
        return status;
    ProtobufCBinaryData data = {.data = *bytes, .len = size};
    if (is_picture(*bytes, size) && !is_dicom(*bytes, size)) {
        message->query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_IMAGE;
        message->image = data;
    } else {
        message->query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_DICOM;
        message->dicom = data;
    }
    return KIN_OK;
}

static void fill_options(const kin_search_request *request, Kindred__V1__SearchRequest *message)
{
    const kin_search_options *options = &request->options;
    message->frame = request->frame;
    message->k = (uint32_t)options->k;
    message->where = (char *)(request->where != NULL ? request->where : "");
    message->by = kin_remote_level_of(options->fold);
    message->not_same_patient = options->not_same_patient;
    message->recall = options->recall;
    message->exact = options->exact;
    message->way = (char *)(options->way != NULL ? options->way : "");
    message->explain = true; /* JSON always has the plan */
}

/* What a message points to. */
struct query {
    void *bytes;
    char *name;
    Kindred__V1__Region boxes[KIN_QUERY_PARTS_MAX], *box_pointers[KIN_QUERY_PARTS_MAX];
    ProtobufCBinaryData masks[KIN_QUERY_PARTS_MAX]; /* their bytes are owned */
};

static void query_release(struct query *query)
{
    for (size_t i = 0; i < KIN_QUERY_PARTS_MAX; i++)
        free(query->masks[i].data);
    free(query->bytes);
    free(query->name);
}

/* The lesions that are asked about. */
static kin_status fill_parts(const kin_search_request *request, Kindred__V1__SearchRequest *message,
                             struct query *query, kin_error *err)
{
    message->region = query->box_pointers;
    message->mask = query->masks;
    for (size_t i = 0; i < request->part_count; i++) {
        const kin_query_part *part = &request->parts[i];
        if (part->mask != NULL) {
            void *bytes = NULL;
            ProtobufCBinaryData *mask = &query->masks[message->n_mask++];
            kin_status status = read_file(part->mask, &bytes, &mask->len, err);
            mask->data = bytes;
            if (status != KIN_OK)
                return kin_error_name(err, part->mask);
        } else {
            Kindred__V1__Region *box = &query->boxes[message->n_region];
            kindred__v1__region__init(box);
            box->x = part->box.x;
            box->y = part->box.y;
            box->width = part->box.width;
            box->height = part->box.height;
            query->box_pointers[message->n_region++] = box;
        }
    }
    return KIN_OK;
}

static kin_status fill_query(const kin_search_request *request, Kindred__V1__SearchRequest *message,
                             struct query *query, kin_error *err)
{
    if (request->file == NULL) {
        message->query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_UID;
        message->uid = (char *)request->uid;
        message->stored_region = request->stored_region;
        return KIN_OK;
    }
    query->name = kin_utf8_repair(request->file); /* a path may hold any bytes */
    if (query->name == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a file's name");
    message->name = query->name;
    kin_status status = fill_parts(request, message, query, err);
    return status == KIN_OK ? read_query(request->file, message, &query->bytes, err) : status;
}

static void take_considered(const Kindred__V1__Plan *plan, kin_search_answer *answer)
{
    kin_plan *out = &answer->results.plan;
    while (out->considered_count < plan->n_considered &&
           out->considered_count < (size_t)KIN_PLAN_METHODS) {
        size_t i = out->considered_count++;
        snprintf(answer->considered[i], sizeof answer->considered[i], "%s",
                 plan->considered[i]->method);
        out->considered[i].method = answer->considered[i];
        out->considered[i].milliseconds = plan->considered[i]->milliseconds;
    }
}

static void take_plan(const Kindred__V1__Plan *plan, kin_search_answer *answer)
{
    kin_plan *out = &answer->results.plan;
    snprintf(answer->method, sizeof answer->method, "%s", plan != NULL ? plan->method : "");
    snprintf(answer->index_kind, sizeof answer->index_kind, "%s",
             plan != NULL ? plan->index_kind : "");
    *out = (kin_plan){.method = answer->method, .index_kind = answer->index_kind};
    if (plan == NULL)
        return;
    snprintf(out->model, sizeof out->model, "%s", plan->model);
    out->generation = plan->generation;
    out->live = plan->live;
    out->members = plan->members;
    out->tail = plan->tail;
    out->scored = plan->scored;
    out->scanned = plan->scanned;
    out->fell_back = plan->fell_back;
    out->recall = plan->recall;
    out->expected_recall = plan->expected_recall;
    out->width = plan->width;
    out->candidates = plan->candidates;
    out->estimated_milliseconds = plan->estimated_milliseconds;
    out->ranking_milliseconds = plan->ranking_milliseconds;
    out->members_milliseconds = plan->members_milliseconds;
    out->milliseconds = plan->milliseconds;
    take_considered(plan, answer);
}

static kin_status take_results(const Kindred__V1__SearchResponse *response, kin_results *out,
                               kin_error *err)
{
    out->complete = response->complete;
    out->exact = response->exact;
    out->items = calloc(response->n_results > 0 ? response->n_results : 1, sizeof *out->items);
    if (out->items == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu results", response->n_results);
    for (; out->count < response->n_results; out->count++) {
        kin_result *item = &out->items[out->count];
        item->score = response->results[out->count]->score;
        kin_status status =
            kin_remote_record(response->results[out->count]->image, &item->record, err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

static kin_status take_query(const Kindred__V1__QueryEcho *echo, kin_query *out, kin_error *err)
{
    kin_status status = kin_record_set(&out->name, echo != NULL ? echo->name : "", err);
    if (status == KIN_OK)
        status = kin_record_set(&out->patient_id, echo != NULL ? echo->patient_id : "", err);
    out->self = echo != NULL && echo->stored ? 0 : KIN_QUERY_NOT_STORED;
    return status;
}

static kin_status take_answer(const Kindred__V1__SearchResponse *response,
                              kin_search_answer *answer, kin_error *err)
{
    snprintf(answer->unknown_names, sizeof answer->unknown_names, "%s", response->unknown_names);
    take_plan(response->plan, answer);
    kin_status status = take_query(response->query, &answer->query, err);
    return status == KIN_OK ? take_results(response, &answer->results, err) : status;
}

/* The first mask that was sent along, or the query's file. */
static const char *mask_of(const kin_search_request *request)
{
    for (size_t i = 0; i < request->part_count; i++)
        if (request->parts[i].mask != NULL)
            return request->parts[i].mask;
    return request->file;
}

/* Whose fault a refusal is: the server names the field.  What it says of the file becomes the file's
 * failure, as here. */
static kin_status fail_search(const kin_remote *remote, const kin_search_request *request,
                              kin_status status, int code, kin_search_answer *answer,
                              kin_error *err)
{
    bool refused = code == GRPC_INVALID_ARGUMENT;
    if (refused && request->options.way != NULL && kin_remote_cut_subject(err->message, "way"))
        return kin_error_name(err, "--way");
    if (request->file == NULL) {
        answer->query_failed = status == KIN_E_NOT_FOUND;
        return kin_remote_fail(remote, status, request->uid, err);
    }
    if (kin_remote_cut_subject(err->message, "mask")) {
        err->code = refused ? KIN_E_FORMAT : status;
        kin_error_name(err, mask_of(request));
    } else if (kin_remote_cut_subject(err->message, "dicom") ||
               kin_remote_cut_subject(err->message, "image"))
        err->code = refused ? KIN_E_FORMAT : status;
    else if (refused && kin_remote_cut_subject(err->message, "frame"))
        err->code = KIN_E_NOT_FOUND;
    else if (refused && strncmp(err->message, "region", strlen("region")) == 0)
        err->code = KIN_E_ARG;
    else
        return kin_remote_fail(remote, status, NULL, err);
    answer->query_failed = true;
    kin_error_name(err, request->file);
    return err->code;
}

kin_status kin_remote_search(kin_target *target, const kin_search_request *request,
                             kin_search_answer *answer, kin_error *err)
{
    if (request->set)
        return kin_fail(err, KIN_E_UNSUPPORTED, target->name,
                        "several images together (--set) are searched in an archive of this "
                        "machine only");
    kin_remote *remote = (kin_remote *)target;
    Kindred__V1__SearchRequest message;
    Kindred__V1__SearchResponse *response = NULL;
    struct query query = {0};
    int code = 0;
    kindred__v1__search_request__init(&message);
    fill_options(request, &message);
    kin_status status = fill_query(request, &message, &query, err);
    if (status != KIN_OK) {
        answer->query_failed = true;
        goto out;
    }
    status = kin_client_search(remote->client, &message, &response, &code, err);
    status = status == KIN_OK ? take_answer(response, answer, err)
                              : fail_search(remote, request, status, code, answer, err);
out:
    kin_client_free(response);
    query_release(&query);
    return status;
}
