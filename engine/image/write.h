/* write.h - a raster as PNG: thumbnails, captures, test files. */
#ifndef KIN_IMAGE_WRITE_H
#define KIN_IMAGE_WRITE_H

#include "image/raster.h"

/* Encodes as 8-bit grey or RGB PNG into memory from malloc, which the caller frees. */
kin_status kin_image_encode_png(const kin_raster *raster, void **out, size_t *out_size,
                                kin_error *err);

#endif
