/* service.c - the life of a service: its parts put together, reloaded, and taken apart. */
#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/parallel.h"
#include "service/internal.h"
#include "service/methods.h"

enum { PEM_MAX = 1 << 20, INGEST_NICENESS = 10 };

static const char *const service_names[] = {"kindred.v1.KindredService", "grpc.health.v1.Health"};

/* --- certificates --- */

/* Reads a PEM file into *text, in the place of an older one, which stays when it cannot be read. */
static kin_status read_pem(const char *path, char **text, kin_error *err)
{
    void *fresh = NULL;
    size_t size;
    if (path[0] == '\0')
        return KIN_OK;
    kin_status status = kin_fs_read_file(kin_fs_posix(), path, PEM_MAX, &fresh, &size, err);
    if (status != KIN_OK)
        return status;
    free(*text);
    *text = fresh;
    return KIN_OK;
}

static kin_status give_pem(void *ctx, kin_rpc_pem *out, kin_error *err)
{
    kin_service *service = ctx;
    const char *const paths[] = {service->config.tls_certificate, service->config.tls_key,
                                 service->config.tls_client_ca};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        kin_status status = read_pem(paths[i], &service->pem[i], err);
        if (status != KIN_OK)
            return status;
    }
    *out = (kin_rpc_pem){service->pem[0], service->pem[1], service->pem[2]};
    return KIN_OK;
}

static void forget_pem(kin_service *service)
{
    for (size_t i = 0; i < sizeof service->pem / sizeof service->pem[0]; i++)
        free(service->pem[i]);
}

static void on_complaint(void *ctx, const char *text)
{
    kin_service *service = ctx;
    kin_log_line(&service->log, KIN_LOG_WARNING, "%s", text);
}

/* --- the parts --- */

static kin_status open_archive(kin_service *service, kin_error *err)
{
    bool made;
    kin_status status = kin_archive_open_or_make(kin_fs_posix(), service->config.archive_path,
                                                 &service->archive, &made, err);
    if (status == KIN_OK && made)
        kin_log_line(&service->log, KIN_LOG_NOTICE, "made a new archive");
    return status;
}

static kin_status make_decoders(kin_service *service, kin_error *err)
{
    kin_config *config = &service->config;
    kin_decode_limits limits = {.max_file_bytes = (size_t)config->decode_file_bytes,
                                .max_frame_bytes = (size_t)config->decode_frame_bytes,
                                .memory_bytes = (size_t)config->decode_memory_bytes,
                                .seconds = config->decode_seconds};
    const char *worker = config->archive_worker[0] != '\0' ? config->archive_worker : NULL;
    const kin_decode_features *features = kin_archive_features_borrow(service->archive);
    size_t cores = (size_t)kin_cpu_count();
    limits = kin_decode_limits_effective(&limits);
    config->decode_file_bytes = limits.max_file_bytes;
    kin_status status =
        kin_decoders_new(config->decode_queries > 0 ? config->decode_queries : cores, worker,
                         features, &limits, &service->query_decoders, err);
    /* A search waits for its picture; an ingest can wait for the searches. */
    limits.nice = INGEST_NICENESS;
    if (status == KIN_OK)
        status = kin_decoders_new(config->decode_ingests > 0 ? config->decode_ingests : cores,
                                  worker, features, &limits, &service->ingest_decoders, err);
    return status;
}

static kin_status load_access(kin_service *service, kin_error *err)
{
    kin_status status = kin_role_parse(service->config.access_open, &service->open_role, err);
    if (status == KIN_OK && service->config.access_file[0] != '\0')
        status = kin_access_load(service->config.access_file, &service->access, err);
    return status;
}

static bool reflects(const kin_service *service, size_t addresses)
{
    const char *wish = service->config.server_reflection;
    if (strcmp(wish, "auto") != 0)
        return strcmp(wish, "on") == 0;
    for (size_t i = 0; i < addresses; i++)
        if (!kin_config_is_loopback(service->addresses[i]))
            return false;
    return true;
}

static kin_status make_parts(kin_service *service, size_t addresses, kin_error *err)
{
    kin_status status = kin_audit_open(service->config.audit_file, &service->audit, err);
    service->audits = service->config.audit_file[0] != '\0';
    if (status == KIN_OK)
        status = load_access(service, err);
    if (status == KIN_OK)
        status = open_archive(service, err);
    if (status == KIN_OK)
        status = make_decoders(service, err);
    if (status == KIN_OK)
        status = kin_health_new(&service->health, err);
    if (status == KIN_OK)
        status = kin_reflection_new(service_names, sizeof service_names / sizeof service_names[0],
                                    &service->reflection, err);
    if (status != KIN_OK)
        return status;
    kin_methods_fill(service, reflects(service, addresses));
    return kin_metrics_new(service->methods, service->method_count, KINDRED_VERSION,
                           &service->metrics, err);
}

