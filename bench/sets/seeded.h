/* seeded.h - seeded random numbers: the same every time and everywhere. */
#ifndef KIN_BENCH_SEEDED_H
#define KIN_BENCH_SEEDED_H

#include <math.h>
#include <stdint.h>

/* splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).  Any
 * state is a good seed, so that `seed + n * odd constant` gives the n-th thing a stream of its
 * own. */
static inline uint64_t bench_random_bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A state for the n-th of many things, far from its neighbours'. */
static inline uint64_t bench_random_stream(uint64_t seed, uint64_t n)
{
    uint64_t state = seed ^ (n * UINT64_C(0xD1342543DE82EF95));
    return bench_random_bits(&state);
}

/* Evenly from [0, 1). */
static inline double bench_random_unit(uint64_t *state)
{
    return (double)(bench_random_bits(state) >> 11) * 0x1p-53;
}

static inline double bench_random_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * bench_random_unit(state);
}

/* Two independent standard normal numbers (Box and Muller, 1958). */
static inline void bench_random_normals(uint64_t *state, double out[2])
{
    double radius = sqrt(-2 * log(1 - bench_random_unit(state)));
    double angle = 2 * M_PI * bench_random_unit(state);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

#endif
