/*
 * shape.h - solid shapes as signed distances: negative inside, in millimetres.
 *
 * Anatomy's axes are DICOM's: x to the patient's left, y to the back, z to the head.
 */
#ifndef SAMPLES_SHAPE_H
#define SAMPLES_SHAPE_H

#include "exact.h"

typedef struct vec3 {
    double x, y, z;
} vec3;

/* A rod with round ends, its radius running from ra at a to rb at b. */
typedef struct capsule {
    vec3 a, b;
    double ra, rb;
} capsule;

static inline vec3 v3(double x, double y, double z)
{
    return (vec3){x, y, z};
}

static inline vec3 add3(vec3 a, vec3 b)
{
    return v3(a.x + b.x, a.y + b.y, a.z + b.z);
}

static inline vec3 sub3(vec3 a, vec3 b)
{
    return v3(a.x - b.x, a.y - b.y, a.z - b.z);
}

static inline vec3 scale3(vec3 a, double s)
{
    return v3(a.x * s, a.y * s, a.z * s);
}

static inline double dot3(vec3 a, vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline double length3(vec3 a)
{
    return sqrt(dot3(a, a));
}

/* The mirror image in the midline. */
static inline vec3 mirror3(vec3 a)
{
    return v3(-a.x, a.y, a.z);
}

double shape_ellipsoid(vec3 p, vec3 centre,
                       vec3 radii); /* close to the distance near its surface */
double shape_capsule(vec3 p, const capsule *c);
double shape_rod(vec3 p, vec3 a, vec3 b, double radius);

/* An upright cylinder about the z axis whose section lies between an ellipse (square 0) and a
 * rounded rectangle (square 1) with half axes a and b. */
double shape_trunk(double x, double y, double a, double b, double square);

/* Union with a fillet of about k mm. */
double shape_join(double a, double b, double k);

/* How much of a blurred sample at distance d lies inside; `edge` is the width of the transition. */
static inline double cover(double d, double edge)
{
    return smooth_step(0.5 * edge, -0.5 * edge, d);
}

#endif
