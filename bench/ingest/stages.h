/* stages.h - the files of a folder, and the seconds that each stage of their ingest takes. */
#ifndef KIN_BENCH_STAGES_H
#define KIN_BENCH_STAGES_H

#include <stddef.h>

#include "base/status.h"
#include "features/features.h"

enum { BENCH_PARTS_MAX = 64 /* families of an extractor */ };

typedef struct bench_files {
    char **paths;
    size_t count, capacity;
} bench_files;

/* Regular files below path, in name order. */
kin_status bench_files_list(const char *path, bench_files *out, kin_error *err);
void bench_files_release(bench_files *files);

/* Seconds of one thread over files that both Kindred and DCMTK read (so that they are compared on
 * the same work), and the frames they hold. */
typedef struct bench_stages {
    size_t files, frames;
    size_t left_out; /* files that one of the two, or both, do not decode */
    double dcmtk;    /* DCMTK alone: load and render to 8 bits; 0 for PNG, JPEG, TIFF */
    /* Kindred: bytes from the disk; structure and tags; pixels; descriptor; small picture */
    double read, open, render, describe, preview;
    double embed; /* the projection */
    char signature[KIN_LAYOUT_SIGNATURE_SIZE];
    double parts[1 + BENCH_PARTS_MAX]; /* of describe, as kin_extractor_describe_timed() */
} bench_stages;

/* features: the spec of an extractor; NULL: the default. */
kin_status bench_stages_measure(const bench_files *files, const char *features, bench_stages *out,
                                kin_error *err);

#endif
