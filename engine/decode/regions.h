/* regions.h - in the worker: what is wished for of regions, of one frame, annotation or mask. */
#ifndef KIN_DECODE_REGIONS_H
#define KIN_DECODE_REGIONS_H

#include "decode/decode.h"
#include "features/features.h"

/* The descriptions of one frame's regions. */
typedef struct kin_marked_list {
    kin_decode_marked *list;
    size_t count, room;
} kin_marked_list;

/*
 * Describes those of the wish's regions that have pixels on frame `index`: its raster, as stored,
 * and its plane.  whole: the frame's own descriptor.  Errors: kin_region_draw()'s,
 * kin_describe_region()'s; the list is the caller's to release, after a failure too.
 */
kin_status kin_marked_describe(const kin_extractor *extractor, const kin_decode_wish *wish,
                               uint32_t index, const kin_raster *raster, const kin_plane *plane,
                               const float *whole, kin_marked_list *out, kin_error *err);
/* Whether any region is on the frame of that number and size; 0 x 0 pixels: nobody knows yet, and
 * one that is for it may be.  Errors: kin_region_draw()'s. */
kin_status kin_marked_any(const kin_decode_wish *wish, uint32_t index, int width, int height,
                          const kin_plane *plane, bool *any, kin_error *err);

void kin_marked_release(kin_marked_list *marked);

/* The raster as a mask: *out is a region of frame `index` with the pixels that are at least half as
 * bright as the brightest.  KIN_E_FORMAT: all are black. */
kin_status kin_region_of_raster(const kin_raster *raster, uint32_t index, kin_region *out,
                                kin_error *err);

#endif
