/*
 * cohort.h - which rows may be answers to a query: drawn at random, or correlated with the query by
 * its class.
 */
#ifndef KIN_BENCH_COHORT_H
#define KIN_BENCH_COHORT_H

#include <roaring/roaring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum bench_relation {
    BENCH_AT_RANDOM,  /* any row */
    BENCH_SAME_CLASS, /* the query's class only; where it has too few rows, all of them and further
                           rows at random */
    BENCH_OTHER_CLASSES /* anything but the query's class; where that is too few, all of it */
} bench_relation;

/* "at random", "the query's class", "not its class". */
const char *bench_relation_name(bench_relation relation);

typedef struct bench_cohort {
    roaring_bitmap_t *members; /* by row */
    uint8_t *bits;             /* the same, a bit a row: what FAISS takes */
    size_t count;              /* of members */
    size_t rows;               /* that there are */
} bench_cohort;

/* Draws round(share * rows) rows, but at least one, as the relation says.  classes: each row's class
 * (not needed at random).  The same seed draws the same rows. */
kin_status bench_cohort_draw(const uint32_t *classes, size_t rows, uint32_t query_class,
                             bench_relation relation, double share, uint64_t seed,
                             bench_cohort *out, kin_error *err);
/* Of a bitmap of rows, which is taken over also on failure. */
kin_status bench_cohort_of(roaring_bitmap_t *members, size_t rows, bench_cohort *out,
                           kin_error *err);
void bench_cohort_release(bench_cohort *cohort);

static inline bool bench_cohort_has(const bench_cohort *cohort, size_t row)
{
    return cohort->bits[row / 8] >> (row % 8) & 1;
}

#endif
