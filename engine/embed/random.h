/* random.h - seeded numbers, the same on every machine; private to this folder. */
#ifndef KIN_EMBED_RANDOM_H
#define KIN_EMBED_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t kin_random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Below n (of at most 2^32), as good as uniform. */
static inline size_t kin_random_below(uint64_t *state, size_t n)
{
    return (size_t)(((kin_random_next(state) >> 32) * (uint64_t)n) >> 32);
}

/* Uniform in [-1, 1). */
static inline float kin_random_uniform(uint64_t *state)
{
    return (float)(kin_random_next(state) >> 40) / (float)(1 << 23) - 1.0f;
}

/* Puts items into random order (Fisher and Yates; Durstenfeld, 1964). */
static inline void kin_random_shuffle(uint64_t *state, size_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = kin_random_below(state, i), held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}

#endif
