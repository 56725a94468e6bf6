/* reindex.c - a reindex at the server, watched to its end. */
#include <stdlib.h>

#include "internal.h"
#include "rpc/message.h"

struct watching {
    kin_client_watch watch;
    bool stopped; /* by the caller */
};

/* Tells of a step, or with stage NULL that there is none; true when the caller wants no more. */
static bool tell(struct watching *watching, const char *stage, double done)
{
    if (!watching->stopped && watching->watch.progress != NULL)
        watching->stopped = watching->watch.progress(watching->watch.ctx, stage, done) != 0;
    return watching->stopped;
}

static bool ask(void *ctx)
{
    return tell(ctx, NULL, 0);
}

/* What comes before the report. */
static void take_event(kin_rpc_stream *stream, struct watching *watching,
                       const Kindred__V1__ReindexResponse *response)
{
    if (watching->stopped)
        return;
    if (response->event_case == KINDRED__V1__REINDEX_RESPONSE__EVENT_FORECAST &&
        watching->watch.forecast != NULL)
        watching->watch.forecast(watching->watch.ctx, response->forecast->index_kind,
                                 response->forecast->peak_bytes);
    if (response->event_case == KINDRED__V1__REINDEX_RESPONSE__EVENT_PROGRESS &&
        tell(watching, response->progress->stage, response->progress->done))
        kin_rpc_stream_cancel(stream);
}

/* Tells of the server's steps until the report comes, which is *out. */
static kin_status follow(kin_rpc_stream *stream, struct watching *watching, ProtobufCMessage **out,
                         kin_rpc_code *code, kin_error *err)
{
    for (;;) {
        kin_status status = kin_rpc_stream_receive(stream, out, code, err);
        const Kindred__V1__ReindexResponse *response = (Kindred__V1__ReindexResponse *)*out;
        if (status == KIN_OK && response == NULL) {
            *code = KIN_RPC_INTERNAL;
            status = kin_fail(err, KIN_E_INTERNAL, NULL,
                              "the server ended the reindex without a report");
        }
        if (status != KIN_OK)
            return status;
        if (response->event_case == KINDRED__V1__REINDEX_RESPONSE__EVENT_REPORT)
            return kin_response_end(stream, out, code, err);
        take_event(stream, watching, response);
        kin_rpc_message_free(*out);
        *out = NULL;
    }
}

/* The report out of the message that carried it. */
static ProtobufCMessage *take_report(ProtobufCMessage *message)
{
    Kindred__V1__ReindexResponse *response = (Kindred__V1__ReindexResponse *)message;
    ProtobufCMessage *report = &response->report->base;
    response->event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT__NOT_SET;
    response->report = NULL;
    kin_rpc_message_free(message);
    return report;
}

static kin_status begin(kin_client *client, const Kindred__V1__ReindexRequest *request,
                        struct watching *watching, kin_rpc_stream **out, kin_error *err)
{
    kin_status status =
        kin_rpc_stream_open(client->channel, KIN_CLIENT_SERVICE "Reindex",
                            &kindred__v1__reindex_response__descriptor, 0, out, err);
    if (status != KIN_OK)
        return status;
    if (watching->watch.progress != NULL)
        kin_rpc_stream_set_stop(*out, ask, watching);
    /* What could not be sent shows when the answer is asked for. */
    if (kin_rpc_stream_send(*out, &request->base, NULL) == KIN_OK)
        kin_rpc_stream_half_close(*out, NULL);
    return KIN_OK;
}

kin_status kin_client_reindex(kin_client *client, const Kindred__V1__ReindexRequest *request,
                              const kin_client_watch *watch, Kindred__V1__ReindexReport **report,
                              int *code, kin_error *err)
{
    struct watching watching = {0};
    if (watch != NULL)
        watching.watch = *watch;
    kin_rpc_stream *stream = NULL;
    ProtobufCMessage *last = NULL;
    kin_rpc_code rpc_code = KIN_RPC_UNKNOWN;
    kin_status status = begin(client, request, &watching, &stream, err);
    if (status == KIN_OK)
        status = follow(stream, &watching, &last, &rpc_code, err);
    kin_response_give(last != NULL ? take_report(last) : NULL, report, rpc_code, code);
    kin_rpc_stream_free(stream);
    return status;
}
