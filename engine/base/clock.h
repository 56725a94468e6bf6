/* clock.h - time: a monotonic clock for durations, the wall clock for records. */
#ifndef KIN_BASE_CLOCK_H
#define KIN_BASE_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Seconds since an arbitrary, fixed moment; never steps back. */
double kin_clock_monotonic(void);

/* Microseconds since 1970-01-01T00:00:00Z. */
int64_t kin_clock_wall_us(void);

#ifdef __cplusplus
}
#endif

#endif
