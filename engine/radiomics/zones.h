/* zones.h - connected voxels of one grey level, and how far they lie from the region's edge. */
#ifndef KIN_RADIOMICS_ZONES_H
#define KIN_RADIOMICS_ZONES_H

#include "radiomics/aggregate.h"

/* Called for each zone: its level, voxels, and the least distance of its voxels to the edge. */
typedef kin_status kin_zone_sink(void *ctx, uint32_t level, uint32_t voxels, uint32_t distance,
                                 kin_error *err);

/*
 * Finds the zones of a part, by 26-connectedness, or within slices by 8.  Distances are those of
 * the morphological mask in steps through faces (in slices: edges), 1 for a voxel beside one that
 * is outside or beside the image's end; 0 where with_distances is false.
 */
kin_status kin_zones_find(const kin_roi *roi, const kin_part *part, bool with_distances,
                          kin_zone_sink *sink, void *ctx, kin_error *err);

#endif
