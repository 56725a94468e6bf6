#include "echo.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "rpc/message.h"

typedef Kindred__Test__Echo echo_message;

#ifdef KIN_SANITIZE
/* gRPC's resolver of names leaves a few bytes behind, and so does its list of the system's
 * authorities where there are none. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libcares\nleak:grpc_slice_new_with_user_data";
}
#endif

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}

/* --- methods --- */

static kin_rpc_code answer(kin_rpc_call *call, const echo_message *message)
{
    kin_error err = {0};
    if (kin_rpc_call_send(call, &message->base, &err) != KIN_OK)
        return kin_rpc_call_fail_with(call, &err);
    return KIN_RPC_OK;
}

static kin_rpc_code run_unary(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const ProtobufCMessage *request;
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &request, &err) != KIN_OK)
        return kin_rpc_call_fail_with(call, &err);
    return answer(call, (const echo_message *)request);
}

static kin_rpc_code run_hold(kin_rpc_call *call, void *ctx)
{
    echo *self = ctx;
    atomic_fetch_add(&self->seen.held, 1);
    while (!atomic_load(&self->released) && !kin_rpc_call_is_over(call) &&
           !kin_rpc_call_is_stopping(call))
        nap();
    bool over = kin_rpc_call_is_over(call);
    atomic_fetch_sub(&self->seen.held, 1);
    if (over) {
        atomic_fetch_add(&self->seen.ended_early, 1);
        kin_error err = {.code = KIN_E_CANCELLED, .message = "ended early"};
        return kin_rpc_call_fail_with(call, &err);
    }
    echo_message message = KINDRED__TEST__ECHO__INIT;
    message.text = kin_rpc_call_is_stopping(call) ? "stopping" : "released";
    return answer(call, &message);
}

static kin_rpc_code run_collect(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    echo_message sum = KINDRED__TEST__ECHO__INIT;
    const ProtobufCMessage *request;
    kin_error err = {0};
    do {
        if (kin_rpc_call_receive(call, &request, &err) != KIN_OK)
            return kin_rpc_call_fail_with(call, &err);
        if (request != NULL) {
            sum.count++;
            sum.size += (uint32_t)((const echo_message *)request)->payload.len;
        }
    } while (request != NULL);
    return answer(call, &sum);
}

static kin_rpc_code run_spread(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const ProtobufCMessage *request;
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &request, &err) != KIN_OK)
        return kin_rpc_call_fail_with(call, &err);
    const echo_message *asked = (const echo_message *)request;
    echo_message message = KINDRED__TEST__ECHO__INIT;
    kin_rpc_code code = KIN_RPC_OK;
    message.payload.len = asked->size;
    message.payload.data = calloc(1, asked->size + 1u);
    if (message.payload.data == NULL)
        return kin_rpc_call_fail(call, KIN_RPC_RESOURCE_EXHAUSTED, "no memory");
    for (; message.count < asked->count && code == KIN_RPC_OK; message.count++)
        code = answer(call, &message);
    free(message.payload.data);
    return code;
}

static kin_rpc_code run_chat(kin_rpc_call *call, void *ctx)
{
    (void)ctx;
    const ProtobufCMessage *request;
    kin_error err = {0};
    kin_rpc_code code = KIN_RPC_OK;
    do {
        if (kin_rpc_call_receive(call, &request, &err) != KIN_OK)
            return kin_rpc_call_fail_with(call, &err);
        if (request != NULL)
            code = answer(call, (const echo_message *)request);
    } while (request != NULL && code == KIN_RPC_OK);
    return code;
}

static kin_rpc_code run_silent(kin_rpc_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return KIN_RPC_OK;
}

/* --- hooks --- */

static kin_rpc_code on_admit(void *ctx, kin_rpc_call *call)
{
    echo *self = ctx;
    atomic_fetch_add(&self->seen.admitted, 1);
    if (self->admit_code != KIN_RPC_OK)
        return kin_rpc_call_fail(call, self->admit_code, "not you, %s",
                                 "Zo\xC3\xAB"); /* texts travel as UTF-8 */
    return KIN_RPC_OK;
}

static kin_rpc_code on_finish(void *ctx, kin_rpc_call *call, kin_rpc_code code)
{
    echo *self = ctx;
    pthread_mutex_lock(&self->lock);
    snprintf(self->seen.path, sizeof self->seen.path, "%s", kin_rpc_call_path_borrow(call));
    snprintf(self->seen.peer, sizeof self->seen.peer, "%s", kin_rpc_call_peer_borrow(call));
    snprintf(self->seen.text, sizeof self->seen.text, "%s", kin_rpc_call_text_borrow(call));
    pthread_mutex_unlock(&self->lock);
    atomic_fetch_add(&self->seen.codes[code], 1);
    atomic_fetch_add(&self->seen.finished, 1);
    if (code == KIN_RPC_OK && self->finish_code != KIN_RPC_OK)
        return kin_rpc_call_fail(call, self->finish_code, "the end was not to be");
    return code;
}

