/* Certificates and keys as gRPC will take them, and what is said of others. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "rpc/pem.h"

typedef struct fixture {
    certified authority, own, other;
} fixture;

static int set_up(void **state)
{
    fixture *all = calloc(1, sizeof *all);
    authority_make("Test authority", &all->authority);
    authority_issue(&all->authority, "own", "DNS:localhost", -60, 3600, &all->own);
    authority_issue(&all->authority, "other", NULL, -7200, -3600, &all->other);
    *state = all;
    return 0;
}

static int tear_down(void **state)
{
    fixture *all = *state;
    certified_release(&all->authority);
    certified_release(&all->own);
    certified_release(&all->other);
    free(all);
    return 0;
}

static void expect(const char *authorities, const char *certificate, const char *key,
                   const char *message)
{
    kin_error err = {0};
    kin_status wanted = message[0] == '\0' ? KIN_OK : KIN_E_FORMAT;
    assert_int_equal(kin_pem_check(authorities, certificate, key, &err), wanted);
    assert_string_equal(err.message, message);
}

static void good_ones_pass(void **state)
{
    const fixture *all = *state;
    char chain[8192];
    snprintf(chain, sizeof chain, "%s# the one that signed it\n%s", all->own.certificate,
             all->authority.certificate);
    expect(NULL, NULL, NULL, "");
    expect(all->authority.certificate, NULL, NULL, "");
    expect(all->authority.certificate, all->own.certificate, all->own.key, "");
    expect(NULL, chain, all->own.key, "");
    /* Dates are for the handshake to judge: an expired one may be replaced before it. */
    expect(NULL, all->other.certificate, all->other.key, "");
}

static void others_are_named(void **state)
{
    const fixture *all = *state;
    char chain[8192];
    expect("", NULL, NULL, "no PEM certificate in the authorities' file");
    expect(all->own.key, NULL, NULL, "no PEM certificate in the authorities' file");
    expect(NULL, "nonsense", all->own.key, "no PEM certificate in the certificate's file");
    expect(NULL, all->own.certificate, "nonsense", "no PEM key that needs no pass phrase");
    expect(NULL, all->own.certificate, all->own.certificate,
           "no PEM key that needs no pass phrase");
    expect(NULL, all->own.certificate, all->other.key, "the key is another certificate's");
    snprintf(chain, sizeof chain, "%s%.*s", all->own.certificate, 200, all->own.certificate);
    expect(NULL, chain, all->own.key, "certificate 2 of the certificate's file is broken");
    /* The key belongs to the first. */
    snprintf(chain, sizeof chain, "%s%s", all->authority.certificate, all->own.certificate);
    expect(NULL, chain, all->own.key, "the key is another certificate's");
}

/* Nothing that a file may hold is read beyond its end, or taken for a certificate. */
static void cut_ones_are_refused(void **state)
{
    const fixture *all = *state;
    size_t length = strlen(all->own.certificate);
    const char *end = "-----END";
    size_t whole = (size_t)(strstr(all->own.certificate, end) - all->own.certificate);
    for (size_t size = 0; size <= length; size += 7) {
        char *cut = strndup(all->own.certificate, size);
        kin_error err = {0};
        kin_status status = kin_pem_check(cut, NULL, NULL, &err);
        if (size < whole)
            assert_int_equal(status, KIN_E_FORMAT);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_pass),
        cmocka_unit_test(others_are_named),
        cmocka_unit_test(cut_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
