/* More connections than file descriptors: gRPC 1.51 by itself would never accept another one. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo.h"

enum { DESCRIPTORS = 256, CONNECTIONS = 1500 };

static const Kindred__Test__Echo NOTHING = KINDRED__TEST__ECHO__INIT;

/* A server in a process of its own, with few descriptors.  This process has used no gRPC before: it
 * does not survive a fork. */
static pid_t start_server(int *port)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
        static echo server;
        kin_error err = {0};
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
            echo_try_start(&server, (kin_rpc_server_options){.handshake_seconds = 3600}, &err) !=
                KIN_OK)
            _exit(1);
        *port = kin_rpc_server_port(server.server, 0);
        if (write(ends[1], port, sizeof *port) != sizeof *port)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ends[0], port, sizeof *port), sizeof *port);
    close(ends[0]);
    close(ends[1]);
    return child;
}

static kin_rpc_channel *open_channel(int port)
{
    kin_rpc_channel *channel = NULL;
    kin_error err = {0};
    char target[64];
    const kin_rpc_channel_options options = {0};
    snprintf(target, sizeof target, "127.0.0.1:%d", port);
    assert_int_equal(kin_rpc_channel_open(target, &options, &channel, &err), KIN_OK);
    return channel;
}

static void is_served(kin_rpc_channel *channel)
{
    kin_error err = {0};
    kin_rpc_code code = echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 30, NULL, &err);
    if (code != KIN_RPC_OK)
        fail_msg("%s: %s", kin_rpc_code_name(code), err.message);
}

static void connect_often(int port, int fds[CONNECTIONS])
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fds[i] >= 0);
        int ignored = connect(fds[i], (const struct sockaddr *)&address, sizeof address);
        (void)ignored; /* in progress, or refused: both are fine */
    }
}

static void a_server_outlives_more_connections_than_it_can_have(void **state)
{
    (void)state;
    static int fds[CONNECTIONS];
    struct rlimit limit;
    int port;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < CONNECTIONS + 100 || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        print_message("[   SKIP   ] %d file descriptors are not to be had\n", CONNECTIONS + 100);
        return;
    }
    pid_t child = start_server(&port);
    kin_rpc_channel *before = open_channel(port);
    is_served(before);
    for (int round = 0; round < 3; round++) {
        connect_often(port, fds);
        for (int i = 0; i < 20; i++)
            is_served(before);
        for (size_t i = 0; i < CONNECTIONS; i++)
            close(fds[i]);
        kin_rpc_channel *after = open_channel(port);
        is_served(after);
        kin_rpc_channel_close(after);
    }
    kin_rpc_channel_close(before);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it lives */
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_outlives_more_connections_than_it_can_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