static void on_complaint(void *ctx, const char *text)
{
    echo *self = ctx;
    if (strncmp(text, "gRPC: ", 6) == 0) { /* of a failed handshake, say: not ours */
        atomic_fetch_add(&self->seen.grpc_lines, 1);
        return;
    }
    snprintf(self->seen.complaint, sizeof self->seen.complaint, "%s", text);
    atomic_fetch_add(&self->seen.complaints, 1);
}

/* --- life --- */

kin_status echo_try_start(echo *out, kin_rpc_server_options options, kin_error *err)
{
    static const char *const loopback[] = {"127.0.0.1:0"};
    const ProtobufCMessageDescriptor *kind = &kindred__test__echo__descriptor;
    kin_rpc_method methods[] = {
        {ECHO_PATH("Unary"), KIN_RPC_QUERY, kind, false, false, 0, run_unary, out},
        {ECHO_PATH("Hold"), KIN_RPC_ADMIN, kind, false, false, 0, run_hold, out},
        {ECHO_PATH("Collect"), KIN_RPC_INGEST, kind, true, false, 0, run_collect, out},
        {ECHO_PATH("Spread"), KIN_RPC_QUERY, kind, false, true, 0, run_spread, out},
        {ECHO_PATH("Chat"), KIN_RPC_QUERY, kind, true, true, 0, run_chat, out},
        {ECHO_PATH("Silent"), KIN_RPC_QUERY, kind, false, false, 0, run_silent, out},
    };
    out->methods = malloc(sizeof methods);
    if (out->methods == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for methods");
    memcpy(out->methods, methods, sizeof methods);
    pthread_mutex_init(&out->lock, NULL);
    options.methods = out->methods;
    options.method_count = sizeof methods / sizeof methods[0];
    options.ctx = out;
    if (options.admit == NULL)
        options.admit = on_admit;
    options.finish = on_finish;
    options.complain = on_complaint;
    if (options.address_count == 0) {
        options.addresses = loopback;
        options.address_count = 1;
    }
    kin_status status = kin_rpc_server_start(&options, &out->server, err);
    if (status != KIN_OK) {
        pthread_mutex_destroy(&out->lock);
        free(out->methods);
        return status;
    }
    const char *address = options.addresses[0];
    const char *colon = strrchr(address, ':');
    if (strncmp(address, "unix:", 5) == 0)
        snprintf(out->address, sizeof out->address, "%s", address);
    else
        snprintf(out->address, sizeof out->address, "%.*s:%d", (int)(colon - address), address,
                 kin_rpc_server_port(out->server, 0));
    return KIN_OK;
}

void echo_start(echo *out, kin_rpc_server_options options)
{
    kin_error err = {0};
    if (echo_try_start(out, options, &err) != KIN_OK)
        fail_msg("%s: %s", err.subject, err.message);
}

void echo_stop(echo *server, double seconds)
{
    kin_rpc_server_stop(server->server, seconds);
    pthread_mutex_destroy(&server->lock);
    free(server->methods);
    server->methods = NULL;
    server->server = NULL;
}

void echo_release(echo *server)
{
    atomic_store(&server->released, true);
}

void echo_await(atomic_uint *counter, unsigned value)
{
    double until = kin_clock_monotonic() + 10.0;
    while (atomic_load(counter) < value) {
        if (kin_clock_monotonic() > until)
            fail_msg("waited 10 s for %u, there are %u", value, atomic_load(counter));
        nap();
    }
}

void echo_await_either(atomic_uint *one, atomic_uint *other)
{
    double until = kin_clock_monotonic() + 10.0;
    while (atomic_load(one) == 0 && atomic_load(other) == 0) {
        if (kin_clock_monotonic() > until)
            fail_msg("waited 10 s for either of two, there is none");
        nap();
    }
}

/* --- callers --- */

kin_rpc_channel *echo_channel(const echo *server)
{
    kin_rpc_channel *channel = NULL;
    kin_error err = {0};
    const kin_rpc_channel_options options = {0};
    if (kin_rpc_channel_open(server->address, &options, &channel, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return channel;
}

kin_rpc_code echo_call(kin_rpc_channel *channel, const char *path, const echo_message *request,
                       double seconds, echo_message **out, kin_error *err)
{
    ProtobufCMessage *response = NULL;
    kin_rpc_code code = KIN_RPC_UNKNOWN;
    kin_rpc_unary(channel, path, &request->base, &kindred__test__echo__descriptor, seconds,
                  &response, &code, err);
    if (out != NULL)
        *out = (echo_message *)response;
    else
        kin_rpc_message_free(response);
    return code;
}

kin_rpc_stream *echo_begin(kin_rpc_channel *channel, const char *path, double seconds)
{
    kin_rpc_stream *stream = NULL;
    kin_error err = {0};
    assert_int_equal(kin_rpc_stream_open(channel, path, &kindred__test__echo__descriptor, seconds,
                                         &stream, &err),
                     KIN_OK);
    return stream;
}

kin_rpc_code echo_end_of(kin_rpc_stream *stream, kin_error *err)
{
    kin_rpc_code code = KIN_RPC_UNKNOWN;
    ProtobufCMessage *message;
    do {
        message = NULL;
        if (kin_rpc_stream_receive(stream, &message, &code, err) != KIN_OK)
            break;
        kin_rpc_message_free(message);
    } while (message != NULL);
    return code;
}
