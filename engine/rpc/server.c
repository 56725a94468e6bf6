/* The server's life. */
#include "rpc/server.h"

#include <errno.h>
#include <grpc/support/time.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "internal.h"

/* --- addresses --- */

/* "unix:/PATH" or HOST:PORT: gRPC would take more, and port 99999 for 34463. */
static bool is_address(const char *address)
{
    if (strncmp(address, "unix:/", 6) == 0)
        return true;
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon == address)
        return false;
    size_t digits = strspn(colon + 1, "0123456789");
    return digits >= 1 && digits <= 5 && colon[1 + digits] == '\0' &&
           strtoul(colon + 1, NULL, 10) <= UINT16_MAX;
}

/* gRPC takes away whatever socket lies at a path, a living server's too. */
static bool socket_is_served(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return false; /* gRPC refuses it */
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool served = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return served;
}

static kin_status bind_address(kin_rpc_server *server, size_t at, kin_error *err)
{
    const char *address = server->options.addresses[at];
    kin_rpc_credentials *credentials = &server->credentials[at];
    if (!is_address(address))
        return kin_fail(err, KIN_E_ARG, address, "an address is HOST:PORT or unix:/PATH");
    if (strncmp(address, "unix:/", 6) == 0 && socket_is_served(address + 5))
        return kin_fail(err, KIN_E_IO, address, "another server listens there");
    kin_status status = kin_rpc_credentials_make(server, credentials, err);
    if (status != KIN_OK)
        return status;
    server->ports[at] = grpc_server_add_http2_port(server->grpc, address, credentials->grpc);
    if (server->ports[at] == 0)
        return kin_fail(err, KIN_E_IO, address,
                        "cannot listen there: in use, not allowed, or no address");
    return KIN_OK;
}

/* --- start --- */

static kin_status prepare(kin_rpc_server *server, kin_error *err)
{
    size_t count = server->options.address_count;
    if (count == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "no address to listen at");
    server->credentials = calloc(count, sizeof server->credentials[0]);
    server->ports = calloc(count, sizeof server->ports[0]);
    if (server->credentials == NULL || server->ports == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a server");
    kin_status status = kin_rpc_credentials_begin(server, err);
    if (status != KIN_OK)
        return status;
    status = kin_rpc_guard_new(server, &server->guard, err);
    if (status != KIN_OK)
        return status;
    server->quota = grpc_resource_quota_create("kindred");
    grpc_resource_quota_resize(server->quota, server->options.memory_bytes);
    grpc_arg args[KIN_RPC_ARGS_MAX];
    const grpc_channel_args all = {.num_args = kin_rpc_server_args(server, args), .args = args};
    server->grpc = grpc_server_create(&all, NULL);
    status = kin_rpc_threads_init(server, err);
    for (size_t i = 0; i < count && status == KIN_OK; i++)
        status = bind_address(server, i, err);
    return status;
}

kin_status kin_rpc_server_start(const kin_rpc_server_options *options, kin_rpc_server **out,
                                kin_error *err)
{
    *out = NULL;
    kin_rpc_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a server");
    server->options = *options;
    kin_rpc_options_default(&server->options);
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->pem_lock, NULL);
    pthread_cond_init(&server->ended, NULL);
    pthread_cond_init(&server->threads.wanted, NULL);
    server->log = (kin_rpc_log_sink){.complain = options->complain, .ctx = options->ctx};

    sigset_t all, before;
    sigfillset(&all); /* gRPC's own threads take no signals either */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    kin_rpc_log_begin(&server->log);
    grpc_init();
    kin_status status = prepare(server, err);
    if (status == KIN_OK) {
        grpc_server_start(server->grpc);
        kin_rpc_guard_begin(server->guard);
        status = kin_rpc_threads_start(server, err);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != KIN_OK) {
        kin_rpc_server_stop(server, 0.0);
        return status;
    }
    *out = server;
    return KIN_OK;
}

int kin_rpc_server_port(const kin_rpc_server *server, size_t at)
{
    return at < server->options.address_count ? server->ports[at] : 0;
}

void kin_rpc_server_renew(kin_rpc_server *server)
{
    atomic_fetch_add(&server->renewals, 1);
}

unsigned kin_rpc_server_running(const kin_rpc_server *server, kin_rpc_class class)
{
    return atomic_load(&server->running[class]);
}

/* --- stop --- */

/* Takes no new calls, waits, cancels, waits for the last.  False when it had to cancel. */
static bool shut_down(kin_rpc_server *server, double seconds)
{
    grpc_completion_queue *events = grpc_completion_queue_create_for_pluck(NULL);
    gpr_timespec patience = gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC),
        gpr_time_from_nanos((int64_t)(fmin(fmax(seconds, 0.0), 1e9) * 1e9), GPR_TIMESPAN));
    grpc_server_shutdown_and_notify(server->grpc, events, server);
    grpc_event event = grpc_completion_queue_pluck(events, server, patience, NULL);
    bool in_time = event.type == GRPC_OP_COMPLETE;
    if (!in_time) {
        grpc_server_cancel_all_calls(server->grpc);
        do {
            event = grpc_completion_queue_pluck(events, server, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                                NULL);
        } while (event.type != GRPC_OP_COMPLETE);
    }
    grpc_completion_queue_shutdown(events);
    grpc_completion_queue_destroy(events);
    return in_time;
}

bool kin_rpc_server_stop(kin_rpc_server *server, double seconds)
{
    bool in_time = true;
    if (server == NULL)
        return in_time;
    atomic_store(&server->stopping, true);
    if (server->grpc != NULL)
        in_time = shut_down(server, seconds);
    kin_rpc_threads_stop(server);
    if (server->grpc != NULL)
        grpc_server_destroy(server->grpc);
    for (size_t i = 0; server->credentials != NULL && i < server->options.address_count; i++)
        if (server->credentials[i].grpc != NULL)
            grpc_server_credentials_release(server->credentials[i].grpc);
    if (server->quota != NULL)
        grpc_resource_quota_unref(server->quota);
    kin_rpc_guard_free(server->guard);
    grpc_shutdown();
    kin_rpc_log_end(&server->log);
    pthread_cond_destroy(&server->threads.wanted);
    pthread_cond_destroy(&server->ended);
    pthread_mutex_destroy(&server->pem_lock);
    pthread_mutex_destroy(&server->lock);
    free(server->credentials);
    free(server->ports);
    free(server);
    return in_time;
}
