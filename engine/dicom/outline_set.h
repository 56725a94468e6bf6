/*
 * outline_set.h - the outlines of one ROI, gathered by what they lie on.
 *
 * An annotation lists outlines one by one; those of one image's frame, or where no image is named
 * those of one plane, are one region.
 */
#ifndef KIN_DICOM_OUTLINE_SET_H
#define KIN_DICOM_OUTLINE_SET_H

#include "dicom/annotation_reader.h"

enum { KIN_OUTLINES_MAX = 65536 }; /* of one ROI */

typedef struct kin_outline kin_outline;

typedef struct kin_outline_set {
    kin_outline *list; /* owned */
    size_t count, room, points;
} kin_outline_set;

/* Adds an outline of `count` points (KIN_SHAPE_OUTLINE…), which becomes the set's also on failure.
 * image: where it lies, or NULL.  KIN_E_LIMIT, KIN_E_NOMEM. */
kin_status kin_outline_add(kin_outline_set *set, kin_shape_kind kind, double *points, size_t count,
                           const kin_image_reference *image, kin_error *err);

/* Hands out all regions, in the order of images' UIDs, frames and planes, and empties the set (on
 * failure, too).  Series and frame of reference may be "". */
kin_status kin_outline_emit(kin_outline_set *set, kin_annotation_reader *reader,
                            const kin_finding *finding, const char *series_instance_uid,
                            const char *frame_of_reference_uid, kin_error *err);

void kin_outline_release(kin_outline_set *set);

#endif
