#include "fake_service.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grpc/health/v1/health.pb-c.h"
#include "kindred/v1/ingest.pb-c.h"
#include "kindred/v1/manage.pb-c.h"
#include "kindred/v1/search.pb-c.h"

enum { FILES_MAX = 100, REASON_SIZE = 256 };

/* --- one request, one response --- */

static kin_rpc_code give(kin_rpc_call *call, const ProtobufCMessage *message)
{
    kin_error err = {0};
    return kin_rpc_call_send(call, message, &err) == KIN_OK ? KIN_RPC_OK
                                                            : kin_rpc_call_fail_with(call, &err);
}

/* The call's one request; NULL when there is none. */
static const void *take(kin_rpc_call *call)
{
    const ProtobufCMessage *request = NULL;
    kin_rpc_call_receive(call, &request, NULL);
    return request;
}

/* The UID is the name, k the result's rank, the condition its label. */
static void answer_search(const Kindred__V1__SearchRequest *request,
                          Kindred__V1__SearchResponse *response, Kindred__V1__QueryEcho *echo,
                          Kindred__V1__SearchResult *result, Kindred__V1__Image *image,
                          Kindred__V1__Label *label)
{
    kindred__v1__search_response__init(response);
    kindred__v1__query_echo__init(echo);
    kindred__v1__search_result__init(result);
    kindred__v1__image__init(image);
    kindred__v1__label__init(label);
    echo->name = request->query_case == KINDRED__V1__SEARCH_REQUEST__QUERY_UID ? request->uid
                                                                               : request->name;
    label->name = "where";
    label->value = request->where;
    image->sop_instance_uid = "1.2.3";
    result->rank = request->k;
    result->score = 0.5f;
    result->image = image;
    response->query = echo;
    response->complete = request->exact;
}

struct search_answer {
    Kindred__V1__SearchResponse response;
    Kindred__V1__QueryEcho echo;
    Kindred__V1__SearchResult result, *results[1];
    Kindred__V1__Image image;
    Kindred__V1__Label label, *labels[1];
};

static void make_answer(const Kindred__V1__SearchRequest *request, struct search_answer *out)
{
    answer_search(request, &out->response, &out->echo, &out->result, &out->image, &out->label);
    out->labels[0] = &out->label;
    out->image.labels = out->labels;
    out->image.n_labels = 1;
    out->results[0] = &out->result;
    out->response.results = out->results;
    out->response.n_results = 1;
}

static bool is_missing(const Kindred__V1__SearchRequest *request)
{
    return request->query_case == KINDRED__V1__SEARCH_REQUEST__QUERY_UID &&
           strcmp(request->uid, "missing") == 0;
}

static kin_rpc_code fail_missing(kin_rpc_call *call)
{
    return kin_rpc_call_fail(call, KIN_RPC_NOT_FOUND, "missing: not stored");
}

static kin_rpc_code run_search(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__SearchRequest *request = take(call);
    struct search_answer answer;
    if (is_missing(request))
        return fail_missing(call);
    make_answer(request, &answer);
    return give(call, &answer.response.base);
}

static kin_rpc_code run_get(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__GetRequest *request = take(call);
    Kindred__V1__GetResponse response = KINDRED__V1__GET_RESPONSE__INIT;
    if (strcmp(request->uid, "missing") == 0)
        return fail_missing(call);
    response.level = KINDRED__V1__LEVEL__LEVEL_STUDY;
    response.truncated = request->limit == 7;
    response.model = request->include_embeddings ? "model" : "";
    return give(call, &response.base);
}

static kin_rpc_code run_thumbnail(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__ThumbnailRequest *request = take(call);
    Kindred__V1__ThumbnailResponse response;
    kindred__v1__thumbnail_response__init(&response);
    response.png = (ProtobufCBinaryData){.len = 4, .data = (uint8_t *)"\x89PNG"};
    response.width = request->frame;
    response.height = request->max_side;
    return give(call, &response.base);
}

static kin_rpc_code run_delete(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__DeleteRequest *request = take(call);
    Kindred__V1__DeleteResponse response = KINDRED__V1__DELETE_RESPONSE__INIT;
    response.images = strlen(request->uid);
    return give(call, &response.base);
}

