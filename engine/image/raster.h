/*
 * raster.h - a picture in memory, and the few operations that every later stage shares.
 *
 * A raster holds display values: what a reader of the image would see, after rescale, window and
 * photometric interpretation, as floats from 0 (black) to 1 (white).  Rows run from the top, pixels
 * from the left, channels are interleaved: px[(y * width + x) * channels + c].
 */
#ifndef KIN_IMAGE_RASTER_H
#define KIN_IMAGE_RASTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct kin_raster {
    int width, height; /* pixels, at least 1 */
    int channels;      /* 1: grey; 3: red, green, blue (sRGB values as stored) */
    float *px;         /* width * height * channels values in [0, 1]; owned */
    double spacing_x_mm, spacing_y_mm; /* size of a pixel; 0 where unknown */
} kin_raster;

/* A rectangle of pixels: x, y of its top left corner, width and height. */
typedef struct kin_box {
    int x, y, width, height;
} kin_box;

/* Bounds that every reader of images honours; zero in a field means its default. */
typedef struct kin_image_limits {
    size_t max_frame_bytes; /* decoded bytes of one frame as float samples; default 1 GiB */
    size_t max_total_bytes; /* rows x columns x samples x bytes x frames a file may claim; default 16 GiB */
    int max_frames;         /* frames or pages of one file; default 65,536 */
} kin_image_limits;

/* `limits` (may be NULL) with every zero replaced by its default. */
kin_image_limits kin_image_limits_effective(const kin_image_limits *limits);

/* Makes a raster of zeros; KIN_E_LIMIT for a size that is not positive or overflows. */
kin_status kin_raster_init(kin_raster *raster, int width, int height, int channels, kin_error *err);

/* Frees the pixels and zeroes the fields; a zeroed raster is fine. */
void kin_raster_release(kin_raster *raster);

/* Luminance (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B); a grey source is copied. */
kin_status kin_raster_grey(const kin_raster *source, kin_raster *out, kin_error *err);

/* The part of source inside box (which must lie within it). */
kin_status kin_raster_crop(const kin_raster *source, kin_box box, kin_raster *out, kin_error *err);

/* Resamples to width x height: area averaging where it shrinks, bilinear where it grows, per axis.
 * The spacing is scaled along. */
kin_status kin_raster_resample(const kin_raster *source, int width, int height, kin_raster *out,
                               kin_error *err);

/* Resamples so that pixels are square in space when the spacing says that they are not; else copies. */
kin_status kin_raster_square_pixels(const kin_raster *source, kin_raster *out, kin_error *err);

#endif
