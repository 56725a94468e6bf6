/* Limits that gRPC keeps by itself. */
#include <limits.h>
#include <math.h>

#include "base/parallel.h"
#include "internal.h"

enum {
    /* gRPC's threads take turns at one epoll descriptor whatever queue they wait at, and hand it
     * on by waking each other: more queues make short calls slower (75 us with two, 55 with one,
     * measured with POLLERS_MAX threads at each), fewer contend for their locks. */
    PROCESSORS_PER_QUEUE = 8,
    CLASS_MAX = 64,
    STREAMS_PER_CONNECTION = 100,
    MESSAGE_BYTES = 4 * 1024 * 1024,
    METADATA_BYTES = 8 * 1024,
    MEMORY_BYTES = 512 * 1024 * 1024,
    DEADLINE_CAP_S = 300,
    STALL_S = 60,
    IDLE_S = 900,
    HANDSHAKE_S = 10,
    /* A peer that answers no ping is gone: half-open connections die of it. */
    KEEPALIVE_MS = 60 * 1000,
    KEEPALIVE_TIMEOUT_MS = 20 * 1000,
    /* Pings of clients: one in 10 s without traffic is fine, the third too early one ends the
     * connection. */
    PING_INTERVAL_MS = 10 * 1000,
    PING_STRIKES = 2,
    HPACK_TABLE_BYTES = 4096
};

static void default_unsigned(unsigned *value, unsigned fallback)
{
    if (*value == 0)
        *value = fallback;
}

static void default_size(size_t *value, size_t fallback)
{
    if (*value == 0)
        *value = fallback;
}

static void default_seconds(double *value, double fallback)
{
    if (!(*value > 0.0))
        *value = fallback;
}

void kin_rpc_options_default(kin_rpc_server_options *options)
{
    default_unsigned(&options->queues,
                     ((unsigned)kin_cpu_count() + PROCESSORS_PER_QUEUE - 1) / PROCESSORS_PER_QUEUE);
    for (size_t i = 0; i < KIN_RPC_CLASSES; i++)
        default_unsigned(&options->class_max[i], CLASS_MAX);
    default_unsigned(&options->streams_per_connection, STREAMS_PER_CONNECTION);
    default_size(&options->message_bytes, MESSAGE_BYTES);
    default_size(&options->metadata_bytes, METADATA_BYTES);
    default_size(&options->memory_bytes, MEMORY_BYTES);
    default_seconds(&options->deadline_cap, DEADLINE_CAP_S);
    default_seconds(&options->stall_seconds, STALL_S);
    default_seconds(&options->idle_seconds, IDLE_S);
    default_seconds(&options->handshake_seconds, HANDSHAKE_S);
}

static int to_int(size_t value)
{
    return value < INT_MAX ? (int)value : INT_MAX;
}

/* INT_MAX means "never" to gRPC. */
static int to_ms(double seconds)
{
    double ms = ceil(seconds * 1000.0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static grpc_arg number(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

size_t kin_rpc_server_args(const kin_rpc_server *server, grpc_arg out[KIN_RPC_ARGS_MAX])
{
    const kin_rpc_server_options *options = &server->options;
    const grpc_arg args[] = {
        number(GRPC_ARG_MAX_CONCURRENT_STREAMS, to_int(options->streams_per_connection)),
        number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, to_int(options->message_bytes)),
        number(GRPC_ARG_MAX_METADATA_SIZE, to_int(options->metadata_bytes)),
        number(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_DECODER, HPACK_TABLE_BYTES),
        number(GRPC_ARG_MAX_CONNECTION_IDLE_MS, to_ms(options->idle_seconds)),
        number(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, to_ms(options->handshake_seconds)),
        number(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        number(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        number(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, PING_INTERVAL_MS),
        number(GRPC_ARG_HTTP2_MAX_PING_STRIKES, PING_STRIKES),
        /* A second server on the same port would take some of the first one's callers. */
        number(GRPC_ARG_ALLOW_REUSEPORT, 0),
        /* gRPC bounds a compressed message's size before it expands it, not after: 4 MiB become
         * 4 GiB.  So nothing is expanded; kin_rpc_call_receive() refuses what is compressed. */
        number(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
        number(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        number(GRPC_ARG_ENABLE_CHANNELZ, 0),
        kin_rpc_guard_arg(server->guard),
        {.type = GRPC_ARG_POINTER,
         .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
         .value.pointer = {server->quota, grpc_resource_quota_arg_vtable()}},
    };
    size_t count = sizeof args / sizeof args[0];
    static_assert(sizeof args / sizeof args[0] <= KIN_RPC_ARGS_MAX, "room for all of them");
    for (size_t i = 0; i < count; i++)
        out[i] = args[i];
    return count;
}
