/* gRPC status codes and kin_status. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include "rpc/code.h"

static void codes_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(kin_rpc_code_name(KIN_RPC_OK), "OK");
    assert_string_equal(kin_rpc_code_name(KIN_RPC_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(kin_rpc_code_name(KIN_RPC_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(kin_rpc_code_name((kin_rpc_code)17), "UNKNOWN");
    assert_string_equal(kin_rpc_code_name((kin_rpc_code)-1), "UNKNOWN");
}

static void statuses_have_codes(void **state)
{
    (void)state;
    static const struct {
        kin_status status;
        kin_rpc_code code;
    } expected[] = {
        {KIN_OK, KIN_RPC_OK},
        {KIN_E_ARG, KIN_RPC_INVALID_ARGUMENT},
        {KIN_E_NOMEM, KIN_RPC_RESOURCE_EXHAUSTED},
        {KIN_E_IO, KIN_RPC_INTERNAL},
        {KIN_E_FORMAT, KIN_RPC_INVALID_ARGUMENT},
        {KIN_E_UNSUPPORTED, KIN_RPC_UNIMPLEMENTED},
        {KIN_E_LIMIT, KIN_RPC_RESOURCE_EXHAUSTED},
        {KIN_E_NO_IMAGE, KIN_RPC_INVALID_ARGUMENT},
        {KIN_E_NOT_FOUND, KIN_RPC_NOT_FOUND},
        {KIN_E_EXISTS, KIN_RPC_ALREADY_EXISTS},
        {KIN_E_CORRUPT, KIN_RPC_DATA_LOSS},
        {KIN_E_BUSY, KIN_RPC_ABORTED},
        {KIN_E_CANCELLED, KIN_RPC_CANCELLED},
        {KIN_E_TIMEOUT, KIN_RPC_DEADLINE_EXCEEDED},
        {KIN_E_CRASHED, KIN_RPC_INTERNAL},
        {KIN_E_INTERNAL, KIN_RPC_INTERNAL},
        {KIN_E_FULL, KIN_RPC_RESOURCE_EXHAUSTED},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(kin_rpc_code_of_status(expected[i].status), expected[i].code);
    assert_int_equal(kin_rpc_code_of_status((kin_status)-99), KIN_RPC_UNKNOWN);
}

/* A client's caller sees what the server's function returned, where a code says it. */
static void statuses_survive_the_way(void **state)
{
    (void)state;
    static const kin_status same[] = {
        KIN_OK,          KIN_E_ARG,       KIN_E_UNSUPPORTED, KIN_E_LIMIT,
        KIN_E_NOT_FOUND, KIN_E_EXISTS,    KIN_E_CORRUPT,     KIN_E_BUSY,
        KIN_E_TIMEOUT,   KIN_E_CANCELLED, KIN_E_INTERNAL,
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_int_equal(kin_rpc_status_of_code(kin_rpc_code_of_status(same[i])), same[i]);
    for (int code = KIN_RPC_CANCELLED; code <= KIN_RPC_UNAUTHENTICATED; code++)
        assert_true(kin_rpc_status_of_code((kin_rpc_code)code) < KIN_OK);
    assert_int_equal(kin_rpc_status_of_code(KIN_RPC_UNAVAILABLE), KIN_E_IO);
    assert_true(kin_rpc_status_of_code((kin_rpc_code)1000) < KIN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_their_names),
        cmocka_unit_test(statuses_have_codes),
        cmocka_unit_test(statuses_survive_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
