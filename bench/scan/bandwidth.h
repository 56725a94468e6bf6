/* bandwidth.h - how fast this machine reads memory from front to back: the measure of a scan. */
#ifndef KIN_BENCH_BANDWIDTH_H
#define KIN_BENCH_BANDWIDTH_H

#include <stddef.h>

#include "base/status.h"

/* Bytes per second of the best of `tries` passes by each of several read loops (one stream; one
 * stream that asks ahead; four streams) over `size` bytes at `memory`, 64-byte aligned, by so many
 * threads (0: all).  *loop receives the best loop's name (static text; may be NULL). */
double bench_bandwidth(const void *memory, size_t size, int threads, int tries, const char **loop);

/* `size` bytes of anonymous memory, on huge pages where the system has any, all touched; released
 * with bench_memory_unmap().  KIN_E_NOMEM. */
kin_status bench_memory_map(size_t size, void **out, kin_error *err);
void bench_memory_unmap(void *memory, size_t size);

#endif
