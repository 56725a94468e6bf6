/*
 * annotations.h - what others marked: DICOM SEG, RTSTRUCT and SR (TID 1500) as regions of images.
 *
 * An annotation object names images by their SOP instance UIDs and says where on them a lesion
 * lies.  Its shapes are kept as they come (pixels, outlines in pixels, outlines in the patient's
 * coordinates) and are drawn as a mask once the image they belong to is open and its geometry is
 * known (shape.h's kin_shape_draw()).
 */
#ifndef KIN_DICOM_ANNOTATIONS_H
#define KIN_DICOM_ANNOTATIONS_H

#include "dicom/dicom.h"
#include "image/mask.h"

/* Where a frame lies in space: the image plane module (PS3.3 C.7.6.2).  Equation C.7.6.2.1-1 maps
 * (column, row) of a pixel's centre to patient coordinates. */
typedef struct kin_plane {
    bool known;
    double origin[3];             /* image position (patient), mm */
    double along_row[3], along_column[3]; /* image orientation (patient), unit vectors */
    double spacing_x_mm, spacing_y_mm;    /* between columns, between rows */
    double thickness_mm;                  /* 0 where unknown */
} kin_plane;

typedef enum kin_shape_kind {
    KIN_SHAPE_MASK,         /* pixels of a grid with a plane of its own, or of the image's size */
    KIN_SHAPE_OUTLINE,      /* closed outline in pixels of the image */
    KIN_SHAPE_OUTLINE_MM    /* closed outline in patient coordinates (x, y, z triples) */
} kin_shape_kind;

typedef struct kin_shape {
    kin_shape_kind kind;
    kin_mask mask;   /* KIN_SHAPE_MASK; owned */
    kin_plane plane; /* the mask's */
    double *points;  /* outlines: `count` pairs or triples; owned */
    size_t count;
} kin_shape;

/* One lesion on one frame of one image. */
typedef struct kin_region {
    char *sop_instance_uid; /* of the image it lies on */
    uint32_t frame;         /* of that image, from 0 */
    uint32_t number;        /* segment, ROI or finding number in its object */
    char *label;            /* "Tumor", "GTV-1"; "" where nothing is said */
    char *code;             /* its type as "SCHEME:VALUE" (SCT:108369006), or "" */
    char *tracking_uid;     /* or "" */
    kin_shape *shapes;      /* together, by the even-odd rule for outlines of one region */
    size_t shape_count;
} kin_region;

void kin_region_release(kin_region *region);

/* Receives regions one by one; the region is the callee's to keep (moved) when it returns KIN_OK. */
typedef struct kin_region_sink {
    kin_status (*region)(void *ctx, kin_region *region, kin_error *err);
    void *ctx;
} kin_region_sink;

/* Whether the object is one that annotates (SEG, RTSTRUCT, SR with image regions). */
bool kin_dicom_is_annotation(const kin_dicom *dicom);

/* Reads all regions.  KIN_E_FORMAT (broken), KIN_E_LIMIT, KIN_E_UNSUPPORTED (no image reference can
 * be made out).  A fractional segmentation's pixel is inside from half its maximum on. */
kin_status kin_dicom_annotations_read(kin_dicom *dicom, const kin_region_sink *sink, kin_error *err);

/* The plane of a frame of an opened image. */
void kin_dicom_plane(kin_dicom *dicom, int frame, kin_plane *out);

/* Draws a region onto a frame of width x height pixels in `plane` (pixels as stored).  An empty mask
 * is not an error: *empty says so. */
kin_status kin_region_draw(const kin_region *region, const kin_plane *plane, int width, int height,
                           kin_mask *out, bool *empty, kin_error *err);

#endif
