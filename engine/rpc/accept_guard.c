/*
 * A guard on accepted connections.
 *
 * gRPC 1.51 stops listening, for good, when accept4(2) fails for want of file descriptors: whoever
 * opens enough connections makes a server deaf without having said a word.  So connections must not
 * take the last descriptors.  gRPC shows each accepted socket to a "socket mutator"; one whose number
 * is too high is shut down there (gRPC reads its end and closes it), and the listening sockets get a
 * filter that drops what would become a connection, until there is room again: gRPC accepts all that
 * wait before it closes any.  Clients' own TCP tries again meanwhile.  What is in the queue already,
 * which is kept short, fits the descriptors in reserve.
 *
 * The mutator's structure is gRPC's own (src/core/lib/iomgr/socket_mutator.h) and written down again
 * here; the build, and a check at run time, hold it to the version that was read.
 */
#include <fcntl.h>
#include <grpc/support/sync.h>
#include <linux/filter.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "internal.h"

enum {
    RESERVE_SHARE = 4, /* a quarter of the descriptors is not for connections … */
    RESERVE_MIN = 64,  /* … and no fewer than these */
    BACKLOG_MIN = 16,
    BACKLOG_MAX = 4096,
    ROOM_SHARE = 16, /* the doors open when a sixteenth of the bound is free again */
    COMPLAIN_SECONDS = 60
};

/* --- gRPC's --- */

enum usage { CLIENT_CONNECTION, SERVER_LISTENER, SERVER_CONNECTION };

struct socket_info {
    int fd;
    enum usage usage;
};

struct mutator;

struct mutator_functions {
    bool (*mutate_fd)(int fd, struct mutator *mutator);
    int (*compare)(struct mutator *a, struct mutator *b);
    void (*destroy)(struct mutator *mutator);
    bool (*mutate_fd_2)(const struct socket_info *info, struct mutator *mutator);
};

struct mutator {
    const struct mutator_functions *functions;
    gpr_refcount references;
};

/* --- ours --- */

struct kin_rpc_guard {
    struct mutator mutator; /* first: gRPC gives its address back */
    int number_max;         /* of a connection's descriptor */
    int backlog;
    int *listeners; /* descriptors */
    size_t listener_count, listener_max;
    pthread_mutex_t lock;   /* guards what follows */
    kin_rpc_server *server; /* NULL: gone */
    bool closed;            /* the listeners have their filter */
    double complained;
};

