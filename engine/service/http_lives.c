#include "service/http_lives.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/wait.h"

struct kin_http_life {
    int fd; /* -1: the place is free */
    bool cut;
    double end; /* kin_clock_monotonic() */
};

struct kin_http_lives {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a first life began, or stop was set */
    bool stop;
    double seconds;
    size_t count; /* of places */
    kin_http_life places[];
};

/* The life that ends next; NULL when none is left to cut. */
static kin_http_life *next_end(kin_http_lives *lives)
{
    kin_http_life *next = NULL;
    for (size_t i = 0; i < lives->count; i++) {
        kin_http_life *life = &lives->places[i];
        if (life->fd >= 0 && !life->cut && (next == NULL || life->end < next->end))
            next = life;
    }
    return next;
}

/* Under the lock: the socket's owner cannot close it meanwhile.  What a client did not read is
 * dropped with its connection, lest the kernel keeps it on its behalf. */
static void cut(int fd)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    (void)shutdown(fd, SHUT_RDWR);
}

static void *cut_the_overdue(void *ctx)
{
    kin_http_lives *lives = ctx;
    pthread_mutex_lock(&lives->lock);
    while (!lives->stop) {
        kin_http_life *next = next_end(lives);
        if (next == NULL) {
            pthread_cond_wait(&lives->wake, &lives->lock);
        } else if (kin_clock_monotonic() < next->end) {
            kin_cond_wait_until(&lives->wake, &lives->lock, next->end);
        } else {
            cut(next->fd);
            next->cut = true;
        }
    }
    pthread_mutex_unlock(&lives->lock);
    return NULL;
}

kin_status kin_http_lives_new(size_t most, double seconds, kin_http_lives **out, kin_error *err)
{
    kin_http_lives *lives = calloc(1, sizeof *lives + most * sizeof lives->places[0]);
    if (lives == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an HTTP server");
    lives->seconds = seconds;
    lives->count = most;
    for (size_t i = 0; i < most; i++)
        lives->places[i].fd = -1;
    pthread_mutex_init(&lives->lock, NULL);
    if (kin_cond_init(&lives->wake) != 0 ||
        pthread_create(&lives->thread, NULL, cut_the_overdue, lives) != 0) {
        pthread_mutex_destroy(&lives->lock);
        free(lives);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no thread for an HTTP server");
    }
    *out = lives;
    return KIN_OK;
}

void kin_http_lives_free(kin_http_lives *lives)
{
    if (lives == NULL)
        return;
    pthread_mutex_lock(&lives->lock);
    lives->stop = true;
    pthread_cond_signal(&lives->wake);
    pthread_mutex_unlock(&lives->lock);
    pthread_join(lives->thread, NULL);
    pthread_cond_destroy(&lives->wake);
    pthread_mutex_destroy(&lives->lock);
    free(lives);
}

kin_http_life *kin_http_life_begin(kin_http_lives *lives, int fd)
{
    kin_http_life *life = NULL;
    pthread_mutex_lock(&lives->lock);
    for (size_t i = 0; i < lives->count && life == NULL; i++)
        if (lives->places[i].fd < 0)
            life = &lives->places[i];
    if (life != NULL) {
        /* All last equally long: a later one never ends before those that are waited for. */
        if (next_end(lives) == NULL)
            pthread_cond_signal(&lives->wake);
        *life = (kin_http_life){.fd = fd, .end = kin_clock_monotonic() + lives->seconds};
    }
    pthread_mutex_unlock(&lives->lock);
    return life;
}

void kin_http_life_end(kin_http_lives *lives, kin_http_life *life)
{
    if (life == NULL)
        return;
    pthread_mutex_lock(&lives->lock);
    life->fd = -1;
    pthread_mutex_unlock(&lives->lock);
}
