/* port_file.h - where scripts find the ports of a service that took free ones. */
#ifndef KINDREDD_PORT_FILE_H
#define KINDREDD_PORT_FILE_H

#include "base/status.h"

/* Writes "grpc PORT\nhttp PORT\n" (0: none), whole or not at all. */
kin_status kin_port_file_write(const char *path, int grpc, int http, kin_error *err);

#endif
