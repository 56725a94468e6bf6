/* pem.h - whether certificates and keys are what gRPC will take: it says so only at a handshake, and
 * then at length and in its own log. */
#ifndef KIN_RPC_PEM_H
#define KIN_RPC_PEM_H

#include "base/status.h"

/*
 * PEM texts, NUL-terminated, each of which may be NULL.  KIN_E_FORMAT: `authorities` or
 * `certificate` (a chain, its own first) holds no certificate or a broken one, `key` holds no key
 * that is readable without a pass phrase, or it is another certificate's.  Dates are not looked at.
 */
kin_status kin_pem_check(const char *authorities, const char *certificate, const char *key,
                         kin_error *err);

#endif
