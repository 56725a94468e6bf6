/* Calls of each shape, what their methods see, and what is refused. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "echo.h"
#include "rpc/message.h"

typedef Kindred__Test__Echo echo_message;

/* --- shapes --- */

static void unary_calls_answer(void **state)
{
    (void)state;
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    echo_message request = KINDRED__TEST__ECHO__INIT, *response;
    request.text = "h\xC3\xA9llo";
    for (int i = 0; i < 100; i++) {
        kin_error err = {0};
        assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, &response, &err),
                         KIN_RPC_OK);
        assert_string_equal(response->text, request.text);
        kin_rpc_message_free(&response->base);
    }
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.admitted, 100);
    assert_int_equal(server.seen.finished, 100);
    assert_int_equal(server.seen.codes[KIN_RPC_OK], 100);
    assert_string_equal(server.seen.path, ECHO_PATH("Unary"));
    assert_memory_equal(server.seen.peer, "ipv4:127.0.0.1:", 15);
    assert_int_equal(server.seen.complaints, 0);
}

static void chat(kin_rpc_channel *channel)
{
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Chat"), 20);
    kin_error err = {0};
    ProtobufCMessage *message;
    kin_rpc_code code;
    for (uint32_t i = 0; i < 50; i++) {
        echo_message request = KINDRED__TEST__ECHO__INIT;
        request.count = i;
        assert_int_equal(kin_rpc_stream_send(stream, &request.base, &err), KIN_OK);
        assert_int_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_OK);
        assert_non_null(message);
        assert_int_equal(((echo_message *)message)->count, i);
        kin_rpc_message_free(message);
    }
    assert_int_equal(kin_rpc_stream_half_close(stream, &err), KIN_OK);
    assert_int_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_OK);
    assert_null(message);
    assert_int_equal(code, KIN_RPC_OK);
    kin_rpc_stream_free(stream);
}

/* Messages of many sizes: in one slice of gRPC's and in several, none at all, and the largest. */
static void collect(kin_rpc_channel *channel)
{
    static const uint32_t sizes[] = {0, 1, 100, 8192, 100000, 1 << 20, 4 * 1024 * 1024 - 64};
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Collect"), 20);
    kin_error err = {0};
    ProtobufCMessage *message;
    kin_rpc_code code;
    uint8_t *payload = calloc(1, 4 * 1024 * 1024);
    assert_non_null(payload);
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        echo_message request = KINDRED__TEST__ECHO__INIT;
        request.payload = (ProtobufCBinaryData){sizes[i], payload};
        sum += sizes[i];
        assert_int_equal(kin_rpc_stream_send(stream, &request.base, &err), KIN_OK);
    }
    assert_int_equal(kin_rpc_stream_half_close(stream, &err), KIN_OK);
    assert_int_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_OK);
    assert_non_null(message);
    assert_int_equal(((echo_message *)message)->count, sizeof sizes / sizeof sizes[0]);
    assert_int_equal(((echo_message *)message)->size, sum);
    kin_rpc_message_free(message);
    assert_int_equal(echo_end_of(stream, &err), KIN_RPC_OK);
    kin_rpc_stream_free(stream);
    free(payload);
}

static void spread(kin_rpc_channel *channel, uint32_t count, uint32_t size)
{
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Spread"), 20);
    kin_error err = {0};
    kin_rpc_code code;
    echo_message request = KINDRED__TEST__ECHO__INIT;
    request.count = count;
    request.size = size;
    assert_int_equal(kin_rpc_stream_send(stream, &request.base, &err), KIN_OK);
    assert_int_equal(kin_rpc_stream_half_close(stream, &err), KIN_OK);
    for (uint32_t i = 0; i < count; i++) {
        ProtobufCMessage *message;
        assert_int_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_OK);
        assert_non_null(message);
        assert_int_equal(((echo_message *)message)->count, i);
        assert_int_equal(((echo_message *)message)->payload.len, size);
        kin_rpc_message_free(message);
    }
    assert_int_equal(echo_end_of(stream, &err), KIN_RPC_OK);
    kin_rpc_stream_free(stream);
}

static void streams_of_each_shape(void **state)
{
    (void)state;
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    chat(channel);
    collect(channel);
    spread(channel, 0, 0);
    spread(channel, 200, 10);
    spread(channel, 5, 3000000);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_OK], 5);
    assert_int_equal(server.seen.finished, 5);
}

static void addresses_of_each_family(void **state)
{
    (void)state;
    char folder[] = "/tmp/kin-rpc-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "unix:%s/socket", folder);
    const char *const each[] = {path, "[::1]:0", "localhost:0"};
    for (size_t i = 0; i < 3; i++) {
        echo server = {0};
        kin_error err = {0};
        echo_message request = KINDRED__TEST__ECHO__INIT;
        kin_rpc_server_options options = {.addresses = &each[i], .address_count = 1};
        if (echo_try_start(&server, options, &err) != KIN_OK) {
            if (i != 1)
                fail_msg("%s", err.message);
            print_message("[   SKIP   ] no IPv6 here\n");
            continue;
        }
        kin_rpc_channel *channel = echo_channel(&server);
        assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err),
                         KIN_RPC_OK);
        kin_rpc_channel_close(channel);
        echo_stop(&server, 5);
    }
    assert_int_equal(remove(folder), 0); /* the socket is gone */
}

