/* channel_internal.h - what channel.c tells channel_call.c. */
#ifndef KIN_RPC_CHANNEL_INTERNAL_H
#define KIN_RPC_CHANNEL_INTERNAL_H

#include <grpc/grpc.h>
#include <stdatomic.h>

#include "rpc/channel.h"

struct kin_rpc_channel {
    grpc_channel *channel;
    bool has_token;
    grpc_metadata token;    /* of every call's headers */
    atomic_bool has_served; /* a call has reached a server: a failure to connect is a loss */
};

/* A queue for one call, as gRPC's own blocking calls have it. */
static inline grpc_completion_queue *kin_rpc_queue_new(void)
{
    return grpc_completion_queue_create_for_pluck(NULL);
}

/* Ends a queue of which every batch has been plucked. */
void kin_rpc_queue_free(grpc_completion_queue *queue);

/* Waits for a batch; whether it succeeded. */
bool kin_rpc_pluck(grpc_completion_queue *queue, void *tag);

/* The moment `seconds` from now; 0 and less: never. */
gpr_timespec kin_rpc_deadline(double seconds);

/* Connects again at once, whatever pause earlier failures began, and waits for it for a moment;
 * whether it is connected. */
bool kin_rpc_channel_reconnect(kin_rpc_channel *channel, gpr_timespec deadline);

#endif
