/* annotation_mask.h - the regions of a DICOM annotation as voxels of an image. */
#ifndef KIN_MEASURE_ANNOTATION_MASK_H
#define KIN_MEASURE_ANNOTATION_MASK_H

#include "dicom/annotations.h"
#include "volume/volume.h"

/*
 * Marks the voxels of `image` that lie in a region with the region's number (of the segment, ROI or
 * measurement group).  Where regions overlap, `label` wins.  Each region lies in the slice that its
 * own plane is nearest to; one beyond the image's ends, or in pixels without a plane, is left out.
 * KIN_E_NOT_FOUND when none is on the image.
 */
kin_status kin_annotation_mask(kin_dicom *annotation, const kin_volume *image, int label,
                               kin_volume *out, kin_error *err);

#endif
