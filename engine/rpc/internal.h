/*
 * internal.h - what the files of the server tell each other.
 *
 *   server.c       the server's life: binding, stopping
 *   server_args.c  gRPC's own limits
 *   credentials.c  certificates and their renewal
 *   threads.c      completion queues, the threads that poll them, and calls' slots
 *   steward.c      the thread that sees to queues left alone
 *   call_life.c    one call from its headers to its status
 *   call.c         receiving and sending in it
 *   call_view.c    what its handler can ask about it
 *   accept_guard.c that connections leave some file descriptors
 *   grpc_log.c     what gRPC itself has to say
 */
#ifndef KIN_RPC_INTERNAL_H
#define KIN_RPC_INTERNAL_H

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdatomic.h>

#include "rpc/server.h"

enum {
    KIN_RPC_TEXT_MAX = 1000, /* bytes of a failure's text */
    KIN_RPC_PATH_MAX = 200   /* of an unknown method, as it is shown */
};

/* --- completion queues and threads --- */

/* A completion queue on which calls are announced.  Counted under the server's lock. */
typedef struct kin_rpc_queue {
    grpc_completion_queue *events;
    kin_rpc_server *server;
    unsigned pollers; /* threads that wait at it */
} kin_rpc_queue;

typedef struct kin_rpc_threads {
    pthread_t *started; /* all of them, for joining */
    size_t count, max;
    pthread_cond_t wanted;  /* parked threads wait here … */
    unsigned parked, woken; /* … and leave it one by one as `woken` says */
    bool quitting;
} kin_rpc_threads;

typedef struct kin_rpc_steward {
    pthread_t thread;
    int timer; /* timerfd_create(2) */
    bool started;
    bool ticking; /* the timer is set; under the server's lock */
} kin_rpc_steward;

/* Lines of gRPC's log on their way to `complain`; one in the process gets them. */
typedef struct kin_rpc_log_sink {
    void (*complain)(void *ctx, const char *text);
    void *ctx;
    double window;     /* when the count began */
    unsigned lines;    /* told in this window */
    unsigned unspoken; /* and not told */
    struct kin_rpc_log_sink *next;
} kin_rpc_log_sink;

/* Certificates of one address: gRPC asks for each by itself whether they have changed. */
typedef struct kin_rpc_credentials {
    kin_rpc_server *server;
    grpc_server_credentials *grpc;
    unsigned seen; /* the server's `renewals` that they are of; under its pem_lock */
} kin_rpc_credentials;

typedef struct kin_rpc_guard kin_rpc_guard;

struct kin_rpc_server {
    kin_rpc_server_options options; /* with defaults filled in */
    grpc_server *grpc;
    grpc_resource_quota *quota;
    kin_rpc_guard *guard;
    kin_rpc_log_sink log;

    kin_rpc_credentials *credentials; /* of each address */
    int *ports;
    pthread_mutex_t pem_lock;
    atomic_uint renewals;
    bool asks_clients; /* for certificates */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t ended; /* requested or live has become 0 */
    kin_rpc_queue *queues;
    size_t queue_count;
    kin_rpc_threads threads;
    kin_rpc_steward steward;
    double overlap_until; /* kin_clock_monotonic(): calls have overlapped lately */
    kin_rpc_call *free_slots;
    unsigned requested; /* slots that wait for a call */
    unsigned live;      /* slots with a call in them */

    atomic_uint working; /* methods that compute rather than wait for their clients */
    atomic_bool stopping;
    atomic_uint running[KIN_RPC_CLASSES];
};

/* --- calls --- */

/* A batch of operations that gRPC was given; its address is its tag. */
typedef struct kin_rpc_batch {
    bool pending;
} kin_rpc_batch;

/* A slot: used for one call after the other, as making its completion queue is not free. */
struct kin_rpc_call {
    kin_rpc_server *server;
    kin_rpc_queue *queue;          /* that announced it */
    grpc_completion_queue *events; /* of its batches; plucked */
    kin_rpc_call *next;            /* free slot */

    grpc_call *grpc;
    grpc_call_details details;
    grpc_metadata_array headers;

    const kin_rpc_method *method; /* NULL: unknown */
    bool entered;                 /* has a place in its method's class */
    bool works;                   /* counted in `working`, except while it waits */
    char path[KIN_RPC_PATH_MAX + 1];
    char *peer;          /* gpr_free() */
    char *header_texts;  /* "name\0value\0name\0value\0" */
    size_t header_bytes; /* used; 0: none */
    size_t header_capacity;
    bool headers_lost;      /* there was no memory for them */
    double began, deadline; /* kin_clock_monotonic(); INFINITY */
    void *data;

