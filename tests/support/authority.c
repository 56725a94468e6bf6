#include "authority.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test cannot go on without its certificates. */
static void need(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "cannot make a certificate: %s\n", what);
    exit(2);
}

static char *text_of(BIO *bio)
{
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    char *text = strndup(bytes, (size_t)size);
    need(text != NULL, "memory");
    BIO_free(bio);
    return text;
}

static char *pem_of_certificate(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(bio != NULL && PEM_write_bio_X509(bio, certificate) == 1, "certificate to PEM");
    return text_of(bio);
}

static char *pem_of_key(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1,
         "key to PEM");
    return text_of(bio);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

/* A certificate without signature. */
static X509 *draft(const char *name, EVP_PKEY *key, long from, long until)
{
    unsigned char serial[8];
    X509 *certificate = X509_new();
    need(certificate != NULL && RAND_bytes(serial, sizeof serial) == 1, "memory");
    serial[0] &= 0x7F;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    need(X509_set_version(certificate, 2) == 1 &&
             BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL &&
             X509_gmtime_adj(X509_getm_notBefore(certificate), from) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), until) != NULL &&
             X509_set_pubkey(certificate, key) == 1 &&
             X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                        (const unsigned char *)name, -1, -1, 0) == 1,
         "certificate");
    BN_free(number);
    return certificate;
}

static void finish(X509 *certificate, EVP_PKEY *key, EVP_PKEY *signer, certified *out)
{
    need(X509_sign(certificate, signer, EVP_sha256()) > 0, "signature");
    out->certificate = pem_of_certificate(certificate);
    out->key = pem_of_key(key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void authority_make(const char *name, certified *out)
{
    static const long day = 86400;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    need(key != NULL, "key");
    X509 *certificate = draft(name, key, -day, day);
    need(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1, "issuer");
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
    finish(certificate, key, key, out);
}

void authority_issue(const certified *authority, const char *name, const char *alternatives,
                     long from, long until, certified *out)
{
    BIO *certificate_bio = BIO_new_mem_buf(authority->certificate, -1);
    BIO *key_bio = BIO_new_mem_buf(authority->key, -1);
    X509 *issuer = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
    EVP_PKEY *signer = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    need(issuer != NULL && signer != NULL && key != NULL, "authority");
    X509 *certificate = draft(name, key, from, until);
    need(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1, "issuer");
    add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
    if (alternatives != NULL)
        add_extension(certificate, issuer, NID_subject_alt_name, alternatives);
    finish(certificate, key, signer, out);
    EVP_PKEY_free(signer);
    X509_free(issuer);
    BIO_free(key_bio);
    BIO_free(certificate_bio);
}

void certified_release(certified *pair)
{
    free(pair->certificate);
    free(pair->key);
    pair->certificate = pair->key = NULL;
}
