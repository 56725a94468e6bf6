/* searches.c - many searches over one stream. */
#include <stdlib.h>

#include "internal.h"

struct kin_client_searches {
    kin_rpc_stream *stream;
};

kin_status kin_client_searches_open(kin_client *client, kin_client_searches **out, kin_error *err)
{
    *out = NULL;
    kin_client_searches *searches = calloc(1, sizeof *searches);
    if (searches == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a stream");
    kin_status status = kin_rpc_stream_open(client->channel, KIN_CLIENT_SERVICE "SearchMany",
                                            &kindred__v1__search_many_response__descriptor, 0,
                                            &searches->stream, err);
    if (status == KIN_OK)
        *out = searches;
    else
        free(searches);
    return status;
}

kin_status kin_client_searches_send(kin_client_searches *searches, uint64_t tag,
                                    const Kindred__V1__SearchRequest *request, kin_error *err)
{
    Kindred__V1__SearchManyRequest message = KINDRED__V1__SEARCH_MANY_REQUEST__INIT;
    message.tag = tag;
    message.search = (Kindred__V1__SearchRequest *)request;
    return kin_rpc_stream_send(searches->stream, &message.base, err);
}

kin_status kin_client_searches_finish(kin_client_searches *searches, kin_error *err)
{
    return kin_rpc_stream_half_close(searches->stream, err);
}

kin_status kin_client_searches_receive(kin_client_searches *searches,
                                       Kindred__V1__SearchManyResponse **response, int *code,
                                       kin_error *err)
{
    ProtobufCMessage *message;
    kin_rpc_code rpc_code;
    kin_status status = kin_rpc_stream_receive(searches->stream, &message, &rpc_code, err);
    kin_response_give(message, response, rpc_code, code);
    return status;
}

void kin_client_searches_close(kin_client_searches *searches)
{
    if (searches == NULL)
        return;
    kin_rpc_stream_free(searches->stream);
    free(searches);
}
