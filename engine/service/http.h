/*
 * http.h - a small HTTP server for machines that look after us: GET and HEAD of a few fixed pages.
 *
 * By libmicrohttpd on one thread of its own.  A connection gets one answer and is closed.  Bounded
 * are: connections, all together and from one address (so that one neighbour cannot shut out the
 * others); the memory of each; how long it may be silent, and how long it may last whatever it
 * sends (a client that trickles bytes is never silent).  Requests' bodies are not read.  Pages are
 * made anew for each request; nothing of a patient is on them.
 */
#ifndef KIN_SERVICE_HTTP_H
#define KIN_SERVICE_HTTP_H

#include <stddef.h>

#include "base/status.h"

typedef struct kin_http kin_http;

typedef struct kin_http_page {
    const char *path; /* "/metrics" */
    const char *type; /* "text/plain; version=0.0.4" */
    /* Fills *body (from malloc) and returns the HTTP status, 200 or 503 say.  A NULL body tells of
     * missing memory.  Called on the server's thread only. */
    unsigned (*make)(void *ctx, char **body, size_t *size);
    void *ctx;
} kin_http_page;

enum { KIN_HTTP_CONNECTIONS_MAX = 64 };

typedef struct kin_http_bounds {
    unsigned connections;             /* at most KIN_HTTP_CONNECTIONS_MAX */
    unsigned connections_per_address; /* further ones are closed at once */
    unsigned silence_seconds;         /* without a byte either way */
    double life_seconds;              /* of a connection */
} kin_http_bounds;

/* 64 connections, 16 from an address, 10 seconds of silence, 30 of life. */
extern const kin_http_bounds kin_http_bounds_default;

/*
 * address: "127.0.0.1:7480", "[::1]:0" (port 0 takes a free one), "localhost:7480" (which is
 * 127.0.0.1); names are not resolved.  pages are borrowed for the server's life.  KIN_E_ARG: that
 * is no address; KIN_E_IO: it cannot be bound.
 */
kin_status kin_http_start(const char *address, const kin_http_page *pages, size_t count,
                          kin_http **out, kin_error *err);
/* The same with other bounds. */
kin_status kin_http_start_bounded(const char *address, const kin_http_page *pages, size_t count,
                                  const kin_http_bounds *bounds, kin_http **out, kin_error *err);
int kin_http_port(const kin_http *http);
void kin_http_stop(kin_http *http); /* NULL is fine */

#endif
