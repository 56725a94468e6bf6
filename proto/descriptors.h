/*
 * descriptors.h - the service's own protocol files in compiled form: a packed
 * google.protobuf.FileDescriptorSet of kindred/v1, grpc/health and grpc/reflection with all that
 * they import, as protoc made it when the program was built.
 */
#ifndef KIN_PROTO_DESCRIPTORS_H
#define KIN_PROTO_DESCRIPTORS_H

/* The bytes from the first up to, not including, the second. */
extern const unsigned char kin_descriptors_begin[];
extern const unsigned char kin_descriptors_end[];

#endif
