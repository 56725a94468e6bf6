#include "channel_internal.h"

#include <arpa/inet.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rpc/pem.h"

enum {
    TARGET_MAX = 300, /* a host name has at most 253 characters */
    MESSAGE_BYTES = 64 * 1024 * 1024,
    METADATA_BYTES = 64 * 1024, /* of a response: status texts stand there */
    CONNECT_FIRST_PAUSE_MS = 100,
    CONNECT_LAST_PAUSE_MS = 5000,
    CONNECT_TIMEOUT_MS = 10000,
    RECONNECT_SECONDS = 2,
    /* gRPC's servers take a ping every 5 minutes and call more an abuse. */
    KEEPALIVE_MS = 330 * 1000,
    KEEPALIVE_TIMEOUT_MS = 20 * 1000,
    ARGS_MAX = 16
};

/* How gRPC is to be told of a target. */
struct target {
    char uri[TARGET_MAX + 8];
    char authority[TARGET_MAX]; /* what HTTP/2 calls the host; "" for sockets of the file system */
    bool loopback;
};

void kin_rpc_queue_free(grpc_completion_queue *queue)
{
    grpc_completion_queue_shutdown(queue);
    while (
        grpc_completion_queue_pluck(queue, NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(queue);
}

bool kin_rpc_pluck(grpc_completion_queue *queue, void *tag)
{
    grpc_event event =
        grpc_completion_queue_pluck(queue, tag, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    return event.type == GRPC_OP_COMPLETE && event.success != 0;
}

gpr_timespec kin_rpc_deadline(double seconds)
{
    static const double longest = 1e9; /* 30 years */
    if (!(seconds > 0) || seconds > longest)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos((int64_t)(seconds * 1e9), GPR_TIMESPAN));
}

/* --- targets --- */

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    long port = strtol(text, NULL, 10);
    return port > 0 && port <= UINT16_MAX;
}

/* "[::1]:7443" or "host:7443": the host's first byte and length, or false. */
static bool split_host(const char *target, const char **host, size_t *length)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    bool bracketed = target[0] == '[';
    *host = target + bracketed;
    *length = strspn(*host, bracketed ? "0123456789abcdefABCDEF:." : names);
    const char *rest = *host + *length;
    if (bracketed && *rest++ != ']')
        return false;
    return *length > 0 && *rest == ':' && is_port(rest + 1);
}

/* gRPC's scheme for a host, and whether it is this machine. */
static const char *scheme_of(const char *host, size_t length, bool *loopback)
{
    char name[TARGET_MAX];
    struct in_addr v4;
    struct in6_addr v6;
    snprintf(name, sizeof name, "%.*s", (int)length, host);
    if (inet_pton(AF_INET, name, &v4) == 1) {
        *loopback = ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
        return "ipv4:";
    }
    if (inet_pton(AF_INET6, name, &v6) == 1) {
        *loopback = IN6_IS_ADDR_LOOPBACK(&v6);
        return "ipv6:";
    }
    *loopback = strcasecmp(name, "localhost") == 0;
    return "dns:///";
}

static kin_status parse_target(const char *text, struct target *out, kin_error *err)
{
    *out = (struct target){0};
    if (strlen(text) >= TARGET_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "the server's address is too long");
    if (strncmp(text, "unix:/", 6) == 0) {
        out->loopback = true;
        snprintf(out->uri, sizeof out->uri, "%s", text);
        return KIN_OK;
    }
    const char *host;
    size_t length;
    if (!split_host(text, &host, &length))
        return kin_fail(err, KIN_E_ARG, text, "a server is named as HOST:PORT or unix:/PATH");
    /* Without a scheme gRPC would take a host called "unix" or "xds" for one. */
    const char *scheme = scheme_of(host, length, &out->loopback);
    snprintf(out->uri, sizeof out->uri, "%s%s", scheme, text);
    snprintf(out->authority, sizeof out->authority, "%s", text);
    return KIN_OK;
}

/* --- channels --- */

static kin_status make_token(const char *token, kin_rpc_channel *channel, kin_error *err)
{
    static const char scheme[] = "Bearer ";
    grpc_slice value = grpc_slice_malloc(strlen(scheme) + strlen(token));
    memcpy(mempcpy(GRPC_SLICE_START_PTR(value), scheme, strlen(scheme)), token, strlen(token));
    if (token[0] == '\0' || !grpc_header_nonbin_value_is_legal(value)) {
        grpc_slice_unref(value);
        return kin_fail(err, KIN_E_ARG, NULL, "the token is empty or no line of ASCII text");
    }
    channel->token =
        (grpc_metadata){.key = grpc_slice_from_static_string("authorization"), .value = value};
    channel->has_token = true;
    return KIN_OK;
}

