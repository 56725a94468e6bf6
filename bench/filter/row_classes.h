/* row_classes.h - the class of each row and query of a set: what conditions are correlated by. */
#ifndef KIN_BENCH_ROW_CLASSES_H
#define KIN_BENCH_ROW_CLASSES_H

#include "vector_set.h"

enum { BENCH_ANCHORS = 32, BENCH_CLASSES_MAX = 4096 };

typedef struct bench_classes {
    uint32_t *rows, *queries; /* of each a number below count */
    size_t count;
    bool from_labels; /* those beside the vectors' file: diagnoses.  Else a row's class is the
                         nearest of BENCH_ANCHORS rows that are spread evenly over the set */
} bench_classes;

/* file: the set's, or NULL.  Labels that are there must fit the set (KIN_E_FORMAT). */
kin_status bench_classes_find(const bench_set *set, const char *file, bench_classes *out,
                              kin_error *err);
void bench_classes_release(bench_classes *classes);

#endif
