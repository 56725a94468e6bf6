/* What single options cannot know: addresses, and what goes with what. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/config.h"

enum { HOST_MAX = 256, PORT_MAX = 65535 };

static bool is_unix(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

/* Copies the host of HOST, HOST:PORT, [IPV6] or [IPV6]:PORT without its brackets; *port becomes
 * what follows it ("" or ":PORT").  False when it is none of them. */
static bool split_host(const char *address, char host[HOST_MAX], const char **port)
{
    bool bracketed = address[0] == '[';
    const char *begin = address + bracketed;
    size_t length = strcspn(begin, bracketed ? "]" : ":");
    if (length == 0 || length >= HOST_MAX || (bracketed && begin[length] != ']'))
        return false;
    memcpy(host, begin, length);
    host[length] = '\0';
    *port = begin + length + bracketed;
    return **port == '\0' || **port == ':';
}

bool kin_config_is_loopback(const char *address)
{
    char host[HOST_MAX];
    const char *port;
    struct in_addr v4;
    struct in6_addr v6;
    if (is_unix(address))
        return true;
    if (!split_host(address, host, &port))
        return false;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(host, "localhost") == 0;
}

static bool is_port(const char *text)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    return strtoul(text, &end, 10) <= PORT_MAX && *end == '\0' && strlen(text) <= 5;
}

/* HOST:PORT or [IPV6]:PORT. */
static bool is_tcp(const char *address)
{
    char host[HOST_MAX];
    const char *port;
    struct in6_addr v6;
    if (!split_host(address, host, &port) || *port != ':' || !is_port(port + 1))
        return false;
    if (address[0] == '[') {
        host[strcspn(host, "%")] = '\0'; /* the interface of a link-local address */
        return inet_pton(AF_INET6, host, &v6) == 1;
    }
    for (const char *at = host; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '.' && *at != '-')
            return false;
    return true;
}

kin_status kin_config_addresses(const kin_config *config, char buffer[KIN_CONFIG_TEXT_MAX],
                                const char *out[KIN_CONFIG_ADDRESSES_MAX], size_t *count,
                                kin_error *err)
{
    char *save = NULL;
    *count = 0;
    snprintf(buffer, KIN_CONFIG_TEXT_MAX, "%s", config->server_listen);
    for (char *at = strtok_r(buffer, " ,", &save); at != NULL; at = strtok_r(NULL, " ,", &save)) {
        if (*count == KIN_CONFIG_ADDRESSES_MAX)
            return kin_fail(err, KIN_E_ARG, NULL, "server.listen has more than %d addresses",
                            KIN_CONFIG_ADDRESSES_MAX);
        if (!is_tcp(at) && !(is_unix(at) && at[5] != '\0'))
            return kin_fail(err, KIN_E_ARG, NULL,
                            "server.listen: '%s' is neither HOST:PORT, [IPV6]:PORT nor unix:PATH",
                            at);
        out[(*count)++] = at;
    }
    if (*count == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "server.listen has no address");
    return KIN_OK;
}

/* The first address beyond this machine into address, "" when there is none. */
static kin_status find_remote(const kin_config *config, char address[KIN_CONFIG_TEXT_MAX],
                              kin_error *err)
{
    char buffer[KIN_CONFIG_TEXT_MAX];
    const char *addresses[KIN_CONFIG_ADDRESSES_MAX];
    size_t count;
    kin_status status = kin_config_addresses(config, buffer, addresses, &count, err);
    address[0] = '\0';
    for (size_t i = 0; status == KIN_OK && address[0] == '\0' && i < count; i++)
        if (!kin_config_is_loopback(addresses[i]))
            snprintf(address, KIN_CONFIG_TEXT_MAX, "%s", addresses[i]);
    return status;
}

static kin_status check_http(const kin_config *config, kin_error *err)
{
    const char *listen = config->http_listen;
    if (listen[0] == '\0')
        return KIN_OK;
    if (!is_tcp(listen))
        return kin_fail(err, KIN_E_ARG, NULL,
                        "http.listen: '%s' is neither HOST:PORT nor [IPV6]:PORT", listen);
    if (!kin_config_is_loopback(listen) && !config->server_allow_remote)
        return kin_fail(
            err, KIN_E_ARG, NULL,
            "http.listen: '%s' is beyond this machine, which server.allow_remote forbids", listen);
    return KIN_OK;
}

static kin_status check_tls(const kin_config *config, kin_error *err)
{
    bool certificate = config->tls_certificate[0] != '\0', key = config->tls_key[0] != '\0';
    if (certificate != key)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "tls.certificate and tls.key go together: tls.%s is missing",
                        certificate ? "key" : "certificate");
    if (config->tls_client_ca[0] != '\0' && !certificate)
        return kin_fail(err, KIN_E_ARG, NULL, "tls.client_ca needs tls.certificate and tls.key");
    if (certificate && config->access_file[0] == '\0')
        return kin_fail(
            err, KIN_E_ARG, NULL,
            "access.file is missing: with TLS, callers need rules that give them a role");
    return KIN_OK;
}

static kin_status check_remote(const kin_config *config, const char *address, kin_error *err)
{
    const char *missing = NULL;
    if (address[0] == '\0')
        return KIN_OK;
    if (!config->server_allow_remote)
        missing = "server.allow_remote = on";
    else if (config->tls_certificate[0] == '\0')
        missing = "tls.certificate and tls.key";
    else if (config->tls_client_ca[0] == '\0')
        missing = "tls.client_ca";
    else if (config->access_file[0] == '\0')
        missing = "access.file";
    if (missing != NULL)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "server.listen: '%s' is beyond this machine and needs %s", address,
                        missing);
    return KIN_OK;
}

static kin_status check_sizes(const kin_config *config, kin_error *err)
{
    if (config->server_message_bytes > config->server_memory_bytes)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "server.message_bytes is more than server.memory_bytes");
    if (config->decode_frame_bytes > config->decode_memory_bytes)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "decode.frame_bytes is more than decode.memory_bytes");
    return KIN_OK;
}

kin_status kin_config_check(const kin_config *config, kin_error *err)
{
    char remote[KIN_CONFIG_TEXT_MAX];
    if (config->archive_path[0] == '\0')
        return kin_fail(err, KIN_E_ARG, NULL, "archive.path is missing");
    kin_status status = find_remote(config, remote, err);
    if (status == KIN_OK)
        status = check_remote(config, remote, err);
    if (status == KIN_OK)
        status = check_tls(config, err);
    if (status == KIN_OK)
        status = check_http(config, err);
    if (status == KIN_OK)
        status = check_sizes(config, err);
    return status;
}
