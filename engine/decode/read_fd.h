/* read_fd.h - a whole file into memory (private to the worker's side). */
#ifndef KIN_DECODE_READ_FD_H
#define KIN_DECODE_READ_FD_H

#include <stddef.h>

#include "base/status.h"

/* Reads the whole file into memory from malloc, which the caller frees.  Not by mmap: a file
 * that is cut short meanwhile would mean SIGBUS.  KIN_E_LIMIT: it is larger than limit;
 * KIN_E_IO. */
kin_status kin_read_fd(int fd, size_t limit, void **out, size_t *out_size, kin_error *err);

#endif
