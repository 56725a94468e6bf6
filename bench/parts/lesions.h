/* lesions.h - sets of outlined lesions. */
#ifndef KIN_BENCH_LESIONS_H
#define KIN_BENCH_LESIONS_H

#include <limits.h>
#include <stddef.h>

#include "base/status.h"

/* An ellipse on a picture, in shares of its width and height. */
typedef struct bench_lesion {
    char path[PATH_MAX];
    char kind[32], patient[64];
    double x, y, radius_x, radius_y;
} bench_lesion;

typedef struct bench_lesions {
    bench_lesion *list;
    size_t count;
} bench_lesions;

/* The tumours of brain-lesions.csv, outlined for this measurement by no radiologist: each slice is
 * taken for a patient of its own. */
kin_status bench_lesions_brain(const char *data, bench_lesions *out, kin_error *err);

/* The circles of mammography-roi/roi.csv, on the films of mammography/. */
kin_status bench_lesions_films(const char *data, bench_lesions *out, kin_error *err);

void bench_lesions_release(bench_lesions *lesions);

#endif
