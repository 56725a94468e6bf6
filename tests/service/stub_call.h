/*
 * stub_call.h - a call without a server: methods are run on requests that a test queued, and what
 * they send is kept, packed, as it would have gone over the wire.
 *
 * Stands in for rpc/server.h when the program links stub_call.c instead of kin_rpc.
 */
#ifndef KIN_TEST_STUB_CALL_H
#define KIN_TEST_STUB_CALL_H

#include <pthread.h>
#include <stdatomic.h>

#include "rpc/server.h"

enum { STUB_MESSAGES_MAX = 64, STUB_TEXT_MAX = 1001 };

struct kin_rpc_call {
    const ProtobufCMessage *requests[STUB_MESSAGES_MAX]; /* borrowed */
    size_t request_count, request_next;
    kin_status receive_status, send_status; /* what the next call of each returns */
    atomic_bool over, stopping;
    char text[STUB_TEXT_MAX]; /* of the failure */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t sent;
    struct {
        size_t size;
        unsigned char *bytes;
    } responses[STUB_MESSAGES_MAX];
    size_t response_count;
};

void stub_call_init(kin_rpc_call *call);
void stub_call_release(kin_rpc_call *call);
void stub_call_queue(kin_rpc_call *call, const ProtobufCMessage *request);
/* Waits until `count` responses have been sent, ten seconds at most; returns how many there are. */
size_t stub_call_wait(kin_rpc_call *call, size_t count);
/* Response number `at`, unpacked; freed with protobuf_c_message_free_unpacked(…, NULL). */
ProtobufCMessage *stub_call_response(kin_rpc_call *call, size_t at,
                                     const ProtobufCMessageDescriptor *kind);

#endif
