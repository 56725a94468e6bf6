/*
 * The steward: a thread that looks, some time after a queue was left alone, whether it still is.
 *
 * It sleeps at a timer that is set when a queue loses its last poller.  Setting a timer is a system
 * call that wakes nobody, and while one runs none is set; so a caller's short calls, one after the
 * other, cost next to nothing, and with no calls there is no tick.  While connections are turned away
 * (accept_guard.c) it looks for room as well.
 */
#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "internal.h"

/* How long a queue may be left alone. */
enum { TICK_NS = 500 * 1000 };

static void set_timer(const kin_rpc_steward *steward, long nanoseconds)
{
    const struct itimerspec once = {.it_value = {.tv_nsec = nanoseconds}};
    timerfd_settime(steward->timer, 0, &once, NULL); /* fails for bad arguments only */
}

static void *run(void *of)
{
    kin_rpc_server *server = of;
    kin_rpc_steward *steward = &server->steward;
    bool quitting = false;
    while (!quitting) {
        uint64_t ticks;
        if (read(steward->timer, &ticks, sizeof ticks) < 0 && errno != EINTR)
            break; /* a timer's descriptor has no other errors */
        bool open = kin_rpc_guard_reopen(server->guard);
        pthread_mutex_lock(&server->lock);
        quitting = server->threads.quitting;
        steward->ticking = false;
        if (!quitting)
            kin_rpc_threads_attend(server);
        if (!quitting && !open)
            kin_rpc_steward_expect(steward);
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

kin_status kin_rpc_steward_start(kin_rpc_server *server, kin_error *err)
{
    kin_rpc_steward *steward = &server->steward;
    steward->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (steward->timer < 0)
        return kin_fail_errno(err, NULL, "cannot make a timer");
    if (!kin_rpc_thread_create(&steward->thread, run, server)) {
        close(steward->timer);
        return kin_fail(err, KIN_E_NOMEM, NULL, "cannot start a thread");
    }
    steward->started = true;
    return KIN_OK;
}

void kin_rpc_steward_expect(kin_rpc_steward *steward)
{
    if (steward->ticking)
        return;
    steward->ticking = true;
    set_timer(steward, TICK_NS);
}

void kin_rpc_steward_stop(kin_rpc_steward *steward)
{
    if (!steward->started)
        return;
    set_timer(steward, 1);
    pthread_join(steward->thread, NULL);
    close(steward->timer);
}
