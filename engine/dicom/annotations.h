/*
 * annotations.h - what others marked: DICOM SEG, RTSTRUCT and SR (TID 1500) as regions of images.
 *
 * An annotation object names images by their SOP instance UIDs, or only a series or a frame of
 * reference, and says where on them a lesion lies.
 */
#ifndef KIN_DICOM_ANNOTATIONS_H
#define KIN_DICOM_ANNOTATIONS_H

#include "dicom/dicom.h"
#include "dicom/region.h"

enum {
    KIN_ANNOTATION_REGIONS_MAX = 65536,  /* regions of one object */
    KIN_ANNOTATION_SEGMENTS_MAX = 65536, /* of a segmentation */
    KIN_ANNOTATION_ROIS_MAX = 4096,      /* of a structure set, measurement groups of a report */
    KIN_ANNOTATION_POINTS_MAX = 4000000, /* points of the outlines of one ROI */
    KIN_ANNOTATION_SOURCES_MAX = 256     /* images that one frame of a segmentation may name */
};

/* Receives regions one by one; the region is the callee's to keep (moved: it zeroes *region) or to
 * leave.  A failure ends the reading and is returned. */
typedef struct kin_region_sink {
    kin_status (*region)(void *ctx, kin_region *region, kin_error *err);
    void *ctx;
} kin_region_sink;

/* Whether the object is one that annotates: a segmentation, a structure set, a structured report
 * with image regions or references to segments. */
bool kin_dicom_is_annotation(const kin_dicom *dicom);

/*
 * Reads all regions, in the order of the object: for a segmentation frame by frame (a frame of a
 * label map: segment by segment), for a structure set ROI by ROI, for a report group by group.
 * What a segmentation's frame has no pixel of makes no region.  *skipped (may be NULL): shapes that
 * have no area (points, open lines, fewer than three corners) or that no image can be found for.
 *
 * A pixel of a fractional segmentation is inside from half the maximum on (PS3.3 C.8.20.2.3).
 *
 * KIN_E_ARG (not an annotation), KIN_E_FORMAT (broken), KIN_E_LIMIT, KIN_E_UNSUPPORTED (it has
 * shapes, but no image reference can be made out for any), the sink's own.
 */
kin_status kin_dicom_annotations_read(kin_dicom *dicom, const kin_region_sink *sink,
                                      size_t *skipped, kin_error *err);

/* The plane of a frame of an opened image or segmentation. */
void kin_dicom_plane(const kin_dicom *dicom, int frame, kin_plane *out);

#endif
