/* Receiving and sending: batches of operations, waited for with a bound. */
#include <grpc/support/time.h>
#include <math.h>

#include "base/clock.h"
#include "internal.h"
#include "rpc/message.h"
#include "rpc/wire.h"

/* How often kin_rpc_call_is_over() really looks. */
static const double PROBE_SECONDS = 0.0005;

bool kin_rpc_batch_start(kin_rpc_call *call, kin_rpc_batch *batch, const grpc_op *ops, size_t count)
{
    batch->pending = grpc_call_start_batch(call->grpc, ops, count, batch, NULL) == GRPC_CALL_OK;
    return batch->pending;
}

static gpr_timespec moment(double until)
{
    static const double longest = 1e9; /* 30 years */
    double left = until - kin_clock_monotonic();
    if (left > longest)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (left <= 0.0)
        return gpr_inf_past(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos((int64_t)(left * 1e9), GPR_TIMESPAN));
}

kin_rpc_outcome kin_rpc_batch_await(kin_rpc_call *call, kin_rpc_batch *batch, double until)
{
    grpc_event event;
    do {
        event = grpc_completion_queue_pluck(call->events, batch, moment(until), NULL);
    } while (event.type != GRPC_OP_COMPLETE && kin_clock_monotonic() < until);
    if (event.type != GRPC_OP_COMPLETE)
        return KIN_RPC_PENDING;
    batch->pending = false;
    return event.success != 0 ? KIN_RPC_DONE : KIN_RPC_FAILED;
}

double kin_rpc_call_patience(const kin_rpc_call *call)
{
    return fmin(kin_clock_monotonic() + call->server->options.stall_seconds, call->deadline);
}

/* The same for a wait that depends on the client: meanwhile the thread is no work. */
static kin_rpc_outcome await_client(kin_rpc_call *call, kin_rpc_batch *batch)
{
    kin_rpc_server *server = call->server;
    if (call->works)
        atomic_fetch_sub_explicit(&server->working, 1, memory_order_relaxed);
    kin_rpc_outcome outcome = kin_rpc_batch_await(call, batch, kin_rpc_call_patience(call));
    if (call->works)
        atomic_fetch_add_explicit(&server->working, 1, memory_order_relaxed);
    return outcome;
}

/* Looks whether `closing` has come.  One thread at a time: gRPC gives an event to one of those who
 * wait for it. */
static void probe(kin_rpc_call *call)
{
    if (atomic_flag_test_and_set(&call->probing))
        return;
    if (call->closing.pending &&
        kin_rpc_batch_await(call, &call->closing, -INFINITY) != KIN_RPC_PENDING &&
        call->cancelled != 0)
        atomic_store(&call->over, true);
    atomic_flag_clear(&call->probing);
}

bool kin_rpc_call_is_over(void *of)
{
    kin_rpc_call *call = of;
    if (atomic_load(&call->over))
        return true;
    double now = kin_clock_monotonic();
    if (now >= call->deadline)
        return true;
    if (now - atomic_load_explicit(&call->probed, memory_order_relaxed) >= PROBE_SECONDS) {
        atomic_store_explicit(&call->probed, now, memory_order_relaxed);
        probe(call);
    }
    return atomic_load(&call->over);
}

/* --- receiving --- */

static kin_status fail_over(kin_rpc_call *call, kin_error *err)
{
    if (kin_clock_monotonic() >= call->deadline)
        return kin_fail(err, KIN_E_TIMEOUT, NULL, "the deadline has passed");
    return kin_fail(err, KIN_E_CANCELLED, NULL, "the client has gone");
}

static kin_status fail_waiting(kin_rpc_call *call, const char *what, kin_error *err)
{
    if (kin_clock_monotonic() >= call->deadline)
        return fail_over(call, err);
    return kin_fail(err, KIN_E_TIMEOUT, NULL, "the client has %s nothing for %.0f s", what,
                    call->server->options.stall_seconds);
}

