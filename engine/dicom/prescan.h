/*
 * prescan.h - a walk over a DICOM file's structure, before any library parses it.
 *
 * DCMTK recurses once per level of nesting and believes lengths; this walk does neither.  It needs
 * no memory beyond a fixed stack, visits every element header once, and skips values.
 */
#ifndef KIN_DICOM_PRESCAN_H
#define KIN_DICOM_PRESCAN_H

#include "image/raster.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KIN_DICOM_MAX_NESTING = 64,        /* sequences within sequences */
    KIN_DICOM_MAX_ELEMENTS = 4000000   /* element headers of one file */
};

/* KIN_OK when the structure is sound; KIN_E_FORMAT (truncated, a length beyond what remains, …) with
 * the offset of the trouble, KIN_E_LIMIT when nesting or the number of elements is over its bound.
 * A deflated data set (PS3.5 A.5) is not walked here: it is inflated first, within the limits. */
kin_status kin_dicom_prescan(const void *bytes, size_t size, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
