/* formats_npy.h - the head of a .npy (private to formats.c and its test). */
#ifndef KIN_BENCH_FORMATS_NPY_H
#define KIN_BENCH_FORMATS_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct bench_npy_head {
    size_t size;       /* bytes up to the numbers */
    size_t count, dim; /* the two axes */
    bool bytes;        /* "|u1"; else "<f4" */
} bench_npy_head;

/* Reads the head (NumPy's format, versions 1 to 3): a Python dictionary with the keys descr,
 * fortran_order and shape, of which exactly one each is wanted.  KIN_E_FORMAT, KIN_E_UNSUPPORTED. */
kin_status bench_npy_head_read(const void *bytes, size_t size, bench_npy_head *out, kin_error *err);

#endif
