/*
 * raster.h - a picture in memory, and the few operations that every later stage shares.
 *
 * A raster holds display values: what a reader of the image would see, after rescale, window and
 * photometric interpretation, as floats from 0 (black) to 1 (white).  Rows run from the top, pixels
 * from the left, channels are interleaved: px[(y * width + x) * channels + c].
 *
 * Functions that fill a kin_raster *out leave it zeroed when they fail; on success the caller
 * releases it.  out is never the same object as the source.
 */
#ifndef KIN_IMAGE_RASTER_H
#define KIN_IMAGE_RASTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_raster {
    int width, height;                 /* pixels, at least 1 */
    int channels;                      /* 1: grey; 3: red, green, blue (sRGB values as stored) */
    float *px;                         /* width * height * channels values in [0, 1]; owned */
    double spacing_x_mm, spacing_y_mm; /* size of a pixel; 0 where unknown */
} kin_raster;

/* A rectangle of pixels: x, y of its top left corner, width and height. */
typedef struct kin_box {
    int x, y, width, height;
} kin_box;

/* Bounds that every reader of images honours; zero in a field means its default. */
typedef struct kin_image_limits {
    size_t max_frame_bytes; /* decoded bytes of one frame as float samples; default 1 GiB */
    size_t max_total_bytes; /* decoded bytes of all frames a file may claim; default 16 GiB */
    int max_frames;         /* frames or pages of one file; default 65,536 */
} kin_image_limits;

/* `limits` (may be NULL) with every zero replaced by its default. */
kin_image_limits kin_image_limits_effective(const kin_image_limits *limits);

/* KIN_E_LIMIT when width x height x channels floats are more than limits->max_frame_bytes (limits
 * as from kin_image_limits_effective), KIN_E_FORMAT when a size is zero.  For readers, before they
 * allocate or decode anything. */
kin_status kin_image_check_frame(uint64_t width, uint64_t height, uint64_t channels,
                                 const kin_image_limits *limits, kin_error *err);

/* Makes a raster of zeros; KIN_E_LIMIT for a size that is not positive or overflows, KIN_E_ARG for
 * channels other than 1 and 3. */
kin_status kin_raster_init(kin_raster *raster, int width, int height, int channels, kin_error *err);

/* Frees the pixels and zeroes the fields; a zeroed raster is fine. */
void kin_raster_release(kin_raster *raster);

/* Luminance (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B); a grey source is copied. */
kin_status kin_raster_grey(const kin_raster *source, kin_raster *out, kin_error *err);

/* The part of source inside box (which must lie within it: KIN_E_ARG otherwise). */
kin_status kin_raster_crop(const kin_raster *source, kin_box box, kin_raster *out, kin_error *err);

/* Turns an RGB raster whose three channels are equal in every pixel into a grey one, in place. */
void kin_raster_collapse_grey(kin_raster *raster);

/* Resamples to width x height: area averaging where it shrinks, bilinear where it grows, per axis.
 * Pixel centres lie at (i + 0.5) / n in both; edges are continued.  The spacing is scaled along. */
kin_status kin_raster_resample(const kin_raster *source, int width, int height, kin_raster *out,
                               kin_error *err);

/*
 * The width of a pixel over its height, by the spacing; 1 where it is unknown, within 1% of 1
 * (spacings come as rounded decimals), or beyond a ratio of KIN_RASTER_STRETCH_MAX (then it is an
 * error).
 */
enum { KIN_RASTER_STRETCH_MAX = 16 };
double kin_raster_aspect(const kin_raster *raster);

/* Resamples so that pixels are square in space when the spacing says that they are not; else
 * copies.  The axis with the larger pixels is stretched, so no detail is lost. */
kin_status kin_raster_square_pixels(const kin_raster *source, kin_raster *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
