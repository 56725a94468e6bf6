#include "service/health.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/wait.h"
#include "grpc/health/v1/health.pb-c.h"

/* A watcher learns of changes at once; that its client has gone, or that the server stops, it has
 * to ask, and does so this often. */
static const double tick_seconds = 0.2;

typedef Grpc__Health__V1__HealthCheckRequest health_request;
typedef Grpc__Health__V1__HealthCheckResponse health_response;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;
#define SERVING         GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

struct kin_health {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* on the monotonic clock */
    bool serving, ended;
};

kin_status kin_health_new(kin_health **out, kin_error *err)
{
    *out = NULL;
    kin_health *health = calloc(1, sizeof *health);
    if (health == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the state of health");
    if (kin_cond_init(&health->changed) != 0) {
        free(health);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no resources for a condition variable");
    }
    pthread_mutex_init(&health->mutex, NULL);
    health->serving = true;
    *out = health;
    return KIN_OK;
}

void kin_health_free(kin_health *health)
{
    if (health == NULL)
        return;
    pthread_cond_destroy(&health->changed);
    pthread_mutex_destroy(&health->mutex);
    free(health);
}

void kin_health_set(kin_health *health, bool serving)
{
    pthread_mutex_lock(&health->mutex);
    health->serving = serving && !health->ended;
    pthread_cond_broadcast(&health->changed);
    pthread_mutex_unlock(&health->mutex);
}

void kin_health_end(kin_health *health)
{
    pthread_mutex_lock(&health->mutex);
    health->ended = true;
    health->serving = false;
    pthread_cond_broadcast(&health->changed);
    pthread_mutex_unlock(&health->mutex);
}

bool kin_health_is_serving(kin_health *health)
{
    pthread_mutex_lock(&health->mutex);
    bool serving = health->serving;
    pthread_mutex_unlock(&health->mutex);
    return serving;
}

/* Waits until the health is not what it was, or for a tick. */
static void wait_for_change(kin_health *health, bool was)
{
    double until = kin_clock_monotonic() + tick_seconds;
    pthread_mutex_lock(&health->mutex);
    while (health->serving == was && kin_cond_wait_until(&health->changed, &health->mutex, until))
        ;
    pthread_mutex_unlock(&health->mutex);
}

/* "" is the server as a whole.  Health and reflection themselves are not asked after. */
static bool is_known(const char *service)
{
    return service[0] == '\0' || strcmp(service, "kindred.v1.KindredService") == 0;
}

static kin_rpc_code receive_request(kin_rpc_call *call, const health_request **out)
{
    kin_error err = {0};
    const ProtobufCMessage *message = NULL;
    if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
        return kin_rpc_call_fail_with(call, &err);
    if (message == NULL)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "a request is missing");
    *out = (const health_request *)message;
    return KIN_RPC_OK;
}

static kin_rpc_code send_status(kin_rpc_call *call, serving_status status)
{
    kin_error err = {0};
    health_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = status;
    if (kin_rpc_call_send(call, &response.base, &err) != KIN_OK)
        return kin_rpc_call_fail_with(call, &err);
    return KIN_RPC_OK;
}

static kin_rpc_code check(kin_rpc_call *call, void *ctx)
{
    const health_request *request = NULL;
    kin_rpc_code code = receive_request(call, &request);
    if (code != KIN_RPC_OK)
        return code;
    if (!is_known(request->service))
        return kin_rpc_call_fail(call, KIN_RPC_NOT_FOUND, "service: the server has no such one");
    return send_status(call, kin_health_is_serving(ctx) ? SERVING : NOT_SERVING);
}

/*
 * Whether the server stops is asked before the health is: the health is set to "not serving" first,
 * so a watcher that sees the stop has that to send before it goes.
 */
static kin_rpc_code watch(kin_rpc_call *call, void *ctx)
{
    const health_request *request = NULL;
    kin_rpc_code code = receive_request(call, &request);
    if (code != KIN_RPC_OK)
        return code;
    bool known = is_known(request->service);
    serving_status sent = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__UNKNOWN;
    for (;;) {
        bool stopping = kin_rpc_call_is_stopping(call);
        bool serving = kin_health_is_serving(ctx);
        serving_status now = !known ? SERVICE_UNKNOWN : serving ? SERVING : NOT_SERVING;
        if (now != sent && (code = send_status(call, now)) != KIN_RPC_OK)
            return code;
        sent = now;
        if (stopping)
            return kin_rpc_call_fail(call, KIN_RPC_UNAVAILABLE, "the server is going down");
        if (kin_rpc_call_is_over(call)) {
            kin_error over = {.code = KIN_E_CANCELLED, .message = "the watch was ended"};
            return kin_rpc_call_fail_with(call, &over);
        }
        wait_for_change(ctx, serving);
    }
}

void kin_health_methods(kin_health *health, kin_rpc_method out[KIN_HEALTH_METHODS])
{
    const ProtobufCMessageDescriptor *request = &grpc__health__v1__health_check_request__descriptor;
    out[0] = (kin_rpc_method){.path = "/grpc.health.v1.Health/Check",
                              .class = KIN_RPC_PROBE,
                              .request = request,
                              .run = check,
                              .ctx = health};
    out[1] = (kin_rpc_method){.path = "/grpc.health.v1.Health/Watch",
                              .class = KIN_RPC_WATCH,
                              .request = request,
                              .server_streams = true,
                              .run = watch,
                              .ctx = health};
}
