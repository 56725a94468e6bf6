/* patch_slide.h - breast-idc's patches laid back into the slides that they were cut from. */
#ifndef KIN_TEST_PATCH_SLIDE_H
#define KIN_TEST_PATCH_SLIDE_H

#include <stdbool.h>

#include "made_slide.h"

enum { PATCH_SIDE = 50 };

/* The set's slides were scanned at a power of 40 and made coarser 16 times. */
#define PATCH_MPP 4.0

typedef struct patch_slide {
    made_picture picture; /* white where there is no patch */
    bool *has;            /* across x down: is there a patch?  owned */
    int across, down;     /* places of patches */
    int patches;
} patch_slide;

/* Lays the patches of a patient ("14082", "14306") out; from_x, to_x: only those whose slide_x lies
 * in [from_x, to_x).  Skips the running test where the data are absent. */
patch_slide patch_slide_new(const char *patient, int from_x, int to_x);
void patch_slide_release(patch_slide *slide);

#endif
