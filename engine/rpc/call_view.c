/* What can be asked about a call. */
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"

/* --- from its headers --- */

static const kin_rpc_method *find_method(const kin_rpc_server *server, grpc_slice path)
{
    for (size_t i = 0; i < server->options.method_count; i++)
        if (grpc_slice_str_cmp(path, server->options.methods[i].path) == 0)
            return &server->options.methods[i];
    return NULL;
}

/* A stranger's text, fit to be shown. */
static void copy_path(grpc_slice path, char out[KIN_RPC_PATH_MAX + 1])
{
    size_t size = GRPC_SLICE_LENGTH(path);
    if (size > KIN_RPC_PATH_MAX)
        size = KIN_RPC_PATH_MAX;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = GRPC_SLICE_START_PTR(path)[i];
        out[i] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    out[size] = '\0';
}

static size_t append(char *to, grpc_slice text)
{
    size_t size = GRPC_SLICE_LENGTH(text);
    memcpy(to, GRPC_SLICE_START_PTR(text), size);
    to[size] = '\0';
    return size + 1;
}

/* Names and values with a zero byte, which text in C cannot hold, are left out. */
static bool is_text(grpc_slice slice)
{
    return GRPC_SLICE_LENGTH(slice) == 0 ||
           memchr(GRPC_SLICE_START_PTR(slice), '\0', GRPC_SLICE_LENGTH(slice)) == NULL;
}

/* gRPC's bound on metadata bounds what this takes. */
static bool copy_headers(kin_rpc_call *call)
{
    size_t need = 0;
    for (size_t i = 0; i < call->headers.count; i++)
        need += GRPC_SLICE_LENGTH(call->headers.metadata[i].key) + 1 +
                GRPC_SLICE_LENGTH(call->headers.metadata[i].value) + 1;
    call->header_bytes = 0;
    if (need > call->header_capacity) {
        free(call->header_texts);
        call->header_capacity = 0;
        call->header_texts = malloc(need);
        if (call->header_texts == NULL)
            return false;
        call->header_capacity = need;
    }
    char *at = call->header_texts;
    for (size_t i = 0; i < call->headers.count; i++) {
        const grpc_metadata *header = &call->headers.metadata[i];
        if (!is_text(header->key) || !is_text(header->value))
            continue;
        at += append(at, header->key);
        at += append(at, header->value);
        call->header_bytes = (size_t)(at - call->header_texts);
    }
    return true;
}

static double find_deadline(const kin_rpc_call *call)
{
    double deadline = INFINITY;
    gpr_timespec asked = call->details.deadline;
    if (gpr_time_cmp(asked, gpr_inf_future(asked.clock_type)) != 0) {
        gpr_timespec left = gpr_time_sub(asked, gpr_now(asked.clock_type));
        deadline = call->began + (double)left.tv_sec + (double)left.tv_nsec * 1e-9;
    }
    const kin_rpc_method *method = call->method;
    if (method != NULL && !method->client_streams && !method->server_streams)
        deadline = fmin(deadline, call->began + call->server->options.deadline_cap);
    return deadline;
}

void kin_rpc_call_describe(kin_rpc_call *call)
{
    call->began = kin_clock_monotonic();
    atomic_store_explicit(&call->probed, call->began, memory_order_relaxed);
    call->method = find_method(call->server, call->details.method);
    copy_path(call->details.method, call->path);
    call->deadline = find_deadline(call);
    call->peer = grpc_call_get_peer(call->grpc);
    call->headers_lost = !copy_headers(call);
}

void kin_rpc_call_forget(kin_rpc_call *call)
{
    gpr_free(call->peer);
    call->peer = NULL;
    call->header_bytes = 0;
}

const kin_rpc_method *kin_rpc_call_method(const kin_rpc_call *call)
{
    return call->method;
}

const char *kin_rpc_call_path_borrow(const kin_rpc_call *call)
{
    return call->path;
}

const char *kin_rpc_call_peer_borrow(const kin_rpc_call *call)
{
    return call->peer != NULL ? call->peer : "";
}

const char *kin_rpc_call_metadata_borrow(const kin_rpc_call *call, const char *name)
{
    const char *at = call->header_texts, *end = at + call->header_bytes;
    while (call->header_bytes > 0 && at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

double kin_rpc_call_began(const kin_rpc_call *call)
{
    return call->began;
}

double kin_rpc_call_seconds_left(const kin_rpc_call *call)
{
    return call->deadline - kin_clock_monotonic();
}

bool kin_rpc_call_is_stopping(kin_rpc_call *call)
{
    return atomic_load(&call->server->stopping);
}

void kin_rpc_call_set_data(kin_rpc_call *call, void *data)
{
    call->data = data;
}

void *kin_rpc_call_data(const kin_rpc_call *call)
{
    return call->data;
}

/* --- from its connection --- */

/* Nonzero when visit said so. */
static int visit_property(const grpc_auth_context *context, const char *property,
                          int (*visit)(void *ctx, const char *name), void *ctx)
{
    grpc_auth_property_iterator at = grpc_auth_context_find_properties_by_name(context, property);
    const grpc_auth_property *found;
    int stop = 0;
    while (stop == 0 && (found = grpc_auth_property_iterator_next(&at)) != NULL)
        /* "root\0.example.org" is not root */
        if (found->value != NULL && strlen(found->value) == found->value_length)
            stop = visit(ctx, found->value);
    return stop;
}

void kin_rpc_call_each_identity(const kin_rpc_call *call, int (*visit)(void *ctx, const char *name),
                                void *ctx)
{
    if (!call->server->asks_clients)
        return; /* nobody looked at a certificate that was shown unasked */
    grpc_auth_context *context = grpc_call_auth_context(call->grpc);
    if (context == NULL)
        return;
    if (grpc_auth_context_peer_is_authenticated(context) &&
        visit_property(context, GRPC_X509_CN_PROPERTY_NAME, visit, ctx) == 0)
        visit_property(context, GRPC_X509_SAN_PROPERTY_NAME, visit, ctx);
    grpc_auth_context_release(context);
}

/* --- its failure --- */

/* Takes off the beginning of a character that was cut. */
static void trim_utf8(char *text)
{
    size_t size = strlen(text), back = 0;
    while (back < 4 && back < size && ((unsigned char)text[size - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == size)
        return;
    unsigned char lead = (unsigned char)text[size - 1 - back];
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (length > back + 1)
        text[size - 1 - back] = '\0';
}

kin_rpc_code kin_rpc_call_fail(kin_rpc_call *call, kin_rpc_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(call->text, sizeof call->text, fmt, ap);
    va_end(ap);
    trim_utf8(call->text);
    return code;
}

kin_rpc_code kin_rpc_call_fail_with(kin_rpc_call *call, const kin_error *err)
{
    kin_rpc_code code = kin_rpc_code_of_status(err->code);
    if (code == KIN_RPC_CANCELLED && kin_clock_monotonic() >= call->deadline)
        code = KIN_RPC_DEADLINE_EXCEEDED;
    bool named = err->subject[0] != '\0';
    return kin_rpc_call_fail(call, code, "%s%s%s", err->subject, named ? ": " : "", err->message);
}

const char *kin_rpc_call_text_borrow(const kin_rpc_call *call)
{
    return call->text;
}
