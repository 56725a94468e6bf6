/* torso.h - what chest and abdomen share: skin, fat, muscle, ribs and the spine, in Hounsfield
 * units. */
#ifndef SAMPLES_TORSO_H
#define SAMPLES_TORSO_H

#include <stdbool.h>

#include "random.h"

typedef struct torso {
    uint64_t seed;
    double width, depth;           /* half axes of the body */
    double cage_width, cage_depth; /* half axes of the inside of the rib cage */
    double square;                 /* of the section, see shape_trunk() */
    double fat;                    /* its mean thickness under the skin */
    double rib_phase, rib_slope;   /* ribs per slice, and how steeply they run */
    double bone;                   /* density: 1 for a young adult */
    double breast;                 /* thickness in front; 0 for none */
    bool cartilage;                /* ribs end in cartilage in front (chest) */
} torso;

/* The measures of a patient of that sex and age. */
torso torso_of(uint64_t seed, char sex, int age);

/* Signed distance to the inside of the cage (negative: in the cavity). */
double torso_cavity(const torso *t, vec3 p);

/* Everything outside of the cavity: air, skin, fat, muscle, ribs, sternum; `edge` is the blur in
 * mm. */
double torso_shell(const torso *t, vec3 p, double edge);

/* Lays the spine, its canal and the muscles beside it over `under`. */
double torso_spine(const torso *t, vec3 p, double edge, double under);

/* Where the vertebral body's centre lies (x is 0). */
double torso_spine_y(const torso *t);

#endif
