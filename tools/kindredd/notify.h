/* notify.h - what the service manager is told (sd_notify(3)); nothing, where there is none. */
#ifndef KINDREDD_NOTIFY_H
#define KINDREDD_NOTIFY_H

/* `status` is one line for people. */
void kin_notify_ready(const char *status);
void kin_notify_reloading(void);
/* Asks for `seconds` to stop in, on top of what stopping takes anyway. */
void kin_notify_stopping(double seconds);

/* Milliseconds after which the manager wants a sign of life at the latest, halved; -1: never. */
int kin_notify_watchdog_ms(void);
void kin_notify_alive(void);

#endif
