/*
 * code.h - gRPC status codes, and how they and kin_status stand for each other.
 */
#ifndef KIN_RPC_CODE_H
#define KIN_RPC_CODE_H

#include "base/status.h"

/* https://grpc.io/docs/guides/status-codes/ */
typedef enum kin_rpc_code {
    KIN_RPC_OK = 0,
    KIN_RPC_CANCELLED = 1,
    KIN_RPC_UNKNOWN = 2,
    KIN_RPC_INVALID_ARGUMENT = 3,
    KIN_RPC_DEADLINE_EXCEEDED = 4,
    KIN_RPC_NOT_FOUND = 5,
    KIN_RPC_ALREADY_EXISTS = 6,
    KIN_RPC_PERMISSION_DENIED = 7,
    KIN_RPC_RESOURCE_EXHAUSTED = 8,
    KIN_RPC_FAILED_PRECONDITION = 9,
    KIN_RPC_ABORTED = 10,
    KIN_RPC_OUT_OF_RANGE = 11,
    KIN_RPC_UNIMPLEMENTED = 12,
    KIN_RPC_INTERNAL = 13,
    KIN_RPC_UNAVAILABLE = 14,
    KIN_RPC_DATA_LOSS = 15,
    KIN_RPC_UNAUTHENTICATED = 16
} kin_rpc_code;

/* "OK", "NOT_FOUND", …; "UNKNOWN" for anything else. */
const char *kin_rpc_code_name(kin_rpc_code code);

/* The code that tells a client of a status (KIN_E_FORMAT is INVALID_ARGUMENT, KIN_E_BUSY ABORTED,
 * KIN_E_CORRUPT DATA_LOSS, …). */
kin_rpc_code kin_rpc_code_of_status(kin_status status);

/* The status that a client's caller gets for a code. */
kin_status kin_rpc_status_of_code(kin_rpc_code code);

#endif
