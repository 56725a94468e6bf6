/*
 * vectors_make.h - embeddings of real images and of views of them, as many as are wanted.
 *
 * Each view is described and embedded as an ingest does it; the embedder is learnt on all images as
 * they are and on some of their views, as an archive learns from what it holds.  Descriptors lie in
 * a file without a name meanwhile: they are 18.7 kB each.
 */
#ifndef KIN_BENCH_VECTORS_MAKE_H
#define KIN_BENCH_VECTORS_MAKE_H

#include "embed/embed.h"
#include "images.h"

/* One image among those that views are made of, and the view of it that a row is. */
typedef struct bench_row_origin {
    uint32_t image;
    uint32_t view; /* 0: the image as it is */
} bench_row_origin;

/* Which rows to make: row r is view first_view + r / image_count of image r % image_count, so that
 * neighbouring rows are of different images. */
typedef struct bench_rows_wish {
    const bench_image *images;
    const uint32_t *chosen; /* numbers of images, image_count of them */
    size_t image_count, count;
    uint32_t first_view;
    uint64_t seed;
    int threads; /* 0: all */
} bench_rows_wish;

bench_row_origin bench_row_origin_of(const bench_rows_wish *wish, size_t row);

/* Descriptors of rows, in a file that goes when this is closed. */
typedef struct bench_descriptors {
    int file;
    size_t count, length;
    const float *rows; /* the file in memory; packed */
} bench_descriptors;

/* folder: where the file may lie.  Tells on standard error how far it is when that is a terminal. */
kin_status bench_descriptors_make(const bench_rows_wish *wish, const char *folder,
                                  bench_descriptors *out, kin_error *err);
void bench_descriptors_close(bench_descriptors *descriptors);

/* Learns from the first `sample` descriptors. */
kin_status bench_descriptors_learn(const bench_descriptors *descriptors, size_t sample, int threads,
                                   kin_embedder **out, kin_error *err);

/* Embeds all and writes them to a .npy; *empty counts those that the model sees nothing in. */
kin_status bench_descriptors_embed(const bench_descriptors *descriptors,
                                   const kin_embedder *embedder, const char *path, size_t *empty,
                                   kin_error *err);

#endif
