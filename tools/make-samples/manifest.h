/* manifest.h - manifest.csv: a row for each file. */
#ifndef SAMPLES_MANIFEST_H
#define SAMPLES_MANIFEST_H

#include <stddef.h>

#include "study.h"

/* The text so far; starts zeroed. */
typedef struct manifest {
    char *text; /* owned */
    size_t size, room;
    size_t rows;
} manifest;

kin_status manifest_add(manifest *m, const study *s, kin_error *err);

/* Writes <folder>/manifest.csv. */
kin_status manifest_write(const manifest *m, const char *folder, kin_error *err);
void manifest_release(manifest *m);

#endif
