/* field.h - the field of a section while it is painted: amounts of stain, nuclei, ground tissue. */
#ifndef SAMPLES_FIELD_H
#define SAMPLES_FIELD_H

#include <stdbool.h>

#include "random.h"
#include "slide.h"

enum { FIELD_PIXELS = FIELD_WIDTH * FIELD_HEIGHT };

/* Amounts of stain per pixel. */
typedef struct field {
    float *h, *e; /* haematoxylin, eosin: owned */
    double scale; /* pixels per micrometre */
    uint64_t seed;
    rng r;
} field;

/* One nucleus; lengths in micrometres. */
typedef struct nucleus {
    double x, y;        /* pixels */
    double a, b, angle; /* half axes, direction of a */
    double dark;        /* haematoxylin */
    double open;        /* 0: even; 1: pale inside a dark rim */
    bool nucleolus;
} nucleus;

/* How far (x, y) is from something, in pixels; `in` says from what. */
typedef double distance_fn(const field *f, const void *in, double x, double y);

/* Brings a pixel's stains to h and e, as far as `amount` (0 … 1) says. */
void field_stain(field *f, int x, int y, double h, double e, double amount);

/* A pixel's place in micrometres, for noise. */
vec3 field_um(const field *f, double x, double y);

void field_nucleus(field *f, const nucleus *n);

/* Scatters nuclei where `where` says more than `margin` pixels. */
void field_scatter(field *f, int count, nucleus like, double vary, distance_fn *where,
                   const void *in, double margin);

/* A count for this field from a density per 10,000 square micrometres. */
int field_count(const field *f, double density);

/* Collagen: strands along a direction that wanders, `dense` 0 … 1. */
void field_stroma(field *f, double dense);

/* Fine processes without a direction: brain tissue. */
void field_neuropil(field *f);

#endif
