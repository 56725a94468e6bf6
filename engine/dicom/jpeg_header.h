/* jpeg_header.h - what a JPEG or JPEG-LS stream says of itself before its first scan. */
#ifndef KIN_DICOM_JPEG_HEADER_H
#define KIN_DICOM_JPEG_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_JPEG_MAX_COMPONENTS = 4 };

typedef struct kin_jpeg_header {
    int marker;    /* low byte of the frame header's marker: 0xc0 … 0xcf, 0xf7 for JPEG-LS */
    int precision; /* bits of a sample */
    int rows, columns, components;
    uint8_t ids[KIN_JPEG_MAX_COMPONENTS];
    uint8_t sampling[KIN_JPEG_MAX_COMPONENTS]; /* horizontal factor << 4 | vertical factor */
    bool jfif;                                 /* an APP0 segment of JFIF */
    int adobe; /* the APP14 segment's transform (0 none, 1 YCbCr), -1 without one */
} kin_jpeg_header;

/* Walks the marker segments up to the frame header; false where there is none (or it is cut
 * off). */
bool kin_dicom_jpeg_header_read(const uint8_t *bytes, size_t size, kin_jpeg_header *out);

#ifdef __cplusplus
}
#endif

#endif
