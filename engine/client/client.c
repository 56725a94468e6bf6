/* client.c - connections and the calls of one request and one response. */
#include "client/client.h"

#include <stdlib.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "internal.h"
#include "rpc/message.h"

kin_status kin_client_open(const kin_client_options *options, kin_client **out, kin_error *err)
{
    kin_secrets secrets;
    *out = NULL;
    if (options->target == NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "no server is named");
    kin_status status = kin_secrets_read(options, &secrets, err);
    if (status != KIN_OK)
        return status;
    kin_client *client = calloc(1, sizeof *client);
    if (client != NULL) {
        const kin_rpc_channel_options channel = {
            .tls = options->tls || secrets.ca != NULL || secrets.certificate != NULL ||
                   secrets.key != NULL || options->tls_server_name != NULL,
            .ca = secrets.ca,
            .certificate = secrets.certificate,
            .key = secrets.key,
            .server_name = options->tls_server_name,
            .token = secrets.token,
            .agent = options->user_agent != NULL ? options->user_agent
                                                 : "kindred-client/" KINDRED_VERSION,
            .message_bytes = options->message_bytes};
        client->timeout = options->timeout;
        status = kin_rpc_channel_open(options->target, &channel, &client->channel, err);
    } else {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a client");
    }
    kin_secrets_release(&secrets);
    if (status == KIN_OK)
        *out = client;
    else
        free(client);
    return status;
}

void kin_client_close(kin_client *client)
{
    if (client == NULL)
        return;
    kin_rpc_channel_close(client->channel);
    free(client);
}

const char *kin_client_version(void)
{
    return KINDRED_VERSION;
}

void kin_client_free(void *response)
{
    kin_rpc_message_free(response);
}

void kin_response_give(ProtobufCMessage *message, void *response, kin_rpc_code from, int *code)
{
    memcpy(response, &message, sizeof message);
    if (code != NULL)
        *code = (int)from;
}

kin_status kin_response_end(kin_rpc_stream *stream, ProtobufCMessage **response, kin_rpc_code *code,
                            kin_error *err)
{
    ProtobufCMessage *further;
    kin_status status = kin_rpc_stream_receive(stream, &further, code, err);
    if (status == KIN_OK && further != NULL) {
        kin_rpc_message_free(further);
        *code = KIN_RPC_INTERNAL;
        status = kin_fail(err, KIN_E_INTERNAL, NULL, "the server sent more than its response");
    }
    if (status != KIN_OK) {
        kin_rpc_message_free(*response);
        *response = NULL;
    }
    return status;
}

/* A method of one request and one response. */
struct method {
    const char *path;
    const ProtobufCMessageDescriptor *response;
    bool again;     /* may be done twice */
    bool unlimited; /* takes as long as it takes */
};

static kin_status call(kin_client *client, const struct method *method,
                       const ProtobufCMessage *request, void *response, int *code, kin_error *err)
{
    ProtobufCMessage *message = NULL;
    kin_rpc_code rpc_code = KIN_RPC_UNKNOWN;
    double seconds = method->unlimited ? 0 : client->timeout;
    kin_status status = (method->again ? kin_rpc_unary_again : kin_rpc_unary)(
        client->channel, method->path, request, method->response, seconds, &message, &rpc_code,
        err);
    kin_response_give(message, response, rpc_code, code);
    return status;
}

kin_status kin_client_search(kin_client *client, const Kindred__V1__SearchRequest *request,
                             Kindred__V1__SearchResponse **response, int *code, kin_error *err)
{
    static const struct method method = {.path = KIN_CLIENT_SERVICE "Search",
                                         .response = &kindred__v1__search_response__descriptor,
                                         .again = true};
    return call(client, &method, &request->base, response, code, err);
}

kin_status kin_client_get(kin_client *client, const Kindred__V1__GetRequest *request,
                          Kindred__V1__GetResponse **response, int *code, kin_error *err)
{
    static const struct method method = {.path = KIN_CLIENT_SERVICE "Get",
                                         .response = &kindred__v1__get_response__descriptor,
                                         .again = true};
    return call(client, &method, &request->base, response, code, err);
}

kin_status kin_client_thumbnail(kin_client *client, const Kindred__V1__ThumbnailRequest *request,
                                Kindred__V1__ThumbnailResponse **response, int *code,
                                kin_error *err)
{
    static const struct method method = {.path = KIN_CLIENT_SERVICE "Thumbnail",
                                         .response = &kindred__v1__thumbnail_response__descriptor,
                                         .again = true};
    return call(client, &method, &request->base, response, code, err);
}

kin_status kin_client_delete(kin_client *client, const Kindred__V1__DeleteRequest *request,
                             Kindred__V1__DeleteResponse **response, int *code, kin_error *err)
{
    static const struct method method = {.path = KIN_CLIENT_SERVICE "Delete",
                                         .response = &kindred__v1__delete_response__descriptor};
    return call(client, &method, &request->base, response, code, err);
}

kin_status kin_client_set_outcome(kin_client *client, const Kindred__V1__SetOutcomeRequest *request,
                                  Kindred__V1__SetOutcomeResponse **response, int *code,
                                  kin_error *err)
{
    static const struct method method = {.path = KIN_CLIENT_SERVICE "SetOutcome",
                                         .response = &kindred__v1__set_outcome_response__descriptor,
                                         .again = true};
    return call(client, &method, &request->base, response, code, err);
}

kin_status kin_client_stats(kin_client *client, const Kindred__V1__StatsRequest *request,
                            Kindred__V1__StatsResponse **response, int *code, kin_error *err)
{
    static const struct method method = {.path = KIN_CLIENT_SERVICE "Stats",
                                         .response = &kindred__v1__stats_response__descriptor,
                                         .again = true};
    return call(client, &method, &request->base, response, code, err);
}

kin_status kin_client_backup(kin_client *client, const Kindred__V1__BackupRequest *request,
                             Kindred__V1__BackupResponse **response, int *code, kin_error *err)
{
    static const struct method method = {
        KIN_CLIENT_SERVICE "Backup", &kindred__v1__backup_response__descriptor, .unlimited = true};
    return call(client, &method, &request->base, response, code, err);
}

kin_status kin_client_health(kin_client *client, const char *service, bool *serving, int *code,
                             kin_error *err)
{
    static const struct method method = {.path = "/grpc.health.v1.Health/Check",
                                         .response =
                                             &grpc__health__v1__health_check_response__descriptor,
                                         .again = true};
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    Grpc__Health__V1__HealthCheckResponse *response = NULL;
    if (service != NULL)
        request.service = (char *)service;
    kin_status status = call(client, &method, &request.base, &response, code, err);
    *serving = status == KIN_OK &&
               response->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    kin_client_free(response);
    return status;
}
