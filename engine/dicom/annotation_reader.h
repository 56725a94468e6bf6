/* annotation_reader.h - what the readers of annotation objects share.  Not for other layers. */
#ifndef KIN_DICOM_ANNOTATION_READER_H
#define KIN_DICOM_ANNOTATION_READER_H

#include "dicom/annotations.h"
#include "dicom/item_text.h"
#include "dicom/module.h"

/* A reading of one object. */
typedef struct kin_annotation_reader {
    kin_dicom *dicom;
    kin_charset charset;
    const kin_region_sink *sink; /* borrowed */
    size_t regions;              /* handed out */
    size_t skipped;              /* shapes without area, or without any image */
    size_t homeless;             /* those of them that only lack an image */
} kin_annotation_reader;

/* Hands a region out and releases what the sink left of it; KIN_E_LIMIT when there are too many.  One
 * that names neither an image, nor a series, nor a frame of reference, nor a segment is skipped. */
kin_status kin_annotation_emit(kin_annotation_reader *reader, kin_region *region, kin_error *err);

/* What all regions of one ROI, segment or measurement group share; texts borrowed. */
typedef struct kin_finding {
    uint32_t number;
    const char *label, *code, *site, *tracking_uid;
} kin_finding;

/* A region without shapes whose texts are copies; *out is zeroed on failure.  UIDs may be "". */
kin_status kin_annotation_begin(const kin_finding *finding, const char *sop_instance_uid,
                                const char *series_instance_uid, const char *frame_of_reference_uid,
                                kin_region *out, kin_error *err);

/* An image that is named: by a sequence's item with ReferencedSOPInstanceUID (0008,1155) and maybe
 * ReferencedFrameNumber (0008,1160). */
typedef struct kin_image_reference {
    char sop_instance_uid[KIN_UID_SIZE];
    uint32_t frame; /* from 0, or KIN_REGION_ANY_FRAME */
} kin_image_reference;

/* Reads such an item, one reference a frame: up to `most` into list; returns how many.  0 where no
 * UID is there. */
size_t kin_annotation_references(kin_item *item, kin_image_reference *list, size_t most);

/* Each kind of object.  Errors as kin_dicom_annotations_read(). */
kin_status kin_segmentation_read(kin_annotation_reader *reader, kin_error *err);
kin_status kin_structure_set_read(kin_annotation_reader *reader, kin_error *err);
kin_status kin_report_read(kin_annotation_reader *reader, kin_error *err);

/* Whether a report has any image region or segment. */
bool kin_report_has_regions(const kin_dicom *dicom);

#endif
