/* pictures.h - a recognised file as a row of pictures (private to the worker's side). */
#ifndef KIN_DECODE_PICTURES_H
#define KIN_DECODE_PICTURES_H

#include "decode/decode.h"
#include "dicom/dicom.h"
#include "features/features.h"
#include "image/read.h"

/* Where the pictures come from. */
typedef struct kin_pictures {
    int frames;
    kin_status (*read)(const struct kin_pictures *self, int frame, kin_raster *out, kin_error *err);
    kin_dicom *dicom;
    const kin_image_format *format;
    const uint8_t *bytes;
    size_t size;
    kin_image_limits limits;
    struct kin_slide_source *slide; /* slides.c's own */
} kin_pictures;

/* What the caller asked for, on its way through the formats. */
typedef struct kin_job {
    const kin_extractor *extractor;
    kin_image_limits limits;
    kin_decode_wish wish;
    const kin_decode_sink *sink;
} kin_job;

/* decode.c: a job of these parts; limits as from kin_decode_limits_effective(). */
kin_job kin_job_of(const kin_extractor *extractor, const kin_decode_limits *limits,
                   const kin_decode_wish *wish, const kin_decode_sink *sink);

/* decode.c: describes the pictures that are wished for, one after another, to the job's sink, which
 * has the header already. */
kin_status kin_decode_pictures(const kin_pictures *pictures, const kin_job *job, kin_error *err);

#endif
