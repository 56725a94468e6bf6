/* secrets.c - certificates, keys and tokens from their files. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "internal.h"

enum {
    PEM_BYTES_MAX = 4 << 20 /* a system's bundle of authorities has 200 KiB */,
    TOKEN_MAX = 4096
};

/* A whole file as text, or NULL for no path. */
static kin_status read_text(const char *path, size_t limit, char **out, kin_error *err)
{
    void *bytes;
    size_t size;
    if (path == NULL)
        return KIN_OK;
    kin_status status = kin_fs_read_file(kin_fs_posix(), path, limit, &bytes, &size, err);
    if (status == KIN_OK)
        *out = bytes;
    return status;
}

/* Cuts blanks off both ends: files of one line end with a newline. */
static void trim(char *text)
{
    size_t from = 0, to = strlen(text);
    while (to > 0 && isspace((unsigned char)text[to - 1]))
        to--;
    while (from < to && isspace((unsigned char)text[from]))
        from++;
    memmove(text, text + from, to - from);
    text[to - from] = '\0';
}

static kin_status read_token(const kin_client_options *options, kin_secrets *out, kin_error *err)
{
    if (options->token != NULL && options->token_file != NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "a token or a token's file, not both");
    if (options->token != NULL) {
        out->token = strdup(options->token);
        return out->token != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory");
    }
    kin_status status = read_text(options->token_file, TOKEN_MAX, &out->token, err);
    if (out->token == NULL)
        return status;
    trim(out->token);
    if (out->token[0] == '\0')
        return kin_fail(err, KIN_E_FORMAT, options->token_file, "the file holds no token");
    return KIN_OK;
}

kin_status kin_secrets_read(const kin_client_options *options, kin_secrets *out, kin_error *err)
{
    *out = (kin_secrets){0};
    kin_status status = read_text(options->tls_ca, PEM_BYTES_MAX, &out->ca, err);
    if (status == KIN_OK)
        status = read_text(options->tls_certificate, PEM_BYTES_MAX, &out->certificate, err);
    if (status == KIN_OK)
        status = read_text(options->tls_key, PEM_BYTES_MAX, &out->key, err);
    if (status == KIN_OK)
        status = read_token(options, out, err);
    if (status != KIN_OK)
        kin_secrets_release(out);
    return status;
}

void kin_secrets_release(kin_secrets *secrets)
{
    char **const all[] = {&secrets->ca, &secrets->certificate, &secrets->key, &secrets->token};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (*all[i] != NULL)
            explicit_bzero(*all[i], strlen(*all[i]));
        free(*all[i]);
        *all[i] = NULL;
    }
}
