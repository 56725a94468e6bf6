/*
 * message.h - protobuf-c messages from and to bytes that strangers sent.
 *
 * protobuf-c itself has neither a memory nor a recursion limit: 4 MiB of empty sub-messages become
 * 218 MB.  Unpacking here is paid from a budget that grows with the packed size, and text is checked
 * to be UTF-8 as proto3 demands.  Messages of kindred.v1 do not nest in themselves.
 */
#ifndef KIN_RPC_MESSAGE_H
#define KIN_RPC_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "base/status.h"

/* Unpacks; *out is freed with kin_rpc_message_free().  KIN_E_FORMAT: no such message, or text that
 * is not UTF-8 (the error names the field); KIN_E_LIMIT: it would take more memory than a message
 * of its size should; KIN_E_NOMEM. */
kin_status kin_rpc_message_unpack(const ProtobufCMessageDescriptor *kind, const void *bytes,
                                  size_t size, ProtobufCMessage **out, kin_error *err);
/* NULL is fine. */
void kin_rpc_message_free(ProtobufCMessage *message);

#endif
