/*
 * images.h - the different images under some folders: PNG, JPEG, TIFF and DICOM, also compressed by
 * Zstandard.
 *
 * An image is a page or frame of a file.  Left out: those that cannot be decoded, that show the very
 * pixels of another (collections repeat themselves, in other codings too), that are flat, or smaller
 * than BENCH_IMAGE_SIDE_MIN pixels.
 */
#ifndef KIN_BENCH_IMAGES_H
#define KIN_BENCH_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/raster.h"

enum {
    BENCH_IMAGE_SIDE_MIN = 32,
    BENCH_IMAGE_SIDE_MAX = 512, /* larger ones are reduced: descriptors look at 256 pixels */
    BENCH_FRAMES_MAX = 16,      /* of one file, evenly spread: neighbours are nearly the same */
    BENCH_SET_NAME_SIZE = 64,
    BENCH_DIAGNOSIS_SIZE = 64
};

typedef struct bench_image {
    const char *path; /* of its file; owned by the list */
    int frame;
    uint32_t file;                        /* number of its file: its frames have one in common */
    bool colour;                          /* RGB */
    uint64_t pixels;                      /* digest of what it shows */
    char set[BENCH_SET_NAME_SIZE];        /* name of the folder that was asked for */
    char diagnosis[BENCH_DIAGNOSIS_SIZE]; /* from the manifest.csv in that folder, or "" */
} bench_image;

typedef struct bench_images {
    bench_image *items;
    size_t count, files;                /* files that gave at least one image */
    size_t unreadable, repeated, unfit; /* files; frames; frames left out */
    char **paths;                       /* owned; every file */
    size_t path_count;
} bench_images;

/* Walks the paths and decodes every file once, on `threads` threads (0: all).  In name order. */
kin_status bench_images_list(const char *const *paths, size_t count, int threads, bench_images *out,
                             kin_error *err);
void bench_images_release(bench_images *images);

/* Decodes one: square pixels, at most BENCH_IMAGE_SIDE_MAX a side. */
kin_status bench_image_load(const bench_image *image, kin_raster *out, kin_error *err);

#endif
