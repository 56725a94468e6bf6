/* codec.h - one compressed frame in memory to samples: what each codec offers to frame.c. */
#ifndef KIN_DICOM_CODEC_H
#define KIN_DICOM_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the file says about the frame. */
typedef struct kin_codec_frame {
    int rows, columns, samples;
    int bits_allocated; /* 8, 16 or 32 */
    bool is_signed;
} kin_codec_frame;

/* What colour a decoder's samples have. */
typedef enum kin_codec_colour {
    KIN_COLOUR_AS_LABELLED, /* as PhotometricInterpretation says */
    KIN_COLOUR_RGB,         /* the codec has undone its transform, or never had one */
    KIN_COLOUR_YBR_FULL
} kin_codec_colour;

/* Decoded samples: native order, channels interleaved, rows * columns * samples of them. */
typedef struct kin_codec_samples {
    void *data;     /* from malloc; the caller frees */
    int bytes;      /* of one sample: 1, 2 or 4 */
    int precision;  /* significant low bits */
    bool is_signed; /* the code stream itself says signed (JPEG 2000); data are sign extended */
    kin_codec_colour colour;
} kin_codec_samples;

/* RLE (PS3.5 annex G): bytes is bits_allocated / 8, precision bits_allocated. */
kin_status kin_dicom_rle_decode(const kin_codec_frame *frame, const uint8_t *bytes, size_t size,
                                kin_codec_samples *out, kin_error *err);

/* JPEG, all processes that DCMTK's three libraries know.  `lossless` tells which family the
 * transfer syntax promised; it decides how an unlabelled colour space is understood. */
kin_status kin_dicom_jpeg_decode(const kin_codec_frame *frame, bool lossless, const uint8_t *bytes,
                                 size_t size, kin_codec_samples *out, kin_error *err);

/* JPEG-LS, by DCMTK's copy of CharLS. */
kin_status kin_dicom_jpeg_ls_decode(const kin_codec_frame *frame, const uint8_t *bytes, size_t size,
                                    kin_codec_samples *out, kin_error *err);

/* JPEG 2000 and HTJ2K code streams (also within a JP2 file), by OpenJPEG. */
kin_status kin_dicom_jpeg2000_decode(const kin_codec_frame *frame, const uint8_t *bytes,
                                     size_t size, kin_codec_samples *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
