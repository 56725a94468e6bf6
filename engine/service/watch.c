/*
 * watch.c - a thread that looks at the archive now and then.
 *
 * It takes up a generation that a reindex put in place, also one of another process (the nightly
 * job), before a query has to; it reads the statistics that the metrics show; and it says when the
 * archive cannot be read.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/wait.h"
#include "service/internal.h"

enum { LOOK_SECONDS = 1, STATS_EVERY = 10 /* looks between two readings of the statistics */ };

/* first: whatever serves is no news. */
static void look_for_generation(kin_service *service, bool first)
{
    kin_error err = {0};
    bool changed = false;
    if (kin_archive_refresh(service->archive, &changed, &err) != KIN_OK) {
        if (kin_health_is_serving(service->health)) /* once, not every second */
            kin_log_error(&service->log, KIN_LOG_ERROR, "the archive cannot be read", &err);
        kin_health_set(service->health, false);
        return;
    }
    kin_health_set(service->health, true);
    if (changed && !first)
        kin_log_line(&service->log, KIN_LOG_NOTICE, "another index generation serves");
}

static void read_stats(kin_service *service)
{
    kin_archive_stats stats;
    kin_error err = {0};
    kin_status status = kin_archive_stats_read(service->archive, &stats, &err);
    if (status != KIN_OK)
        kin_log_error(&service->log, KIN_LOG_WARNING, "statistics", &err);
    pthread_mutex_lock(&service->watch.lock);
    service->watch.has_stats = status == KIN_OK;
    if (status == KIN_OK)
        service->watch.stats = stats;
    pthread_mutex_unlock(&service->watch.lock);
}

/* Sleeps; true when it is time to stop. */
static bool rest(kin_watch *watch)
{
    double until = kin_clock_monotonic() + LOOK_SECONDS;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stop && kin_cond_wait_until(&watch->wake, &watch->lock, until))
        ;
    bool stop = watch->stop;
    pthread_mutex_unlock(&watch->lock);
    return stop;
}

static void *look(void *ctx)
{
    kin_service *service = ctx;
    for (unsigned looks = 0;; looks++) {
        look_for_generation(service, looks == 0);
        if (looks % STATS_EVERY == 0)
            read_stats(service);
        if (rest(&service->watch))
            return NULL;
    }
}

kin_status kin_watch_start(kin_service *service, kin_error *err)
{
    kin_watch *watch = &service->watch;
    errno = kin_cond_init(&watch->wake);
    if (errno != 0)
        return kin_fail_errno(err, NULL, "cannot make a condition variable");
    pthread_mutex_init(&watch->lock, NULL);
    errno = pthread_create(&watch->thread, NULL, look, service);
    if (errno != 0) {
        kin_status status = kin_fail_errno(err, NULL, "cannot start the watching thread");
        pthread_cond_destroy(&watch->wake);
        pthread_mutex_destroy(&watch->lock);
        return status;
    }
    watch->started = true;
    return KIN_OK;
}

void kin_watch_stop(kin_service *service)
{
    kin_watch *watch = &service->watch;
    if (!watch->started)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    watch->started = false;
}

bool kin_watch_stats(kin_service *service, kin_archive_stats *out)
{
    kin_watch *watch = &service->watch;
    pthread_mutex_lock(&watch->lock);
    bool has = watch->has_stats;
    if (has)
        *out = watch->stats;
    pthread_mutex_unlock(&watch->lock);
    return has;
}
