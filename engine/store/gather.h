/* gather.h - rows scattered over memory, asked for before they are needed; private to this
 * folder. */
#ifndef KIN_STORE_GATHER_H
#define KIN_STORE_GATHER_H

#include <stddef.h>
#include <stdint.h>

enum {
    GATHER_AHEAD = 6,   /* rows between the one asked for and the one scored */
    GATHER_LINE = 64,   /* bytes */
    GATHER_BYTES = 1024 /* of a row: the processor's own prefetcher has found the rest by then */
};

/* Asks for a row of `stride` bytes. */
static inline void kin_gather_fetch(const unsigned char *row, size_t stride)
{
    size_t bytes = stride < GATHER_BYTES ? stride : GATHER_BYTES;
    for (size_t b = 0; b < bytes; b += GATHER_LINE)
        __builtin_prefetch(row + b);
}

/* Asks for the row that comes GATHER_AHEAD places after the i-th of at[0..count). */
static inline void kin_gather_ahead(const unsigned char *rows, size_t stride, const uint32_t *at,
                                    size_t i, size_t count)
{
    if (i + GATHER_AHEAD < count)
        kin_gather_fetch(rows + at[i + GATHER_AHEAD] * stride, stride);
}

#endif
