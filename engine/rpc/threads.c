/*
 * Completion queues and the threads that poll them.
 *
 * A thread waits at a queue until gRPC announces a call there, and serves it itself.  Somebody has
 * to wait there meanwhile, as the call may take long; but waking another thread costs as much as all
 * the rest of a short call (20 us of 60, measured).  So a queue that was left alone is seen to when
 *   - calls have overlapped lately: at once, by the thread that leaves it;
 *   - they have not: by the steward, after half a millisecond.
 * Threads that come back and find their place taken are parked until they are wanted.
 */
#include <grpc/support/time.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "internal.h"

/* Calls overlap: for so long it is taken that more will. */
static const double OVERLAP_SECONDS = 0.1;

enum {
    /* Threads that wait at a queue while calls overlap: the second is there when the first leaves. */
    POLLERS_MAX = 2,
    /* Announcements that gRPC can make before we answer the first of them. */
    REQUESTS_PER_QUEUE = 4
};

/* --- slots --- */

static kin_rpc_call *take_slot(kin_rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    kin_rpc_call *call = server->free_slots;
    if (call != NULL)
        server->free_slots = call->next;
    pthread_mutex_unlock(&server->lock);
    return call != NULL ? call : kin_rpc_call_new(server);
}

static void put_slot(kin_rpc_call *call, unsigned *count)
{
    kin_rpc_server *server = call->server;
    pthread_mutex_lock(&server->lock);
    call->next = server->free_slots;
    server->free_slots = call;
    if (--*count == 0)
        pthread_cond_broadcast(&server->ended);
    pthread_mutex_unlock(&server->lock);
}

/* Has gRPC announce one call more at the queue.  Without memory for a slot it announces fewer at a
 * time. */
static void request_call(kin_rpc_queue *queue)
{
    kin_rpc_server *server = queue->server;
    kin_rpc_call *call = take_slot(server);
    if (call == NULL)
        return;
    pthread_mutex_lock(&server->lock);
    server->requested++;
    pthread_mutex_unlock(&server->lock);
    if (atomic_load(&server->stopping) || !kin_rpc_call_request(call, queue))
        put_slot(call, &server->requested);
}

/* --- threads --- */

bool kin_rpc_thread_create(pthread_t *out, void *(*run)(void *of), void *of)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(out, NULL, run, of) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void *poll_queue(void *of);

/* Under the lock.  False where no thread can be had. */
static bool start_thread(kin_rpc_queue *queue)
{
    kin_rpc_threads *threads = &queue->server->threads;
    if (threads->count == threads->max ||
        !kin_rpc_thread_create(&threads->started[threads->count], poll_queue, queue))
        return false;
    threads->count++;
    queue->pollers++;
    return true;
}

/* Under the lock: a parked thread, or a new one, goes to the queue that has nobody. */
static void attend(kin_rpc_queue *queue)
{
    kin_rpc_threads *threads = &queue->server->threads;
    if (threads->parked > threads->woken) {
        threads->woken++;
        pthread_cond_signal(&threads->wanted);
    } else if (!start_thread(queue)) {
        kin_rpc_steward_expect(&queue->server->steward); /* tries again */
    }
}

void kin_rpc_threads_attend(kin_rpc_server *server)
{
    for (size_t i = 0; i < server->queue_count; i++)
        if (server->queues[i].pollers == 0)
            attend(&server->queues[i]);
}

/* A thread stops waiting at the queue, to serve a call. */
static void leave_queue(kin_rpc_queue *queue, kin_rpc_call *call)
{
    kin_rpc_server *server = queue->server;
    /* A client may watch for hours: that is no work. */
    call->works = call->method != NULL && call->method->class != KIN_RPC_WATCH;
    pthread_mutex_lock(&server->lock);
    server->requested--;
    server->live++;
    if (atomic_load(&server->working) > 0)
        server->overlap_until = call->began + OVERLAP_SECONDS;
    if (call->works)
        atomic_fetch_add(&server->working, 1);
    if (--queue->pollers == 0) {
        if (call->began < server->overlap_until)
            attend(queue);
        else
            kin_rpc_steward_expect(&server->steward);
    }
    pthread_mutex_unlock(&server->lock);
}

void kin_rpc_call_rests(kin_rpc_call *call)
{
    if (call->works)
        atomic_fetch_sub(&call->server->working, 1);
    call->works = false;
}

static kin_rpc_queue *emptiest(kin_rpc_server *server)
{
    kin_rpc_queue *least = &server->queues[0];
    for (size_t i = 1; i < server->queue_count; i++)
        if (server->queues[i].pollers < least->pollers)
            least = &server->queues[i];
    return least;
}

