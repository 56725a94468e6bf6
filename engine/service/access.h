/*
 * access.h - who may do what: tokens and certificates, and their roles.
 *
 * The access file has one rule a line (blank lines and # comments aside):
 *     token NAME ROLE HASH          a bearer token; HASH is its BLAKE2b-256 in hexadecimal
 *     certificate NAME ROLE         a client certificate with this common or alternative name
 * ROLE is read, write or admin; each may do what those before it may.  NAME is made of letters,
 * digits and . _ @ : - and stands in the audit trail; no two rules of a kind share one.  Names of
 * certificates are compared byte for byte.  The file holds no secrets, but whoever can write it can
 * let himself in: one that group or others may write, or that belongs to anybody but root and the
 * service's own user, is refused.
 */
#ifndef KIN_SERVICE_ACCESS_H
#define KIN_SERVICE_ACCESS_H

#include "base/status.h"

typedef enum kin_role { KIN_ROLE_NONE, KIN_ROLE_READ, KIN_ROLE_WRITE, KIN_ROLE_ADMIN } kin_role;

typedef struct kin_access kin_access;

enum {
    KIN_ACCESS_NAME_MAX = 128, /* with the terminating NUL, as the next two */
    KIN_ACCESS_TOKEN_MAX = 512,
    KIN_ACCESS_HASH_SIZE = 65,
    KIN_ACCESS_FILE_MAX = 1 << 20, /* bytes */
    KIN_ACCESS_LINE_MAX = 1024,    /* bytes, comments included */
    KIN_ACCESS_RULES_MAX = 4096
};

const char *kin_role_name(kin_role role);
kin_status kin_role_parse(const char *text, kin_role *out, kin_error *err); /* "none" … "admin" */

/*
 * Reads the file.  KIN_E_FORMAT and KIN_E_LIMIT name the line and never show what stands on it: a
 * token put there by mistake must not reach a log.  KIN_E_ARG: others may write the file.
 */
kin_status kin_access_load(const char *path, kin_access **out, kin_error *err);
void kin_access_free(kin_access *access); /* NULL is fine */

/*
 * Role of a token or of a certificate's name, KIN_ROLE_NONE when unknown; name (KIN_ACCESS_NAME_MAX
 * bytes) gets the rule's, or "".  A token's hash is compared with those of all rules in constant
 * time, so that the time taken tells nothing of which one it met or nearly met.  Any thread.
 */
kin_role kin_access_by_token(const kin_access *access, const char *token, char *name);
kin_role kin_access_by_certificate(const kin_access *access, const char *certificate, char *name);

/* Makes a token of 256 random bits (URL-safe text) and its hash: `kindredd --new-token`. */
void kin_access_new_token(char token[KIN_ACCESS_TOKEN_MAX], char hash[KIN_ACCESS_HASH_SIZE]);
/* The hash of a token, as the file wants it. */
void kin_access_hash_token(const char *token, char hash[KIN_ACCESS_HASH_SIZE]);

#endif
