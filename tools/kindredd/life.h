/* life.h - a running service and the signals that it gets. */
#ifndef KINDREDD_LIFE_H
#define KINDREDD_LIFE_H

#include "base/log.h"
#include "service/service.h"

/* Takes the signals that steer the service, once in a program.  They are handled, not blocked:
 * threads that libraries have started before main() would not know of the mask, and die of them.
 * *fd is read by kin_life_run() and closed by the caller. */
kin_status kin_life_take_signals(int *fd, kin_error *err);

typedef enum kin_life_end {
    KIN_LIFE_DRAINED, /* every call ended by itself */
    KIN_LIFE_CUT,     /* server.drain was over: calls were cut off */
    KIN_LIFE_AT_ONCE
} kin_life_end;

/*
 * Waits for signals and obeys them: SIGHUP reloads, SIGTERM and SIGINT let running calls end and
 * stop the service, which is then freed; but not when a second one comes while calls are still
 * running (KIN_LIFE_AT_ONCE): then the program has to end at once.
 */
kin_life_end kin_life_run(int fd, kin_service *service, double drain_seconds, const kin_log *log);

#endif
