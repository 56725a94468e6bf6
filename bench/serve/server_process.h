/* server_process.h - a kindredd of our own over some archive, and other programs run to their end. */
#ifndef KIN_BENCH_SERVER_PROCESS_H
#define KIN_BENCH_SERVER_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

typedef struct bench_server {
    pid_t pid;
    int port;
} bench_server;

/* Starts the kindredd beside this program on a free port and waits until it serves. */
kin_status bench_server_start(const char *archive, const char *folder, bench_server *out,
                              kin_error *err);
/* SIGTERM, and waits; KIN_E_CRASHED when it did not end well. */
kin_status bench_server_stop(bench_server *server, kin_error *err);
/* Most memory that it has had (VmHWM), in bytes; 0 where unknown. */
uint64_t bench_server_peak(const bench_server *server);

/* Runs a program beside this one with arguments (argv[0] its name; NULL at the end), its output to
 * nowhere; KIN_E_CRASHED unless it exits with 0. */
kin_status bench_run(char *const argv[], kin_error *err);

#endif
