/* uid.h - DICOM unique identifiers: their form, and making one from content. */
#ifndef KIN_BASE_UID_H
#define KIN_BASE_UID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* DICOM PS3.5 section 9.1: at most 64 characters; one more for the terminating NUL. */
enum { KIN_UID_SIZE = 65 };

/* A 128-bit fingerprint of content (XXH3-128). */
typedef struct kin_digest {
    uint64_t low, high;
} kin_digest;

kin_digest kin_digest_of(const void *bytes, size_t size);
bool kin_digest_equal(kin_digest a, kin_digest b);

/*
 * A UID for content that came without one, the same each time for the same digest: the digest as a
 * UUID (RFC 4122, version 8 layout bits set) in DICOM's UUID-derived form "2.25.<decimal>"
 * (PS3.5 annex B.2).  `role` ("instance", "series", "study"…; its first 32 bytes count) is mixed
 * in, so that the UIDs of one image's levels differ.
 */
void kin_uid_from_digest(kin_digest digest, const char *role, char uid[KIN_UID_SIZE]);

/* True when uid has the form of PS3.5 section 9.1: digits and dots, no empty component, no leading
 * zero in a component of several digits, at most 64 characters. */
bool kin_uid_valid(const char *uid);

#ifdef __cplusplus
}
#endif

#endif
