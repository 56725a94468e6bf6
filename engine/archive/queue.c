#include "archive/queue.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct kin_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    kin_arrival *first, **end;
    size_t bytes, max_bytes;
    bool shut;
};

kin_status kin_queue_new(size_t max_bytes, kin_queue **out, kin_error *err)
{
    kin_queue *queue = calloc(1, sizeof *queue);
    pthread_condattr_t monotonic;
    if (queue == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the ingest queue");
    queue->max_bytes = max_bytes;
    queue->end = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &monotonic);
    pthread_cond_init(&queue->emptied, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = queue;
    return KIN_OK;
}

void kin_arrival_free(kin_arrival *arrival)
{
    kin_instance_release(&arrival->instance);
    free(arrival->path);
    free(arrival);
}

void kin_arrivals_free(kin_arrival *first)
{
    while (first != NULL) {
        kin_arrival *next = first->next;
        kin_arrival_free(first);
        first = next;
    }
}

void kin_queue_free(kin_queue *queue)
{
    if (queue == NULL)
        return;
    kin_arrivals_free(queue->first);
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->emptied);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

bool kin_queue_put(kin_queue *queue, kin_arrival *arrival)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->shut && queue->bytes > 0 && queue->bytes + arrival->bytes > queue->max_bytes)
        pthread_cond_wait(&queue->emptied, &queue->lock);
    bool taken = !queue->shut;
    if (taken) {
        arrival->next = NULL;
        *queue->end = arrival;
        queue->end = &arrival->next;
        queue->bytes += arrival->bytes;
        pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

kin_arrival *kin_queue_take(kin_queue *queue, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    double whole = floor(seconds);
    until.tv_sec += (time_t)whole;
    until.tv_nsec += (long)((seconds - whole) * 1e9);
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL &&
           pthread_cond_timedwait(&queue->filled, &queue->lock, &until) == 0)
        continue;
    kin_arrival *taken = queue->first;
    queue->first = NULL;
    queue->end = &queue->first;
    queue->bytes = 0;
    pthread_cond_broadcast(&queue->emptied);
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void kin_queue_shut(kin_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->shut = true;
    pthread_cond_broadcast(&queue->emptied);
    pthread_mutex_unlock(&queue->lock);
}
