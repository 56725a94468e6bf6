/*
 * read.h - PNG, JPEG and TIFF from memory.
 *
 * Readers trust nothing in the file: sizes are checked against the limits before any pixel is
 * decoded, and a library's error becomes a kin_error, never an exit.  A truncated or damaged file
 * is KIN_E_FORMAT, even where its library would fill the rest with grey.  Alpha is composed over
 * black; palettes become RGB; a colour file whose three channels are equal everywhere is returned
 * as grey.  Resolution tags give the spacing where their unit is absolute.  Orientation tags are
 * not applied: rows come in the order of the file.
 *
 * Unsigned samples of up to 16 bits are divided by their largest possible value.  Signed, 32-bit
 * and floating-point samples (TIFF) have no such scale: values that all lie in [0, 1] are kept,
 * others are mapped from their finite minimum and maximum to 0 and 1; NaN becomes 0.
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
    kin_status (*pages)(const uint8_t *bytes, size_t size, const kin_image_limits *limits,
                        int *count, kin_error *err);
    /* Reads page (from 0; KIN_E_ARG when there is none such) into *out, which the caller
     * releases. */
    kin_status (*read)(const uint8_t *bytes, size_t size, int page, const kin_image_limits *limits,
                       kin_raster *out, kin_error *err);
} kin_image_format;

/* The format that recognises the bytes, or NULL. */
const kin_image_format *kin_image_format_of(const void *bytes, size_t size);

#endif
