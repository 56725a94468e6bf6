/*
 * server.h - a gRPC server over gRPC's C core: connections, threads, calls and their bounds.
 *
 * Nothing here knows what is served.  A method is a path, the kind of its requests and a function
 * that runs on a thread of its own for as long as the call lasts, receives and sends messages, and
 * returns the call's status.  Completion queues are polled by threads that run handlers themselves,
 * so that a short call changes no thread; where the last poller of a queue takes up a call, another
 * thread takes its place: at once while calls overlap, else after half a millisecond (threads.c).
 * Calls beyond the bounds of their class are answered RESOURCE_EXHAUSTED at once, before anything of
 * them is read.
 *
 * Only this layer includes gRPC's headers, whose C interface is meant for language bindings and may
 * change; the build asks for the version that it was written for.
 */
#ifndef KIN_RPC_SERVER_H
#define KIN_RPC_SERVER_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpc/code.h"

typedef struct kin_rpc_server kin_rpc_server;
typedef struct kin_rpc_call kin_rpc_call;

/* Classes of methods, each with a bound of its own, so that one kind of work never takes the place
 * of another. */
typedef enum kin_rpc_class {
    KIN_RPC_QUERY,  /* short: searches, single images, stats */
    KIN_RPC_INGEST, /* uploads */
    KIN_RPC_ADMIN,  /* long: reindex, backup */
    KIN_RPC_WATCH,  /* streams that anybody may hold open: health's Watch, reflection */
    KIN_RPC_PROBE,  /* short, and asked without a token: health's Check */
    KIN_RPC_CLASSES
} kin_rpc_class;

typedef struct kin_rpc_method {
    const char *path; /* "/kindred.v1.KindredService/Search" */
    kin_rpc_class class;
    const ProtobufCMessageDescriptor *request;
    bool client_streams, server_streams; /* unary: neither */
    int role;                            /* for `admit`: what it means is the service's affair */
    kin_rpc_code (*run)(kin_rpc_call *call, void *ctx);
    void *ctx;
} kin_rpc_method;

/* PEM texts, NUL-terminated; NULL where there is none. */
typedef struct kin_rpc_pem {
    const char *certificate; /* chain of the server */
    const char *key;
    const char *client_ca; /* given: clients must show a certificate that it signed */
} kin_rpc_pem;

typedef struct kin_rpc_server_options {
    const kin_rpc_method *methods; /* borrowed for the server's life, as all of this */
    size_t method_count;
    const char *const *addresses; /* "127.0.0.1:7443", "[::1]:7443", "unix:/run/kindred.sock";
                                     port 0 takes a free one */
    size_t address_count;
    bool tls; /* `pem` is asked before the first handshake and again after kin_rpc_server_renew() */
    kin_status (*pem)(void *ctx, kin_rpc_pem *out, kin_error *err); /* texts live until the next
                                                                       call of pem */
    unsigned queues;                     /* completion queues; 0: one for eight processors */
    unsigned class_max[KIN_RPC_CLASSES]; /* running calls of each class; 0: 64 */
    unsigned streams_per_connection;     /* concurrent; 0: 100 */
    size_t message_bytes;                /* received; 0: 4 MiB.  Over it: RESOURCE_EXHAUSTED */
    size_t metadata_bytes;               /* of a call's headers; 0: 8 KiB */
    size_t memory_bytes;                 /* of gRPC's own buffers, all connections; 0: 512 MiB */
    double deadline_cap;      /* seconds that a unary call may take whatever it asks; 0: 300 */
    double stall_seconds;     /* longest wait for a client to send or take a message; 0: 60 */
    double idle_seconds;      /* a connection without calls is closed after it; 0: 900 */
    double handshake_seconds; /* for TLS and HTTP/2's beginning; 0: 10 */

    /* Asked once a call is known, before any of it is read; anything but KIN_RPC_OK ends it, with
     * the text that kin_rpc_call_fail() was given.  May hang its own data on the call
     * (kin_rpc_call_set_data).  NULL: everybody is admitted. */
    kin_rpc_code (*admit)(void *ctx, kin_rpc_call *call);
    /* Called when the call's work is over and before its status is sent.  May turn an OK into a
     * failure by returning it (the audit trail cannot be written).  For each call that was admitted
     * or refused by `admit` or a bound, unknown methods too. */
    kin_rpc_code (*finish)(void *ctx, kin_rpc_call *call, kin_rpc_code code);
    /* Something for the operator: a certificate that cannot be read, or, behind "gRPC: ", an error
     * that gRPC logs (failed handshakes, failed accepts; 20 a minute at most, and only the server
     * started last gets them).  Any thread, with locks held: it must not call this layer. */
    void (*complain)(void *ctx, const char *text);
    void *ctx;
} kin_rpc_server_options;

