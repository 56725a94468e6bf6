/* source_file.h - the file to decode, as a descriptor that is fit to be passed on. */
#ifndef KIN_DECODE_SOURCE_FILE_H
#define KIN_DECODE_SOURCE_FILE_H

#include <stddef.h>

#include "base/status.h"

/* Opens the regular file at path for reading.  Never waits (a FIFO without a writer).
 * KIN_E_UNSUPPORTED: not a regular file (the message says what it is); KIN_E_LIMIT: over max_bytes;
 * KIN_E_NOT_FOUND, KIN_E_IO. */
kin_status kin_source_open(const char *path, size_t max_bytes, int *fd, kin_error *err);

/* Opens the regular file behind fd anew, for reading: fd stays as it is, and nobody who gets *source
 * can move its offset or write through it.  Errors as above, and KIN_E_ARG: fd is not open. */
kin_status kin_source_from_fd(int fd, size_t max_bytes, int *source, kin_error *err);

/* Puts bytes into a sealed memfd.  KIN_E_LIMIT as above. */
kin_status kin_source_from_bytes(const void *bytes, size_t size, size_t max_bytes, int *fd,
                                 kin_error *err);

#endif
