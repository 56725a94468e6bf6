/* Certificates for tests, made when they are needed: nothing that could expire lies in the tree. */
#ifndef KIN_TEST_AUTHORITY_H
#define KIN_TEST_AUTHORITY_H

/* PEM texts from malloc, freed by certified_release(). */
typedef struct certified {
    char *certificate, *key;
} certified;

/* A new authority, which signs itself. */
void authority_make(const char *name, certified *out);

/* A certificate of the authority for `name`, valid from and until so many seconds from now.
 * alternatives: as openssl's subjectAltName ("IP:127.0.0.1,DNS:localhost"), or NULL. */
void authority_issue(const certified *authority, const char *name, const char *alternatives,
                     long from, long until, certified *out);

void certified_release(certified *pair);

#endif
