/*
 * dicom.h - DICOM files: tags, frames and what they look like.
 *
 * A kin_dicom is opened from bytes in memory (the caller keeps them alive until it is closed).
 * Opening first walks the structure (see prescan.h), so that DCMTK meets neither bottomless nesting
 * nor lengths that lie, and checks rows x columns x samples x bits x frames against the limits
 * before any pixel is decoded.  Even so DCMTK is a large parser of hostile input: run it in a
 * worker process.
 *
 * Native pixels are read from the caller's bytes; compressed frames are decoded one at a time.
 * Objects share nothing: several threads may use one each, but not one together.
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

/*
 * Identity and description.  Text is UTF-8 ("" where absent), trimmed, owned by the kin_dicom.
 *
 * The attributes (those present and not empty) tell of the study, the device, the technique and the
 * patient's sex, age, size and weight; never names, birth dates, addresses or physicians.  In
 * enhanced images they also come from the functional groups, the shared ones or the first frame's.
 * Three are derived: "anatomic_region" (the code's meaning), "sop_class" and "transfer_syntax"
 * (their names).  See describe.c for all.
 */
typedef struct kin_dicom_header {
    kin_dicom_kind kind;
    /* For people: the SOP class's name ("Basic Text SR", "Segmentation", …), or what is missing. */
    const char *kind_reason;
    const char *transfer_syntax_uid;
    const char *sop_class_uid, *sop_instance_uid, *series_instance_uid, *study_instance_uid;
    const char *patient_id, *modality;
    const char *body_part;  /* BodyPartExamined */
    const char *study_date; /* YYYYMMDD as stored, possibly empty */
    const kin_dicom_attribute *attributes;
    size_t attribute_count;
    int rows, columns, frames, samples_per_pixel; /* 0 without pixels */
    int bits_allocated, bits_stored, high_bit;
    bool is_signed;
    const char *photometric_interpretation;
    /* Of the first frame's pixels, 0 where unknown: functional groups, PixelSpacing,
     * ImagerPixelSpacing, ultrasound regions, a whole slide's extent.  Where only the aspect ratio
     * is known x is 1 and y the ratio: then only their quotient means anything. */
    double spacing_x_mm, spacing_y_mm;
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
 * registrations), so that they work behind a system-call filter, and silences DCMTK's log.  Call
 * once per process, before kin_dicom_open().  KIN_E_NOT_FOUND where DCMTK's dictionary is not
 * installed. */
kin_status kin_dicom_prepare(kin_error *err);

/* True when the bytes look like DICOM: "DICM" at 128, or a plausible data set without preamble. */
bool kin_dicom_recognise(const void *bytes, size_t size);

/* Parses; the result is closed with kin_dicom_close().  Files without pixels open too (see kind).
 * Errors: KIN_E_FORMAT (broken, truncated, fewer pixels than claimed), KIN_E_LIMIT (absurd),
 * KIN_E_UNSUPPORTED (pixels of a kind that is not decoded: video, CMYK, …), with the reason. */
kin_status kin_dicom_open(const void *bytes, size_t size, const kin_image_limits *limits,
                          kin_dicom **out, kin_error *err);
void kin_dicom_close(kin_dicom *dicom);

/* Valid until kin_dicom_close(). */
const kin_dicom_header *kin_dicom_header_borrow(const kin_dicom *dicom);

/* Decodes frame (from 0) to stored samples: for MONOCHROME and PALETTE COLOR the stored values
 * (sign extended, bits above the stored ones cleared), for colour the values as coded (YBR stays
 * YBR unless the codec itself converts; out->channels 3).  KIN_E_FORMAT where the frame is broken
 * or missing. */
kin_status kin_dicom_read_samples(kin_dicom *dicom, int frame, kin_samples *out, kin_error *err);

/* Modality values of a MONOCHROME frame (PS3.3 C.11.1: Modality LUT, or rescale slope and
 * intercept; Hounsfield units for CT): rows * columns floats into out.  KIN_E_UNSUPPORTED for
 * colour. */
kin_status kin_dicom_read_values(kin_dicom *dicom, int frame, float *out, kin_error *err);

/* The frame's values where they are Hounsfield units: a grey raster of the frame's size, whose
 * pixels are these values, no levels.  *out stays empty (px NULL) where they are not: no CT, or one
 * that says nothing of rescaling. */
kin_status kin_dicom_hounsfield(kin_dicom *dicom, int frame, kin_raster *out, kin_error *err);

/*
 * The frame as a reader sees it: modality LUT or rescale, then VOI LUT or the first window (PS3.3
 * C.11.2, LINEAR, LINEAR_EXACT and SIGMOID), or where both are absent a default: for CT in
 * Hounsfield units (modality CT, and rescaled) a window of 400 HU about 40 HU, for others their
 * 0.5th to 99.5th percentile; then MONOCHROME1 inverted; palette and YBR_* to RGB.  Padding
 * (PixelPaddingValue and its range limit; of floating-point pixels also what is no number) becomes
 * black and does not count for the percentiles.  Overlays are not drawn.  Spacing is set.
 */
kin_status kin_dicom_render(kin_dicom *dicom, int frame, kin_raster *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