static kin_rpc_code run_set_outcome(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__SetOutcomeRequest *request = take(call);
    Kindred__V1__SetOutcomeResponse response = KINDRED__V1__SET_OUTCOME_RESPONSE__INIT;
    response.images = strlen(request->uid);
    response.changed = strlen(request->outcome);
    return give(call, &response.base);
}

static kin_rpc_code run_stats(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__StatsRequest *request = take(call);
    Kindred__V1__StatsResponse response = KINDRED__V1__STATS_RESPONSE__INIT;
    response.images = UINT64_MAX;
    response.rows = request->n_values_of;
    response.archive = request->n_values_of > 0 ? request->values_of[0] : "";
    return give(call, &response.base);
}

static kin_rpc_code run_backup(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__BackupRequest *request = take(call);
    Kindred__V1__BackupResponse response = KINDRED__V1__BACKUP_RESPONSE__INIT;
    response.bytes = strlen(request->name);
    return give(call, &response.base);
}

static kin_rpc_code run_check(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Grpc__Health__V1__HealthCheckRequest *request = take(call);
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    if (strcmp(request->service, "stopped") == 0)
        response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
    else if (request->service[0] == '\0' ||
             strcmp(request->service, "kindred.v1.KindredService") == 0)
        response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    else
        return kin_rpc_call_fail(call, KIN_RPC_NOT_FOUND, "no such service");
    return give(call, &response.base);
}

/* --- streams --- */

static kin_rpc_code answer_one(kin_rpc_call *call, const Kindred__V1__SearchManyRequest *request)
{
    struct search_answer answer;
    Kindred__V1__SearchManyResponse response = KINDRED__V1__SEARCH_MANY_RESPONSE__INIT;
    Kindred__V1__Status failure = KINDRED__V1__STATUS__INIT;
    response.tag = request->tag;
    if (is_missing(request->search)) {
        failure.code = KIN_RPC_NOT_FOUND;
        failure.message = "missing: not stored";
        response.outcome_case = KINDRED__V1__SEARCH_MANY_RESPONSE__OUTCOME_ERROR;
        response.error = &failure;
    } else {
        make_answer(request->search, &answer);
        response.outcome_case = KINDRED__V1__SEARCH_MANY_RESPONSE__OUTCOME_RESPONSE;
        response.response = &answer.response;
    }
    return give(call, &response.base);
}

static kin_rpc_code run_search_many(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__SearchManyRequest *request;
    kin_rpc_code code = KIN_RPC_OK;
    while (code == KIN_RPC_OK && (request = take(call)) != NULL)
        code = answer_one(call, request);
    return code;
}

static kin_rpc_code tell_step(kin_rpc_call *call, double done)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    Kindred__V1__ReindexProgress step = KINDRED__V1__REINDEX_PROGRESS__INIT;
    step.stage = "learn";
    step.done = done;
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_PROGRESS;
    response.progress = &step;
    return give(call, &response.base);
}

static kin_rpc_code tell_forecast(kin_rpc_call *call)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    Kindred__V1__ReindexForecast forecast = KINDRED__V1__REINDEX_FORECAST__INIT;
    forecast.index_kind = "hnsw";
    forecast.peak_bytes = (uint64_t)5 << 30;
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_FORECAST;
    response.forecast = &forecast;
    return give(call, &response.base);
}

static kin_rpc_code tell_report(kin_rpc_call *call)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    Kindred__V1__ReindexReport report = KINDRED__V1__REINDEX_REPORT__INIT;
    Kindred__V1__Drift drift = KINDRED__V1__DRIFT__INIT;
    Kindred__V1__Tuning tunings[2] = {KINDRED__V1__TUNING__INIT, KINDRED__V1__TUNING__INIT};
    Kindred__V1__Tuning *list[] = {&tunings[0], &tunings[1]};
    report.images = 42;
    report.model = "0123456789abcdef";
    report.learnt = true;
    drift.judged = true;
    drift.new_error = 0.25;
    report.drift = &drift;
    tunings[0].target = 0.9;
    tunings[1].target = 0.99;
    report.tunings = list;
    report.n_tunings = 2;
    report.peak_bytes = 1 << 30;
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_REPORT;
    response.report = &report;
    return give(call, &response.base);
}

