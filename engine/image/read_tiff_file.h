/* read_tiff_file.h - a TIFF in memory as libtiff's file (private to engine/image). */
#ifndef KIN_IMAGE_READ_TIFF_FILE_H
#define KIN_IMAGE_READ_TIFF_FILE_H

#include <tiffio.h>

#include "image/raster.h"

typedef struct kin_tiff_file {
    const uint8_t *bytes;
    uint64_t size, at;
    TIFF *tiff;
    char message[128]; /* libtiff's first complaint about the current call */
} kin_tiff_file;

/* Opens bytes, which are borrowed until kin_tiff_close().  libtiff allocates no more than a frame's
 * limit at once. */
kin_status kin_tiff_open(kin_tiff_file *file, const uint8_t *bytes, size_t size,
                         const kin_image_limits *limits, kin_error *err);

/* Also for a file that kin_tiff_open() failed on. */
void kin_tiff_close(kin_tiff_file *file);

/* KIN_E_FORMAT with libtiff's first complaint. */
kin_status kin_tiff_malformed(const kin_tiff_file *file, kin_error *err);

#endif
