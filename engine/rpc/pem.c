#include "rpc/pem.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

/* A memory that reads text; NULL where it cannot be had. */
static BIO *reader(const char *text)
{
    size_t size = strlen(text);
    return size <= INT_MAX ? BIO_new_mem_buf(text, (int)size) : NULL;
}

/* Encrypted keys are refused: nobody is there to be asked for the pass phrase. */
static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

/* All certificates of a text must be readable; *first (may be NULL) is the first of them. */
static kin_status check_certificates(const char *text, const char *what, X509 **first,
                                     kin_error *err)
{
    BIO *bio = reader(text);
    if (bio == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to read the %s", what);
    size_t count = 0;
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) != NULL) {
        if (first != NULL && count == 0)
            *first = certificate;
        else
            X509_free(certificate);
        count++;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    if (count == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "no PEM certificate in the %s", what);
    if (!at_end)
        return kin_fail(err, KIN_E_FORMAT, NULL, "certificate %zu of the %s is broken", count + 1,
                        what);
    return KIN_OK;
}

static kin_status check_key(const char *text, X509 *certificate, kin_error *err)
{
    BIO *bio = reader(text);
    if (bio == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to read the key");
    kin_status status = KIN_OK;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    if (key == NULL)
        status = kin_fail(err, KIN_E_FORMAT, NULL, "no PEM key that needs no pass phrase");
    else if (certificate != NULL && X509_check_private_key(certificate, key) != 1)
        status = kin_fail(err, KIN_E_FORMAT, NULL, "the key is another certificate's");
    ERR_clear_error();
    EVP_PKEY_free(key);
    BIO_free(bio);
    return status;
}

kin_status kin_pem_check(const char *authorities, const char *certificate, const char *key,
                         kin_error *err)
{
    X509 *own = NULL;
    kin_status status = KIN_OK;
    ERR_clear_error();
    if (authorities != NULL)
        status = check_certificates(authorities, "authorities' file", NULL, err);
    if (status == KIN_OK && certificate != NULL)
        status = check_certificates(certificate, "certificate's file", &own, err);
    if (status == KIN_OK && key != NULL)
        status = check_key(key, own, err);
    X509_free(own);
    return status;
}
