/* ascending.h - finding a place among numbers that ascend. */
#ifndef KIN_BASE_ASCENDING_H
#define KIN_BASE_ASCENDING_H

#include <stddef.h>
#include <stdint.h>

/* The first place in [low, high) of ids whose number is not below `id`; high where there is none. */
static inline size_t kin_ascending_find(const uint64_t *ids, size_t low, size_t high, uint64_t id)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
