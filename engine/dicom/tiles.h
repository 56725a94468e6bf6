/*
 * tiles.h - a VL Whole Slide Microscopy image as a mosaic of its frames (PS3.3 A.32.8, C.8.12.4).
 *
 * A slide is one large matrix of pixels (the Total Pixel Matrix, C.8.12.4.1.1), cut into frames.
 * Frame numbers follow from the order of rows and columns (TILED_FULL, C.7.6.17.3), or each frame
 * says where it lies (TILED_SPARSE and files without a DimensionOrganizationType, C.8.12.6).  One
 * file is one level of a pyramid, or one part of such a file (a concatenation, C.7.6.16.2.2.4: its
 * frames begin at ConcatenationFrameOffsetNumber).
 *
 * A slide may hold several optical paths and focal planes; one plane is a picture: here it is the
 * first optical path's middle focal plane (the lower one of two).
 */
#ifndef KIN_DICOM_TILES_H
#define KIN_DICOM_TILES_H

#include "dicom/dicom.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frames that a slide may have.  They are decoded one at a time and on demand, so the limits of
 * frames and of their sum, which other files are held to, would refuse ordinary slides: a slide's
 * sum may be KIN_DICOM_SLIDE_TOTAL times kin_image_limits.max_total_bytes. */
enum { KIN_DICOM_TILES_MAX = 1 << 22, KIN_DICOM_SLIDE_TOTAL = 4 };

/* What a file of a slide's series shows (ImageType's third value, C.8.12.4.1.1). */
typedef enum kin_dicom_flavour {
    KIN_FLAVOUR_VOLUME,    /* tissue: VOLUME, or anything that is not one of the others */
    KIN_FLAVOUR_LABEL,     /* the slide's label: it may show names */
    KIN_FLAVOUR_OVERVIEW,  /* the whole slide, its label included */
    KIN_FLAVOUR_THUMBNAIL, /* a small picture of what was scanned: THUMBNAIL, LOCALIZER */
} kin_dicom_flavour;

typedef struct kin_dicom_tiling {
    int64_t columns, rows; /* of the total pixel matrix */
    int tile_width,
        tile_height;        /* of a frame; those at the right and lower edge may reach beyond */
    double mpp_x, mpp_y;    /* micrometres a pixel; 0 where unknown */
    double objective_power; /* of the first optical path; 0 where unknown */
    kin_dicom_flavour flavour;
    bool resampled; /* ImageType's fourth value: a coarser level made from another */
    bool partial;   /* one part of a concatenation: tiles are missing that other files have */
} kin_dicom_tiling;

/* A frame's place: its left upper pixel in the matrix, counted from 0. */
typedef struct kin_dicom_tile {
    int64_t x, y;
    int frame;
} kin_dicom_tile;

typedef struct kin_dicom_tiles kin_dicom_tiles;

/* True for an image of that class which says how large its matrix is: others are ordinary
 * multi-frame images. */
bool kin_dicom_is_slide(const kin_dicom *dicom);

/* Lays the frames out.  KIN_E_FORMAT: sizes that make no sense, fewer frames than TILED_FULL needs,
 * frames outside the matrix or without a place; KIN_E_ARG: not a slide.  The result keeps no hold
 * of dicom. */
kin_status kin_dicom_tiles_new(const kin_dicom *dicom, kin_dicom_tiles **out, kin_error *err);
void kin_dicom_tiles_free(kin_dicom_tiles *tiles);

const kin_dicom_tiling *kin_dicom_tiling_borrow(const kin_dicom_tiles *tiles);

/* All tiles, from the top and, in a row, from the left; those of one place in order of frames. */
const kin_dicom_tile *kin_dicom_tiles_borrow(const kin_dicom_tiles *tiles, size_t *count);

/* The first tile, at index `from` or later, that shares a pixel with the rectangle; SIZE_MAX when
 * there is none.  Calls with the last answer + 1 give all. */
size_t kin_dicom_tiles_next(const kin_dicom_tiles *tiles, size_t from, int64_t x, int64_t y,
                            int64_t width, int64_t height);

#ifdef __cplusplus
}
#endif

#endif
