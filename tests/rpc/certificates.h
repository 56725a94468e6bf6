/* certificates.h - authorities and certificates made on the spot, as PEM texts, for tests. */
#ifndef KIN_TEST_CERTIFICATES_H
#define KIN_TEST_CERTIFICATES_H

typedef struct test_certificate {
    char *certificate, *key; /* PEM */
} test_certificate;

/* An authority that signs itself.  Failures end the program: a test cannot go on. */
test_certificate test_authority(const char *name);

/* A certificate by an authority.  names: subject alternative names as OpenSSL's configuration
 * writes them ("DNS:localhost,IP:127.0.0.1"), or NULL.  days: that it is valid from now; negative:
 * that it has been invalid for. */
test_certificate test_signed(const test_certificate *authority, const char *common_name,
                             const char *names, int days);

void test_certificate_release(test_certificate *certificate);

#endif