/* The next message's bytes; *out NULL after the last. */
static kin_status receive_bytes(kin_rpc_call *call, grpc_byte_buffer **out, kin_error *err)
{
    *out = NULL;
    if (call->half_closed)
        return KIN_OK;
    const grpc_op op = {.op = GRPC_OP_RECV_MESSAGE,
                        .data.recv_message.recv_message = &call->received};
    /* One that a wait before this one gave up is still awaited. */
    if (!call->receiving.pending && !kin_rpc_batch_start(call, &call->receiving, &op, 1))
        return fail_over(call, err);
    kin_rpc_outcome outcome = await_client(call, &call->receiving);
    if (outcome == KIN_RPC_PENDING)
        return fail_waiting(call, "sent", err);
    if (outcome == KIN_RPC_FAILED || grpc_call_failed_before_recv_message(call->grpc))
        return fail_over(call, err);
    *out = call->received;
    call->received = NULL;
    call->half_closed = *out == NULL;
    return KIN_OK;
}

void kin_rpc_call_drop_request(kin_rpc_call *call)
{
    kin_rpc_message_free(call->request);
    call->request = NULL;
}

static kin_status receive_message(kin_rpc_call *call, kin_error *err)
{
    grpc_byte_buffer *bytes;
    kin_rpc_call_drop_request(call);
    kin_status status = receive_bytes(call, &bytes, err);
    if (status != KIN_OK || bytes == NULL)
        return status;
    if (bytes->data.raw.compression != GRPC_COMPRESS_NONE)
        status = kin_fail(err, KIN_E_UNSUPPORTED, NULL, "compressed messages are not taken");
    else
        status = kin_wire_unpack(bytes, call->method->request, &call->request, err);
    grpc_byte_buffer_destroy(bytes);
    return status;
}

/* UNIMPLEMENTED for another number of requests than one: as gRPC's guide to status codes asks. */
kin_status kin_rpc_call_receive_only(kin_rpc_call *call, kin_error *err)
{
    kin_status status = receive_message(call, err);
    if (status != KIN_OK)
        return status;
    if (call->request == NULL)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "the method takes a request; there was none");
    grpc_byte_buffer *more;
    status = receive_bytes(call, &more, err);
    if (status == KIN_OK && more != NULL) {
        grpc_byte_buffer_destroy(more);
        status = kin_fail(err, KIN_E_UNSUPPORTED, NULL, "the method takes one request");
    }
    call->prefetched = status == KIN_OK;
    return status;
}

kin_status kin_rpc_call_receive(kin_rpc_call *call, const ProtobufCMessage **out, kin_error *err)
{
    kin_status status = KIN_OK;
    if (call->prefetched)
        call->prefetched = false;
    else
        status = receive_message(call, err);
    *out = status == KIN_OK ? call->request : NULL;
    return status;
}

/* --- sending --- */

static kin_status send_now(kin_rpc_call *call, grpc_byte_buffer *bytes, kin_error *err)
{
    /* gRPC takes one at a time; a wait that was given up ends the call. */
    if (call->sending.pending)
        return fail_waiting(call, "taken", err);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = bytes},
                      {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    if (!kin_rpc_batch_start(call, &call->sending, ops, call->headers_sent ? 1 : 2))
        return fail_over(call, err);
    call->headers_sent = true;
    switch (await_client(call, &call->sending)) {
    case KIN_RPC_DONE:
        return KIN_OK;
    case KIN_RPC_FAILED:
        return fail_over(call, err);
    case KIN_RPC_PENDING:
        break;
    }
    return fail_waiting(call, "taken", err);
}

kin_status kin_rpc_call_send(kin_rpc_call *call, const ProtobufCMessage *message, kin_error *err)
{
    grpc_byte_buffer *bytes;
    if (!call->method->server_streams && call->response != NULL)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "a second response of a method that has one");
    kin_status status = kin_wire_pack(message, &bytes, err);
    if (status != KIN_OK)
        return status;
    if (!call->method->server_streams) {
        call->response = bytes;
        return KIN_OK;
    }
    status = send_now(call, bytes, err);
    grpc_byte_buffer_destroy(bytes); /* gRPC has taken its slices */
    return status;
}