/* Binds and starts to serve.  KIN_E_IO: an address cannot be bound (the error's subject names it);
 * KIN_E_ARG: it is none, or TLS lacks its certificate; KIN_E_FORMAT: the certificate or key is bad. */
kin_status kin_rpc_server_start(const kin_rpc_server_options *options, kin_rpc_server **out,
                                kin_error *err);
/* The port that address number `at` got. */
int kin_rpc_server_port(const kin_rpc_server *server, size_t at);
/* Certificates have changed: later handshakes use what `pem` says then.  Any thread. */
void kin_rpc_server_renew(kin_rpc_server *server);
/* Takes no new calls; waits up to `seconds` for the running ones, then cancels them; returns when
 * none is left and frees the server.  False when calls were cancelled.  NULL is fine. */
bool kin_rpc_server_stop(kin_rpc_server *server, double seconds);
/* True once kin_rpc_server_stop() has begun: long-lived handlers (Watch) then return. */
bool kin_rpc_call_is_stopping(kin_rpc_call *call);
/* Running calls of a class, and connections' calls refused at a bound so far. */
unsigned kin_rpc_server_running(const kin_rpc_server *server, kin_rpc_class class);

/* --- a call, in its handler's thread --- */

/*
 * The next request; *out NULL when the client has sent its last.  It is the call's until the next
 * receive or the call's end.  A unary method gets exactly one.  KIN_E_CANCELLED (the client has
 * gone, or sent a message over the bound: gRPC tells it RESOURCE_EXHAUSTED and us no reason),
 * KIN_E_TIMEOUT (deadline or stall), KIN_E_FORMAT, KIN_E_LIMIT, KIN_E_NOMEM, KIN_E_UNSUPPORTED (it
 * is compressed): the handler returns kin_rpc_call_fail_with(call, err).
 */
kin_status kin_rpc_call_receive(kin_rpc_call *call, const ProtobufCMessage **out, kin_error *err);
/* Sends a response and waits until gRPC has room for the next; the response of a unary method goes
 * out together with its status.  KIN_E_CANCELLED, KIN_E_TIMEOUT as above. */
kin_status kin_rpc_call_send(kin_rpc_call *call, const ProtobufCMessage *message, kin_error *err);
/* The call was cancelled, its deadline is over, or its connection is gone.  Cheap enough to be
 * asked every millisecond; this shape fits `stop` hooks. */
bool kin_rpc_call_is_over(void *call);
/* Seconds until the deadline; large where there is none. */
double kin_rpc_call_seconds_left(const kin_rpc_call *call);

/* Sets the text of a failure and returns code.  Text is cut at 1,000 bytes. */
kin_rpc_code kin_rpc_call_fail(kin_rpc_call *call, kin_rpc_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from an error: "SUBJECT: MESSAGE"; a deadline that has passed wins over CANCELLED. */
kin_rpc_code kin_rpc_call_fail_with(kin_rpc_call *call, const kin_error *err);
const char *kin_rpc_call_text_borrow(const kin_rpc_call *call); /* of the failure, or "" */

/* NULL when the method is unknown (then path_borrow still says what was asked). */
const kin_rpc_method *kin_rpc_call_method(const kin_rpc_call *call);
const char *kin_rpc_call_path_borrow(const kin_rpc_call *call);
/* "ipv4:127.0.0.1:40000" */
const char *kin_rpc_call_peer_borrow(const kin_rpc_call *call);
/* Value of a header, or NULL; names are lower case. */
const char *kin_rpc_call_metadata_borrow(const kin_rpc_call *call, const char *name);
/* Calls visit for each name in the client's verified certificate: its common name, then its
 * subject alternative names; nonzero stops.  None without TLS. */
void kin_rpc_call_each_identity(const kin_rpc_call *call, int (*visit)(void *ctx, const char *name),
                                void *ctx);
double kin_rpc_call_began(const kin_rpc_call *call); /* kin_clock_monotonic() */
void kin_rpc_call_set_data(kin_rpc_call *call, void *data);
void *kin_rpc_call_data(const kin_rpc_call *call);

#endif
