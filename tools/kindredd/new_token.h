/* new_token.h - kindredd --new-token. */
#ifndef KINDREDD_NEW_TOKEN_H
#define KINDREDD_NEW_TOKEN_H

#include "base/status.h"

/* Makes a token and prints it on standard output, with its line for the access file on the next.
 * KIN_E_ARG: a name or role that the file cannot hold. */
kin_status kin_new_token_print(const char *name, const char *role, kin_error *err);

#endif
