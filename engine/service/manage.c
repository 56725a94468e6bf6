/* manage.c - Stats and Backup. */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "service/answer.h"
#include "service/internal.h"

enum { NAMES_MAX = 16, VALUES_MAX = 10000, BACKUP_NAME_MAX = 100 };

/* --- Stats --- */

/* Values of a name as they are visited. */
struct counting {
    kin_rpc_call *call;
    kin_arena *arena;
    Kindred__V1__ValueCounts *out;
    size_t capacity;
};

static int add_value(void *ctx, const char *value, uint64_t images)
{
    struct counting *counting = ctx;
    Kindred__V1__ValueCounts *out = counting->out;
    if (out->n_values == VALUES_MAX) {
        out->truncated = true;
        return 1;
    }
    if (out->n_values == counting->capacity) {
        size_t capacity = counting->capacity > 0 ? counting->capacity * 2 : 32;
        Kindred__V1__ValueCount **grown = kin_arena_new(counting->arena, capacity, sizeof *grown);
        if (grown == NULL)
            return 1;
        if (out->n_values > 0)
            memcpy(grown, out->values, out->n_values * sizeof *grown);
        out->values = grown;
        counting->capacity = capacity;
    }
    Kindred__V1__ValueCount *item = kin_arena_new(counting->arena, 1, sizeof *item);
    if (item == NULL)
        return 1;
    kindred__v1__value_count__init(item);
    item->value = kin_arena_copy(counting->arena, value);
    item->images = images;
    out->values[out->n_values++] = item;
    kin_gate_answered(counting->call, out->name, value); /* patients' ids are values, too */
    return 0;
}

static kin_rpc_code count_values(kin_service *service, kin_rpc_call *call,
                                 const Kindred__V1__StatsRequest *request, kin_arena *arena,
                                 Kindred__V1__StatsResponse *response)
{
    kin_error err = {0};
    Kindred__V1__ValueCounts *counts = kin_arena_new(arena, request->n_values_of, sizeof *counts);
    response->values = kin_arena_new(arena, request->n_values_of, sizeof(void *));
    for (size_t i = 0; !arena->failed && i < request->n_values_of; i++) {
        struct counting counting = {.call = call, .arena = arena, .out = &counts[i]};
        kindred__v1__value_counts__init(&counts[i]);
        counts[i].name = request->values_of[i];
        kin_gate_asked(call, "values_of", request->values_of[i]);
        if (kin_archive_each_value(service->archive, request->values_of[i], add_value, &counting,
                                   &err) != KIN_OK)
            return kin_gate_fail(call, &err);
        response->values[i] = &counts[i];
        response->n_values++;
    }
    return arena->failed ? kin_gate_no_memory(call) : KIN_RPC_OK;
}

static void fill_metric(const kin_archive_stats *stats, Kindred__V1__ModelInfo *model,
                        Kindred__V1__Metric *metric)
{
    if (stats->metric.label[0] == '\0')
        return;
    metric->label = (char *)stats->metric.label;
    metric->where = (char *)stats->metric.where;
    metric->images = stats->metric.images;
    metric->classes = stats->metric.classes;
    metric->groups = stats->metric.groups;
    metric->map = stats->metric.map;
    metric->base_map = stats->metric.base_map;
    model->metric = metric;
}

static void fill_stats(const kin_archive_stats *stats, kin_arena *arena,
                       Kindred__V1__StatsResponse *out, Kindred__V1__ModelInfo *model,
                       Kindred__V1__Metric *metric, Kindred__V1__GenerationInfo *generation)
{
    out->images = stats->images;
    out->regions = stats->regions;
    out->instances = stats->instances;
    out->series = stats->series;
    out->studies = stats->studies;
    out->patients = stats->patients;
    out->rows = stats->rows;
    out->dead = stats->dead;
    out->tail = stats->tail;
    out->catalog_bytes = stats->catalog_bytes;
    out->descriptor_bytes = stats->descriptor_bytes;
    out->vector_bytes = stats->vector_bytes;
    out->index_bytes = stats->index_bytes;
    model->id = (char *)stats->model;
    model->kind = (char *)stats->model_kind;
    model->dim = stats->dim;
    model->descriptor_length = stats->descriptor_length;
    model->trained_on = stats->model_trained_on;
    model->layout = (char *)stats->layout;
    model->codec = (char *)stats->codec;
    fill_metric(stats, model, metric);
    generation->number = stats->generation;
    generation->index_kind = (char *)stats->index_kind;
    generation->time = (char *)stats->generation_time;
    generation->recall_at_10 = stats->generation_recall;
    generation->tunings = kin_answer_tunings(arena, stats->tunings, stats->tuning_count);
    generation->n_tunings = generation->tunings != NULL ? stats->tuning_count : 0;
    out->model = model;
    out->generation = generation;
}