/* Where a thread that has served a call goes: back to its queue, or to one that has nobody, or it
 * is parked until it is wanted.  NULL: home. */
static kin_rpc_queue *next_place(kin_rpc_queue *queue)
{
    kin_rpc_server *server = queue->server;
    kin_rpc_threads *threads = &server->threads;
    pthread_mutex_lock(&server->lock);
    unsigned enough = kin_clock_monotonic() < server->overlap_until ? POLLERS_MAX : 1;
    if (queue->pollers >= enough)
        queue = emptiest(server);
    if (queue->pollers >= enough) {
        threads->parked++;
        while (threads->woken == 0 && !threads->quitting)
            pthread_cond_wait(&threads->wanted, &server->lock);
        threads->parked--;
        if (threads->woken > 0)
            threads->woken--;
        queue = emptiest(server);
    }
    if (threads->quitting)
        queue = NULL;
    else
        queue->pollers++;
    pthread_mutex_unlock(&server->lock);
    return queue;
}

static void *poll_queue(void *of)
{
    kin_rpc_queue *queue = of;
    while (queue != NULL) {
        grpc_event event =
            grpc_completion_queue_next(queue->events, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type != GRPC_OP_COMPLETE)
            break; /* the queue is shut */
        kin_rpc_call *call = event.tag;
        if (event.success == 0) { /* the server is stopping */
            put_slot(call, &call->server->requested);
            continue;
        }
        request_call(queue);
        kin_rpc_call_describe(call);
        leave_queue(queue, call);
        kin_rpc_call_serve(call);
        kin_rpc_call_reset(call);
        put_slot(call, &call->server->live);
        queue = next_place(queue);
    }
    return NULL;
}

/* --- life --- */

kin_status kin_rpc_threads_init(kin_rpc_server *server, kin_error *err)
{
    kin_rpc_threads *threads = &server->threads;
    size_t max = (size_t)server->options.queues * POLLERS_MAX;
    for (size_t i = 0; i < KIN_RPC_CLASSES; i++)
        max += server->options.class_max[i];
    threads->max = max;
    threads->started = calloc(max, sizeof threads->started[0]);
    server->queues = calloc(server->options.queues, sizeof server->queues[0]);
    if (threads->started == NULL || server->queues == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu threads", max);
    for (size_t i = 0; i < server->options.queues; i++) {
        kin_rpc_queue *queue = &server->queues[i];
        queue->server = server;
        queue->events = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(server->grpc, queue->events, NULL);
        server->queue_count++;
    }
    return kin_rpc_steward_start(server, err);
}

kin_status kin_rpc_threads_start(kin_rpc_server *server, kin_error *err)
{
    bool started = true;
    for (size_t i = 0; i < server->queue_count; i++)
        for (size_t k = 0; k < REQUESTS_PER_QUEUE; k++)
            request_call(&server->queues[i]);
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->queue_count && started; i++)
        started = start_thread(&server->queues[i]);
    pthread_mutex_unlock(&server->lock);
    return started ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "cannot start a thread");
}

/* Takes what is left in the queue when no thread polls it (the server never started). */
static void drain(grpc_completion_queue *events, kin_rpc_server *server)
{
    grpc_event event;
    while ((event = grpc_completion_queue_next(events, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL))
               .type == GRPC_OP_COMPLETE)
        put_slot(event.tag, &server->requested);
}

void kin_rpc_threads_stop(kin_rpc_server *server)
{
    kin_rpc_threads *threads = &server->threads;
    pthread_mutex_lock(&server->lock);
    while (threads->count > 0 && (server->requested > 0 || server->live > 0))
        pthread_cond_wait(&server->ended, &server->lock);
    threads->quitting = true;
    pthread_cond_broadcast(&threads->wanted);
    pthread_mutex_unlock(&server->lock);

    kin_rpc_steward_stop(&server->steward); /* from here on no thread is started */
    for (size_t i = 0; i < server->queue_count; i++)
        grpc_completion_queue_shutdown(server->queues[i].events);
    for (size_t i = 0; i < threads->count; i++)
        pthread_join(threads->started[i], NULL);
    for (size_t i = 0; i < server->queue_count; i++) {
        drain(server->queues[i].events, server);
        grpc_completion_queue_destroy(server->queues[i].events);
    }
    while (server->free_slots != NULL) {
        kin_rpc_call *call = server->free_slots;
        server->free_slots = call->next;
        kin_rpc_call_free(call);
    }
    free(threads->started);
    free(server->queues);
}
