/* Random numbers for tests: seeded, so that they are the same every time and everywhere. */
#ifndef KIN_TEST_RANDOM_H
#define KIN_TEST_RANDOM_H

#include <stdint.h>

/* splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).  Any
 * state is a good seed. */
static inline uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Evenly from [0, 1). */
static inline float random_unit(uint64_t *state)
{
    return (float)(random_bits(state) >> 40) / (float)(1 << 24);
}

#endif
