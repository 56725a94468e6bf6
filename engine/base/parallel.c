#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS_MAX = 256 };

struct loop {
    size_t n, grain;
    atomic_size_t next;
    void (*body)(void *ctx, size_t from, size_t to);
    void *ctx;
};

int kin_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

static void *work(void *argument)
{
    struct loop *loop = argument;
    for (;;) {
        size_t from = atomic_fetch_add(&loop->next, loop->grain);
        if (from >= loop->n)
            return NULL;
        size_t to = loop->n - from > loop->grain ? from + loop->grain : loop->n;
        loop->body(loop->ctx, from, to);
    }
}

void kin_parallel_for(size_t n, size_t grain, int threads,
                      void (*body)(void *ctx, size_t from, size_t to), void *ctx)
{
    struct loop loop = {.n = n, .grain = grain > 0 ? grain : 1, .body = body, .ctx = ctx};
    pthread_t started[THREADS_MAX];
    int count = 0;
    if (threads <= 0)
        threads = kin_cpu_count();
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    size_t ranges = n / loop.grain + 1;
    while (count + 1 < threads && (size_t)count + 1 < ranges &&
           pthread_create(&started[count], NULL, work, &loop) == 0)
        count++;
    work(&loop);
    for (int i = 0; i < count; i++)
        pthread_join(started[i], NULL);
}
