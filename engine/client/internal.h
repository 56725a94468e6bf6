/* internal.h - what the client's files share. */
#ifndef KIN_CLIENT_INTERNAL_H
#define KIN_CLIENT_INTERNAL_H

#include "client/client.h"
#include "rpc/channel.h"

struct kin_client {
    kin_rpc_channel *channel;
    double timeout;
};

/* Paths of the methods. */
#define KIN_CLIENT_SERVICE "/kindred.v1.KindredService/"

/* What a client's files hold, NUL-terminated; NULL for those that options do not name. */
typedef struct kin_secrets {
    char *ca, *certificate, *key, *token;
} kin_secrets;

/* Reads the files and copies the token. */
kin_status kin_secrets_read(const kin_client_options *options, kin_secrets *out, kin_error *err);
/* Overwrites and frees them. */
void kin_secrets_release(kin_secrets *secrets);

/* A response as the caller's pointer to its own kind, and the code as its number: what the calls of
 * the rpc layer give, for callers who do not know that layer.  response: a `Kindred__V1__… **`. */
void kin_response_give(ProtobufCMessage *message, void *response, kin_rpc_code from, int *code);

/* A call that gives one response is done when its status has come too: where that is a failure the
 * response does not count, and is freed. */
kin_status kin_response_end(kin_rpc_stream *stream, ProtobufCMessage **response, kin_rpc_code *code,
                            kin_error *err);

#endif
