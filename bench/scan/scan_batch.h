/* scan_batch.h - many queries at once over every row, beside OpenBLAS's matrix product. */
#ifndef KIN_BENCH_SCAN_BATCH_H
#define KIN_BENCH_SCAN_BATCH_H

#include "scan_single.h"

/* Appends a row: `batch` queries by kin_search_batch(), by OpenBLAS (sgemm, or sgemv for one query)
 * with a top-k over its scores, and by its product alone; all by so many threads over the same rows
 * of floats (the store must be fp32).  OpenBLAS gets blocks of rows of the better of two sizes, one
 * block a thread at a time, since its own threads divide such narrow products badly. */
kin_status bench_scan_batch(const bench_scan *scan, const bench_store *store, size_t batch,
                            int threads, json_t *rows, kin_error *err);

#endif
