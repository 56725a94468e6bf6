/* TLS: who gets in, under which names, and what a renewal changes. */
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
#include "echo.h"
#include "rpc/message.h"

typedef Kindred__Test__Echo echo_message;
static const echo_message NOTHING = KINDRED__TEST__ECHO__INIT;

/* What is made once for all tests. */
static struct {
    certified ours, others;           /* authorities */
    certified server, renewed;        /* by ours, by others */
    certified client, stranger, late; /* by ours, by others, expired by ours */
} made;

enum { DAY = 24 * 60 * 60 };
static const char *const NAMES = "DNS:localhost,IP:127.0.0.1";

static int make_certificates(void **state)
{
    (void)state;
    authority_make("our authority", &made.ours);
    authority_make("another authority", &made.others);
    authority_issue(&made.ours, "server", NAMES, -DAY, DAY, &made.server);
    authority_issue(&made.others, "server", NAMES, -DAY, DAY, &made.renewed);
    authority_issue(&made.ours, "station-7", "DNS:station7.example,DNS:backup.example", -DAY, DAY,
                    &made.client);
    authority_issue(&made.others, "station-7", NULL, -DAY, DAY, &made.stranger);
    authority_issue(&made.ours, "station-7", NULL, -2 * DAY, -DAY, &made.late);
    return 0;
}

static int release_certificates(void **state)
{
    (void)state;
    certified *const all[] = {&made.ours,   &made.others,   &made.server, &made.renewed,
                              &made.client, &made.stranger, &made.late};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        certified_release(all[i]);
    return 0;
}

/* --- a server with certificates that can be changed --- */

typedef struct fixture {
    echo echo; /* the hooks' context is its address, and the fixture's */
    kin_rpc_pem pem;
    bool unreadable;
    char names[256]; /* of the last caller */
} fixture;

static kin_status give_pem(void *ctx, kin_rpc_pem *out, kin_error *err)
{
    fixture *self = ctx;
    if (self->unreadable)
        return kin_fail(err, KIN_E_IO, NULL, "cannot read it");
    *out = self->pem;
    return KIN_OK;
}

static int add_name(void *ctx, const char *name)
{
    fixture *self = ctx;
    size_t used = strlen(self->names);
    snprintf(self->names + used, sizeof self->names - used, "%s;", name);
    return 0;
}

static kin_rpc_code note_names(void *ctx, kin_rpc_call *call)
{
    fixture *self = ctx;
    self->names[0] = '\0';
    kin_rpc_call_each_identity(call, add_name, self);
    return KIN_RPC_OK;
}

static kin_status try_start(fixture *out, const certified *server, const char *client_ca,
                            kin_error *err)
{
    *out = (fixture){.pem = {server->certificate, server->key, client_ca}};
    return echo_try_start(
        &out->echo, (kin_rpc_server_options){.tls = true, .pem = give_pem, .admit = note_names},
        err);
}

static void start(fixture *out, const certified *server, const char *client_ca)
{
    kin_error err = {0};
    if (try_start(out, server, client_ca, &err) != KIN_OK)
        fail_msg("%s: %s", err.subject, err.message);
}

