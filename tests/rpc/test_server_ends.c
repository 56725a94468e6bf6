/* How calls end before their time, and how a server does. */
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
#include <time.h>

#include "base/clock.h"
#include "echo.h"
#include "rpc/message.h"

typedef Kindred__Test__Echo echo_message;
static const echo_message NOTHING = KINDRED__TEST__ECHO__INIT;

struct held {
    pthread_t thread;
    kin_rpc_channel *channel;
    double seconds;
    kin_rpc_code code;
    kin_error err;
};

static void *hold(void *of)
{
    struct held *held = of;
    held->code =
        echo_call(held->channel, ECHO_PATH("Hold"), &NOTHING, held->seconds, NULL, &held->err);
    return NULL;
}

static void start_holding(struct held *held, kin_rpc_channel *channel, double seconds)
{
    *held = (struct held){.channel = channel, .seconds = seconds};
    assert_int_equal(pthread_create(&held->thread, NULL, hold, held), 0);
}

/* --- calls --- */

static void a_running_method_notices_cancellation(void **state)
{
    (void)state;
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    for (unsigned i = 0; i < 20; i++) {
        kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Hold"), 0);
        assert_int_equal(kin_rpc_stream_send(stream, &NOTHING.base, NULL), KIN_OK);
        assert_int_equal(kin_rpc_stream_half_close(stream, NULL), KIN_OK);
        echo_await(&server.seen.held, 1);
        kin_rpc_stream_cancel(stream);
        echo_await(&server.seen.ended_early, i + 1);
        kin_rpc_stream_free(stream);
    }
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_CANCELLED], 20);
}

static void a_running_method_notices_a_lost_connection(void **state)
{
    (void)state;
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Collect"), 0);
    assert_int_equal(kin_rpc_stream_send(stream, &NOTHING.base, NULL), KIN_OK);
    echo_await(&server.seen.admitted, 1);
    kin_rpc_stream_free(stream);
    kin_rpc_channel_close(channel);
    echo_await(&server.seen.codes[KIN_RPC_CANCELLED], 1);
    echo_stop(&server, 5);
}

static void deadlines_end_calls_at_both_sides(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    /* Connected before: on a busy machine that alone may take the short call's time, of which the
     * server would then never hear. */
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 10, NULL, &err), KIN_OK);
    assert_int_equal(echo_call(channel, ECHO_PATH("Hold"), &NOTHING, 2, NULL, &err),
                     KIN_RPC_DEADLINE_EXCEEDED);
    /* The server's clock for the call starts later than the client's, whose reset may come first. */
    echo_await_either(&server.seen.codes[KIN_RPC_DEADLINE_EXCEEDED],
                      &server.seen.codes[KIN_RPC_CANCELLED]);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* A client without a deadline, or with one of years, gets the server's. */
static void unary_deadlines_are_capped(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){.deadline_cap = 0.2});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(echo_call(channel, ECHO_PATH("Hold"), &NOTHING, 0, NULL, &err),
                     KIN_RPC_DEADLINE_EXCEEDED);
    assert_string_equal(err.message, "ended early");
    assert_int_equal(echo_call(channel, ECHO_PATH("Hold"), &NOTHING, 5e7, NULL, &err),
                     KIN_RPC_DEADLINE_EXCEEDED);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_DEADLINE_EXCEEDED], 2);
}

static void clients_that_send_nothing_are_let_go(void **state)
{
    (void)state;
    static const char *const paths[] = {ECHO_PATH("Unary"), ECHO_PATH("Collect"),
                                        ECHO_PATH("Chat")};
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){.stall_seconds = 0.2});
    kin_rpc_channel *channel = echo_channel(&server);
    for (size_t i = 0; i < 3; i++) {
        kin_error err = {0};
        kin_rpc_stream *stream = echo_begin(channel, paths[i], 0);
        assert_int_equal(echo_end_of(stream, &err), KIN_RPC_DEADLINE_EXCEEDED);
        assert_non_null(strstr(err.message, "sent nothing"));
        kin_rpc_stream_free(stream);
    }
    /* One that sends and does not say that it was its last. */
    kin_error err = {0};
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Unary"), 0);
    assert_int_equal(kin_rpc_stream_send(stream, &NOTHING.base, NULL), KIN_OK);
    assert_int_equal(echo_end_of(stream, &err), KIN_RPC_DEADLINE_EXCEEDED);
    kin_rpc_stream_free(stream);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
    assert_int_equal(server.seen.codes[KIN_RPC_DEADLINE_EXCEEDED], 4);
}

