/* Certificates of the server, read again when they are said to have changed. */
#include <stdio.h>

#include "internal.h"
#include "rpc/pem.h"

static void complain(kin_rpc_server *server, const char *text)
{
    if (server->options.complain != NULL)
        server->options.complain(server->options.ctx, text);
}

/* Asks for the texts and looks at them; under pem_lock. */
static kin_status read_pem(kin_rpc_server *server, kin_rpc_pem *pem, kin_error *err)
{
    *pem = (kin_rpc_pem){0};
    if (server->options.pem == NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "TLS needs a certificate and a key");
    kin_status status = server->options.pem(server->options.ctx, pem, err);
    if (status != KIN_OK)
        return status;
    if (pem->certificate == NULL || pem->key == NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "TLS needs a certificate and a key");
    return kin_pem_check(pem->client_ca, pem->certificate, pem->key, err);
}

kin_status kin_rpc_credentials_begin(kin_rpc_server *server, kin_error *err)
{
    if (!server->options.tls)
        return KIN_OK;
    kin_rpc_pem pem;
    pthread_mutex_lock(&server->pem_lock);
    kin_status status = read_pem(server, &pem, err);
    server->asks_clients = pem.client_ca != NULL;
    pthread_mutex_unlock(&server->pem_lock);
    return status;
}

/* Whether clients are asked for certificates is settled when the server starts, so that a renewal
 * can never open it to everybody. */
static kin_status read_again(kin_rpc_server *server, kin_rpc_pem *pem, kin_error *err)
{
    kin_status status = read_pem(server, pem, err);
    if (status == KIN_OK && (pem->client_ca != NULL) != server->asks_clients)
        status = kin_fail(err, KIN_E_ARG, NULL, "whether clients need certificates cannot change");
    return status;
}

/* gRPC asks before each handshake. */
static grpc_ssl_certificate_config_reload_status fetch(void *user_data,
                                                       grpc_ssl_server_certificate_config **config)
{
    kin_rpc_credentials *credentials = user_data;
    kin_rpc_server *server = credentials->server;
    unsigned renewals = atomic_load(&server->renewals);
    kin_rpc_pem pem;
    kin_error err = {0};
    grpc_ssl_certificate_config_reload_status result = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    pthread_mutex_lock(&server->pem_lock);
    if (credentials->seen == renewals)
        goto out;
    credentials->seen = renewals;
    if (read_again(server, &pem, &err) != KIN_OK) {
        char text[KIN_ERROR_MESSAGE_MAX + 64];
        snprintf(text, sizeof text, "the old certificate stays: %s", err.message);
        complain(server, text);
        goto out;
    }
    const grpc_ssl_pem_key_cert_pair pair = {.private_key = pem.key, .cert_chain = pem.certificate};
    /* Debian builds gRPC with its debugging assertions, and one of them wants authorities here, though
     * no client is asked for a certificate: any will do. */
    const char *authorities = server->asks_clients ? pem.client_ca : pem.certificate;
    *config = grpc_ssl_server_certificate_config_create(authorities, &pair, 1);
    result = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
out:
    pthread_mutex_unlock(&server->pem_lock);
    return result;
}

kin_status kin_rpc_credentials_make(kin_rpc_server *server, kin_rpc_credentials *out,
                                    kin_error *err)
{
    out->server = server;
    out->seen = atomic_load(&server->renewals) - 1;
    if (!server->options.tls) {
        out->grpc = grpc_insecure_server_credentials_create();
    } else {
        grpc_ssl_server_credentials_options *options =
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                server->asks_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                     : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                fetch, out);
        out->grpc = grpc_ssl_server_credentials_create_with_options(options); /* takes them */
    }
    if (out->grpc == NULL)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "gRPC makes no credentials");
    return KIN_OK;
}
