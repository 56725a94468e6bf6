/* made_slide.h - slides written for tests: a picture cut into the frames of a DICOM file. */
#ifndef KIN_TEST_MADE_SLIDE_H
#define KIN_TEST_MADE_SLIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "dicom/write.h"

/* A picture of 8-bit samples, rows from the top. */
typedef struct made_picture {
    int width, height, channels;
    uint8_t *px; /* owned */
} made_picture;

/* All of one value. */
made_picture made_picture_new(int width, int height, int channels, uint8_t value);
void made_picture_release(made_picture *picture);

typedef struct made_slide {
    const made_picture *picture;
    int tile_width, tile_height;
    double mpp; /* 0: nothing is said of it */
    kin_dicom_syntax syntax;
    bool sparse;               /* every tile with its place, in an order of no meaning */
    bool leave_out_blank;      /* sparse: without tiles that are white */
    int focal_planes;          /* 0: 1; of the others every sample is 7 */
    int part_from, part_count; /* a concatenation's part: these frames of it alone; 0: all */
    const char *image_type;    /* NULL: ORIGINAL\PRIMARY\VOLUME\NONE */
    const char *objective_power;
    const char *patient_id;
    const char *series_uid, *instance_uid; /* NULL: some */
} made_slide;

/* The file's bytes from malloc; fails the running test where they cannot be made. */
void *made_slide_bytes(const made_slide *slide, size_t *size);

#endif
