/* unzstd.h - Zstandard within bounds. */
#ifndef KIN_DECODE_UNZSTD_H
#define KIN_DECODE_UNZSTD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* True when the bytes begin as a Zstandard frame does (RFC 8878 section 3.1.1). */
bool kin_unzstd_recognise(const void *bytes, size_t size);

/*
 * Decompresses one or more frames (as `zstd -d` does) into memory from malloc, which the caller
 * frees.  What the frames claim of their size is believed only as far as output really comes: a
 * bomb costs `limit` bytes.  KIN_E_FORMAT (damaged, truncated), KIN_E_LIMIT, KIN_E_NOMEM.
 */
kin_status kin_unzstd(const void *bytes, size_t size, size_t limit, void **out, size_t *out_size,
                      kin_error *err);

#endif
