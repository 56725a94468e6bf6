/* kernels_tables.h - the functions that the files <set>_<numbers>.c define; private to this folder.
 *
 * Each of those files is compiled with its own instruction set's flags, so nothing in it may run
 * before kernels.c has asked the processor, and it may define no inline function with external
 * linkage: the linker could keep the copy compiled for the larger set.  What their functions do is
 * said in kernels.h. */
#ifndef KIN_SIMD_KERNELS_TABLES_H
#define KIN_SIMD_KERNELS_TABLES_H

#include "simd/kernels.h"

#define KIN_DECLARE_FLOATS(set)                                                                    \
    float kin_##set##_dot(const float *a, const float *b, size_t dim);                             \
    float kin_##set##_l2sq(const float *a, const float *b, size_t dim);                            \
    void kin_##set##_dot_rows(const float *query, const float *rows, size_t stride, size_t count,  \
                              size_t dim, float *out);                                             \
    void kin_##set##_dot_block(const float *queries, size_t query_stride, size_t query_count,      \
                               const float *rows, size_t stride, size_t count, size_t dim,         \
                               float *out, size_t out_stride)

#define KIN_DECLARE_HALVES(set)                                                                    \
    float kin_##set##_dot_half(const float *query, const uint16_t *row, size_t dim);               \
    float kin_##set##_l2sq_half(const float *query, const uint16_t *row, size_t dim);              \
    void kin_##set##_dot_rows_half(const float *query, const uint16_t *rows, size_t stride,        \
                                   size_t count, size_t dim, float *out);                          \
    void kin_##set##_to_half(const float *from, uint16_t *to, size_t count);                       \
    void kin_##set##_from_half(const uint16_t *from, float *to, size_t count)

#define KIN_DECLARE_CODES(set)                                                                     \
    int32_t kin_##set##_dot_code(const int8_t *a, const int8_t *b, size_t dim);                    \
    int64_t kin_##set##_l2sq_code(const int8_t *a, const int8_t *b, size_t dim);                   \
    void kin_##set##_dot_rows_code(const int8_t *query, const int8_t *rows, size_t stride,         \
                                   size_t count, size_t dim, int32_t *out);                        \
    void kin_##set##_dot_gather_code(const int8_t *query, const int8_t *rows, size_t stride,       \
                                     const uint32_t *at, size_t count, size_t dim, int32_t *out)

KIN_DECLARE_FLOATS(scalar);
KIN_DECLARE_HALVES(scalar);
KIN_DECLARE_CODES(scalar);
#if defined(__x86_64__)
KIN_DECLARE_FLOATS(avx2);
KIN_DECLARE_HALVES(avx2);
KIN_DECLARE_CODES(avx2);
KIN_DECLARE_FLOATS(avx512);
KIN_DECLARE_HALVES(avx512);
KIN_DECLARE_CODES(avx512);
KIN_DECLARE_CODES(avx512vnni);
#elif defined(__aarch64__)
KIN_DECLARE_FLOATS(neon);
KIN_DECLARE_HALVES(neon);
KIN_DECLARE_CODES(neon);
KIN_DECLARE_CODES(neondot);
#endif

#endif
