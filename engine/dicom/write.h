/*
 * write.h - small DICOM files made from scratch: samples and test data.
 *
 * The same specification gives the same bytes: there are no time stamps, no random identifiers, and
 * the implementation UID and version name are fixed.  Attributes are written in the order of their
 * tags, text as given (the caller names its character set in SpecificCharacterSet).
 *
 * Target kin_dicom_write: programs that only read need not link the encoders.
 */
#ifndef KIN_DICOM_WRITE_H
#define KIN_DICOM_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kin_dicom_syntax {
    KIN_DICOM_EXPLICIT_LE,   /* 1.2.840.10008.1.2.1 */
    KIN_DICOM_IMPLICIT_LE,   /* 1.2.840.10008.1.2 */
    KIN_DICOM_EXPLICIT_BE,   /* 1.2.840.10008.1.2.2 */
    KIN_DICOM_DEFLATED,      /* 1.2.840.10008.1.2.1.99 */
    KIN_DICOM_RLE,           /* 1.2.840.10008.1.2.5 */
    KIN_DICOM_JPEG,          /* baseline (8 bits) or extended (12 bits): …4.50, …4.51; lossy */
    KIN_DICOM_JPEG_LOSSLESS, /* process 14, selection value 1: …4.70 */
    KIN_DICOM_JPEG_LS        /* lossless: …4.80 */
} kin_dicom_syntax;

/*
 * One attribute.  `path` is a keyword of the dictionary ("PatientID"), a tag ("(0010,0020)"), or a
 * way through items counted from 0, which are made as needed:
 * "ReferencedSeriesSequence[0].SeriesInstanceUID", "(0054,0016)[0].(0018,1072)".
 *
 * `vr` ("LO", "US", "FD"…) may be NULL for the dictionary's; private tags need it.
 *
 * `value` is text, several values divided by backslashes; numbers of a binary VR (US, SS, UL, SL,
 * FL, FD) are written as decimals.  NULL or "" makes an empty attribute.  Where `words` is not NULL
 * the value is instead `word_count` 16-bit words in native order (VR US, SS or OW: lookup tables),
 * or bytes of them for OB and UN (two to a word, low byte first).
 */
typedef struct kin_dicom_new_attribute {
    const char *path;
    const char *vr;
    const char *value;
    const unsigned short *words;
    size_t word_count;
} kin_dicom_new_attribute;

/* What is to be written.  Zeroed fields mean their default. */
typedef struct kin_dicom_new {
    kin_dicom_syntax syntax;
    const char *sop_class_uid;    /* required */
    const char *sop_instance_uid; /* required */
    const kin_dicom_new_attribute *attributes;
    size_t attribute_count;

    /* Pixels: NULL makes a file without any.  The attributes of the Image Pixel module are derived
     * from these fields; those given in `attributes` win. */
    const void *pixels; /* native byte order, frame after frame, rows from the top */
    size_t pixels_size; /* bytes; must be rows * columns * samples * frames * bits_allocated / 8 */
    int rows, columns;  /* 1 … 65,535 */
    int frames;         /* default 1; NumberOfFrames is written when it is over 1 */
    int samples_per_pixel; /* 1 (default) or 3 */
    int bits_allocated;    /* 8 or 16 (default 8); 32 where the syntax is uncompressed */
    int bits_stored;       /* default bits_allocated; high bit is bits_stored - 1 */
    bool is_signed;
    bool planar;             /* pixels hold plane after plane (PlanarConfiguration 1) */
    const char *photometric; /* default MONOCHROME2, or RGB with 3 samples */
    int jpeg_quality;        /* 1 … 100 for KIN_DICOM_JPEG; default 90 */
} kin_dicom_new;

/* Encodes into memory from malloc, which the caller frees.  KIN_E_ARG where the specification
 * contradicts itself, names no known attribute or asks a codec for what it cannot do. */
kin_status kin_dicom_write_memory(const kin_dicom_new *spec, void **out, size_t *out_size,
                                  kin_error *err);

/* Writes the file (atomically, see kin_fs_replace()). */
kin_status kin_dicom_write(const char *path, const kin_dicom_new *spec, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
