#include "archive/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "archive/marking.h"
#include "base/clock.h"
#include "base/wait.h"

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
    if (queue == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the ingest queue");
    queue->max_bytes = max_bytes;
    queue->end = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    if (kin_cond_init(&queue->filled) != 0) {
        pthread_mutex_destroy(&queue->lock);
        free(queue);
        return kin_fail(err, KIN_E_NOMEM, NULL, "cannot make a condition variable");
    }
    pthread_cond_init(&queue->emptied, NULL);
    *out = queue;
    return KIN_OK;
}

void kin_arrival_free(kin_arrival *arrival)
{
    kin_instance_release(&arrival->instance);
    kin_marking_free(arrival->marking);
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
    double until = kin_clock_monotonic() + seconds;
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && kin_cond_wait_until(&queue->filled, &queue->lock, until))
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
