/*
 * prescan.h - a walk over a DICOM file's structure, before any library parses it.
 *
 * DCMTK recurses once per level of nesting and believes lengths; this walk does neither.  It needs
 * no memory beyond a fixed stack, visits every element header once, and skips values.  It ends at
 * the pixel data of the data set's own level: nothing behind them is ever looked at.
 */
#ifndef KIN_DICOM_PRESCAN_H
#define KIN_DICOM_PRESCAN_H

#include <stdbool.h>

#include "image/raster.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KIN_DICOM_MAX_NESTING = 64,      /* sequences within sequences */
    KIN_DICOM_MAX_ELEMENTS = 4000000 /* element, item and fragment headers of one file */
};

/* How elements are coded (PS3.5 section 7.1 and annex A). */
typedef enum kin_dicom_encoding {
    KIN_DICOM_IMPLICIT_LITTLE,
    KIN_DICOM_EXPLICIT_LITTLE,
    KIN_DICOM_EXPLICIT_BIG
} kin_dicom_encoding;

/* Where things lie in a data set; offsets count from the first of its bytes. */
typedef struct kin_dicom_layout {
    size_t end; /* behind the last element before the pixel data: what a parser need see */
    bool has_pixels;
    bool encapsulated;   /* the value is items of compressed data, the first an offset table */
    unsigned pixel_tag;  /* 0x7fe00010, or 0x7fe00008 (float), 0x7fe00009 (double) */
    char pixel_vr[2];    /* "OB", "OW"…; "OW" where the encoding has none */
    size_t pixel_offset; /* of the value */
    size_t pixel_size;   /* bytes of the value, with the items' headers when encapsulated */
    size_t item_count;   /* items of an encapsulated value, the offset table among them */
} kin_dicom_layout;

/* Walks a data set that begins at bytes (no preamble, no file meta group).  Errors: KIN_E_FORMAT
 * (truncated, a length beyond what remains, …) with the offset of the trouble, KIN_E_LIMIT when
 * nesting or the number of elements is over its bound. */
kin_status kin_dicom_walk(const void *bytes, size_t size, kin_dicom_encoding encoding,
                          kin_dicom_layout *layout, kin_error *err);

/* Walks a whole file: KIN_OK when the structure is sound, else as kin_dicom_walk().
 * A deflated data set (PS3.5 A.5) is not walked here: it is inflated first, within the limits. */
kin_status kin_dicom_prescan(const void *bytes, size_t size, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