/* The server's messages fill the client's window; the method must not wait for ever. */
static void clients_that_read_nothing_are_let_go(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){.stall_seconds = 0.3});
    kin_rpc_channel *channel = echo_channel(&server);
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Spread"), 0);
    echo_message request = KINDRED__TEST__ECHO__INIT;
    request.count = 1000;
    request.size = 1 << 20;
    assert_int_equal(kin_rpc_stream_send(stream, &request.base, NULL), KIN_OK);
    assert_int_equal(kin_rpc_stream_half_close(stream, NULL), KIN_OK);
    echo_await(&server.seen.codes[KIN_RPC_DEADLINE_EXCEEDED], 1);
    assert_non_null(strstr(server.seen.text, "taken nothing"));
    assert_int_equal(echo_end_of(stream, &err), KIN_RPC_DEADLINE_EXCEEDED);
    kin_rpc_stream_free(stream);
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 10, NULL, &err),
                     KIN_RPC_OK); /* on the same connection */
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* A slow client that keeps on is not a stalled one. */
static void slow_clients_are_borne(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){.stall_seconds = 1.0});
    kin_rpc_channel *channel = echo_channel(&server);
    kin_rpc_stream *stream = echo_begin(channel, ECHO_PATH("Collect"), 0);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(kin_rpc_stream_send(stream, &NOTHING.base, &err), KIN_OK);
        nanosleep(&(struct timespec){.tv_nsec = 250 * 1000 * 1000}, NULL);
    }
    assert_int_equal(kin_rpc_stream_half_close(stream, &err), KIN_OK);
    assert_int_equal(echo_end_of(stream, &err), KIN_RPC_OK);
    kin_rpc_stream_free(stream);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* --- servers --- */

static void a_stopping_server_lets_calls_end(void **state)
{
    (void)state;
    echo server = {0};
    struct held held[4];
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    for (size_t i = 0; i < 4; i++)
        start_holding(&held[i], channel, 20);
    echo_await(&server.seen.held, 4);
    echo_stop(&server, 20); /* Hold looks whether the server is stopping */
    for (size_t i = 0; i < 4; i++) {
        pthread_join(held[i].thread, NULL);
        assert_int_equal(held[i].code, KIN_RPC_OK);
    }
    assert_int_equal(server.seen.codes[KIN_RPC_OK], 4);
    kin_rpc_channel_close(channel);
}

static void a_stopping_server_cancels_what_goes_on(void **state)
{
    (void)state;
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    kin_rpc_stream *streams[3];
    for (size_t i = 0; i < 3; i++) {
        streams[i] = echo_begin(channel, ECHO_PATH("Chat"), 0);
        assert_int_equal(kin_rpc_stream_send(streams[i], &NOTHING.base, NULL), KIN_OK);
    }
    echo_await(&server.seen.admitted, 3);
    double before = kin_clock_monotonic();
    echo_stop(&server, 0.2);
    assert_true(kin_clock_monotonic() - before >= 0.2);
    for (size_t i = 0; i < 3; i++) {
        kin_error err = {0};
        assert_int_not_equal(echo_end_of(streams[i], &err), KIN_RPC_OK);
        kin_rpc_stream_free(streams[i]);
    }
    assert_int_equal(server.seen.codes[KIN_RPC_CANCELLED], 3);
    kin_rpc_channel_close(channel);
}

