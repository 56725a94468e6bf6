#include "service/http_address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PORT_MAX = 65535, HOST_MAX = INET6_ADDRSTRLEN };

/* Decimal digits and nothing else: strtoul() would take blanks and signs as well. */
static bool parse_port(const char *text, in_port_t *out)
{
    unsigned port = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = 10 * port + (unsigned)(*text - '0');
        if (port > PORT_MAX)
            return false;
    }
    *out = htons((in_port_t)port);
    return true;
}

static bool parse(const char *text, kin_http_address *out)
{
    char host[HOST_MAX];
    bool v6 = text[0] == '[';
    const char *from = text + (v6 ? 1 : 0);
    const char *end = v6 ? strchr(from, ']') : strrchr(from, ':');
    if (end == NULL || (size_t)(end - from) >= sizeof host)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(end - from), from);
    const char *colon = end + (v6 ? 1 : 0);
    if (*colon != ':')
        return false;
    memset(out, 0, sizeof *out);
    if (v6) {
        out->v6.sin6_family = AF_INET6;
        return parse_port(colon + 1, &out->v6.sin6_port) &&
               inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1;
    }
    out->v4.sin_family = AF_INET;
    return parse_port(colon + 1, &out->v4.sin_port) &&
           inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                     &out->v4.sin_addr) == 1;
}

kin_status kin_http_address_parse(const char *text, kin_http_address *out, kin_error *err)
{
    if (parse(text, out))
        return KIN_OK;
    return kin_fail(err, KIN_E_ARG, text,
                    "not an address such as 127.0.0.1:7480, [::1]:7480 or localhost:7480");
}
