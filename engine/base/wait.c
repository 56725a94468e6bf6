#include "base/wait.h"

#include <time.h>

int kin_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    int failed = pthread_condattr_init(&monotonic);
    if (failed != 0)
        return failed;
    failed = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    if (failed == 0)
        failed = pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return failed;
}

bool kin_cond_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, double moment)
{
    struct timespec until = {.tv_sec = (time_t)moment};
    until.tv_nsec = (long)(1e9 * (moment - (double)until.tv_sec));
    return pthread_cond_timedwait(condition, lock, &until) == 0;
}
