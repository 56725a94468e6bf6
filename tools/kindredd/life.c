#include "life.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "notify.h"

kin_status kin_life_take_signals(int *fd, kin_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
    *fd = errno == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    return *fd >= 0 ? KIN_OK : kin_fail_errno(err, NULL, "cannot wait for signals");
}

/* The next signal; 0 when there is none now. */
static int next_signal(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static void reload(kin_service *service, const kin_log *log)
{
    kin_log_line(log, KIN_LOG_NOTICE, "reloading: certificates, access rules, audit file");
    kin_notify_reloading();
    kin_service_reload(service);
    kin_notify_ready("serving");
}

/* Gives signs of life, and obeys signals until one says to stop. */
static void serve(int fd, kin_service *service, const kin_log *log)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    const int pause = kin_notify_watchdog_ms();
    for (;;) {
        if (poll(&wait, 1, pause) < 0 && errno != EINTR)
            return; /* without signals nobody could stop it */
        if (pause >= 0)
            kin_notify_alive();
        for (int number; (number = next_signal(fd)) != 0;) {
            if (number != SIGHUP) {
                kin_log_line(log, KIN_LOG_NOTICE, "stopping on SIG%s", sigabbrev_np(number));
                return;
            }
            reload(service, log);
        }
    }
}

/* The service's end on a thread of its own, so that signals are heard meanwhile. */
struct ending {
    kin_service *service;
    int done; /* eventfd */
};

static void *end(void *ctx)
{
    struct ending *ending = ctx;
    const uint64_t one = 1;
    kin_service_stop(ending->service);
    while (write(ending->done, &one, sizeof one) < 0 && errno == EINTR)
        ;
    return NULL;
}

/* True when the end has come, false when a signal has. */
static bool wait_for_end(int fd, int done)
{
    struct pollfd wait[] = {{.fd = done, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    for (;;) {
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            return true; /* the caller joins the thread, as long as that may take */
        if (wait[0].revents != 0)
            return true;
        for (int number; (number = next_signal(fd)) != 0;)
            if (number != SIGHUP)
                return false;
    }
}

bool kin_life_run(int fd, kin_service *service, double drain_seconds, const kin_log *log)
{
    pthread_t thread;
    serve(fd, service, log);
    kin_notify_stopping(drain_seconds);
    struct ending ending = {.service = service, .done = eventfd(0, EFD_CLOEXEC)};
    if (ending.done < 0 || pthread_create(&thread, NULL, end, &ending) != 0) {
        if (ending.done >= 0)
            close(ending.done);
        kin_service_stop(service);
        return true;
    }
    if (!wait_for_end(fd, ending.done))
        return false; /* the thread still works on `ending`: the program ends now */
    pthread_join(thread, NULL);
    close(ending.done);
    return true;
}
