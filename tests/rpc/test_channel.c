/* Channels: targets, tokens, TLS, lost connections, and calls whose end comes from this side. */
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

#include "authority.h"
#include "echo.h"
#include "rpc/message.h"
#include "temp_folder.h"

typedef Kindred__Test__Echo echo_message;
static const ProtobufCMessageDescriptor *const KIND = &kindred__test__echo__descriptor;

/* A server that notes what a call's headers say. */
typedef struct noting {
    echo server; /* first: what the hook gets is its address */
    char authorization[64], agent[128];
} noting;

static kin_rpc_code note(void *ctx, kin_rpc_call *call)
{
    noting *self = ctx;
    const char *authorization = kin_rpc_call_metadata_borrow(call, "authorization");
    const char *agent = kin_rpc_call_metadata_borrow(call, "user-agent");
    snprintf(self->authorization, sizeof self->authorization, "%s",
             authorization != NULL ? authorization : "(none)");
    snprintf(self->agent, sizeof self->agent, "%s", agent != NULL ? agent : "(none)");
    return KIN_RPC_OK;
}

static kin_rpc_channel *open_channel(const char *target, kin_rpc_channel_options options)
{
    kin_rpc_channel *channel = NULL;
    kin_error err = {0};
    if (kin_rpc_channel_open(target, &options, &channel, &err) != KIN_OK)
        fail_msg("%s: %s", target, err.message);
    return channel;
}

/* A unary call's code, its text in err. */
static kin_rpc_code ask(kin_rpc_channel *channel, const char *path, double seconds, kin_error *err)
{
    echo_message request = KINDRED__TEST__ECHO__INIT;
    request.text = "text";
    return echo_call(channel, path, &request, seconds, NULL, err);
}

static void assert_answers(kin_rpc_channel *channel)
{
    kin_error err = {0};
    kin_rpc_code code = ask(channel, ECHO_PATH("Unary"), 20, &err);
    if (code != KIN_RPC_OK)
        fail_msg("code %d: %s", code, err.message);
}

/* --- opening --- */

static void targets_are_hosts_with_ports(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:7443", "localhost:1", "[::1]:65535",
                                       "pacs-2.example.org:7443", "unix:/run/kindred.sock"};
    static const char *const bad[] = {
        "",           "host",       "host:",        "host:0",
        "host:65536", "host:7443x", "host:123456",  ":7443",
        "[::1]",      "[::1:7443",  "ho st:7443",   "dns:///host:7443",
        "xds:foo",    "unix:run",   "a/b:7443",     "[host]:7443",
        "host:-1",    "host:+1",    "host%00:7443", "[]:7443"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        kin_rpc_channel_close(open_channel(good[i], (kin_rpc_channel_options){0}));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_rpc_channel *channel = NULL;
        kin_error err = {0};
        if (kin_rpc_channel_open(bad[i], NULL, &channel, &err) != KIN_E_ARG)
            fail_msg("'%s' was taken", bad[i]);
        assert_null(channel);
    }
    char *longest = calloc(1, 5000);
    memset(longest, 'h', 4990);
    memcpy(longest + 4990, ":7443", 6);
    assert_int_equal(kin_rpc_channel_open(longest, NULL, &(kin_rpc_channel *){NULL}, NULL),
                     KIN_E_ARG);
    free(longest);
    kin_rpc_channel_close(NULL);
}

