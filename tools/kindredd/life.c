#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "notify.h"

static int written = -1; /* a signal handler can reach nothing but a global */

/* Passes the signal on to who reads the pipe; when that is full it has enough to do. */
static void note(int number)
{
    int before = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t put = write(written, &byte, 1);
    (void)put;
    errno = before;
}

kin_status kin_life_take_signals(int *fd, kin_error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    int ends[2];
    sigfillset(&action.sa_mask);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return kin_fail_errno(err, NULL, "cannot wait for signals");
    written = ends[1];
    *fd = ends[0];
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], &action, NULL) != 0)
            return kin_fail_errno(err, NULL, "cannot wait for signals");
    return KIN_OK;
}

/* The next signal; 0 when there is none now. */
static int next_signal(int fd)
{
    unsigned char number;
    return read(fd, &number, 1) == 1 ? number : 0;
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
    bool drained;
    int done; /* eventfd */
};

static void *end(void *ctx)
{
    struct ending *ending = ctx;
    const uint64_t one = 1;
    ending->drained = kin_service_stop(ending->service);
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

static kin_life_end end_of(bool drained)
{
    return drained ? KIN_LIFE_DRAINED : KIN_LIFE_CUT;
}

kin_life_end kin_life_run(int fd, kin_service *service, double drain_seconds, const kin_log *log)
{
    pthread_t thread;
    serve(fd, service, log);
    kin_notify_stopping(drain_seconds);
    struct ending ending = {.service = service, .done = eventfd(0, EFD_CLOEXEC)};
    if (ending.done < 0 || pthread_create(&thread, NULL, end, &ending) != 0) {
        if (ending.done >= 0)
            close(ending.done);
        return end_of(kin_service_stop(service));
    }
    if (!wait_for_end(fd, ending.done))
        return KIN_LIFE_AT_ONCE; /* the thread still works on `ending`: the program ends now */
    pthread_join(thread, NULL);
    close(ending.done);
    return end_of(ending.drained);
}
