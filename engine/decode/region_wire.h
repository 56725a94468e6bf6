/* region_wire.h - regions as messages: masks as runs, outlines as numbers. */
#ifndef KIN_DECODE_REGION_WIRE_H
#define KIN_DECODE_REGION_WIRE_H

#include "dicom/region.h"
#include "kindred/worker/v1/worker.pb-c.h"

/* A message and what it points to besides the region's own texts and points. */
typedef struct kin_wire_region kin_wire_region;

/* Makes a message of a region, which it goes on to point into: it must live as long.  texts: with
 * its UIDs and names. */
kin_status kin_wire_region_new(const kin_region *region, bool texts, kin_wire_region **out,
                               kin_error *err);
void kin_wire_region_free(kin_wire_region *wire); /* NULL is fine */
Kindred__Worker__V1__Lesion *kin_wire_region_borrow(kin_wire_region *wire);

/* Makes a region, with memory of its own, of a stranger's message; texts are cleaned by the rules
 * of text.h.  most_pixels: of its masks together.  KIN_E_FORMAT: it makes no sense, and err says
 * why; KIN_E_NOMEM.  *out is zeroed on failure. */
kin_status kin_region_of_wire(const Kindred__Worker__V1__Lesion *message, size_t most_pixels,
                              kin_region *out, kin_error *err);

/* Pixels that a region's masks may have where a frame may have max_frame_bytes (decode.h). */
static inline size_t kin_region_pixels_max(size_t max_frame_bytes)
{
    return max_frame_bytes / sizeof(float);
}

#endif
