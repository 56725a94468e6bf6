#include "certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 24 * 60 * 60 };

static void need(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "certificates: %s failed\n", what);
    exit(1);
}

static char *text_of(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)size);
    need(text != NULL, "strndup");
    BIO_free(bio);
    return text;
}

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    need(extension != NULL && X509_add_ext(certificate, extension, -1), "extension");
    X509_EXTENSION_free(extension);
}

/* issuer NULL: signs itself, as an authority. */
static test_certificate make(const char *common_name, const char *names, int days, X509 *issuer,
                             EVP_PKEY *issuer_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = X509_new();
    uint64_t serial = 0;
    need(key != NULL && made != NULL, "key");
    need(RAND_bytes((unsigned char *)&serial, 7), "serial number");
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), serial);
    X509_gmtime_adj(X509_getm_notBefore(made), days < 0 ? 4 * days * (long)DAY : -(long)DAY);
    X509_gmtime_adj(X509_getm_notAfter(made), days * (long)DAY);
    X509_NAME *name = X509_NAME_new();
    need(name != NULL && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)common_name, -1, -1, 0),
         "name");
    X509_set_subject_name(made, name);
    X509_NAME_free(name);
    X509_set_issuer_name(made, X509_get_subject_name(issuer != NULL ? issuer : made));
    X509_set_pubkey(made, key);
    add_extension(made, issuer != NULL ? issuer : made, NID_basic_constraints,
                  issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    if (names != NULL)
        add_extension(made, issuer, NID_subject_alt_name, names);
    need(X509_sign(made, issuer_key != NULL ? issuer_key : key, EVP_sha256()) > 0, "signature");

    BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    need(PEM_write_bio_X509(certificate_text, made), "certificate");
    need(PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL), "key");
    X509_free(made);
    EVP_PKEY_free(key);
    return (test_certificate){.certificate = text_of(certificate_text), .key = text_of(key_text)};
}

test_certificate test_authority(const char *name)
{
    return make(name, NULL, 30, NULL, NULL);
}

test_certificate test_signed(const test_certificate *authority, const char *common_name,
                             const char *names, int days)
{
    BIO *certificate_text = BIO_new_mem_buf(authority->certificate, -1);
    BIO *key_text = BIO_new_mem_buf(authority->key, -1);
    X509 *issuer = PEM_read_bio_X509(certificate_text, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
    need(issuer != NULL && key != NULL, "authority");
    test_certificate made = make(common_name, names, days, issuer, key);
    EVP_PKEY_free(key);
    X509_free(issuer);
    BIO_free(key_text);
    BIO_free(certificate_text);
    return made;
}

void test_certificate_release(test_certificate *certificate)
{
    free(certificate->certificate);
    free(certificate->key);
    *certificate = (test_certificate){0};
}
