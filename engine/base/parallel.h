/* parallel.h - run a loop's iterations on several threads. */
#ifndef KIN_BASE_PARALLEL_H
#define KIN_BASE_PARALLEL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Processors this process may run on (its affinity mask), at least 1. */
int kin_cpu_count(void);

/*
 * Calls body(ctx, from, to) for consecutive ranges that cover [0, n), each of at most `grain`
 * iterations, from up to `threads` threads (the calling one among them; 0 means kin_cpu_count()).
 * Ranges are handed out as threads become free; body must be safe to run concurrently with itself.
 * Returns when all of them have returned.  Where threads cannot be started fewer are used.
 */
void kin_parallel_for(size_t n, size_t grain, int threads,
                      void (*body)(void *ctx, size_t from, size_t to), void *ctx);

#ifdef __cplusplus
}
#endif

#endif
