/* fetch.h - asking for memory before it is needed.  A prefetch never faults, wherever it points. */
#ifndef KIN_SIMD_FETCH_H
#define KIN_SIMD_FETCH_H

#include <stddef.h>

#include "simd/inline.h"

/* All cache lines of `size` bytes; they may begin anywhere in the first. */
KIN_INLINE void fetch(const void *from, size_t size)
{
    enum { LINE = 64 };
    const char *p = from;
    for (size_t i = 0; i < size; i += LINE)
        __builtin_prefetch(p + i);
    if (size > 0)
        __builtin_prefetch(p + size - 1);
}

/* How far in front of the row in work a stream of rows is asked for.
 *
 * Rows are worked on one after the other, and each asks for as many bytes of the stream a page
 * ahead.  Both matter.  Four rows side by side take the stream's lines out of order, which keeps the
 * processor's own prefetchers from following: 25 GB/s of the 43 that plain reading in order gets
 * (Zen 5, one core, rows of 256 codes).  Row by row, with each row's sum ending in shuffles before
 * the next can begin, it is 31 to 37; and with lines asked for as well, 39 to 42 at all lengths of
 * rows.  Larger pages of memory (2 MiB) changed none of these. */
enum { KIN_STREAM_AHEAD = 4096 };

/* How much a row asks for: what lies between it and the next is the stream's, unless it is more
 * than the row. */
KIN_INLINE size_t stream_step(size_t stride, size_t size)
{
    return stride <= 2 * size ? stride : size;
}

#endif
