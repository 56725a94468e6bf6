#include "rpc/code.h"

#include <stddef.h>

static const struct {
    const char *name;
    kin_status status; /* what a client's caller gets */
} codes[] = {
    [KIN_RPC_OK] = {"OK", KIN_OK},
    [KIN_RPC_CANCELLED] = {"CANCELLED", KIN_E_CANCELLED},
    [KIN_RPC_UNKNOWN] = {"UNKNOWN", KIN_E_INTERNAL},
    [KIN_RPC_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", KIN_E_ARG},
    [KIN_RPC_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", KIN_E_TIMEOUT},
    [KIN_RPC_NOT_FOUND] = {"NOT_FOUND", KIN_E_NOT_FOUND},
    [KIN_RPC_ALREADY_EXISTS] = {"ALREADY_EXISTS", KIN_E_EXISTS},
    [KIN_RPC_PERMISSION_DENIED] = {"PERMISSION_DENIED", KIN_E_IO},
    [KIN_RPC_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", KIN_E_LIMIT},
    [KIN_RPC_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", KIN_E_UNSUPPORTED},
    [KIN_RPC_ABORTED] = {"ABORTED", KIN_E_BUSY},
    [KIN_RPC_OUT_OF_RANGE] = {"OUT_OF_RANGE", KIN_E_ARG},
    [KIN_RPC_UNIMPLEMENTED] = {"UNIMPLEMENTED", KIN_E_UNSUPPORTED},
    [KIN_RPC_INTERNAL] = {"INTERNAL", KIN_E_INTERNAL},
    [KIN_RPC_UNAVAILABLE] = {"UNAVAILABLE", KIN_E_IO},
    [KIN_RPC_DATA_LOSS] = {"DATA_LOSS", KIN_E_CORRUPT},
    [KIN_RPC_UNAUTHENTICATED] = {"UNAUTHENTICATED", KIN_E_IO},
};

/* Codes come from the other side: any number may be among them. */
static size_t index_of(kin_rpc_code code)
{
    size_t at = (size_t)code;
    return at < sizeof codes / sizeof codes[0] ? at : (size_t)KIN_RPC_UNKNOWN;
}

const char *kin_rpc_code_name(kin_rpc_code code)
{
    return codes[index_of(code)].name;
}

kin_status kin_rpc_status_of_code(kin_rpc_code code)
{
    return codes[index_of(code)].status;
}

kin_rpc_code kin_rpc_code_of_status(kin_status status)
{
    switch (status) {
    case KIN_OK:
        return KIN_RPC_OK;
    case KIN_E_ARG:
    case KIN_E_FORMAT:
    case KIN_E_NO_IMAGE:
        return KIN_RPC_INVALID_ARGUMENT;
    case KIN_E_UNSUPPORTED:
        return KIN_RPC_UNIMPLEMENTED;
    case KIN_E_NOMEM:
    case KIN_E_LIMIT:
    case KIN_E_FULL:
        return KIN_RPC_RESOURCE_EXHAUSTED;
    case KIN_E_NOT_FOUND:
        return KIN_RPC_NOT_FOUND;
    case KIN_E_EXISTS:
        return KIN_RPC_ALREADY_EXISTS;
    case KIN_E_CORRUPT:
        return KIN_RPC_DATA_LOSS;
    case KIN_E_BUSY:
        return KIN_RPC_ABORTED;
    case KIN_E_CANCELLED:
        return KIN_RPC_CANCELLED;
    case KIN_E_TIMEOUT:
        return KIN_RPC_DEADLINE_EXCEEDED;
    case KIN_E_IO:
    case KIN_E_CRASHED:
    case KIN_E_INTERNAL:
        return KIN_RPC_INTERNAL;
    }
    return KIN_RPC_UNKNOWN;
}
