/* kernels_tables.h - the tables that the files kernels_<set>.c define; private to this folder.
 *
 * Each of those files is compiled with its own instruction set's flags, so nothing in it may run
 * before kernels.c has asked the processor, and it may define no inline function that other files
 * share: the linker could keep the copy compiled for the larger set. */
#ifndef KIN_SIMD_KERNELS_TABLES_H
#define KIN_SIMD_KERNELS_TABLES_H

#include "simd/kernels.h"

extern const kin_kernels kin_kernels_scalar;
#if defined(__x86_64__)
extern const kin_kernels kin_kernels_avx2;
extern const kin_kernels kin_kernels_avx512;
#elif defined(__aarch64__)
extern const kin_kernels kin_kernels_neon;
#endif

#endif
