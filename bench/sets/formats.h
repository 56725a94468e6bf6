/*
 * formats.h - files of vectors as the field exchanges them, read in place by mmap.
 *
 *   .npy    NumPy's array of two axes: float32 ("<f4") or bytes ("|u1"), in C order; versions 1 to 3
 *   .fvecs  each vector an int32 of its dimensions, then as many floats (TEXMEX, SIFT1M and GIST1M)
 *   .bvecs  the same with bytes (SIFT1B)
 *   .ivecs  the same with int32s: the answers that belong to such sets
 *   .fbin   uint32 of vectors, uint32 of dimensions, then all numbers: floats (big-ann-benchmarks)
 *   .u8bin  the same with bytes (YFCC-10M of its filter track)
 *
 * A file is a stranger's: what its head claims is checked against its size before any of it is
 * believed.  Numbers are little-endian.  The file must not shrink while it is open.
 */
#ifndef KIN_BENCH_FORMATS_H
#define KIN_BENCH_FORMATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "mapping.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_DIM_MAX = 1 << 16 };

enum bench_number { BENCH_F32, BENCH_U8, BENCH_I32 };

/* `count` vectors of `dim` numbers; the i-th begins at first + i * step bytes, aligned to nothing. */
typedef struct bench_matrix {
    enum bench_number number;
    size_t count, dim, step;
    const uint8_t *first;
    bench_mapping file;
} bench_matrix;

/* The format is told by the name's end.  KIN_E_FORMAT: it does not hold what it says; KIN_E_LIMIT:
 * more than BENCH_DIM_MAX dimensions; KIN_E_UNSUPPORTED: another end, another kind of number, columns
 * first. */
kin_status bench_matrix_open(const char *path, bench_matrix *out, kin_error *err);
void bench_matrix_close(bench_matrix *matrix);

/* The i-th vector's numbers as floats. */
void bench_matrix_row(const bench_matrix *matrix, size_t i, float *out);

/* Writes a .npy of float32 row by row: begin, each row, then end, which puts it in its place; or
 * abandon, which leaves nothing. */
typedef struct bench_npy_writer bench_npy_writer;
kin_status bench_npy_begin(const char *path, size_t count, size_t dim, bench_npy_writer **out,
                           kin_error *err);
kin_status bench_npy_rows(bench_npy_writer *writer, const float *rows, size_t count,
                          kin_error *err);
/* Frees the writer, also when it fails.  KIN_E_ARG unless `count` rows have come. */
kin_status bench_npy_end(bench_npy_writer *writer, kin_error *err);
void bench_npy_abandon(bench_npy_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
