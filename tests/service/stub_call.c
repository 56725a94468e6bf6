#include "stub_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { WAIT_SECONDS = 10 };

void stub_call_init(kin_rpc_call *call)
{
    memset(call, 0, sizeof *call);
    pthread_mutex_init(&call->mutex, NULL);
    pthread_cond_init(&call->sent, NULL);
}

void stub_call_release(kin_rpc_call *call)
{
    for (size_t i = 0; i < call->response_count; i++)
        free(call->responses[i].bytes);
    pthread_cond_destroy(&call->sent);
    pthread_mutex_destroy(&call->mutex);
}

void stub_call_queue(kin_rpc_call *call, const ProtobufCMessage *request)
{
    assert_true(call->request_count < STUB_MESSAGES_MAX);
    call->requests[call->request_count++] = request;
}

size_t stub_call_wait(kin_rpc_call *call, size_t count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
    pthread_mutex_lock(&call->mutex);
    int failed = 0;
    while (call->response_count < count && failed == 0)
        failed = pthread_cond_timedwait(&call->sent, &call->mutex, &until);
    size_t sent = call->response_count;
    pthread_mutex_unlock(&call->mutex);
    return sent;
}

ProtobufCMessage *stub_call_response(kin_rpc_call *call, size_t at,
                                     const ProtobufCMessageDescriptor *kind)
{
    pthread_mutex_lock(&call->mutex);
    assert_true(at < call->response_count);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(kind, NULL, call->responses[at].size, call->responses[at].bytes);
    pthread_mutex_unlock(&call->mutex);
    assert_non_null(message);
    return message;
}

/* --- rpc/server.h --- */

kin_status kin_rpc_call_receive(kin_rpc_call *call, const ProtobufCMessage **out, kin_error *err)
{
    *out = NULL;
    if (call->receive_status != KIN_OK)
        return kin_fail(err, call->receive_status, NULL, "receiving fails");
    if (call->request_next < call->request_count)
        *out = call->requests[call->request_next++];
    return KIN_OK;
}

kin_status kin_rpc_call_send(kin_rpc_call *call, const ProtobufCMessage *message, kin_error *err)
{
    if (call->send_status != KIN_OK)
        return kin_fail(err, call->send_status, NULL, "sending fails");
    size_t size = protobuf_c_message_get_packed_size(message);
    unsigned char *bytes = malloc(size + 1);
    if (bytes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory");
    protobuf_c_message_pack(message, bytes);
    pthread_mutex_lock(&call->mutex);
    bool fits = call->response_count < STUB_MESSAGES_MAX;
    if (fits) {
        call->responses[call->response_count].size = size;
        call->responses[call->response_count++].bytes = bytes;
    }
    pthread_cond_broadcast(&call->sent);
    pthread_mutex_unlock(&call->mutex);
    if (fits)
        return KIN_OK;
    free(bytes);
    return kin_fail(err, KIN_E_LIMIT, NULL, "more responses than a test can want");
}

bool kin_rpc_call_is_over(void *call)
{
    return atomic_load(&((kin_rpc_call *)call)->over);
}

bool kin_rpc_call_is_stopping(kin_rpc_call *call)
{
    return atomic_load(&call->stopping);
}

kin_rpc_code kin_rpc_call_fail(kin_rpc_call *call, kin_rpc_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(call->text, sizeof call->text, fmt, args);
    va_end(args);
    return code;
}

kin_rpc_code kin_rpc_call_fail_with(kin_rpc_call *call, const kin_error *err)
{
    kin_rpc_code code = err->code == KIN_E_CANCELLED ? KIN_RPC_CANCELLED
                        : err->code == KIN_E_TIMEOUT ? KIN_RPC_DEADLINE_EXCEEDED
                        : err->code == KIN_E_FORMAT  ? KIN_RPC_INVALID_ARGUMENT
                                                     : KIN_RPC_INTERNAL;
    return kin_rpc_call_fail(call, code, "%s", err->message);
}
