/* One call from its headers to its status. */
#include <grpc/support/time.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"

/* How long a batch may take that should be through at once, before the call is cancelled. */
static const double REAP_SECONDS = 5.0;

kin_rpc_call *kin_rpc_call_new(kin_rpc_server *server)
{
    kin_rpc_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->server = server;
    call->events = grpc_completion_queue_create_for_pluck(NULL);
    atomic_flag_clear(&call->probing);
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->headers);
    return call;
}

void kin_rpc_call_free(kin_rpc_call *call)
{
    grpc_completion_queue_shutdown(call->events);
    while (
        grpc_completion_queue_pluck(call->events, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
            .type != GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(call->events);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->headers);
    free(call->header_texts);
    free(call);
}

bool kin_rpc_call_request(kin_rpc_call *call, kin_rpc_queue *queue)
{
    call->queue = queue;
    return grpc_server_request_call(call->server->grpc, &call->grpc, &call->details, &call->headers,
                                    call->events, queue->events, call) == GRPC_CALL_OK;
}

void kin_rpc_call_reset(kin_rpc_call *call)
{
    kin_rpc_call_drop_request(call);
    if (call->received != NULL)
        grpc_byte_buffer_destroy(call->received);
    if (call->response != NULL)
        grpc_byte_buffer_destroy(call->response);
    kin_rpc_call_forget(call);
    if (call->grpc != NULL)
        grpc_call_unref(call->grpc);
    grpc_call_details_destroy(&call->details);
    grpc_call_details_init(&call->details);
    call->headers.count = 0; /* its elements were the call's */
    call->grpc = NULL;
    call->method = NULL;
    call->data = NULL;
    call->received = NULL;
    call->response = NULL;
    call->prefetched = call->half_closed = call->headers_sent = false;
    call->cancelled = 0;
    atomic_store(&call->over, false);
    call->text[0] = '\0';
}

/* --- the status --- */

/* As a status travels (gRPC over HTTP/2, Status-Message): where gRPC does not write it so itself. */
static void percent_encode(const char *text, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c <= '~' && c != '%') {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = digits[c >> 4];
        *out++ = digits[c & 15];
    }
    *out = '\0';
}

/* Sends a status past whatever is being sent, and waits for nothing. */
static void cut_short(kin_rpc_call *call, kin_rpc_code code)
{
    char text[3 * KIN_RPC_TEXT_MAX + 1];
    percent_encode(call->text, text);
    grpc_call_cancel_with_status(call->grpc, (grpc_status_code)code, text, NULL);
}

static void send_status(kin_rpc_call *call, kin_rpc_code code)
{
    if (call->sending.pending) {
        cut_short(call, code == KIN_RPC_OK ? KIN_RPC_DEADLINE_EXCEEDED : code);
        return;
    }
    grpc_slice text = grpc_slice_from_static_string(call->text);
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                       .data.send_status_from_server = {.status = (grpc_status_code)code,
                                                        .status_details = &text}}};
    size_t count = 1;
    if (!call->headers_sent)
        ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
    if (code == KIN_RPC_OK && call->response != NULL) {
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = call->response;
    }
    double until = kin_clock_monotonic() + call->server->options.stall_seconds;
    if (!kin_rpc_batch_start(call, &call->sending, ops, count) ||
        kin_rpc_batch_await(call, &call->sending, until) == KIN_RPC_PENDING)
        cut_short(call, KIN_RPC_DEADLINE_EXCEEDED);
}

static void reap(kin_rpc_call *call, kin_rpc_batch *batch)
{
    double until = kin_clock_monotonic() + REAP_SECONDS;
    if (!batch->pending || kin_rpc_batch_await(call, batch, until) != KIN_RPC_PENDING)
        return;
    grpc_call_cancel(call->grpc, NULL);
    kin_rpc_batch_await(call, batch, INFINITY);
}

/* --- serving --- */

/* Takes a place in the call's class; false where all are taken. */
static bool enter(kin_rpc_call *call)
{
    kin_rpc_class class = call->method->class;
    call->entered =
        atomic_fetch_add(&call->server->running[class], 1) < call->server->options.class_max[class];
    if (!call->entered)
        atomic_fetch_sub(&call->server->running[class], 1);
    return call->entered;
}

/* Gives it back, if it has one. */
static void leave(kin_rpc_call *call)
{
    if (call->entered)
        atomic_fetch_sub(&call->server->running[call->method->class], 1);
    call->entered = false;
}

static kin_rpc_code finish(kin_rpc_call *call, kin_rpc_code code)
{
    const kin_rpc_server_options *options = &call->server->options;
    return options->finish != NULL ? options->finish(options->ctx, call, code) : code;
}

static kin_rpc_code admit(kin_rpc_call *call)
{
    const kin_rpc_server_options *options = &call->server->options;
    return options->admit != NULL ? options->admit(options->ctx, call) : KIN_RPC_OK;
}

static kin_rpc_code run(kin_rpc_call *call)
{
    const kin_rpc_method *method = call->method;
    kin_error err = {0};
    if (!method->client_streams && kin_rpc_call_receive_only(call, &err) != KIN_OK)
        return kin_rpc_call_fail_with(call, &err);
    kin_rpc_code code = method->run(call, method->ctx);
    if (code == KIN_RPC_OK && !method->server_streams && call->response == NULL)
        return kin_rpc_call_fail(call, KIN_RPC_INTERNAL, "the method gave no response");
    return code;
}

/* A call that was admitted: its handler runs on this thread. */
static void serve_admitted(kin_rpc_call *call)
{
    const grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                        .data.recv_close_on_server.cancelled = &call->cancelled};
    kin_rpc_batch_start(call, &call->closing, &op, 1);
    kin_rpc_code code = finish(call, run(call));
    /* Before its client can ask for more: one that does so at once must find the place free. */
    kin_rpc_call_rests(call);
    leave(call);
    if (!atomic_load(&call->over))
        send_status(call, code);
    reap(call, &call->sending);
    reap(call, &call->receiving);
    reap(call, &call->closing);
}

/* A call that nothing will be read of: no batch is begun, so nothing has to be waited for. */
static void refuse(kin_rpc_call *call, kin_rpc_code code)
{
    code = finish(call, code);
    kin_rpc_call_rests(call);
    leave(call);
    cut_short(call, code != KIN_RPC_OK ? code : KIN_RPC_INTERNAL);
}

void kin_rpc_call_serve(kin_rpc_call *call)
{
    if (call->headers_lost) {
        refuse(call, kin_rpc_call_fail(call, KIN_RPC_RESOURCE_EXHAUSTED, "no memory for a call"));
        return;
    }
    if (call->method == NULL) {
        refuse(call, kin_rpc_call_fail(call, KIN_RPC_UNIMPLEMENTED, "unknown method"));
        return;
    }
    if (!enter(call)) {
        refuse(call, kin_rpc_call_fail(call, KIN_RPC_RESOURCE_EXHAUSTED,
                                       "%u calls of this kind run already",
                                       call->server->options.class_max[call->method->class]));
        return;
    }
    kin_rpc_code code = admit(call);
    if (code == KIN_RPC_OK)
        serve_admitted(call);
    else
        refuse(call, code);
}
