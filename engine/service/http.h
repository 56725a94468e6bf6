/*
 * http.h - a small HTTP server for machines that look after us: GET of a few fixed pages.
 *
 * By libmicrohttpd on one thread of its own, with bounds on connections, their memory and their
 * silence.  Pages are made anew for each request; nothing of a patient is on them.
 */
#ifndef KIN_SERVICE_HTTP_H
#define KIN_SERVICE_HTTP_H

#include <stddef.h>

#include "base/status.h"

typedef struct kin_http kin_http;

typedef struct kin_http_page {
    const char *path; /* "/metrics" */
    const char *type; /* "text/plain; version=0.0.4" */
    /* Fills *body (from malloc) and returns the HTTP status, 200 or 503 say. */
    unsigned (*make)(void *ctx, char **body, size_t *size);
    void *ctx;
} kin_http_page;

/* address: "127.0.0.1:7480", "[::1]:0".  pages are borrowed for the server's life. */
kin_status kin_http_start(const char *address, const kin_http_page *pages, size_t count,
                          kin_http **out, kin_error *err);
int kin_http_port(const kin_http *http);
void kin_http_stop(kin_http *http); /* NULL is fine */

#endif