static void calls_at_every_moment_of_a_stop(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        echo server = {.released = true};
        struct held held[8];
        echo_start(&server, (kin_rpc_server_options){.queues = 1 + round % 3});
        kin_rpc_channel *channel = echo_channel(&server);
        for (size_t i = 0; i < 8; i++)
            start_holding(&held[i], channel, 10);
        echo_await(&server.seen.finished, round % 8);
        echo_stop(&server, round % 2 == 0 ? 10.0 : 0.0);
        for (size_t i = 0; i < 8; i++) {
            pthread_join(held[i].thread, NULL);
            assert_true(held[i].code == KIN_RPC_OK || held[i].code == KIN_RPC_UNAVAILABLE ||
                        held[i].code == KIN_RPC_CANCELLED);
        }
        kin_rpc_channel_close(channel);
    }
}

static void a_port_is_one_servers_at_a_time(void **state)
{
    (void)state;
    kin_error err = {0};
    echo first = {0}, second = {0};
    echo_start(&first, (kin_rpc_server_options){0});
    const char *address = first.address;
    const kin_rpc_server_options same = {.addresses = &address, .address_count = 1};
    assert_int_equal(echo_try_start(&second, same, &err), KIN_E_IO);
    assert_string_equal(err.subject, first.address);
    /* One good address does not make up for a bad one. */
    const char *const two[] = {"127.0.0.1:0", first.address};
    const kin_rpc_server_options both = {.addresses = two, .address_count = 2};
    assert_int_equal(echo_try_start(&second, both, &err), KIN_E_IO);
    assert_string_equal(err.subject, first.address);
    echo_stop(&first, 5);
    /* At once again: nothing of the first is left. */
    for (int i = 0; i < 3; i++) {
        echo_start(&second, same);
        kin_rpc_channel *channel = echo_channel(&second);
        assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 10, NULL, &err),
                         KIN_RPC_OK);
        kin_rpc_channel_close(channel);
        echo_stop(&second, 5);
    }
}

static void a_socket_file_is_one_servers_at_a_time(void **state)
{
    (void)state;
    char folder[] = "/tmp/kin-rpc-XXXXXX", path[64];
    kin_error err = {0};
    echo first = {0}, second = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "unix:%s/socket", folder);
    const char *address = path;
    const kin_rpc_server_options options = {.addresses = &address, .address_count = 1};
    echo_start(&first, options);
    assert_int_equal(echo_try_start(&second, options, &err), KIN_E_IO);
    kin_rpc_channel *channel = echo_channel(&first);
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 10, NULL, &err), KIN_RPC_OK);
    kin_rpc_channel_close(channel);
    echo_stop(&first, 5);
    echo_start(&second, options);
    echo_stop(&second, 5);
    assert_int_equal(remove(folder), 0);
}

static void addresses_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "127.0.0.1:99999", "127.0.0.1", "127.0.0.1:7a", "127.0.0.1:",
        ":7443",           "",          "256.1.1.1:0",  "unix:/nowhere/at/all"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_error err = {0};
        echo server = {0};
        const kin_rpc_server_options options = {.addresses = &bad[i], .address_count = 1};
        assert_int_equal(echo_try_start(&server, options, &err), i < 6 ? KIN_E_ARG : KIN_E_IO);
        assert_string_equal(err.subject, bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_method_notices_cancellation),
        cmocka_unit_test(a_running_method_notices_a_lost_connection),
        cmocka_unit_test(deadlines_end_calls_at_both_sides),
        cmocka_unit_test(unary_deadlines_are_capped),
        cmocka_unit_test(clients_that_send_nothing_are_let_go),
        cmocka_unit_test(clients_that_read_nothing_are_let_go),
        cmocka_unit_test(slow_clients_are_borne),
        cmocka_unit_test(a_stopping_server_lets_calls_end),
        cmocka_unit_test(a_stopping_server_cancels_what_goes_on),
        cmocka_unit_test(calls_at_every_moment_of_a_stop),
        cmocka_unit_test(a_port_is_one_servers_at_a_time),
        cmocka_unit_test(a_socket_file_is_one_servers_at_a_time),
        cmocka_unit_test(addresses_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
