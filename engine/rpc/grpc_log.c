/*
 * gRPC writes its complaints on stderr unless a function of the process takes them.  Ours passes
 * errors on to the operator of the server that runs, so many in a while and no more: strangers can
 * make gRPC write them.
 */
#include <grpc/support/log.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"

enum { LINES_PER_WINDOW = 20, WINDOW_S = 60, LINE_MAX_BYTES = 400 };

/* gRPC's log is one for the process, so are these. */
static pthread_mutex_t sinks_lock = PTHREAD_MUTEX_INITIALIZER;
static kin_rpc_log_sink *sinks;

static void tell(kin_rpc_log_sink *sink, const char *message)
{
    char line[LINE_MAX_BYTES];
    double now = kin_clock_monotonic();
    if (now - sink->window > WINDOW_S) {
        if (sink->unspoken > 0) {
            snprintf(line, sizeof line, "gRPC: %u lines more were left out", sink->unspoken);
            sink->complain(sink->ctx, line);
        }
        sink->window = now;
        sink->lines = 0;
        sink->unspoken = 0;
    }
    if (sink->lines >= LINES_PER_WINDOW) {
        sink->unspoken++;
        return;
    }
    sink->lines++;
    snprintf(line, sizeof line, "gRPC: %s", message);
    sink->complain(sink->ctx, line);
}

static void take_line(gpr_log_func_args *args)
{
    if (args->severity != GPR_LOG_SEVERITY_ERROR)
        return;
    pthread_mutex_lock(&sinks_lock);
    if (sinks != NULL)
        tell(sinks, args->message);
    pthread_mutex_unlock(&sinks_lock);
}

void kin_rpc_log_begin(kin_rpc_log_sink *sink)
{
    if (sink->complain == NULL)
        return;
    sink->window = kin_clock_monotonic();
    pthread_mutex_lock(&sinks_lock);
    if (sinks == NULL)
        gpr_set_log_function(take_line);
    sink->next = sinks;
    sinks = sink;
    pthread_mutex_unlock(&sinks_lock);
}

void kin_rpc_log_end(kin_rpc_log_sink *sink)
{
    pthread_mutex_lock(&sinks_lock);
    for (kin_rpc_log_sink **at = &sinks; *at != NULL; at = &(*at)->next)
        if (*at == sink) {
            *at = sink->next;
            if (sinks == NULL)
                gpr_set_log_function(NULL);
            break;
        }
    pthread_mutex_unlock(&sinks_lock);
}
