#include "notify.h"

#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum { SPARE_SECONDS = 30 /* closing the archive, the last lines */ };

void kin_notify_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void kin_notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    /* systemd 253 and later match the reload by its time */
    sd_notifyf(0,
               "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading certificates and access "
               "rules",
               (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void kin_notify_stopping(double seconds)
{
    sd_notifyf(0, "STOPPING=1\nSTATUS=waiting for running calls\nEXTEND_TIMEOUT_USEC=%" PRIu64,
               (uint64_t)((seconds + SPARE_SECONDS) * 1e6));
}

int kin_notify_watchdog_ms(void)
{
    uint64_t microseconds;
    if (sd_watchdog_enabled(0, &microseconds) <= 0)
        return -1;
    uint64_t half = microseconds / 2000;
    return half > INT_MAX ? INT_MAX : half > 0 ? (int)half : 1;
}

void kin_notify_alive(void)
{
    sd_notify(0, "WATCHDOG=1");
}
