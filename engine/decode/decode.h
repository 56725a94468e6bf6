/*
 * decode.h - from a file's bytes to descriptors.
 *
 * Recognises the format (DICOM, PNG, JPEG, TIFF; any of them also compressed by Zstandard), decodes
 * every frame or page, describes it, and hands header and frames to a sink.  This is the code that
 * meets hostile bytes with large libraries behind it, so programs do not call it: they run it in a
 * worker process through decoder.h.
 */
#ifndef KIN_DECODE_DECODE_H
#define KIN_DECODE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "dicom/region.h"

typedef struct kin_extractor kin_extractor; /* features.h */

enum {
    KIN_DECODE_REGIONS_MAX = 4096, /* regions of a wish */
    KIN_DECODE_ATTRIBUTES_MAX =
        128,                    /* descriptive attributes of one file; further ones are dropped */
    KIN_DECODE_NAME_MAX = 64,   /* bytes of an attribute's name, with its NUL */
    KIN_DECODE_TEXT_MAX = 1024, /* bytes of one value, with its NUL; cut at a character's end */
    KIN_DECODE_NICE_MAX = 19    /* the kindest that a process can be */
};

/* Bounds of one file's decoding; zero in a field means its default. */
typedef struct kin_decode_limits {
    size_t max_file_bytes;  /* of the file, and of what Zstandard makes of it; default 2 GiB */
    size_t max_frame_bytes; /* one decoded frame, as float samples; default 512 MiB */
    size_t max_total_bytes; /* rows x columns x samples x bytes x frames that a file may claim;
                               default 16 GiB */
    int max_frames;         /* default 65,536 */
    size_t memory_bytes;    /* address space of a worker; default 3 GiB */
    double seconds;         /* longest silence of a worker (each frame breaks it); default 60 */
    int nice; /* added to a worker's niceness, up to KIN_DECODE_NICE_MAX, so that an ingest does
                 not hold up searches; default 0 */
} kin_decode_limits;

/* `limits` (may be NULL) with every zero replaced by its default. */
kin_decode_limits kin_decode_limits_effective(const kin_decode_limits *limits);

/* What describes the images that a worker decodes (features.h). */
typedef struct kin_decode_features {
    const char *spec;      /* of the extractor; NULL: the default */
    const char *signature; /* that it must have; NULL: whichever */
    size_t length;         /* floats of a descriptor */
} kin_decode_features;

typedef struct kin_decode_attribute {
    const char *name;  /* the DICOM keyword in lower_snake form: [a-z0-9_]+, unique in its file */
    const char *value; /* as kin_text_clean() leaves it, never empty */
} kin_decode_attribute;

/*
 * What a file says of itself; "" where absent (PNG, JPEG and TIFF say only what their pages are).
 * Borrowed for the call.
 *
 * All text is fit for tables and records: valid UTF-8 (what was not became U+FFFD), one line,
 * without control characters, trimmed, shorter than KIN_DECODE_TEXT_MAX.  UIDs have only digits and
 * dots (see kin_text_clean_uid()); one that is broken beyond that counts as absent.
 */
typedef struct kin_decode_header {
    const char *format; /* "dicom", "png", "jpeg", "tiff", "slide" (a scanner's own format) */
    const char *sop_instance_uid, *series_instance_uid, *study_instance_uid;
    const char *patient_id, *modality, *body_part;
    const char *study_date; /* YYYYMMDD or "" */
    const kin_decode_attribute *attributes;
    size_t attribute_count;
    int frames; /* at least 1; 0: an annotation (see kin_decode_wish), and no picture */
} kin_decode_header;

/* A region that was wished for and is on the frame. */
typedef struct kin_decode_marked {
    size_t index;                 /* in the wish's regions */
    uint32_t number;              /* that region's */
    uint32_t x, y, width, height; /* the smallest box around it, in pixels as stored */
    uint64_t area;                /* pixels */
    const float *descriptor;      /* of lesion, margin and whole (parts.h); the frame's length */
} kin_decode_marked;

/* Where on a whole slide a frame lies: a slide's frames are the tiles of its mosaic
 * (slide/mosaic.h), whatever frames its file has. */
typedef struct kin_decode_tile {
    uint64_t x, y;  /* of its upper left corner, in pixels of the slide's finest level */
    uint32_t level; /* that it was read from */
    double mpp;     /* micrometres a pixel of the frame */
} kin_decode_tile;

typedef struct kin_decode_frame {
    uint32_t index;         /* from 0 */
    uint32_t width, height; /* pixels as stored, of the whole frame */
    const float *descriptor;
    size_t length; /* floats: the extractor's */
    /* A small picture of what was described, the frame or its region, where one was asked for (else
     * NULL): 8-bit samples, rows from the top, without padding.  Its pixels are square in space, so
     * its sides are the frame's in another ratio where the frame's are not. */
    const uint8_t *preview;
    uint32_t preview_width, preview_height, preview_channels; /* 1: grey, 3: RGB */
    /* Regions of the wish that have pixels here, in their order. */
    const kin_decode_marked *regions;
    size_t region_count;
    const kin_decode_tile *tile; /* NULL: not of a slide */
} kin_decode_frame;

/* A frame with one place hidden: see features/occlude.h. */
typedef struct kin_decode_occluded {
    uint32_t cell;                /* row * occlude + column */
    uint32_t x, y, width, height; /* what the grid covers, in pixels as stored */
    const float *descriptor;      /* the frame's length */
} kin_decode_occluded;

enum { KIN_DECODE_PREVIEW_MAX = 256 }; /* pixels: longest side of a preview */

