/* Strangers: too large, compressed, garbage, silent.  The server stays up and serves others. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <arpa/inet.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "echo.h"
#include "random.h"
#include "rpc/message.h"

typedef Kindred__Test__Echo echo_message;
static const echo_message NOTHING = KINDRED__TEST__ECHO__INIT;

static void serves_others(const echo *server)
{
    kin_error err = {0};
    kin_rpc_channel *channel = echo_channel(server);
    kin_rpc_code code = echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 20, NULL, &err);
    if (code != KIN_RPC_OK)
        fail_msg("%s: %s", kin_rpc_code_name(code), err.message);
    kin_rpc_channel_close(channel);
}

static int dial(const echo *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)kin_rpc_server_port(server->server, 0));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends what can be sent, and reads what comes until the server hangs up or `ms` are over. */
static bool say(int fd, const void *bytes, size_t size, int ms)
{
    char answer[4096];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    (void)sent; /* the server may have hung up already */
    while (poll(&wait, 1, ms) > 0)
        if (recv(fd, answer, sizeof answer, 0) <= 0)
            return true;
    return false;
}

/* --- too large --- */

static void oversized_messages(void **state)
{
    (void)state;
    enum { BOUND = 100000 };
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){.message_bytes = BOUND});
    kin_rpc_channel *channel = echo_channel(&server);
    uint8_t *payload = calloc(1, 3 * BOUND);
    assert_non_null(payload);
    echo_message request = KINDRED__TEST__ECHO__INIT;
    request.payload = (ProtobufCBinaryData){BOUND - 16, payload};
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err), KIN_RPC_OK);
    for (size_t size = BOUND; size <= 3 * BOUND; size += BOUND) {
        request.payload.len = size;
        assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 10, NULL, &err),
                         KIN_RPC_RESOURCE_EXHAUSTED);
    }
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 10, NULL, &err), KIN_RPC_OK);
    free(payload);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* Small on the way, large unpacked: refused by our budget. */
static void messages_that_swell(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    kin_rpc_channel *channel = echo_channel(&server);
    Kindred__Test__Empty empty = KINDRED__TEST__EMPTY__INIT;
    Kindred__Test__Empty **empties = malloc(COUNT * sizeof empties[0]);
    assert_non_null(empties);
    for (size_t i = 0; i < COUNT; i++)
        empties[i] = &empty;
    echo_message request = KINDRED__TEST__ECHO__INIT;
    request.empties = empties;
    request.n_empties = COUNT;
    assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 20, NULL, &err),
                     KIN_RPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(err.message, "too much memory"));
    free(empties);
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

static void oversized_metadata(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        kin_rpc_code code;
    } tokens[] = {{6000, KIN_RPC_OK},
                  {9000, KIN_RPC_RESOURCE_EXHAUSTED},
                  {100000, KIN_RPC_RESOURCE_EXHAUSTED}};
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        kin_error err = {0};
        kin_rpc_channel *channel;
        char *token = malloc(tokens[i].size + 1);
        assert_non_null(token);
        memset(token, 'x', tokens[i].size);
        token[tokens[i].size] = '\0';
        const kin_rpc_channel_options options = {.token = token};
        assert_int_equal(kin_rpc_channel_open(server.address, &options, &channel, &err), KIN_OK);
        assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 10, NULL, &err),
                         tokens[i].code);
        kin_rpc_channel_close(channel);
        free(token);
        serves_others(&server);
    }
    echo_stop(&server, 5);
}

/* --- compressed --- */

