/*
 * slide.h - whole slides: levels of one picture that is too large to be held at once.
 *
 * A slide is read region by region.  Level 0 is the finest, the others are coarser copies of it.
 * Coordinates are 64-bit pixels of the level that they are used with, from its upper left corner.
 * Backends: a DICOM VL Whole Slide Microscopy file (one level a file: PS3.3 A.32.8), and, where the
 * build found OpenSlide, the vendors' TIFF-like files (Aperio SVS, Hamamatsu NDPI, Leica SCN,
 * Ventana BIF, Philips TIFF, Trestle, pyramids in plain TIFF).
 *
 * Colours are taken as they are coded: ICC profiles are not applied.
 */
#ifndef KIN_SLIDE_SLIDE_H
#define KIN_SLIDE_SLIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "dicom/dicom.h"
#include "image/raster.h"

typedef struct kin_slide kin_slide;

/* Where the size of a pixel comes from. */
typedef enum kin_mpp_source {
    KIN_MPP_STATED,    /* the file says it */
    KIN_MPP_OBJECTIVE, /* from the objective's power: 10 micrometres / power, as scanners have it */
    KIN_MPP_ASSUMED    /* nothing is known: taken for KIN_SLIDE_MPP_ASSUMED, a power of 20 */
} kin_mpp_source;

#define KIN_SLIDE_MPP_ASSUMED 0.5
/* Stated sizes beyond these are errors of writing, and count as unknown. */
#define KIN_SLIDE_MPP_MIN 0.02
#define KIN_SLIDE_MPP_MAX 1000.0

enum { KIN_SLIDE_LEVELS_MAX = 32 };

typedef struct kin_slide_level {
    int64_t width, height;         /* pixels, at least 1 */
    double downsample;             /* of level 0; 1 for itself */
    double mpp_x, mpp_y;           /* micrometres a pixel, always positive */
    int block_width, block_height; /* reads that begin at multiples of these and are as large decode
                                      nothing twice */
} kin_slide_level;

typedef struct kin_slide_info {
    const char *format; /* "dicom", or OpenSlide's name for the vendor ("aperio", …) */
    int channels;       /* of what is read: 3, or 1 for a grey slide */
    kin_mpp_source mpp_source;
    double objective_power;                       /* 0 where unknown */
    size_t level_count;                           /* at least 1 */
    kin_slide_level levels[KIN_SLIDE_LEVELS_MAX]; /* from the finest; further ones are left out */
} kin_slide_info;

/*
 * The slide of a file that kin_dicom_is_slide() says yes to; dicom is borrowed until the slide is
 * closed.  KIN_E_NO_IMAGE for what is not tissue at its finest: labels, overviews, thumbnails, and
 * RESAMPLED levels: the same tissue is in another file of the series, finer.  limits: as for
 * kin_dicom_open().  Other errors: kin_dicom_tiles_new()'s.
 */
kin_status kin_slide_open_dicom(kin_dicom *dicom, const kin_image_limits *limits, kin_slide **out,
                                kin_error *err);

/* True when this build can open vendors' slides. */
bool kin_slide_has_openslide(void);

/*
 * The slide in a regular file open at fd (borrowed until the slide is closed; its offset is left
 * alone).  Nothing else is opened: formats that keep a slide in several files fail.
 * KIN_E_NO_IMAGE: not a slide that OpenSlide knows (a picture, perhaps); KIN_E_FORMAT: broken;
 * KIN_E_UNSUPPORTED: built without OpenSlide.
 *
 * Behind a system-call filter this takes kin_slide_prepare() before, and sealed_fopen.c linked in.
 */
kin_status kin_slide_open_fd(int fd, const kin_image_limits *limits, kin_slide **out,
                             kin_error *err);

/* Lets OpenSlide and its libraries load what they load at first use.  Once a process. */
void kin_slide_prepare(void);

void kin_slide_close(kin_slide *slide); /* NULL is fine */

/* Valid until kin_slide_close(). */
const kin_slide_info *kin_slide_info_borrow(const kin_slide *slide);

/*
 * Reads width x height pixels of a level whose upper left one is (x, y), which lies on the level;
 * what lies beyond its right and lower edge, and tiles that a sparse slide lacks, is background
 * (white; black on a grey slide).  KIN_E_ARG: no such region; KIN_E_LIMIT: more than
 * limits->max_frame_bytes; KIN_E_FORMAT: a tile is broken.  The spacing is set.
 */
kin_status kin_slide_read(kin_slide *slide, size_t level, int64_t x, int64_t y, int width,
                          int height, kin_raster *out, kin_error *err);

/* False when the region is known to hold nothing, so that reading it can be spared. */
bool kin_slide_has(const kin_slide *slide, size_t level, int64_t x, int64_t y, int64_t width,
                   int64_t height);

/* The coarsest level whose pixels are at most mpp large (with a tolerance of 5%: powers are
 * rounded), else level 0. */
size_t kin_slide_level_for(const kin_slide_info *info, double mpp);

/*
 * A square of side_um micrometres whose upper left corner lies at (x_um, y_um) from the slide's,
 * cut off at the slide's edges, at mpp micrometres a pixel: read from kin_slide_level_for() and
 * shrunk by area averaging.  Where the slide is coarser than that nothing is enlarged: out->spacing
 * says what came of it.  *level (may be NULL): what was read.
 */
kin_status kin_slide_read_square(kin_slide *slide, double x_um, double y_um, double side_um,
                                 double mpp, kin_raster *out, size_t *level, kin_error *err);

#endif