/* A rectangle in pixels as stored, from the top left corner; all of it lies within the frame. */
typedef struct kin_decode_region {
    uint32_t x, y, width, height;
} kin_decode_region;

/* What is wanted of a file; all zero: descriptors of all whole frames. */
typedef struct kin_decode_wish {
    const kin_decode_region *region; /* describe this part only; KIN_E_ARG where it lies outside a
                                        frame; NULL: the whole */
    uint32_t preview_side;           /* longest side of a preview, at most KIN_DECODE_PREVIEW_MAX
                                        (smaller frames are not enlarged); 0: none */
    bool one_frame;                  /* only frame number `frame` (KIN_E_NOT_FOUND: too few) */
    uint32_t frame;                  /* from 0 */
    /* An annotation (SEG, RTSTRUCT, SR with regions) is KIN_OK, too: it gives a header with 0
     * frames, and the sink gets its regions.  Else it is KIN_E_NO_IMAGE. */
    bool annotations;
    /* What others, or a query, marked on the file's pictures, borrowed: every frame comes with a
     * description of those that are on it.  A region is for frame `frame` of the file or, with
     * KIN_REGION_ANY_FRAME, for every one that its planes meet (without planes: for every one); its
     * UIDs are not looked at: that the file is the right one is the caller's business.  KIN_E_ARG
     * where one can be on no such frame (a mask of another size).  Not together with `region`. */
    const kin_region *regions;
    size_t region_count; /* at most KIN_DECODE_REGIONS_MAX */
    /* Frames without any of the regions are left out, and cost next to nothing; with one_frame, too,
     * and then there may be none. */
    bool marked_only;
    /* The pictures are masks: each goes to the sink as a region with one mask of its pixels that
     * are at least half as bright as its brightest, instead of a frame; KIN_E_FORMAT where all are
     * black. */
    bool as_mask;
    /* The frame is described as often as a grid of so many cells a side has cells, with one of them
     * hidden each time (2 to KIN_OCCLUDE_SIDE_MAX; 0: not at all); the first of `regions` that is on
     * it, where there are any.  KIN_E_ARG without one_frame, or with `region`. */
    uint32_t occlude;
} kin_decode_wish;

/* Receives one header (of the whole file, whichever frames are wished for), then the frames, or the
 * regions of an annotation, in order.  A failure ends the decoding and is returned.  A file may also fail after its header and
 * some frames have been received: only the KIN_OK of the whole says that they hold. */
typedef struct kin_decode_sink {
    kin_status (*header)(void *ctx, const kin_decode_header *header, kin_error *err);
    kin_status (*frame)(void *ctx, const kin_decode_frame *frame, kin_error *err);
    /* Of an annotation or a mask; the region is the callee's to keep (moved: it zeroes *region) or
     * to leave.  NULL: nobody wants them. */
    kin_status (*region)(void *ctx, kin_region *region, kin_error *err);
    /* After an annotation's regions: how many of its shapes are none (points, open lines), or lie on
     * no image that could be made out.  NULL: nobody wants to know. */
    void (*skipped)(void *ctx, uint64_t shapes);
    /* Before a frame, cell by cell, where the wish asks for it (NULL otherwise). */
    kin_status (*occluded)(void *ctx, const kin_decode_occluded *occluded, kin_error *err);
    /* While a slide is looked over, before its header: it goes on.  A failure ends it.  NULL: nobody
     * wants to know. */
    kin_status (*working)(void *ctx, kin_error *err);
    void *ctx;
} kin_decode_sink;

/*
 * Decodes bytes.  name is the file's name, of which only the ending is used (NULL: none): a file
 * that no format recognises is KIN_E_FORMAT when its ending promised an image (".dcm", ".png", …)
 * and else KIN_E_NO_IMAGE, as are DICOM objects without a picture (the message is the reason:
 * "Basic Text SR", "Segmentation", …).
 *
 * extractor: what describes the pictures.  wish: what is wanted of the file (NULL: descriptors of
 * all whole frames).
 *
 * Other errors: KIN_E_ARG, KIN_E_NOT_FOUND (see kin_decode_wish), KIN_E_FORMAT (broken; with several
 * frames the message names the one that failed, and with it the file fails), KIN_E_LIMIT,
 * KIN_E_UNSUPPORTED, KIN_E_NOMEM, and the sink's own.
 */
kin_status kin_decode_bytes(const kin_extractor *extractor, const void *bytes, size_t size,
                            const char *name, const kin_decode_limits *limits,
                            const kin_decode_wish *wish, const kin_decode_sink *sink,
                            kin_error *err);

/*
 * The same for a regular file open at fd, from its beginning; the offset is not used.  Slides that
 * OpenSlide knows are read in place, others wholly into memory.
 */
kin_status kin_decode_fd(const kin_extractor *extractor, int fd, const char *name,
                         const kin_decode_limits *limits, const kin_decode_wish *wish,
                         const kin_decode_sink *sink, kin_error *err);

/* A worker ends by itself, to be followed by a fresh one, after this many files, or when its heap
 * still holds this much between files: large libraries leak, and heaps fragment. */
enum { KIN_WORKER_FILES_MAX = 2000, KIN_WORKER_HEAP_MAX = 512 * 1024 * 1024 };

/*
 * The life of a worker process: prepares the libraries and the extractor of that spec (features.h;
 * NULL: the default), enters the sandbox (sandbox.h), and takes requests on socket `fd` until the
 * other side closes it.  lifeline: the reading end of a pipe whose writing end the program holds, so
 * that the worker dies with it (-1: none).  Returns the process's exit status.
 */
int kin_decode_worker_run(int fd, int lifeline, const char *features,
                          const kin_decode_limits *limits);

#endif