static void tokens_do_not_leave_in_the_clear(void **state)
{
    (void)state;
    static const char *const here[] = {"127.0.0.1:1", "127.8.9.1:1", "[::1]:1",
                                       "localhost:1", "LocalHost:1", "unix:/x"};
    static const char *const elsewhere[] = {"10.0.0.1:1",      "example.org:1", "[2001:db8::1]:1",
                                            "127.0.0.1.org:1", "127.1:1",       "localhost.org:1",
                                            "0.0.0.0:1",       "[::]:1",        "128.0.0.1:1"};
    const kin_rpc_channel_options options = {.token = "secret"};
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
        kin_rpc_channel_close(open_channel(here[i], options));
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        kin_rpc_channel *channel = NULL;
        if (kin_rpc_channel_open(elsewhere[i], &options, &channel, NULL) != KIN_E_ARG)
            fail_msg("the token would have gone to %s", elsewhere[i]);
        kin_rpc_channel_close(
            open_channel(elsewhere[i], (kin_rpc_channel_options){.tls = true, .token = "secret"}));
    }
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const kin_rpc_channel_options bad[] = {
        {.token = ""},
        {.token = "two\nlines"},
        {.token = "\xC3\xA9"},
        {.ca = "PEM"},
        {.certificate = "PEM", .tls = true},
        {.key = "PEM", .tls = true},
        {.certificate = "PEM", .key = "PEM"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_rpc_channel *channel = NULL;
        kin_error err = {0};
        assert_int_equal(kin_rpc_channel_open("127.0.0.1:1", &bad[i], &channel, &err), KIN_E_ARG);
        assert_null(channel);
        assert_string_not_equal(err.message, "");
    }
    assert_int_equal(kin_rpc_channel_open("127.0.0.1:1",
                                          &(kin_rpc_channel_options){.tls = true, .ca = "no PEM"},
                                          &(kin_rpc_channel *){NULL}, NULL),
                     KIN_E_FORMAT);
}

/* --- calls --- */

static void headers_carry_token_and_agent(void **state)
{
    (void)state;
    noting server = {0};
    echo_start(&server.server, (kin_rpc_server_options){.admit = note});
    kin_rpc_channel *channel = open_channel(
        server.server.address, (kin_rpc_channel_options){.token = "se-cr.et", .agent = "test/1.2"});
    assert_answers(channel);
    assert_string_equal(server.authorization, "Bearer se-cr.et");
    assert_memory_equal(server.agent, "test/1.2 ", strlen("test/1.2 "));
    kin_rpc_channel_close(channel);
    channel = echo_channel(&server.server);
    assert_answers(channel);
    assert_string_equal(server.authorization, "(none)");
    kin_rpc_channel_close(channel);
    echo_stop(&server.server, 5);
}

static void failures_have_code_and_text(void **state)
{
    (void)state;
    echo server = {.admit_code = KIN_RPC_PERMISSION_DENIED};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(ask(channel, ECHO_PATH("Unary"), 10, &err), KIN_RPC_PERMISSION_DENIED);
    assert_int_equal(err.code, kin_rpc_status_of_code(KIN_RPC_PERMISSION_DENIED));
    assert_string_equal(err.message, "not you, Zo\xC3\xAB");
    server.admit_code = KIN_RPC_OK;
    assert_int_equal(ask(channel, "/kindred.test.Echo/Nothing", 10, &err), KIN_RPC_UNIMPLEMENTED);
    assert_int_equal(ask(channel, ECHO_PATH("Hold"), 0.05, &err), KIN_RPC_DEADLINE_EXCEEDED);
    assert_int_equal(err.code, KIN_E_TIMEOUT);
    kin_rpc_channel_close(channel);
    echo_release(&server);
    echo_stop(&server, 5);
}

static void long_responses_are_refused(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    char text[3001] = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    memset(text, 'x', sizeof text - 1);
    request.text = text;
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel =
        open_channel(server.address, (kin_rpc_channel_options){.message_bytes = 2000});
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err),
                     KIN_RPC_RESOURCE_EXHAUSTED);
    text[1000] = '\0';
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err), KIN_RPC_OK);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* A response that is another message than was asked for is the server's mistake, on a stream too,
 * whose failure stays. */