/* Of what comes to the socket nothing passes. */
static void close_door(int listener)
{
    struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    const struct sock_fprog program = {.len = 1, .filter = nothing};
    setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void open_door(int listener)
{
    int unused = 0;
    setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

/* Under the guard's lock. */
static void complain(kin_rpc_guard *guard)
{
    const kin_rpc_server_options *options = &guard->server->options;
    double now = kin_clock_monotonic();
    if (options->complain == NULL || now - guard->complained < COMPLAIN_SECONDS)
        return;
    char text[128];
    guard->complained = now;
    snprintf(text, sizeof text,
             "connections are turned away: %d file descriptors are in use (ulimit -n)",
             guard->number_max);
    options->complain(options->ctx, text);
}

static void turn_away(kin_rpc_guard *guard, int fd)
{
    shutdown(fd, SHUT_RDWR);
    pthread_mutex_lock(&guard->lock);
    if (guard->server != NULL && !guard->closed) {
        guard->closed = true;
        for (size_t i = 0; i < guard->listener_count; i++)
            close_door(guard->listeners[i]);
        pthread_mutex_lock(&guard->server->lock);
        kin_rpc_steward_expect(&guard->server->steward);
        pthread_mutex_unlock(&guard->server->lock);
    }
    if (guard->server != NULL)
        complain(guard);
    pthread_mutex_unlock(&guard->lock);
}

bool kin_rpc_guard_reopen(kin_rpc_guard *guard)
{
    pthread_mutex_lock(&guard->lock);
    if (guard->closed && guard->listener_count > 0) {
        /* The lowest number that is free: where the next connection would be. */
        int next = fcntl(guard->listeners[0], F_DUPFD_CLOEXEC, 0);
        if (next >= 0)
            close(next);
        guard->closed = next < 0 || next >= guard->number_max - guard->number_max / ROOM_SHARE;
        for (size_t i = 0; i < guard->listener_count && !guard->closed; i++)
            open_door(guard->listeners[i]);
    }
    bool open = !guard->closed;
    pthread_mutex_unlock(&guard->lock);
    return open;
}

/* False would make gRPC stop listening. */
static bool look_at_socket(const struct socket_info *info, struct mutator *mutator)
{
    kin_rpc_guard *guard = (struct kin_rpc_guard *)mutator;
    /* Descriptors are numbered from below: at this number so many are in use. */
    if (info->usage == SERVER_CONNECTION && info->fd >= guard->number_max)
        turn_away(guard, info->fd);
    if (info->usage == SERVER_LISTENER && guard->listener_count < guard->listener_max)
        guard->listeners[guard->listener_count++] = info->fd;
    return true;
}

static void destroy_guard(struct mutator *mutator)
{
    kin_rpc_guard *guard = (struct kin_rpc_guard *)mutator;
    pthread_mutex_destroy(&guard->lock);
    free(guard->listeners);
    free(guard);
}

static bool look_at_fd(int fd, struct mutator *mutator)
{
    (void)fd, (void)mutator; /* gRPC prefers the other one */
    return true;
}

static int compare_guards(struct mutator *a, struct mutator *b)
{
    return (a > b) - (a < b);
}

static const struct mutator_functions functions = {
    .mutate_fd = look_at_fd,
    .compare = compare_guards,
    .destroy = destroy_guard,
    .mutate_fd_2 = look_at_socket,
};

/* --- the argument that carries it --- */

static void *copy_argument(void *of)
{
    gpr_ref(&((struct mutator *)of)->references);
    return of;
}

static void release_argument(void *of)
{
    struct mutator *mutator = of;
    if (gpr_unref(&mutator->references))
        mutator->functions->destroy(mutator);
}

static int compare_arguments(void *a, void *b)
{
    return compare_guards(a, b);
}

static const grpc_arg_pointer_vtable argument_functions = {
    .copy = copy_argument, .destroy = release_argument, .cmp = compare_arguments};

grpc_arg kin_rpc_guard_arg(kin_rpc_guard *guard)
{
    return (grpc_arg){.type = GRPC_ARG_POINTER,
                      .key = (char *)GRPC_ARG_SOCKET_MUTATOR,
                      .value.pointer = {guard, &argument_functions}};
}

/* --- life --- */

kin_status kin_rpc_guard_new(kin_rpc_server *server, kin_rpc_guard **out, kin_error *err)
{
    struct rlimit limit;
    *out = NULL;
    if (strncmp(grpc_version_string(), "29.", 3) != 0)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "gRPC's core is %s, not 29 (gRPC 1.51)",
                        grpc_version_string());
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return kin_fail_errno(err, NULL, "cannot read the limit on file descriptors");
    kin_rpc_guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a server");
    /* A name may stand for an address of each family. */
    guard->listener_max = 2 * server->options.address_count;
    guard->listeners = calloc(guard->listener_max, sizeof guard->listeners[0]);
    if (guard->listeners == NULL) {
        free(guard);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a server");
    }
    int descriptors = limit.rlim_cur < INT32_MAX ? (int)limit.rlim_cur : INT32_MAX;
    int reserve = descriptors / RESERVE_SHARE;
    reserve = reserve > RESERVE_MIN ? reserve : RESERVE_MIN;
    guard->number_max = descriptors - reserve;
    guard->backlog = reserve / 2 < BACKLOG_MIN ? BACKLOG_MIN : reserve / 2;
    guard->backlog = guard->backlog < BACKLOG_MAX ? guard->backlog : BACKLOG_MAX;
    guard->mutator.functions = &functions;
    guard->server = server;
    guard->complained = -INFINITY;
    gpr_ref_init(&guard->mutator.references, 1);
    pthread_mutex_init(&guard->lock, NULL);
    *out = guard;
    return KIN_OK;
}

void kin_rpc_guard_begin(kin_rpc_guard *guard)
{
    for (size_t i = 0; i < guard->listener_count; i++)
        listen(guard->listeners[i], guard->backlog); /* sets the queue's length anew */
}

void kin_rpc_guard_free(kin_rpc_guard *guard)
{
    if (guard == NULL)
        return;
    pthread_mutex_lock(&guard->lock);
    guard->server = NULL;
    pthread_mutex_unlock(&guard->lock);
    release_argument(guard); /* gRPC may still hold it */
}
