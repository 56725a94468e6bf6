#include "service/access.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "service/access_rules.h"

_Static_assert(KIN_ACCESS_DIGEST_BYTES == crypto_generichash_BYTES, "BLAKE2b-256");

static const char *const role_names[] = {
    [KIN_ROLE_NONE] = "none",
    [KIN_ROLE_READ] = "read",
    [KIN_ROLE_WRITE] = "write",
    [KIN_ROLE_ADMIN] = "admin",
};

const char *kin_role_name(kin_role role)
{
    return role >= KIN_ROLE_NONE && role <= KIN_ROLE_ADMIN ? role_names[role] : "unknown";
}

kin_status kin_role_parse(const char *text, kin_role *out, kin_error *err)
{
    for (int role = KIN_ROLE_NONE; role <= KIN_ROLE_ADMIN; role++)
        if (strcmp(text, role_names[role]) == 0) {
            *out = (kin_role)role;
            return KIN_OK;
        }
    return kin_fail(err, KIN_E_ARG, NULL, "a role is one of none, read, write, admin");
}

/* --- the file --- */

static kin_status check_file(const struct stat *st, const char *path, kin_error *err)
{
    if (!S_ISREG(st->st_mode))
        return kin_fail(err, KIN_E_UNSUPPORTED, path, "not a regular file");
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return kin_fail(err, KIN_E_ARG, path,
                        "group or others may write the access file: chmod go-w it");
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return kin_fail(err, KIN_E_ARG, path,
                        "the access file belongs to neither root nor the service's own user");
    if (st->st_size > KIN_ACCESS_FILE_MAX)
        return kin_fail(err, KIN_E_LIMIT, path, "the access file is over the limit of %d bytes",
                        KIN_ACCESS_FILE_MAX);
    return KIN_OK;
}

/* What is checked and what is read must be one file, whatever the path leads to next: hence one
 * descriptor for both. */
static kin_status read_text(const char *path, char **out, size_t *size, kin_error *err)
{
    kin_status status;
    struct stat st;
    char *text = NULL;
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return kin_fail_errno(err, path, "cannot open the access file");
    if (fstat(fd, &st) != 0) {
        status = kin_fail_errno(err, path, "cannot stat the access file");
        goto out;
    }
    if ((status = check_file(&st, path, err)) != KIN_OK)
        goto out;
    *size = (size_t)st.st_size;
    text = malloc(*size > 0 ? *size : 1);
    if (text == NULL)
        status = kin_fail(err, KIN_E_NOMEM, path, "no memory for the access file");
    else
        status = kin_fs_read_all(kin_fs_posix(), fd, path, text, *size, 0, err);
out:
    close(fd);
    if (status != KIN_OK)
        free(text);
    else
        *out = text;
    return status;
}

kin_status kin_access_load(const char *path, kin_access **out, kin_error *err)
{
    kin_status status;
    char *text = NULL;
    size_t size = 0;
    kin_access *access = NULL;
    if (sodium_init() < 0)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "libsodium cannot be used");
    if ((status = read_text(path, &text, &size, err)) != KIN_OK)
        return status;
    access = calloc(1, sizeof *access);
    if (access == NULL)
        status = kin_fail(err, KIN_E_NOMEM, path, "no memory for the access rules");
    else
        status = kin_access_parse(access, text, size, err);
    free(text);
    if (status != KIN_OK) {
        kin_error_name(err, path);
        kin_access_free(access);
        return status;
    }
    *out = access;
    return KIN_OK;
}

void kin_access_free(kin_access *access)
{
    if (access == NULL)
        return;
    free(access->rules);
    free(access);
}

/* --- callers --- */

kin_role kin_access_by_token(const kin_access *access, const char *token, char *name)
{
    unsigned char digest[KIN_ACCESS_DIGEST_BYTES];
    size_t met = access->count;
    name[0] = '\0';
    if (token[0] == '\0' || strnlen(token, KIN_ACCESS_TOKEN_MAX) == KIN_ACCESS_TOKEN_MAX)
        return KIN_ROLE_NONE;
    kin_access_digest(token, digest);
    for (size_t i = 0; i < access->count; i++) {
        const kin_access_rule *rule = &access->rules[i];
        if (rule->kind != KIN_ACCESS_TOKEN)
            continue;
        /* sodium_memcmp() gives 0 or -1: all bits set where the digests are equal. */
        size_t same = ~(size_t)sodium_memcmp(rule->digest, digest, sizeof digest);
        met = (met & ~same) | (i & same);
    }
    if (met == access->count)
        return KIN_ROLE_NONE;
    memcpy(name, access->rules[met].name, sizeof access->rules[met].name);
    return access->rules[met].role;
}

kin_role kin_access_by_certificate(const kin_access *access, const char *certificate, char *name)
{
    name[0] = '\0';
    for (size_t i = 0; i < access->count; i++) {
        const kin_access_rule *rule = &access->rules[i];
        if (rule->kind != KIN_ACCESS_CERTIFICATE || strcmp(rule->name, certificate) != 0)
            continue;
        memcpy(name, rule->name, sizeof rule->name);
        return rule->role;
    }
    return KIN_ROLE_NONE;
}

/* --- tokens --- */

void kin_access_digest(const char *token, unsigned char digest[KIN_ACCESS_DIGEST_BYTES])
{
    crypto_generichash(digest, KIN_ACCESS_DIGEST_BYTES, (const unsigned char *)token, strlen(token),
                       NULL, 0);
}

void kin_access_hash_token(const char *token, char hash[KIN_ACCESS_HASH_SIZE])
{
    unsigned char digest[KIN_ACCESS_DIGEST_BYTES];
    kin_access_digest(token, digest);
    sodium_bin2hex(hash, KIN_ACCESS_HASH_SIZE, digest, sizeof digest);
}

void kin_access_new_token(char token[KIN_ACCESS_TOKEN_MAX], char hash[KIN_ACCESS_HASH_SIZE])
{
    unsigned char secret[32]; /* 256 bits */
    /* It asks the kernel: there is nothing that sodium_init() would have to prepare. */
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(token, KIN_ACCESS_TOKEN_MAX, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    kin_access_hash_token(token, hash);
}