kin_rpc_code kin_method_stats(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *message;
    Kindred__V1__StatsResponse response = KINDRED__V1__STATS_RESPONSE__INIT;
    Kindred__V1__ModelInfo model = KINDRED__V1__MODEL_INFO__INIT;
    Kindred__V1__Metric metric = KINDRED__V1__METRIC__INIT;
    Kindred__V1__GenerationInfo generation = KINDRED__V1__GENERATION_INFO__INIT;
    kin_archive_stats stats;
    kin_arena arena = {0};
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    const Kindred__V1__StatsRequest *request = (const Kindred__V1__StatsRequest *)message;
    if (request->n_values_of > NAMES_MAX)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "values_of: at most %d names",
                                 NAMES_MAX);
    if (kin_archive_stats_read(service->archive, &stats, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    fill_stats(&stats, &arena, &response, &model, &metric, &generation);
    response.archive = kin_arena_utf8(&arena, service->config.archive_path);
    response.version = (char *)KINDRED_VERSION;
    kin_rpc_code code = count_values(service, call, request, &arena, &response);
    if (code == KIN_RPC_OK && kin_rpc_call_send(call, &response.base, &err) != KIN_OK)
        code = kin_gate_fail(call, &err);
    kin_arena_release(&arena);
    return code;
}

/* --- Backup --- */

static bool is_backup_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(name);
    return length > 0 && length <= BACKUP_NAME_MAX && name[0] != '.' &&
           strspn(name, allowed) == length;
}

/* The copy is opened as whoever needs it one day will: it tells how many images it has. */
static kin_status look_at_copy(const char *path, Kindred__V1__BackupResponse *response,
                               kin_error *err)
{
    kin_archive *copy = NULL;
    kin_archive_stats stats;
    kin_status status = kin_archive_open(kin_fs_posix(), path, &copy, err);
    if (status == KIN_OK)
        status = kin_archive_stats_read(copy, &stats, err);
    kin_archive_close(copy);
    if (status != KIN_OK)
        return status;
    response->images = stats.images;
    response->bytes =
        stats.catalog_bytes + stats.descriptor_bytes + stats.vector_bytes + stats.index_bytes;
    return KIN_OK;
}

kin_rpc_code kin_method_backup(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *message;
    Kindred__V1__BackupResponse response = KINDRED__V1__BACKUP_RESPONSE__INIT;
    char path[PATH_MAX];
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    const char *name = ((const Kindred__V1__BackupRequest *)message)->name;
    if (service->config.archive_backups[0] == '\0')
        return kin_rpc_call_fail(call, KIN_RPC_FAILED_PRECONDITION,
                                 "the server has no backup folder (archive.backups)");
    if (!is_backup_name(name))
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "name: letters, digits, '-', '_' and '.', not beginning with '.'");
    int length = snprintf(path, sizeof path, "%s/%s", service->config.archive_backups, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "name: makes too long a path");
    kin_gate_asked(call, "backup", name);
    kin_status status = kin_archive_backup(service->archive, path, &err);
    if (status == KIN_OK)
        status = look_at_copy(path, &response, &err);
    if (status == KIN_OK)
        status = kin_rpc_call_send(call, &response.base, &err);
    if (status == KIN_OK)
        return KIN_RPC_OK;
    if (status == KIN_E_EXISTS)
        kin_fail(&err, status, NULL, "a copy of this name is there");
    snprintf(err.subject, sizeof err.subject, "name"); /* not the server's own paths */
    return kin_gate_fail(call, &err);
}
