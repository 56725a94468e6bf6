/* write.h - a raster as PNG or JPEG: thumbnails, captures, test files. */
#ifndef KIN_IMAGE_WRITE_H
#define KIN_IMAGE_WRITE_H

#include "image/raster.h"

/* `count` samples as the encoders store them: 255 times the value, rounded; below 0 and NaN: 0,
 * above 1: 255. */
void kin_image_quantise(const float *px, size_t count, uint8_t *out);

/* Encodes as 8-bit grey or RGB PNG into memory from malloc, which the caller frees. */
kin_status kin_image_encode_png(const kin_raster *raster, void **out, size_t *out_size,
                                kin_error *err);

/* The same as baseline JPEG (JFIF, YCbCr without subsampling: stains are told by colour), of
 * quality 1 to 100 in libjpeg's scale.  The spacing is not written.  KIN_E_ARG for another quality
 * or no raster at all, KIN_E_LIMIT for a side over KIN_IMAGE_JPEG_SIDE_MAX, KIN_E_NOMEM. */
enum { KIN_IMAGE_JPEG_SIDE_MAX = 65500 };
kin_status kin_image_encode_jpeg(const kin_raster *raster, int quality, void **out,
                                 size_t *out_size, kin_error *err);

#endif
