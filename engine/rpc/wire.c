#include "rpc/wire.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <stdint.h>

#include "rpc/message.h"

kin_status kin_wire_pack(const ProtobufCMessage *message, grpc_byte_buffer **out, kin_error *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > UINT32_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a message of %zu bytes is too long to send", size);
    grpc_slice slice = grpc_slice_malloc(size); /* gRPC ends the process without memory */
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    *out = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice); /* the buffer has its own reference */
    return KIN_OK;
}

kin_status kin_wire_unpack(grpc_byte_buffer *buffer, const ProtobufCMessageDescriptor *kind,
                           ProtobufCMessage **out, kin_error *err)
{
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return kin_fail(err, KIN_E_FORMAT, NULL, "the message cannot be decompressed");
    grpc_slice slice;
    if (buffer->data.raw.slice_buffer.count != 1 || !grpc_byte_buffer_reader_next(&reader, &slice))
        slice = grpc_byte_buffer_reader_readall(&reader); /* a copy: protobuf-c wants one piece */
    grpc_byte_buffer_reader_destroy(&reader);
    kin_status status = kin_rpc_message_unpack(kind, GRPC_SLICE_START_PTR(slice),
                                               GRPC_SLICE_LENGTH(slice), out, err);
    grpc_slice_unref(slice);
    return status;
}
