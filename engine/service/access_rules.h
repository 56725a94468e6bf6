/* access_rules.h - the rules of an access file, for access.c and the parts it is made of. */
#ifndef KIN_SERVICE_ACCESS_RULES_H
#define KIN_SERVICE_ACCESS_RULES_H

#include <stddef.h>

#include "service/access.h"

enum { KIN_ACCESS_DIGEST_BYTES = 32 /* BLAKE2b-256 */ };

typedef enum kin_access_kind { KIN_ACCESS_TOKEN, KIN_ACCESS_CERTIFICATE } kin_access_kind;

typedef struct kin_access_rule {
    kin_access_kind kind;
    kin_role role;
    char name[KIN_ACCESS_NAME_MAX];
    unsigned char digest[KIN_ACCESS_DIGEST_BYTES]; /* of a token; zero for certificates */
} kin_access_rule;

struct kin_access {
    kin_access_rule *rules;
    size_t count, capacity;
};

/* Appends the rules of a text of `size` bytes; errors name the line. */
kin_status kin_access_parse(struct kin_access *access, const char *text, size_t size,
                            kin_error *err);

void kin_access_digest(const char *token, unsigned char digest[KIN_ACCESS_DIGEST_BYTES]);

#endif
