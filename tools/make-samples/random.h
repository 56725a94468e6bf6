/* random.h - a small generator of pseudo-random numbers, and smooth noise in space. */
#ifndef SAMPLES_RANDOM_H
#define SAMPLES_RANDOM_H

#include <stdint.h>

#include "shape.h"

typedef struct rng {
    uint64_t state;
} rng;

/*
 * A stream of its own for each (seed, purpose, number): adding one patient changes no other.  C
 * leaves the order of a call's arguments and of an initialiser's parts open: draw at most one
 * number in each.
 */
rng rng_make(uint64_t seed, const char *purpose, uint64_t number);

uint64_t rng_next(rng *r); /* SplitMix64 (Steele, Lea, Flood 2014) */
double rng_unit(rng *r);   /* [0, 1) */
double rng_range(rng *r, double low, double high);
int rng_below(rng *r, int n);              /* 0 … n - 1 */
double rng_normal(rng *r);                 /* mean 0, deviation 1 */
vec3 rng_box(rng *r, vec3 low, vec3 high); /* uniform in a box: x, then y, then z */
vec3 rng_direction(rng *r);                /* uniform on the sphere */

/* Gradient noise (Perlin 2002): smooth, about [-1, 1], zero on the lattice, features of size 1. */
double noise3(uint64_t seed, vec3 p);

/* Octaves of it, each of half the size and half the strength; about [-1, 1]. */
double fractal3(uint64_t seed, vec3 p, int octaves);

/* A displacement of about `strength` mm with features of `size` mm: makes shapes organic. */
vec3 warp3(uint64_t seed, vec3 p, double size, double strength);

#endif
