/* channel_call.c - the calls of a channel: batches on a queue of their own, each waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel_internal.h"
#include "rpc/message.h"
#include "rpc/wire.h"

/* The status of a call as gRPC fills it in. */
struct outcome {
    grpc_metadata_array headers, trailers;
    grpc_status_code code;
    grpc_slice details;
};

static void outcome_init(struct outcome *outcome)
{
    *outcome = (struct outcome){.code = GRPC_STATUS_UNKNOWN, .details = grpc_empty_slice()};
    grpc_metadata_array_init(&outcome->headers);
    grpc_metadata_array_init(&outcome->trailers);
}

static void outcome_release(struct outcome *outcome)
{
    grpc_metadata_array_destroy(&outcome->headers);
    grpc_metadata_array_destroy(&outcome->trailers);
    grpc_slice_unref(outcome->details);
}

/* Numbers above the last code are a server's mistake. */
static kin_rpc_code outcome_code(const struct outcome *outcome)
{
    return outcome->code <= GRPC_STATUS_UNAUTHENTICATED ? (kin_rpc_code)outcome->code
                                                        : KIN_RPC_UNKNOWN;
}

static kin_status fail_with_code(kin_rpc_code code, const char *text, size_t size,
                                 kin_rpc_code *out, kin_error *err)
{
    if (out != NULL)
        *out = code;
    if (code == KIN_RPC_OK)
        return KIN_OK;
    if (size == 0) {
        text = kin_rpc_code_name(code);
        size = strlen(text);
    }
    return kin_fail(err, kin_rpc_status_of_code(code), NULL, "%.*s",
                    size < KIN_ERROR_MESSAGE_MAX ? (int)size : KIN_ERROR_MESSAGE_MAX, text);
}

static kin_status fail_with_outcome(const struct outcome *outcome, kin_rpc_code *code,
                                    kin_error *err)
{
    return fail_with_code(outcome_code(outcome),
                          (const char *)GRPC_SLICE_START_PTR(outcome->details),
                          GRPC_SLICE_LENGTH(outcome->details), code, err);
}

/* A response that is none: the server's mistake. */
static kin_status fail_with_response(kin_rpc_code *code, const char *text, kin_error *err)
{
    return fail_with_code(KIN_RPC_INTERNAL, text, strlen(text), code, err);
}

static grpc_op send_headers(kin_rpc_channel *channel)
{
    return (grpc_op){
        .op = GRPC_OP_SEND_INITIAL_METADATA,
        .data.send_initial_metadata = {.count = channel->has_token, .metadata = &channel->token}};
}

static grpc_op send_message(grpc_byte_buffer *message)
{
    return (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message};
}

static grpc_op receive_message(grpc_byte_buffer **message)
{
    return (grpc_op){.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = message};
}

static grpc_op receive_headers(struct outcome *outcome)
{
    return (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA,
                     .data.recv_initial_metadata.recv_initial_metadata = &outcome->headers};
}

static grpc_op receive_status(struct outcome *outcome)
{
    return (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                     .data.recv_status_on_client = {.trailing_metadata = &outcome->trailers,
                                                    .status = &outcome->code,
                                                    .status_details = &outcome->details}};
}

static grpc_call *call_new(kin_rpc_channel *channel, const char *path, gpr_timespec deadline,
                           grpc_completion_queue *queue)
{
    grpc_slice method = grpc_slice_from_copied_string(path);
    grpc_call *call = grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                               queue, method, NULL, deadline, NULL);
    grpc_slice_unref(method);
    return call;
}

static bool start(grpc_call *call, const grpc_op *ops, size_t count, void *tag)
{
    return grpc_call_start_batch(call, ops, count, tag, NULL) == GRPC_CALL_OK;
}

/* --- one request, one response --- */

struct unary {
    struct outcome outcome;
    grpc_byte_buffer *response; /* NULL: none came */
};

