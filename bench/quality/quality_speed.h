/* quality_speed.h - what describing an image takes, on one core. */
#ifndef KIN_BENCH_QUALITY_SPEED_H
#define KIN_BENCH_QUALITY_SPEED_H

#include "archive/manifest.h"

typedef struct bench_quality_speed {
    size_t images;
    double cpu_seconds; /* an image: of the worker's processor time, decoding, preview and
                           description, its start left out */
} bench_quality_speed;

/* Describes up to `most` images of the manifest, evenly spread, one after the other in one worker.
 * features: NULL for the default. */
kin_status bench_quality_speed_measure(const kin_manifest *manifest, const char *features,
                                       size_t most, bench_quality_speed *out, kin_error *err);

#endif