static grpc_channel_credentials *make_credentials(const kin_rpc_channel_options *options)
{
    if (!options->tls)
        return grpc_insecure_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {options->key, options->certificate};
    return grpc_ssl_credentials_create_ex(options->ca, options->key != NULL ? &pair : NULL, NULL,
                                          NULL);
}

static grpc_arg number(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static grpc_arg text(const char *key, const char *value)
{
    return (grpc_arg){.type = GRPC_ARG_STRING, .key = (char *)key, .value.string = (char *)value};
}

static grpc_channel *make_channel(const struct target *target,
                                  const kin_rpc_channel_options *options)
{
    size_t bytes = options->message_bytes > 0 ? options->message_bytes : MESSAGE_BYTES;
    grpc_arg args[ARGS_MAX] = {
        number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, bytes < INT32_MAX ? (int)bytes : INT32_MAX),
        number(GRPC_ARG_MAX_METADATA_SIZE, METADATA_BYTES),
        number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, CONNECT_FIRST_PAUSE_MS),
        number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, CONNECT_LAST_PAUSE_MS),
        number(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIMEOUT_MS),
        number(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        /* Pictures and tokens go to the server that was named, by no proxy of the environment. */
        number(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        /* Nor does a name server say how to call. */
        number(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        /* Two channels of one process share no connection: closing one closes its own. */
        number(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
    };
    size_t count = 10;
    if (options->agent != NULL)
        args[count++] = text(GRPC_ARG_PRIMARY_USER_AGENT_STRING, options->agent);
    if (options->server_name != NULL)
        args[count++] = text(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options->server_name);
    else if (target->authority[0] != '\0')
        args[count++] = text(GRPC_ARG_DEFAULT_AUTHORITY, target->authority);

    grpc_channel_credentials *credentials = make_credentials(options);
    if (credentials == NULL)
        return NULL;
    grpc_channel *channel = grpc_channel_create(
        target->uri, credentials, &(grpc_channel_args){.num_args = count, .args = args});
    grpc_channel_credentials_release(credentials);
    return channel;
}

static kin_status check_options(const kin_rpc_channel_options *options, const struct target *target,
                                kin_error *err)
{
    if ((options->certificate != NULL) != (options->key != NULL))
        return kin_fail(err, KIN_E_ARG, NULL, "a certificate and its key go together");
    if (!options->tls && (options->ca != NULL || options->key != NULL))
        return kin_fail(err, KIN_E_ARG, NULL, "certificates are for TLS");
    if (!options->tls && options->token != NULL && !target->loopback)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "a token goes over TLS only, unless the server is on this machine");
    return kin_pem_check(options->ca, options->certificate, options->key, err);
}

kin_status kin_rpc_channel_open(const char *target, const kin_rpc_channel_options *options,
                                kin_rpc_channel **out, kin_error *err)
{
    static const kin_rpc_channel_options defaults = {0};
    struct target parsed;
    *out = NULL;
    if (options == NULL)
        options = &defaults;
    kin_status status = parse_target(target, &parsed, err);
    if (status == KIN_OK)
        status = check_options(options, &parsed, err);
    if (status != KIN_OK)
        return status;
    kin_rpc_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a channel");
    grpc_init(); /* counted: kin_rpc_channel_close() takes it back */
    if (options->token != NULL)
        status = make_token(options->token, channel, err);
    if (status == KIN_OK) {
        channel->channel = make_channel(&parsed, options);
        if (channel->channel == NULL)
            status = kin_fail(err, KIN_E_INTERNAL, NULL, "gRPC cannot make a channel of this");
    }
    if (status != KIN_OK) {
        kin_rpc_channel_close(channel);
        return status;
    }
    *out = channel;
    return KIN_OK;
}

void kin_rpc_channel_close(kin_rpc_channel *channel)
{
    if (channel == NULL)
        return;
    if (channel->channel != NULL)
        grpc_channel_destroy(channel->channel);
    if (channel->has_token)
        grpc_slice_unref(channel->token.value);
    grpc_shutdown();
    free(channel);
}

bool kin_rpc_channel_reconnect(kin_rpc_channel *channel, gpr_timespec deadline)
{
    gpr_timespec until = gpr_time_min(deadline, kin_rpc_deadline(RECONNECT_SECONDS));
    grpc_completion_queue *queue = kin_rpc_queue_new();
    grpc_channel_reset_connect_backoff(channel->channel);
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(channel->channel, 1);
    bool waiting = true;
    while (waiting && state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_SHUTDOWN) {
        grpc_channel_watch_connectivity_state(channel->channel, state, until, queue, channel);
        waiting = kin_rpc_pluck(queue, channel); /* false at `until` */
        state = grpc_channel_check_connectivity_state(channel->channel, 1);
    }
    kin_rpc_queue_free(queue);
    return state == GRPC_CHANNEL_READY;
}