/* One batch for all of it: headers and message leave in one write. */
static kin_status run_unary(kin_rpc_channel *channel, const char *path, grpc_byte_buffer *request,
                            gpr_timespec deadline, struct unary *unary, kin_error *err)
{
    grpc_completion_queue *queue = kin_rpc_queue_new();
    grpc_call *call = call_new(channel, path, deadline, queue);
    const grpc_op ops[] = {send_headers(channel),
                           send_message(request),
                           {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                           receive_headers(&unary->outcome),
                           receive_message(&unary->response),
                           receive_status(&unary->outcome)};
    kin_status status = KIN_OK;
    if (start(call, ops, sizeof ops / sizeof ops[0], &unary->outcome)) {
        kin_rpc_pluck(queue, &unary->outcome); /* the outcome says how it went */
        if (outcome_code(&unary->outcome) != KIN_RPC_UNAVAILABLE)
            atomic_store_explicit(&channel->has_served, true, memory_order_relaxed);
    } else {
        grpc_call_cancel(call, NULL);
        status = kin_fail(err, KIN_E_INTERNAL, NULL, "gRPC does not take the call");
    }
    grpc_call_unref(call);
    kin_rpc_queue_free(queue);
    return status;
}

static kin_status read_unary(struct unary *unary, const ProtobufCMessageDescriptor *kind,
                             ProtobufCMessage **response, kin_rpc_code *code, kin_error *err)
{
    kin_error why = {0};
    if (outcome_code(&unary->outcome) != KIN_RPC_OK)
        return fail_with_outcome(&unary->outcome, code, err);
    if (unary->response == NULL)
        return fail_with_response(code, "the server sent no response", err);
    if (kin_wire_unpack(unary->response, kind, response, &why) != KIN_OK)
        return fail_with_response(code, why.message, err);
    if (code != NULL)
        *code = KIN_RPC_OK;
    return KIN_OK;
}

static void unary_release(struct unary *unary)
{
    outcome_release(&unary->outcome);
    if (unary->response != NULL)
        grpc_byte_buffer_destroy(unary->response);
}

/* One try; whether it failed without the request having been sent. */
static kin_status try_unary(kin_rpc_channel *channel, const char *path,
                            const ProtobufCMessage *request, const ProtobufCMessageDescriptor *kind,
                            gpr_timespec deadline, ProtobufCMessage **response, kin_rpc_code *code,
                            bool *unavailable, kin_error *err)
{
    struct unary unary = {0};
    grpc_byte_buffer *packed;
    *response = NULL;
    *unavailable = false;
    kin_status status = kin_wire_pack(request, &packed, err);
    if (status != KIN_OK) {
        if (code != NULL)
            *code = KIN_RPC_RESOURCE_EXHAUSTED;
        return status;
    }
    outcome_init(&unary.outcome);
    status = run_unary(channel, path, packed, deadline, &unary, err);
    if (status == KIN_OK) {
        *unavailable = outcome_code(&unary.outcome) == KIN_RPC_UNAVAILABLE;
        status = read_unary(&unary, kind, response, code, err);
    } else if (code != NULL) {
        *code = KIN_RPC_INTERNAL;
    }
    unary_release(&unary);
    grpc_byte_buffer_destroy(packed);
    return status;
}

kin_status kin_rpc_unary(kin_rpc_channel *channel, const char *path,
                         const ProtobufCMessage *request, const ProtobufCMessageDescriptor *kind,
                         double seconds, ProtobufCMessage **response, kin_rpc_code *code,
                         kin_error *err)
{
    bool unavailable;
    return try_unary(channel, path, request, kind, kin_rpc_deadline(seconds), response, code,
                     &unavailable, err);
}

kin_status kin_rpc_unary_again(kin_rpc_channel *channel, const char *path,
                               const ProtobufCMessage *request,
                               const ProtobufCMessageDescriptor *kind, double seconds,
                               ProtobufCMessage **response, kin_rpc_code *code, kin_error *err)
{
    bool unavailable;
    gpr_timespec deadline = kin_rpc_deadline(seconds);
    bool was_served = atomic_load_explicit(&channel->has_served, memory_order_relaxed);
    kin_status status =
        try_unary(channel, path, request, kind, deadline, response, code, &unavailable, err);
    if (unavailable && was_served && kin_rpc_channel_reconnect(channel, deadline)) {
        kin_error_clear(err);
        status = try_unary(channel, path, request, kind, deadline, response, code, &unavailable, err);
    }
    return status;
}

/* --- streams --- */

struct kin_rpc_stream {
    const ProtobufCMessageDescriptor *kind;
    grpc_completion_queue *queue;
    grpc_call *call;
    struct outcome outcome; /* its address is the tag of the batch that ends with the call */
    bool outcome_started;
    bool over;           /* the receiver's: the outcome is there, or `failure` stands for it */
    kin_rpc_code failed; /* a response that is none, KIN_RPC_OK when there was none such */
    kin_error failure;
    char sending, receiving; /* their addresses are the tags of the two sides */
    bool (*stop)(void *ctx); /* may be NULL */
    void *stop_ctx;
};

/* Waits for a batch of the stream, and asks meanwhile whether to go on. */
static bool wait_for(kin_rpc_stream *stream, void *tag)
{
    static const double patience = 0.1;
    if (stream->stop == NULL)
        return kin_rpc_pluck(stream->queue, tag);
    for (;;) {
        grpc_event event =
            grpc_completion_queue_pluck(stream->queue, tag, kin_rpc_deadline(patience), NULL);
        if (event.type != GRPC_QUEUE_TIMEOUT)
            return event.type == GRPC_OP_COMPLETE && event.success != 0;
        if (stream->stop(stream->stop_ctx))
            grpc_call_cancel(stream->call, NULL);
    }
}

void kin_rpc_stream_set_stop(kin_rpc_stream *stream, bool (*stop)(void *ctx), void *ctx)
{
    stream->stop = stop;
    stream->stop_ctx = ctx;
}

kin_status kin_rpc_stream_open(kin_rpc_channel *channel, const char *path,
                               const ProtobufCMessageDescriptor *kind, double seconds,
                               kin_rpc_stream **out, kin_error *err)
{
    *out = NULL;
    kin_rpc_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a call");
    stream->kind = kind;
    stream->queue = kin_rpc_queue_new();
    stream->call = call_new(channel, path, kin_rpc_deadline(seconds), stream->queue);
    outcome_init(&stream->outcome);
    const grpc_op end[] = {receive_headers(&stream->outcome), receive_status(&stream->outcome)};
    const grpc_op begin[] = {send_headers(channel)};
    stream->outcome_started = start(stream->call, end, 2, &stream->outcome);
    if (!stream->outcome_started || !start(stream->call, begin, 1, &stream->sending)) {
        kin_rpc_stream_free(stream);
        return kin_fail(err, KIN_E_INTERNAL, NULL, "gRPC does not take the call");
    }
    if (kin_rpc_pluck(stream->queue, &stream->sending))
        atomic_store_explicit(&channel->has_served, true, memory_order_relaxed);
    *out = stream; /* one that could not be sent ends at the first receive, which says why */
    return KIN_OK;
}

static kin_status send_op(kin_rpc_stream *stream, const grpc_op *op, kin_error *err)
{
    if (start(stream->call, op, 1, &stream->sending) && wait_for(stream, &stream->sending))
        return KIN_OK;
    return kin_fail(err, KIN_E_CANCELLED, NULL, "the call is over");
}

kin_status kin_rpc_stream_send(kin_rpc_stream *stream, const ProtobufCMessage *message,
                               kin_error *err)
{
    grpc_byte_buffer *packed;
    kin_status status = kin_wire_pack(message, &packed, err);
    if (status != KIN_OK)
        return status;
    const grpc_op op = send_message(packed);
    status = send_op(stream, &op, err);
    grpc_byte_buffer_destroy(packed);
    return status;
}

kin_status kin_rpc_stream_half_close(kin_rpc_stream *stream, kin_error *err)
{
    return send_op(stream, &(grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, err);
}

static kin_status stream_end(kin_rpc_stream *stream, kin_rpc_code *code, kin_error *err)
{
    if (!stream->over)
        wait_for(stream, &stream->outcome);
    stream->over = true;
    if (stream->failed == KIN_RPC_OK)
        return fail_with_outcome(&stream->outcome, code, err);
    return fail_with_code(stream->failed, stream->failure.message, strlen(stream->failure.message),
                          code, err);
}

kin_status kin_rpc_stream_receive(kin_rpc_stream *stream, ProtobufCMessage **out,
                                  kin_rpc_code *code, kin_error *err)
{
    grpc_byte_buffer *message = NULL;
    *out = NULL;
    if (!stream->over) {
        const grpc_op op = receive_message(&message);
        if (start(stream->call, &op, 1, &stream->receiving))
            wait_for(stream, &stream->receiving);
    }
    if (message == NULL)
        return stream_end(stream, code, err);
    kin_status status = kin_wire_unpack(message, stream->kind, out, &stream->failure);
    grpc_byte_buffer_destroy(message);
    if (status != KIN_OK) {
        stream->failed = KIN_RPC_INTERNAL;
        grpc_call_cancel(stream->call, NULL);
        return stream_end(stream, code, err);
    }
    if (code != NULL)
        *code = KIN_RPC_OK;
    return KIN_OK;
}

void kin_rpc_stream_cancel(kin_rpc_stream *stream)
{
    grpc_call_cancel(stream->call, NULL);
}

void kin_rpc_stream_free(kin_rpc_stream *stream)
{
    if (stream == NULL)
        return;
    grpc_call_cancel(stream->call, NULL);
    if (stream->outcome_started && !stream->over)
        kin_rpc_pluck(stream->queue, &stream->outcome);
    grpc_call_unref(stream->call);
    kin_rpc_queue_free(stream->queue);
    outcome_release(&stream->outcome);
    free(stream);
}
