/*
 * region.h - a lesion that somebody marked, and how it is drawn onto a picture.
 *
 * Shapes are kept as they come (pixels, outlines in pixels, outlines in the patient's coordinates)
 * and become a mask once the picture they belong to is open and its plane is known.  Needs no
 * DICOM library: programs that only hand regions on link kin_region.
 */
#ifndef KIN_DICOM_REGION_H
#define KIN_DICOM_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "image/mask.h"

/* Where a frame lies in space: the image plane module (PS3.3 C.7.6.2), or its likes on a slide
 * (C.8.12.4).  Equation C.7.6.2.1-1 maps (column, row) of a pixel's centre to coordinates in mm. */
typedef struct kin_plane {
    bool known;
    double origin[3];                     /* of the centre of the first pixel, mm */
    double along_row[3], along_column[3]; /* unit vectors: towards the next column, the next row */
    double spacing_x_mm, spacing_y_mm;    /* between columns, between rows */
    double thickness_mm;                  /* 0 where unknown */
    /* Tiled images: the frame's first pixel in the total pixel matrix, from 0; else 0. */
    int matrix_column, matrix_row;
} kin_plane;

typedef enum kin_shape_kind {
    KIN_SHAPE_MASK,    /* pixels of a grid with a plane of its own, or of the picture's size */
    KIN_SHAPE_OUTLINE, /* closed outline in pixels of the frame: mask.h's coordinates */
    KIN_SHAPE_OUTLINE_SLIDE, /* the same in pixels of a tiled image's total pixel matrix */
    KIN_SHAPE_OUTLINE_MM     /* closed outline in the patient's or the slide's coordinates, mm */
} kin_shape_kind;

typedef struct kin_shape {
    kin_shape_kind kind;
    kin_mask mask;   /* KIN_SHAPE_MASK; owned */
    kin_plane plane; /* the mask's */
    bool of_frame;   /* the mask's pixels are said to be the frame's own, whatever the planes say */
    double *points;  /* outlines: `count` pairs (x, y) or, in mm, triples; owned */
    size_t count;
} kin_shape;

/* A region's frame where it is not said, or where it is for the planes to tell. */
#define KIN_REGION_ANY_FRAME UINT32_MAX

/*
 * One lesion on one frame of one image; or, where the annotation names no image, on whichever
 * frames of the series (or, where not even that is named, of the frame of reference) have the
 * shapes' plane.  Texts are UTF-8, owned, and "" where nothing is said; NULL counts as "".
 */
typedef struct kin_region {
    char *sop_instance_uid; /* of the image it lies on, or "" */
    char *series_instance_uid;
    char *frame_of_reference_uid;
    uint32_t frame;  /* of that image, from 0, or KIN_REGION_ANY_FRAME */
    uint32_t number; /* segment, ROI or measurement group (from 1) in its object */
    char *label;     /* "Tumor", "GTV-1" */
    char *code;      /* its type as "SCHEME:VALUE" ("SCT:108369006"); of an RT ROI without a
                            code its interpreted type ("GTV") */
    char *site;      /* where in the body, likewise */
    char *tracking_uid;
    /* A measurement group that points to a segment instead of having shapes: the object's UID and
     * the segment's number in it; "" and 0 otherwise. */
    char *segmentation_uid;
    uint32_t segment;
    kin_shape *shapes; /* together: outlines by the even-odd rule; owned */
    size_t shape_count;
} kin_region;

/* Frees all it owns and zeroes it; a zeroed region is fine. */
void kin_region_release(kin_region *region);

/* A copy of its own; *out is zeroed on failure. */
kin_status kin_region_copy(const kin_region *region, kin_region *out, kin_error *err);

/*
 * Draws a region onto a frame of width x height pixels, as stored, that lies in `plane` (NULL or
 * not known: nothing is known of it).
 *
 * *empty: nothing of the region is on the frame (it lies in another plane, or beside it), which is
 * no error; *out is zeroed then, without memory.  Planes are the same when they are parallel within
 * a degree or so and no farther apart than half of the thicker one's thickness, or
 * KIN_PLANE_APART_MAX_MM where both are thinner.  A mask with a plane is sampled at the frame's
 * pixels (nearest neighbour); one without must be of the frame's size: KIN_E_ARG otherwise, and for
 * shapes in mm without a plane to draw on.  KIN_E_NOMEM, KIN_E_LIMIT.
 */
#define KIN_PLANE_APART_MAX_MM 0.5
kin_status kin_region_draw(const kin_region *region, const kin_plane *plane, int width, int height,
                           kin_mask *out, bool *empty, kin_error *err);

#endif