static kin_rpc_code run_reindex(kin_rpc_call *call, void *ctx)
{
    fake_service *service = ctx;
    const Kindred__V1__ReindexRequest *request = take(call);
    kin_rpc_code code = KIN_RPC_OK;
    if (strcmp(request->index_kind, "endless") == 0) {
        while (!kin_rpc_call_is_over(call))
            nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
        atomic_fetch_add(&service->cancelled, 1);
        return kin_rpc_call_fail(call, KIN_RPC_CANCELLED, "the reindex was stopped");
    }
    bool late = strcmp(request->index_kind, "late") == 0;
    for (int i = 1; i <= 3 && code == KIN_RPC_OK; i++) {
        code = tell_step(call, i / 4.0);
        if (i == 1 && code == KIN_RPC_OK)
            code = tell_forecast(call);
    }
    if (code == KIN_RPC_OK && strcmp(request->index_kind, "none") != 0)
        code = tell_report(call);
    return late ? kin_rpc_call_fail(call, KIN_RPC_UNAVAILABLE, "no audit trail") : code;
}

struct receiving {
    Kindred__V1__IngestedFile files[FILES_MAX], *list[FILES_MAX];
    char names[FILES_MAX][REASON_SIZE], reasons[FILES_MAX][REASON_SIZE];
    uint64_t promised[FILES_MAX], digests[FILES_MAX];
    char uids[FILES_MAX][FAKE_DIGEST_SIZE];
    size_t count;
};

uint64_t fake_digest(uint64_t before, const void *bytes, size_t size)
{
    static const uint64_t prime = 0x100000001B3u;
    for (size_t i = 0; i < size; i++)
        before = (before ^ ((const uint8_t *)bytes)[i]) * prime;
    return before;
}

static void take_chunk(struct receiving *all, const ProtobufCBinaryData *chunk)
{
    size_t at = all->count - 1;
    all->files[at].images += (uint32_t)chunk->len;
    all->digests[at] = fake_digest(all->digests[at], chunk->data, chunk->len);
}

static void end_files(struct receiving *all)
{
    for (size_t i = 0; i < all->count; i++) {
        snprintf(all->uids[i], FAKE_DIGEST_SIZE, "%016" PRIx64, all->digests[i]);
        all->files[i].sop_instance_uid = all->uids[i];
        if (all->promised[i] > 0 && all->promised[i] != all->files[i].images)
            all->files[i].outcome = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_FAILED;
    }
}

static void begin_file(struct receiving *all, const Kindred__V1__FileStart *start)
{
    Kindred__V1__IngestedFile *file = &all->files[all->count];
    char *reason = all->reasons[all->count];
    kindred__v1__ingested_file__init(file);
    snprintf(all->names[all->count], REASON_SIZE, "%s", start->name);
    reason[0] = '\0';
    for (size_t i = 0; i < start->n_fields; i++) {
        size_t length = strlen(reason);
        snprintf(reason + length, REASON_SIZE - length, "%s=%s;", start->fields[i]->name,
                 start->fields[i]->value);
    }
    file->name = all->names[all->count];
    file->reason = reason;
    file->outcome = KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_STORED;
    all->promised[all->count] = start->size;
    all->digests[all->count] = FAKE_DIGEST_BEGIN;
    all->list[all->count] = file;
    all->count++;
}

