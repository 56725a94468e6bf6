#include "service/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "service/http_address.h"
#include "service/http_lives.h"

enum {
    CONNECTION_MEMORY = 32 * 1024, /* request line and headers of a connection, and the answer's */
    BACKLOG = 128
};

const kin_http_bounds kin_http_bounds_default = {
    .connections = KIN_HTTP_CONNECTIONS_MAX,
    .connections_per_address = 16,
    .silence_seconds = 10,
    .life_seconds = 30,
};

struct kin_http {
    struct MHD_Daemon *daemon;
    kin_http_lives *lives;
    const kin_http_page *pages;
    size_t page_count;
};

/* --- answers --- */

static const char unknown_page[] = "not found\n", wrong_method[] = "only GET and HEAD are served\n",
                  no_memory[] = "out of memory\n";

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status, const char *type,
                             struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO; /* closes the connection */
    enum MHD_Result result = MHD_NO;
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
        (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
         MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response); /* the queue has a reference of its own */
    return result;
}

static enum MHD_Result queue_text(struct MHD_Connection *connection, unsigned status,
                                  const char *text)
{
    return queue(connection, status, "text/plain; charset=utf-8",
                 MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                 MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result queue_page(struct MHD_Connection *connection, const kin_http_page *page)
{
    char *body = NULL;
    size_t size = 0;
    unsigned status = page->make(page->ctx, &body, &size);
    if (body == NULL)
        return queue_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, no_memory);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(body);
    return queue(connection, status, page->type, response);
}

/* Called when a request's headers are complete.  It is answered there and then, so that a body is
 * never waited for. */
static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    kin_http *http = ctx;
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)request;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return queue_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, wrong_method);
    for (size_t i = 0; i < http->page_count; i++)
        if (strcmp(url, http->pages[i].path) == 0)
            return queue_page(connection, &http->pages[i]);
    return queue_text(connection, MHD_HTTP_NOT_FOUND, unknown_page);
}

/* --- connections --- */

static void note_connection(void *ctx, struct MHD_Connection *connection, void **life,
                            enum MHD_ConnectionNotificationCode what)
{
    kin_http *http = ctx;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        kin_http_life_end(http->lives, *life);
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *life = info != NULL ? kin_http_life_begin(http->lives, info->connect_fd) : NULL;
}

static kin_status start_daemon(kin_http *http, const char *address, const kin_http_bounds *bounds,
                               kin_error *err)
{
    kin_http_address at;
    kin_status status = kin_http_address_parse(address, &at, err);
    if (status != KIN_OK)
        return status;
    /* Without MHD_USE_ERROR_LOG it keeps what it has to say to itself. */
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
                     (at.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    errno = 0;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, answer, http, MHD_OPTION_SOCK_ADDR, &at.any,
        MHD_OPTION_CONNECTION_LIMIT, bounds->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        bounds->connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT, bounds->silence_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BACKLOG, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, note_connection, http, MHD_OPTION_END);
    if (http->daemon != NULL)
        return KIN_OK;
    if (errno == 0)
        return kin_fail(err, KIN_E_IO, address, "cannot serve HTTP there");
    /* Not the status that errno would give: a missing address is no missing file. */
    kin_fail_errno(err, address, "cannot serve HTTP there");
    if (err != NULL)
        err->code = KIN_E_IO;
    return KIN_E_IO;
}

kin_status kin_http_start_bounded(const char *address, const kin_http_page *pages, size_t count,
                                  const kin_http_bounds *bounds, kin_http **out, kin_error *err)
{
    if (bounds->connections < 1 || bounds->connections > KIN_HTTP_CONNECTIONS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "an HTTP server takes 1 to %d connections",
                        KIN_HTTP_CONNECTIONS_MAX);
    kin_http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an HTTP server");
    http->pages = pages;
    http->page_count = count;
    kin_status status =
        kin_http_lives_new(KIN_HTTP_CONNECTIONS_MAX, bounds->life_seconds, &http->lives, err);
    if (status == KIN_OK)
        status = start_daemon(http, address, bounds, err);
    if (status != KIN_OK) {
        kin_http_stop(http);
        return status;
    }
    *out = http;
    return KIN_OK;
}

kin_status kin_http_start(const char *address, const kin_http_page *pages, size_t count,
                          kin_http **out, kin_error *err)
{
    return kin_http_start_bounded(address, pages, count, &kin_http_bounds_default, out, err);
}

int kin_http_port(const kin_http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info != NULL ? info->port : 0;
}

void kin_http_stop(kin_http *http)
{
    if (http == NULL)
        return;
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon); /* ends all connections, so that no life is left */
    kin_http_lives_free(http->lives);
    free(http);
}