/* --- cardinality --- */

static kin_rpc_code unary_with(kin_rpc_channel *channel, size_t requests, kin_error *err)
{
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Unary"), 20);
    const echo_message request = KINDRED__TEST__ECHO__INIT;
    for (size_t i = 0; i < requests; i++)
        kin_rpc_stream_send(stream, &request.base, NULL); /* may be cut short */
    kin_rpc_stream_half_close(stream, NULL);
    kin_rpc_code code = echo_end_of(stream, err);
    kin_rpc_stream_free(stream);
    return code;
}

static void unary_takes_exactly_one_request(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(unary_with(channel, 1, &err), KIN_RPC_OK);
    assert_int_equal(unary_with(channel, 0, &err), KIN_RPC_UNIMPLEMENTED);
    assert_non_null(strstr(err.message, "there was none"));
    assert_int_equal(unary_with(channel, 2, &err), KIN_RPC_UNIMPLEMENTED);
    assert_non_null(strstr(err.message, "one request"));
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_UNIMPLEMENTED], 2);
}

static void a_method_without_response_is_an_internal_error(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(echo_call(channel, ECHO_PATH("Silent"), &request, 10, NULL, &err),
                     KIN_RPC_INTERNAL);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* --- hooks --- */

static void unknown_methods_are_told_and_seen(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(echo_call(channel, ECHO_PATH("Nothing"), &request, 10, NULL, &err),
                     KIN_RPC_UNIMPLEMENTED);
    assert_non_null(strstr(err.message, "unknown method"));
    echo_await(&server.seen.finished, 1);
    assert_string_equal(server.seen.path, ECHO_PATH("Nothing"));
    assert_int_equal(server.seen.codes[KIN_RPC_UNIMPLEMENTED], 1);
    assert_int_equal(server.seen.admitted, 0);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

static void those_not_admitted_are_told_why(void **state)
{
    (void)state;
    echo server = {.admit_code = KIN_RPC_PERMISSION_DENIED};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    for (unsigned i = 0; i < 200; i++) /* more than may run at once */
        assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err),
                         KIN_RPC_PERMISSION_DENIED);
    assert_string_equal(err.message, "not you, Zo\xC3\xAB");
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_PERMISSION_DENIED], 200);
}

static void finish_has_the_last_word(void **state)
{
    (void)state;
    echo server = {.finish_code = KIN_RPC_UNAVAILABLE};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err),
                     KIN_RPC_UNAVAILABLE);
    assert_string_equal(err.message, "the end was not to be");
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* On the server's thread, where cmocka's assertions cannot be used: INTERNAL names what is wrong. */
static kin_rpc_code look_for_token(void *ctx, kin_rpc_call *call)
{
    (void)ctx;
    const char *value = kin_rpc_call_metadata_borrow(call, "authorization");
    double left = kin_rpc_call_seconds_left(call);
    const char *wrong = NULL;
    if (kin_rpc_call_metadata_borrow(call, "authorizatio") != NULL ||
        kin_rpc_call_metadata_borrow(call, "Bearer token") != NULL ||
        kin_rpc_call_metadata_borrow(call, "") != NULL)
        wrong = "a header that is none";
    else if (kin_rpc_call_metadata_borrow(call, "user-agent") == NULL)
        wrong = "no user agent";
    else if (strcmp(kin_rpc_call_method(call)->path, ECHO_PATH("Unary")) != 0)
        wrong = "method";
    else if (left > 10.5 || /* gRPC rounds up */ left < 5.0)
        wrong = "deadline";
    else if (kin_rpc_call_began(call) > kin_clock_monotonic() || kin_rpc_call_is_over(call))
        wrong = "time";
    if (wrong != NULL)
        return kin_rpc_call_fail(call, KIN_RPC_INTERNAL, "%s", wrong);
    if (value == NULL || strcmp(value, "Bearer token") != 0)
        return kin_rpc_call_fail(call, KIN_RPC_UNAUTHENTICATED, "no token");
    return KIN_RPC_OK;
}

static void headers_can_be_read(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    echo_start(&server, (kin_rpc_server_options){.admit = look_for_token});
    for (int with = 0; with < 2; with++) {
        kin_rpc_channel *channel;
        const kin_rpc_channel_options options = {.token = with ? "token" : NULL};
        assert_int_equal(kin_rpc_channel_open(server.address, &options, &channel, &err), KIN_OK);
        kin_rpc_code code = echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err);
        if (code != (with ? KIN_RPC_OK : KIN_RPC_UNAUTHENTICATED))
            fail_msg("%s: %s", kin_rpc_code_name(code), err.message);
        kin_rpc_channel_close(channel);
    }
    echo_stop(&server, 5);
}

