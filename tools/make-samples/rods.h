/* rods.h - many capsules (vessels, bronchi, spicules) with a grid that finds the near ones. */
#ifndef SAMPLES_RODS_H
#define SAMPLES_RODS_H

#include <stddef.h>

#include "base/status.h"
#include "random.h"
#include "shape.h"

typedef struct rods {
    capsule *items; /* owned */
    size_t count, room;
    int *starts, *members; /* the grid: members[starts[cell] … starts[cell + 1]) */
} rods;

kin_status rods_add(rods *set, vec3 a, vec3 b, double ra, double rb, kin_error *err);

/* How a tree of vessels grows. */
typedef struct branching {
    int levels;
    double length, radius; /* of the first segment, mm */
    double shorten, taper; /* from one level to the next */
    double spread;         /* 0: straight on, 1: any way */
    vec3 pull;             /* a bias of direction, per level */
} branching;

kin_status rods_grow(rods *set, rng *r, vec3 root, vec3 direction, const branching *how,
                     kin_error *err);

/* Builds the grid over what has been added; needed before rods_cover(). */
kin_status rods_index(rods *set, kin_error *err);

/* How much of a sample at p, blurred over `edge` mm, the thickest rod there covers: 0 … 1. */
double rods_cover(const rods *set, vec3 p, double edge);

void rods_release(rods *set);

#endif