    kin_rpc_batch receiving, sending, closing;
    grpc_byte_buffer *received; /* of `receiving` */
    ProtobufCMessage *request;  /* the handler's until its next receive */
    bool prefetched;            /* `request` has not been handed out yet */
    bool half_closed;           /* the client has sent its last */
    bool headers_sent;
    grpc_byte_buffer *response; /* of a unary method, goes with the status */
    int cancelled;              /* of `closing` */
    atomic_bool over;           /* `closing` came, and said so */
    atomic_flag probing;        /* one thread at a time looks whether it came */
    _Atomic double probed;      /* when */
    char text[KIN_RPC_TEXT_MAX + 1];
};

/* threads.c.  Queues exist after kin_rpc_threads_init(); calls are taken after _start(). */
kin_status kin_rpc_threads_init(kin_rpc_server *server, kin_error *err);
kin_status kin_rpc_threads_start(kin_rpc_server *server, kin_error *err);
/* Once gRPC's server is down: waits for the last slot, ends queues and threads. */
void kin_rpc_threads_stop(kin_rpc_server *server);

/* Sees to it that somebody waits at each queue; under the server's lock. */
void kin_rpc_threads_attend(kin_rpc_server *server);
/* The call's work is done: what follows is gRPC's. */
void kin_rpc_call_rests(kin_rpc_call *call);
/* A thread that takes no signals: those are the program's main thread's. */
bool kin_rpc_thread_create(pthread_t *out, void *(*run)(void *of), void *of);

/* steward.c */
kin_status kin_rpc_steward_start(kin_rpc_server *server, kin_error *err);
/* Has the steward look soon; under the server's lock. */
void kin_rpc_steward_expect(kin_rpc_steward *steward);
/* Once `quitting` is set. */
void kin_rpc_steward_stop(kin_rpc_steward *steward);

/* call_life.c.  Slots are made for a server's life. */
kin_rpc_call *kin_rpc_call_new(kin_rpc_server *server);
void kin_rpc_call_free(kin_rpc_call *call);
/* Asks gRPC to put its next call into the slot and to announce it at the queue. */
bool kin_rpc_call_request(kin_rpc_call *call, kin_rpc_queue *queue);
/* Serves the call that gRPC has put into the slot, which kin_rpc_call_describe() has seen, until its
 * status is sent. */
void kin_rpc_call_serve(kin_rpc_call *call);
/* Lets go of what gRPC put there; the slot can be used again. */
void kin_rpc_call_reset(kin_rpc_call *call);

/* call.c */
typedef enum kin_rpc_outcome { KIN_RPC_DONE, KIN_RPC_FAILED, KIN_RPC_PENDING } kin_rpc_outcome;
bool kin_rpc_batch_start(kin_rpc_call *call, kin_rpc_batch *batch, const grpc_op *ops,
                         size_t count);
/* Waits until a batch is through or a moment of kin_clock_monotonic() has come. */
kin_rpc_outcome kin_rpc_batch_await(kin_rpc_call *call, kin_rpc_batch *batch, double until);
/* The end of the longest wait that begins now. */
double kin_rpc_call_patience(const kin_rpc_call *call);
/* Receives the one request of a method that takes one. */
kin_status kin_rpc_call_receive_only(kin_rpc_call *call, kin_error *err);
void kin_rpc_call_drop_request(kin_rpc_call *call);

/* call_view.c.  Fills in path, peer, headers, deadline and method. */
void kin_rpc_call_describe(kin_rpc_call *call);
void kin_rpc_call_forget(kin_rpc_call *call);

/* server_args.c */
enum { KIN_RPC_ARGS_MAX = 24 };
void kin_rpc_options_default(kin_rpc_server_options *options);
/* Returns their number. */
size_t kin_rpc_server_args(const kin_rpc_server *server, grpc_arg out[KIN_RPC_ARGS_MAX]);

/* credentials.c */
kin_status kin_rpc_credentials_begin(kin_rpc_server *server, kin_error *err);
kin_status kin_rpc_credentials_make(kin_rpc_server *server, kin_rpc_credentials *out,
                                    kin_error *err);

/* accept_guard.c.  The argument goes to gRPC's server; _begin() once it listens. */
kin_status kin_rpc_guard_new(kin_rpc_server *server, kin_rpc_guard **out, kin_error *err);
grpc_arg kin_rpc_guard_arg(kin_rpc_guard *guard);
void kin_rpc_guard_begin(kin_rpc_guard *guard);
/* Lets connections in again if there is room; whether they are let in. */
bool kin_rpc_guard_reopen(kin_rpc_guard *guard);
void kin_rpc_guard_free(kin_rpc_guard *guard);

/* grpc_log.c */
void kin_rpc_log_begin(kin_rpc_log_sink *sink);
void kin_rpc_log_end(kin_rpc_log_sink *sink);

#endif
