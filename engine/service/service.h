/*
 * service.h - kindredd: an archive behind gRPC, with its access rules, audit trail, metrics and
 * life.
 */
#ifndef KIN_SERVICE_SERVICE_H
#define KIN_SERVICE_SERVICE_H

#include "service/config.h"

typedef struct kin_service kin_service;

/* Opens the archive (made when the folder is absent or empty), binds and serves.  `log` is copied;
 * what the service has to say goes there. */
kin_status kin_service_start(const kin_config *config, const kin_log *log, kin_service **out,
                             kin_error *err);
/* Ports of the first gRPC address and of HTTP (0: none). */
int kin_service_port(const kin_service *service);
int kin_service_http_port(const kin_service *service);
/* Reads certificates and access file again, opens the audit file anew (SIGHUP).  What cannot be
 * read is logged, and the old one stays. */
void kin_service_reload(kin_service *service);
/* Drains (config's server_drain seconds), stops and frees.  False when calls were cut off. */
bool kin_service_stop(kin_service *service);

#endif