/* One call with `size` zero bytes as its message, gzipped by gRPC itself. */
static grpc_status_code call_compressed(const echo *server, size_t size)
{
    grpc_arg arg = {.type = GRPC_ARG_INTEGER,
                    .key = (char *)"grpc.default_compression_algorithm",
                    .value.integer = GRPC_COMPRESS_GZIP};
    const grpc_channel_args args = {1, &arg};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(server->address, credentials, &args);
    grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_call *call = grpc_channel_create_call(
        channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
        grpc_slice_from_static_string(ECHO_PATH("Unary")), NULL,
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(20, GPR_TIMESPAN)), NULL);
    grpc_slice slice = grpc_slice_malloc(size);
    memset(GRPC_SLICE_START_PTR(slice), 0, size);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1), *answer = NULL;
    grpc_metadata_array headers, trailers;
    grpc_metadata_array_init(&headers);
    grpc_metadata_array_init(&trailers);
    grpc_status_code code = GRPC_STATUS_UNKNOWN;
    grpc_slice details = grpc_empty_slice();
    const grpc_op ops[] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                           {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
                           {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                           {.op = GRPC_OP_RECV_INITIAL_METADATA,
                            .data.recv_initial_metadata.recv_initial_metadata = &headers},
                           {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &answer},
                           {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                            .data.recv_status_on_client = {.trailing_metadata = &trailers,
                                                           .status = &code,
                                                           .status_details = &details}}};
    assert_int_equal(grpc_call_start_batch(call, ops, 6, call, NULL), GRPC_CALL_OK);
    grpc_completion_queue_pluck(queue, call, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_call_unref(call);
    grpc_byte_buffer_destroy(message);
    if (answer != NULL)
        grpc_byte_buffer_destroy(answer);
    grpc_slice_unref(slice);
    grpc_slice_unref(details);
    grpc_metadata_array_destroy(&headers);
    grpc_metadata_array_destroy(&trailers);
    grpc_completion_queue_shutdown(queue);
    while (
        grpc_completion_queue_pluck(queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(queue);
    grpc_channel_destroy(channel);
    grpc_channel_credentials_release(credentials);
    return code;
}

/* 256 MiB of zeros are 256 kB of gzip, within the bound on messages; nobody may expand them. */
static void compressed_messages_are_not_expanded(void **state)
{
    (void)state;
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){0});
    struct rusage before, after;
    assert_int_equal(call_compressed(&server, 1000), GRPC_STATUS_UNIMPLEMENTED);
    getrusage(RUSAGE_SELF, &before);
    assert_int_equal(call_compressed(&server, 256 << 20), GRPC_STATUS_UNIMPLEMENTED);
    getrusage(RUSAGE_SELF, &after);
    /* The client's own 256 MiB are in it; the server's would come on top. */
    assert_true(after.ru_maxrss - before.ru_maxrss < (256 + 128) * 1024);
    serves_others(&server);
    echo_stop(&server, 5);
}

/* --- garbage --- */

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static void bytes_that_are_no_http2(void **state)
{
    (void)state;
    echo server = {0};
    uint64_t seed = 11;
    echo_start(&server, (kin_rpc_server_options){.handshake_seconds = 2});
    static const char *const sayings[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", /* the beginning of TLS */
        PREFACE "GET / HTTP/1.1\r\n\r\n",
        PREFACE,
        "PRI * HTTP/2.0",
    };
    for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
        int fd = dial(&server);
        say(fd, sayings[i], strlen(sayings[i]), 20);
        close(fd);
    }
    for (int round = 0; round < 200; round++) {
        uint8_t bytes[1000];
        size_t size = random_bits(&seed) % sizeof bytes, from = 0;
        if (round % 2 == 1) {
            from = strlen(PREFACE);
            memcpy(bytes, PREFACE, from);
        }
        for (size_t i = from; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)random_bits(&seed);
        int fd = dial(&server);
        say(fd, bytes, size < from ? from : size, 2);
        close(fd);
    }
    serves_others(&server);
    echo_stop(&server, 5);
}

/* --- damaged calls --- */

struct recorder {
    pthread_t thread;
    int listener;
    char target[64];
    uint8_t bytes[4096];
    size_t size;
};

/* Plays the beginning of a server, and writes down what the client says. */
static void *record(void *of)
{
    static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    struct recorder *self = of;
    int fd = accept(self->listener, NULL, NULL);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (fd < 0 || send(fd, settings, sizeof settings, MSG_NOSIGNAL) < 0)
        return NULL;
    while (self->size < sizeof self->bytes && poll(&wait, 1, 500) > 0) {
        ssize_t got = recv(fd, self->bytes + self->size, sizeof self->bytes - self->size, 0);
        if (got <= 0)
            break;
        self->size += (size_t)got;
    }
    close(fd);
    return NULL;
}

