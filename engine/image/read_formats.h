/* read_formats.h - the readers that read.c registers (private to engine/image). */
#ifndef KIN_IMAGE_READ_FORMATS_H
#define KIN_IMAGE_READ_FORMATS_H

#include "image/read.h"

extern const kin_image_format kin_image_png;
extern const kin_image_format kin_image_jpeg;
extern const kin_image_format kin_image_tiff;

/* pages() of formats with one image a file. */
kin_status kin_image_one_page(const uint8_t *bytes, size_t size, const kin_image_limits *limits,
                              int *count, kin_error *err);

/* KIN_E_ARG unless page is 0. */
kin_status kin_image_check_only_page(int page, kin_error *err);

#endif