static void responses_of_another_kind_are_failures(void **state)
{
    (void)state;
    echo server = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    kin_rpc_code code;
    ProtobufCMessage *message;
    kin_error err = {0};
    kin_rpc_stream *stream;
    request.payload = (ProtobufCBinaryData){.len = 1, .data = (uint8_t *)"\xFF"};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    /* Field 2 of Note is text: the payload's byte is none. */
    assert_int_equal(kin_rpc_unary(channel, ECHO_PATH("Unary"), &request.base,
                                   &kindred__test__note__descriptor, 10, &message, &code, &err),
                     kin_rpc_status_of_code(KIN_RPC_INTERNAL));
    assert_int_equal(code, KIN_RPC_INTERNAL);
    assert_null(message);
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Chat"),
                                         &kindred__test__note__descriptor, 10, &stream, &err),
                     KIN_OK);
    assert_int_equal(kin_rpc_stream_send(stream, &request.base, &err), KIN_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_OK);
        assert_int_equal(code, KIN_RPC_INTERNAL);
        assert_null(message);
    }
    kin_rpc_stream_free(stream);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* --- streams that end from this side --- */

static void sends_fail_once_the_call_is_over(void **state)
{
    (void)state;
    echo server = {.admit_code = KIN_RPC_UNAUTHENTICATED};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    kin_rpc_stream *stream;
    kin_error err = {0};
    kin_rpc_code code;
    ProtobufCMessage *message;
    kin_status status;
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Collect"), KIND, 20, &stream, &err),
                     KIN_OK);
    do
        status = kin_rpc_stream_send(stream, &request.base, &err);
    while (status == KIN_OK);
    assert_int_equal(status, KIN_E_CANCELLED);
    for (int i = 0; i < 2; i++) { /* as often as it is asked */
        kin_error_clear(&err);
        assert_int_not_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_OK);
        assert_int_equal(code, KIN_RPC_UNAUTHENTICATED);
        assert_string_equal(err.message, "not you, Zo\xC3\xAB");
    }
    kin_rpc_stream_free(stream);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

static void *cancel_soon(void *stream)
{
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    kin_rpc_stream_cancel(stream);
    return NULL;
}

static bool say_stop(void *ctx)
{
    unsigned *times = ctx;
    return ++*times == 2;
}

static void streams_are_cancelled(void **state)
{
    (void)state;
    echo server = {0};
    kin_rpc_stream *stream;
    kin_error err = {0};
    kin_rpc_code code;
    ProtobufCMessage *message;
    pthread_t thread;
    unsigned asked = 0;
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    /* By another thread. */
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Chat"), KIND, 0, &stream, &err),
                     KIN_OK);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, stream), 0);
    assert_int_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_E_CANCELLED);
    assert_int_equal(code, KIN_RPC_CANCELLED);
    pthread_join(thread, NULL);
    kin_rpc_stream_free(stream);
    /* By the hook that is asked meanwhile. */
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Chat"), KIND, 0, &stream, &err),
                     KIN_OK);
    kin_rpc_stream_set_stop(stream, say_stop, &asked);
    assert_int_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_E_CANCELLED);
    assert_true(asked >= 2);
    kin_rpc_stream_free(stream);
    /* By being forgotten, of which the server's handler hears. */
    unsigned finished = atomic_load(&server.seen.finished);
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Chat"), KIND, 0, &stream, &err),
                     KIN_OK);
    echo_await(&server.seen.admitted, 3);
    kin_rpc_stream_free(stream);
    echo_await(&server.seen.finished, finished + 1);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* One thread sends while another receives. */
typedef struct sending {
    kin_rpc_stream *stream;
    uint32_t count;
    kin_status status;
} sending;

static void *send_many(void *argument)
{
    sending *self = argument;
    echo_message request = KINDRED__TEST__ECHO__INIT;
    while (self->status == KIN_OK && request.count < self->count) {
        self->status = kin_rpc_stream_send(self->stream, &request.base, NULL);
        request.count++;
    }
    if (self->status == KIN_OK)
        self->status = kin_rpc_stream_half_close(self->stream, NULL);
    return NULL;
}

