/* Calls of each shape, and how they end. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/clock.h"
#include "echo.h"
#include "rpc/message.h"

typedef Kindred__Test__Echo echo_message;
static const ProtobufCMessageDescriptor *const KIND = &kindred__test__echo__descriptor;

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
    assert_int_equal(server.seen.admitted, 100);
    assert_int_equal(server.seen.finished, 100);
    assert_int_equal(server.seen.codes[KIN_RPC_OK], 100);
    assert_string_equal(server.seen.path, ECHO_PATH("Unary"));
    assert_memory_equal(server.seen.peer, "ipv4:127.0.0.1:", 15);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.complaints, 0);
}

static void chat(kin_rpc_channel *channel)
{
    kin_rpc_stream *stream;
    kin_error err = {0};
    kin_rpc_code code;
    ProtobufCMessage *message;
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Chat"), KIND, 10, &stream, &err),
                     KIN_OK);
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

static void streams_of_each_shape(void **state)
{
    (void)state;
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    chat(channel);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_calls_answer),
        cmocka_unit_test(streams_of_each_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
