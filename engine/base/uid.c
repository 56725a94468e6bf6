#include "base/uid.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

kin_digest kin_digest_of(const void *bytes, size_t size)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, size);
    return (kin_digest){.low = hash.low64, .high = hash.high64};
}

bool kin_digest_equal(kin_digest a, kin_digest b)
{
    return a.low == b.low && a.high == b.high;
}

/* Writes a 128-bit number in decimal; text needs 40 bytes. */
static void decimal128(unsigned __int128 number, char *text)
{
    char reversed[40];
    int length = 0;
    do {
        reversed[length++] = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number != 0);
    for (int i = 0; i < length; i++)
        text[i] = reversed[length - 1 - i];
    text[length] = '\0';
}

void kin_uid_from_digest(kin_digest digest, const char *role, char uid[KIN_UID_SIZE])
{
    char mixed[sizeof digest.low + sizeof digest.high + 32];
    size_t at = 0;
    memcpy(mixed + at, &digest.low, sizeof digest.low);
    at += sizeof digest.low;
    memcpy(mixed + at, &digest.high, sizeof digest.high);
    at += sizeof digest.high;
    size_t role_length = strnlen(role, sizeof mixed - at);
    memcpy(mixed + at, role, role_length);
    XXH128_hash_t hash = XXH3_128bits(mixed, at + role_length);
    /* UUID version 8 (custom) and the RFC's variant bits. */
    uint64_t high = (hash.high64 & ~UINT64_C(0xF000)) | UINT64_C(0x8000);
    uint64_t low = (hash.low64 & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62);
    char decimal[40];
    decimal128(((unsigned __int128)high << 64) | low, decimal);
    snprintf(uid, KIN_UID_SIZE, "2.25.%s", decimal);
}

bool kin_uid_valid(const char *uid)
{
    size_t length = strlen(uid);
    if (length == 0 || length >= KIN_UID_SIZE)
        return false;
    size_t component = 0; /* digits in the component so far */
    for (size_t i = 0; i < length; i++) {
        if (uid[i] == '.') {
            if (component == 0)
                return false;
            component = 0;
        } else if (uid[i] < '0' || uid[i] > '9') {
            return false;
        } else {
            if (component == 1 && uid[i - 1] == '0')
                return false;
            component++;
        }
    }
    return component > 0;
}