static void both_sides_of_a_stream_run_at_once(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    pthread_t thread;
    ProtobufCMessage *message;
    uint32_t received = 0;
    sending all = {.count = 2000};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Chat"), KIND, 60, &all.stream, &err),
                     KIN_OK);
    assert_int_equal(pthread_create(&thread, NULL, send_many, &all), 0);
    for (;;) {
        assert_int_equal(kin_rpc_stream_receive(all.stream, &message, NULL, &err), KIN_OK);
        if (message == NULL)
            break;
        assert_int_equal(((echo_message *)message)->count, received);
        received++;
        kin_rpc_message_free(message);
    }
    pthread_join(thread, NULL);
    assert_int_equal(all.status, KIN_OK);
    assert_int_equal(received, all.count);
    kin_rpc_stream_free(all.stream);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* --- lost connections --- */

static void nobody_there_is_told_at_once(void **state)
{
    (void)state;
    echo server = {0};
    kin_error err = {0};
    char address[128];
    kin_rpc_stream *stream;
    kin_rpc_code code;
    ProtobufCMessage *message;
    echo_start(&server, (kin_rpc_server_options){0}); /* to learn of a free port */
    snprintf(address, sizeof address, "%s", server.address);
    echo_stop(&server, 5);
    kin_rpc_channel *channel = open_channel(address, (kin_rpc_channel_options){0});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(channel, ECHO_PATH("Unary"), 0, &err), KIN_RPC_UNAVAILABLE);
        assert_string_not_equal(err.message, "");
    }
    assert_int_equal(kin_rpc_stream_open(channel, ECHO_PATH("Chat"), KIND, 0, &stream, &err),
                     KIN_OK);
    assert_int_not_equal(kin_rpc_stream_receive(stream, &message, &code, &err), KIN_OK);
    assert_int_equal(code, KIN_RPC_UNAVAILABLE);
    kin_rpc_stream_free(stream);
    kin_rpc_channel_close(channel);
}

/* A socket of the file system keeps its name, unlike a port that others may take meanwhile. */
static void calls_find_a_server_that_comes_back(void **state)
{
    (void)state;
    char folder[PATH_MAX], address[PATH_MAX + 32];
    echo server = {0};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    ProtobufCMessage *message;
    kin_rpc_code code;
    kin_error err = {0};
    temp_folder_make(folder);
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    const char *const addresses[] = {address};
    const kin_rpc_server_options options = {.addresses = addresses, .address_count = 1};
    echo_start(&server, options);
    kin_rpc_channel *channel = open_channel(address, (kin_rpc_channel_options){0});
    assert_answers(channel);
    for (int i = 0; i < 3; i++) {
        echo_stop(&server, 5);
        /* While it is away, a call fails at once and one that may wait fails after a moment. */
        assert_int_equal(ask(channel, ECHO_PATH("Unary"), 10, &err), KIN_RPC_UNAVAILABLE);
        echo_start(&server, options);
        assert_int_equal(kin_rpc_unary_again(channel, ECHO_PATH("Unary"), &request.base, KIND, 10,
                                             &message, &code, &err),
                         KIN_OK);
        assert_int_equal(code, KIN_RPC_OK);
        assert_non_null(message);
        kin_rpc_message_free(message);
        assert_answers(channel);
    }
    echo_stop(&server, 5);
    assert_int_not_equal(kin_rpc_unary_again(channel, ECHO_PATH("Unary"), &request.base, KIND, 10,
                                             &message, &code, &err),
                         KIN_OK);
    assert_int_equal(code, KIN_RPC_UNAVAILABLE);
    kin_rpc_channel_close(channel);
    temp_folder_remove(folder);
}

/* --- TLS --- */

typedef struct identities {
    certified authority, server, client, expired, strange_authority, stranger;
    kin_rpc_pem pem;
} identities;

/* A server with an identity. */
typedef struct certified_server {
    echo server; /* first: what the hook gets is its address */
    identities all;
} certified_server;

static kin_status give_pem(void *ctx, kin_rpc_pem *out, kin_error *err)
{
    (void)err;
    *out = ((certified_server *)ctx)->all.pem;
    return KIN_OK;
}

static kin_rpc_code ask_with(const char *address, kin_rpc_channel_options options)
{
    kin_error err = {0};
    options.tls = true;
    kin_rpc_channel *channel = open_channel(address, options);
    kin_rpc_code code = ask(channel, ECHO_PATH("Unary"), 20, &err);
    kin_rpc_channel_close(channel);
    return code;
}

