/*
 * channel.h - the client's side of gRPC, blocking, for protobuf-c messages.
 *
 * A channel connects by itself, and again when the connection is lost; threads may share it.  A
 * call belongs to one thread (one may send while another receives).
 */
#ifndef KIN_RPC_CHANNEL_H
#define KIN_RPC_CHANNEL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "rpc/code.h"

typedef struct kin_rpc_channel kin_rpc_channel;
typedef struct kin_rpc_stream kin_rpc_stream;

typedef struct kin_rpc_channel_options {
    bool tls;
    const char *ca;          /* PEM text; NULL: the system's */
    const char *certificate; /* PEM texts of the client, for mutual TLS; both or neither */
    const char *key;
    const char *server_name; /* expected in the server's certificate; NULL: the target's host */
    const char *token;       /* sent as `authorization: Bearer TOKEN`; NULL: none.  Without TLS only
                                to loopback addresses (KIN_E_ARG else) */
    const char *agent;       /* "NAME/VERSION", before gRPC's own in the user agent; may be NULL */
    size_t message_bytes;    /* received; 0: 64 MiB */
} kin_rpc_channel_options;

/* target: "host:port" ("[::1]:7443" for IPv6) or "unix:/path".  Does not connect yet.  options: NULL
 * for none; nothing of them is kept.  KIN_E_FORMAT: certificate and key do not fit, or are no PEM.
 * gRPC writes its own complaints on standard error unless GRPC_VERBOSITY=NONE is in the
 * environment before the first channel is opened. */
kin_status kin_rpc_channel_open(const char *target, const kin_rpc_channel_options *options,
                                kin_rpc_channel **out, kin_error *err);
/* Every call has ended.  NULL is fine. */
void kin_rpc_channel_close(kin_rpc_channel *channel);

/*
 * One request, one response (freed with kin_rpc_message_free()).  seconds: deadline; 0: none.
 * Failure: kin_rpc_status_of_code() of the call's code, which goes to *code (may be NULL), the
 * server's text in err.  A server that cannot be reached is KIN_RPC_UNAVAILABLE at once.
 */
kin_status kin_rpc_unary(kin_rpc_channel *channel, const char *path,
                         const ProtobufCMessage *request, const ProtobufCMessageDescriptor *kind,
                         double seconds, ProtobufCMessage **response, kin_rpc_code *code,
                         kin_error *err);

/* The same for a request that may as well be made twice: when it fails with KIN_RPC_UNAVAILABLE at a
 * server that had answered before, as when the connection is lost or the server is made anew, it
 * waits for a new one, 2 seconds at most, and sends it once more. */
kin_status kin_rpc_unary_again(kin_rpc_channel *channel, const char *path,
                               const ProtobufCMessage *request,
                               const ProtobufCMessageDescriptor *kind, double seconds,
                               ProtobufCMessage **response, kin_rpc_code *code, kin_error *err);

/* Begins a call of any shape; ended by kin_rpc_stream_free(), which cancels it if it still runs. */
kin_status kin_rpc_stream_open(kin_rpc_channel *channel, const char *path,
                               const ProtobufCMessageDescriptor *kind, double seconds,
                               kin_rpc_stream **out, kin_error *err);
/* From now on `stop` is asked ten times a second while a send or a receive waits; true cancels the
 * call.  To be set before the call is used. */
void kin_rpc_stream_set_stop(kin_rpc_stream *stream, bool (*stop)(void *ctx), void *ctx);
/* Waits until there is room.  KIN_E_CANCELLED: the call is over; kin_rpc_stream_receive() says
 * why. */
kin_status kin_rpc_stream_send(kin_rpc_stream *stream, const ProtobufCMessage *message,
                               kin_error *err);
/* Nothing more will be sent. */
kin_status kin_rpc_stream_half_close(kin_rpc_stream *stream, kin_error *err);
/* The next response (freed with kin_rpc_message_free()); *out NULL and KIN_OK at the call's good
 * end; else its failure, as kin_rpc_unary(). */
kin_status kin_rpc_stream_receive(kin_rpc_stream *stream, ProtobufCMessage **out,
                                  kin_rpc_code *code, kin_error *err);
void kin_rpc_stream_cancel(kin_rpc_stream *stream); /* any thread */
void kin_rpc_stream_free(kin_rpc_stream *stream);

#endif
