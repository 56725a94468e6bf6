/* http_address.h - an address and its port from text. */
#ifndef KIN_SERVICE_HTTP_ADDRESS_H
#define KIN_SERVICE_HTTP_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/status.h"

typedef union kin_http_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} kin_http_address;

/* "127.0.0.1:7480", "[::1]:0", "localhost:7480"; KIN_E_ARG for anything else. */
kin_status kin_http_address_parse(const char *text, kin_http_address *out, kin_error *err);

#endif
