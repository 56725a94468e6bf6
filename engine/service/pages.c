/* pages.c - what the HTTP port shows: /metrics for Prometheus, /livez and /readyz for supervisors. */
#include <stdlib.h>
#include <string.h>

#include "service/internal.h"

static unsigned answer_text(const char *text, unsigned http_status, char **body, size_t *size)
{
    *body = strdup(text);
    *size = *body != NULL ? strlen(text) : 0;
    return *body != NULL ? http_status : 503;
}

static unsigned make_metrics(void *ctx, char **body, size_t *size)
{
    kin_service *service = ctx;
    kin_archive_stats stats;
    unsigned running[KIN_RPC_CLASSES];
    bool has_stats = kin_watch_stats(service, &stats);
    for (int class = 0; class < KIN_RPC_CLASSES; class ++)
        running[class] = kin_rpc_server_running(service->server, (kin_rpc_class) class);
    kin_metrics_decoder_restarts(service->metrics,
                                 kin_decoders_restarts(service->query_decoders) +
                                     kin_decoders_restarts(service->ingest_decoders));
    kin_error err = {0};
    if (kin_metrics_page(service->metrics, has_stats ? &stats : NULL, running, body, size, &err) ==
        KIN_OK)
        return 200;
    return answer_text("no memory for the page\n", 503, body, size);
}

/* Alive: the process answers. */
static unsigned make_live(void *ctx, char **body, size_t *size)
{
    (void)ctx;
    return answer_text("alive\n", 200, body, size);
}

/* Ready: the archive can be read, and the server takes calls. */
static unsigned make_ready(void *ctx, char **body, size_t *size)
{
    kin_service *service = ctx;
    bool ready = kin_health_is_serving(service->health);
    return answer_text(ready ? "ready\n" : "not ready\n", ready ? 200 : 503, body, size);
}

size_t kin_pages(kin_service *service, kin_http_page *out)
{
    size_t count = 0;
    out[count++] = (kin_http_page){"/metrics", "text/plain; version=0.0.4", make_metrics, service};
    out[count++] = (kin_http_page){"/livez", "text/plain", make_live, service};
    out[count++] = (kin_http_page){"/readyz", "text/plain", make_ready, service};
    return count;
}
