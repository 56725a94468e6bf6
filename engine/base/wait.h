/* wait.h - waiting for a condition variable with a bound, on the clock that never steps back. */
#ifndef KIN_BASE_WAIT_H
#define KIN_BASE_WAIT_H

#include <pthread.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a condition variable for kin_cond_wait_until(); destroyed with pthread_cond_destroy().
 * Returns 0 or an errno. */
int kin_cond_init(pthread_cond_t *condition);

/* Waits, with the lock held, until the condition is signalled or a moment of kin_clock_monotonic()
 * has come (false).  May return early, as pthread_cond_timedwait() may: callers look again. */
bool kin_cond_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, double moment);

#ifdef __cplusplus
}
#endif

#endif
