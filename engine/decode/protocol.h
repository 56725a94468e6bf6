/*
 * protocol.h - messages of kindred/worker/v1/worker.proto over a socket, both sides.
 *
 * A message is four bytes of length, little endian, and that many bytes of protobuf.  The length is
 * bounded before anything is allocated, and unpacking allocates from an arena whose size is bounded
 * by the message's: protobuf-c itself has no limit (4 MiB of empty sub-messages become 218 MB).
 */
#ifndef KIN_DECODE_PROTOCOL_H
#define KIN_DECODE_PROTOCOL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum {
    KIN_PROTOCOL_VERSION = 5,
    KIN_PROTOCOL_MESSAGE_MAX =
        1 << 22, /* bytes: the largest header has room, or descriptor with preview; regions of
                    many outlines or grainy masks may not, which is KIN_E_LIMIT */
    KIN_PROTOCOL_ENDING_MAX = 16, /* bytes of a file name's ending */
    KIN_WORKING_SECONDS = 1,      /* at least, between two words of a worker that it is at work */
    KIN_WORKING_MAX = 1800,       /* such words about one file */
    /* File descriptors that a worker is born with. */
    KIN_WORKER_SOCKET_FD = 0,
    KIN_WORKER_LIFELINE_FD = 3
};

/* One side's end of the conversation: a socket (borrowed) and buffers that are used again. */
typedef struct kin_channel {
    int fd;
    uint8_t *bytes; /* of one message */
    size_t bytes_capacity;
    void *arena; /* the message unpacked */
    size_t arena_capacity;
    double
        patience; /* seconds that a sending which does not wait still waits for room: 0 at first */
} kin_channel;

/* A channel over stream socket fd; released (which leaves fd open) with kin_channel_release(). */
void kin_channel_init(kin_channel *channel, int fd);
void kin_channel_release(kin_channel *channel);

/*
 * Sends a message, with passed_fd (-1: none) beside its first byte.  Waits for room as long as it
 * takes when wait is true; else a socket without room for as long as the channel's patience is
 * KIN_E_TIMEOUT.  KIN_E_CRASHED when the
 * other side has hung up, KIN_E_LIMIT when the message is over the bound.
 */
kin_status kin_channel_send(kin_channel *channel, const ProtobufCMessage *message, int passed_fd,
                            bool wait, kin_error *err);

/* True once the other side has said something (its end included), false when the deadline
 * (kin_clock_monotonic()) comes first. */
bool kin_channel_has_word(const kin_channel *channel, double deadline);

/*
 * Receives a message of the given kind, complete by deadline (kin_clock_monotonic(); 0: whenever).
 * *out lives until the channel's next call.  A descriptor that came along is put into *passed_fd
 * (-1 when none did); with passed_fd NULL none is accepted.
 *
 * KIN_E_CRASHED: the other side has hung up.  KIN_E_TIMEOUT.  KIN_E_FORMAT: what came is no such
 * message.  KIN_E_NOMEM, KIN_E_IO.
 */
kin_status kin_channel_receive(kin_channel *channel, const ProtobufCMessageDescriptor *kind,
                               double deadline, ProtobufCMessage **out, int *passed_fd,
                               kin_error *err);

#endif