static kin_rpc_code run_ingest(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const Kindred__V1__IngestRequest *request;
    Kindred__V1__IngestResponse receipt = KINDRED__V1__INGEST_RESPONSE__INIT;
    struct receiving *all = calloc(1, sizeof *all);
    kin_rpc_code code = KIN_RPC_OK;
    if (all == NULL)
        return KIN_RPC_RESOURCE_EXHAUSTED;
    while (code == KIN_RPC_OK && (request = take(call)) != NULL) {
        if (request->part_case == KINDRED__V1__INGEST_REQUEST__PART_START &&
            strcmp(request->start->name, "refuse") == 0)
            code = kin_rpc_call_fail(call, KIN_RPC_RESOURCE_EXHAUSTED, "the disk is full");
        else if (request->part_case == KINDRED__V1__INGEST_REQUEST__PART_START)
            begin_file(all, request->start);
        else if (all->count > 0)
            take_chunk(all, &request->chunk);
    }
    end_files(all);
    receipt.files = all->list;
    receipt.n_files = all->count;
    receipt.images = all->count;
    if (code == KIN_RPC_OK)
        code = give(call, &receipt.base);
    free(all);
    return code;
}

/* --- life --- */

static kin_rpc_code on_admit(void *ctx, kin_rpc_call *call)
{
    fake_service *service = ctx;
    const char *token = kin_rpc_call_metadata_borrow(call, "authorization");
    const char *agent = kin_rpc_call_metadata_borrow(call, "user-agent");
    snprintf(service->token, sizeof service->token, "%s", token != NULL ? token : "");
    snprintf(service->agent, sizeof service->agent, "%s", agent != NULL ? agent : "");
    atomic_fetch_add(&service->calls, 1);
    return KIN_RPC_OK;
}

#define PATH(method) "/kindred.v1.KindredService/" method

void fake_service_start(fake_service *out)
{
    static const char *const addresses[] = {"127.0.0.1:0"};
    const kin_rpc_method methods[] = {
        {PATH("Search"), KIN_RPC_QUERY, &kindred__v1__search_request__descriptor, false, false, 0,
         run_search, out},
        {PATH("SearchMany"), KIN_RPC_QUERY, &kindred__v1__search_many_request__descriptor, true,
         true, 0, run_search_many, out},
        {PATH("Ingest"), KIN_RPC_INGEST, &kindred__v1__ingest_request__descriptor, true, false, 0,
         run_ingest, out},
        {PATH("Get"), KIN_RPC_QUERY, &kindred__v1__get_request__descriptor, false, false, 0,
         run_get, out},
        {PATH("Thumbnail"), KIN_RPC_QUERY, &kindred__v1__thumbnail_request__descriptor, false,
         false, 0, run_thumbnail, out},
        {PATH("Delete"), KIN_RPC_QUERY, &kindred__v1__delete_request__descriptor, false, false, 0,
         run_delete, out},
        {PATH("SetOutcome"), KIN_RPC_QUERY, &kindred__v1__set_outcome_request__descriptor, false,
         false, 0, run_set_outcome, out},
        {PATH("Stats"), KIN_RPC_QUERY, &kindred__v1__stats_request__descriptor, false, false, 0,
         run_stats, out},
        {PATH("Reindex"), KIN_RPC_ADMIN, &kindred__v1__reindex_request__descriptor, false, true, 0,
         run_reindex, out},
        {PATH("Backup"), KIN_RPC_ADMIN, &kindred__v1__backup_request__descriptor, false, false, 0,
         run_backup, out},
        {"/grpc.health.v1.Health/Check", KIN_RPC_PROBE,
         &grpc__health__v1__health_check_request__descriptor, false, false, 0, run_check, out},
    };
    kin_error err = {0};
    memset(out, 0, sizeof *out);
    out->methods = malloc(sizeof methods);
    assert_non_null(out->methods);
    memcpy(out->methods, methods, sizeof methods);
    const kin_rpc_server_options options = {.methods = out->methods,
                                            .method_count = sizeof methods / sizeof methods[0],
                                            .addresses = addresses,
                                            .address_count = 1,
                                            .admit = on_admit,
                                            .ctx = out};
    if (kin_rpc_server_start(&options, &out->server, &err) != KIN_OK)
        fail_msg("%s", err.message);
    snprintf(out->address, sizeof out->address, "127.0.0.1:%d",
             kin_rpc_server_port(out->server, 0));
}

void fake_service_stop(fake_service *service)
{
    kin_rpc_server_stop(service->server, 5);
    free(service->methods);
}