static kin_status start_server(kin_service *service, size_t addresses, kin_error *err)
{
    const kin_config *config = &service->config;
    const kin_rpc_server_options options = {
        .methods = service->methods,
        .method_count = service->method_count,
        .addresses = service->addresses,
        .address_count = addresses,
        .tls = config->tls_certificate[0] != '\0',
        .pem = give_pem,
        .class_max = {[KIN_RPC_QUERY] = config->server_queries,
                      [KIN_RPC_INGEST] = config->server_ingests,
                      [KIN_RPC_ADMIN] = config->server_admins,
                      [KIN_RPC_WATCH] = config->server_watches,
                      [KIN_RPC_PROBE] = config->server_watches},
        .streams_per_connection = config->server_streams_per_connection,
        .message_bytes = (size_t)config->server_message_bytes,
        .metadata_bytes = (size_t)config->server_metadata_bytes,
        .memory_bytes = (size_t)config->server_memory_bytes,
        .deadline_cap = config->server_deadline_cap,
        .stall_seconds = config->server_stall,
        .idle_seconds = config->server_idle,
        .handshake_seconds = config->server_handshake,
        .admit = kin_gate_admit,
        .finish = kin_gate_finish,
        .complain = on_complaint,
        .ctx = service,
    };
    return kin_rpc_server_start(&options, &service->server, err);
}

static kin_status start(kin_service *service, kin_error *err)
{
    size_t addresses = 0;
    kin_config *config = &service->config;
    kin_status status = kin_config_check(config, err);
    if (config->archive_spool[0] == '\0')
        memcpy(config->archive_spool, config->archive_path, sizeof config->archive_spool);
    if (status == KIN_OK)
        status = kin_config_addresses(config, service->addresses_text, service->addresses,
                                      &addresses, err);
    if (status == KIN_OK)
        status = make_parts(service, addresses, err);
    if (status == KIN_OK)
        status = kin_watch_start(service, err);
    if (status == KIN_OK)
        status = start_server(service, addresses, err);
    if (status == KIN_OK && config->http_listen[0] != '\0')
        status = kin_http_start(config->http_listen, service->pages,
                                kin_pages(service, service->pages), &service->http, err);
    return status;
}

/* --- life --- */

kin_status kin_service_start(const kin_config *config, const kin_log *log, kin_service **out,
                             kin_error *err)
{
    kin_service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the service");
    service->config = *config;
    service->log = *log;
    pthread_rwlock_init(&service->access_lock, NULL);
    kin_status status = start(service, err);
    if (status != KIN_OK) {
        kin_service_stop(service);
        return status;
    }
    *out = service;
    return KIN_OK;
}

int kin_service_port(const kin_service *service)
{
    return kin_rpc_server_port(service->server, 0);
}

int kin_service_http_port(const kin_service *service)
{
    return service->http != NULL ? kin_http_port(service->http) : 0;
}

/* False: the old rules stay. */
static bool reload_access(kin_service *service)
{
    kin_access *fresh = NULL;
    kin_error err = {0};
    if (service->config.access_file[0] == '\0')
        return true;
    if (kin_access_load(service->config.access_file, &fresh, &err) != KIN_OK) {
        kin_log_error(&service->log, KIN_LOG_ERROR, "the access file stays as it was", &err);
        return false;
    }
    pthread_rwlock_wrlock(&service->access_lock);
    kin_access *old = service->access;
    service->access = fresh;
    atomic_fetch_add(&service->access_reloads, 1);
    pthread_rwlock_unlock(&service->access_lock);
    kin_access_free(old);
    return true;
}

void kin_service_reload(kin_service *service)
{
    kin_error err = {0};
    bool good = reload_access(service);
    if (service->config.tls_certificate[0] != '\0')
        kin_rpc_server_renew(service->server);
    if (service->audits && kin_audit_reopen(service->audit, &err) != KIN_OK) {
        kin_log_error(&service->log, KIN_LOG_ERROR, "the audit file stays as it was", &err);
        good = false;
    }
    if (good)
        kin_log_line(&service->log, KIN_LOG_NOTICE, "reloaded");
}

bool kin_service_stop(kin_service *service)
{
    if (service == NULL)
        return true;
    /* Watchers hear of it while calls still run; the pages need the server and the watch, so they go
     * first. */
    if (service->health != NULL)
        kin_health_end(service->health);
    kin_http_stop(service->http);
    kin_watch_stop(service);
    bool in_time = kin_rpc_server_stop(service->server, service->config.server_drain);
    kin_reflection_free(service->reflection);
    kin_health_free(service->health);
    kin_metrics_free(service->metrics);
    kin_decoders_free(service->query_decoders);
    kin_decoders_free(service->ingest_decoders);
    kin_archive_close(service->archive);
    kin_access_free(service->access);
    kin_audit_close(service->audit);
    pthread_rwlock_destroy(&service->access_lock);
    forget_pem(service);
    free(service);
    return in_time;
}