static void identities_make(identities *all)
{
    static const char own[] = "IP:127.0.0.1,DNS:kindred.test";
    authority_make("Authority", &all->authority);
    authority_make("Strange authority", &all->strange_authority);
    authority_issue(&all->authority, "server", own, -60, 3600, &all->server);
    authority_issue(&all->authority, "client", NULL, -60, 3600, &all->client);
    authority_issue(&all->authority, "client", NULL, -7200, -3600, &all->expired);
    authority_issue(&all->strange_authority, "client", NULL, -60, 3600, &all->stranger);
    all->pem = (kin_rpc_pem){.certificate = all->server.certificate,
                             .key = all->server.key,
                             .client_ca = all->authority.certificate};
}

static void identities_release(identities *all)
{
    certified *const each[] = {&all->authority,         &all->server,  &all->client, &all->expired,
                               &all->strange_authority, &all->stranger};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++)
        certified_release(each[i]);
}

static void tls_knows_both_sides(void **state)
{
    (void)state;
    certified_server self = {0};
    identities_make(&self.all);
    echo_start(&self.server, (kin_rpc_server_options){.tls = true, .pem = give_pem});
    const char *address = self.server.address, *ca = self.all.authority.certificate;
    const kin_rpc_channel_options right = {
        .ca = ca, .certificate = self.all.client.certificate, .key = self.all.client.key};
    kin_rpc_channel_options options = right;
    assert_int_equal(ask_with(address, options), KIN_RPC_OK);
    options.server_name = "kindred.test";
    options.token = "secret";
    assert_int_equal(ask_with(address, options), KIN_RPC_OK);
    options.server_name = "other.test"; /* the server's certificate does not say so */
    assert_int_equal(ask_with(address, options), KIN_RPC_UNAVAILABLE);
    options = right;
    options.ca = self.all.strange_authority.certificate;
    assert_int_equal(ask_with(address, options), KIN_RPC_UNAVAILABLE);
    options.ca = NULL; /* the system's authorities have not signed it */
    assert_int_equal(ask_with(address, options), KIN_RPC_UNAVAILABLE);
    options = (kin_rpc_channel_options){.ca = ca}; /* no certificate of ours */
    assert_int_equal(ask_with(address, options), KIN_RPC_UNAVAILABLE);
    options.certificate = self.all.expired.certificate;
    options.key = self.all.expired.key;
    assert_int_equal(ask_with(address, options), KIN_RPC_UNAVAILABLE);
    options.certificate = self.all.stranger.certificate;
    options.key = self.all.stranger.key;
    assert_int_equal(ask_with(address, options), KIN_RPC_UNAVAILABLE);
    /* Not by mistake in the clear either. */
    kin_rpc_channel *channel = open_channel(address, (kin_rpc_channel_options){0});
    kin_error err = {0};
    assert_int_equal(ask(channel, ECHO_PATH("Unary"), 20, &err), KIN_RPC_UNAVAILABLE);
    kin_rpc_channel_close(channel);
    assert_int_equal(atomic_load(&self.server.seen.admitted), 2);
    echo_stop(&self.server, 5);
    identities_release(&self.all);
}

int main(void)
{
    setenv("GRPC_VERBOSITY", "NONE", 0); /* it would tell of each handshake that is to fail */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_hosts_with_ports),
        cmocka_unit_test(tokens_do_not_leave_in_the_clear),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(headers_carry_token_and_agent),
        cmocka_unit_test(failures_have_code_and_text),
        cmocka_unit_test(long_responses_are_refused),
        cmocka_unit_test(responses_of_another_kind_are_failures),
        cmocka_unit_test(sends_fail_once_the_call_is_over),
        cmocka_unit_test(streams_are_cancelled),
        cmocka_unit_test(both_sides_of_a_stream_run_at_once),
        cmocka_unit_test(nobody_there_is_told_at_once),
        cmocka_unit_test(calls_find_a_server_that_comes_back),
        cmocka_unit_test(tls_knows_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