/* The bytes of a whole call: preface, settings, headers, message. */
static void record_call(struct recorder *self)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *self = (struct recorder){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(self->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(self->listener, 1), 0);
    assert_int_equal(getsockname(self->listener, (struct sockaddr *)&address, &length), 0);
    snprintf(self->target, sizeof self->target, "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&self->thread, NULL, record, self), 0);

    kin_rpc_channel *channel;
    const kin_rpc_channel_options options = {.token = "token"};
    echo_message request = KINDRED__TEST__ECHO__INIT;
    kin_error err = {0};
    request.text = "a text to be damaged";
    assert_int_equal(kin_rpc_channel_open(self->target, &options, &channel, &err), KIN_OK);
    assert_int_not_equal(echo_call(channel, ECHO_PATH("Unary"), &request, 2, NULL, &err),
                         KIN_RPC_OK);
    pthread_join(self->thread, NULL);
    kin_rpc_channel_close(channel);
    close(self->listener);
    assert_true(self->size > 100);
    assert_memory_equal(self->bytes, PREFACE, strlen(PREFACE));
}

static void damaged_calls(void **state)
{
    (void)state;
    static struct recorder recorded;
    uint64_t seed = 5;
    echo server = {0};
    record_call(&recorded);
    echo_start(&server, (kin_rpc_server_options){.handshake_seconds = 2, .stall_seconds = 1});
    int fd = dial(&server);
    say(fd, recorded.bytes, recorded.size, 100);
    close(fd);
    echo_await(&server.seen.codes[KIN_RPC_OK], 1); /* undamaged, it is a call */
    for (int round = 0; round < 600; round++) {
        uint8_t bytes[sizeof recorded.bytes];
        size_t size = recorded.size, preface = round % 8 == 0 ? 0 : strlen(PREFACE);
        memcpy(bytes, recorded.bytes, size);
        for (int i = 0; i < 1 + round % 5; i++) {
            size_t at = preface + random_bits(&seed) % (size - preface);
            bytes[at] = round % 3 == 0 ? (uint8_t)(bytes[at] ^ (1u << random_bits(&seed) % 8))
                                       : (uint8_t)random_bits(&seed);
        }
        if (round % 4 == 3)
            size = random_bits(&seed) % size;
        fd = dial(&server);
        say(fd, bytes, size, 3);
        close(fd);
    }
    serves_others(&server);
    echo_stop(&server, 5);
}

/* --- silence --- */

enum { IDLE = 1000 };

static void idle_connections(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 3 * IDLE) {
        print_message("[   SKIP   ] %d file descriptors are not to be had\n", 3 * IDLE);
        return;
    }
    static int fds[IDLE];
    echo server = {0};
    kin_error err = {0};
    echo_start(&server, (kin_rpc_server_options){.handshake_seconds = 2});
    kin_rpc_channel *channel = echo_channel(&server);
    for (size_t i = 0; i < IDLE; i++) {
        fds[i] = dial(&server);
        if (i % 2 == 0) /* half of them begin */
            assert_true(send(fds[i], PREFACE, strlen(PREFACE), MSG_NOSIGNAL) > 0);
        if (i % 10 == 0)
            assert_int_equal(echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 20, NULL, &err),
                             KIN_RPC_OK);
    }
    serves_others(&server);
    /* They are let go, by and by. */
    for (size_t i = 0; i < IDLE; i++) {
        assert_true(say(fds[i], NULL, 0, 20000));
        close(fds[i]);
    }
    kin_rpc_channel_close(channel);
    echo_stop(&server, 5);
}

/* Nobody has to wait for those who say nothing when the server stops. */
static void silent_connections_do_not_hold_up_a_stop(void **state)
{
    (void)state;
    int fds[50];
    echo server = {0};
    echo_start(&server, (kin_rpc_server_options){.handshake_seconds = 3600});
    for (size_t i = 0; i < 50; i++) {
        fds[i] = dial(&server);
        if (i % 2 == 0)
            assert_true(send(fds[i], PREFACE, strlen(PREFACE), MSG_NOSIGNAL) > 0);
    }
    serves_others(&server);
    double before = kin_clock_monotonic();
    echo_stop(&server, 600);
    assert_true(kin_clock_monotonic() - before < 60);
    for (size_t i = 0; i < 50; i++)
        close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oversized_messages),
        cmocka_unit_test(messages_that_swell),
        cmocka_unit_test(oversized_metadata),
        cmocka_unit_test(compressed_messages_are_not_expanded),
        cmocka_unit_test(bytes_that_are_no_http2),
        cmocka_unit_test(damaged_calls),
        cmocka_unit_test(idle_connections),
        cmocka_unit_test(silent_connections_do_not_hold_up_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
