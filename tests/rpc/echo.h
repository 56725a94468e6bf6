/*
 * echo.h - a server for tests, whose methods do what their requests say.
 *
 *   Unary    answers with the request
 *   Hold     unary: waits for echo_release() or its own end, and says which (text "released", …)
 *   Collect  client stream: answers with the number of requests and their payloads' bytes
 *   Spread   server stream: `count` responses with `size` bytes of payload each
 *   Chat     both stream: answers each request with itself
 *   Silent   unary: gives no response
 */
#ifndef KIN_TEST_ECHO_H
#define KIN_TEST_ECHO_H

#include <pthread.h>
#include <stdatomic.h>

#include "echo.pb-c.h"
#include "rpc/channel.h"
#include "rpc/server.h"

#define ECHO_PATH(method) "/kindred.test.Echo/" method

/* What the hooks saw. */
typedef struct echo_seen {
    atomic_uint admitted, finished;
    atomic_uint complaints, grpc_lines; /* of the server's own, and of gRPC's log */
    atomic_uint codes[17];              /* of `finish` */
    atomic_uint held;                   /* calls that Hold holds now */
    atomic_uint ended_early;            /* that Hold saw end by themselves */
    char path[256];                     /* of the last call that finished */
    char peer[128];
    char complaint[512];
    char text[1100];
} echo_seen;

typedef struct echo {
    kin_rpc_method *methods;
    pthread_mutex_t lock; /* guards the texts of `seen` while calls run */
    kin_rpc_server *server;
    echo_seen seen;
    atomic_bool released;
    kin_rpc_code admit_code, finish_code; /* what the hooks say; OK */
    char address[128];                    /* for channels */
} echo;

/* Fills in methods, hooks and, where none are given, the address 127.0.0.1:0. */
void echo_start(echo *out, kin_rpc_server_options options);
/* The same, returning the failure. */
kin_status echo_try_start(echo *out, kin_rpc_server_options options, kin_error *err);
void echo_stop(echo *server, double seconds);
void echo_release(echo *server);
/* Waits until `counter` is at least `value`; fails the test after 10 s. */
void echo_await(atomic_uint *counter, unsigned value);
/* Waits until either counter is above 0, likewise. */
void echo_await_either(atomic_uint *one, atomic_uint *other);

kin_rpc_channel *echo_channel(const echo *server);
/* Calls a unary method; *out (may be NULL) is freed with kin_rpc_message_free(). */
kin_rpc_code echo_call(kin_rpc_channel *channel, const char *path,
                       const Kindred__Test__Echo *request, double seconds,
                       Kindred__Test__Echo **out, kin_error *err);
/* Begins a stream, which must succeed. */
kin_rpc_stream *echo_begin(kin_rpc_channel *channel, const char *path, double seconds);
/* A stream's code at its end, its messages left aside. */
kin_rpc_code echo_end_of(kin_rpc_stream *stream, kin_error *err);

#endif
