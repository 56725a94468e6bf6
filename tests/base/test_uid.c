/* Digests and unique identifiers. */
#include "base/uid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The published XXH3-128 of the empty input and of "abc" (xxhsum -H2). */
static void test_known_digests(void **state)
{
    (void)state;
    kin_digest empty = kin_digest_of("", 0), abc = kin_digest_of("abc", 3);
    assert_true(empty.high == UINT64_C(0x99aa06d3014798d8));
    assert_true(empty.low == UINT64_C(0x6001c324468d497f));
    assert_true(abc.high == UINT64_C(0x06b05ab6733a6185));
    assert_true(abc.low == UINT64_C(0x78af5f94892f3950));
    assert_true(kin_digest_equal(abc, kin_digest_of("abcd", 3)));
    assert_false(kin_digest_equal(abc, empty));
    assert_false(kin_digest_equal(abc, (kin_digest){.low = abc.low, .high = empty.high}));
    assert_false(kin_digest_equal(abc, (kin_digest){.low = empty.low, .high = abc.high}));
}

/* Reads "2.25.<decimal>" back as the 128-bit number that a UUID is. */
static unsigned __int128 uuid_of(const char *uid)
{
    unsigned __int128 number = 0;
    assert_int_equal(strncmp(uid, "2.25.", 5), 0);
    for (const char *at = uid + 5; *at != '\0'; at++) {
        assert_true(*at >= '0' && *at <= '9');
        number = number * 10 + (unsigned)(*at - '0');
    }
    return number;
}

/* The numbers were checked with Python: uuid.UUID(int=…) has the variant of RFC 4122, version 8. */
static void test_known_uids(void **state)
{
    static const struct {
        const char *content, *role, *uid, *uuid;
    } cases[] = {
        {"", "instance", "2.25.112042700684424188915454220670195631148",
         "544aa3a4-90ad-88a0-98b9-78335092842c"},
        {"abc", "instance", "2.25.191861862364415087280787818029451049808",
         "90574026-c141-8efd-b669-4b37fdd3fb50"},
        {"abc", "series", "2.25.266546805277488485828024154370555844149",
         "c8870c21-84fd-83f7-9fb3-efa701511635"},
        {"Kindred", "instance", "2.25.331219504059467676033761050911550164202",
         "f92e8e5c-c98c-8244-82c7-8b6034534cea"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char uid[KIN_UID_SIZE], uuid[40];
        kin_uid_from_digest(kin_digest_of(cases[i].content, strlen(cases[i].content)),
                            cases[i].role, uid);
        assert_string_equal(uid, cases[i].uid);
        unsigned __int128 number = uuid_of(uid);
        uint64_t high = (uint64_t)(number >> 64), low = (uint64_t)number;
        snprintf(uuid, sizeof uuid, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                 (unsigned)(high >> 16) & 0xFFFF, (unsigned)high & 0xFFFF, (unsigned)(low >> 48),
                 (unsigned long long)(low & UINT64_C(0xFFFFFFFFFFFF)));
        assert_string_equal(uuid, cases[i].uuid);
    }
}

static void test_uids_of_many_digests(void **state)
{
    char last[KIN_UID_SIZE] = "";
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char uid[KIN_UID_SIZE], again[KIN_UID_SIZE], other[KIN_UID_SIZE];
        kin_digest digest = kin_digest_of(&i, sizeof i);
        kin_uid_from_digest(digest, "instance", uid);
        kin_uid_from_digest(digest, "instance", again);
        kin_uid_from_digest(digest, "study", other);
        assert_true(kin_uid_valid(uid));
        assert_string_equal(uid, again);
        assert_string_not_equal(uid, other);
        assert_string_not_equal(uid, last);
        unsigned __int128 number = uuid_of(uid);
        assert_int_equal((unsigned)(number >> 76) & 0xF, 8); /* RFC 9562: version */
        assert_int_equal((unsigned)(number >> 62) & 3, 2);   /* variant */
        strcpy(last, uid);
    }
}

static void test_role_counts_to_32_bytes(void **state)
{
    char a[KIN_UID_SIZE], b[KIN_UID_SIZE], c[KIN_UID_SIZE];
    kin_digest digest = kin_digest_of("x", 1);
    (void)state;
    kin_uid_from_digest(digest, "01234567890123456789012345678901", a);
    kin_uid_from_digest(digest, "01234567890123456789012345678901 and on", b);
    kin_uid_from_digest(digest, "0123456789012345678901234567890", c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

/* DICOM PS3.5 section 9.1. */
static void test_form(void **state)
{
    static const char *const good[] = {
        "1",      "0",     "1.2.840.10008.1.2",
        "2.25.0", "1.0.0", "1234567890123456789012345678901234567890123456789012345678901234"};
    static const char *const bad[] = {
        "",      ".",
        "1.",    ".1",
        "1..2",  "01",
        "1.02",  "1.2.00",
        "1.2a",  "1 .2",
        "1,2",   "-1.2",
        "1.2 ",  "\xD9\xA1",
        "1.2\n", "12345678901234567890123456789012345678901234567890123456789012345"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(kin_uid_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(kin_uid_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_known_uids),
        cmocka_unit_test(test_uids_of_many_digests),
        cmocka_unit_test(test_role_counts_to_32_bytes),
        cmocka_unit_test(test_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
