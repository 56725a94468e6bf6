/*
 * wire.h - protobuf-c messages to and from gRPC's byte buffers: what server and channel share.
 *
 * Only this layer includes it, since it includes gRPC's headers.
 */
#ifndef KIN_RPC_WIRE_H
#define KIN_RPC_WIRE_H

#include <grpc/byte_buffer.h>
#include <protobuf-c/protobuf-c.h>

#include "base/status.h"

/* Packs into a buffer of one slice, which the caller destroys.  KIN_E_LIMIT: longer than gRPC's
 * 32-bit frame can say. */
kin_status kin_wire_pack(const ProtobufCMessage *message, grpc_byte_buffer **out, kin_error *err);

/* Unpacks (message.h); the buffer stays the caller's. */
kin_status kin_wire_unpack(grpc_byte_buffer *buffer, const ProtobufCMessageDescriptor *kind,
                           ProtobufCMessage **out, kin_error *err);

#endif