static kin_rpc_channel *open_as(const fixture *to, const char *ca, const certified *client)
{
    kin_rpc_channel *channel = NULL;
    kin_error err = {0};
    const kin_rpc_channel_options options = {.tls = ca != NULL,
                                             .ca = ca,
                                             .certificate = client ? client->certificate : NULL,
                                             .key = client ? client->key : NULL};
    if (kin_rpc_channel_open(to->echo.address, &options, &channel, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return channel;
}

static kin_rpc_code call_on(kin_rpc_channel *channel)
{
    kin_error err = {0};
    return echo_call(channel, ECHO_PATH("Unary"), &NOTHING, 5, NULL, &err);
}

static kin_rpc_code call_as(const fixture *to, const char *ca, const certified *client)
{
    kin_rpc_channel *channel = open_as(to, ca, client);
    kin_rpc_code code = call_on(channel);
    kin_rpc_channel_close(channel);
    return code;
}

/* --- who gets in --- */

static void a_server_shows_its_certificate(void **state)
{
    (void)state;
    fixture server;
    start(&server, &made.server, NULL);
    assert_int_equal(call_as(&server, made.ours.certificate, NULL), KIN_RPC_OK);
    assert_string_equal(server.names, "");
    assert_int_equal(call_as(&server, made.others.certificate, NULL), KIN_RPC_UNAVAILABLE);
    assert_int_equal(call_as(&server, NULL, NULL), KIN_RPC_UNAVAILABLE); /* in the clear */
    /* One that nobody asked for and nobody verified names nobody. */
    assert_int_equal(call_as(&server, made.ours.certificate, &made.stranger), KIN_RPC_OK);
    assert_string_equal(server.names, "");
    echo_stop(&server.echo, 5);
}

static void clients_need_a_certificate_of_the_right_authority(void **state)
{
    (void)state;
    fixture server;
    start(&server, &made.server, made.ours.certificate);
    assert_int_equal(call_as(&server, made.ours.certificate, &made.client), KIN_RPC_OK);
    assert_string_equal(server.names, "station-7;station7.example;backup.example;");
    const certified *const wrong[] = {NULL, &made.stranger, &made.late};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(call_as(&server, made.ours.certificate, wrong[i]), KIN_RPC_UNAVAILABLE);
    assert_int_equal(call_as(&server, NULL, NULL), KIN_RPC_UNAVAILABLE);
    assert_int_equal(server.echo.seen.codes[KIN_RPC_OK], 1); /* no other got as far as a call */
    assert_int_equal(server.echo.seen.finished, 1);
    assert_true(server.echo.seen.grpc_lines >= 3); /* the operator hears why */
    assert_int_equal(call_as(&server, made.ours.certificate, &made.client), KIN_RPC_OK);
    echo_stop(&server.echo, 5);
}

/* --- renewal --- */

static void a_renewal_counts_from_the_next_handshake(void **state)
{
    (void)state;
    fixture server;
    start(&server, &made.server, NULL);
    kin_rpc_channel *old = open_as(&server, made.ours.certificate, NULL);
    assert_int_equal(call_on(old), KIN_RPC_OK);
    server.pem = (kin_rpc_pem){made.renewed.certificate, made.renewed.key, NULL};
    assert_int_equal(call_as(&server, made.ours.certificate, NULL), KIN_RPC_OK); /* not yet told */
    kin_rpc_server_renew(server.echo.server);
    assert_int_equal(call_as(&server, made.others.certificate, NULL), KIN_RPC_OK);
    assert_int_equal(call_as(&server, made.ours.certificate, NULL), KIN_RPC_UNAVAILABLE);
    assert_int_equal(call_on(old), KIN_RPC_OK); /* its connection stays */
    kin_rpc_channel_close(old);
    echo_stop(&server.echo, 5);
}

static void clients_authority_is_renewed_too(void **state)
{
    (void)state;
    fixture server;
    start(&server, &made.server, made.ours.certificate);
    assert_int_equal(call_as(&server, made.ours.certificate, &made.client), KIN_RPC_OK);
    server.pem.client_ca = made.others.certificate;
    kin_rpc_server_renew(server.echo.server);
    assert_int_equal(call_as(&server, made.ours.certificate, &made.client), KIN_RPC_UNAVAILABLE);
    assert_int_equal(call_as(&server, made.ours.certificate, &made.stranger), KIN_RPC_OK);
    echo_stop(&server.echo, 5);
}

static void a_bad_renewal_changes_nothing(void **state)
{
    (void)state;
    const kin_rpc_pem bad[] = {
        {"-----BEGIN CERTIFICATE-----\nAAAA\n", made.server.key, made.ours.certificate},
        {made.server.certificate, made.client.key, made.ours.certificate}, /* another's key */
        {made.server.certificate, made.server.key, NULL}, /* would let everybody in */
        {made.server.certificate, made.server.key, "no authority"},
        {NULL, NULL, NULL},
    };
    fixture server;
    start(&server, &made.server, made.ours.certificate);
    for (unsigned i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        server.unreadable = i == sizeof bad / sizeof bad[0];
        server.pem = server.unreadable ? server.pem : bad[i];
        kin_rpc_server_renew(server.echo.server);
        assert_int_equal(call_as(&server, made.ours.certificate, &made.client), KIN_RPC_OK);
        assert_int_equal(call_as(&server, made.ours.certificate, NULL), KIN_RPC_UNAVAILABLE);
        assert_int_equal(server.echo.seen.complaints, i + 1);
        assert_memory_equal(server.echo.seen.complaint, "the old certificate stays: ", 27);
    }
    echo_stop(&server.echo, 5);
}

static void a_server_does_not_start_with_bad_certificates(void **state)
{
    (void)state;
    const struct {
        certified server;
        const char *client_ca;
        kin_status status;
    } bad[] = {
        {{"rubbish", made.server.key}, NULL, KIN_E_FORMAT},
        {{made.server.certificate, "rubbish"}, NULL, KIN_E_FORMAT},
        {{made.server.certificate, made.client.key}, NULL, KIN_E_FORMAT},
        {made.server, "rubbish", KIN_E_FORMAT},
        {{NULL, NULL}, NULL, KIN_E_ARG},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fixture server;
        kin_error err = {0};
        assert_int_equal(try_start(&server, &bad[i].server, bad[i].client_ca, &err), bad[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_shows_its_certificate),
        cmocka_unit_test(clients_need_a_certificate_of_the_right_authority),
        cmocka_unit_test(a_renewal_counts_from_the_next_handshake),
        cmocka_unit_test(clients_authority_is_renewed_too),
        cmocka_unit_test(a_bad_renewal_changes_nothing),
        cmocka_unit_test(a_server_does_not_start_with_bad_certificates),
    };
    return cmocka_run_group_tests(tests, make_certificates, release_certificates);
}
