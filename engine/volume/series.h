/*
 * series.h - DICOM slices put together into a volume.
 *
 * Slices are ordered by where they lie along their common normal, never by their numbers, and the
 * volume's axes are those of the images: i along a row, j down a column, k along the normal (row x
 * column).  Voxels are modality values (PS3.3 C.11.1: Hounsfield units for CT), not what a window
 * makes of them.  Multi-frame objects (enhanced CT and MR) count as so many slices.
 *
 * What is no regular grid is refused with its reason, since every later figure would be wrong by
 * it: two series at once, slices of other sizes, spacings or orientations, two at one place (phases
 * of a dynamic series), missing ones, a tilted gantry (slices shifted against each other), one that
 * does not say where it lies.
 */
#ifndef KIN_VOLUME_SERIES_H
#define KIN_VOLUME_SERIES_H

#include "dicom/annotations.h"
#include "volume/volume.h"

/* One slice: where it lies, and the size of its grid. */
typedef struct kin_slice {
    kin_plane plane;
    int columns, rows;
    size_t number; /* the caller's own, for finding it again */
} kin_slice;

/* Sorts `count` slices along their normal and fills *out but for the voxels, which stay NULL.
 * KIN_E_FORMAT, KIN_E_UNSUPPORTED or KIN_E_LIMIT with what is wrong. */
kin_status kin_slices_order(kin_slice *slices, size_t count, kin_volume *out, kin_error *err);

/* A file's content, borrowed. */
typedef struct kin_series_file {
    const void *bytes;
    size_t size;
} kin_series_file;

/*
 * Reads the volume of a series.  Of the files those without a picture (DICOMDIR, reports,
 * annotations) and those that are no DICOM are left out; series_uid, where not NULL or empty, picks
 * one series of several.  KIN_E_NOT_FOUND when no picture is left; else as kin_slices_order() and
 * kin_dicom_open().  kin_dicom_prepare() must have been called.
 *
 * *which (may be NULL): the file that an error is about, or `count` when it is about several.
 */
kin_status kin_series_read(const kin_series_file *files, size_t count, const char *series_uid,
                           const kin_image_limits *limits, kin_volume *out, size_t *which,
                           kin_error *err);

/* The plane of a volume's slice k, for drawing annotations on it. */
void kin_volume_plane(const kin_volume *volume, int k, kin_plane *out);

#endif
