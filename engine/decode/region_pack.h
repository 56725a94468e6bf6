/*
 * region_pack.h - a region in few bytes, for whoever keeps many until their images come.
 *
 * A mask takes a byte a pixel in memory, and hundreds of slices have one for each segment; packed,
 * its runs take a hundredth of that.
 */
#ifndef KIN_DECODE_REGION_PACK_H
#define KIN_DECODE_REGION_PACK_H

#include "dicom/region.h"

/* *bytes from malloc, the caller's to free. */
kin_status kin_region_pack(const kin_region *region, void **bytes, size_t *size, kin_error *err);

/* Bytes of kin_region_pack(), in this process: the format may change with every version.
 * KIN_E_FORMAT where they are not. */
kin_status kin_region_unpack(const void *bytes, size_t size, kin_region *out, kin_error *err);

#endif
