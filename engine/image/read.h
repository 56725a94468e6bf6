/*
 * read.h - PNG, JPEG and TIFF from memory.
 *
 * Readers trust nothing in the file: sizes are checked against the limits before any pixel is
 * decoded, and a library's error becomes a kin_error, never an exit.  16-bit and floating-point
 * samples keep their precision; alpha is composed over black; palettes become RGB; a colour file
 * whose three channels are equal everywhere is returned as grey.  Resolution tags give the spacing
 * where their unit is absolute.
 */
#ifndef KIN_IMAGE_READ_H
#define KIN_IMAGE_READ_H

#include "image/raster.h"

/* One file format: how it is recognised, counted and read.  Bytes are borrowed for the call. */
typedef struct kin_image_format {
    const char *name; /* "png", "jpeg", "tiff" */
    /* Nonzero when the bytes begin as this format does. */
    int (*recognise)(const uint8_t *bytes, size_t size);
    /* Number of pages (1 for PNG and JPEG). */
    kin_status (*pages)(const uint8_t *bytes, size_t size, const kin_image_limits *limits, int *count,
                        kin_error *err);
    /* Reads page (from 0) into *out, which the caller releases. */
    kin_status (*read)(const uint8_t *bytes, size_t size, int page, const kin_image_limits *limits,
                       kin_raster *out, kin_error *err);
} kin_image_format;

/* The format that recognises the bytes, or NULL. */
const kin_image_format *kin_image_format_of(const void *bytes, size_t size);

#endif
