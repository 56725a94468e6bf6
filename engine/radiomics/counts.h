/* counts.h - a sparse matrix of counts: how often (row, column) came. */
#ifndef KIN_RADIOMICS_COUNTS_H
#define KIN_RADIOMICS_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct kin_count {
    uint32_t row, column;
    double n;
} kin_count;

typedef struct kin_counts {
    kin_count *items; /* each (row, column) once, ascending, after kin_counts_settle() */
    size_t count, capacity;
} kin_counts;

/* Adds n to (row, column); memory grows with the cells that differ, not with the calls. */
kin_status kin_counts_add(kin_counts *counts, uint32_t row, uint32_t column, double n,
                          kin_error *err);

/* Adds all of another. */
kin_status kin_counts_merge(kin_counts *counts, const kin_counts *other, kin_error *err);

/* Sorts the cells by row and column and sums up equal ones. */
void kin_counts_settle(kin_counts *counts);

/* Empties it, keeping the memory; frees it. */
void kin_counts_clear(kin_counts *counts);
void kin_counts_release(kin_counts *counts);

#endif
