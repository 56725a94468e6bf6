/*
 * dicom.h - DICOM files: tags, frames and what they look like.
 *
 * A kin_dicom is opened from bytes in memory (the caller keeps them alive until it is closed).  Opening
 * first walks the structure (see prescan.h), so that DCMTK meets neither bottomless nesting nor lengths
 * that lie, and checks rows x columns x samples x bits x frames against the limits before any pixel
 * is decoded.  Even so DCMTK is a large parser of hostile input: run it in a worker process.
 *
 * Transfer syntaxes: implicit and explicit little endian, big endian, deflated, RLE, JPEG baseline,
 * extended and lossless, JPEG-LS (DCMTK); JPEG 2000 and HTJ2K (OpenJPEG, as far as it can).
 */
#ifndef KIN_DICOM_DICOM_H
#define KIN_DICOM_DICOM_H

#include <stdbool.h>

#include "image/raster.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_dicom kin_dicom;

/* What a file is to a collection of images. */
typedef enum kin_dicom_kind {
    KIN_DICOM_IMAGE,      /* a picture to search for */
    KIN_DICOM_ANNOTATION, /* pixel data that describe other images: SEG, RT Dose */
    KIN_DICOM_NO_PIXELS   /* SR, RTSTRUCT, RTPLAN, presentation state, … */
} kin_dicom_kind;

/* One descriptive attribute, in UTF-8; its name in Kindred's lower_snake form of the DICOM keyword
 * ("series_description", "manufacturer", "patient_sex", …). */
typedef struct kin_dicom_attribute {
    const char *name;
    const char *value;
} kin_dicom_attribute;

/* Identity and description.  Text is UTF-8 ("" where absent), trimmed, owned by the kin_dicom. */
typedef struct kin_dicom_header {
    kin_dicom_kind kind;
    const char
        *kind_reason; /* for people: "Basic Text SR", "Segmentation", … ; the SOP class's name */
    const char *transfer_syntax_uid;
    const char *sop_class_uid, *sop_instance_uid, *series_instance_uid, *study_instance_uid;
    const char *patient_id, *modality, *body_part; /* body_part: BodyPartExamined */
    const char *study_date;                        /* YYYYMMDD as stored, possibly empty */
    const kin_dicom_attribute *attributes;         /* those present and not empty */
    size_t attribute_count;
    int rows, columns, frames, samples_per_pixel; /* 0 without pixels */
    int bits_allocated, bits_stored, high_bit;
    bool is_signed;
    const char *photometric_interpretation;
    double spacing_x_mm,
        spacing_y_mm; /* PixelSpacing, ImagerPixelSpacing, per-frame groups, aspect ratio
                                          with unit 1 when only that is known (then only the ratio holds) */
} kin_dicom_header;

/* Stored samples of one frame, exactly as decoded: native byte order, channels interleaved. */
typedef enum kin_sample_type {
    KIN_SAMPLE_U8,
    KIN_SAMPLE_S8,
    KIN_SAMPLE_U16,
    KIN_SAMPLE_S16,
    KIN_SAMPLE_U32,
    KIN_SAMPLE_S32,
    KIN_SAMPLE_F32,
    KIN_SAMPLE_F64
} kin_sample_type;

typedef struct kin_samples {
    int width, height, channels;
    kin_sample_type type;
    void *data;  /* from malloc; the caller frees */
    size_t size; /* bytes */
} kin_samples;

/* Pre-loads whatever later calls would open files for (data dictionary, character set tables, codec
 * registrations), so that they work behind a system-call filter.  Call once per process, before
 * kin_dicom_open(). */
kin_status kin_dicom_prepare(kin_error *err);

/* True when the bytes look like DICOM: "DICM" at 128, or a plausible data set without preamble. */
bool kin_dicom_recognise(const void *bytes, size_t size);

/* Parses; the result is closed with kin_dicom_close().  Files without pixels open too (see kind).
 * Errors: KIN_E_FORMAT (broken, truncated), KIN_E_LIMIT (absurd), KIN_E_UNSUPPORTED. */
kin_status kin_dicom_open(const void *bytes, size_t size, const kin_image_limits *limits,
                          kin_dicom **out, kin_error *err);
void kin_dicom_close(kin_dicom *dicom);

/* Valid until kin_dicom_close(). */
const kin_dicom_header *kin_dicom_header_borrow(const kin_dicom *dicom);

/* Decodes frame (from 0) to stored samples: for MONOCHROME and PALETTE COLOR the stored values (sign
 * extended, bits above the stored ones cleared), for colour the values as coded (YBR stays YBR unless
 * the codec itself converts; out->channels 3).  KIN_E_FORMAT where the frame is broken or missing. */
kin_status kin_dicom_read_samples(kin_dicom *dicom, int frame, kin_samples *out, kin_error *err);

/* Modality values of a MONOCHROME frame (PS3.3 C.11.1: Modality LUT, or rescale slope and intercept;
 * Hounsfield units for CT): rows * columns floats into out. */
kin_status kin_dicom_read_values(kin_dicom *dicom, int frame, float *out, kin_error *err);

/*
 * The frame as a reader sees it: modality LUT or rescale, then VOI LUT or the first window (PS3.3
 * C.11.2, LINEAR, LINEAR_EXACT and SIGMOID), or where both are absent a default: CT a window of
 * 400 HU about 40 HU, others their 0.5th to 99.5th percentile; then MONOCHROME1 inverted; palette
 * and YBR_* to RGB.  Padding (PixelPaddingValue and its range limit) becomes black and does not
 * count for the percentiles.  Spacing is set.
 */
kin_status kin_dicom_render(kin_dicom *dicom, int frame, kin_raster *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
