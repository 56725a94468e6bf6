/* inline.h - functions that each file compiles for its own instruction set (kernels_tables.h). */
#ifndef KIN_SIMD_INLINE_H
#define KIN_SIMD_INLINE_H

/* Inlined into callers that pass constants: counts unroll, arrays of registers stay registers, and
 * functions that are passed are called by name. */
#define KIN_INLINE static inline __attribute__((always_inline, unused))

#endif
