/*
 * steady_images.h - made-up images for an archive, without pixels: records as a hospital's, and
 * descriptors that are mixtures of made-up ones.  What an archive does with them (embedding, rows,
 * transactions, searches) is what it does with any.
 */
#ifndef KIN_BENCH_STEADY_IMAGES_H
#define KIN_BENCH_STEADY_IMAGES_H

#include "archive/archive.h"

/* Descriptors to mix from. */
typedef struct bench_image_maker bench_image_maker;

kin_status bench_image_maker_new(uint64_t seed, bench_image_maker **out, kin_error *err);
void bench_image_maker_free(bench_image_maker *maker);

/* Puts images numbered [first, first + count), one instance each, in one transaction.  The same number
 * is always the same image. */
kin_status bench_images_put(const bench_image_maker *maker, kin_archive *archive, uint64_t first,
                            size_t count, kin_error *err);

/* A put of `batch` images every batch / rate seconds, numbered from `first`, for so many seconds or
 * until *stop (may be NULL).  A put that comes late is not made up for by haste: *inserted tells the
 * rate that was kept. */
typedef struct bench_inserting {
    kin_archive *archive;
    const bench_image_maker *maker;
    double rate, seconds;
    size_t batch;
    uint64_t first;
    _Atomic bool *stop;
    /* Filled: */
    size_t inserted;
    double took;               /* seconds */
    double put_p50, put_worst; /* of one put, in milliseconds */
} bench_inserting;

kin_status bench_insert_steadily(bench_inserting *inserting, kin_error *err);

#endif
