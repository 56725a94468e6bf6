/* lesion.h - shapes that lesions share. */
#ifndef SAMPLES_LESION_H
#define SAMPLES_LESION_H

#include "rods.h"

typedef struct lesion {
    uint64_t seed;
    vec3 centre;
    double radius; /* mm; 0: none */
    double ragged; /* how far the border strays from a sphere, as a part of the radius */
    vec3 stretch;  /* radii relative to `radius` */
} lesion;

/* A lesion of a random radius in [low, high], times growth. */
lesion lesion_make(rng *r, double low, double high, double growth, double ragged);

/* Signed distance to its border; large without a lesion. */
double lesion_distance(const lesion *l, vec3 p);

/* Straight tapering strands from its centre outwards to `reach` radii. */
kin_status lesion_spicules(const lesion *l, rng *r, int count, double reach, rods *out,
                           kin_error *err);

#endif
