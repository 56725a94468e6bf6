#include "archive/memory_watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wait.h"

/* Seconds between two looks: building gigabytes takes minutes, and grows by some MB meanwhile. */
static const double period = 0.005;

struct kin_memory_watch {
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t ended;
    bool end;
    uint64_t before, peak;
};

static uint64_t anonymous_bytes(void)
{
    unsigned long long size, resident, shared;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    int read = fscanf(file, "%llu %llu %llu", &size, &resident, &shared);
    fclose(file);
    return read == 3 && resident > shared ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE)
                                          : 0;
}

static void look(kin_memory_watch *watch)
{
    uint64_t now = anonymous_bytes();
    watch->peak = now > watch->peak ? now : watch->peak;
}

static void *watch_on(void *argument)
{
    kin_memory_watch *watch = argument;
    pthread_mutex_lock(&watch->lock);
    while (!watch->end) {
        look(watch);
        kin_cond_wait_until(&watch->ended, &watch->lock, kin_clock_monotonic() + period);
    }
    look(watch);
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

kin_memory_watch *kin_memory_watch_new(void)
{
    kin_memory_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return NULL;
    if (kin_cond_init(&watch->ended) != 0) {
        free(watch);
        return NULL;
    }
    pthread_mutex_init(&watch->lock, NULL);
    watch->before = watch->peak = anonymous_bytes();
    if (pthread_create(&watch->thread, NULL, watch_on, watch) != 0) {
        pthread_cond_destroy(&watch->ended);
        pthread_mutex_destroy(&watch->lock);
        free(watch);
        return NULL;
    }
    return watch;
}

uint64_t kin_memory_watch_free(kin_memory_watch *watch)
{
    if (watch == NULL)
        return 0;
    pthread_mutex_lock(&watch->lock);
    watch->end = true;
    pthread_cond_signal(&watch->ended);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    uint64_t held = watch->peak - watch->before;
    pthread_cond_destroy(&watch->ended);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
    return held;
}
