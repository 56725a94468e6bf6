#include "new_token.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "service/access.h"

/* What access.h lets a name be made of. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    for (const char *at = name; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr("._@:-", *at) == NULL)
            return false;
    return length > 0 && length < KIN_ACCESS_NAME_MAX;
}

kin_status kin_new_token_print(const char *name, const char *role_name, kin_error *err)
{
    char token[KIN_ACCESS_TOKEN_MAX], hash[KIN_ACCESS_HASH_SIZE];
    kin_role role;
    if (!is_name(name))
        return kin_fail(err, KIN_E_ARG, NULL,
                        "a name is made of 1 to %d letters, digits and . _ @ : -",
                        KIN_ACCESS_NAME_MAX - 1);
    if (kin_role_parse(role_name, &role, err) != KIN_OK || role == KIN_ROLE_NONE)
        return kin_fail(err, KIN_E_ARG, NULL, "a role is one of read, write, admin");
    kin_access_new_token(token, hash);
    fprintf(stderr,
            "kindredd: the first line is the token, which is shown this once; the second is "
            "for the access file\n");
    printf("%s\ntoken %s %s %s\n", token, name, kin_role_name(role), hash);
    explicit_bzero(token, sizeof token);
    return KIN_OK;
}
