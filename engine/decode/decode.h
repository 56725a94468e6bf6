/*
 * decode.h - from a file's bytes to descriptors.
 *
 * Recognises the format (DICOM, PNG, JPEG, TIFF; any of them also as one Zstandard frame), decodes every frame or page,
 * describes it, and hands header and frames to a sink.  This is the code that meets hostile bytes with large libraries
 * behind it, so programs do not call it: they run it in a worker process through decoder.h.
 */
#ifndef KIN_DECODE_DECODE_H
#define KIN_DECODE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    KIN_DECODE_ATTRIBUTES_MAX = 128,  /* descriptive attributes of one file */
    KIN_DECODE_TEXT_MAX = 1024        /* bytes of one value; longer ones are cut at a character's end */
};

/* Bounds of one file's decoding; zero in a field means its default. */
typedef struct kin_decode_limits {
    size_t max_file_bytes;  /* size of the file, and of what Zstandard or deflate make of it; default 2 GiB */
    size_t max_frame_bytes; /* one decoded frame, as float samples; default 512 MiB */
    size_t max_total_bytes; /* rows x columns x samples x bytes x frames that a file may claim; default 16 GiB */
    int max_frames;         /* default 65,536 */
    size_t memory_bytes;    /* address space of a worker; default 3 GiB */
    double seconds;         /* longest silence of a worker (each frame breaks it); default 60 */
} kin_decode_limits;

kin_decode_limits kin_decode_limits_effective(const kin_decode_limits *limits);

typedef struct kin_decode_attribute {
    const char *name, *value; /* UTF-8; name in lower_snake form */
} kin_decode_attribute;

/* What a file says of itself; texts are "" where absent (PNG, JPEG, TIFF have none). Borrowed for the call. */
typedef struct kin_decode_header {
    const char *format; /* "dicom", "png", "jpeg", "tiff" */
    const char *sop_instance_uid, *series_instance_uid, *study_instance_uid;
    const char *patient_id, *modality, *body_part, *study_date;
    const kin_decode_attribute *attributes;
    size_t attribute_count;
    int frames;
} kin_decode_header;

typedef struct kin_decode_frame {
    uint32_t index;         /* from 0 */
    uint32_t width, height; /* pixels as stored */
    const float *descriptor;
    size_t length;          /* floats: kin_descriptor_length() */
} kin_decode_frame;

/* Receives one header, then the frames in order.  A failure ends the decoding and is returned. */
typedef struct kin_decode_sink {
    kin_status (*header)(void *ctx, const kin_decode_header *header, kin_error *err);
    kin_status (*frame)(void *ctx, const kin_decode_frame *frame, kin_error *err);
    void *ctx;
} kin_decode_sink;

/* Decodes bytes.  name is the file's name, only its ending is used: a file that no format recognises is
 * KIN_E_FORMAT when its ending promised an image (".dcm", ".png", …) and else KIN_E_NO_IMAGE, as are DICOM objects without a
 * picture (the message is the reason: "Basic Text SR", …). */
kin_status kin_decode_bytes(const void *bytes, size_t size, const char *name, const kin_decode_limits *limits,
                            const kin_decode_sink *sink, kin_error *err);

/* The life of a worker process: takes requests on socket `fd` until it is closed.  Enters the sandbox (sandbox.h)
 * first.  Returns the process's exit status. */
int kin_decode_worker_run(int fd, const kin_decode_limits *limits);

#endif