static kin_rpc_code say_too_much(void *ctx, kin_rpc_call *call)
{
    (void)ctx;
    char text[4000];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[sizeof text - 1] = '\0';
    text[0] = '%'; /* so that the bound falls within a character */
    text[1] = '\n';
    text[2] = '.';
    return kin_rpc_call_fail(call, KIN_RPC_OUT_OF_RANGE, "%s", text);
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    echo_start(&server, (kin_rpc_server_options){.admit = say_too_much});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err),
                     KIN_RPC_OUT_OF_RANGE);
    echo_await(&server.seen.finished, 1);
    assert_in_range(strlen(server.seen.text), 997, 1000);
    assert_memory_equal(err.message, "%\n.", 3); /* through percent-encoding and back */
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* --- bounds --- */

struct held {
    pthread_t thread;
    kin_rpc_channel *channel;
    kin_rpc_code code;
};

static void *hold(void *of)
{
    struct held *held = of;
    echo_message request = KINDRED__TEST__ECHO__INIT;
    held->code = echo_call(held->channel, ECHO_PATH("Hold"), &request, 20, NULL, NULL);
    return NULL;
}

/* One kind of work fills its places; more of it is refused at once, another kind is not hindered. */
static void classes_have_bounds_of_their_own(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    struct held held[3];
    echo_start(&server, (kin_rpc_server_options){.class_max = {[KIN_RPC_ADMIN] = 3}});
    kin_rpc_channel *channel = echo_channel(&server);
    for (size_t i = 0; i < 3; i++) {
        held[i].channel = channel;
        assert_int_equal(pthread_create(&held[i].thread, NULL, hold, &held[i]), 0);
    }
    echo_await(&server.seen.held, 3);
    assert_int_equal(kin_rpc_server_running(server.server, KIN_RPC_ADMIN), 3);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(echo_call(channel, ECHO_PATH("Hold"), &request, 20, NULL, &err),
                         KIN_RPC_RESOURCE_EXHAUSTED);
        assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 20, NULL, &err),
                         KIN_RPC_OK);
    }
    echo_release(&server);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(held[i].thread, NULL);
        assert_int_equal(held[i].code, KIN_RPC_OK);
    }
    assert_int_equal(echo_call(channel, ECHO_PATH("Hold"), &request, 20, NULL, &err), KIN_RPC_OK);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_RESOURCE_EXHAUSTED], 50);
}

/* Also where one thread serves while calls do not overlap, and somebody has to notice that one
 * lasts. */
static void a_long_call_holds_up_nobody(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    struct held held;
    echo_start(&server, (kin_rpc_server_options){.queues = 1});
    held.channel = echo_channel(&server);
    kin_rpc_channel *channel = echo_channel(&server);
    for (int i = 0; i < 10; i++) {
        atomic_store(&server.released, false);
        assert_int_equal(pthread_create(&held.thread, NULL, hold, &held), 0);
        echo_await(&server.seen.held, 1);
        for (int k = 0; k < 20; k++)
            assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 20, NULL, &err),
                             KIN_RPC_OK);
        echo_release(&server);
        pthread_join(held.thread, NULL);
        assert_int_equal(held.code, KIN_RPC_OK);
    }
    kin_rpc_channel_close(held.channel);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

static void *call_often(void *of)
{
    struct held *held = of;
    echo_message request = KINDRED__TEST__ECHO__INIT, *response;
    char text[32];
    held->code = KIN_RPC_OK;
    snprintf(text, sizeof text, "%p", of);
    request.text = text;
    for (int i = 0; i < 300 && held->code == KIN_RPC_OK; i++) {
        held->code = echo_call(held->channel, ECHO_PATH("Unary"), &request, 20, &response, NULL);
        if (held->code == KIN_RPC_OK && strcmp(response->text, text) != 0)
            held->code = KIN_RPC_DATA_LOSS;
        if (held->code == KIN_RPC_OK)
            kin_rpc_message_free(&response->base);
    }
    return NULL;
}

static void many_callers_get_their_own_answers(void **state)
{
    (void)state;
    echo server = {0};
    struct held held[16];
    echo_start(&server, (kin_rpc_server_options){.queues = 3});
    for (size_t i = 0; i < 16; i++) {
        held[i].channel = echo_channel(&server);
        assert_int_equal(pthread_create(&held[i].thread, NULL, call_often, &held[i]), 0);
    }
    for (size_t i = 0; i < 16; i++) {
        pthread_join(held[i].thread, NULL);
        kin_rpc_channel_close(held[i].channel);
        assert_int_equal(held[i].code, KIN_RPC_OK);
    }
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_OK], 16 * 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_calls_answer),
        cmocka_unit_test(streams_of_each_shape),
        cmocka_unit_test(addresses_of_each_family),
        cmocka_unit_test(unary_takes_exactly_one_request),
        cmocka_unit_test(a_method_without_response_is_an_internal_error),
        cmocka_unit_test(unknown_methods_are_told_and_seen),
        cmocka_unit_test(those_not_admitted_are_told_why),
        cmocka_unit_test(finish_has_the_last_word),
        cmocka_unit_test(headers_can_be_read),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(classes_have_bounds_of_their_own),
        cmocka_unit_test(a_long_call_holds_up_nobody),
        cmocka_unit_test(many_callers_get_their_own_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
