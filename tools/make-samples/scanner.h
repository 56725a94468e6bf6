/* scanner.h - from a phantom to the stored pixels of a slice: geometry, blur, bias, noise,
 * rounding. */
#ifndef SAMPLES_SCANNER_H
#define SAMPLES_SCANNER_H

#include <stdbool.h>
#include <stddef.h>

#include "phantom.h"

enum { SLICE_SIDE = 176, SLICE_PIXELS = SLICE_SIDE * SLICE_SIDE };

/* One series' settings. */
typedef struct scan {
    uint64_t seed; /* of this series' noise */
    bool mr;
    double pixel_mm;
    double thickness_mm, spacing_mm;
    double blur_px; /* deviation of the point spread, pixels */
    double noise;   /* deviation: HU, or MR signal */
    double coarse;  /* 0: fine noise; 1: only as smooth kernels leave it */
    /* How the patient lies: anatomy = turn(scanner - shift). */
    double roll; /* radians about z */
    double tilt; /* radians about x: an oblique stack (MR) */
    vec3 shift;
    vec3 centre;       /* of the middle slice, in the scanner's space */
    double bias, gain; /* MR: strength of shading, and of the receiver */
    bool padded;       /* CT: outside of the circle of reconstruction is padding */
    bool couch;
    /* Storage */
    bool is_signed; /* CT: stored as HU, or with 1024 added */
} scan;

enum { CT_PADDING = -2000, CT_OFFSET = 1024, MR_BITS = 12 };

/* The top left pixel's centre of slice `index` of `count`, in the scanner's space (mm). */
vec3 scan_origin(const scan *s, int index, int count);

/* Paints slice `index` of `count`: SLICE_PIXELS stored values (16 bits, two's complement). */
void scan_slice(const scan *s, const phantom *body, int index, int count, uint16_t *out);

#endif
